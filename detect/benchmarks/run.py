"""An evaluation of texts or of speech from beginning to end: load, score, assess."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from unmask import __version__
from unmask.detect.audio.tdcf import Verifier
from unmask.detect.benchmarks import speech, texts
from unmask.detect.benchmarks.assess import Assessed, assess
from unmask.detect.benchmarks.costs import min_tdcf_figure
from unmask.detect.benchmarks.decided import Rules, unscored
from unmask.detect.benchmarks.detectors import Detector, open_detector
from unmask.detect.benchmarks.items import Medium, describe
from unmask.detect.benchmarks.leaks import leaks
from unmask.detect.benchmarks.ready import Maker
from unmask.detect.benchmarks.scoring import Scorer, Work
from unmask.detect.benchmarks.tables import Asv, Benchmark, Scored
from unmask.detect.evaluation.cache import Cache
from unmask.detect.evaluation.detectors import name_of
from unmask.detect.evaluation.probes import warnings_of
from unmask.detect.evaluation.run import silent
from unmask.detect.evaluation.selection import EvaluationError
from unmask.detect.evaluation.survey import Progress
from unmask.errors import MediaError

_LEAK_DRAWS = 1000
# A verifier that nobody measured: t-DCF weighs a detector's errors by those of what it guards.
ASSUMED = Verifier(miss=0.05, false_alarm=0.05, spoof_miss=0.3)
_FEW = 100  # items of a class, below which intervals are wide


@dataclass(frozen=True, kw_only=True)
class BenchmarkConfig:
    """What is measured on what, and how."""

    medium: Medium
    detectors: tuple[str, ...]
    data: tuple[str, ...]
    words: tuple[str, ...] = (texts.WHOLE,)  # lengths of documents, of texts
    encode: tuple[str, ...] = ("standard",)  # of speech
    asv: Verifier | None = None  # None: an assumed one
    split: str = "test"
    thresholds: Mapping[str, float] = field(default_factory=dict)  # detector -> score
    decide: float = 0.9  # P(synthetic) from which a verdict says so
    limit: int | None = None  # of each corpus, domain, split and generator
    draws: int = 2000
    seed: int = 0
    cache: Path | None = None
    device: str = "auto"
    seconds: float = 60.0
    command: str = ""


def benchmark(config: BenchmarkConfig, progress: Progress = silent) -> Benchmark:
    """Measure the detectors on the data.

    What is broken, or breaks a detector, is a failure of its own and never ends the run.
    Interrupted by Ctrl-C, the scores so far stay in the cache. Raises UnmaskError for a wrong call.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    cache = Cache(config.cache)
    detectors = _open(config)
    work, maker, warnings = _load(config, cache)
    scorer = Scorer(work, maker, detectors, cache)
    scorer.run(progress)
    progress("assessing", 0, len(work))
    scored = {condition: scorer.scored(condition) for condition in work}
    rules = _rules(config)
    tables: list[Assessed] = []
    for place, (condition, items) in enumerate(work.items(), 1):
        tables.append(assess(items, scored[condition], condition, rules))
        progress("assessing", place, len(work))
    found = leaks(
        {condition: scorer.features(condition) for condition in work},
        draws=min(config.draws, _LEAK_DRAWS),
        seed=config.seed,
    )
    speed = scorer.speeds(_processors())
    failures = _failures(scored)
    warnings += _doubts(config, work, maker, scored, failures) + warnings_of(found)
    kept = {d.name for d in detectors} - {s.detector for s in speed}
    if config.cache and kept:
        warnings.append(f"Scores of {', '.join(sorted(kept))} are kept ones: no speed is measured.")
    return Benchmark(
        medium=config.medium.value,
        command=config.command,
        version=__version__,
        started=started,
        data_sha256=_data_sha256(work, maker),
        data={condition: describe(items) for condition, items in work.items()},
        detectors={d.name: d.hash for d in detectors},
        rows=tuple(row for one in tables for row in one.rows),
        decisions=tuple(row for one in tables for row in one.decisions),
        alarms=tuple(row for one in tables for row in one.alarms),
        abstentions=tuple(row for one in tables for row in one.abstentions),
        fixed_fpr=tuple(row for one in tables for row in one.fixed_fpr),
        domain_thresholds=tuple(row for one in tables for row in one.domain_thresholds),
        paired=tuple(row for one in tables for row in one.paired),
        reliability=tuple(row for one in tables for row in one.reliability),
        curves=tuple(row for one in tables for row in one.curves),
        leaks=found,
        speed=speed,
        asv=_asv(config),
        failures=failures,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def silent_detectors(found: Benchmark) -> list[str]:
    """Detectors that answered on nothing at all."""
    answered = {one.detector for one in found.abstentions}
    return [name for name in found.detectors if name not in answered]


def parse_verifier(text: str) -> Verifier:
    """Three rates in [0, 1], "0.05,0.05,0.3". Raises EvaluationError."""
    try:
        miss, false_alarm, spoof_miss = (float(part) for part in text.split(","))
    except ValueError as error:
        message = f"--asv {text!r} is not MISS,FALSE_ALARM,SPOOF_MISS, as 0.05,0.05,0.3."
        raise EvaluationError(message) from error
    if not all(0 <= rate <= 1 for rate in (miss, false_alarm, spoof_miss)):
        raise EvaluationError(f"--asv {text!r}: error rates lie between 0 and 1.")
    verifier = Verifier(miss=miss, false_alarm=false_alarm, spoof_miss=spoof_miss)
    try:
        min_tdcf_figure(verifier)
    except ValueError as error:
        raise EvaluationError(f"--asv {text!r}: {error}.") from error
    return verifier


def _open(config: BenchmarkConfig) -> list[Detector]:
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
        open_detector(spec, config.medium, device=config.device, seconds=config.seconds)
        for spec in config.detectors
    ]


