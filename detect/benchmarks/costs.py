"""Detection costs of speech as figures with resamplings, and rates at a fixed decision."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from unmask.detect.audio.tdcf import Costs, Verifier, min_tdcf
from unmask.detect.benchmarks.groups import Mask
from unmask.detect.evaluation.curves import Curves
from unmask.detect.evaluation.figures import Floats, checked, steps, two_classes
from unmask.detect.evaluation.resampling import (
    Draws,
    Figure,
    class_means,
    interval,
)
from unmask.detect.evaluation.tables import Estimate

# Of track 1 of ASVspoof 5 (Wang et al. 2024): C_miss 1, C_fa 10, prior of spoofs 0.05.
BETA = 1.0 * (1 - 0.05) / (10.0 * 0.05)  # weight of a real voice that is turned away: 1.9
LEAST = 2  # items of a class for a figure of it


def _lowest(real: float, fake: float) -> Figure:
    """The least of real * (real called synthetic) + fake * (fakes not called so), at most 1."""

    def of(labels: ArrayLike, scores: ArrayLike) -> float:
        values, which = checked(labels, scores)
        if not two_classes(values):
            return math.nan
        rank = steps(which)[1]
        count = int(rank.max()) + 1
        alarms = np.bincount(rank[~values], minlength=count)[::-1].cumsum() / (~values).sum()
        hits = np.bincount(rank[values], minlength=count)[::-1].cumsum() / values.sum()
        cost = real * np.append(0, alarms) + fake * (1 - np.append(0, hits))
        return float(min(cost.min(), 1.0))

    def drawn(curve: Curves) -> Floats:
        alarms = curve.alarms / curve.reals[:, None]
        misses = 1 - curve.hits / curve.fakes[:, None]
        return np.asarray(np.minimum((real * alarms + fake * misses).min(axis=1), 1.0))

    return Figure(of=of, drawn=drawn)


# Normalised by the better of the two detectors that do not listen, which turns nobody away.
MIN_DCF = _lowest(BETA, 1.0)


def min_tdcf_figure(verifier: Verifier) -> Figure:
    """The smallest normalised t-DCF of ASVspoof 2019. ValueError where nothing is left to win."""
    cost = Costs()
    c1 = cost.target * (cost.miss_cm - cost.miss_asv * verifier.miss)
    c1 -= cost.nontarget * cost.false_asv * verifier.false_alarm
    c2 = cost.false_cm * cost.spoof * (1 - verifier.spoof_miss)
    if c1 <= 0 or c2 <= 0:
        raise ValueError(f"the verifier's error rates leave no cost to weigh: C1 {c1}, C2 {c2}")
    least = min(c1, c2)

    def of(labels: ArrayLike, scores: ArrayLike) -> float:
        fake, values = checked(labels, scores)
        return min_tdcf(fake, values, verifier) if two_classes(fake) else math.nan

    return Figure(of=of, drawn=_lowest(c1 / least, c2 / least).drawn)


def act_dcf(fake: Mask, llr: Floats, draws: Draws) -> Estimate | None:
    """The cost at the threshold that Bayes sets for calibrated ratios: ln 1.9."""
    if min(int(fake.sum()), int((~fake).sum())) < LEAST:
        return None
    called = llr > math.log(BETA)
    value = BETA * float(called[~fake].mean()) + float((~called[fake]).mean())
    drawn = BETA * class_means(False, called, draws) + class_means(True, ~called, draws)
    return interval(value, drawn, draws.trials)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """At a fixed decision, with intervals over sources; None where a class has too few items."""

    accuracy: Estimate | None
    f1: Estimate | None
    tpr: Estimate | None
    fpr: Estimate | None


def rates_of(fake: Mask, called: Mask, draws: Draws) -> Rates:
    """Of items that are called synthetic or not; accuracy and F1 at the table's own prevalence."""
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    weights = draws.weights
    hits, alarms, fakes, reals = (
        weights[:, at].sum(axis=1, dtype=np.int64).astype(float)
        for at in (fake & called, ~fake & called, fake, ~fake)
    )
    both = min(n_fake, n_real) >= LEAST
    hit, alarm = int((fake & called).sum()), int((~fake & called).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        return Rates(
            accuracy=interval(
                (hit + n_real - alarm) / (n_fake + n_real),
                (hits + reals - alarms) / (fakes + reals),
                draws.trials,
            )
            if both
            else None,
            f1=interval(
                2 * hit / (hit + alarm + n_fake), 2 * hits / (hits + alarms + fakes), draws.trials
            )
            if both
            else None,
            tpr=interval(hit / n_fake, hits / fakes, draws.sources(True))
            if n_fake >= LEAST
            else None,
            fpr=interval(alarm / n_real, alarms / reals, draws.sources(False))
            if n_real >= LEAST
            else None,
        )
