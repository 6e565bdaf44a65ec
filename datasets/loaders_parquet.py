"""Pictures in Parquet files: their labels are read first, and only what is kept is taken out.

A picture is written as the bytes that the data set holds, metadata and all, below
$XDG_CACHE_HOME/unmask/pictures (~/.cache where that is not set), once.
"""

import importlib
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Sample
from unmask.errors import MediaError
from unmask.media.sniff import sniff

_PICTURE_COLUMNS = ("image", "image_data")  # a struct of bytes and path, or bytes
_BATCH = 64  # pictures in memory at a time
_SPARE = 1.1  # more space than the shards take, for what the file system adds


def _open(path: Path) -> Any:
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise DatasetError(
            DatasetReason.NEEDS_LIBRARY, f"{path} is Parquet; `pip install pyarrow` reads it."
        ) from error
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise DatasetError(
            DatasetReason.BAD_TABLE, f"{path} cannot be read as Parquet: {error}"
        ) from error


def columns_of(path: Path) -> frozenset[str]:
    """The columns of a Parquet file. Raises DatasetError: BAD_TABLE, NEEDS_LIBRARY."""
    with _open(path) as file:
        return frozenset(file.schema_arrow.names)


def read_rows(path: Path, columns: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, cells as text) of those `columns` that are there; an absent value has no cell.

    Raises DatasetError: BAD_TABLE, NEEDS_LIBRARY.
    """
    with _open(path) as file:
        present = [c for c in columns if c in file.schema_arrow.names]
        number = 0
        for batch in file.iter_batches(batch_size=8192, columns=present):
            for cells in batch.to_pylist():
                yield number, {k: str(v) for k, v in cells.items() if v is not None}
                number += 1


def is_inside(sample: Sample) -> bool:
    """Whether a sample's path names a row of a Parquet file rather than a file."""
    return sample.path.parent.suffix.lower() == ".parquet"


def take_out(samples: list[Sample]) -> list[Sample]:
    """The samples with every picture that is a row of a Parquet file written to the cache.

    Raises DatasetError: NO_SPACE before anything is written, BAD_TABLE for a row without picture.
    """
    wanted: dict[Path, set[int]] = defaultdict(set)
    for sample in filter(is_inside, samples):
        wanted[sample.path.parent].add(int(sample.path.name))
    if not wanted:
        return samples
    cache = _cache()
    _require_space(cache, wanted)
    written = {shard: _take_out(shard, rows, cache) for shard, rows in wanted.items()}
    return [
        replace(s, path=written[s.path.parent][int(s.path.name)]) if is_inside(s) else s
        for s in samples
    ]


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "unmask" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _target(shard: Path, cache: Path) -> Path:
    """Where a shard's pictures go: another folder once the shard has changed."""
    status = shard.stat()
    key = f"{shard.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    return cache / f"{shard.stem}-{sha256(key.encode(errors='surrogateescape')).hexdigest()[:16]}"


def _require_space(cache: Path, wanted: dict[Path, set[int]]) -> None:
    needed = 0.0
    for shard, rows in wanted.items():
        target = _target(shard, cache)
        left = len(rows) - (sum(1 for _ in target.iterdir()) if target.is_dir() else 0)
        with _open(shard) as file:
            needed += shard.stat().st_size * max(left, 0) / max(file.metadata.num_rows, 1)
    free = shutil.disk_usage(cache).free
    if needed * _SPARE > free:
        raise DatasetError(
            DatasetReason.NO_SPACE,
            f"{sum(map(len, wanted.values()))} pictures of {len(wanted)} Parquet files need about"
            f" {needed / 1e9:.1f} GB in {cache}, which has {free / 1e9:.1f} GB. Set a limit, or"
            " XDG_CACHE_HOME to another disk.",
        )


def _take_out(shard: Path, rows: set[int], cache: Path) -> dict[int, Path]:
    target = _target(shard, cache)
    target.mkdir(exist_ok=True)
    there = {int(p.stem): p for p in target.iterdir() if p.suffix != ".part"}
    missing = rows - there.keys()
    with _open(shard) as file:
        column = next((c for c in _PICTURE_COLUMNS if c in file.schema_arrow.names), None)
        if column is None:
            raise DatasetError(
                DatasetReason.BAD_TABLE,
                f"{shard} has no column {' or '.join(_PICTURE_COLUMNS)}.",
            )
        for row, value in _cells(file, column, missing):
            data = value.get("bytes") if isinstance(value, dict) else value
            if not isinstance(data, bytes) or not data:
                raise DatasetError(
                    DatasetReason.BAD_TABLE, f"{shard}, row {row}: no picture in {column!r}."
                )
            there[row] = _write(target, row, data)
    return {row: there[row] for row in rows}


def _cells(file: Any, column: str, rows: set[int]) -> Iterator[tuple[int, Any]]:
    """The values of `rows`, from the row groups that hold them."""
    start = 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        number = start
        if any(row in rows for row in range(start, end)):
            for batch in file.iter_batches(batch_size=_BATCH, row_groups=[group], columns=[column]):
                values = batch.column(0)
                for i in range(len(values)):
                    if number + i in rows:
                        yield number + i, values[i].as_py()
                number += len(values)
        start = end


def _write(target: Path, row: int, data: bytes) -> Path:
    """Written beside and renamed, so that a stopped run leaves no half picture."""
    try:
        suffix = {"jpeg": ".jpg", "tiff": ".tif"}.get(name := sniff(data).name, f".{name}")
    except MediaError:
        suffix = ".bin"  # the detector's turn to fail, and to say why
    path = target / f"{row:08d}{suffix}"
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(data)
    unfinished.replace(path)
    return path
