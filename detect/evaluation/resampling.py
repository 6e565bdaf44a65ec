"""95% intervals by resampling sources: pictures of one source are drawn together or not at all.

A fake resembles the photograph that it was made from, and frames of a clip resemble each other;
drawn one by one they would promise more than the data hold (Field and Welsh 2007).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from unmask.detect.evaluation import curves, figures
from unmask.detect.evaluation.curves import Curves
from unmask.detect.evaluation.figures import Floats
from unmask.detect.evaluation.tables import Estimate

DRAWS = 2000
_TAIL = 0.025  # left out at either end
_ROUNDING = 1e-9
_BLOCK = 1 << 22  # random numbers at once


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of merit between 0 and 1: of one set of scores, and of many resamplings of it."""

    of: Callable[[ArrayLike, ArrayLike], float]
    drawn: Callable[[Curves], Floats]


AUC = Figure(of=figures.auc, drawn=curves.areas)
AP = Figure(of=figures.average_precision, drawn=curves.precisions)
EER = Figure(of=figures.equal_error_rate, drawn=curves.equal_errors)


def tpr_at(most: float) -> Figure:
    """The true positive rate at a false positive rate of at most `most`."""
    return Figure(
        of=partial(figures.tpr_at_fpr, most=most), drawn=partial(curves.tprs_at, most=most)
    )


@dataclass(frozen=True, kw_only=True)
class Draws:
    """D resamplings of N pictures."""

    fake: NDArray[np.bool_]  # (N,)
    source: NDArray[np.intp]  # (N,) number of the source
    weights: NDArray[np.uint8]  # (D, N) how often each picture was drawn

    def kept(self, which: NDArray[np.bool_]) -> "Draws":
        """The same draws of some of the pictures."""
        if which.all():
            return self
        return Draws(
            fake=self.fake[which], source=self.source[which], weights=self.weights[:, which]
        )

    def sources(self, fake: bool) -> int:
        """How many sources have pictures of this class."""
        return len(np.unique(self.source[self.fake == fake]))

    @property
    def trials(self) -> int:
        """Sources of the class that has fewer."""
        return min(self.sources(True), self.sources(False))


