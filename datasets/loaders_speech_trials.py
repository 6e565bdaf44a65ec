"""Protocols of speech corpora: lines that name a recording, its speaker, and whether it is fake."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unmask.datasets.loaders_table import fault, hint
from unmask.datasets.loaders_tree import SOUNDS, DatasetError, DatasetReason, walk
from unmask.datasets.manifest import CAMERA, Sample, Split

_SHOWN = 5  # missing files that a message lists
_KEYS = {"bonafide": False, "bona-fide": False, "spoof": True}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A line of a protocol."""

    line: int
    name: str  # of the file, without its suffix
    speaker: str
    attack: str  # of a fake
    codec: str = ""  # as the corpus names it
    fake: bool
    split: Split


def samples_of(
    path: Path, trials: list[Trial], sounds: dict[str, Path], corpus: str
) -> Iterator[Sample]:
    """The trials whose files are there; none where the whole part was not downloaded."""
    if not sounds:
        return
    missing = [t for t in trials if t.name not in sounds]
    if missing:
        shown = "; ".join(f"line {t.line}: {t.name}" for t in missing[:_SHOWN])
        more = f"; and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise DatasetError(
            DatasetReason.MISSING_FILE,
            f"{path} names {len(missing)} recordings that are not there: {shown}{more}.",
        )
    lines: dict[str, int] = {}
    for trial in trials:
        if trial.name in lines:
            raise fault(
                path,
                trial.line,
                DatasetReason.DUPLICATE,
                f"{trial.name!r} is on line {lines[trial.name]} already",
            )
        lines[trial.name] = trial.line
        yield Sample(
            path=sounds[trial.name],
            fake=trial.fake,
            generator=trial.attack if trial.fake else CAMERA,
            corpus=corpus,
            source=f"{corpus}/{trial.speaker or trial.name}",
            split=trial.split,
            codec=trial.codec,
        )


def sounds_below(root: Path, folder: str) -> dict[str, Path]:
    """Recordings by name, below the folders that the pattern `folder` matches, at any depth."""
    return {
        Path(parts[-1]).stem: root.joinpath(*parts)
        for parts in walk(root, SOUNDS)
        if folder == ".*" or any(re.fullmatch(folder, p) for p in parts[:-1])
    }


def lines_of(path: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line. Raises DatasetError (BAD_TABLE) for one with too few."""
    for number, line in enumerate(text_of(path).splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) < columns:
            raise fault(
                path,
                number,
                DatasetReason.BAD_TABLE,
                f"{len(cells)} cells where there should be {columns}",
            )
        yield number, cells


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(DatasetReason.ENCODING, f"{path} is not UTF-8.") from error
    except OSError as error:
        raise DatasetError(
            DatasetReason.UNREADABLE, f"{path} cannot be read: {error.strerror}."
        ) from error


def key_of(path: Path, line: int, name: str) -> bool:
    if name not in _KEYS:
        raise fault(path, line, DatasetReason.BAD_LABEL, f"no key {name!r}{hint(name, _KEYS)}")
    return _KEYS[name]
