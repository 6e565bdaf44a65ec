"""What every loader of a data set shares: walking a tree, its typed error, labels, thinning.

Trees are read with `os.scandir` and in the order of names, so that two machines with the same files
see the same samples in the same order.
"""

import difflib
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from unmask.datasets.manifest import Sample, Split
from unmask.errors import UnmaskError

IMAGES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".avif"}
)
CLIPS = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm"})
MEDIA = IMAGES | CLIPS
SOUNDS = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac"})
UNNAMED = "unknown"  # generator of a fake whose data set does not name it

REAL_NAMES = frozenset({"real", "0_real", "nature", "camera", "photographs", "authentic"})
FAKE_NAMES = frozenset({"fake", "1_fake", "ai", "synthetic", "generated"})
SPLIT_NAMES = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "val": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "test": Split.TEST,
    "testing": Split.TEST,
}
_LABELS = {"real": False, "0": False, "camera": False, "fake": True, "1": True, "synthetic": True}
_CLASSES = REAL_NAMES | FAKE_NAMES
_DEPTH = 32  # folders in folders; no data set comes near
_SEEN_DEPTH = 4  # how far down a tree is looked at to recognise its convention


class DatasetReason(StrEnum):
    """Why a data set could not be loaded. The values are stable: scripts match on them."""

    NOT_FOUND = "not_found"  # no such file or folder
    UNREADABLE = "unreadable"  # the operating system refused, or folders without end
    UNRECOGNISED = "unrecognised"  # no convention fits
    AMBIGUOUS = "ambiguous"  # two conventions fit
    UNKNOWN_CONVENTION = "unknown_convention"  # a prefix that names none
    EMPTY = "empty"  # not one picture or clip
    ONE_CLASS = "one_class"  # photographs alone, or fakes alone
    BAD_TABLE = "bad_table"  # columns or rows that cannot be read
    BAD_LABEL = "bad_label"
    MISSING_FILE = "missing_file"  # a table names a file that is not there
    DUPLICATE = "duplicate"  # one file named twice
    MIXED_SPLITS = "mixed_splits"  # one source would be in two splits
    ENCODING = "encoding"  # not UTF-8
    NO_SPACE = "no_space"  # pictures in Parquet would not fit on the disk
    NEEDS_LIBRARY = "needs_library"


class DatasetError(UnmaskError):
    """Data that cannot be loaded: `reason` for programs, the message for people."""

    def __init__(self, reason: DatasetReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The upper folders of a data set, or a single file: what a convention is recognised by."""

    root: Path
    folders: frozenset[tuple[str, ...]]  # relative to the root, at most four deep
    files: tuple[Path, ...]  # those that are neither pictures nor clips nor recordings


def look(root: Path) -> Tree:
    """The upper folders of `root`, without going into folders that are named after a class.

    Raises DatasetError: NOT_FOUND, UNREADABLE.
    """
    if not root.exists():
        raise DatasetError(DatasetReason.NOT_FOUND, f"{root}: no such file or folder.")
    if not root.is_dir():
        return Tree(root=root, folders=frozenset(), files=(root,))
    folders: set[tuple[str, ...]] = set()
    files: list[Path] = []
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        below = waiting.pop()
        for entry in _entries(root.joinpath(*below)):
            if entry.is_dir():
                folders.add((*below, entry.name))
                if len(below) + 1 < _SEEN_DEPTH and entry.name.lower() not in _CLASSES:
                    waiting.append((*below, entry.name))
            elif _suffix(entry.name) not in MEDIA | SOUNDS and entry.is_file():
                files.append(root.joinpath(*below, entry.name))
    return Tree(root=root, folders=frozenset(folders), files=tuple(sorted(files)))


def walk(root: Path, suffixes: frozenset[str] = MEDIA) -> Iterator[tuple[str, ...]]:
    """Files below `root` with one of `suffixes`, as the parts of their relative paths, sorted.

    Links are followed; one that leads back to a folder above itself is left out, and so are hidden
    files. Raises DatasetError (UNREADABLE).
    """
    yield from _walk(root, (), frozenset(), suffixes)


def _walk(
    folder: Path,
    below: tuple[str, ...],
    above: frozenset[tuple[int, int]],
    suffixes: frozenset[str],
) -> Iterator[tuple[str, ...]]:
    if len(below) > _DEPTH:
        raise DatasetError(
            DatasetReason.UNREADABLE, f"{folder}: more than {_DEPTH} folders in one another."
        )
    entries = _entries(folder)
    status = folder.stat()
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(Path(entry.path), (*below, entry.name), above | {here}, suffixes)
        elif _suffix(entry.name) in suffixes and entry.is_file():
            yield (*below, entry.name)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            kept = [e for e in found if not e.name.startswith(".") and e.name != "__MACOSX"]
    except OSError as error:
        raise DatasetError(
            DatasetReason.UNREADABLE, f"{folder} cannot be read: {error.strerror}."
        ) from error
    return sorted(kept, key=lambda e: e.name)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def head_of(path: Path, size: int = 65536) -> bytes:
    """The first bytes of a file. Raises DatasetError (UNREADABLE)."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise DatasetError(
            DatasetReason.UNREADABLE, f"{path} cannot be read: {error.strerror}."
        ) from error


