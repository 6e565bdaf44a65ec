"""The directories of a TIFF or of an EXIF block, which is one: just enough, and nothing raised."""

from collections.abc import Mapping
from typing import Literal

_Order = Literal["little", "big"]

ORIENTATION = 0x0112
NEW_SUBFILE_TYPE = 0x00FE
SUB_IFDS = 0x014A
_INLINE = {1: 1, 3: 2, 4: 4}  # BYTE, SHORT, LONG: bytes of one value
_EMPTY: Mapping[int, int] = {}


def orientation(block: bytes) -> int:
    """EXIF orientation 1 to 8 by the first directory; 1 where there is none to read."""
    value = directory(block.removeprefix(b"Exif\0\0")).get(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def directory(block: bytes) -> Mapping[int, int]:
    """Tag to first value of the first directory's integer entries; offsets for longer arrays."""
    shape = _shape(block)
    if shape is None:
        return _EMPTY
    order, big, at = shape
    count_size, entry, field = (8, 20, 8) if big else (2, 12, 4)
    count = int.from_bytes(block[at : at + count_size], order)
    at += count_size
    found: dict[int, int] = {}
    for start in range(at, min(at + count * entry, len(block) - entry + 1), entry):
        tag = int.from_bytes(block[start : start + 2], order)
        size = _INLINE.get(int.from_bytes(block[start + 2 : start + 4], order), field)
        value = block[start + entry - field : start + entry - field + size]
        found.setdefault(tag, int.from_bytes(value, order))
    return found


def pages(block: bytes, most: int) -> int:
    """Directories in the chain, at most `most`: a loop or a broken link ends the count."""
    shape = _shape(block)
    if shape is None:
        return 0
    order, big, at = shape
    count_size, entry, link = (8, 20, 8) if big else (2, 12, 4)
    seen: set[int] = set()
    while 0 < at <= len(block) - count_size and at not in seen and len(seen) < most:
        seen.add(at)
        at += count_size + entry * int.from_bytes(block[at : at + count_size], order)
        at = int.from_bytes(block[at : at + link], order)
    return len(seen)


def _shape(block: bytes) -> tuple[_Order, bool, int] | None:
    """Byte order, whether BigTIFF, offset of the first directory; None for other bytes."""
    orders: dict[bytes, _Order] = {b"II": "little", b"MM": "big"}
    order = orders.get(block[:2])
    if order is None:
        return None
    magic = int.from_bytes(block[2:4], order)
    if magic not in (42, 43):
        return None
    where = block[8:16] if magic == 43 else block[4:8]
    return order, magic == 43, int.from_bytes(where, order)
