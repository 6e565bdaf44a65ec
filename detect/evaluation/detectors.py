"""Open a detector by what a user writes: an analyser's name, a Python callable, a command.

- `image_detector`: a registered analyser. It gets the perturbed picture as a lossless PNG.
- `module:callable` or `folder/file.py:callable`: called with pixels (H, W, 3) uint8 RGB, or with
  the path of a PNG where its first parameter is annotated `Path` or `str`, or where it has an
  attribute `takes = "path"`. A class is made once, without arguments, and then called. It returns
  a score that rises towards "synthetic", (score, llr), or a mapping with score, llr, abstained.
  Kept scores are used again while its code is the same, that is its module, what that imports from
  beside it, files in folders called `weights` there, and files that an attribute `weights` names.
- what has a space, a slash or `{}` in it: a command, see `external`.

`NAME=...` in front of any of them says what tables call it.
"""

import contextlib
import inspect
import io
import re
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unmask.card import used_weights
from unmask.detect.encodings import Pixels
from unmask.detect.evaluation.answers import (
    Answer,
    DetectorError,
    EvaluatedDetector,
    Picture,
    read_answer,
)
from unmask.detect.evaluation.external import Command
from unmask.detect.evaluation.importing import attribute_of, import_module, reason
from unmask.detect.evaluation.sources import code_files, hash_files, weight_files
from unmask.errors import MediaError
from unmask.evidence import Failure, Kind, NotApplicable, Outcome
from unmask.media import Media, open_bytes
from unmask.registry import Analyser, pick
from unmask.scan import run
from unmask.settings import Settings, use

__all__ = ["Answer", "DetectorError", "EvaluatedDetector", "Picture", "open_detector"]

_NAMED = re.compile(r"([\w.-]+)=(.+)", re.DOTALL)
_PATIENCE = 10.0  # seconds to wait for an analyser that was interrupted
NO_NUMBER = "the analyser states neither a ratio nor a score"
_CALLABLE = re.compile(r"([\w.]+|\S+\.py):([\w.]+)")


def name_of(spec: str) -> str:
    """What tables call the detector that `spec` describes."""
    named = _NAMED.fullmatch(spec.strip())
    return named[1] if named else spec.strip()


def open_detector(spec: str, *, device: str = "auto", seconds: float = 60.0) -> EvaluatedDetector:
    """The detector, loaded and warm. `seconds` is the time limit of a picture.

    A callable works in this process and cannot be stopped: the limit does not hold for it. Raises
    DetectorError, and UnknownAnalyserError with the nearest name.
    """
    name, what, how = read_spec(spec)
    if isinstance(how, tuple):
        return CallableDetector(*how, name=name)
    if how == "command":
        return Command(what, name=name, seconds=seconds)
    settings = Settings(device=device, analyser_seconds=seconds)
    return AnalyserDetector(pick([what])[0], name=name, settings=settings)


def read_spec(spec: str) -> tuple[str, str, tuple[str, str] | str]:
    """What tables call it, what it is without that, and how it is opened.

    The last is (module, attribute) of a callable, "command" or "analyser".
    """
    named = _NAMED.fullmatch(spec.strip())
    name, what = (named[1], named[2].strip()) if named else (spec.strip(), spec.strip())
    if found := _CALLABLE.fullmatch(what):
        return name, what, (found[1], found[2])
    return name, what, "command" if re.search(r"\s|/|\{\}", what) else "analyser"


class AnalyserDetector:
    """A registered analyser of pictures."""

    batch, decodes, peak_memory_mb = 1, False, None

    def __init__(self, analyser: Analyser, *, name: str, settings: Settings) -> None:
        """Runs it once, so that loading weights is timed nowhere. Raises DetectorError."""
        if Kind.IMAGE not in analyser.kinds:
            raise DetectorError(f"The analyser {analyser.name} does not read pictures.")
        self.name, self._analyser, self._settings = name, analyser, settings
        before = used_weights()
        ramp = np.linspace(0, 255, 256 * 256 * 3).reshape(256, 256, 3)
        (answer,) = self.score([Picture(pixels=ramp.astype(np.uint8), path=Path("warm-up.png"))])
        if answer.failure == NO_NUMBER:
            raise DetectorError(f"{analyser.name} cannot be measured: {NO_NUMBER}.")
        self.hash = hash_of(analyser, before)

    def score(self, pictures: Sequence[Picture]) -> list[Answer]:
        """An answer for each."""
        return [self._score(picture) for picture in pictures]

    def _score(self, picture: Picture) -> Answer:
        data = _png(picture.pixels)
        clock = time.perf_counter()
        try:
            media = open_bytes(data, picture.path.name, limits=self._settings.limits)
        except MediaError as error:
            return Answer(failure=str(error), seconds=time.perf_counter() - clock)
        answer = ask(self._analyser, media, self._settings)
        return replace(answer, seconds=time.perf_counter() - clock)


