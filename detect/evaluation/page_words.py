"""How names, figures and their intervals read: the same in every page and in the terminal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unmask.detect.evaluation.tables import Estimate
from unmask.report.clean import clean

DASH = "–"
MARK = "†"  # beside every detector whose threshold was chosen on the very pictures it is tested on
ORACLE = f"{MARK} threshold chosen on these very pictures (an oracle's)"
CHOSEN = {
    "stated": "stated beforehand",
    "calibrated": "by its own calibration",
    "validation": "chosen on validation pictures",
    "oracle": "chosen on these very pictures (an oracle's)",
}
_NAME = 60  # characters of a name; a command line may be longer
_SHORT = 24  # in a picture


@dataclass(frozen=True, kw_only=True)
class Unit:
    """How a kind of figure is written."""

    digits: int
    factor: float = 1.0
    suffix: str = ""
    signed: bool = False

    def number(self, value: float | None) -> str:
        """The figure without its unit; a dash where it is missing."""
        if value is None or math.isnan(value):
            return DASH
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        scaled = value * self.factor
        text = f"{abs(scaled):,.{self.digits}f}"
        if self.suffix == "%" and (edge := _edge(scaled, text, self.digits)):
            return edge
        if float(text.replace(",", "")) == 0:
            return text
        return ("−" if scaled < 0 else "+" if self.signed else "") + text

    def text(self, value: float | None) -> str:
        """The figure with its unit."""
        number = self.number(value)
        return number if number == DASH else number + self.suffix

    def interval(self, figure: Estimate) -> str:
        """`[low, high]`, or nothing where there is none."""
        if math.isnan(figure.low) or math.isnan(figure.high):
            return ""
        return f"[{self.number(figure.low)}, {self.number(figure.high)}]"

    def both(self, figure: Estimate) -> str:
        """The figure and its interval, for a sentence."""
        return f"{self.text(figure.value)} {self.interval(figure)}".strip()


FIGURE = Unit(digits=3)
DIFFERENCE = Unit(digits=3, signed=True)
SHARE = Unit(digits=1, factor=100, suffix="%")


def level(value: float) -> str:
    """A score, in whatever units: four significant digits."""
    if not math.isfinite(value):
        return FIGURE.number(value)
    return f"{value:.4g}".replace("-", "−")


def _edge(percent: float, text: str, digits: int) -> str:
    """A share that rounds to all or nothing without being so."""
    least = 10.0**-digits
    if percent > 0 and float(text) == 0:
        return f"<{least:.{digits}f}"
    if percent < 100 and float(text) == 100:
        return f">{100 - least:.{digits}f}"
    return ""


def named(text: str, limit: int = _NAME) -> str:
    """A name from outside, fit to show: cleaned, and its middle left out where it is long."""
    # A hostile name may be a megabyte, of which `clean` would count what it leaves out.
    shown = clean(text[:limit] + text[max(limit, len(text) - limit) :], 2 * limit).strip()
    if len(shown) <= limit:
        return shown or "(no name)"
    tail = limit // 3
    return f"{shown[: limit - tail - 1]}…{shown[-tail:]}"


def short(text: str, limit: int = _SHORT) -> str:
    """The same for a picture."""
    return named(text, limit)


def count(number: int, one: str, many: str = "") -> str:
    """A number and what is counted."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(items: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def above_chance(figure: Estimate) -> bool:
    """Whether an AUC's whole interval lies above one half."""
    return figure.low > 0.5


def excludes_zero(figure: Estimate) -> bool:
    """Whether a difference has an interval, and zero is not in it."""
    return figure.low > 0 or figure.high < 0
