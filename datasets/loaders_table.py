"""Tables with a line a picture, as CSV or JSON lines, with the number of every line."""

import csv
import difflib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from unmask.datasets.loaders_tree import DatasetError, DatasetReason

JSON_LINES = frozenset({".jsonl", ".ndjson"})
TABLES = JSON_LINES | {".csv", ".tsv"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a table: its number in the file, from 1, and its cells by column."""

    line: int
    cells: Mapping[str, str]


def read_table(path: Path) -> list[Row]:
    """The rows of a CSV (comma, semicolon or tab) or JSON-lines file, blank lines left out.

    Raises DatasetError: NOT_FOUND, UNREADABLE, ENCODING, BAD_TABLE, EMPTY.
    """
    text = _text(path)
    rows = list(_json_rows(path, text) if path.suffix.lower() in JSON_LINES else _csv(path, text))
    if not rows:
        raise DatasetError(DatasetReason.EMPTY, f"{path} has no rows.")
    return rows


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetError(DatasetReason.NOT_FOUND, f"{path}: no such file.") from error
    except OSError as error:
        raise DatasetError(
            DatasetReason.UNREADABLE, f"{path} cannot be read: {error.strerror}."
        ) from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DatasetError(DatasetReason.ENCODING, f"{path} is UTF-16; save it as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fault(path, line, DatasetReason.ENCODING, "not UTF-8; save the file as UTF-8") from (
            error
        )


def _csv(path: Path, text: str) -> Iterator[Row]:
    head = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] = []
    start = 1  # a row begins where the last one ended: cells may hold line breaks
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = [cell.strip().lower() for cell in cells]
                continue
            if len(cells) != len(columns):
                raise fault(
                    path,
                    line,
                    DatasetReason.BAD_TABLE,
                    f"{len(cells)} cells where the header has {len(columns)}",
                )
            yield Row(line=line, cells=dict(zip(columns, cells, strict=True)))
    except csv.Error as error:
        raise fault(path, start, DatasetReason.BAD_TABLE, str(error)) from error


def _json_rows(path: Path, text: str) -> Iterator[Row]:
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            value = json.loads(content)
        except ValueError as error:
            raise fault(path, line, DatasetReason.BAD_TABLE, f"not JSON: {error}") from error
        if not isinstance(value, dict):
            raise fault(path, line, DatasetReason.BAD_TABLE, "not a JSON object")
        cells = {k.lower(): _cell(v) for k, v in value.items() if v is not None}
        yield Row(line=line, cells=cells)


def _cell(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def require_columns(
    path: Path, rows: list[Row], needed: Iterable[str], known: AbstractSet[str]
) -> None:
    """Raise DatasetError (BAD_TABLE) where a needed column is missing, or a known one misspelt."""
    for row in rows if path.suffix.lower() in JSON_LINES else rows[:1]:
        for column in needed:
            if column not in row.cells:
                raise fault(
                    path,
                    row.line,
                    DatasetReason.BAD_TABLE,
                    f"no column {column!r}{hint(column, row.cells)}"
                    f" (columns are {', '.join(row.cells)})",
                )
        for column in row.cells.keys() - known:
            meant = difflib.get_close_matches(column, known - row.cells.keys(), 1, 0.75)
            if meant:
                raise fault(
                    path,
                    row.line,
                    DatasetReason.BAD_TABLE,
                    f"no column {column!r} is read; did you mean {meant[0]!r}?",
                )


def hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def fault(path: Path, line: int, reason: DatasetReason, text: str) -> DatasetError:
    return DatasetError(reason, f"{path}, line {line}: {text}.")
