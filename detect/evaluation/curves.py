"""The figures of `figures.py` for many resamplings of the same pictures at once.

A resampling is a row of whole-number weights: how often each picture was drawn. Scores are sorted
once, and every figure falls out of two running sums; there is no loop over pictures or draws.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.detect.evaluation.figures import Floats

Counts = NDArray[np.float32]  # whole numbers, exact up to 16 million pictures
_BLOCK = 1 << 19  # weights handled at once: a few MB stay in the processor's cache


@dataclass(frozen=True, kw_only=True)
class Curves:
    """D unnormalised ROC curves over K different scores."""

    hits: Counts  # (D, K + 1) fakes above each threshold, from none to all
    alarms: Counts  # (D, K + 1) photographs above it

    @property
    def fakes(self) -> Floats:
        """(D,) fakes in each draw; NaN where it has none, so that its figures are NaN."""
        return _or_nan(self.hits[:, -1])

    @property
    def reals(self) -> Floats:
        """(D,) photographs in each draw, or NaN."""
        return _or_nan(self.alarms[:, -1])


def _or_nan(counts: Counts) -> Floats:
    return np.where(counts > 0, counts, math.nan).astype(float)


def curves(fake: NDArray[np.bool_], scores: Floats, weights: NDArray[np.uint8]) -> Iterator[Curves]:
    """The curves of all draws, some draws at a time; `weights` is (D, N)."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    fake_there = fake[order]
    rows = max(1, _BLOCK // max(1, len(scores)))
    for start in range(0, len(weights), rows):
        drawn = weights[start : start + rows][:, order].astype(np.float32)
        every = _running(drawn, last)
        hits = _running(drawn * fake_there, last)
        yield Curves(hits=hits, alarms=every - hits)


def _running(drawn: Counts, last: NDArray[np.intp]) -> Counts:
    """Running sums at the last picture of each score, after a column of zeros."""
    total = np.zeros((len(drawn), len(last) + 1), np.float32)
    if len(last) == drawn.shape[1]:
        np.cumsum(drawn, axis=1, out=total[:, 1:])
    else:
        total[:, 1:] = np.cumsum(drawn, axis=1)[:, last]
    return total


def areas(drawn: Curves) -> Floats:
    """(D,) areas under the ROC curves."""
    width = np.diff(drawn.alarms, axis=1)
    height = drawn.hits[:, 1:] + drawn.hits[:, :-1]
    twice = np.einsum("dk,dk->d", width, height, dtype=np.float64)
    return np.asarray(twice / 2 / (drawn.fakes * drawn.reals))


def precisions(drawn: Curves) -> Floats:
    """(D,) average precisions."""
    found = drawn.hits[:, 1:]
    # A threshold that nothing lies above adds no fake either, so the 1 below is never seen.
    precision = found / np.maximum(found + drawn.alarms[:, 1:], 1)
    total = np.einsum("dk,dk->d", np.diff(drawn.hits, axis=1), precision, dtype=np.float64)
    return np.asarray(np.where(np.isnan(drawn.reals), math.nan, total / drawn.fakes))


def tprs_at(drawn: Curves, most: float) -> Floats:
    """(D,) true positive rates at the last threshold with fpr <= most."""
    allowed = np.nan_to_num(most * drawn.reals) + 1e-6
    at = (drawn.alarms <= allowed[:, None]).sum(axis=1) - 1
    hits = drawn.hits[np.arange(len(at)), at] / drawn.fakes
    return np.asarray(np.where(np.isnan(drawn.reals), math.nan, hits))


def equal_errors(drawn: Curves) -> Floats:
    """(D,) equal error rates on the ROC polylines."""
    fakes, reals = drawn.fakes[:, None], drawn.reals[:, None]
    # Cross-multiplied: as long as more fakes are missed than photographs are called synthetic.
    ahead = np.nan_to_num(fakes - drawn.hits) * np.nan_to_num(reals)
    behind = drawn.alarms * np.nan_to_num(fakes)
    at = np.clip((ahead > behind).sum(axis=1), 1, drawn.hits.shape[1] - 1)
    rows = np.arange(len(at))
    gap = [
        1 - drawn.hits[rows, i] / drawn.fakes - drawn.alarms[rows, i] / drawn.reals
        for i in (at - 1, at)
    ]
    before, after = drawn.alarms[rows, at - 1] / drawn.reals, drawn.alarms[rows, at] / drawn.reals
    with np.errstate(invalid="ignore"):
        return np.asarray(before + gap[0] / (gap[0] - gap[1]) * (after - before))
