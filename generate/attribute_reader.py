"""A small classifier of one attribute, learned from two folders of real faces that differ in it.

What it reads is what the folders hold and nothing else: "gender" as somebody sorted photographs.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.datasets.picture_arrays import read_folder
from unmask.generate.game import OptionError
from unmask.generate.pictures import to_tensor
from unmask.generate.shares import Share, share
from unmask.generate.training import TrainingError

LEAST = 20  # pictures in either folder
_AT_ONCE = 256  # pictures that are read together

Faces = NDArray[np.uint8]  # (N, S, S, 3)


@dataclass(frozen=True, kw_only=True)
class AttributeConfig:
    """Options of a training, kept on the card of what is found with it."""

    images: int = 60_000  # that are learned from in all, half of them from either folder
    batch: int = 64
    lr: float = 1e-3  # of AdamW, falling to 0 along a cosine
    decay: float = 1e-2  # of weights
    width: int = 24  # channels of the first layer
    shift: float = 0.05  # of the side, at most, either way
    noise: float = 0.03  # deviation, of levels in [-1, 1]: no attribute hides in the last bits
    held_out: float = 0.1  # of each folder's pictures
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class TwoFolders:
    """Faces without an attribute and with it, and those of either that are held out."""

    without: Faces
    having: Faces
    without_held_out: Faces
    having_held_out: Faces


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """On held-out faces: of both folders, and of each."""

    both: Share
    without: Share
    having: Share


class AttributeReader(nn.Module):
    """(N, 3, S, S) in [-1, 1] -> (N,) logits: above 0 where a face has the attribute.

    S is a power of two from 8 on.
    """

    def __init__(self, side: int, width: int = AttributeConfig.width) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, after = 3, width
        for _ in range(int(math.log2(side)) - 2):  # to 4 x 4
            convolution = nn.Conv2d(before, after, 3, 2, 1, bias=False)
            layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
            before, after = after, min(2 * after, 4 * width)
        self.trunk = nn.Sequential(*layers)
        # Where in the face something is seen counts: faces are aligned.
        self.leave = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(16 * before, 1))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.leave(self.trunk(images))[:, 0]
        return logits


def read_two(
    without: Path, having: Path, side: int, config: AttributeConfig, cache: Path | None = None
) -> TwoFolders:
    """Two folders at `side` pixels, split by file. A picture that is there twice counts once.

    Raises DatasetError as `read_folder` does, and OptionError: too few pictures, or one that lies
    in both folders.
    """
    one, other = (_unique(read_folder(f, side, cache=cache).pixels) for f in (without, having))
    if one.keys() & other.keys():
        raise OptionError(f"The same picture lies in {without.name} and in {having.name}.")
    parts = []
    for folder, found in ((without, one), (having, other)):
        if len(found) < LEAST:
            raise OptionError(f"{folder.name} holds {len(found)} pictures; {LEAST} are needed.")
        parts.append(_split(found, config))
    return TwoFolders(
        without=parts[0][0], without_held_out=parts[0][1],
        having=parts[1][0], having_held_out=parts[1][1],
    )  # fmt: skip


def _unique(pixels: Faces) -> dict[str, NDArray[np.uint8]]:
    return {hashlib.sha256(one.tobytes()).hexdigest(): one for one in pixels}


def _split(found: dict[str, NDArray[np.uint8]], config: AttributeConfig) -> tuple[Faces, Faces]:
    """(to learn from, held out): the order of digests is chance, and the same everywhere."""
    faces = np.stack([found[digest] for digest in sorted(found)])
    many = max(1, round(config.held_out * len(faces)))
    return faces[many:], faces[:many]


def train_reader(folders: TwoFolders, config: AttributeConfig, device: str) -> AttributeReader:
    """A reader in evaluation mode, on `device`. Raises TrainingError where it does not learn."""
    classes = [to_tensor(faces) for faces in (folders.without, folders.having)]
    steps = max(1, config.images // config.batch)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        net = AttributeReader(folders.without.shape[1], config.width).to(device).train()
        optimiser = torch.optim.AdamW(net.parameters(), config.lr, weight_decay=config.decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        half = config.batch // 2
        labels = torch.arange(2.0, device=device).repeat_interleave(half)
        for step in range(steps):
            drawn = [faces[torch.randint(len(faces), (half,))] for faces in classes]
            logits = net(changed(torch.cat(drawn).to(device), config))
            loss = F.binary_cross_entropy_with_logits(logits, labels)
            if not math.isfinite(loss.item()):
                raise TrainingError(f"The loss is {loss.item()} in step {step + 1}.")
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return net.eval().requires_grad_(False)


def changed(images: Tensor, config: AttributeConfig) -> Tensor:
    """(N, 3, S, S) mirrored or not, shifted and with noise: what no attribute depends on."""
    n, side = len(images), images.shape[2]
    mirror = torch.rand(n, 1, 1, 1, device=images.device) < 0.5
    images = torch.where(mirror, images.flip(3), images)
    reach = max(1, round(config.shift * side))
    padded = F.pad(images, (reach,) * 4, "replicate")
    # One shift for each of a few groups: as good as one for each picture, and much cheaper.
    groups = []
    for group in padded.chunk(8):
        y, x = (int(v) for v in torch.randint(2 * reach + 1, (2,)))
        groups.append(group[:, :, y : y + side, x : x + side])
    shifted = torch.cat(groups)
    return shifted + config.noise * torch.randn_like(shifted)


@torch.inference_mode()
def accuracy(reader: AttributeReader, folders: TwoFolders) -> Accuracy:
    """How many held-out faces it puts into the folder that they come from."""
    device = next(reader.parameters()).device
    hits, counts = [], []
    for faces, has in ((folders.without_held_out, False), (folders.having_held_out, True)):
        parts = [to_tensor(faces[i : i + _AT_ONCE]) for i in range(0, len(faces), _AT_ONCE)]
        said = torch.cat([reader(part.to(device)) > 0 for part in parts])
        hits.append(int((said == has).sum()))
        counts.append(len(faces))
    return Accuracy(
        both=share(sum(hits), sum(counts)),
        without=share(hits[0], counts[0]),
        having=share(hits[1], counts[1]),
    )
