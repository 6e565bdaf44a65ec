"""What answers decide: rules fixed beforehand, false alarms by source, what was left open."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmask.detect.audio.tdcf import Verifier
from unmask.detect.benchmarks.costs import rates_of
from unmask.detect.benchmarks.groups import Group, Mask
from unmask.detect.benchmarks.items import Item
from unmask.detect.benchmarks.tables import Abstention, Alarm, Decision, Scored
from unmask.detect.evaluation.alignment import Table
from unmask.detect.evaluation.resampling import DRAWS, Draws, clopper_pearson


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How answers are read, and what is asked beside the common figures."""

    decide: float = 0.9  # P(synthetic) from which a calibrated detector's verdict says so
    stated: Mapping[str, float]  # detector -> score above which it says so
    fixed: bool = False  # thresholds by domain at 5% false alarms
    costs: bool = False  # of speech
    verifier: Verifier | None = None
    draws: int = DRAWS
    seed: int = 0


def called_by(one: Scored, rules: Rules) -> dict[str, Mask]:
    """(N,) what is called synthetic under each rule that was fixed beforehand; the last is its own.

    A calibrated detector's own rule is that of its verdict: P(synthetic) high enough, and sure.
    """
    if (stated := rules.stated.get(one.detector)) is not None:
        with np.errstate(invalid="ignore"):
            return {f"score > {stated:g} (stated)": one.score > stated}
    if one.llr is None:
        return {}
    bound = math.log(rules.decide / (1 - rules.decide))
    sure = (one.llr >= bound - 1e-12) & ~one.abstained
    return {"P > 0.5": one.llr > 0, f"P ≥ {rules.decide:g} and sure": sure}


def _answered(one: Scored) -> Mask:
    return ~np.isnan(one.score) | one.abstained


def decisions_of(
    table: Table, one: Scored, condition: str, part: Group, draws: Draws, rules: Rules
) -> list[Decision]:
    """Accuracy, F1 and rates of a group under every rule. `draws` are of the rows of the table."""
    at = _answered(one)
    fake, kept = table.fake[at], draws.kept(at)
    found = []
    for rule, called in called_by(one, rules).items():
        rates = rates_of(fake, called[at], kept)
        found.append(
            Decision(
                detector=one.detector,
                condition=condition,
                by=part.by,
                group=part.name,
                rule=rule,
                n_real=int((~fake).sum()),
                n_fake=int(fake.sum()),
                accuracy=rates.accuracy,
                f1=rates.f1,
                tpr=rates.tpr,
                fpr=rates.fpr,
            )
        )
    return found


def alarms_of(items: Sequence[Item], one: Scored, condition: str, rules: Rules) -> list[Alarm]:
    """False alarms by source, under the last rule of the detector."""
    by_rule = list(called_by(one, rules).items())
    if not by_rule:
        return []
    rule, called = by_rule[-1]
    of: dict[str, list[bool]] = {}
    for item, answered, said in zip(items, _answered(one), called, strict=True):
        if not item.fake and answered:
            of.setdefault(source_of(item), []).append(bool(said))
    return [
        Alarm(
            detector=one.detector,
            condition=condition,
            source=source,
            rule=rule,
            n=len(said),
            alarms=sum(said),
            rate=clopper_pearson(sum(said), len(said)),
        )
        for source, said in sorted(of.items())
    ]


def unscored(items: Sequence[Item], scored: Sequence[Scored], condition: str) -> list[str]:
    """A sentence for every detector with gaps: leaving out what is hard flatters AUC and EER."""
    fake = np.array([item.fake for item in items], dtype=bool)
    found = []
    for one in scored:
        gap = np.isnan(one.score)
        if gap.any():
            found.append(
                f"{one.detector}, {condition}: {(gap & ~fake).sum()} of {(~fake).sum()} real and "
                f"{(gap & fake).sum()} of {fake.sum()} fakes have no score, and AUC, EER and costs "
                "leave them out."
            )
    return found


def source_of(item: Item) -> str:
    """Where a real item is from: its corpus and domain, and what was done to it."""
    name = item.corpus if item.domain in ("", item.corpus) else f"{item.corpus}, {item.domain}"
    return f"{name}, {item.attack}" if item.attack else name


def abstentions_of(items: Sequence[Item], one: Scored, condition: str) -> list[Abstention]:
    """What was left open of either class."""
    fake = np.array([item.fake for item in items], dtype=bool)
    found = []
    for label in (False, True):
        at = _answered(one) & (fake == label)
        open_ = at & one.abstained
        reasons = Counter(r for i in np.flatnonzero(open_) for r in dict.fromkeys(one.reasons[i]))
        if at.any():
            found.append(
                Abstention(
                    detector=one.detector,
                    condition=condition,
                    fake=label,
                    n=int(at.sum()),
                    not_applicable=int((open_ & np.isnan(one.score)).sum()),
                    inconclusive=int((open_ & ~np.isnan(one.score)).sum()),
                    reasons=dict(reasons.most_common()),
                )
            )
    return found
