"""Where generated pictures go: marked files for people, or an unmarked corpus for detectors.

A marked file says in three ways that it was generated; how is up to the caller, since signing is
no generator's business. An unmarked picture leaves only into a corpus with its manifest, which
says the same of all of them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Sample, Split
from unmask.datasets.manifest_file import read_manifest, write_manifest
from unmask.errors import UnmaskError
from unmask.generate.pictures import Pixels, png

# A file's bytes, its MIME type, the settings it was made with, and the original where there is
# one -> the bytes with the marks.
Mark = Callable[[bytes, str, str, bytes | None], bytes]
MANIFEST = "manifest.csv"
ABOUT = "about.jsonl"


class OutputError(UnmaskError):
    """A file that cannot be written where it is asked for."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """A picture that a generator made."""

    name: str  # of its file, without a suffix
    pixels: Pixels
    settings: str  # "seed 7, truncation 0.7"
    original: bytes | None = None  # of a translation or a swap
    source: str = ""  # of a corpus' sample: the photograph it came from; default its own name


def write(data: bytes, target: Path) -> Path:
    """Write a file whole or not at all. Raises OutputError where `target` exists already."""
    if target.exists():
        raise OutputError(f"{target} exists already, and nothing is overwritten.")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    unfinished.write_bytes(data)
    unfinished.replace(target)
    return target


def write_marked(made: Generated, target: Path, mark: Mark) -> Path:
    """Write one PNG with its marks. Raises OutputError where `target` exists already."""
    return write(mark(png(made.pixels), "image/png", made.settings, made.original), target)


def write_corpus(
    made: Iterable[Generated],
    folder: Path,
    *,
    generator: str,
    decoder: str,
    licence: str,
    split: Split,
) -> list[Sample]:
    """Add unmarked PNGs to a corpus: its manifest grows, and about.jsonl says more of each.

    `decoder` says how the generator makes large pictures from small ones. Raises DatasetError,
    DUPLICATE, where a picture of that name is there.
    """
    place = folder / MANIFEST
    samples = read_manifest(place) if place.is_file() else []
    lines = []
    for one in made:
        path = folder / generator / f"{one.name}.png"
        if path.exists():
            raise DatasetError(DatasetReason.DUPLICATE, f"{path} is in the corpus already.")
        path.parent.mkdir(parents=True, exist_ok=True)
        data = png(one.pixels)
        path.write_bytes(data)
        samples.append(
            Sample(
                path=path,
                fake=True,
                generator=generator,
                corpus=folder.name,
                source=one.source or f"{generator}/{one.name}",
                split=split,
            )
        )
        about = {
            "path": path.relative_to(folder).as_posix(),
            "generator": generator,
            "decoder": decoder,
            "settings": one.settings,
            "source": samples[-1].source,
            "split": split.value,
            "licence": licence,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        lines.append(json.dumps(about, ensure_ascii=False) + "\n")
    write_manifest(samples, place)
    with (folder / ABOUT).open("a", encoding="utf-8") as file:
        file.writelines(lines)
    return samples
