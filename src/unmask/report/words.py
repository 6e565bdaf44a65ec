"""Numbers in words, the same in every report. Imports nothing of ours, so that all may use it."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

_LEARNED_NOTHING = 0.05  # |ln ratio| below this prints as a ratio of 1.0
# Upper ends of ENFSI's bands, Guideline for Evaluative Reporting in Forensic Science, 2015.
_STRENGTHS = (
    (10, "weak support"),
    (100, "moderate support"),
    (1_000, "moderately strong support"),
    (10_000, "strong support"),
    (1_000_000, "very strong support"),
)
# Lower ends of the bands of Mastrandrea et al., IPCC guidance note on uncertainties, 2010.
_CHANCES = (
    (0.99, "virtually certain"),
    (0.95, "extremely likely"),
    (0.90, "very likely"),
    (0.66, "likely"),
    (0.33, "about as likely as not"),
    (0.10, "unlikely"),
    (0.05, "very unlikely"),
    (0.01, "extremely unlikely"),
)


@dataclass(frozen=True)
class Sides:
    """What the two sides of a question are called, by kind of media."""

    maker: str  # "as probable from a ... as from a ..."
    other: str
    made: str  # "weak support for ..."
    taken: str
    lean: str  # "the evidence leans towards ..."
    headline_made: str
    headline_taken: str
    looks_made: str  # "..., but ..."
    looks_taken: str
    adjective: str = "synthetic"  # "very likely to be ..."


_PICTURE = Sides(
    "generator", "camera", "synthetic", "camera", "a camera picture",
    "Likely synthetic", "Likely from a camera",
    "its pixels look generated", "its pixels look like a camera's",
)  # fmt: skip
# By the value of unmask.evidence.Kind.
SIDES = {
    "image": _PICTURE,
    "video": _PICTURE,
    "audio": Sides(
        "generator", "microphone", "synthetic", "recording", "a real recording",
        "Likely synthetic", "Likely a real recording",
        "its sound seems generated", "its sound is like a real recording's",
    ),
    "text": Sides(
        "machine", "person", "machine", "person", "a person",
        "Likely machine-written", "Likely written by a person",
        "its words seem a machine's", "its words are like a person's", "machine-written",
    ),
}  # fmt: skip


def strength(llr: float) -> str:
    """ENFSI's words for a calibrated ln likelihood ratio, whichever way it points."""
    size = abs(llr)
    if math.isnan(size) or size < _LEARNED_NOTHING:
        return "no support"
    for limit, words in _STRENGTHS:
        if size < math.log(limit) - 1e-9:  # so that log(limit) itself falls in the band above
            return words
    return "extremely strong support"


def chance(probability: float) -> str:
    """The IPCC's words for a probability in [0, 1]."""
    for limit, words in _CHANCES:
        if probability >= limit:
            return words
    return "exceptionally unlikely"


def percent(probability: float) -> str:
    """A probability in [0, 1] without false certainty: never 0%, never 100%."""
    if probability > 0.99:
        return "over 99%"
    if probability < 0.01:
        return "under 1%"
    return f"{probability:.0%}"


def ratio(llr: float, kind: str = "image") -> str:
    """How a calibrated ln likelihood ratio reads in a sentence, without a full stop."""
    sides = SIDES[kind]
    if not math.isfinite(llr) or abs(llr) < _LEARNED_NOTHING:
        return f"as probable from a {sides.maker} as from a {sides.other}"
    maker, other = (sides.maker, sides.other) if llr > 0 else (sides.other, sides.maker)
    return f"{_times(abs(llr))} times as probable from a {maker} as from a {other}"


def _times(size: float) -> str:
    if size > math.log(1_000_000):
        return "over 1,000,000"
    value = math.exp(size)
    if value < 10:
        return f"{value:.1f}"
    digits = 10 ** (len(str(int(value))) - 2)  # two significant digits: calibration has no more
    return f"{round(value / digits) * digits:,}"


def weight(llr: float | None, kind: str = "image") -> str:
    """What one finding weighs, in a few words."""
    if llr is None:
        return "not weighed"
    words = strength(llr)
    if words == "no support":
        return "neither way"
    return f"{words} for {SIDES[kind].made if llr > 0 else SIDES[kind].taken}"


def file_size(size: int) -> str:
    """Bytes as people say them."""
    if size < 1000:
        return f"{size} bytes"
    value, units = float(size), iter(("kB", "MB", "GB", "TB"))
    unit = ""
    while value >= 999.5:
        value, unit = value / 1000, next(units, unit)
        if unit == "TB":
            break
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"


def moment(time: datetime) -> str:
    """A time in UTC to the second; one without a zone is taken as UTC already."""
    zoned = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return f"{zoned:%Y-%m-%d %H:%M:%S} UTC"
