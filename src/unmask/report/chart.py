"""The geometry of a line chart; the template draws it, so that escaping stays in one place."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter

from unmask.evidence import Plot
from unmask.report.clean import clean

WIDTH, HEIGHT = 400.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 14.0, 12.0, 46.0  # room for tick labels and axis titles
_POINTS = 400  # of one drawn line; more cannot be told apart at this size
_SERIES = 6  # line styles that can be told apart
_HUGE = 1e100  # beyond it, differences overflow
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2", "1 4")  # apart from colour

Point = tuple[float, float | None]  # y is None where it is missing


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One series as the `d` of an SVG path; pieces where values are missing."""

    name: str
    path: str
    dash: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Everything that a template needs to draw a plot, in the units of its view box."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    zero: float | None  # where y = 0 runs, if inside
    description: str  # for those who cannot see it
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM


def chart(plot: Plot, *, with_zero: bool = False) -> Chart | None:
    """The geometry of a plot, or None where it has no two finite points to draw.

    Values that are not finite leave gaps; series beyond the sixth are left out. `with_zero`
    puts y = 0 in the picture wherever the values lie.
    """
    series = _usable(plot)
    xs = [x for points in series.values() for x, y in points if y is not None]
    ys = [y for points in series.values() for _, y in points if y is not None]
    if len(xs) < 2:
        return None
    x_low, x_high = _span(xs)
    y_low, y_high = _span([*ys, 0.0] if with_zero else ys, margin=0.06)
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def across(x: float) -> float:
        return round(_LEFT + (x - x_low) / (x_high - x_low) * (right - _LEFT), 1)

    def up(y: float) -> float:
        return round(bottom - (y - y_low) / (y_high - y_low) * (bottom - _TOP), 1)

    def drawn(points: list[Point]) -> str:
        return _path([(across(x), None if y is None else up(y)) for x, y in _thin(points)])

    named = zip(series.items(), _DASHES, strict=False)
    return Chart(
        title=plot.title,
        x_label=plot.x_label,
        y_label=plot.y_label,
        lines=tuple(
            Line(name=clean(name, 40), path=drawn(points), dash=dash)
            for (name, points), dash in named
        ),
        x_ticks=tuple(Tick(at=across(v), label=f"{v:.6g}") for v in ticks(x_low, x_high, 5)),
        y_ticks=tuple(Tick(at=up(v), label=f"{v:.6g}") for v in ticks(y_low, y_high, 4)),
        zero=up(0.0) if y_low < 0 < y_high else None,
        description=_describe(plot, series),
    )


def timeline(points: Sequence[tuple[float, float]]) -> Chart | None:
    """The chart of (second, ln likelihood ratio) samples over time; above 0 is synthetic."""
    ordered = sorted(points)
    plot = Plot(
        title="Over time: above 0 towards synthetic, below 0 towards genuine",
        x_label="Second",
        y_label="ln likelihood ratio",
        x=tuple(second for second, _ in ordered),
        series={"Samples": tuple(llr for _, llr in ordered)},
    )
    return chart(plot, with_zero=True)


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from `low` to `high`, roughly `about` of them."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [0.0 if n == 0 else n * step for n in range(first, min(last, first + 20) + 1)]


def _usable(plot: Plot) -> dict[str, list[Point]]:
    series = {}
    for name, values in islice(plot.series.items(), _SERIES):
        points = [
            (float(x), float(y) if abs(y) < _HUGE else None)
            for x, y in zip(plot.x, values, strict=False)
            if abs(x) < _HUGE  # False for NaN too
        ]
        if any(y is not None for _, y in points):
            series[name] = points
    return series


def _span(values: Sequence[float], margin: float = 0.0) -> tuple[float, float]:
    """The range of the values, widened by a share of itself, and never empty."""
    low, high = min(values), max(values)
    room = (high - low) * margin
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-290):
        room = abs(low) * 0.1 or 1.0
    return low - room, high + room


def _thin(points: list[Point]) -> list[Point]:
    """At most about `_POINTS` points, each bucket's lowest and highest kept: peaks survive."""
    if len(points) <= _POINTS:
        return points
    size = math.ceil(len(points) / (_POINTS // 2))
    kept: list[Point] = []
    for start in range(0, len(points), size):
        known = [(x, y) for x, y in points[start : start + size] if y is not None]
        if not known:
            kept.append((points[start][0], None))
            continue
        kept += sorted({min(known, key=itemgetter(1)), max(known, key=itemgetter(1))})
    return kept


def _path(points: Sequence[Point]) -> str:
    parts, pen_down = [], False
    for x, y in points:
        if y is not None:
            # A line of no length shows as a dot: a value alone between gaps is seen.
            parts.append(f"L{x:g} {y:g}" if pen_down else f"M{x:g} {y:g}h0")
        pen_down = y is not None
    return "".join(parts)


def _describe(plot: Plot, series: Mapping[str, list[Point]]) -> str:
    parts = []
    for name, points in series.items():
        known = [(x, y) for x, y in points if y is not None]
        x_top, top = max(known, key=lambda p: p[1])
        low = min(y for _, y in known)
        parts.append(f"{clean(name, 40)}: from {low:.4g} to {top:.4g}, highest at {x_top:.4g}")
    return f"{plot.y_label} over {plot.x_label}. " + "; ".join(parts) + "."
