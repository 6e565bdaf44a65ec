"""An evaluation as Markdown (CommonMark with tables), for a README or a pull request."""

import re

from unmask.detect.evaluation.page_parts import Cell, Page, Picture, Section, Table
from unmask.report.clean import clean

_LIMIT = 4000  # characters of one string
# Everything that Markdown, HTML, GitHub's mathematics or its mentions act on.
_ACTIVE = re.compile(r"[\\`*_{}\[\]<>|~&$#@!]|(?<=[A-Za-z]):(?=//)|(?<=www)\.", re.IGNORECASE)
# What would begin a list, a heading or a rule at the start of a line.
_STARTS = re.compile(r"^([-+=](?=\s|$|[-=])|\d+(?=[.)](\s|$)))")


def to_markdown(page: Page) -> str:
    """The page; pictures are named as files beside it."""
    lines = [f"# unmask evaluation: {escape(page.title)}", "", f"**{escape(page.headline)}**", ""]
    lines += [f"- {escape(point)}" for point in page.points]
    if page.warnings:
        lines += ["", "**Warnings**", "", *(f"- {escape(text)}" for text in page.warnings)]
    for section in page.sections:
        lines += ["", *_section(section)]
    lines += ["", f"Written by unmask {escape(page.version)}. evaluation.json holds all figures."]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text from outside as Markdown that shows just that text, in one line."""
    shown = _ACTIVE.sub(_held, clean(text, _LIMIT).strip())
    return _STARTS.sub(lambda found: found[0] + "\\" if found[0].isdigit() else _held(found), shown)


def _held(found: re.Match[str]) -> str:
    return "\\" + found[0]


def _section(section: Section) -> list[str]:
    lines = [f"## {escape(section.title)}"]
    for text in section.text:
        lines += ["", escape(text)]
    if section.command:
        lines += ["", *_code(section.command)]
    for block in section.blocks:
        lines += ["", *(_table(block) if isinstance(block, Table) else _picture(block))]
    if section.terms:
        terms = [f"- {escape(term)}: {escape(meaning)}" for term, meaning in section.terms]
        lines += ["", "What the columns mean:", "", *terms]
    return lines


def _code(text: str) -> list[str]:
    """A fence longer than any within."""
    shown = clean(text, _LIMIT)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, shown, fence]


def _picture(picture: Picture) -> list[str]:
    return [f"![{escape(picture.alternative)}]({picture.file})", "", f"*{escape(picture.caption)}*"]


def _table(table: Table) -> list[str]:
    notes = table.notes
    align = ["--:" if numeric else ":--" for numeric in table.numeric]
    lines = [
        f"**{escape(table.caption)}**",
        "",
        _row([escape(column) for column in table.columns]),
        _row(align),
        *(_row([_cell(cell, notes) for cell in row]) for row in table.rows),
    ]
    if table.more:
        lines += ["", f"… and {table.more:,} more, which evaluation.json has in full"]
    if notes:
        lines += ["", "; ".join(f"({n}) {escape(note)}" for n, note in enumerate(notes, 1))]
    return lines


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, notes: tuple[str, ...]) -> str:
    mark = f"({notes.index(cell.note) + 1})" if cell.note else ""
    return " ".join(part for part in (escape(cell.text), escape(cell.detail), mark) if part)
