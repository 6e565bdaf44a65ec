"""What an evaluation of texts or of speech is made of: plain data, so that all writers agree.

Scores rise towards "synthetic"; fakes are the positive class; ratios are natural logarithms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unmask.detect.evaluation.tables import Estimate, Leak, Paired, Reliability, Row

POOLED = "pooled"
GENERATOR, DOMAIN, CODEC = "generator", "domain", "codec"  # `by`
DECODING, ATTACK = "decoding", "attack"


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One detector on the N items of a condition."""

    detector: str
    score: NDArray[np.float64]  # (N,); NaN where it failed or has nothing to say
    llr: NDArray[np.float64] | None = None  # (N,) calibrated; None for a detector without
    abstained: NDArray[np.bool_]  # (N,) it said "inconclusive", or "not applicable" (no score)
    reasons: tuple[tuple[str, ...], ...]  # (N,) of the abstentions
    failures: Mapping[str, str] = field(default_factory=dict)  # item -> reason


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """One detector on the fakes of a group against the real items that belong to it.

    `row.perturbation` is the condition and `row.generator` the group's name. The costs are of
    speech alone, None elsewhere.
    """

    by: str  # POOLED, GENERATOR, DOMAIN, CODEC, DECODING, ATTACK
    row: Row
    min_tdcf: Estimate | None = None
    min_dcf: Estimate | None = None
    act_dcf: Estimate | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the answers are worth at a threshold that was fixed beforehand.

    n counts all that got an answer. What is not applicable counts as not called synthetic.
    """

    detector: str
    condition: str
    by: str
    group: str
    rule: str  # "P > 0.5", "P >= 0.9 and sure", "score > 1.5 (stated)"
    n_real: int
    n_fake: int
    accuracy: Estimate | None
    f1: Estimate | None
    tpr: Estimate | None
    fpr: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Real items of one source that are called synthetic, by the rule of a detector's verdict."""

    detector: str
    condition: str
    source: str  # corpus and domain
    rule: str
    n: int
    alarms: int
    rate: Estimate  # Clopper-Pearson


@dataclass(frozen=True, kw_only=True)
class Abstention:
    """What one detector left open of a class, and why."""

    detector: str
    condition: str
    fake: bool
    n: int  # that got an answer
    not_applicable: int  # without a score
    inconclusive: int  # with a score that it would not lean on
    reasons: Mapping[str, int]  # an item may have several


@dataclass(frozen=True, kw_only=True)
class FixedFpr:
    """Fakes found where a threshold lets 5% of the people's texts of each domain pass it.

    As RAID measures (Dugan et al. 2024). Domains with too few people's texts have no threshold, and
    their texts are left out.
    """

    detector: str
    condition: str
    by: str
    group: str
    n_real: int
    n_fake: int
    tpr: Estimate | None


@dataclass(frozen=True, kw_only=True)
class DomainThreshold:
    """The score above which at most 5% of a domain's people's texts lie; None with too few."""

    detector: str
    condition: str
    domain: str
    n_real: int
    value: float | None


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Both errors of one detector at every threshold that matters, the highest first.

    Points that no plot could tell apart are left out.
    """

    detector: str
    condition: str
    n_real: int
    n_fake: int
    points: tuple[tuple[float, float], ...]  # (share of false alarms, share of misses)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Scoring alone, kept scores left out: texts, or seconds of sound, in a second."""

    detector: str
    n: int
    per_second: float
    peak_memory_mb: float
    processors: int


@dataclass(frozen=True, kw_only=True)
class Asv:
    """The speaker verifier that a t-DCF is of, in rates; whether the user stated them."""

    miss: float
    false_alarm: float
    spoof_miss: float
    stated: bool


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """All tables of a run, and what is needed to repeat it."""

    medium: str  # "texts" or "speech"
    command: str
    version: str
    started: str  # ISO 8601, UTC
    data_sha256: str  # over (SHA-256, label, maker, source, condition) of every item
    data: Mapping[str, Mapping[str, Mapping[str, int]]]  # condition -> corpus -> maker -> n
    detectors: Mapping[str, str]  # name -> hash
    rows: tuple[GroupRow, ...]
    decisions: tuple[Decision, ...]
    alarms: tuple[Alarm, ...]
    abstentions: tuple[Abstention, ...]
    fixed_fpr: tuple[FixedFpr, ...]
    domain_thresholds: tuple[DomainThreshold, ...]
    paired: tuple[Paired, ...]
    reliability: tuple[Reliability, ...]
    curves: tuple[Curve, ...]
    leaks: tuple[Leak, ...]
    speed: tuple[Speed, ...]
    asv: Asv | None
    failures: Mapping[str, Mapping[str, str]]  # detector -> item -> reason
    warnings: tuple[str, ...]
