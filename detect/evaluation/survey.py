"""A first look at every file: its hash, size, what probes may see, and which look alike."""

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.datasets.manifest import Sample
from unmask.detect.encodings import Pixels
from unmask.detect.evaluation import probes
from unmask.detect.evaluation.cache import Cache, Table
from unmask.detect.evaluation.probes import features
from unmask.detect.evaluation.sources import hash_files
from unmask.errors import MediaError
from unmask.media import open_bytes

Progress = Callable[[str, int, int], None]  # stage, done, of how many

NEAR = 20  # bits of 256; other pictures differ by more, re-encoded and rescaled ones by less
_SIDE = 16  # of the difference hash
_FLAT = 24  # bits; with fewer set, or fewer unset, a hash is of a plain surface and says nothing
_BLOCK = 2048  # hashes compared at a time


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What a file is, whatever the detectors."""

    sha256: str = ""
    width: int = 0
    height: int = 0
    outline: str = ""  # difference hash (Krawetz 2013), 256 bits in hexadecimal
    features: Mapping[str, list[float]] = field(default_factory=dict)  # of probes, as it lies
    failure: str = ""  # why it could not be read


def survey(paths: Sequence[Path], cache: Cache, progress: Progress) -> dict[Path, FileFacts]:
    """Hash and decode each file once; what is kept from before is not decoded again."""
    table = cache.table(f"files-{_implementation()}")
    found: dict[Path, FileFacts] = {}
    for path in paths:
        progress("looking at the files", len(found), len(paths))
        found[path] = _facts(path, table)
    progress("looking at the files", len(paths), len(paths))
    return found


@functools.cache
def _implementation() -> str:
    return hash_files([Path(__file__), Path(probes.__file__)])[:16]


def _facts(path: Path, table: Table) -> FileFacts:
    try:
        if not path.is_file():  # a pipe would be waited for
            return FileFacts(failure="There is no such file.")
        data = path.read_bytes()
    except OSError as error:
        return FileFacts(failure=f"The file cannot be read: {error.strerror}.")
    sha256 = hashlib.sha256(data).hexdigest()
    if kept := table.get((sha256,)):
        return FileFacts(**kept)
    try:
        media = open_bytes(data, path.name)
        height, width = media.pixels.shape[:2]
        seen = features(media)
    except MediaError as error:
        return FileFacts(sha256=sha256, failure=str(error))
    except TypeError:  # sound or text
        return FileFacts(sha256=sha256, failure=f"A file of kind {media.kind} has no picture.")
    found = FileFacts(
        sha256=sha256, width=width, height=height, outline=outline(media.pixels), features=seen
    )
    table.put([((sha256,), asdict(found))])
    return found


def outline(pixels: Pixels) -> str:
    """Whether it gets brighter to the right, at 16 x 16 places, in hexadecimal."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA).astype(int)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes().hex()


def near_duplicates(
    first: Mapping[Sample, FileFacts], second: Mapping[Sample, FileFacts]
) -> list[tuple[Sample, Sample, int]]:
    """Pairs of one from each, of other sources, with the bits that their outlines differ in.

    A fake that was made from a photograph shares its source and is no duplicate.
    """
    (one, bits_one), (two, bits_two) = _bits(first), _bits(second)
    found = []
    for start in range(0, len(one), _BLOCK):
        # Of vectors of +1 and -1 the product tells in how many places they differ.
        apart = (_SIDE**2 - bits_one[start : start + _BLOCK] @ bits_two.T) / 2
        for row, column in np.argwhere(apart <= NEAR):
            pair = one[start + row], two[column]
            if pair[0].source != pair[1].source:
                found.append((*pair, int(apart[row, column])))
    return found


def _bits(facts: Mapping[Sample, FileFacts]) -> tuple[list[Sample], NDArray[np.float32]]:
    """Samples with an outline that says something, and these as +1 and -1, (n, 256)."""
    kept, rows = [], []
    for sample, fact in facts.items():
        if not fact.outline:
            continue
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(fact.outline), dtype=np.uint8))
        if _FLAT <= bits.sum() <= len(bits) - _FLAT:
            kept.append(sample)
            rows.append(bits)
    signs = np.array(rows, dtype=np.float32).reshape(-1, _SIDE**2) * 2 - 1
    return kept, signs.astype(np.float32)
