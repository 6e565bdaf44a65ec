"""Tell a DNG from other TIFF files: libraries that sign or read raws want its own media type."""

import struct

_DNG_VERSION = 0xC612


def media_type(data: bytes, mime: str) -> str:
    """`mime`, or DNG's where `data` is a TIFF whose first directory holds a DNGVersion."""
    return "image/x-adobe-dng" if mime == "image/tiff" and is_dng(data) else mime


def is_dng(data: bytes) -> bool:
    """Whether the bytes are a classic TIFF with a DNGVersion tag in its first directory."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return False
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return False
    (count,) = struct.unpack_from(order + "H", data, start)
    entries = data[start + 2 : start + 2 + 12 * count]
    return any(
        struct.unpack_from(order + "H", entries, offset)[0] == _DNG_VERSION
        for offset in range(0, len(entries) - 11, 12)
    )
