"""Loaders of data sets published on the Hugging Face hub, as Parquet or as a folder with metadata.

OpenFake: Livernoche et al., "OpenFake: an open dataset and platform toward large-scale deepfake
detection", 2025; columns image, label (real, fake), model, and others. Community Forensics: Park
and Owens, "Community Forensics: using thousands of generators to train fake image detectors", CVPR
2025; columns image_data, label (1 is fake), model_name, real_source, split, and others.
"""

from collections.abc import Iterator
from pathlib import Path

from unmask.datasets.loaders_parquet import columns_of, read_rows
from unmask.datasets.loaders_table import JSON_LINES, TABLES, Row, read_table, require_columns
from unmask.datasets.loaders_tree import (
    UNNAMED,
    DatasetError,
    Tree,
    folder_name,
    head_of,
    label_of,
    look,
    split_in,
    walk,
)
from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.datasets.manifest_file import samples_from

_FILE_COLUMNS = ("file_name", "filename")
_TABLE_COLUMNS = frozenset({"label", "model", "split"})


def fits_openfake(tree: Tree) -> bool:
    """A metadata table of pictures with labels, or Parquet with image, label and model."""
    return bool(_metadata(tree)) or {"image", "label", "model"} <= _first_columns(tree)


def fits_communityforensics(tree: Tree) -> bool:
    """Parquet with image_data, label and model_name."""
    return {"image_data", "label", "model_name"} <= _first_columns(tree)


def _first_columns(tree: Tree) -> frozenset[str]:
    first = next((p for p in tree.files if p.suffix.lower() == ".parquet"), None)
    return columns_of(first) if first else frozenset()


def _metadata(tree: Tree) -> list[Path]:
    """The tables that name pictures by file_name, as the hub's imagefolder expects them."""
    return [
        path
        for path in tree.files
        if path.suffix.lower() in TABLES
        and (path == tree.root or path.stem.lower() == "metadata")
        and _names_files(path)
    ]


def _names_files(path: Path) -> bool:
    """Whether the first line of a table says so, without reading the rest of it."""
    head = head_of(path).partition(b"\n")[0].decode("utf-8", errors="replace").lower()
    quote = '"' if path.suffix.lower() in JSON_LINES else ""
    return "label" in head and any(f"{quote}{name}{quote}" in head for name in _FILE_COLUMNS)


def is_metadata(path: Path) -> bool:
    """Whether a table is a data set's metadata rather than a manifest of ours."""
    return path.suffix.lower() in TABLES and path.is_file() and _names_files(path)


def read_openfake(root: Path) -> Iterator[Sample]:
    """`data/{train,test}-*.parquet`, `<config>/<split>-*.parquet` or `[<split>/]metadata.csv`.

    Every picture is a source of its own: a prompt that several share is not a common photograph.
    The split is the file's or the folder's. Raises DatasetError as manifests and Parquet do.
    """
    shards = _shards(root)
    for shard, inner in shards:
        split = split_in(inner) or Split.TEST
        for row, cells in read_rows(shard, ("label", "model")):
            yield _in_shard(shard, row, cells, corpus="openfake", split=split)
    if not shards:
        for path in _metadata(look(root)):
            yield from _table_samples(root, path)


def _shards(root: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Parquet files, and their paths below `root`."""
    if root.is_file():
        return [(root, (root.name,))] if root.suffix.lower() == ".parquet" else []
    return [(root.joinpath(*parts), parts) for parts in walk(root, frozenset({".parquet"}))]


def _table_samples(root: Path, path: Path) -> list[Sample]:
    rows = read_table(path)
    column = next((c for c in _FILE_COLUMNS if c in rows[0].cells), _FILE_COLUMNS[0])
    require_columns(path, rows, (column, "label"), _TABLE_COLUMNS)
    split = split_in(path.relative_to(root).parts[:-1]) if path != root else None
    renamed = []
    for row in rows:
        label = row.cells["label"].strip().lower()
        renamed.append(
            Row(
                line=row.line,
                cells={
                    "path": row.cells[column],
                    "label": label,
                    "generator": "" if label in {"real", "0"} else row.cells.get("model", ""),
                    "split": row.cells.get("split") or split or Split.TEST,
                },
            )
        )
    return samples_from(path, renamed, corpus=folder_name(root if root.is_dir() else root.parent))


def read_communityforensics(root: Path) -> Iterator[Sample]:
    """`data/{systematic,manual,commercial,publicEval}/*.parquet`, and the small and Eval editions.

    The corpus is the set of photographs that a row names as its counterpart. What lies in a file or
    folder called eval is TEST; for the rest the column `split` decides.
    """
    for shard, inner in _shards(root):
        tested = "eval" in "/".join(inner).lower()
        wanted = ("label", "model_name", "real_source", "split")
        for row, cells in read_rows(shard, wanted):
            split = Split.TEST if tested else split_in([cells.get("split", "")]) or Split.TEST
            corpus = "/".join(filter(None, ("communityforensics", cells.get("real_source", ""))))
            cells["model"] = cells.get("model_name", "")
            yield _in_shard(shard, row, cells, corpus=corpus, split=split)


def _in_shard(shard: Path, row: int, cells: dict[str, str], *, corpus: str, split: Split) -> Sample:
    """A sample whose path names a shard and a row, until the picture is taken out of it."""
    try:
        fake = label_of(cells.get("label", ""))
    except DatasetError as error:
        raise DatasetError(error.reason, f"{shard}, row {row}: {error}.") from error
    return Sample(
        path=shard / f"{row:08d}",
        fake=fake,
        generator=(cells.get("model", "").strip() or UNNAMED) if fake else CAMERA,
        corpus=corpus,
        source=f"{corpus}/{shard.parent.name}/{shard.stem}/{row}",
        split=split,
    )
