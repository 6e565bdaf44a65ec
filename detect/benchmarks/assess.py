"""From answers to the tables of an evaluation of texts or of speech."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.special import ndtri
from sklearn.metrics import roc_curve

from unmask.detect.benchmarks.costs import (
    LEAST,
    MIN_DCF,
    act_dcf,
    min_tdcf_figure,
)
from unmask.detect.benchmarks.decided import (
    Rules,
    abstentions_of,
    alarms_of,
    decisions_of,
)
from unmask.detect.benchmarks.fixed_fpr import fixed_fpr
from unmask.detect.benchmarks.groups import Group, Mask, groups
from unmask.detect.benchmarks.items import Item
from unmask.detect.benchmarks.tables import (
    POOLED,
    Abstention,
    Alarm,
    Curve,
    Decision,
    DomainThreshold,
    FixedFpr,
    GroupRow,
    Scored,
)
from unmask.detect.evaluation import measures
from unmask.detect.evaluation.alignment import Column, Table
from unmask.detect.evaluation.figures import Floats
from unmask.detect.evaluation.measures import Measured
from unmask.detect.evaluation.resampling import (
    Draws,
    Figure,
    draw,
    figures_drawn,
    interval,
)
from unmask.detect.evaluation.tables import Estimate, Paired, Reliability


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """The tables of one condition."""

    rows: tuple[GroupRow, ...]
    decisions: tuple[Decision, ...]
    alarms: tuple[Alarm, ...]
    abstentions: tuple[Abstention, ...]
    fixed_fpr: tuple[FixedFpr, ...]
    domain_thresholds: tuple[DomainThreshold, ...]
    paired: tuple[Paired, ...]
    reliability: tuple[Reliability, ...]
    curves: tuple[Curve, ...]


def assess(
    items: Sequence[Item], scored: Sequence[Scored], condition: str, rules: Rules
) -> Assessed:
    """Every table of a condition, with 95% intervals by source.

    The same draws serve all detectors. What has no score is left out of the figures of its
    detector, and counted.
    """
    table = _table(items, scored, condition)
    parts = list(groups(items))
    rows: list[list[GroupRow]] = []
    decisions, paired, reliability, curves = [], [], [], []
    for part in parts:
        own = table.part(part.kept)
        drawn = draw(own.fake, own.source.tolist(), draws=rules.draws, seed=rules.seed)
        found = [measures.measured(own, c, part.name, drawn) for c in own.columns]
        rows.append([_row(part, own, one, drawn, rules) for one in found])
        paired += _paired(part, own, found, drawn)
        for one in scored:
            decisions += decisions_of(own, _part(one, part.kept), condition, part, drawn, rules)
        if part.by == POOLED:
            reliability += [measures.reliability_of(own, c, drawn) for c in own.columns]
            curves += [_curve(own, c) for c in own.columns]
    fixed, levels = _fixed(items, scored, condition, parts, rules)
    return Assessed(
        rows=tuple(row for of in zip(*rows, strict=True) for row in of),
        decisions=tuple(d for one in scored for d in decisions if d.detector == one.detector),
        alarms=tuple(a for one in scored for a in alarms_of(items, one, condition, rules)),
        abstentions=tuple(a for one in scored for a in abstentions_of(items, one, condition)),
        fixed_fpr=tuple(fixed),
        domain_thresholds=tuple(levels),
        paired=tuple(paired),
        reliability=tuple(one for one in reliability if one),
        curves=tuple(one for one in curves if one),
    )


def _table(items: Sequence[Item], scored: Sequence[Scored], condition: str) -> Table:
    return Table(
        fake=np.array([one.fake for one in items], dtype=bool),
        generator=np.array([one.generator for one in items], dtype=str),
        corpus=np.array([one.corpus for one in items], dtype=str),
        source=np.array([one.source for one in items], dtype=str),
        columns=tuple(
            Column(
                detector=one.detector,
                perturbation=condition,
                threshold=None,
                score=one.score,
                llr=one.llr,
                abstained=one.abstained,
            )
            for one in scored
        ),
    )


def _part(one: Scored, kept: Mask) -> Scored:
    return Scored(
        detector=one.detector,
        score=one.score[kept],
        llr=None if one.llr is None else one.llr[kept],
        abstained=one.abstained[kept],
        reasons=tuple(r for r, keep in zip(one.reasons, kept, strict=True) if keep),
    )


def _row(part: Group, table: Table, found: Measured, draws: Draws, rules: Rules) -> GroupRow:
    if not rules.costs:
        return GroupRow(by=part.by, row=found.row)
    at = found.column.scored
    fake, score, kept = table.fake[at], found.column.score[at], draws.kept(at)
    tandem = min_tdcf_figure(rules.verifier) if rules.verifier else None
    llr = found.column.llr
    known = at if llr is None else at & ~np.isnan(llr)
    return GroupRow(
        by=part.by,
        row=found.row,
        min_tdcf=_cost(tandem, fake, score, kept) if tandem else None,
        min_dcf=_cost(MIN_DCF, fake, score, kept),
        act_dcf=None if llr is None else act_dcf(table.fake[known], llr[known], draws.kept(known)),
    )


def _cost(figure: Figure, fake: Mask, score: Floats, draws: Draws) -> Estimate | None:
    if min(int(fake.sum()), int((~fake).sum())) < LEAST:
        return None
    drawn = figures_drawn([figure], score, draws)[0]
    return interval(figure.of(fake, score), drawn, draws.trials)


def _curve(table: Table, of: Column) -> Curve | None:
    """Both errors at every threshold, or None where a class has no score."""
    fake, score = table.fake[of.scored], of.score[of.scored]
    n_fake = int(fake.sum())
    if not 0 < n_fake < len(fake):
        return None
    alarms, hits, _ = roc_curve(fake, score)
    points = np.stack([alarms, 1 - hits], axis=1)
    apart = np.round(ndtri(points), 2)  # in normal deviates, which a DET plot's axes are
    kept = np.append(True, np.any(apart[1:] != apart[:-1], axis=1))
    return Curve(
        detector=of.detector,
        condition=of.perturbation,
        n_real=len(fake) - n_fake,
        n_fake=n_fake,
        points=tuple((float(alarm), float(miss)) for alarm, miss in points[kept]),
    )


def _paired(part: Group, table: Table, found: Sequence[Measured], draws: Draws) -> list[Paired]:
    pairs = [measures.paired(table, one, two, draws) for one, two in combinations(found, 2)]
    return [replace(pair, generator=part.label) for pair in pairs if pair]


def _fixed(
    items: Sequence[Item],
    scored: Sequence[Scored],
    condition: str,
    parts: Sequence[Group],
    rules: Rules,
) -> tuple[list[FixedFpr], list[DomainThreshold]]:
    rows, levels = [], []
    for one in scored if rules.fixed else ():
        found, at = fixed_fpr(items, one, condition, parts, draws=rules.draws, seed=rules.seed)
        rows += found
        levels += at
    return rows, levels
