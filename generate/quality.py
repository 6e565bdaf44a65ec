"""How good a generator is: its pictures against training pictures, beside two yardsticks.

    assess(training, held_out, fake, find("randomconv-v1"), np.random.default_rng(1))

The floor is what held-out reals get, which no generator can honestly beat; the ceiling is what
noise gets. All three are of equally many pictures, since every distance shrinks as these grow.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unmask.generate.digit_reader import DigitReader
from unmask.generate.distances import (
    Floats,
    Memory,
    Neighbourhoods,
    QualityError,
    Spread,
    distance_rows,
    frechet,
    kid,
    memory,
    neighbourhoods,
    sliced_wasserstein,
    spectral,
)
from unmask.generate.extractors import Extractor
from unmask.generate.shares import Share, share

LEAST = 20  # pictures of a kind
PAIRS = 8  # of a fake and its training picture that are shown
SHOWN_DIGITS = 4  # of a figure


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One set of pictures against the training pictures. Distances: 0 is the same."""

    frechet: float  # on features
    kernel: Spread  # on features; KID
    neighbourhoods: Neighbourhoods  # on features
    patches: Mapping[int, float]  # side of a level in pixels -> sliced Wasserstein, times 1000
    spectrum: float  # dB


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What `assess` found, with all that a reader needs to compare it with another."""

    extractor: str
    features: int  # of a picture
    n: int  # pictures in each of the sets that are compared
    training: int  # pictures that nearest neighbours are sought among
    shape: tuple[int, int, int]  # channels, height, width
    fake: Figures
    floor: Figures  # held-out reals
    ceiling: Figures  # uniform noise
    memory: Memory
    pairs: tuple[tuple[int, int, float], ...]  # closest first: fake, training picture, distance

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, without the neighbours of each picture: `pairs` holds the closest."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for long in ("nearest", "distances"):
            del plain["memory"][long]
        plain["memory"]["copied"] = self.memory.copied
        return plain

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_json(), indent=1) + "\n")

    def rows(self) -> list[tuple[str, str, str, str]]:
        """(figure, of the fakes, the floor, the ceiling) for a table."""
        sets = [_flat(figures) for figures in (self.fake, self.floor, self.ceiling)]
        return [
            (name, *(f"{values[name]:.{SHOWN_DIGITS}g}" for values in sets))  # type: ignore[misc]
            for name in sets[0]
        ]


def _flat(figures: Figures) -> dict[str, float]:
    return (
        {"Frechet distance": figures.frechet, "kernel distance": figures.kernel.mean}
        | asdict(figures.neighbourhoods)
        | {f"patches at {side} px": value for side, value in figures.patches.items()}
        | {"spectrum, dB": figures.spectrum}
    )


def assess(
    real: Tensor, held_out_real: Tensor, fake: Tensor, extractor: Extractor,
    rng: np.random.Generator,
) -> Quality:  # fmt: skip
    """Compare `fake` with the training pictures `real`, all (N, C, H, W) in [-1, 1].

    As many of each are drawn as the smallest set has; copies are sought among all of `real`. Noise
    of one run is not of another: report several draws of `rng`, and several seeds of a generator.
    Raises QualityError: shapes that differ, or fewer than 20 pictures of a kind.
    """
    sets = (real, held_out_real, fake)
    if any(s.ndim != 4 or s.shape[1:] != real.shape[1:] for s in sets):
        raise QualityError(f"Pictures of shapes {[tuple(s.shape) for s in sets]} do not compare.")
    n = min(map(len, sets))
    if n < LEAST:
        raise QualityError(f"At least {LEAST} pictures of a kind are needed, not {n}.")
    ours, held, fakes = (np.sort(rng.choice(len(s), n, replace=False)) for s in sets)
    noise = torch.from_numpy(rng.random((n, *real.shape[1:]), np.float32)) * 2 - 1
    training = extractor(real)
    seed = int(rng.integers(2**32))  # the three sets meet the same directions and subsets

    def against(images: Tensor, features: Floats) -> Figures:
        return compare(
            real[ours].cpu(), training[ours], images, features, np.random.default_rng(seed)
        )

    held_out, made = held_out_real[held].cpu(), fake[fakes].cpu()
    held_features, made_features = extractor(held_out), extractor(made)
    found = memory(made_features, held_features, training)
    return Quality(
        extractor=extractor.name,
        features=training.shape[1],
        n=n,
        training=len(real),
        shape=(real.shape[1], real.shape[2], real.shape[3]),
        fake=against(made, made_features),
        floor=against(held_out, held_features),
        ceiling=against(noise, extractor(noise)),
        memory=found,
        pairs=closest(found, fakes.tolist()),
    )


def compare(
    real: Tensor, real_features: Floats, other: Tensor, features: Floats, rng: np.random.Generator
) -> Figures:
    """All figures of one set against another of the same size. Raises QualityError."""
    return Figures(
        frechet=frechet(real_features, features),
        kernel=kid(real_features, features, rng),
        neighbourhoods=neighbourhoods(real_features, features),
        patches=sliced_wasserstein(real, other, rng),
        spectrum=spectral(real, other),
    )


def closest(found: Memory, numbers: list[int]) -> tuple[tuple[int, int, float], ...]:
    """The fakes that lie nearest to a training picture; `numbers` names each fake's own."""
    pairs = zip(numbers, found.nearest, found.distances, strict=True)
    return tuple(sorted(pairs, key=lambda pair: pair[2])[:PAIRS])