def stem(name: str) -> str:
    """`name` without the suffix of a picture or clip; other dots stay."""
    base, suffix = os.path.splitext(name)
    return base if suffix.lower() in MEDIA else name


def folder_name(root: Path) -> str:
    """What a folder is called, also where it was given as "." or through a link."""
    return root.name or root.resolve().name or "data"


def label_of(text: object) -> bool:
    """True for a fake. Raises DatasetError (BAD_LABEL), with the nearest label if there is one."""
    name = str(int(text)) if isinstance(text, bool) else str(text).strip().lower()
    name = name.removesuffix(".0")  # what a table program makes of 0 and 1 in a column with gaps
    if name not in _LABELS:
        near = difflib.get_close_matches(name, _LABELS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DatasetError(
            DatasetReason.BAD_LABEL, f"no label {text!r}{hint} (labels are {', '.join(_LABELS)})"
        )
    return _LABELS[name]


def split_in(parts: Iterable[str]) -> Split | None:
    """The split that one of the names says, such as "val" or "train-00000-of-00526.parquet"."""
    for part in parts:
        split = SPLIT_NAMES.get(re.split(r"[-.]", part.lower())[0])
        if split:
            return split
    return None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()


def thin(samples: Iterable[Sample], limit: int | None) -> list[Sample]:
    """At most `limit` samples of each corpus, split and generator, in the order given.

    They are drawn by a hash of the source, first one of each source, then a second: real and
    derived fake stay together, and a clip of many frames does not crowd out the others. The draw
    is the same on every machine. Memory is bounded by what is kept.
    """
    if limit is None:
        return list(samples)
    if limit < 1:
        raise ValueError("limit must be 1 or more")
    kept: dict[tuple[str, Split, str], list[tuple[int, Sample]]] = defaultdict(list)
    for numbered in enumerate(samples):
        sample = numbered[1]
        group = kept[sample.corpus, sample.split, sample.generator]
        group.append(numbered)
        if len(group) >= 2 * limit + 1000:
            group[:] = _draw(group, limit)
    drawn = [pair for group in kept.values() for pair in _draw(group, limit)]
    return [sample for _, sample in sorted(drawn, key=lambda pair: pair[0])]


def _draw(group: list[tuple[int, Sample]], limit: int) -> list[tuple[int, Sample]]:
    """The first of every source in the order of hashes, then the second, until `limit`."""
    by_source: dict[str, list[tuple[int, Sample]]] = defaultdict(list)
    for pair in group:
        by_source[pair[1].source].append(pair)
    ranked = []
    for source, pairs in by_source.items():
        pairs.sort(key=lambda p: (_digest(p[1].path.name), p[1].path.as_posix()))
        ranked += [(turn, _digest(source), pair) for turn, pair in enumerate(pairs)]
    ranked.sort(key=lambda r: r[:2])
    return [pair for _, _, pair in ranked[:limit]]
