"""Train the likelihood expert on photographs alone. Read it top to bottom.

    python -m unmask.detect.likelihood_train --data DATASET... --out FOLDER --steps N

The coder learns from photographs of the TRAIN split; no generated picture is read. Photographs of
VALIDATION, under several encodings, say where photographs lie: half of the sources give the middle
and the spread, the other half the distances that p-values are counted in. A run that was stopped
goes on from its last checkpoint, and ends at the same weights. With `--measure DATASET...` the card
says how well VALIDATION fakes of those sets are told from their photographs.
"""

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unmask.card import Card
from unmask.datasets.loaders import load
from unmask.datasets.manifest import CAMERA, Sample, Split, draw
from unmask.detect.encodings import Chain, jpeg, random_chain, resize, webp
from unmask.detect.evaluation.resampling import estimate
from unmask.detect.likelihood import (
    WHOLE,
    Coder,
    Floats,
    Pixels,
    Range,
    Surprise,
    out_of_range,
    save_expert,
    score,
    surprise,
)
from unmask.detect.pair_stream import read_picture
from unmask.detect.tiles import TILE, tile_corners
from unmask.detect.train import schedule

ENCODINGS: dict[str, Callable[[Pixels], Pixels]] = {
    "clean": lambda p: p,
    "JPEG 90": lambda p: jpeg(p, 90),
    "JPEG 70": lambda p: jpeg(p, 70),
    "WebP 80": lambda p: webp(p, 80),
    "scaled 0.75": lambda p: resize(p, 0.75),
}
MEASURED = ("clean", "JPEG 70")
ALARM = 0.01  # a p-value below it is out of range
SHRINKAGE = 0.05  # of correlations, towards none


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Options of a run, saved as JSON beside its checkpoints."""

    crop: int = 96  # pixels a side
    batch: int = 12
    steps: int = 1600
    lr: float = 3e-3
    warmup: int = 50  # steps
    check_every: int = 100  # steps between checkpoints
    windows: int = 4  # of a large picture that are kept in memory
    most: int = 80  # validation photographs of a corpus
    seed: int = 1
    chain: Chain = field(
        default_factory=lambda: Chain(
            resize=0.3, jpeg=0.4, jpeg_quality=(70, 99), webp_quality=(75, 99), twice=0.05,
            blur=0, noise=0.02, noise_sigma=2, colour=0,
        )
    )  # fmt: skip


def photographs(data: Iterable[str], split: Split, most: int | None = None) -> list[Sample]:
    """The photographs of a split, at most `most` of each corpus."""
    found = [s for where in data for s in load(where, limit=most, both_classes=False)]
    return [s for s in found if not s.fake and s.split is split]


def windows(pixels: Pixels, most: int) -> list[Pixels]:
    """At most `most` tiles of a large picture, spread evenly; a small one whole."""
    if pixels.shape[0] * pixels.shape[1] <= WHOLE:
        return [pixels]
    corners = tile_corners(*pixels.shape[:2])
    keep = np.linspace(0, len(corners) - 1, min(most, len(corners)))
    chosen = [corners[round(float(i))] for i in keep]
    return [pixels[y : y + TILE, x : x + TILE].copy() for y, x in chosen]


class Crops:
    """Batches of encoded crops; the batch of a step depends on the seed and the step alone."""

    def __init__(self, samples: Sequence[Sample], config: TrainConfig) -> None:
        self.windows = [windows(read_picture(s), config.windows) for s in samples]
        # Corpora count as the square root of their size: wallpapers are not drowned by faces.
        count = Counter(s.corpus for s in samples)
        chance = np.array([count[s.corpus] ** -0.5 for s in samples])
        self.chance = chance / chance.sum()
        self.config = config

    def batch(self, step: int) -> Tensor:
        """(B, 3, crop, crop) in 0-255."""
        rng = np.random.default_rng((self.config.seed, step))
        crops = []
        for i in rng.choice(len(self.windows), self.config.batch, p=self.chance):
            window = self.windows[i][rng.integers(len(self.windows[i]))]
            crops.append(random_chain(window, rng, self.config.chain, self.config.crop))
        return torch.from_numpy(np.stack(crops).transpose(0, 3, 1, 2).copy()).float()


def train(samples: Sequence[Sample], out: Path, config: TrainConfig, device: str = "cpu") -> Coder:
    """Learn from `samples`, or go on from the checkpoint in `out`.

    Raises ValueError where one of them is not a photograph of the TRAIN split.
    """
    if not samples or any(s.fake or s.split is not Split.TRAIN for s in samples):
        raise ValueError("the coder learns from photographs of the TRAIN split alone")
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(asdict(config), indent=1))
    torch.manual_seed(config.seed)
    coder = Coder().to(device)
    optimizer = torch.optim.Adam(coder.parameters(), lr=config.lr)
    planned = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: schedule(step, warmup=config.warmup, steps=config.steps, floor=0.01),
    )
    last, done = out / "last.pt", 0
    if last.exists():
        saved = torch.load(last, weights_only=True, map_location=device)
        coder.load_state_dict(saved["coder"])
        optimizer.load_state_dict(saved["optimizer"])
        planned.load_state_dict(saved["planned"])
        done = saved["step"]
    crops, began = Crops(samples, config), time.time()
    losses: list[list[float]] = []
    for step in range(done, config.steps):
        levels = [cost.mean() for cost in coder.costs(crops.batch(step).to(device))]
        loss = torch.stack(levels).sum()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()} at step {step}")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(coder.parameters(), 1.0)
        optimizer.step()
        planned.step()
        losses.append([cost.item() for cost in levels])
        if (step + 1) % config.check_every and step + 1 != config.steps:
            continue
        bits = np.mean(losses, 0).round(4).tolist()
        row = {"step": step + 1, "bits": bits, "seconds": round(time.time() - began, 1)}
        losses = []
        with (out / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")
        torch.save(
            {"coder": coder.state_dict(), "optimizer": optimizer.state_dict(),
             "planned": planned.state_dict(), "step": step + 1},
            last,
        )  # fmt: skip
    return coder


def fit_range(vectors: Floats, sources: Sequence[str]) -> Range:
    """The range of photographs with (N, D) vectors; views of one source stay on one side.

    Half of the sources give mean and precision, the rest the distances. ValueError where one half
    has fewer views than D + 1.
    """
    first = np.array([draw(f"range/{s}", (0.5, 0.5)) is Split.TRAIN for s in sources])
    if min(first.sum(), (~first).sum()) < vectors.shape[1] + 1:
        raise ValueError(f"{len(vectors)} views of photographs are too few for a range")
    mean, spread = vectors[first].mean(0), vectors[first].std(0) + 1e-9
    alike = np.corrcoef((vectors[first] - mean) / spread, rowvar=False)
    alike = (1 - SHRINKAGE) * alike + SHRINKAGE * np.eye(len(mean))
    middle = Range(
        mean=mean, precision=np.linalg.inv(alike * np.outer(spread, spread)), distances=np.zeros(0)
    )
    distances = np.sort([middle.distance(v) for v in vectors[~first]])
    return Range(mean=mean, precision=middle.precision, distances=distances)


@dataclass(frozen=True, kw_only=True)
class View:
    """What the coder said of a picture under an encoding."""

    sample: Sample
    encoding: str
    found: Surprise


def look(coder: Coder, samples: Iterable[Sample], encodings: Iterable[str]) -> list[View]:
    """Every sample under every named encoding."""
    names, views = list(encodings), []
    for sample in samples:
        pixels = read_picture(sample)
        for name in names:
            found = surprise(coder, ENCODINGS[name](pixels))
            views.append(View(sample=sample, encoding=name, found=found))
    return views


def range_of(views: Sequence[View]) -> Range:
    """The range of views of photographs."""
    vectors = np.array([v.found.vector for v in views])
    return fit_range(vectors, [v.sample.source for v in views])


def alarms(views: Sequence[View]) -> dict[str, list[float]]:
    """Encoding or corpus -> share of photographs out of range, and how many were looked at.

    The range is fitted on half of the sources, and the other half is counted.
    """
    half = [draw(f"alarms/{v.sample.source}", (0.5, 0.5)) is Split.TRAIN for v in views]
    fitted = range_of([v for v, first in zip(views, half, strict=True) if first])
    rest = [v for v, first in zip(views, half, strict=True) if not first]
    names = {"all": rest}
    names |= {e: [v for v in rest if v.encoding == e] for e in ENCODINGS}
    names |= {c: [v for v in rest if v.sample.corpus == c] for c in {v.sample.corpus for v in rest}}
    return {
        name: [float(np.mean([out_of_range(v.found, fitted) < ALARM for v in part])), len(part)]
        for name, part in names.items()
        if part
    }


def told_apart(views: Sequence[View], fitted: Range) -> dict[str, dict[str, list[float]]]:
    """Encoding and generator -> AUC of score and oddness with 95% interval, fakes and photographs.

    A generator meets the photographs of the same data set. 0.5 is chance.
    """
    report = {}
    generators = sorted({v.sample.generator for v in views if v.sample.fake})
    for encoding in sorted({v.encoding for v in views}):
        shown = [v for v in views if v.encoding == encoding]
        for name in ("pooled", *generators):
            wanted = {name, CAMERA} if name != "pooled" else {CAMERA, *generators}
            part = [v for v in shown if v.sample.generator in wanted]
            report[f"{encoding} | {name}"] = _told_apart(part, fitted)
    return report


def _told_apart(views: Sequence[View], fitted: Range) -> dict[str, list[float]]:
    fake = np.array([v.sample.fake for v in views])
    row: dict[str, list[float]] = {"n": [int(fake.sum()), int((~fake).sum())]}
    for name, values in {
        "score": [score(v.found, fitted) for v in views],
        "oddness": [fitted.distance(v.found.vector) for v in views],
    }.items():
        found = estimate(fake, values, [v.sample.source for v in views])
        row[name] = [round(float(x), 4) for x in (found.value, found.low, found.high)]
    return row


def publish(coder: Coder, data: Sequence[str], out: Path, config: TrainConfig,
            measure: Sequence[str] = ()) -> Path:  # fmt: skip
    """Fit the range on VALIDATION photographs, measure, write weights and card to `out`."""
    coder = coder.half().float().eval()  # as it will be read again
    held = photographs(data, Split.VALIDATION, config.most)
    views = look(coder, held, ENCODINGS)
    fitted = range_of(views)
    results: dict[str, Any] = {"validation photographs out of range, and views": alarms(views)}
    for where in measure:
        judged = [s for s in load(where) if s.split is Split.VALIDATION]
        results[Path(where).name] = told_apart(look(coder, judged, MEASURED), fitted)
    path = out / "likelihood.safetensors"
    save_expert(coder, fitted, path)
    corpora = Counter(s.corpus for s in photographs(data, Split.TRAIN))
    card = Card(
        name="likelihood",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        task="Says how surprising a picture is to a coder that has seen photographs alone, and "
        "whether it is out of the range of photographs.",
        architecture="lossless coder of 3 levels: depthwise 5x5 trunks of 32 channels, three "
        "autoregressive heads a level, mixtures of 3 discretised logistics; 35k parameters",
        papers=(
            "Cozzolino et al. 2024, Zero-Shot Detection of AI-Generated Images (ZED)",
            "Cao et al. 2020, Lossless Image Compression through Super-Resolution (SReC)",
            "Salimans et al. 2017, PixelCNN++",
        ),
        data=tuple(f"{name}: {n} photographs" for name, n in sorted(corpora.items())),
        licence="as the data of the run allows",
        command="python -m unmask.detect.likelihood_train --data DATASET... --out FOLDER "
        f"--steps {config.steps} --seed {config.seed}",
        calibration={
            "range": "VALIDATION photographs", "photographs": len(held), "views": list(ENCODINGS),
        },
        thresholds={"out_of_range": ALARM},
        results=results,
        weaknesses=(
            "An odd picture is not a generated one: drawings, screenshots, strong compression and "
            "heavy editing are out of the range of photographs too.",
            "It looks at half a megapixel of a large picture.",
        ),
    )  # fmt: skip
    card.save(path.with_suffix(".json"))
    return path


def main() -> None:
    """Command line: flags are fields of TrainConfig, or where things lie."""
    defaults = TrainConfig()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="data sets with photographs")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, weights and card")
    parser.add_argument("--measure", nargs="*", default=[], help="data sets with fakes to tell")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    for name in ("steps", "crop", "batch", "lr", "warmup", "check_every", "seed"):
        value = getattr(defaults, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    given = vars(parser.parse_args())
    data, out, measure, device = (given.pop(k) for k in ("data", "out", "measure", "device"))
    config = TrainConfig(**given)
    coder = train(photographs(data, Split.TRAIN), out, config, device)
    publish(coder.cpu(), data, out, config, measure)


if __name__ == "__main__":
    main()