def hash_of(analyser: Analyser, before: Mapping[str, str]) -> str:
    """Of an analyser's code and weights, after it has run; `before` are weights used until then."""
    code = code_files(analyser.analyse.__module__)
    beside = weight_files(code)  # count whether or not they were loaded just now
    known = {*before.values(), *(sha256(path.read_bytes()).hexdigest() for path in beside)}
    elsewhere = sorted(digest for digest in used_weights().values() if digest not in known)
    return hash_files([*code, *beside], analyser.name, *elsewhere)


def ask(analyser: Analyser, media: Media, settings: Settings) -> Answer:
    """What an analyser says of a file; where the user interrupts, its thread is waited for."""
    try:
        with use(settings):
            result = run(analyser, media, settings.analyser_seconds)
    except KeyboardInterrupt:
        _wait_for(f"unmask-{analyser.name}")
        raise
    return read_outcome(result.outcome)


def _wait_for(name: str) -> None:
    """A thread that still computes when the process ends would abort it; a second Ctrl-C too."""
    end = time.monotonic() + _PATIENCE
    for thread in [t for t in threading.enumerate() if t.name == name]:
        while thread.is_alive() and (left := end - time.monotonic()) > 0:
            with contextlib.suppress(KeyboardInterrupt):
                thread.join(timeout=left)


def read_outcome(outcome: Outcome) -> Answer:
    """The ratio is the score where there is one: what a user sees is what is judged."""
    if isinstance(outcome, Failure):
        return Answer(failure=outcome.text)
    if isinstance(outcome, NotApplicable):
        return Answer(abstained=True, reasons=(outcome.code,))
    if outcome.llr is not None:
        said: dict[str, Any] = {"score": outcome.llr, "llr": outcome.llr}
    elif "score" in outcome.facts:
        said = {"score": outcome.facts["score"]}
    else:
        return Answer(failure=NO_NUMBER)
    answer = read_answer(said | {"abstained": bool(outcome.doubts)})
    return replace(answer, reasons=tuple(doubt.code for doubt in outcome.doubts))


class CallableDetector:
    """A Python callable, ours or anyone's."""

    batch, decodes, peak_memory_mb = 1, False, None

    def __init__(self, module: str, attribute: str, *, name: str) -> None:
        """Imports it; the current folder is looked in first. Raises DetectorError."""
        self.name = name
        self._call, self.hash = load_callable(module, attribute, name)
        self._by_path = wants_path(self._call, ("pixels",), {"Path", "str", "PathLike"})

    def score(self, pictures: Sequence[Picture]) -> list[Answer]:
        """An answer for each."""
        return [self._score(picture) for picture in pictures]

    def _score(self, picture: Picture) -> Answer:
        if not self._by_path:
            return timed(self._call, np.array(picture.pixels))  # its own, to write on if it likes
        with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
            path = Path(folder, "picture.png")  # the file's own name may tell its label
            path.write_bytes(_png(picture.pixels))
            return timed(self._call, path)


def timed(call: Callable[[Any], Any], given: object) -> Answer:
    """What a callable says, and how long it took; what it breaks on must not end the run."""
    clock = time.perf_counter()
    try:
        answer = read_answer(call(given))
    except Exception as error:  # anything: it is somebody's code
        answer = Answer(failure=reason(error))
    return replace(answer, seconds=time.perf_counter() - clock)


def load_callable(module: str, attribute: str, name: str) -> tuple[Callable[[Any], Any], str]:
    """The callable, made where it is a class, and the hash of its code and weights.

    Raises DetectorError.
    """
    loaded = import_module(module)
    found = attribute_of(loaded, attribute, module)
    if inspect.isclass(found):
        try:
            found = found()
        except Exception as error:  # somebody else's code
            raise DetectorError(f"{name}: {reason(error)}") from error
    if not callable(found):
        raise DetectorError(f"{name} is a {type(found).__name__}, which cannot be called.")
    code = code_files(loaded.__name__)
    return found, hash_files([*code, *weight_files(code), *_weights(found)], attribute)


def _weights(found: Any) -> list[Path]:
    named = getattr(found, "weights", ())
    several = named if isinstance(named, list | tuple) else [named]
    return [Path(one) for one in several if isinstance(one, str | Path)]


def wants_path(found: Any, instead: Sequence[str], paths: Collection[str]) -> bool:
    """Whether a callable asks for a path: by its `takes`, else by its first parameter's type.

    `instead` is what else `takes` may say; `paths` are the types that mean a path. Raises
    DetectorError for another `takes`.
    """
    takes = getattr(found, "takes", None)
    if takes is not None:
        if takes not in ("path", *instead):
            *first, last = map(repr, ("path", *instead))
            raise DetectorError(f"takes is {', '.join(first)} or {last}, not {takes!r}.")
        return bool(takes == "path")
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):  # builtins may have no signature
        return False
    annotation = parameters[0].annotation if parameters else None
    named = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return named.rpartition(".")[2] in paths


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
