"""A still's own structure, walked before a decoder sees it: the bombs are in the structure.

Pillow's openers spend time and memory on every segment, chunk or directory that a file claims to
have. These walks touch each part once, copy nothing and stop at a bound.
"""

import re
from dataclasses import dataclass

from unmask.errors import MediaError, Reason
from unmask.media import tiff
from unmask.media.limits import Limits
from unmask.media.sniff import GIF, JPEG, PNG, TIFF, Format

# A marker that is neither a stuffed byte nor a restart: in entropy-coded data there is none.
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
_FREE_PARTS = 10_000  # of any size; above that, they must be 64 bytes long on average
_GIF_COMMENT = 2**20  # bytes; Pillow adds them up in quadratic time


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the walk counted."""

    frames: int | None = None  # None: the format's opener knows without looking through the file
    scans: int = 0  # of a JPEG, or 0
    orientation: int = 1  # of a TIFF's own first directory
    preview: bool = False  # of a raw file: a TIFF whose first picture is its thumbnail
    end: int = 0  # where a JPEG's first picture says that it ends


def survey(data: bytes, fmt: Format, limits: Limits) -> Survey:
    """Walk a JPEG, PNG, GIF or TIFF; other formats' libraries bound themselves.

    Raises MediaError: TOO_LARGE for a flood of parts, CORRUPT for a JPEG without an end.
    """
    if fmt is JPEG:
        return _jpeg(data, limits)
    if fmt is PNG:
        return _png(data)
    if fmt is GIF:
        return _gif(data)
    if fmt is TIFF:
        return _tiff(data, limits)
    return Survey()


def _bound(data: bytes) -> int:
    return _FREE_PARTS + len(data) // 64


def _flood(what: str) -> MediaError:
    return MediaError(Reason.TOO_LARGE, f"The file has more {what} than any program writes.")


def _jpeg(data: bytes, limits: Limits) -> Survey:
    """Scans of the first picture alone: phones append films, whose bytes look like markers."""
    at, scans, bound = 2, 0, _bound(data)
    for _ in range(bound):
        found = _MARKER.search(data, at)
        if found is None:
            # Decoders fill in grey, and take a tail of zeros for a picture.
            raise MediaError(Reason.CORRUPT, "The JPEG is cut short: it has no end marker.")
        marker, at = found[1][0], found.end()
        if marker == 0xD9:
            return Survey(scans=scans, end=found.start())
        if marker in (0x01, 0xD8):  # no length follows
            continue
        scans += marker == 0xDA
        if scans > limits.jpeg_scans:
            raise _flood("JPEG scans")
        at += max(2, int.from_bytes(data[at : at + 2], "big"))
    raise _flood("JPEG segments")


def _png(data: bytes) -> Survey:
    at = 8
    for _ in range(_bound(data)):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += length + 12
        if name == b"IEND" or at > len(data):
            return Survey()
    raise _flood("PNG chunks")


def _gif(data: bytes) -> Survey:
    """Count the frames; Pillow would decode or seek through each of them."""
    at = 13 + _palette(data, 10)
    frames, bound, end = 0, _bound(data), len(data)
    while at < end:
        block = data[at]
        if block == 0x3B:
            return Survey(frames=frames)
        comment = False
        if block == 0x2C:
            frames += 1
            at += 11 + _palette(data, at + 9)  # descriptor, palette, code size
        elif block == 0x21:
            comment = data[at + 1 : at + 2] == b"\xfe"
            at += 2
        else:
            at, bound = at + 1, bound - 1  # stray bytes are skipped, as Pillow does
            if bound < 0:
                raise _flood("stray bytes in a GIF")
            continue
        start = at
        while at < end and data[at]:
            at, bound = at + 1 + data[at], bound - 1
            if bound < 0:
                raise _flood("GIF blocks")
        at += 1
        if comment and at - start > _GIF_COMMENT:
            raise _flood("comment in a GIF")
    return Survey(frames=frames)


def _palette(data: bytes, at: int) -> int:
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _tiff(data: bytes, limits: Limits) -> Survey:
    first = tiff.directory(data)
    preview = first.get(tiff.NEW_SUBFILE_TYPE, 0) & 1 and tiff.SUB_IFDS in first
    pages = tiff.pages(data, limits.pages)
    return Survey(frames=max(1, pages), orientation=tiff.orientation(data), preview=bool(preview))
