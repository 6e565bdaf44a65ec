"""What a page of an evaluation is made of. Markdown and HTML are written from the same parts.

Names in here are cleaned and not escaped: each writer escapes for its own language.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from unmask.detect.evaluation.page_words import DASH, Unit
from unmask.detect.evaluation.tables import Bin, Estimate

NO_INTERVAL = "no interval: too few pictures"
_NUMBER = re.compile(rf"[<>+−]?(\d[\d,.]*%?|∞)|{DASH}")
_MOST_ROWS = 400  # of one table; the JSON has all


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell; `detail` stands below the text or behind it, `note` says why something is missing."""

    text: str
    detail: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells, the first of each names its row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0  # rows left out
    folded: bool = False  # closed at first, where a page can

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold nothing but figures and dashes: those are set to the right."""
        cells = [[row[place].text for row in self.rows] for place in range(len(self.columns))]
        return tuple(place > 0 and all(map(_NUMBER.fullmatch, c)) for place, c in enumerate(cells))

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of all cells in the order in which they are met, each once."""
        return tuple(dict.fromkeys(cell.note for row in self.rows for cell in row if cell.note))


@dataclass(frozen=True, kw_only=True)
class Heat:
    """A grid of AUCs in colours, with the values written in."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[Estimate | None, ...], ...]
    apart: bool  # the last row stands apart: all generators together


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One detector's estimates in a plot of intervals."""

    title: str
    slot: int | None  # of the detector's colour, the same in all plots; None is of no detector
    values: tuple[Estimate | None, ...]


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Estimates with their intervals, a panel for each detector; all panels share the rows."""

    panels: tuple[Panel, ...]
    rows: tuple[str, ...]
    axis: str
    reference: float  # a line to compare with: chance, or no difference
    apart: bool = False  # the last row stands apart: all generators together


@dataclass(frozen=True, kw_only=True)
class Diagrams:
    """Reliability diagrams: (title, colour slot, bins) of each detector."""

    panels: tuple[tuple[str, int, tuple[Bin, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Trade:
    """One detector's risk over coverage, and where its own abstentions put it."""

    title: str
    slot: int
    points: tuple[tuple[float, float], ...]
    own: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Trades:
    """Risk over coverage of all detectors."""

    lines: tuple[Trade, ...]


@dataclass(frozen=True, kw_only=True)
class ErrorLine:
    """One detector's errors as its threshold falls: (false alarms, misses), each in 0..1."""

    title: str
    slot: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Errors:
    """A DET plot: misses over false alarms, both axes stretched like a normal deviate.

    Martin et al. 1997, "The DET curve in assessment of detection task performance".
    """

    lines: tuple[ErrorLine, ...]
    least: float  # the smallest rate that these data can show


Drawing = Heat | Intervals | Diagrams | Trades | Errors


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A plot, to be drawn by `plots.png`."""

    file: str  # name below the folder
    caption: str
    alternative: str  # for those who cannot see it
    drawing: Drawing


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page under a heading of its own."""

    name: str  # what links point at
    title: str
    text: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()  # what the columns mean
    blocks: tuple[Table | Picture, ...] = ()
    command: str = ""  # to be shown as it was typed


@dataclass(frozen=True, kw_only=True)
class Page:
    """The whole page: the summary in plain words comes first."""

    title: str
    headline: str
    points: tuple[str, ...]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...] = field(default=())
    version: str

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture, in order."""
        return tuple(b for s in self.sections for b in s.blocks if isinstance(b, Picture))


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    most: int = _MOST_ROWS,
    folded: bool = False,
) -> Table:
    """A table of at most `most` rows, which counts what it leaves out."""
    every = tuple(tuple(row) for row in rows)
    return Table(
        caption=caption,
        columns=tuple(columns),
        rows=every[:most],
        more=max(0, len(every) - most),
        folded=folded,
    )


def words(*texts: str) -> tuple[Cell, ...]:
    """A row of plain text."""
    return tuple(Cell(text=text or DASH) for text in texts)


def missing(why: str) -> Cell:
    """A figure that is not there, and the reason."""
    return Cell(text=DASH, note=why)


def estimate(figure: Estimate | None, unit: Unit, why: str) -> Cell:
    """A figure with its interval; `why` it is missing where it is."""
    if figure is None or math.isnan(figure.value):
        return missing(why)
    interval = unit.interval(figure)
    return Cell(text=unit.text(figure.value), detail=interval, note="" if interval else NO_INTERVAL)


def plain(value: float | None, unit: Unit, why: str) -> Cell:
    """A figure without an interval."""
    if value is None or math.isnan(value):
        return missing(why)
    return Cell(text=unit.text(value))
