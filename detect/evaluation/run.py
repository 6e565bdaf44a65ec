"""An evaluation from beginning to end: load, look, even out, score, set thresholds, assess."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from unmask import __version__
from unmask.datasets import loaders
from unmask.datasets.manifest import Split
from unmask.detect.evaluation import probes
from unmask.detect.evaluation.answers import EvaluatedDetector
from unmask.detect.evaluation.assess import assess
from unmask.detect.evaluation.cache import Cache
from unmask.detect.evaluation.detectors import name_of, open_detector
from unmask.detect.evaluation.perturbations import CLEAN, parse_all
from unmask.detect.evaluation.scoring import Scorer, Work
from unmask.detect.evaluation.selection import (
    EvaluationError,
    load,
    manifest_sha256,
    overlaps,
    prepare,
)
from unmask.detect.evaluation.survey import Progress
from unmask.detect.evaluation.tables import Evaluation, Leak, Scores, Speed, Threshold
from unmask.detect.evaluation.thresholds import choose

_LEAK_DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What is measured on what, and how."""

    detectors: tuple[str, ...]  # as `detectors.open_detector` reads them
    data: tuple[str, ...]  # as `datasets.loaders.load` reads them
    perturb: tuple[str, ...] = ("standard",)  # clean comes first in any case
    base: str = "jpeg:95"  # both classes go through it before anything else
    crop: str = "auto"  # where the classes differ in size; none; or pixels for all
    split: str = Split.TEST.value  # of the data; "all" takes everything
    validation: tuple[str, ...] = ()  # sets thresholds of detectors without calibration
    thresholds: Mapping[str, float] = field(default_factory=dict)  # detector -> score
    decide: float = 0.5  # P(synthetic) at even priors from which a calibrated detector says so
    limit: int | None = None  # pictures of each corpus, split and generator
    draws: int = 2000  # of bootstraps
    seed: int = 0
    prevalences: tuple[float, ...] = (0.001, 0.01, 0.1)
    cache: Path | None = None  # folder of kept scores; None keeps nothing
    device: str = "auto"  # auto, cpu, cuda, mps
    seconds: float = 60.0  # time limit of a picture
    command: str = ""  # that was typed


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress."""


def evaluate(config: EvaluateConfig, progress: Progress = silent) -> Evaluation:
    """Measure the detectors on the data.

    A picture that is broken, or that a detector breaks on, is a failure of its own and never ends
    the run. Interrupted by Ctrl-C, the scores so far stay in the cache. Raises UnmaskError for a
    call that cannot be followed: DatasetError, DetectorError, PerturbationError, ...
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    perturbations, cache = parse_all(config.perturb), Cache(config.cache)
    detectors = _open(config)
    samples, warnings = load(config.data, config.split, config.limit)
    work, more = prepare(samples, config.base, config.crop, cache, progress)
    warnings += more
    scorer = Scorer(work, detectors, perturbations, cache)
    scorer.run(progress)
    scores = scorer.scores()
    held_out, more = _validate(config, detectors, scores, work, cache, progress)
    thresholds, chosen_warnings = _thresholds(config, scores, held_out)
    progress("assessing", 0, 1)
    leaks = _leaks(work, scorer, config)
    speed = _speed(scores, scorer.peaks)
    warnings += [*more, *chosen_warnings, *probes.warnings_of(leaks)]
    failures = _failures(scores)
    warnings += _doubts_of_run(config, scores, failures, speed)
    assessed = assess(
        scores,
        thresholds,
        draws=config.draws,
        seed=config.seed,
        prevalences=config.prevalences,
    )
    progress("assessing", 1, 1)
    return Evaluation(
        command=config.command,
        version=__version__,
        started=started,
        manifest_sha256=manifest_sha256(work),
        data=loaders.describe(samples),
        detectors={d.name: d.hash for d in detectors},
        thresholds=thresholds,
        rows=assessed.rows,
        sources=assessed.sources,
        paired=assessed.paired,
        reliability=assessed.reliability,
        risk_coverage=assessed.risk_coverage,
        predictive=assessed.predictive,
        leaks=leaks,
        speed=speed,
        failures=failures,
        warnings=tuple(dict.fromkeys([*warnings, *assessed.warnings])),
    )


