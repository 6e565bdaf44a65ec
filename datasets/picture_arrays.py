"""Pictures as one array of one size, to train a generator on: a folder, or an IDX file of digits.

A folder is decoded once; the array lies in a cache and is mapped into memory, so that seventy
thousand faces need no more of it than a batch.
"""

import gzip
import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from unmask.datasets.loaders_tree import IMAGES, DatasetError, DatasetReason

MNIST = (
    "for f in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do"
    " curl -LO https://ossci-datasets.s3.amazonaws.com/mnist/$f-ubyte.gz; done"
)
_IDX_BYTES = 0x08  # the type code of unsigned bytes
_MOST_IDX = 400_000_000  # bytes after unpacking


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """N pictures of one size, and what is known of each."""

    pixels: NDArray[np.uint8]  # (N, H, W, 1 or 3), perhaps mapped from a file
    names: tuple[str, ...] = ()  # (N,) below the folder
    labels: NDArray[np.int64] | None = None  # (N,)


def read_folder(folder: Path, side: int, *, cache: Path | None = None) -> Pictures:
    """Every picture below `folder`, by name: the middle square at `side` pixels, RGB.

    Pictures that cannot be read are left out. Raises DatasetError: NOT_FOUND or EMPTY.
    """
    if not folder.is_dir():
        raise DatasetError(DatasetReason.NOT_FOUND, f"There is no folder {folder}.")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGES and p.is_file())
    if not paths:
        raise DatasetError(DatasetReason.EMPTY, f"There is no picture below {folder}.")
    kept = _cached(folder, paths, side, cache) if cache else None
    if kept is None:
        kept = _decoded(folder, paths, side)
        if cache:
            _keep(kept, folder, paths, side, cache)
    if not len(kept.pixels):
        raise DatasetError(DatasetReason.EMPTY, f"No picture below {folder} can be read.")
    return kept


def square(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """The middle square, (side, side, 3), upright."""
    upright = ImageOps.exif_transpose(image).convert("RGB")
    fitted = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
    return np.asarray(fitted, np.uint8)


def _decoded(folder: Path, paths: list[Path], side: int) -> Pictures:
    pixels, names = [], []
    for path in paths:
        try:
            with Image.open(path) as image:
                pixels.append(square(image, side))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue
        names.append(str(path.relative_to(folder)))
    empty = np.zeros((0, side, side, 3), np.uint8)
    return Pictures(pixels=np.stack(pixels) if pixels else empty, names=tuple(names))


def _place(folder: Path, paths: list[Path], side: int, cache: Path) -> Path:
    """A file of the cache that changes with any picture's name, size or time."""
    digest = hashlib.sha256(f"{folder.resolve()} {side}".encode())
    for path in paths:
        about = path.stat()
        digest.update(f"{path.name} {about.st_size} {about.st_mtime_ns}".encode())
    return cache / f"{folder.name}-{side}-{digest.hexdigest()[:12]}"


def _cached(folder: Path, paths: list[Path], side: int, cache: Path) -> Pictures | None:
    place = _place(folder, paths, side, cache)
    try:
        pixels = np.load(place.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
        names = tuple(place.with_suffix(".txt").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return Pictures(pixels=pixels, names=names) if len(names) == len(pixels) else None


def _keep(found: Pictures, folder: Path, paths: list[Path], side: int, cache: Path) -> None:
    place = _place(folder, paths, side, cache)
    cache.mkdir(parents=True, exist_ok=True)
    np.save(place.with_suffix(".npy"), found.pixels)
    place.with_suffix(".txt").write_text("\n".join(found.names))


def read_digits(folder: Path, side: int = 32, *, held_out: bool = False) -> Pictures:
    """MNIST's IDX files in `folder`, packed or not, padded with black to `side` pixels; grey.

    The training set where it is there, else the first seven eighths of the one that is; with
    `held_out` the test set, or the last eighth. Raises DatasetError: NOT_FOUND or UNREADABLE.
    """
    images = _idx_files(folder, "images-idx3-ubyte")
    labels = _idx_files(folder, "labels-idx1-ubyte")
    if not images or len(images) != len(labels):
        raise DatasetError(
            DatasetReason.NOT_FOUND,
            f"{folder} holds no ...images-idx3-ubyte with its ...labels-idx1-ubyte."
            f" Get them: {MNIST}",
        )
    own = {path.name.startswith(("t10k", "test")): i for i, path in enumerate(images)}
    at = own.get(held_out, 0)
    pixels, digits = read_idx(images[at]), read_idx(labels[at])
    if pixels.ndim != 3 or digits.shape != pixels.shape[:1] or max(pixels.shape[1:]) > side:
        raise DatasetError(DatasetReason.UNREADABLE, f"{images[at]} does not fit its labels.")
    if len(images) == 1:
        kept = len(pixels) * 7 // 8
        part = slice(kept, None) if held_out else slice(kept)
        pixels, digits = pixels[part], digits[part]
    spare = [((side - n) // 2, side - n - (side - n) // 2) for n in pixels.shape[1:]]
    padded = np.pad(pixels, [(0, 0), *spare])
    return Pictures(pixels=padded[..., None], labels=digits.astype(np.int64))


def _idx_files(folder: Path, ending: str) -> list[Path]:
    found = folder.glob(f"*{ending}*") if folder.is_dir() else iter(())
    return sorted(p for p in found if p.is_file())


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An array of bytes in the IDX format (LeCun et al. 1998), packed by gzip or not.

    Raises DatasetError, UNREADABLE, where it is damaged, far too large or of another type.
    """
    try:
        data = b"".join(_unpacked(path))
        zero, kind, axes = struct.unpack(">HBB", data[:4])
        shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DatasetError(DatasetReason.UNREADABLE, f"{path} is no IDX file.") from error
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if zero or kind != _IDX_BYTES or not axes or body.size != int(np.prod(shape, dtype=np.int64)):
        raise DatasetError(DatasetReason.UNREADABLE, f"{path} is no IDX file of bytes.")
    return body.reshape(shape)


def _unpacked(path: Path) -> Iterator[bytes]:
    """The bytes in parts. Raises EOFError where they never end."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file = gzip.GzipFile(fileobj=raw) if packed else raw
        total = 0
        while part := file.read(1 << 20):
            total += len(part)
            if total > _MOST_IDX:
                raise EOFError("too many bytes")
            yield part
