"""Train the image detector. Read it top to bottom.

    python -m unmask.detect.train --data DATA --backbone WEIGHTS.pth --out runs/patchnet

Batches are half real, half generated; every picture goes through the same random chain. Some
pictures get a patch of another pasted in, so that the patch logits learn to point. Only the TRAIN
split is learned from; VALIDATION (other sources and other generators) is watched, to choose the
options of this file by. A run that was stopped goes on from its last checkpoint.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from unmask.datasets.manifest import Sample, Split, samples
from unmask.detect.encodings import Chain, random_chain
from unmask.detect.evaluation.figures import auc
from unmask.detect.patchnet import STRIDE, PatchNet, load_backbone

VALIDATION_PICTURES = 160  # of a corpus: enough to choose a checkpoint by


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Options of a run, saved as JSON beside its checkpoints."""

    crop: int = 192  # pixels a side
    batch: int = 24  # half real, half generated
    steps: int = 1200
    lr: float = 6e-4  # of the trunk; the head learns three times as fast
    weight_decay: float = 0.02
    warmup: int = 100  # steps
    ema: float = 0.99  # decay a step
    drop_path: float = 0.15
    paste: float = 0.1  # part of a batch that gets a foreign patch
    check_every: int = 100  # steps between validations and checkpoints
    seed: int = 1
    chain: Chain = field(default_factory=Chain)


