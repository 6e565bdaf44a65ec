"""The scores of all detectors side by side on the same pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.manifest import Sample
from unmask.detect.evaluation.figures import Floats
from unmask.detect.evaluation.tables import Scores, Threshold

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One detector under one perturbation, on the N pictures of its table."""

    detector: str
    perturbation: str
    threshold: float | None
    score: Floats  # (N,) NaN where there is none
    llr: Floats | None  # (N,)
    abstained: Mask  # (N,)

    @property
    def scored(self) -> Mask:
        """(N,) which pictures have a score."""
        return ~np.isnan(self.score)


@dataclass(frozen=True, kw_only=True)
class Table:
    """All pictures that any detector was given, and the columns of scores on them."""

    fake: Mask  # (N,)
    generator: NDArray[np.str_]  # (N,)
    corpus: NDArray[np.str_]  # (N,)
    source: NDArray[np.str_]  # (N,)
    columns: tuple[Column, ...]

    @property
    def generators(self) -> list[str]:
        """Who made the fakes, in the order of the pictures."""
        return list(dict.fromkeys(self.generator[self.fake].tolist()))

    def of(self, generator: str) -> "Table":
        """All photographs, and the fakes of one generator."""
        return self.part(~self.fake | (self.generator == generator))

    def part(self, kept: Mask) -> "Table":
        """Some of the rows; `kept` is (N,)."""
        columns = [
            replace(
                column,
                score=column.score[kept],
                llr=None if column.llr is None else column.llr[kept],
                abstained=column.abstained[kept],
            )
            for column in self.columns
        ]
        return Table(
            fake=self.fake[kept],
            generator=self.generator[kept],
            corpus=self.corpus[kept],
            source=self.source[kept],
            columns=tuple(columns),
        )


def aligned(scores: Sequence[Scores], thresholds: Sequence[Threshold]) -> Table:
    """Side by side, in the order of first appearance; what a detector was not given stays NaN.

    A threshold that is NaN is none. ValueError where a detector has two sets of scores under one
    perturbation, or arrays of another length than its samples.
    """
    names = [(one.detector, one.perturbation) for one in scores]
    if len(set(names)) < len(names):
        raise ValueError(
            f"scores are given twice: {sorted(n for n in names if names.count(n) > 1)}"
        )
    place: dict[Sample, int] = {}
    for one in scores:
        for sample in one.samples:
            place.setdefault(sample, len(place))
    at = {t.detector: t.value for t in thresholds if not math.isnan(t.value)}
    return Table(
        fake=np.array([s.fake for s in place], dtype=bool),
        generator=np.array([s.generator for s in place], dtype=str),
        corpus=np.array([s.corpus for s in place], dtype=str),
        source=np.array([s.source for s in place], dtype=str),
        columns=tuple(_column(one, place, at.get(one.detector)) for one in scores),
    )


def _column(one: Scores, place: dict[Sample, int], threshold: float | None) -> Column:
    where = np.array([place[s] for s in one.samples], dtype=np.intp)
    abstained = np.zeros(len(place), dtype=bool)
    abstained[where] = one.abstained
    return Column(
        detector=one.detector,
        perturbation=one.perturbation,
        threshold=threshold,
        score=_spread(one.score, where, len(place)),
        llr=None if one.llr is None else _spread(one.llr, where, len(place)),
        abstained=abstained,
    )


def _spread(values: Floats, where: NDArray[np.intp], count: int) -> Floats:
    if len(values) != len(where):
        raise ValueError(f"{len(values)} scores of {len(where)} samples")
    spread = np.full(count, math.nan)
    spread[where] = values
    return spread


def unscored(scores: Sequence[Scores]) -> list[str]:
    """A sentence for every set of scores with gaps: failing on hard pictures flatters."""
    found = []
    for one in scores:
        gap = np.isnan(one.score)
        if gap.any():
            fake = np.array([s.fake for s in one.samples], dtype=bool)
            found.append(
                f"{one.detector}, {one.perturbation}: {(gap & ~fake).sum()} of {(~fake).sum()}"
                f" photographs and {(gap & fake).sum()} of {fake.sum()} fakes have no score and are"
                " left out of its figures."
            )
    return found
