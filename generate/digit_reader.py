"""A classifier of digits, trained on real ones: it reads what a generator was asked for.

    python -m unmask.generate.digit_reader --data MNIST --out digit_reader.safetensors

Its last layer but one also serves as the features that digits are compared by (extractors.py).
"""

import argparse
import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unmask.card import Card, load_card
from unmask.datasets.picture_arrays import Pictures, read_digits
from unmask.errors import UnmaskError, WeightsError
from unmask.generate.distances import QualityError
from unmask.generate.pictures import to_tensor
from unmask.generate.shares import share
from unmask.generate.training import TrainingError

WEIGHTS = Path(__file__).parent / "weights" / "digit_reader.safetensors"
SIDE = 32  # pixels
CLASSES = 10
FEATURES = 64
BATCH = 500  # pictures that are read at once
COMMAND = "python -m unmask.generate.digit_reader --data MNIST --out digit_reader.safetensors"


@dataclass(frozen=True, kw_only=True)
class ReaderConfig:
    """Options of a training, kept on the card."""

    images: int = 60_000  # distorted digits that are learned from in all
    batch: int = 100
    lr: float = 2e-3  # of Adam, falling to 0 along a cosine
    width: int = 16  # channels of the first layer
    turn: float = 12.0  # degrees, at most, either way
    shift: float = 2.0  # pixels, at most
    stretch: float = 0.12  # of each side, at most; also the slant
    ripple: float = 0.8  # pixels, deviation of the elastic distortion
    seed: int = 1


class DigitReader(nn.Module):
    """(N, 1 or 3, 32, 32) in [-1, 1], white on black -> (N, 10) logits."""

    def __init__(self, width: int = ReaderConfig.width) -> None:
        super().__init__()

        def layer(before: int, after: int, size: int, stride: int = 1) -> list[nn.Module]:
            convolution = nn.Conv2d(before, after, size, stride, size // 2, bias=False)
            return [convolution, nn.BatchNorm2d(after), nn.ReLU()]

        self.trunk = nn.Sequential(
            *layer(1, width, 5, 2),
            *layer(width, 2 * width, 3), nn.MaxPool2d(2),
            *layer(2 * width, 4 * width, 3),
            *layer(4 * width, 4 * width, 3), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.2),
            nn.Linear(4 * width * 16, FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.leave = nn.Linear(FEATURES, CLASSES)

    def features(self, images: Tensor) -> Tensor:
        """(N, 64), 0 or more. Raises QualityError for pictures of another shape."""
        if images.ndim != 4 or images.shape[1] not in (1, 3) or images.shape[2:] != (SIDE, SIDE):
            raise QualityError(
                f"The digit reader takes (N, 1 or 3, {SIDE}, {SIDE}), not {tuple(images.shape)}."
            )
        found: Tensor = self.trunk(images.float().mean(1, keepdim=True))
        return found

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.leave(self.features(images))
        return logits

    @torch.inference_mode()
    def read(self, images: Tensor) -> Tensor:
        """(N,) the digit that each picture is read as; in evaluation mode for the while."""
        trained, device = self.training, next(self.parameters()).device
        self.eval()
        parts = [self(part.to(device)).argmax(1).cpu() for part in torch.split(images, BATCH)]
        self.train(trained)
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64)


def distorted(images: Tensor, config: ReaderConfig, generator: torch.Generator) -> Tensor:
    """(N, 1, 32, 32) as other hands might have written it: turned, moved, stretched, rippled.

    Simard et al. 2003, "Best practices for convolutional neural networks"; the ripple is smooth
    noise on 5 x 5 points, spread over the picture.
    """
    n, half = len(images), SIDE / 2

    def within(most: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape, generator=generator) * 2 - 1) * most

    angle = within(math.radians(config.turn))
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(n, 2, 2)
    stretch = torch.eye(2) + within(config.stretch, 2, 2)
    affine = torch.cat([turn @ stretch, within(config.shift / half, 2, 1)], 2)
    grid = F.affine_grid(affine, [n, 1, SIDE, SIDE], align_corners=False)
    noise = torch.randn(n, 2, 5, 5, generator=generator) * (config.ripple / half)
    ripple = F.interpolate(noise, size=(SIDE, SIDE), mode="bicubic", align_corners=False)
    # What lies beyond the edge is black, which is -1.
    moved = F.grid_sample(images + 1, grid + ripple.permute(0, 2, 3, 1), align_corners=False)
    return moved - 1


