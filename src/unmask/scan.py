"""Scan a file: run the analysers, weigh what they found."""

import contextvars
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask import __version__
from unmask.card import used_weights
from unmask.errors import UnmaskError
from unmask.evidence import Failure, Finding, Kind, NotApplicable, Outcome
from unmask.media import Media
from unmask.registry import Analyser, analysers, pick
from unmask.report.sound import Heard, heard
from unmask.settings import Settings, use
from unmask.sound import mono
from unmask.verdict import Verdict, weigh

PREVIEW_SIDE = 1024  # pixels
# What the numbers of a report depend on.
_LIBRARIES = (
    "numpy",
    "scipy",
    "pillow",
    "opencv-python-headless",
    "av",
    "c2pa-python",
    "onnxruntime",
    "torch",
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one analyser returned, and how long it took."""

    analyser: Analyser
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything about one scanned file. Writers of reports read this and nothing else."""

    name: str
    kind: Kind
    format: str  # jpeg, png, mp4, ...
    mime: str
    size: int  # bytes
    sha256: str
    facts: Mapping[str, Any]  # width, height, mode, duration, codec, ...: JSON values
    verdict: Verdict
    results: tuple[Result, ...]  # notable findings first, then the other findings, then the rest
    preview: NDArray[np.uint8] | None  # (h, w, 3) RGB, at most 1024 px a side; None without one
    started: datetime  # UTC
    seconds: float
    version: str  # of unmask
    libraries: Mapping[str, str]  # versions of what the numbers depend on
    weights: Mapping[str, str]  # weight file -> SHA-256, of those used
    settings: Settings
    sound: Heard | None = None  # of a recording or a clip, to look at and to play


def scan(
    media: Media,
    names: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> Report:
    """Run the named analysers, or all that fit the kind of the media, and weigh their findings.

    An analyser that breaks or is late becomes a Failure in the report, never an exception.
    Raises UnknownAnalyserError for a name that no analyser carries.
    """
    settings = settings or Settings()
    chosen = analysers(media.kind) if names is None else pick(names)
    started, clock = datetime.now(UTC), time.perf_counter()
    results = _run_all(chosen, media, settings)
    verdict = weigh({r.analyser.name: r.outcome for r in results}, media.kind, settings.prior)
    return Report(
        name=media.name,
        kind=media.kind,
        format=media.format.name,
        mime=media.format.mime,
        size=len(media.data),
        sha256=media.sha256,
        facts=describe(media),
        verdict=verdict,
        results=tuple(sorted(results, key=_rank)),
        preview=preview(media),
        started=started,
        seconds=time.perf_counter() - clock,
        version=__version__,
        libraries=_versions(),
        weights=_weights_of(results),
        settings=settings,
        sound=None if media.waveform is None else heard(mono(media.waveform), media.sample_rate),
    )


def _run_all(chosen: Sequence[Analyser], media: Media, settings: Settings) -> list[Result]:
    """Several at once: the numerical libraries let go of Python's lock while they compute."""

    def one_of(one: Analyser) -> Result:
        with use(settings):
            return run(one, media, settings.analyser_seconds)

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(one_of, chosen))


def run(one: Analyser, media: Media, seconds: float) -> Result:
    """One analyser on one file, its exceptions caught and its time bounded."""
    clock = time.perf_counter()
    if media.kind not in one.kinds:
        outcome: Outcome = NotApplicable(
            code="other_kind", text=f"This analysis does not read files of kind {media.kind}."
        )
        return Result(analyser=one, outcome=outcome, seconds=0.0)
    box: SimpleQueue[Outcome] = SimpleQueue()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            box.put(context.run(one.analyse, media))
        except UnmaskError as error:
            box.put(Failure(code="error", text=str(error)))
        except Exception as error:  # a broken analyser must not take the others with it
            box.put(Failure(code="error", text=f"{type(error).__name__}: {error}"[:500]))

    # A thread cannot be killed; a daemon that is late is left behind and ends with the process.
    threading.Thread(target=work, daemon=True, name=f"unmask-{one.name}").start()
    try:
        outcome = box.get(timeout=seconds)
    except Empty:
        outcome = Failure(code="timeout", text=f"Not finished after {seconds:.0f} seconds.")
    return Result(analyser=one, outcome=outcome, seconds=time.perf_counter() - clock)


def _rank(result: Result) -> tuple[int, int, str]:
    outcome = result.outcome
    if isinstance(outcome, Finding):
        weight = bool(outcome.claims) * 2 + (outcome.llr is not None) * 2 + outcome.notable
        return 0, -int(weight), result.analyser.name
    return (2 if isinstance(outcome, Failure) else 1), 0, result.analyser.name


def describe(media: Media) -> dict[str, Any]:
    """The plain facts of a file, by kind."""
    if media.kind is Kind.IMAGE:
        info = media.image_info
        height, width = media.pixels.shape[:2]
        return {
            "width": width,
            "height": height,
            "megapixels": round(width * height / 1e6, 2),
            "mode": info.mode,
            "frames": info.frames,
            "orientation": info.orientation,
            "icc_profile": info.icc_profile,
            "conversions": list(info.notes),
        }
    if media.kind is Kind.TEXT:
        counts = {"characters": len(media.text), "words": len(media.text.split())}
        return counts | dict(media.document)
    facts: dict[str, Any] = {"duration": media.container.get("duration")}
    if media.frames:
        height, width = media.frames[0].pixels.shape[:2]
        facts |= {"width": width, "height": height, "sampled_frames": len(media.frames)}
    if media.waveform is not None:
        facts |= {"sample_rate": media.sample_rate, "channels": media.waveform.shape[1]}
    return facts


def preview(media: Media) -> NDArray[np.uint8] | None:
    """The picture, or a clip's middle frame, at most 1024 px a side."""
    if media.kind not in (Kind.IMAGE, Kind.VIDEO):
        return None
    pixels = media.pixels
    height, width = pixels.shape[:2]
    scale = PREVIEW_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _weights_of(results: Sequence[Result]) -> dict[str, str]:
    """Of what this file was judged by: a process may have loaded others for other files.

    A finding names its weights by their card.
    """
    outcomes = [result.outcome for result in results]
    named = {o.facts.get("weights") for o in outcomes if isinstance(o, Finding)}
    return {name: digest for name, digest in used_weights().items() if Path(name).stem in named}


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