def draw(
    labels: ArrayLike, sources: Sequence[str] | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Draws:
    """Draw sources with replacement, as many as there are; `labels` (N,) are true for fakes.

    Sources of photographs, of fakes and of both are drawn apart, so that the classes keep their
    sizes; all together where one of these kinds has a single source, which would never vary.
    Without `sources` each picture is its own. Draws depend on labels, sources and seed alone.
    """
    fake = np.asarray(labels, dtype=bool)
    if sources is not None and len(sources) != len(fake):
        raise ValueError(f"{len(fake)} labels and {len(sources)} sources")
    names = np.arange(len(fake)) if sources is None else np.asarray(sources, dtype=str)
    source = np.unique(names, return_inverse=True)[1].astype(np.intp)
    count = int(source.max(initial=-1)) + 1
    kind = (np.bincount(source, fake, count) > 0) + 2 * (np.bincount(source, ~fake, count) > 0)
    strata = {int(one): np.flatnonzero(kind == one) for one in np.unique(kind)}
    if any(len(stratum) == 1 for stratum in strata.values()):
        strata = {0: np.arange(count)}
    times = np.zeros((draws, count), dtype=np.uint8)
    for one, stratum in strata.items():
        # Seeded apart: photographs are drawn alike beside the fakes of every generator.
        times[:, stratum] = _times(np.random.default_rng([seed, one]), draws, len(stratum))
    return Draws(fake=fake, source=source, weights=times[:, source])


def _times(rng: np.random.Generator, draws: int, count: int) -> NDArray[np.uint8]:
    """(draws, count) how often each of `count` things is drawn in `count` draws."""
    found = np.empty((draws, count), dtype=np.uint8)  # one thing 256 times: too rare to be seen
    rows = max(1, _BLOCK // count)
    for start in range(0, draws, rows):
        part = found[start : start + rows]
        picked = rng.integers(count, size=part.shape) + np.arange(len(part))[:, None] * count
        part[:] = np.bincount(picked.ravel(), minlength=part.size).reshape(part.shape)
    return found


def interval(value: float, drawn: Floats, trials: int) -> Estimate:
    """`value` of all pictures with the 95% percentile interval of its (D,) resamplings.

    NaN ends where fewer than 2 sources (`trials`) were there to draw. Where all draws agree on 0 or
    on 1, as for a detector without an error, resampling would promise certainty: then the exact
    binomial interval of `trials` successes in a row takes its place.
    """
    known = drawn[~np.isnan(drawn)]
    if trials < 2 or not len(known) or not math.isfinite(value):
        return Estimate(value=value, low=math.nan, high=math.nan)
    low, high = (float(q) for q in np.quantile(known, [_TAIL, 1 - _TAIL]))
    if high - low < _ROUNDING and min(value, 1 - value) < _ROUNDING:
        return clopper_pearson(trials if value > 0.5 else 0, trials)
    return Estimate(value=value, low=low, high=high)


def pivotal(value: float, drawn: Floats, trials: int) -> Estimate:
    """The 95% pivotal interval of a figure >= 0 that chance alone raises, such as ECE.

    Resampling raises it once more, by about as much; the percentiles are mirrored at `value` to
    take both off. `value` itself, which has its share of chance, always lies within.
    """
    plain = interval(value, drawn, trials)
    low, high = max(0.0, 2 * value - plain.high), max(value, 2 * value - plain.low)
    return Estimate(value=value, low=low, high=high) if plain.low <= plain.high else plain


def figures_drawn(wanted: Sequence[Figure], scores: ArrayLike, draws: Draws) -> tuple[Floats, ...]:
    """(D,) resamplings of each figure; scores (N,) are sorted once for all of them."""
    values = np.asarray(scores, dtype=float)
    blocks = [
        [figure.drawn(part) for figure in wanted]
        for part in curves.curves(draws.fake, values, draws.weights)
    ]
    return tuple(np.concatenate(column) for column in zip(*blocks, strict=True))


def class_means(fake: bool, values: ArrayLike, draws: Draws) -> Floats:
    """(D,) resampled means of `values` (N,) over one class; (D, M) of (N, M). Values are finite."""
    at = draws.fake == fake
    kept = np.asarray(values, dtype=float)[at]
    blocks = []
    rows = max(1, _BLOCK // max(1, len(at)))
    for start in range(0, len(draws.weights), rows):
        weights = draws.weights[start : start + rows, at].astype(np.float64)
        total = weights.sum(axis=1)
        total[total == 0] = math.nan
        blocks.append(((weights @ kept).T / total).T)
    return np.concatenate(blocks)


def estimate(
    labels: ArrayLike,
    scores: ArrayLike,
    sources: Sequence[str] | None = None,
    *,
    figure: Figure = AUC,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """A figure with its 95% interval. `labels` (N,) are true for fakes; NaN where undefined."""
    fake, values = figures.checked(labels, scores)
    value = figure.of(fake, values)
    if math.isnan(value):
        return Estimate(value=value, low=math.nan, high=math.nan)
    picked = draw(fake, sources, draws=draws, seed=seed)
    return interval(value, figures_drawn([figure], values, picked)[0], picked.trials)


def difference(one: Estimate, drawn: Floats, two: Estimate, other: Floats) -> Estimate:
    """A figure of one detector minus that of another, both (D,) on the same draws.

    What pictures are hard is common to both and falls out, so the interval is narrower than those
    of the two suggest.
    """
    value, gap = one.value - two.value, drawn - other
    known = gap[~np.isnan(gap)]
    if not len(known) or math.isnan(one.low) or math.isnan(two.low):
        return Estimate(value=value, low=math.nan, high=math.nan)
    if np.nanmax(drawn) == np.nanmin(drawn) and np.nanmax(other) == np.nanmin(other):
        # Neither varies, as where both are without error: as wide as their own intervals allow.
        return Estimate(value=value, low=one.low - two.high, high=one.high - two.low)
    low, high = np.quantile(known, [_TAIL, 1 - _TAIL])
    return Estimate(value=value, low=float(low), high=float(high))


def clopper_pearson(successes: int, trials: int) -> Estimate:
    """A share with its exact 95% binomial interval (Clopper and Pearson 1934); trials >= 1."""
    fails = trials - successes
    low = float(betaincinv(successes, fails + 1, _TAIL)) if successes else 0.0
    high = float(betaincinv(successes + 1, fails, 1 - _TAIL)) if fails else 1.0
    return Estimate(value=successes / trials, low=low, high=high)