def train(pictures: Pictures, config: ReaderConfig, console: Console | None = None) -> DigitReader:
    """A reader that learned from distorted `pictures`, in evaluation mode.

    Raises TrainingError: digits without labels from 0 to 9, of another size, or a loss that is not
    finite.
    """
    digits = _checked(pictures)
    images = to_tensor(np.ascontiguousarray(pictures.pixels))
    steps = -(-config.images // config.batch)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        rng = np.random.default_rng(config.seed)
        generator = torch.Generator().manual_seed(config.seed)
        net = DigitReader(config.width).train()
        optimiser = torch.optim.Adam(net.parameters(), config.lr)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for step in range(steps):
            chosen = torch.from_numpy(rng.integers(len(images), size=config.batch))
            logits = net(distorted(images[chosen], config, generator))
            loss = F.cross_entropy(logits, digits[chosen])
            if not math.isfinite(loss.item()):
                raise TrainingError(f"The loss is {loss.item()} in step {step + 1}.")
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if console and step % 100 == 99:
                console.print(f"step {step + 1} of {steps}: loss {loss.item():.3f}", markup=False)
    return net.eval()


def _checked(pictures: Pictures) -> Tensor:
    """(N,) the labels."""
    labels, shape = pictures.labels, pictures.pixels.shape
    if labels is None or not len(labels) or labels.min() < 0 or labels.max() >= CLASSES:
        raise TrainingError("The digit reader learns from pictures with labels from 0 to 9.")
    if shape != (len(labels), SIDE, SIDE, 1):
        raise TrainingError(f"The digit reader learns from (N, {SIDE}, {SIDE}, 1), not {shape}.")
    return torch.from_numpy(labels)


def measured(reader: DigitReader, held_out: Pictures) -> dict[str, Any]:
    """How many held-out digits it reads right, in all and of each class, as a card keeps it."""
    digits = _checked(held_out)
    read = reader.read(to_tensor(np.ascontiguousarray(held_out.pixels)))
    right = (read == digits).numpy()
    by_class = {str(c): share(int(right[digits == c].sum()), int((digits == c).sum()))
                for c in sorted(set(digits.tolist()))}  # fmt: skip
    return {
        "held-out digits": asdict(share(int(right.sum()), len(right))),
        "by class": {name: asdict(part) for name, part in by_class.items()},
    }


def save_reader(
    reader: DigitReader, out: Path, held_out: Pictures, config: ReaderConfig, learned_from: int
) -> Card:
    """Write the weights in half precision, and their card with what these rounded weights reach."""
    out.parent.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in reader.state_dict().items()
    }
    save_file({name: value.contiguous() for name, value in state.items()}, out)
    card = Card(
        name="digit_reader",
        sha256=hashlib.sha256(out.read_bytes()).hexdigest(),
        task="Which digit is this? Reads conditional samples; its features compare sets of digits.",
        architecture=f"four convolutions with batch norm, {FEATURES} features, 10 logits;"
        f" {sum(p.numel() for p in reader.parameters()):,} parameters",
        papers=(
            "Simard et al. 2003, Best practices for convolutional neural networks",
            "Wilson 1927, Probable inference (intervals)",
        ),
        data=(f"MNIST (LeCun, Cortes, Burges): {learned_from:,} digits",),
        licence="CC BY-SA 3.0, as MNIST is commonly said to be",
        command=COMMAND,
        calibration={},
        thresholds={},
        results=measured(_of_file(out), held_out) | {"options": asdict(config)},
        weaknesses=(
            "It names a digit for every picture, also for one that shows none.",
            "MNIST's hands alone: centred, white on black, 32 pixels.",
            "Its features know what they were trained on: compare with the floor of held-out"
            " digits.",
        ),
    )
    card.save(out.with_suffix(".json"))
    return card


def load_reader(path: Path = WEIGHTS) -> DigitReader:
    """A trained reader, in evaluation mode. Raises WeightsError where it is not its card's."""
    load_card(path)
    return _of_file(path)


def _of_file(path: Path) -> DigitReader:
    try:
        state = load_file(path)
        reader = DigitReader(len(state["trunk.0.weight"]))
        reader.load_state_dict(state)
    except (OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"{path} holds no digit reader.") from error
    return reader.eval().requires_grad_(False)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MNIST's IDX files")
    parser.add_argument("--out", type=Path, required=True, help="weights; their card lies beside")
    parser.add_argument("--images", type=int, default=ReaderConfig.images)
    parser.add_argument("--seed", type=int, default=ReaderConfig.seed)
    given = parser.parse_args()
    config, console = ReaderConfig(images=given.images, seed=given.seed), Console()
    try:
        pictures = read_digits(given.data, SIDE)
        held_out = read_digits(given.data, SIDE, held_out=True)
        reader = train(pictures, config, console)
        card = save_reader(reader, given.out, held_out, config, len(pictures.pixels))
    except UnmaskError as error:
        console.print(str(error), markup=False)
        raise SystemExit(2) from error
    console.print_json(data=card.results["held-out digits"])


if __name__ == "__main__":
    main()
