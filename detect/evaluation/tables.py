"""What an evaluation is made of: scores come in, tables with intervals go out.

Everything here is plain data, so that JSON, Markdown and HTML say the same. Scores rise towards
"synthetic"; fakes are the positive class; ratios are natural logarithms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.manifest import Sample

POOLED = "pooled"  # all generators together, against all photographs
WORST = "worst"  # the generator with the lowest AUC


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One detector on N samples under one perturbation."""

    detector: str
    perturbation: str  # "clean", "JPEG 70", ...
    samples: tuple[Sample, ...]
    score: NDArray[np.float64]  # (N,); NaN where the detector failed
    llr: NDArray[np.float64] | None = None  # (N,) calibrated; None for a detector without
    abstained: NDArray[np.bool_]  # (N,) the detector itself said "inconclusive"
    seconds: NDArray[np.float64]  # (N,) decoding and scoring; NaN where read from the cache
    failures: Mapping[str, str] = field(default_factory=dict)  # path -> reason


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure with its 95% interval; the interval is NaN where it cannot be had."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One detector, one perturbation, one generator (or POOLED) against the photographs.

    None where a figure is not defined: one class is missing, or too few pictures for it.
    """

    detector: str
    perturbation: str
    generator: str
    n_real: int
    n_fake: int
    auc: Estimate | None
    ap: Estimate | None  # average precision at this table's own prevalence
    balanced_accuracy: Estimate | None  # at the frozen threshold
    oracle_accuracy: float | None  # balanced accuracy at this row's own best threshold
    tpr: Estimate | None  # at the frozen threshold
    tnr: Estimate | None
    tpr_at_fpr_1: Estimate | None  # at 1% false positives of this row's photographs
    tpr_at_fpr_5: Estimate | None
    eer: Estimate | None
    abstained: float  # share of the row's pictures


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """False positives of one source of photographs at the frozen threshold, clean."""

    detector: str
    corpus: str
    n: int
    false_positives: int
    rate: Estimate  # Clopper-Pearson


@dataclass(frozen=True, kw_only=True)
class Paired:
    """AUC of `first` minus that of `second` on the same pictures, bootstrapped together."""

    first: str
    second: str
    perturbation: str
    generator: str
    difference: Estimate


@dataclass(frozen=True, kw_only=True)
class Bin:
    """A bin of the reliability diagram."""

    low: float  # of the stated probability
    high: float
    n: int
    stated: float  # mean stated probability; NaN where n = 0
    found: float  # share of fakes


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Whether stated probabilities hold, at even priors (classes weighted alike)."""

    detector: str
    perturbation: str
    ece: Estimate
    brier: Estimate
    cllr: Estimate
    bins: tuple[Bin, ...]


@dataclass(frozen=True, kw_only=True)
class RiskCoverage:
    """Error among the pictures that are answered, as less sure ones are left out.

    Points are (coverage, risk), coverage falling from 1; `own` is where the detector's own
    abstentions put it.
    """

    detector: str
    perturbation: str
    points: tuple[tuple[float, float], ...]
    aurc: float  # area under the curve
    own: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Predictive:
    """What a positive answer is worth where fakes are rare, at the frozen threshold."""

    detector: str
    prevalence: float
    ppv: Estimate | None
    npv: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Leak:
    """AUC of a probe that sees only what must not tell the classes apart (5-fold, by source)."""

    probe: str
    auc: Estimate
    n: int


@dataclass(frozen=True, kw_only=True)
class Speed:
    """End to end, cached pictures left out."""

    detector: str
    images: int
    images_per_second: float
    peak_memory_mb: float  # resident set of the process, or of the external command
    processors: int


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Where a detector's answer turns to "synthetic", and how that was chosen."""

    detector: str
    value: float
    chosen: str  # "stated", "calibrated", "validation", "oracle": the last is marked everywhere


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All tables of a run, and what is needed to repeat it."""

    command: str
    version: str
    started: str  # ISO 8601, UTC
    manifest_sha256: str  # over (SHA-256 of the file, label, generator, source) of every sample
    data: Mapping[str, Mapping[str, int]]  # corpus -> generator or "camera" -> pictures
    detectors: Mapping[str, str]  # name -> hash of its weights, code or command line
    thresholds: tuple[Threshold, ...]
    rows: tuple[Row, ...]
    sources: tuple[SourceRow, ...]
    paired: tuple[Paired, ...]
    reliability: tuple[Reliability, ...]
    risk_coverage: tuple[RiskCoverage, ...]
    predictive: tuple[Predictive, ...]
    leaks: tuple[Leak, ...]
    speed: tuple[Speed, ...]
    failures: Mapping[str, Mapping[str, str]]  # detector -> path -> reason
    warnings: tuple[str, ...]  # near-duplicates, too few pictures, a leak above chance, ...