@dataclass(frozen=True, kw_only=True)
class Conditional:
    """How many of the pictures that were asked for are read as asked."""

    all: Share
    by_class: Mapping[int, Share]  # of each class that was asked for


def conditional_accuracy(images: Tensor, asked: Tensor, reader: DigitReader) -> Conditional:
    """(N, 1 or 3, 32, 32) digits, read and held against the (N,) that were asked for.

    Raises QualityError for other shapes, or for none.
    """
    if len(images) != len(asked) or asked.ndim != 1:
        raise QualityError(f"{len(images)} pictures do not fit {tuple(asked.shape)} labels.")
    right = reader.read(images) == asked.cpu()
    by_class = {
        c: share(int(right[asked.cpu() == c].sum()), int((asked == c).sum()))
        for c in sorted(set(asked.tolist()))
    }
    return Conditional(all=share(int(right.sum()), len(right)), by_class=by_class)


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """How much pictures of one class differ, against how much real ones do."""

    present: tuple[int, ...]  # classes, of those that real pictures have
    missing: tuple[int, ...]
    by_class: Mapping[int, float]  # mean distance of two pictures / the same of real ones
    mean: float  # over the classes that can be compared; 1: as different as reals
    evenness: float  # entropy of the classes' shares / that of equal shares, [0, 1]


def diversity(
    features: Floats, labels: Tensor, real_features: Floats, real_labels: Tensor
) -> Diversity:
    """Of (N, D) features and (N,) classes; as a reader reads them, or as they were asked for.

    Features that a classifier learned flatten what is inside of a class: "randomconv-v1" is better.
    Raises QualityError where no class has two pictures of each kind.
    """
    ours, theirs = labels.cpu().numpy(), real_labels.cpu().numpy()
    if len(ours) != len(features) or len(theirs) != len(real_features):
        raise QualityError("There must be one label for each row of features.")
    classes = sorted(set(theirs.tolist()))
    counts = np.array([(ours == c).sum() for c in classes])
    ratios = {
        c: _apart(features[ours == c]) / _apart(real_features[theirs == c])
        for c, count in zip(classes, counts, strict=True)
        if count > 1 and (theirs == c).sum() > 1
    }
    if not ratios:
        raise QualityError("No class has two pictures of each kind.")
    shares = counts[counts > 0] / counts.sum()
    return Diversity(
        present=tuple(c for c, count in zip(classes, counts, strict=True) if count),
        missing=tuple(c for c, count in zip(classes, counts, strict=True) if not count),
        by_class=ratios,
        mean=float(np.mean(list(ratios.values()))),
        evenness=float(-(shares * np.log(shares)).sum() / np.log(max(2, len(classes)))),
    )


def _apart(features: Floats) -> float:
    """Mean distance of two pictures of a set."""
    total = sum(float(d.sum()) for _, d in distance_rows(features, features))
    return total / (len(features) * (len(features) - 1))