def _open(config: EvaluateConfig) -> list[EvaluatedDetector]:
    names = [name_of(spec) for spec in config.detectors]
    if not names:
        raise EvaluationError("An evaluation needs a detector.")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise EvaluationError(f"Two detectors are called {twice[0]!r}; NAME=... tells them apart.")
    if unknown := set(config.thresholds) - set(names):
        raise EvaluationError(
            f"A threshold is stated for {sorted(unknown)[0]!r}; detectors are {', '.join(names)}."
        )
    if not 0 < config.decide < 1:
        raise EvaluationError(f"P(synthetic) lies between 0 and 1; {config.decide} does not.")
    return [
        open_detector(spec, device=config.device, seconds=config.seconds)
        for spec in config.detectors
    ]


def _validate(
    config: EvaluateConfig,
    detectors: Sequence[EvaluatedDetector],
    scores: Sequence[Scores],
    tested: Work,
    cache: Cache,
    progress: Progress,
) -> tuple[dict[str, Scores], list[str]]:
    """Clean scores on the validation data, by detector, of those that need them."""
    rated = {s.detector for s in scores if s.llr is not None}
    needy = [d for d in detectors if d.name not in rated and d.name not in config.thresholds]
    if not config.validation or not needy:
        return {}, []
    samples, warnings = load(config.validation, Split.VALIDATION, config.limit)
    work, more = prepare(samples, config.base, config.crop, cache, progress)
    warnings += [f"Validation data: {text}" for text in more] + overlaps(work, tested)
    scorer = Scorer(work, needy, parse_all(()), cache)
    scorer.run(progress)
    return {s.detector: s for s in scorer.scores()}, warnings


def _thresholds(
    config: EvaluateConfig, scores: Sequence[Scores], held_out: Mapping[str, Scores]
) -> tuple[tuple[Threshold, ...], list[str]]:
    chosen, warnings = [], []
    for clean in (s for s in scores if s.perturbation == CLEAN):
        name = clean.detector
        threshold, warning = choose(
            clean, held_out.get(name), config.thresholds.get(name), config.decide
        )
        chosen += [threshold] if threshold else []
        warnings += [warning] if warning else []
    return tuple(chosen), warnings


def _leaks(work: Work, scorer: Scorer, config: EvaluateConfig) -> tuple[Leak, ...]:
    ready = scorer.features()
    samples = list(ready)
    seen = {
        probes.LYING: [work.facts[s.path].features for s in samples],
        probes.SCORED: [ready[s] for s in samples],
    }
    return probes.leaks(
        seen,
        [s.fake for s in samples],
        [s.source for s in samples],
        draws=min(config.draws, _LEAK_DRAWS),
        seed=config.seed,
    )


def _speed(scores: Sequence[Scores], peaks: Mapping[str, float]) -> tuple[Speed, ...]:
    """Of clean pictures that were scored in this run; a detector without any is left out."""
    found = []
    for clean in (s for s in scores if s.perturbation == CLEAN):
        seconds = clean.seconds[np.isfinite(clean.seconds)]
        if len(seconds) and seconds.sum() > 0:
            found.append(
                Speed(
                    detector=clean.detector,
                    images=len(seconds),
                    images_per_second=len(seconds) / float(seconds.sum()),
                    peak_memory_mb=peaks[clean.detector],
                    processors=_processors(),
                )
            )
    return tuple(found)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _doubts_of_run(
    config: EvaluateConfig,
    scores: Sequence[Scores],
    failures: Mapping[str, Mapping[str, str]],
    speed: Sequence[Speed],
) -> list[str]:
    warnings = [
        f"{name} failed on {len(reasons)} pictures, for instance: {next(iter(reasons.values()))}"
        for name, reasons in failures.items()
    ]
    known = {s.detector for s in scores if np.isfinite(s.score).any()}
    if config.cache and (kept := known - {s.detector for s in speed}):
        warnings.append(f"Scores of {', '.join(sorted(kept))} are kept ones: no speed is measured.")
    return warnings


def _failures(scores: Sequence[Scores]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in scores:
        of_detector = found.setdefault(one.detector, {})
        for path, reason in one.failures.items():
            of_detector.setdefault(path, reason)
    return {name: reasons for name, reasons in found.items() if reasons}
