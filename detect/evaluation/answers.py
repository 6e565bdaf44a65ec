"""What a detector says of a picture, however it said it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from unmask.detect.encodings import Pixels
from unmask.errors import UnmaskError


class DetectorError(UnmaskError):
    """A detector that cannot be opened; the message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """What a detector is given: pixels as they are to be judged, and the file they came from."""

    pixels: Pixels
    path: Path  # of the file on the disk, which was not yet perturbed


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a detector said of one picture.

    `score` rises towards "synthetic"; NaN where it failed or has nothing to say. `llr` is a
    calibrated natural-log likelihood ratio.
    """

    score: float = math.nan
    llr: float | None = None
    abstained: bool = False  # the detector itself said "inconclusive" or "not applicable"
    reasons: tuple[str, ...] = ()  # why it abstained, in its own codes
    seconds: float = math.nan  # wall clock for this file
    failure: str = ""  # why there is no score


class EvaluatedDetector(Protocol):
    """Anything that gives pictures a score, opened and ready."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def hash(self) -> str:
        """Of its code, weights or command line: another hash is another detector."""

    @property
    def batch(self) -> int:
        """How many pictures it takes at a time."""

    @property
    def decodes(self) -> bool:
        """Whether its seconds include opening a file."""

    @property
    def peak_memory_mb(self) -> float | None:
        """Of processes of its own so far; None where it works in this one."""

    def score(self, pictures: Sequence[Picture]) -> list[Answer]:
        """An answer for each; a picture that it breaks on is an answer with a failure."""


def read_answer(said: Any) -> Answer:
    """From a number, (score, llr), or a mapping with score, llr, abstained, reason.

    Whatever turns into a float is a number: NumPy scalars, tensors of one element. An answer
    without a finite score is a failure, unless it is an abstention.
    """
    abstained = False
    reasons: tuple[str, ...] = ()
    llr: Any = None
    if isinstance(said, Mapping):
        llr, abstained = said.get("llr"), bool(said.get("abstained", False))
        reasons = (str(said["reason"])[:100],) if abstained and said.get("reason") else ()
        if "score" not in said and llr is None:
            return Answer(failure=f"no score in {_short(said)}")
        score = said.get("score", llr)
    elif isinstance(said, tuple) and len(said) == 2:
        score, llr = said
    else:
        score = said
    try:
        value = math.nan if score is None else _number(score)
        ratio = None if llr is None else _number(llr)
    except (TypeError, ValueError, RuntimeError):  # torch raises RuntimeError for many elements
        return Answer(failure=f"no number: {_short(said)}")
    if not math.isfinite(value):
        reason = "" if abstained and math.isnan(value) else f"the score is {value}"
        return Answer(abstained=abstained, reasons=reasons, failure=reason)
    if ratio is not None and not math.isfinite(ratio):
        return Answer(failure=f"the ratio is {ratio}")
    return Answer(score=value, llr=ratio, abstained=abstained, reasons=reasons)


def _number(said: Any) -> float:
    if isinstance(said, bool | str | bytes):  # True and "0.5" are slips, and no scores
        raise TypeError
    return float(said.item() if hasattr(said, "item") else said)


def _short(said: object) -> str:
    text = repr(said)
    return text if len(text) <= 80 else text[:77] + "..."