def _load(config: BenchmarkConfig, cache: Cache) -> tuple[Work, Maker, list[str]]:
    if config.medium is Medium.SPEECH:
        encodings = speech.parse_encodings(config.encode)
        items, warnings = speech.load_items(config.data, config.split, config.limit)
        return dict.fromkeys(encodings, items), speech.Speech(cache), warnings
    lengths = texts.parse_words(config.words)
    found, warnings = texts.load_items(config.data, config.split, config.limit, lengths)
    return found, texts.Texts(), warnings


def _rules(config: BenchmarkConfig) -> Rules:
    of_texts = config.medium is Medium.TEXTS
    return Rules(
        verifier=None if of_texts else config.asv or ASSUMED,
        decide=config.decide,
        stated=config.thresholds,
        fixed=of_texts,
        costs=not of_texts,
        draws=config.draws,
        seed=config.seed,
    )


def _asv(config: BenchmarkConfig) -> Asv | None:
    if config.medium is Medium.TEXTS:
        return None
    one = config.asv or ASSUMED
    return Asv(
        miss=one.miss,
        false_alarm=one.false_alarm,
        spoof_miss=one.spoof_miss,
        stated=config.asv is not None,
    )


def _doubts(
    config: BenchmarkConfig,
    work: Work,
    maker: Maker,
    scored: Mapping[str, Sequence[Scored]],
    failures: Mapping[str, Mapping[str, str]],
) -> list[str]:
    found = [
        f"{name} failed on {len(reasons)} {maker.many}, as: {next(iter(reasons.values()))}"
        for name, reasons in failures.items()
    ]
    every = list(dict.fromkeys(one for items in work.values() for one in items))
    if trained := sum(one.split == "train" for one in every):
        found.append(f"{trained} of the {maker.many} are of a training split.")
    for condition, items in work.items():
        for fake, noun in ((False, maker.real), (True, maker.fake)):
            count = sum(one.fake is fake for one in items)
            if not count:
                found.append(f"There are no {noun} ({condition}): the classes cannot be compared.")
            elif count < _FEW:
                found.append(f"Only {count} {noun} ({condition}): intervals are wide.")
        found += unscored(items, scored[condition], condition)
    rated = {s.detector for of in scored.values() for s in of if s.llr is not None}
    for name in dict.fromkeys(s.detector for of in scored.values() for s in of):
        if name not in rated and name not in config.thresholds:
            found.append(
                f"{name} gives no ratio and no threshold is stated for it (--threshold "
                f"{name}=VALUE): it has no accuracy, F1 or false alarms."
            )
    return found


def _failures(scored: Mapping[str, Sequence[Scored]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for condition, of in scored.items():
        for one in of:
            reasons = found.setdefault(one.detector, {})
            for name, reason in one.failures.items():
                reasons.setdefault(name, f"{reason} ({condition})")
    return {name: reasons for name, reasons in found.items() if reasons}


def _data_sha256(work: Work, maker: Maker) -> str:
    rows = []
    for condition, items in work.items():
        for one in items:
            try:
                digest = maker.sha256(one)
            except MediaError:
                digest = ""
            rows.append(json.dumps([digest, one.fake, one.generator, one.source, condition]))
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
