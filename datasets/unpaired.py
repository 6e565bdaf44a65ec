"""Two kinds of pictures that have nothing to do with each other, to translate between.

Either as the CycleGAN sets have them, `trainA trainB testA testB`, or as two folders named after
what they hold, such as `men women`.
"""

from dataclasses import dataclass
from pathlib import Path

from unmask.datasets.loaders_tree import SPLIT_NAMES, DatasetError, DatasetReason
from unmask.datasets.picture_arrays import Pictures, read_folder

SETS = (
    "horse2zebra", "apple2orange", "summer2winter_yosemite", "monet2photo", "cezanne2photo",
    "ukiyoe2photo", "vangogh2photo", "maps", "facades", "iphone2dslr_flower",
)  # fmt: skip
_HELD_OUT = 8  # one in so many is held out, where a set has no test part of its own


@dataclass(frozen=True, kw_only=True)
class Domains:
    """Pictures of two kinds, of one size."""

    a: Pictures
    b: Pictures
    names: tuple[str, str]  # of the folders


def download(name: str = "horse2zebra") -> str:
    """The command that fetches one of the CycleGAN sets (Zhu et al. 2017)."""
    address = "https://efrosgans.eecs.berkeley.edu/cyclegan/datasets"
    return f"curl -LO {address}/{name}.zip && unzip {name}.zip"


def read_domains(
    folder: Path, side: int, *, cache: Path | None = None, held_out: bool = False
) -> Domains:
    """The middle square of each picture at `side` pixels; the first kind by name is "a".

    With `held_out` the pictures that are not for training: testA and testB, else the last eighth of
    each kind by name. Pictures that cannot be read are left out. Raises DatasetError: NOT_FOUND,
    UNRECOGNISED or EMPTY.
    """
    if not folder.is_dir():
        raise DatasetError(
            DatasetReason.NOT_FOUND,
            f"There is no folder {folder}. Give one with two folders of pictures in it, or get a"
            f" set: {download(folder.name if folder.name in SETS else SETS[0])}",
        )
    first, second = _folders(folder, held_out=held_out)
    a, b = (read_folder(f, side, cache=cache) for f in (first, second))
    if not first.name.startswith("test"):
        a, b = (_part(p, f, held_out=held_out) for p, f in ((a, first), (b, second)))
    return Domains(a=a, b=b, names=(first.name, second.name))


def _folders(folder: Path, *, held_out: bool) -> tuple[Path, Path]:
    """The folders of both kinds. Raises DatasetError: UNRECOGNISED."""
    found = sorted(p for p in folder.iterdir() if p.is_dir() and not _is_hidden(p))
    names = {p.name for p in found}
    if held_out and {"testA", "testB"} <= names:
        return folder / "testA", folder / "testB"
    if {"trainA", "trainB"} <= names:
        return folder / "trainA", folder / "trainB"
    splits = [n for n in sorted(names) if n.lower() in SPLIT_NAMES]
    if splits:
        raise _unrecognised(folder, f"{splits[0]} is a part of a set: give {folder / splits[0]}.")
    if names & {"trainA", "trainB", "testA", "testB"}:
        raise _unrecognised(folder, "trainA and trainB belong together, and one is missing.")
    if len(found) != 2:
        seen = ", ".join(sorted(names)) or "none"
        raise _unrecognised(folder, f"Two folders of pictures were looked for; there is {seen}.")
    return found[0], found[1]


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "__MACOSX"


def _unrecognised(folder: Path, why: str) -> DatasetError:
    return DatasetError(DatasetReason.UNRECOGNISED, f"{folder} does not hold two domains. {why}")


def _part(pictures: Pictures, folder: Path, *, held_out: bool) -> Pictures:
    """All but the last eighth, or that. A slice, so that pixels mapped from a file stay there.

    Raises DatasetError, EMPTY, where there are too few to hold one back.
    """
    count = len(pictures.pixels)
    kept = max(1, count - count // _HELD_OUT)
    if held_out and kept == count:
        raise DatasetError(
            DatasetReason.EMPTY,
            f"{folder} holds {count} pictures: {_HELD_OUT} are needed to hold one back.",
        )
    part = slice(kept, None) if held_out else slice(kept)
    return Pictures(pixels=pictures.pixels[part], names=pictures.names[part])
