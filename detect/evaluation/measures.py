"""The rows of an evaluation: every figure of one detector on one set of pictures."""

import math
from dataclasses import dataclass

import numpy as np

from unmask.detect.evaluation import figures, reliability, selective
from unmask.detect.evaluation.alignment import Column, Mask, Table
from unmask.detect.evaluation.figures import Floats
from unmask.detect.evaluation.resampling import (
    AP,
    AUC,
    EER,
    Draws,
    class_means,
    difference,
    figures_drawn,
    interval,
    pivotal,
    tpr_at,
)
from unmask.detect.evaluation.tables import (
    Estimate,
    Paired,
    Predictive,
    Reliability,
    RiskCoverage,
    Row,
)

LEAST = 2  # pictures of a class for a figure of it
POINTS = 200  # of a risk-coverage curve that are kept
_CURVES = (AUC, AP, tpr_at(0.01), tpr_at(0.05), EER)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row, and the draws behind it."""

    column: Column
    row: Row
    auc: Floats | None  # (D,)
    rates: tuple[Floats | None, Floats | None]  # (D,) true positive and true negative rate


def measured(table: Table, column: Column, generator: str, draws: Draws) -> Measured:
    """Every figure of a column of the table. `draws` are of the pictures of the table."""
    scored = column.scored
    fake, score, kept = table.fake[scored], column.score[scored], draws.kept(scored)
    n_fake = int(fake.sum())
    both = _enough(fake)
    curve: list[Estimate | None] = [None] * len(_CURVES)
    auc = None
    if both:
        drawn = figures_drawn(_CURVES, score, kept)
        trials, auc = kept.trials, drawn[0]
        values = [figure.of(fake, score) for figure in _CURVES]
        curve = [
            None if math.isnan(v) else interval(v, d, trials)
            for v, d in zip(values, drawn, strict=True)
        ]
    accuracy, rates, tpr, tnr = _at_threshold(fake, score, column.threshold, kept)
    row = Row(
        detector=column.detector,
        perturbation=column.perturbation,
        generator=generator,
        n_real=len(fake) - n_fake,
        n_fake=n_fake,
        auc=curve[0],
        ap=curve[1],
        balanced_accuracy=accuracy,
        oracle_accuracy=figures.oracle(fake, score)[0] if both else None,
        tpr=tpr,
        tnr=tnr,
        tpr_at_fpr_1=curve[2],
        tpr_at_fpr_5=curve[3],
        eer=curve[4],
        abstained=float(column.abstained[scored].mean()) if len(fake) else math.nan,
    )
    return Measured(column=column, row=row, auc=auc, rates=rates)


def _enough(fake: Mask) -> bool:
    return min(int(fake.sum()), int((~fake).sum())) >= LEAST


def _at_threshold(
    fake: Mask, score: Floats, threshold: float | None, draws: Draws
) -> tuple[Estimate | None, tuple[Floats | None, Floats | None], Estimate | None, Estimate | None]:
    """Balanced accuracy, draws of the two rates, and the rates."""
    if threshold is None:
        return None, (None, None), None, None
    called = score > threshold
    rates: list[Floats | None] = [None, None]
    found: list[Estimate | None] = [None, None]
    for i, (one, right) in enumerate(((True, called), (False, ~called))):
        at = fake == one
        if at.sum() >= LEAST:
            drawn = class_means(one, right, draws)
            rates[i] = drawn
            found[i] = interval(float(right[at].mean()), drawn, draws.sources(one))
    accuracy = None
    if rates[0] is not None and rates[1] is not None:
        value = figures.balanced_accuracy(fake, score, threshold)
        accuracy = interval(value, (rates[0] + rates[1]) / 2, draws.trials)
    return accuracy, (rates[0], rates[1]), found[0], found[1]


def paired(table: Table, one: Measured, two: Measured, draws: Draws) -> Paired | None:
    """AUC of one minus that of the other on the pictures that both scored."""
    both = one.column.scored & two.column.scored
    if not _enough(table.fake[both]):
        return None
    parts = []
    for side in (one, two):
        if side.auc is not None and side.row.auc and np.array_equal(both, side.column.scored):
            parts.append((side.row.auc, side.auc))
        else:
            kept, score = draws.kept(both), side.column.score[both]
            drawn = figures_drawn([AUC], score, kept)[0]
            value = AUC.of(kept.fake, score)
            parts.append((interval(value, drawn, kept.trials), drawn))
    (first, drawn_first), (second, drawn_second) = parts
    return Paired(
        first=one.row.detector,
        second=two.row.detector,
        perturbation=one.row.perturbation,
        generator=one.row.generator,
        difference=difference(first, drawn_first, second, drawn_second),
    )


def reliability_of(table: Table, column: Column, draws: Draws) -> Reliability | None:
    """Whether the ratios of a calibrated detector hold; None without ratios or a class."""
    if column.llr is None:
        return None
    known = column.scored & ~np.isnan(column.llr)
    fake, llr, kept = table.fake[known], column.llr[known], draws.kept(known)
    if not _enough(fake):
        return None
    stated = reliability.probabilities(llr)
    brier, cllr = reliability.brier_costs(fake, stated), reliability.cllr_costs(fake, llr)
    return Reliability(
        detector=column.detector,
        perturbation=column.perturbation,
        ece=pivotal(reliability.ece(fake, stated), _ece_drawn(fake, stated, kept), kept.trials),
        brier=_even(reliability.brier(fake, stated), brier, kept),
        cllr=_even(reliability.cllr(fake, llr), cllr, kept),
        bins=reliability.reliability_bins(fake, stated),
    )


def _even(value: float, costs: Floats, draws: Draws) -> Estimate:
    """A mean cost at even priors; without an interval where a certain error makes it infinite."""
    if not math.isfinite(value):
        return Estimate(value=value, low=math.nan, high=math.nan)
    drawn = (class_means(True, costs, draws) + class_means(False, costs, draws)) / 2
    return interval(value, drawn, draws.trials)


def _ece_drawn(fake: Mask, stated: Floats, draws: Draws) -> Floats:
    where = reliability.bin_of(stated, reliability.edges_of(stated))
    held = (where[:, None] == np.arange(reliability.BINS)) * (fake - stated)[:, None]  # (N, bins)
    gap = class_means(True, held, draws) + class_means(False, held, draws)
    return np.asarray(np.abs(gap / 2).sum(axis=1))


def risk_coverage_of(table: Table, column: Column) -> RiskCoverage | None:
    """Errors at the threshold among the surest; None without a threshold or scores.

    Sureness is the size of the ratio, or how far the score is from the threshold by rank.
    """
    known = column.scored if column.llr is None else column.scored & ~np.isnan(column.llr)
    if column.threshold is None or known.sum() < LEAST:
        return None
    score = column.score[known]
    wrong = (score > column.threshold) != table.fake[known]
    sure = (
        selective.rank_confidence(score, column.threshold)
        if column.llr is None
        else np.abs(column.llr[known])
    )
    curve = selective.risk_coverage(wrong, sure)
    answered = ~column.abstained[known]
    own = float(wrong[answered].mean()) if answered.any() else math.nan
    return RiskCoverage(
        detector=column.detector,
        perturbation=column.perturbation,
        points=selective.thinned(curve, POINTS),
        aurc=curve.aurc,
        own=(float(answered.mean()), own),
    )


def predictive_of(found: Measured, prevalence: float) -> Predictive:
    """What the answers of a row are worth at a prevalence; None where a rate is missing."""
    tpr, tnr = found.row.tpr, found.row.tnr
    hits, quiet = found.rates
    if tpr is None or tnr is None or hits is None or quiet is None:
        return Predictive(detector=found.row.detector, prevalence=prevalence, ppv=None, npv=None)
    values = figures.predictive_values(tpr.value, tnr.value, prevalence)
    drawn = figures.predictive_values(hits, quiet, prevalence)
    worst = figures.predictive_values(tpr.low, tnr.low, prevalence)
    best = figures.predictive_values(tpr.high, tnr.high, prevalence)
    ppv, npv = (
        _worth(float(v), d, float(low), float(high))
        for v, d, low, high in zip(values, drawn, worst, best, strict=True)
    )
    return Predictive(detector=found.row.detector, prevalence=prevalence, ppv=ppv, npv=npv)


def _worth(value: float, drawn: Floats, low: float, high: float) -> Estimate | None:
    """Percentiles of the draws; where these all agree, what the intervals of the rates allow."""
    if math.isnan(value):
        return None
    known = drawn[~np.isnan(drawn)]
    if math.isnan(low) or math.isnan(high) or not len(known):
        return Estimate(value=value, low=math.nan, high=math.nan)
    if np.ptp(known) == 0:
        return Estimate(value=value, low=low, high=high)
    ends = np.quantile(known, [0.025, 0.975])
    return Estimate(value=value, low=float(ends[0]), high=float(ends[1]))
