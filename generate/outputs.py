"""Where generated pictures go: marked files for people.

A marked file says in three ways that it was generated; how is up to the caller, since signing is
no generator's business. An unmarked picture leaves only into a corpus for detectors
(`unmask.datasets.corpus`) with its manifest, which says the same of all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import UnmaskError
from unmask.generate.pictures import Pixels, png

# A file's bytes, its MIME type, the settings it was made with, and the original where there is
# one -> the bytes with the marks.
Mark = Callable[[bytes, str, str, bytes | None], bytes]


class OutputError(UnmaskError):
    """A file that cannot be written where it is asked for."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """A picture that a generator made."""

    name: str  # of its file, without a suffix
    pixels: Pixels
    settings: str  # "seed 7, truncation 0.7"
    original: bytes | None = None  # of a translation or a swap


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
