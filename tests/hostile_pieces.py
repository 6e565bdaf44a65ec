"""What hostile files are made of: stills, clips, sounds and their parts, well formed or not."""

import io
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import av
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image
from tones import mux

from unmask.errors import Reason

pillow_heif.register_heif_opener()

Build = Callable[[], bytes]
# What must come out: a report, a reason, or (None) either of them.
Expected = str | Reason | None
Cases = dict[str, tuple[str, Build, Expected]]  # of a file: its name, its bytes, what comes out
REPORT = "report"


@cache
def pixels(height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    ramp = np.add.outer(np.arange(height) * 2, np.arange(width))[..., None] % 200
    return np.asarray(ramp + rng.integers(0, 56, (height, width, 3)), dtype=np.uint8)


@cache
def still(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels()).save(buffer, form, **options)
    return buffer.getvalue()


@cache
def clip(form: str, video: str = "", audio: str = "", frames: int = 12) -> bytes:
    """A second of moving stripes, with or without a tone."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        film = container.add_stream(video, rate=12) if video else None
        sound = container.add_stream(audio, rate=16000, layout="mono") if audio else None
        if film:
            film.width, film.height, film.pix_fmt = 128, 96, "yuv420p"
            for i in range(frames):
                frame = av.VideoFrame.from_ndarray(np.roll(pixels(), 5 * i, axis=1), "rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 12)
                container.mux(film.encode(frame))
            container.mux(film.encode())
        if sound:
            mux(container, sound, (np.sin(np.arange(16000) / 6) * 9000).astype(np.int16))
    return buffer.getvalue()


def noise(size: int) -> bytes:
    return np.random.default_rng(size).bytes(size)


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg_with(*segments: bytes) -> bytes:
    jpeg = still("JPEG")
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(*chunks: bytes) -> bytes:
    png = still("PNG")
    return png[:33] + b"".join(chunks) + png[33:]  # behind IHDR


def png_header(width: int, height: int, mode: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, 8, mode, 0, 0, 0)
    )


def exif(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
    """A little-endian EXIF block: entries of (tag, type, count, value)."""
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", following)


def jpeg_exif(block: bytes) -> bytes:
    return jpeg_with(segment(0xE1, b"Exif\0\0" + block))


def xmp(packet: bytes) -> bytes:
    return jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet))


def box(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """An ISO media box, which may lie about its size."""
    return struct.pack(">I", 8 + len(body) if size is None else size) + name + body


FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")


def patched(data: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """`data` with `value` written `offset` bytes behind a box's name."""
    at = data.index(name) + 4 + offset
    return data[:at] + value + data[at + len(value) :]


def wav(channels: int = 1, rate: int = 8000, bits: int = 16, size: int = 8000) -> bytes:
    """A header that claims what it is told, before 8000 bytes of sound."""
    form = struct.pack("<HHIIHH", 1, channels, rate & 0xFFFFFFFF, 16000, 2, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", 36 + 8000) + body + noise(8000)


def sound(
    values: NDArray[np.generic],
    rate: int = 16000,
    *,
    channels: int = 1,
    code: int = 1,
    claimed: int | None = None,
) -> bytes:
    """A WAV of the given samples, of which the header claims `claimed` bytes."""
    width = 3 if code == 24 else values.dtype.itemsize
    body = values.tobytes() if code != 24 else values.astype("<i4").view("u1").reshape(
        -1, 4)[:, :3].tobytes()  # fmt: skip
    form = struct.pack("<HHIIHH", 1 if code == 24 else code, channels, rate,
                       rate * channels * width, channels * width, 8 * width)  # fmt: skip
    size = len(body) if claimed is None else claimed
    head = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", (len(head) + size) & 0xFFFFFFFF) + head + body


def humming(count: int, kind: str = "<i2", scale: float = 9000) -> NDArray[np.generic]:
    rng = np.random.default_rng(1)
    return np.asarray(np.sin(np.arange(count) / 9) * scale + rng.normal(size=count), dtype=kind)


def floats(value: float) -> NDArray[np.generic]:
    """Two seconds of which every other sample is `value`."""
    samples = humming(32000, "<f4", 0.3)
    samples[::2] = value
    return samples


def tiff_pages(count: int, loop: bool) -> bytes:
    """A one-pixel TIFF whose directory is followed by `count` others, or by itself."""
    tags = [
        (256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, 1),
    ]  # fmt: skip
    size = 2 + 12 * len(tags) + 4
    data = b"II*\0" + struct.pack("<I", 8)
    for page in range(count):
        following = 8 + size * (page + 1) if page + 1 < count else 8 * loop
        data += exif(*tags, following=following)[8:]
    return data


def gif_frames(count: int) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x08\x04\x00\x01\x04\x04\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame * count + b";"


def many_scans(count: int) -> bytes:
    jpeg = still("JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * count + b"\xff\xd9"


def wide(form: str, width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    row = np.resize(pixels(), (1, width, 3))
    Image.fromarray(np.repeat(row, height, axis=0)).save(buffer, form)
    return buffer.getvalue()


def one_pixel(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1), (200, 10, 30)).save(buffer, form)
    return buffer.getvalue()


def webp_canvas() -> bytes:
    """16,383 x 16,383 of one colour: 268 megapixels in a few bytes."""
    flags_and_size = b"\x10\0\0\0" + (16382).to_bytes(3, "little") * 2
    tiny = one_pixel("WEBP")[12:]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + flags_and_size + tiny
    return b"RIFF" + struct.pack("<I", len(body)) + body


LAUGHS = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(12))
    + b']><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">&m;</rdf:RDF></x:xmpmeta>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
DEEP = b"<a>" * 9000 + b"</a>" * 9000
