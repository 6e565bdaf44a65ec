"""From scores to the tables of an evaluation."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from unmask.detect.evaluation import figures, measures
from unmask.detect.evaluation.alignment import Table, aligned, unscored
from unmask.detect.evaluation.fair_play import sanity
from unmask.detect.evaluation.measures import Measured
from unmask.detect.evaluation.resampling import DRAWS, Draws, clopper_pearson, draw
from unmask.detect.evaluation.tables import (
    POOLED,
    WORST,
    Paired,
    Predictive,
    Reliability,
    RiskCoverage,
    Row,
    Scores,
    SourceRow,
    Threshold,
)

__all__ = ["Assessment", "assess", "choose_threshold", "sanity"]
CLEAN = "clean"
PREVALENCES = (0.001, 0.01, 0.1)
_FPR = re.compile(r"fpr:(0?\.\d+)")


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """The tables that scores alone give."""

    rows: tuple[Row, ...]
    sources: tuple[SourceRow, ...]
    paired: tuple[Paired, ...]
    reliability: tuple[Reliability, ...]
    risk_coverage: tuple[RiskCoverage, ...]
    predictive: tuple[Predictive, ...]
    warnings: tuple[str, ...]  # which pictures have no score


def assess(
    scores: Sequence[Scores],
    thresholds: Sequence[Threshold],
    *,
    draws: int = DRAWS,
    seed: int = 0,
    prevalences: Sequence[float] = PREVALENCES,
) -> Assessment:
    """Every table, with 95% intervals by source.

    Pictures without a score are left out of their detector's figures, and counted in `warnings`. A
    figure that too few pictures, or no threshold, leave undefined is None or has no row. The same
    draws serve all detectors and perturbations. ValueError where scores of a detector are given
    twice under one perturbation.
    """
    table = aligned(scores, thresholds)
    pooled, drawn = _measured(table, POOLED, draws, seed)
    groups, pairs = [pooled], _paired(table, pooled, drawn)
    reliability = [measures.reliability_of(table, c, drawn) for c in table.columns]
    del drawn  # a draw of all pictures is large
    for generator in table.generators:
        part = table.of(generator)
        found, of_part = _measured(part, generator, draws, seed)
        groups.append(found)
        pairs += _paired(part, found, of_part)
    risks = [measures.risk_coverage_of(table, c) for c in table.columns]
    clean = [one for one in pooled if one.row.perturbation == CLEAN]
    return Assessment(
        rows=tuple(_rows(groups)),
        sources=tuple(_sources(table)),
        paired=tuple(pairs),
        reliability=tuple(one for one in reliability if one),
        risk_coverage=tuple(one for one in risks if one),
        predictive=tuple(
            measures.predictive_of(one, prevalence)
            for one in clean
            if one.column.threshold is not None
            for prevalence in prevalences
        ),
        warnings=tuple(unscored(scores)),
    )


def _measured(table: Table, generator: str, draws: int, seed: int) -> tuple[list[Measured], Draws]:
    drawn = draw(table.fake, table.source.tolist(), draws=draws, seed=seed)
    return [measures.measured(table, c, generator, drawn) for c in table.columns], drawn


def _paired(table: Table, found: Sequence[Measured], draws: Draws) -> list[Paired]:
    pairs = [
        measures.paired(table, one, two, draws)
        for one, two in combinations(found, 2)
        if one.row.perturbation == two.row.perturbation
    ]
    return [pair for pair in pairs if pair]


def _rows(groups: Sequence[Sequence[Measured]]) -> list[Row]:
    """For each column the pooled row, that of its worst generator, and that of each generator."""
    found = []
    for pooled, *single in zip(*groups, strict=True):
        rows = [one.row for one in single]
        ranked = [(row.auc.value, i) for i, row in enumerate(rows) if row.auc]
        worst = [replace(rows[min(ranked)[1]], generator=WORST)] if ranked else []
        found += [pooled.row, *worst, *rows]
    return found


def _sources(table: Table) -> list[SourceRow]:
    found = []
    for column in table.columns:
        if column.perturbation != CLEAN or column.threshold is None:
            continue
        real = ~table.fake & column.scored
        for corpus in np.unique(table.corpus[real]).tolist():
            called = column.score[real & (table.corpus == corpus)] > column.threshold
            alarms = int(called.sum())
            found.append(
                SourceRow(
                    detector=column.detector,
                    corpus=corpus,
                    n=len(called),
                    false_positives=alarms,
                    rate=clopper_pearson(alarms, len(called)),
                )
            )
    return found


def choose_threshold(scores: Scores, how: str) -> Threshold:
    """A threshold from scores on validation data; `chosen` repeats `how`.

    "validation" takes the best balanced accuracy, "oracle" the same on the tested data itself,
    "fpr:0.01" the conformal threshold that a new photograph passes with a probability of at most
    0.01; it is infinite where there are too few photographs. ValueError for another `how`, or where
    a class that it needs is missing.
    """
    scored = ~np.isnan(scores.score)
    fake = np.array([s.fake for s in scores.samples], dtype=bool)[scored]
    values = scores.score[scored]
    if how in ("validation", "oracle"):
        value = figures.oracle(fake, values)[1]
        if math.isnan(value):
            raise ValueError(f"{scores.detector}: a threshold needs fakes and photographs")
    elif asked := _FPR.fullmatch(how):
        if fake.all():
            raise ValueError(f"{scores.detector}: a false positive rate needs photographs")
        value = figures.conformal_threshold(values[~fake], float(asked[1]))
    else:
        raise ValueError(f'{how!r} is neither "validation", "oracle" nor like "fpr:0.01"')
    return Threshold(detector=scores.detector, value=value, chosen=how)
