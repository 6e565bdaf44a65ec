"""Scan a file: run the analysers, weigh what they found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.evidence import Kind, Outcome
from unmask.media import Media
from unmask.registry import Analyser
from unmask.settings import Settings
from unmask.verdict import Verdict


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


def scan(
    media: Media,
    analysers: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> Report:
    """Run the named analysers, or all that fit the media's kind, and weigh their findings."""
    raise NotImplementedError