class Stream(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless (image (3, crop, crop) in [0, 1], patch targets (crop/16, crop/16)) pairs."""

    def __init__(self, data: list[Sample], config: TrainConfig, start: int) -> None:
        self.pixels = {
            fake: [np.asarray(Image.open(s.path).convert("RGB")) for s in data if s.fake is fake]
            for fake in (False, True)
        }
        # Corpora count alike within a class as the square root of their size: a hundred
        # photographs are not drowned by five hundred faces.
        self.weights = {
            fake: _weights([s for s in data if s.fake is fake]) for fake in (False, True)
        }
        self.config = config
        self.start = start

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng((self.config.seed, self.start, worker.id if worker else 0))
        fake = False
        while True:
            fake = not fake
            yield self._one(fake, rng)

    def _draw(self, fake: bool, rng: np.random.Generator) -> NDArray[np.uint8]:
        return self.pixels[fake][rng.choice(len(self.weights[fake]), p=self.weights[fake])]

    def _one(self, fake: bool, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        size = self.config.crop
        pixels = self._draw(fake, rng)
        target = np.full((size // STRIDE, size // STRIDE), float(fake), np.float32)
        if rng.random() < self.config.paste:
            pixels = random_chain(pixels, rng, Chain(jpeg=0, webp=0), size).copy()
            other_fake = bool(rng.random() < 0.5)
            other = random_chain(self._draw(other_fake, rng), rng, Chain(jpeg=0, webp=0), size)
            mask = _ellipse(size, rng)
            pixels[mask] = other[mask]
            cells = mask.reshape(size // STRIDE, STRIDE, size // STRIDE, STRIDE).mean((1, 3))
            target = (target * (1 - cells) + float(other_fake) * cells).astype(np.float32)
            pixels = random_chain(pixels, rng, Chain(resize=0, blur=0, noise=0, colour=0), size)
        else:
            pixels = random_chain(pixels, rng, self.config.chain, size)
        image = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        return image.float() / 255, torch.from_numpy(target)


def _weights(data: list[Sample]) -> NDArray[np.float64]:
    count = {c: sum(s.corpus == c for s in data) for c in {s.corpus for s in data}}
    weight: NDArray[np.float64] = np.array([count[s.corpus] ** -0.5 for s in data])
    normal: NDArray[np.float64] = weight / weight.sum()
    return normal


def _ellipse(size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    y, x = np.mgrid[:size, :size]
    cy, cx = rng.uniform(0.2, 0.8, 2) * size
    ry, rx = rng.uniform(0.15, 0.4, 2) * size
    inside: NDArray[np.bool_] = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
    return inside


def loss_of(logits: Tensor, target: Tensor) -> Tensor:
    """Patches against their cells; and, where a picture is of one kind, their mean against it."""
    patch = F.binary_cross_entropy_with_logits(logits, target)
    whole = target.mean((1, 2))
    pure = (whole < 1e-6) | (whole > 1 - 1e-6)
    picture = F.binary_cross_entropy_with_logits(logits.mean((1, 2))[pure], whole[pure])
    return 0.5 * patch + picture


def validation_set(data: list[Sample], config: TrainConfig) -> dict[str, tuple[Tensor, Tensor]]:
    """Fixed crops, one a picture, through a fixed draw of the chain: corpus -> (images, labels)."""
    sets: dict[str, tuple[Tensor, Tensor]] = {}
    for corpus in sorted({s.corpus for s in data}):
        rng = np.random.default_rng(7)
        found = [s for s in data if s.corpus == corpus]
        chosen = [found[i] for i in sorted(rng.permutation(len(found))[:VALIDATION_PICTURES])]
        images = [
            random_chain(
                np.asarray(Image.open(s.path).convert("RGB")), rng, config.chain, config.crop
            )
            for s in chosen
        ]
        stacked = torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy())
        sets[corpus] = stacked, torch.tensor([s.fake for s in chosen])
    return sets


@torch.inference_mode()
def validate(
    net: nn.Module, sets: dict[str, tuple[Tensor, Tensor]], device: str
) -> dict[str, float]:
    """AUC by corpus, where it has both classes, and "all" over everything together."""
    net.eval()
    scores = {}
    for corpus, (images, _) in sets.items():
        parts = [
            net(b.to(device).float() / 255).mean((1, 2)).cpu() for b in torch.split(images, 32)
        ]
        scores[corpus] = torch.cat(parts).numpy()
    labels = {c: y.numpy() for c, (_, y) in sets.items()}
    found = {c: auc(labels[c], scores[c]) for c in sets if len(set(labels[c].tolist())) == 2}
    found["all"] = auc(np.concatenate(list(labels.values())), np.concatenate(list(scores.values())))
    return found


def schedule(step: int, config: TrainConfig) -> float:
    """Linear warm-up, then half a cosine down to 2%."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    part = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * min(part, 1.0))))


def train(data: Path, out: Path, config: TrainConfig, backbone: Path | None, device: str) -> Path:
    """Train and return the path of the last checkpoint; `averaged` reads what it learned."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(asdict(config), indent=1))
    torch.manual_seed(config.seed)
    everything = samples(data)
    learned = [s for s in everything if s.split is Split.TRAIN]
    sets = validation_set([s for s in everything if s.split is Split.VALIDATION], config)

    net = PatchNet(config.drop_path)
    if backbone is not None:
        load_backbone(net, torch.load(backbone, weights_only=True, map_location="cpu"))
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = torch.optim.swa_utils.get_ema_multi_avg_fn(config.ema)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=ema, use_buffers=True)
    head = list(net.head.parameters())
    trunk = [p for p in net.parameters() if all(p is not h for h in head)]
    optimizer = torch.optim.AdamW(
        [{"params": trunk, "lr": config.lr}, {"params": head, "lr": 3 * config.lr}],
        weight_decay=config.weight_decay,
    )
    planned = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, config))
    done = 0
    last = out / "last.pt"
    if last.exists():
        saved = torch.load(last, weights_only=True)
        net.load_state_dict(saved["net"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        planned.load_state_dict(saved["planned"])
        done = saved["step"]

    stream = Stream(learned, config, done)
    loader = iter(DataLoader(stream, batch_size=config.batch, num_workers=1, prefetch_factor=4))
    began, losses = time.time(), []
    for step in range(done, config.steps):
        images, target = next(loader)
        net.train()
        images = images.to(device, memory_format=torch.channels_last)
        loss = loss_of(net(images), target.to(device))
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()} at step {step}")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        planned.step()
        average.update_parameters(net)
        losses.append(loss.item())
        if (step + 1) % config.check_every and step + 1 != config.steps:
            continue
        found = validate(average.module, sets, device)
        row = {"step": step + 1, "loss": float(np.mean(losses)), "seconds": time.time() - began}
        losses = []
        with (out / "log.jsonl").open("a") as log:
            log.write(json.dumps(row | {f"auc_{k}": round(v, 4) for k, v in found.items()}) + "\n")
        torch.save(
            {"net": net.state_dict(), "average": average.state_dict(), "step": step + 1,
             "optimizer": optimizer.state_dict(), "planned": planned.state_dict()},
            last,
        )  # fmt: skip
    return last


def averaged(checkpoint: Path) -> dict[str, Tensor]:
    """The running average of a run's weights, as a state of PatchNet."""
    saved = torch.load(checkpoint, weights_only=True, map_location="cpu")["average"]
    return {k.removeprefix("module."): v for k, v in saved.items() if k.startswith("module.")}


def main() -> None:
    """Command line: each flag is a field of TrainConfig, or where things lie."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and log")
    parser.add_argument("--backbone", type=Path, help="ImageNet weights of EfficientNet-Lite0")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    defaults = TrainConfig()
    for name in ("crop", "batch", "steps", "lr", "warmup", "ema", "drop_path", "paste",
                 "check_every", "seed"):  # fmt: skip
        value = getattr(defaults, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--colour", type=float, default=defaults.chain.colour)
    given = vars(parser.parse_args())
    data, out, backbone, device = (given.pop(k) for k in ("data", "out", "backbone", "device"))
    chain = Chain(colour=given.pop("colour"))
    train(data, out, TrainConfig(**given, chain=chain), backbone, device)


if __name__ == "__main__":
    main()
