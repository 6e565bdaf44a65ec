"""What an evaluation of texts or of speech leaves: JSON, Markdown, HTML, a terminal summary."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from unmask.detect.benchmarks.page import page
from unmask.detect.benchmarks.tables import Benchmark
from unmask.detect.evaluation import page_parts
from unmask.detect.evaluation.write_json import finite
from unmask.detect.evaluation.writers import write_page
from unmask.report.clean import json_value

SCHEMA_VERSION = 1  # of evaluations of texts and speech; those of pictures count for themselves
_SHOWN = ("results", "generator", "raid", "decisions", "abstentions")  # in a terminal
_ROWS = 30  # of each table there


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of evaluation.json."""
    name = f"schema-benchmark-{SCHEMA_VERSION}.json"
    text = files("unmask.detect.benchmarks").joinpath(name).read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def dumps(given: Benchmark) -> str:
    """Indented ASCII JSON: NaN is null, infinities are "Infinity" and "-Infinity"."""
    document = {"schema_version": SCHEMA_VERSION} | asdict(given)
    return json.dumps(json_value(finite(document)), indent=1, allow_nan=False) + "\n"


def write(given: Benchmark, folder: Path) -> list[Path]:
    """Write evaluation.json, .md, .html and the plots as PNG, each whole or not at all.

    Their paths in that order. Raises OSError.
    """
    return write_page(page(given), dumps(given), folder)


def summary(given: Benchmark) -> RenderableType:
    """The plain-words summary, warnings, and the tables that matter first."""
    # Text objects throughout, never markup: a detector may be called "[red]".
    shown = page(given)
    tables = [
        block
        for section in shown.sections
        if section.name in _SHOWN
        for block in section.blocks
        if isinstance(block, page_parts.Table) and not block.folded
    ]
    return Group(
        Panel(
            _bullets(shown.points, "•"),
            title=Text(f" {shown.headline} ", style="bold"),
            title_align="left",
            border_style="blue",
            box=box.ROUNDED,
        ),
        *([Text("\nWarnings", style="bold yellow")] if shown.warnings else []),
        _bullets(shown.warnings, "!"),
        *(part for block in tables for part in (Text(""), _table(block))),
    )


def _bullets(items: Sequence[str], mark: str) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for item in items:
        grid.add_row(Text(mark), Text(item))
    return grid


def _table(block: page_parts.Table) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.title, table.title_justify, table.title_style = Text(block.caption), "left", "bold"
    for column, numeric in zip(block.columns, block.numeric, strict=True):
        table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    for row in block.rows[:_ROWS]:
        cells = []
        for cell in row:
            text = Text(cell.text)
            if cell.detail:
                text.append(f"\n{cell.detail}", style="dim")
            cells.append(text)
        table.add_row(*cells)
    if (hidden := len(block.rows) + block.more - _ROWS) > 0:
        table.caption = Text(f"… and {hidden:,} more rows: --out writes all", style="dim")
    return table
