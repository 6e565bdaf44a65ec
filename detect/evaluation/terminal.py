"""The summary of an evaluation for the terminal. Nothing is told by colour alone."""

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from unmask.detect.evaluation import page_summary
from unmask.detect.evaluation.page_lookup import Lookup
from unmask.detect.evaluation.page_words import (
    DASH,
    FIGURE,
    ORACLE,
    SHARE,
    Unit,
    named,
    short,
)
from unmask.detect.evaluation.tables import Estimate, Evaluation, Row

# Text objects throughout, never markup: a detector may be called "[red]".
_GRID = 8  # perturbations shown beside each other


def summary(evaluation: Evaluation) -> RenderableType:
    """The plain-words summary, one line for each detector, and AUC by perturbation."""
    look = Lookup(evaluation=evaluation)
    return Group(
        Panel(
            _bullets(page_summary.points(look)),
            title=Text(f" {page_summary.headline(look)} ", style="bold"),
            title_align="left",
            border_style="blue",
            box=box.ROUNDED,
        ),
        *_warnings(look),
        *_detectors(look),
        *_perturbations(look),
    )


def _bullets(items: Sequence[str], mark: str = "•") -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for item in items:
        grid.add_row(Text(mark), Text(item))
    return grid


def _warnings(look: Lookup) -> list[RenderableType]:
    found = page_summary.warnings(look)
    return [Text("\nWarnings", style="bold yellow"), _bullets(found, "!")] if found else []


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.title, table.title_justify, table.title_style = Text(title), "left", "bold"
    for place, column in enumerate(columns):
        table.add_column(Text(column), justify="right" if place else "left", overflow="fold")
    return table


def _detectors(look: Lookup) -> list[RenderableType]:
    if not look.evaluation.rows:
        return []
    title = f"All generators together, {look.base_words()}"
    table = _table(title, ("Detector", "AUC", "Accuracy", "TPR", "TNR", "Worst generator"))
    for name in look.detectors:
        row = look.row(name, look.base)
        table.add_row(
            Text(look.label(name)),
            _cell(row, lambda r: r.auc, FIGURE),
            *(_cell(row, pick, SHARE) for pick in (_accuracy, _tpr, _tnr)),
            _worst(look, name),
        )
    note = [Text(ORACLE, style="dim")] if look.oracles else []
    return [Text(""), table, *note]


def _accuracy(row: Row) -> Estimate | None:
    return row.balanced_accuracy


def _tpr(row: Row) -> Estimate | None:
    return row.tpr


def _tnr(row: Row) -> Estimate | None:
    return row.tnr


def _cell(row: Row | None, pick: Callable[[Row], Estimate | None], unit: Unit) -> Text:
    figure = pick(row) if row else None
    text = Text(unit.text(figure.value) if figure else DASH)
    if figure and unit is FIGURE and (interval := unit.interval(figure)):
        text.append(f"\n{interval}", style="dim")
    return text


def _worst(look: Lookup, detector: str) -> Text:
    found = look.worst(detector, look.base)
    if found is None:
        return Text(DASH)
    text = _cell(found[1], lambda r: r.auc, FIGURE)
    return Text(f"{named(found[0], 30)} ").append_text(text)


def _perturbations(look: Lookup) -> list[RenderableType]:
    if len(look.perturbations) < 2:
        return []
    tables: list[RenderableType] = []
    for start in range(0, len(look.detectors), _GRID):
        names = look.detectors[start : start + _GRID]
        columns = ("Perturbation", *(look.short_label(name) for name in names))
        table = _table("AUC over all generators", columns)
        for p in look.perturbations:
            areas = (look.auc(name, p) for name in names)
            cells = (Text(FIGURE.text(area.value if area else None)) for area in areas)
            table.add_row(Text(short(p)), *cells)
        tables += [Text(""), table]
    return tables
