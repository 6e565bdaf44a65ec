"""The plots of an evaluation as PNG, drawn without pyplot, so that nothing global is touched.

Imports matplotlib, so import this where a plot is drawn and not before.
"""

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image
from scipy.special import ndtri

from unmask.detect.evaluation.page_parts import (
    Diagrams,
    Drawing,
    Errors,
    Heat,
    Intervals,
    Panel,
    Trades,
)
from unmask.detect.evaluation.page_words import DASH
from unmask.detect.evaluation.plot_style import (
    DARK,
    DPI,
    LIGHT,
    Theme,
    blank,
    dress,
    look,
    say,
    written,
)
from unmask.detect.evaluation.tables import Bin, Estimate

__all__ = ["DARK", "DPI", "LIGHT", "Theme", "png"]

WIDTH = 9.0  # inches
_ACROSS = 4  # panels side by side
_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)  # of errors
_MOST_ERRORS = 0.95
_BEYOND = 1.0  # normal deviates outside a DET plot's frame
_DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), "-")


# From dark blue to pale yellow: lightness rises all the way. Below chance it is grey.
_SHADES = LinearSegmentedColormap.from_list(
    "auc", ["#1d2d5c", "#3d5a80", "#6f8a7e", "#b7ad62", "#f6e27a"]
).with_extremes(under="#5a5a5a", bad="none")


def png(drawing: Drawing, theme: Theme = LIGHT) -> bytes:
    """The plot as a PNG, the same bytes for the same drawing."""
    if isinstance(drawing, Heat):
        figure = _heat(drawing, theme)
    elif isinstance(drawing, Intervals):
        figure = _intervals(drawing, theme)
    elif isinstance(drawing, Diagrams):
        figure = _diagrams(drawing, theme)
    elif isinstance(drawing, Errors):
        figure = _errors(drawing, theme)
    else:
        figure = _trades(drawing, theme)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # With a palette a page is a third of the size, and nobody sees the difference.
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    few = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, "PNG", optimize=True, dpi=(DPI, DPI))
    return buffer.getvalue()


def _panels(count: int, width: float, height: float, theme: Theme, **shared: Any) -> Any:
    """A figure and `count` dressed axes, at most `_ACROSS` a row; `height` is of one row."""
    across = min(count, _ACROSS)
    down = math.ceil(count / across)
    figure = blank(width, height * down + 0.3, theme)
    grid = figure.subplots(down, across, squeeze=False, **shared)
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    for axes in grid.flat[:count]:
        dress(axes, theme)
    return figure, list(grid.flat[:count])


def _heat(drawing: Heat, theme: Theme) -> Any:
    values = np.array([[math.nan if e is None else e.value for e in row] for row in drawing.values])
    down, across = values.shape
    longest = max(map(len, drawing.rows))
    width = 1.3 + 0.085 * longest + 0.62 * across
    figure = blank(width, 1.3 + 0.31 * down, theme)
    axes = figure.subplots()
    dress(axes, theme)
    # Cells between white lines; rows run downwards as in the table.
    mesh = axes.pcolormesh(values, cmap=_SHADES, vmin=0.5, vmax=1, edgecolor=theme.paper, lw=1.5)
    for row, column in np.ndindex(values.shape):
        _write_cell(axes, drawing.values[row][column], column, row, theme)
    if drawing.apart and down > 1:
        axes.axhline(down - 1, color=theme.ink, lw=1.5)
    axes.invert_yaxis()
    axes.set_yticks(np.arange(down) + 0.5, [written(n) for n in drawing.rows], **say(theme))
    names = [written(n) for n in drawing.columns]
    turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(np.arange(across) + 0.5, names, **say(theme), **turned)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(mesh, ax=axes, extend="min", pad=0.02, aspect=30)
    bar.ax.tick_params(colors=theme.soft, labelsize=8)
    bar.set_label("AUC", **say(theme, 8))
    bar.outline.set_edgecolor(theme.edge)
    return figure


def _write_cell(axes: Any, found: Estimate | None, column: int, row: int, theme: Theme) -> None:
    if found is None or math.isnan(found.value):
        text, colour = DASH, theme.soft
    else:
        text = f"{found.value:.3f}".removeprefix("0")
        text = f"({text})" if found.low <= 0.5 else text
        colour = _on(_SHADES(2 * found.value - 1))
    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", **say(theme, 8, colour))


def _on(shade: Sequence[float]) -> str:
    """Black or white, whichever stands out more from a colour (WCAG 2)."""
    red, green, blue = (
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shade[:3]
    )
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def _intervals(drawing: Intervals, theme: Theme) -> Any:
    panels, rows = drawing.panels, drawing.rows
    figure, every = _panels(
        len(panels), WIDTH, 0.75 + 0.2 * max(3, len(rows)), theme, sharex=True, sharey=True
    )
    every[0].set_xlim(*_range(drawing))
    for axes, panel in zip(every, panels, strict=True):
        axes.axvline(drawing.reference, color=theme.soft, lw=1, ls="--")
        axes.grid(axis="x", color=theme.edge, lw=0.5)
        _interval_panel(axes, panel, theme)
        if drawing.apart and len(rows) > 1:
            axes.axhline(len(rows) - 1.5, color=theme.edge, lw=1)
        # On all axes, though the rows are shared: each has labels of its own to dress.
        axes.set_yticks(range(len(rows)), [written(name) for name in rows], **say(theme))
        axes.set_title(written(panel.title), loc="left", **say(theme))
        axes.set_xlabel(drawing.axis, **say(theme, 8, theme.soft))
        axes.tick_params(labelbottom=True)
    every[0].set_ylim(len(rows) - 0.4, -0.6)
    return figure


