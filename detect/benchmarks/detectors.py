"""Open a detector of texts or of speech by what a user writes, as `evaluation.detectors` does.

- an analyser of that kind, such as `text_detector` or `audio_detector`;
- `module:callable`: called with the text (str), or with (N,) float32 samples of one channel at
  16 kHz; with the path of a UTF-8 text or of a WAV where its first parameter is annotated `Path`,
  or where it has an attribute `takes = "path"`. It answers as a detector of pictures does, and may
  add a `reason` to `abstained`;
- a command: with `{}` for the path of a .txt or .wav, or with paths on standard input.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from unmask.card import used_weights
from unmask.detect.benchmarks.items import Medium
from unmask.detect.benchmarks.ready import RATE, Ready
from unmask.detect.evaluation.answers import Answer, DetectorError
from unmask.detect.evaluation.detectors import (
    NO_NUMBER,
    ask,
    hash_of,
    load_callable,
    read_spec,
    timed,
    wants_path,
)
from unmask.detect.evaluation.external import Command
from unmask.errors import MediaError
from unmask.evidence import Kind
from unmask.media import Media, of_sound, open_bytes
from unmask.registry import Analyser, pick
from unmask.settings import Settings

_KINDS = {Medium.TEXTS: Kind.TEXT, Medium.SPEECH: Kind.AUDIO}
_WARM_UP = (
    "The morning train was late again, so the three of us stood on the platform and talked about "
    "the garden, the price of bread, and whether the old bridge would be closed for another year. "
    "Nobody knew. A man with a dog said that the council had promised to decide before winter, but "
    "he laughed while he said it, and we laughed too."
)


class Detector(Protocol):
    """Anything that gives texts or recordings a score, opened and ready."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def hash(self) -> str:
        """Of its code, weights or command line."""

    @property
    def batch(self) -> int:
        """How many it takes at a time."""

    @property
    def peak_memory_mb(self) -> float | None:
        """Of processes of its own; None where it works in this one."""

    def score(self, given: Sequence[Ready]) -> list[Answer]:
        """An answer for each."""


def open_detector(spec: str, medium: Medium, *, device: str, seconds: float) -> Detector:
    """The detector, loaded and warm. `seconds` is the time limit of a text or recording.

    Raises DetectorError, and UnknownAnalyserError with the nearest name.
    """
    name, what, how = read_spec(spec)
    if isinstance(how, tuple):
        return MediaCallable(*how, name=name)
    if how == "command":
        return MediaCommand(what, name=name, seconds=seconds)
    settings = Settings(device=device, analyser_seconds=seconds)
    return MediaAnalyser(pick([what])[0], _KINDS[medium], name=name, settings=settings)


class MediaAnalyser:
    """A registered analyser of texts or of sound."""

    batch, peak_memory_mb = 1, None

    def __init__(self, analyser: Analyser, kind: Kind, *, name: str, settings: Settings) -> None:
        """Runs it once, so that loading weights is timed nowhere. Raises DetectorError."""
        if kind not in analyser.kinds:
            what = {Kind.TEXT: "texts", Kind.AUDIO: "recordings"}[kind]
            raise DetectorError(f"The analyser {analyser.name} does not read {what}.")
        self.name, self._analyser, self._settings, self._kind = name, analyser, settings, kind
        before = used_weights()
        hum = np.sin(np.arange(4 * RATE) * 0.05).astype(np.float32) / 10
        text = Ready(text=_WARM_UP, name="warm-up")
        given = text if kind is Kind.TEXT else Ready(wave=hum, name="warm-up")
        (answer,) = self.score([given])
        if answer.failure == NO_NUMBER:
            raise DetectorError(f"{analyser.name} cannot be measured: {NO_NUMBER}.")
        self.hash = hash_of(analyser, before)

    def score(self, given: Sequence[Ready]) -> list[Answer]:
        """An answer for each."""
        return [self._score(one) for one in given]

    def _score(self, one: Ready) -> Answer:
        clock = time.perf_counter()
        try:
            media = _media(one, self._settings)
        except MediaError as error:
            return Answer(failure=str(error))
        if media.kind is not self._kind:
            return Answer(failure=f"It is taken for a file of kind {media.kind}.")
        answer = ask(self._analyser, media, self._settings)
        return replace(answer, seconds=time.perf_counter() - clock)


def _media(one: Ready, settings: Settings) -> Media:
    """As a scan would open it."""
    if one.wave is not None:
        return of_sound(one.wave, RATE, "recording.wav")
    return open_bytes((one.text or "").encode(), "text.txt", limits=settings.limits)


class MediaCallable:
    """A Python callable, ours or anyone's."""

    batch, peak_memory_mb = 1, None

    def __init__(self, module: str, attribute: str, *, name: str) -> None:
        """Imports it; the current folder is looked in first. Raises DetectorError."""
        self.name = name
        self._call, self.hash = load_callable(module, attribute, name)
        # A text itself is a `str`, so that is no path here.
        self._by_path = wants_path(self._call, ("text", "samples"), {"Path", "PathLike"})

    def score(self, given: Sequence[Ready]) -> list[Answer]:
        """An answer for each."""
        return [self._score(one) for one in given]

    def _score(self, one: Ready) -> Answer:
        if not self._by_path:
            return timed(self._call, one.text if one.wave is None else np.array(one.wave))
        with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
            return timed(self._call, write(one, Path(folder, "given")))


class MediaCommand:
    """An external command."""

    def __init__(self, line: str, *, name: str, seconds: float) -> None:
        """`seconds` is the time limit of a text or recording. Raises DetectorError."""
        self._command = Command(line, name=name, seconds=seconds)
        self.name, self.batch, self.hash = name, self._command.batch, self._command.hash

    @property
    def peak_memory_mb(self) -> float:
        """Of its processes so far."""
        return self._command.peak_memory_mb

    def score(self, given: Sequence[Ready]) -> list[Answer]:
        """An answer for each, in their order."""
        with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
            paths = [
                str(write(one, Path(folder, f"{place:06d}"))) for place, one in enumerate(given)
            ]
            return self._command.score_files(paths)


def write(one: Ready, stem: Path) -> Path:
    """As a UTF-8 text or 16-bit WAV whose name tells nothing of its label."""
    if one.wave is not None:
        path = stem.with_suffix(".wav")
        path.write_bytes(of_sound(one.wave, RATE, path.name).data)
    else:
        path = stem.with_suffix(".txt")
        path.write_bytes((one.text or "").encode())
    return path
