"""The manifest file: a table with one labelled picture or clip a line, as CSV or JSON lines.

Columns are path, label, generator, source, corpus, split and mask; path and label must be there.
Labels are real, 0, camera or fake, 1, synthetic; paths are relative to the manifest. A mask is a
grey picture of what is fake of a fake, of its size; where there is none, all of it is.
"""

import csv
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path

from unmask.datasets.loaders_table import (
    JSON_LINES,
    Row,
    fault,
    hint,
    read_table,
    require_columns,
)
from unmask.datasets.loaders_tree import (
    SPLIT_NAMES,
    UNNAMED,
    DatasetError,
    DatasetReason,
    folder_name,
    label_of,
)
from unmask.datasets.manifest import CAMERA, Sample, Split

COLUMNS = ("path", "label", "generator", "source", "corpus", "split")
MASK = "mask"  # a column that is written where a sample has one
_SHOWN = 5  # missing files that a message lists


def read_manifest(path: Path) -> list[Sample]:
    """The samples of a manifest, in its order.

    What a line leaves out: the generator is "unknown" for a fake, the corpus is the manifest's
    name, the source is the file itself, the split is TEST. Raises DatasetError with the line:
    NOT_FOUND, UNREADABLE, ENCODING, BAD_TABLE, BAD_LABEL, MISSING_FILE, DUPLICATE, EMPTY.
    """
    rows = read_table(path)
    require_columns(path, rows, ("path", "label"), frozenset({*COLUMNS, MASK}))
    plain = path.stem.lower() == "manifest"
    corpus = folder_name(path.absolute().parent) if plain else path.stem
    return samples_from(path, rows, corpus=corpus)


def samples_from(path: Path, rows: Iterable[Row], *, corpus: str) -> list[Sample]:
    """The samples that `rows` of the table at `path` name; raises as `read_manifest` does."""
    found: list[Sample] = []
    lines: dict[str, int] = {}
    missing: list[str] = []
    for row in rows:
        sample = _sample(path, row, corpus)
        key = os.path.abspath(sample.path)
        if key in lines:
            raise fault(
                path,
                row.line,
                DatasetReason.DUPLICATE,
                f"{row.cells['path']!r} is on line {lines[key]} already",
            )
        lines[key] = row.line
        for column, file in (("path", sample.path), (MASK, sample.mask)):
            if file is not None and not file.is_file():
                missing.append(f"line {row.line}: {row.cells[column]}")
        found.append(sample)
    if missing:
        more = f"; and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise DatasetError(
            DatasetReason.MISSING_FILE,
            f"{path} names {len(missing)} files that are not there (paths are relative to"
            f" {path.parent}): {'; '.join(missing[:_SHOWN])}{more}.",
        )
    return found


def _sample(path: Path, row: Row, corpus: str) -> Sample:
    cells = row.cells
    name = cells.get("path", "")
    if not name.strip() or "\0" in name:
        raise fault(path, row.line, DatasetReason.BAD_TABLE, "no path")
    try:
        fake = label_of(cells.get("label", ""))
    except DatasetError as error:
        raise fault(path, row.line, error.reason, str(error)) from error
    generator = cells.get("generator", "").strip() or (UNNAMED if fake else CAMERA)
    if fake == (generator == CAMERA):
        word = "fake" if fake else "real"
        raise fault(
            path, row.line, DatasetReason.BAD_LABEL, f"a {word} picture of generator {generator!r}"
        )
    corpus = cells.get("corpus", "").strip() or corpus
    mask = cells.get(MASK, "") if fake else ""
    if "\0" in mask:
        raise fault(path, row.line, DatasetReason.BAD_TABLE, "no path of a mask")
    return Sample(
        path=path.parent / name,
        fake=fake,
        generator=generator,
        corpus=corpus,
        source=cells.get("source", "").strip() or f"{corpus}/{Path(name).as_posix()}",
        split=_split(path, row),
        mask=path.parent / mask if mask.strip() else None,
    )


def _split(path: Path, row: Row) -> Split:
    name = row.cells.get("split", "").strip().lower()
    if not name:
        return Split.TEST
    if name not in SPLIT_NAMES:
        meant = hint(name, SPLIT_NAMES)
        raise fault(
            path,
            row.line,
            DatasetReason.BAD_TABLE,
            f"no split {name!r}{meant} (splits are {', '.join(Split)})",
        )
    return SPLIT_NAMES[name]


def write_manifest(samples: Iterable[Sample], path: Path) -> None:
    """Write a manifest that reads back as the same samples: CSV, or JSON lines by the suffix.

    Paths below the manifest's folder are written relative to it, so that the folder can be moved;
    others are written in full. Raises DatasetError: EMPTY (no samples), ENCODING (a file name that
    is not Unicode).
    """
    rows = [_cells(sample, path.parent) for sample in samples]
    columns = (*COLUMNS, MASK) if any(MASK in row for row in rows) else COLUMNS
    if not rows:
        raise DatasetError(DatasetReason.EMPTY, f"{path}: no samples to write.")
    out = io.StringIO(newline="")
    if path.suffix.lower() in JSON_LINES:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        writer = csv.DictWriter(out, columns, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    try:
        data = out.getvalue().encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            DatasetReason.ENCODING, f"{path}: a file name is not Unicode ({error.reason})."
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def _cells(sample: Sample, folder: Path) -> dict[str, str]:
    masked = {} if sample.mask is None else {MASK: _shown(sample.mask, folder)}
    return {
        "path": _shown(sample.path, folder),
        "label": "fake" if sample.fake else "real",
        "generator": sample.generator,
        "source": sample.source,
        "corpus": sample.corpus,
        "split": sample.split.value,
        **masked,
    }


def _shown(path: Path, folder: Path) -> str:
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return path.absolute().as_posix()