def _interval_panel(axes: Any, panel: Panel, theme: Theme) -> None:
    drawn = look(panel.slot, theme)
    for place, found in enumerate(panel.values):
        if found is None or math.isnan(found.value):
            axes.text(0.5, place, DASH, transform=axes.get_yaxis_transform(),
                      ha="center", va="center", **say(theme, 8, theme.soft))  # fmt: skip
            continue
        axes.plot([found.low, found.high], [place, place], color=drawn["color"], lw=2)
        axes.plot([found.value], [place], ms=5.5, ls="", **drawn)


def _range(drawing: Intervals) -> tuple[float, float]:
    """All that is drawn, with the reference and a little room."""
    found = [
        end
        for panel in drawing.panels
        for e in panel.values
        if e is not None
        for end in (e.value, e.low, e.high)
        if math.isfinite(end)
    ]
    low, high = min([*found, drawing.reference]), max([*found, drawing.reference])
    room = 0.05 * (high - low) or 0.05
    return low - room, high + room


def _diagrams(drawing: Diagrams, theme: Theme) -> Any:
    panels = drawing.panels
    figure, every = _panels(
        len(panels), max(3.2, WIDTH * min(len(panels), _ACROSS) / _ACROSS), 2.6, theme,
        sharex=True, sharey=True,
    )  # fmt: skip
    for axes, (title, slot, bins) in zip(every, panels, strict=True):
        axes.plot([0, 1], [0, 1], color=theme.soft, lw=1, ls="--")
        axes.grid(color=theme.edge, lw=0.5)
        _bins(axes, bins, slot, theme)
        axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), aspect="equal")
        axes.set_title(written(title), loc="left", **say(theme))
        axes.set_xlabel("stated P(fake)", **say(theme, 8, theme.soft))
        axes.tick_params(labelbottom=True)
    for axes in every[::_ACROSS]:
        axes.set_ylabel("found share of fakes", **say(theme, 8, theme.soft))
    return figure


def _bins(axes: Any, bins: Sequence[Bin], slot: int, theme: Theme) -> None:
    held = [b for b in bins if b.n and math.isfinite(b.stated) and math.isfinite(b.found)]
    if not held:
        return
    most = max(b.n for b in held)
    stated, found = [b.stated for b in held], [b.found for b in held]
    drawn = look(slot, theme)
    axes.plot(stated, found, color=drawn["color"], lw=1.5)
    # Area by the number of pictures, and never too small to be seen.
    axes.scatter(stated, found, s=[12 + 90 * b.n / most for b in held], zorder=3, **drawn)


def _trades(drawing: Trades, theme: Theme) -> Any:
    figure = blank(WIDTH, 4.4, theme)
    axes = figure.subplots()
    dress(axes, theme)
    axes.grid(color=theme.edge, lw=0.5)
    lines = []
    for one in drawing.lines:
        drawn, dash = look(one.slot, theme), _DASHES[one.slot % len(_DASHES)]
        axes.plot(*zip(*one.points, strict=True), color=drawn["color"], lw=1.8, ls=dash)
        lines += axes.plot([], [], lw=1.8, ls=dash, ms=6, **drawn)  # for the legend
        if all(map(math.isfinite, one.own)):
            axes.plot(*one.own, ms=9, mec=theme.paper, ls="", zorder=4, **drawn)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("coverage: share of pictures answered", **say(theme))
    axes.set_ylabel("risk: share of wrong answers", **say(theme))
    _legend(axes, lines, [one.title for one in drawing.lines], theme)
    return figure


def _errors(drawing: Errors, theme: Theme) -> Any:
    figure = blank(WIDTH, 5.2, theme)
    axes = figure.subplots()
    dress(axes, theme)
    low, high = ndtri(drawing.least), ndtri(_MOST_ERRORS)
    lines = []
    for one in drawing.lines:
        drawn, dash = look(one.slot, theme), _DASHES[one.slot % len(_DASHES)]
        # A rate of nothing or of all lies endlessly far away: the line leaves the frame.
        shown = np.clip(ndtri(np.array(one.points)), low - _BEYOND, high + _BEYOND)
        lines += axes.plot(*shown.T, color=drawn["color"], lw=1.8, ls=dash)
    axes.plot([low, high], [low, high], color=theme.edge, lw=1, zorder=0)  # equal errors
    rates = [r for r in _RATES if drawing.least <= r <= _MOST_ERRORS]
    labels = [f"{r:.3g}" for r in (100 * np.array(rates))]
    axes.set_xticks(ndtri(rates), labels, **say(theme, 8))
    axes.set_yticks(ndtri(rates), labels, **say(theme, 8))
    axes.grid(color=theme.edge, lw=0.5)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel("false alarms: % of what is real", **say(theme))
    axes.set_ylabel("misses: % of fakes", **say(theme))
    _legend(axes, lines, [one.title for one in drawing.lines], theme)
    return figure


def _legend(axes: Any, lines: list[Any], titles: Sequence[str], theme: Theme) -> None:
    """Beside the axes. Titles are set afterwards: they are not mathematics."""
    legend = axes.legend(lines, ["" for _ in lines], loc="upper left", bbox_to_anchor=(1.01, 1),
                         frameon=False, fontsize=9, labelcolor=theme.ink)  # fmt: skip
    for text, title in zip(legend.get_texts(), titles, strict=True):
        text.set_parse_math(False)
        text.set_text(written(title))
