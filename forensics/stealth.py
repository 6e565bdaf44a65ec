"""Stealth PNG info: generator settings hidden in the lowest bits of alpha or colour.

Format (as written by the stable-diffusion-webui extension and by NovelAI): bits run down the
columns; 15 bytes of magic, 32 bits of length in bits, then UTF-8 text or gzip of it. In colour
each pixel gives three bits, red first. Survives nothing but lossless copies.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

from unmask.errors import MediaError
from unmask.media import Media

MAX_PIXELS = 40_000_000  # an alpha channel is decoded anew, which takes time in larger pictures
MAX_BYTES = 2 * 1024**2
_MAGIC_BYTES = 15
_ALPHA = {b"stealth_pnginfo": False, b"stealth_pngcomp": True}  # magic -> compressed
_COLOUR = {b"stealth_rgbinfo": False, b"stealth_rgbcomp": True}
_LOSSLESS = {"png", "webp", "tiff", "bmp"}


def read_bits(channels: NDArray[np.uint8]) -> tuple[str, str]:
    """(magic, text) hidden in (H, W, C) uint8 values; C is 1 for alpha, 3 for red, green, blue.

    ("", "") where there is none; the text is "" where the magic stands but the rest is damaged.
    """
    known = _ALPHA if channels.shape[2] == 1 else _COLOUR
    head = _first_bits(channels, (_MAGIC_BYTES + 4) * 8)
    magic = head[:_MAGIC_BYTES]
    if magic not in known:
        return "", ""
    bits = int.from_bytes(head[_MAGIC_BYTES : _MAGIC_BYTES + 4], "big")
    if bits > min(MAX_BYTES * 8, channels.size):
        return magic.decode(), ""
    skip = _MAGIC_BYTES + 4
    body = _first_bits(channels, skip * 8 + bits)[skip:]
    try:
        if known[magic]:
            body = zlib.decompressobj(31).decompress(body, MAX_BYTES)
        return magic.decode(), body.decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        return magic.decode(), ""


def _first_bits(channels: NDArray[np.uint8], bits: int) -> bytes:
    height, _, depth = channels.shape
    columns = -(-bits // max(1, height * depth))
    down = channels[:, :columns].transpose(1, 0, 2).reshape(-1)[:bits] & 1
    return np.packbits(down).tobytes()


def stealth_text(media: Media) -> tuple[str, str]:
    """(magic, text) of a lossless still; ("", "") for others and for pictures over 40 MP."""
    info = media.image_info
    if media.format.name not in _LOSSLESS or info.width * info.height > MAX_PIXELS:
        return "", ""
    if info.mode == "RGB" and info.orientation == 1 and not info.notes:
        return read_bits(media.pixels)
    if info.mode not in ("RGB", "RGBA"):
        return "", ""
    try:
        with media.pillow() as image:
            values = np.asarray(image)
    except MediaError:
        return "", ""
    found = read_bits(values[..., 3:]) if info.mode == "RGBA" else ("", "")
    return found if found[0] else read_bits(values[..., :3])
