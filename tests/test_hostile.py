"""Hostile and odd files: each gives a report or a typed reason, quickly, and never a traceback.

They go through everything that a real scan runs, so that a new analyser meets them for free.
"""

import io
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask.batch import Unread, scan_one
from unmask.errors import Reason
from unmask.evidence import Failure
from unmask.media import open_bytes
from unmask.scan import Report, scan
from unmask.settings import Settings

pillow_heif.register_heif_opener()
pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns of each of a thousand bad tags

SECONDS = 15.0  # for a file; far above what any takes, for machines that do other work as well
REPORT = "report"
Build = Callable[[], bytes]
# What must come out: a report, a reason, or (None) either of them.
Expected = str | Reason | None


# --- pieces -----------------------------------------------------------------------------------


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
            tone = (np.sin(np.arange(16000) / 6) * 9000).astype(np.int16)[None]
            wave = av.AudioFrame.from_ndarray(tone, "s16", "mono")
            wave.sample_rate, wave.pts = 16000, 0
            size = sound.codec_context.frame_size or None
            fitted = av.AudioResampler(sound.format, sound.layout, sound.rate, size)
            for part in [*fitted.resample(wave), *fitted.resample(None)]:
                container.mux(sound.encode(part))
            container.mux(sound.encode())
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


# --- cases ------------------------------------------------------------------------------------


def truncations() -> Iterator[tuple[str, str, Build, Expected]]:
    """Every tenth of each format. A still that lacks its end is damaged, never a grey picture."""
    stills = {
        "jpg": ("JPEG", {}), "progressive.jpg": ("JPEG", {"progressive": True}), "png": ("PNG", {}),
        "webp": ("WEBP", {}), "gif": ("GIF", {}), "tiff": ("TIFF", {}), "avif": ("AVIF", {}),
        "lzw.tiff": ("TIFF", {"compression": "tiff_lzw"}), "heic": ("HEIF", {}), "bmp": ("BMP", {}),
    }  # fmt: skip
    clips = {
        "mp4": ("mp4", "libx264", "aac"), "webm": ("webm", "libvpx", "libopus"),
        "wav": ("wav", "", "pcm_s16le"), "avi": ("avi", "mpeg4", ""),
    }  # fmt: skip
    for tenth in range(1, 10):
        for name, (form, options) in stills.items():
            build = lambda f=form, o=options, t=tenth: cut(still(f, **o), t)  # noqa: E731
            yield f"cut{tenth}-{name}", f"a.{name}", build, Reason.CORRUPT
        for name, kinds in clips.items():
            if name == "avi" and tenth % 3:
                continue
            build = lambda k=kinds, t=tenth: cut(clip(*k), t)  # noqa: E731
            yield f"cut{tenth}-{name}", f"a.{name}", build, None


def cut(data: bytes, tenth: int) -> bytes:
    return data[: len(data) * tenth // 10]


NAMES: dict[str, tuple[str, Build, Expected]] = {
    "no-bytes": ("a.jpg", lambda: b"", Reason.EMPTY),
    "one-byte": ("a.jpg", lambda: b"\xff", None),
    "zeros": ("a.jpg", lambda: bytes(5000), Reason.UNSUPPORTED),
    "noise": ("a.jpg", lambda: noise(5000), Reason.UNSUPPORTED),
    "png-named-jpg": ("a.jpg", lambda: still("PNG"), REPORT),
    "jpeg-named-mp4": ("a.mp4", lambda: still("JPEG"), REPORT),
    "mp4-named-wav": ("a.wav", lambda: clip("mp4", "libx264"), REPORT),
    "wav-named-mp4": ("a.mp4", lambda: clip("wav", "", "pcm_s16le"), REPORT),
    "html-named-jpg": ("a.jpg", lambda: b"\n<!DOCTYPE html><html><p>404", REPORT),
    "svg-named-png": (
        "a.png",
        lambda: b'<?xml version="1.0"?><!-- x --><svg xmlns="http://www.w3.org/2000/svg"/>',
        Reason.UNSUPPORTED,
    ),
    "eps-named-png": ("a.png", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run", Reason.UNSUPPORTED),
    "pdf-named-jpg": ("a.jpg", lambda: b"%PDF-1.7\n%\xe2\xe3", Reason.CORRUPT),
    "zip-named-png": ("a.png", lambda: b"PK\x03\x04" + noise(200), Reason.UNSUPPORTED),
    "program-named-jpg": ("a.jpg", lambda: b"\x7fELF" + noise(200), Reason.UNSUPPORTED),
    "hls-named-mp4": (
        "a.mp4",
        lambda: b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n",
        REPORT,
    ),
    "concat-named-mp4": ("a.mp4", lambda: b"ffconcat version 1.0\nfile /etc/passwd\n", REPORT),
    "jpeg-then-zip": ("a.jpg", lambda: still("JPEG") + b"PK\x03\x04" + noise(3000), REPORT),
    "jpeg-then-film": ("a.jpg", lambda: still("JPEG") + b"\xff\xda\0\x08" * 4000, REPORT),
    "gif-then-script": ("a.gif", lambda: still("GIF") + b"=1;alert(1)", REPORT),
    "png-then-noise": ("a.png", lambda: still("PNG") + noise(9000), REPORT),
    "jpeg-of-markers": ("a.jpg", lambda: b"\xff\xd8" + b"\xff\xd8" * 4000, Reason.CORRUPT),
    "jpeg-without-picture": ("a.jpg", lambda: b"\xff\xd8\xff\xd9", Reason.CORRUPT),
    "png-without-picture": ("a.png", lambda: png_header(9, 9), Reason.CORRUPT),
    "png-of-no-width": ("a.png", lambda: png_header(0, 9), Reason.CORRUPT),
    "null-in-text": ("a.txt", lambda: b"abc\0def" * 50, Reason.UNSUPPORTED),
    "utf16-of-noise": ("a.txt", lambda: b"\xff\xfe" + noise(4000), Reason.UNSUPPORTED),
    "one-long-line": ("a.txt", lambda: b"a" * 300_000, REPORT),
}  # fmt: skip

BOMBS: dict[str, tuple[str, Build, Expected]] = {
    "png-50k": (
        "a.png", lambda: png_header(50_000, 50_000) + chunk(b"IDAT", b""), Reason.TOO_LARGE,
    ),
    "png-max": ("a.png", lambda: png_header(2**31 - 1, 2**31 - 1), None),
    "gif-65k": (
        "a.gif", lambda: patched(still("GIF"), b"GIF8", 2, b"\xff\xff\xff\xff"), Reason.TOO_LARGE,
    ),
    "bmp-60k": (
        "a.bmp",
        lambda: still("BMP")[:18] + struct.pack("<ii", 60_000, 60_000) + still("BMP")[26:],
        Reason.TOO_LARGE,
    ),
    "tiff-60k": (
        "a.tiff",
        lambda: exif(
            (256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 1),
            (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 60_000), (279, 4, 1, 9),
        ),
        Reason.TOO_LARGE,
    ),
    "webp-16k": ("a.webp", webp_canvas, None),
    "jpeg-65k": (
        "a.jpg",
        lambda: patched(still("JPEG"), b"\xff\xc0\0\x11", 1, b"\xff\xdc\xff\xdc"),
        Reason.TOO_LARGE,
    ),
    "text-chunk": (
        "a.png",
        lambda: png_with(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(60_000_000), 9))),
        Reason.TOO_LARGE,
    ),
    "itxt-chunk": (
        "a.png",
        lambda: png_with(chunk(b"iTXt", b"XML\0\1\0\0\0" + zlib.compress(bytes(60_000_000), 9))),
        Reason.TOO_LARGE,
    ),
    "text-chunks": ("a.png", lambda: png_with(chunk(b"tEXt", b"a\0" + b"b" * 900) * 3000), None),
    "profile": (
        "a.png",
        lambda: png_with(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(60_000_000), 9))),
        Reason.TOO_LARGE,
    ),
    "png-chunks": ("a.png", lambda: png_with(chunk(b"teST", b"") * 300_000), Reason.TOO_LARGE),
    "png-empty-idat": ("a.png", lambda: png_with(chunk(b"IDAT", b"") * 300_000), Reason.TOO_LARGE),
    "jpeg-segments": ("a.jpg", lambda: jpeg_with(segment(0xEF, b"") * 500_000), Reason.TOO_LARGE),
    "jpeg-scans": ("a.jpg", lambda: many_scans(3000), Reason.TOO_LARGE),
    "jpeg-150-scans": ("a.jpg", lambda: many_scans(140), None),
    "gif-frames": ("a.gif", lambda: gif_frames(9000), REPORT),
    "gif-more-frames": ("a.gif", lambda: gif_frames(90_000), Reason.TOO_LARGE),
    "gif-blocks": (
        "a.gif",
        lambda: still("GIF")[:13 + 768] + b"\x21\xf0" + b"\1x" * 400_000 + b"\0",
        Reason.TOO_LARGE,
    ),
    "gif-comment": (
        "a.gif",
        lambda: gif_frames(0)[:-1] + b"\x21\xfe" + (b"\xff" + b"x" * 255) * 30_000 + b"\0;",
        Reason.TOO_LARGE,
    ),
    "tiff-loop": ("a.tiff", lambda: tiff_pages(1, loop=True), REPORT),
    "tiff-pages": ("a.tiff", lambda: tiff_pages(3000, loop=True), REPORT),
    "tiff-tags": (
        "a.tiff",
        lambda: exif(*((t, 1, 2_000_000, 8) for t in range(1000, 60_000))) + bytes(2_000_000),
        Reason.CORRUPT,
    ),
    "exif-tags": (
        "a.jpg", lambda: jpeg_exif(exif(*((t, 1, 50_000, 8) for t in range(5000)))), REPORT,
    ),
    "exif-of-many-segments": (
        "a.jpg",
        lambda: jpeg_with(
            segment(0xE1, b"Exif\0\0" + exif(*((t, 1, 900_000, 8) for t in range(5000)))),
            *[segment(0xE1, b"Exif\0\0" + bytes(60_000))] * 16,
        ),
        REPORT,
    ),
    "apng-of-no-end": (
        "a.png", lambda: png_with(chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))), None,
    ),
    "endless-wav": ("a.wav", lambda: wav(size=0xFFFFFFFF), None),
    "wav-of-65535-channels": ("a.wav", lambda: wav(channels=65535), None),
    "wav-of-4-gigahertz": ("a.wav", lambda: wav(rate=4_000_000_000), None),
    "film-of-65k": (
        "a.mp4",
        lambda: patched(clip("mp4", "mpeg4"), b"mp4v", 24, b"\xff\xff\xff\xff"),
        None,
    ),
    "film-of-a-year": (
        "a.mp4",
        lambda: patched(clip("mp4", "libx264"), b"mvhd", 16, b"\xbb\xf8\x1e\0"),
        None,
    ),
    "film-of-2-billion-frames": (
        "a.mp4", lambda: patched(clip("mp4", "libx264"), b"stsz", 8, b"\x7f\xff\xff\xff"), None,
    ),
    "film-of-no-end": (
        "a.mp4", lambda: patched(clip("mp4", "libx264"), b"stts", 8, b"\0\xff\xff\xff"), None,
    ),
}  # fmt: skip

SIZES: dict[str, tuple[str, Build, Expected]] = {
    **{
        f"1x1-{form}": (f"a.{form}", lambda form=form: one_pixel(form), REPORT)
        for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF")
    },
    "20k-wide-jpeg": ("a.jpg", lambda: wide("JPEG", 20_000, 40), REPORT),
    "20k-wide-png": ("a.png", lambda: wide("PNG", 20_000, 3), REPORT),
    "20k-wide-1-high": ("a.jpg", lambda: wide("JPEG", 20_000, 1), REPORT),
    "20k-high": ("a.jpg", lambda: wide("JPEG", 9, 20_000), REPORT),
    "4-megapixels": ("a.jpg", lambda: wide("JPEG", 2500, 1600), REPORT),
    "one-frame-film": ("a.mp4", lambda: clip("mp4", "libx264", "", 1), REPORT),
}

METADATA: dict[str, tuple[str, Build, Expected]] = {
    "exif-loop": ("a.jpg", lambda: jpeg_exif(exif((0x010F, 2, 4, 0x41), following=8)), REPORT),
    "exif-in-itself": (
        "a.jpg", lambda: jpeg_exif(exif((0x8769, 4, 1, 8), (0x8825, 4, 1, 8))), REPORT,
    ),
    "exif-thumbnail-nowhere": (
        "a.jpg",
        lambda: jpeg_exif(
            exif((0x112, 3, 1, 1), following=26)
            + exif((0x103, 3, 1, 6), (0x201, 4, 1, 99_999_999), (0x202, 4, 1, 99_999_999))[8:]
        ),
        REPORT,
    ),
    "exif-of-noise": ("a.jpg", lambda: jpeg_exif(noise(3000)), REPORT),
    "exif-empty": ("a.jpg", lambda: jpeg_exif(b""), REPORT),
    "exif-cut": ("a.jpg", lambda: jpeg_exif(exif((0x112, 3, 1, 6))[:15]), REPORT),
    "exif-of-types": (
        "a.jpg",
        lambda: jpeg_exif(exif(*((0x100 + t, t, 0x7FFFFFFF, 0) for t in range(40)))),
        REPORT,
    ),
    "exif-by-zero": (
        "a.jpg",
        lambda: jpeg_exif(exif((0x11A, 5, 1, 30), (0x829A, 5, 1, 30)) + bytes(40)),
        REPORT,
    ),
    "orientation-99": ("a.jpg", lambda: jpeg_exif(exif((0x112, 3, 1, 99))), REPORT),
    "png-exif-of-noise": ("a.png", lambda: png_with(chunk(b"eXIf", noise(500))), REPORT),
    "webp-exif-of-noise": ("a.webp", lambda: still("WEBP", exif=noise(500)), REPORT),
    "iptc-of-noise": (
        "a.jpg",
        lambda: jpeg_with(segment(0xED, b"Photoshop 3.0\08BIM\4\4\0\0\0\0\x13\x88" + noise(5000))),
        REPORT,
    ),
    "iptc-that-lies": (
        "a.jpg",
        lambda: jpeg_with(
            segment(0xED, b"Photoshop 3.0\08BIM\4\4\0\0\xff\xff\xff\xff\x1c\2\x78\xff\xffx")
        ),
        REPORT,
    ),
    "xmp-billion-laughs": ("a.jpg", lambda: xmp(LAUGHS), REPORT),
    "xmp-from-outside": ("a.jpg", lambda: xmp(OUTSIDE), REPORT),
    "xmp-deep": ("a.jpg", lambda: xmp(DEEP), REPORT),
    "xmp-of-noise": ("a.jpg", lambda: xmp(noise(9000)), REPORT),
    "png-xmp-laughs": (
        "a.png",
        lambda: png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + LAUGHS)),
        REPORT,
    ),
    "xmp-extended-that-lies": (
        "a.jpg",
        lambda: jpeg_with(
            segment(
                0xE1,
                b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + b"\xff" * 8 + b"<x/>",
            )
        ),
        REPORT,
    ),
    "comment-of-60-kB": ("a.jpg", lambda: jpeg_with(segment(0xFE, b"\xe9<b>" * 15_000)), REPORT),
    "prompt-of-noise": (
        "a.png",
        lambda: png_with(
            chunk(b"tEXt", b"parameters\0" + noise(3000).replace(b"\0", b"")),
            chunk(b"tEXt", b"prompt\0" + b"[" * 60_000),
            chunk(b"tEXt", b"workflow\0" + b'{"1": {"inputs": {"a": ["1", 0]}}}'),
        ),
        REPORT,
    ),
    "text-without-an-end": ("a.png", lambda: png_with(chunk(b"zTXt", b"x\0\0\x78\x9c\1")), None),
    "profile-of-noise": (
        "a.jpg", lambda: jpeg_with(segment(0xE2, b"ICC_PROFILE\0\1\1" + noise(3000))), REPORT,
    ),
    "profile-in-255-parts": (
        "a.jpg", lambda: jpeg_with(segment(0xE2, b"ICC_PROFILE\0\xff\xff" + noise(99))), REPORT,
    ),
    "png-profile-of-noise": (
        "a.png", lambda: png_with(chunk(b"iCCP", b"a\0\0" + zlib.compress(noise(400)))), REPORT,
    ),
    "credentials-of-noise": (
        "a.jpg",
        lambda: jpeg_with(segment(0xEB, b"JP\0\1\0\0\0\1" + box(b"jumb", noise(900)))),
        REPORT,
    ),
    "credentials-that-lie": (
        "a.jpg",
        lambda: jpeg_with(
            segment(0xEB, b"JP\0\1\0\0\0\1" + box(b"jumb", box(b"jumd", b"c2pa" * 8), 2**32 - 1))
        ),
        REPORT,
    ),
    "png-credentials-of-noise": ("a.png", lambda: png_with(chunk(b"caBX", noise(900))), REPORT),
    "mpo-that-lies": (
        "a.jpg",
        lambda: jpeg_with(
            segment(0xE2, b"MPF\0" + exif((0xB001, 4, 1, 0xFFFFFFF), (0xB002, 7, 16, 26)))
        ),
        REPORT,
    ),
    "jfif-thumbnail-that-lies": (
        "a.jpg",
        lambda: patched(still("JPEG"), b"JFIF", 8, b"\xff\xff"),
        REPORT,
    ),
    "mp4-tag-of-bad-utf8": (
        "a.mp4",
        lambda: clip("mp4", "libx264")
        + box(b"udta", box(b"\xa9nam", struct.pack(">HH", 4, 0) + b"\xff\xfe\xc3\x28")),
        REPORT,
    ),
}  # fmt: skip

CONTAINERS: dict[str, tuple[str, Build, Expected]] = {
    "ftyp-alone": ("a.mp4", lambda: FTYP, Reason.CORRUPT),
    "ftyp-then-noise": ("a.mp4", lambda: FTYP + noise(9000), Reason.CORRUPT),
    "moov-without-tracks": (
        "a.mp4", lambda: FTYP + box(b"moov", box(b"mvhd", bytes(100))), Reason.NO_STREAM,
    ),
    "moov-that-lies": ("a.mp4", lambda: FTYP + box(b"moov", noise(500), 2**32 - 1), None),
    "moov-in-moov": (
        "a.mp4",
        lambda: FTYP + b"".join(struct.pack(">I", 80_000 - 8 * i) + b"moov" for i in range(10_000)),
        None,
    ),
    "moov-of-noise": ("a.mov", lambda: box(b"moov", box(b"trak", noise(3000))), None),
    "film-elsewhere": (
        "a.mov",
        lambda: clip("mov", "mpeg4").replace(b"url \0\0\0\1", b"url \0\0\0\0"),
        None,
    ),
    "ebml-then-noise": ("a.mkv", lambda: b"\x1aE\xdf\xa3" + noise(5000), Reason.CORRUPT),
    "ebml-endless": ("a.webm", lambda: b"\x1aE\xdf\xa3\x01" + b"\xff" * 7 + bytes(999), None),
    "avi-then-noise": ("a.avi", lambda: b"RIFF\x88\x13\0\0AVI " + noise(5000), None),
    "avi-lists": ("a.avi", lambda: b"RIFF\xff\xff\xff\x7fAVI " + b"LIST\4\0\0\0hdrl" * 9000, None),
    "riff-of-nothing": ("a.wav", lambda: b"RIFF\4\0\0\0WAVE", None),
    "wav-of-no-channels": ("a.wav", lambda: wav(channels=0), None),
    "wav-of-no-rate": ("a.wav", lambda: wav(rate=0), None),
    "wav-of-7-bits": ("a.wav", lambda: wav(bits=7), None),
    "flac-then-noise": ("a.flac", lambda: b"fLaC" + noise(5000), None),
    "ogg-then-noise": ("a.ogg", lambda: b"OggS\0\2" + noise(5000), None),
    "id3-then-noise": ("a.mp3", lambda: b"ID3\3\0\0\0\0\x0f\x76" + noise(9000), None),
    "id3-without-end": ("a.mp3", lambda: b"ID3\4\0\x40\x7f\x7f\x7f\x7f" + noise(900), None),
    "mp3-sync-then-noise": ("a.mp3", lambda: b"\xff\xfb\x90\x64" + noise(9000), None),
    "webp-then-noise": (
        "a.webp", lambda: b"RIFF\x88\x13\0\0WEBPVP8 " + noise(5000), Reason.CORRUPT,
    ),
    "heic-then-noise": (
        "a.heic", lambda: box(b"ftyp", b"heic\0\0\0\0mif1heic") + noise(3000), Reason.CORRUPT,
    ),
    "avif-then-noise": (
        "a.avif", lambda: box(b"ftyp", b"avif\0\0\0\0mif1avif") + noise(3000), Reason.CORRUPT,
    ),
    "tiff-then-noise": ("a.tiff", lambda: b"II*\0" + noise(3000), Reason.CORRUPT),
    "bigtiff-then-noise": ("a.tiff", lambda: b"II+\0\x08\0\0\0" + noise(3000), Reason.CORRUPT),
    "gif-then-noise": ("a.gif", lambda: b"GIF89a" + noise(3000), None),
    "bmp-then-noise": ("a.bmp", lambda: b"BM\0\0\0\0\0\0\0\0" + noise(3000), Reason.CORRUPT),
    "png-then-noise-alone": ("a.png", lambda: b"\x89PNG\r\n\x1a\n" + noise(3000), Reason.CORRUPT),
    "jpeg-then-noise": ("a.jpg", lambda: b"\xff\xd8\xff\xe0" + noise(3000), Reason.CORRUPT),
}  # fmt: skip

SOUNDS: dict[str, tuple[str, Build, Expected]] = {
    "wav-of-no-samples": ("a.wav", lambda: sound(humming(0)), None),
    "wav-of-one-sample": ("a.wav", lambda: sound(humming(1)), REPORT),
    "wav-of-two-samples": ("a.wav", lambda: sound(humming(2)), REPORT),
    "wav-of-20-ms": ("a.wav", lambda: sound(humming(320)), REPORT),
    "wav-cut-short": ("a.wav", lambda: sound(humming(64000))[:50_001], REPORT),
    "wav-that-states-4-GB": ("a.wav", lambda: sound(humming(32000), claimed=0xFFFFFFFF), REPORT),
    "wav-that-states-nothing": ("a.wav", lambda: sound(humming(32000), claimed=0), None),
    "wav-of-nan": ("a.wav", lambda: sound(floats(float("nan")), code=3), REPORT),
    "wav-of-infinities": ("a.wav", lambda: sound(floats(float("inf")), code=3), REPORT),
    "wav-of-huge-floats": ("a.wav", lambda: sound(floats(3e38), code=3), REPORT),
    "wav-of-nan-alone": (
        "a.wav", lambda: sound(np.full(48000, np.nan, "<f4"), code=3), REPORT,
    ),
    "wav-of-silence": ("a.wav", lambda: sound(np.zeros(160_000, "<i2")), REPORT),
    "wav-of-one-value": ("a.wav", lambda: sound(np.full(160_000, 3000, "<i2")), REPORT),
    "wav-of-one-click": ("a.wav", lambda: sound(np.eye(1, 320_000, 7, "<i2")[0] * 30000), REPORT),
    "wav-all-clipped": (
        "a.wav", lambda: sound(np.sign(humming(320_000)).astype("<i2") * 32767), REPORT,
    ),
    "wav-of-noise": ("a.wav", lambda: sound(np.frombuffer(noise(640_000), "<i2")), REPORT),
    "wav-of-8-bits": ("a.wav", lambda: sound(humming(160_000, "u1", 90)), REPORT),
    "wav-of-24-bits": (
        "a.wav", lambda: sound(humming(160_000, "<i4", 4e6), code=24), REPORT,
    ),
    "wav-of-96-kHz": ("a.wav", lambda: sound(humming(960_000), 96_000), REPORT),
    "wav-of-odd-rate": ("a.wav", lambda: sound(humming(640_000), 44_101), REPORT),
    "wav-of-1-Hz": ("a.wav", lambda: sound(humming(3000), 1), REPORT),
    "wav-of-32-channels": (
        "a.wav", lambda: sound(humming(32 * 40_000), channels=32), REPORT,
    ),
    "wav-of-8-channels": ("a.wav", lambda: sound(humming(8 * 20_000), channels=8), REPORT),
    "wav-of-opposite-channels": (
        "a.wav",
        lambda: sound(np.stack([humming(80_000), -humming(80_000)], 1), channels=2),
        REPORT,
    ),
    "wav-of-a-repeated-second": ("a.wav", lambda: sound(np.tile(humming(16000), 20)), REPORT),
    "wav-chunks-without-end": (
        "a.wav",
        lambda: sound(humming(32000)) + b"LIST\xff\xff\xff\xffINFO" + b"ISFT\0\0\0\0" * 9000,
        REPORT,
    ),
    "wav-list-that-lies": (
        "a.wav", lambda: sound(humming(32000)) + b"LIST\x14\0\0\0INFOISFT\xff\xff\0\0x", REPORT,
    ),
    "wav-bext-of-noise": (
        "a.wav",
        lambda: sound(humming(32000)) + b"bext" + struct.pack("<I", 700) + noise(700),
        REPORT,
    ),
    "mp3-then-noise": ("a.mp3", lambda: clip("mp3", audio="libmp3lame") + noise(9000), None),
    "mp3-with-noise-inside": (
        "a.mp3",
        lambda: (d := clip("mp3", audio="libmp3lame"))[:3000] + noise(999) + d[3000:],
        None,
    ),
    "mp3-xing-that-lies": (
        "a.mp3",
        lambda: patched(clip("mp3", audio="libmp3lame"), b"Info", 4, b"\xff" * 40),
        None,
    ),
    "ogg-with-noise-inside": (
        "a.ogg", lambda: (d := clip("ogg", audio="libopus"))[:900] + noise(999) + d[900:], None,
    ),
    "flac-with-noise-inside": (
        "a.flac", lambda: (d := clip("flac", audio="flac"))[:9000] + noise(99) + d[9000:], None,
    ),
    "film-with-noisy-sound": (
        "a.mp4", lambda: clip("mp4", "libx264", "aac")[:-9000] + noise(9000), None,
    ),
}  # fmt: skip

CASES = list(truncations()) + [
    (case, *rest)
    for group in (NAMES, BOMBS, SIZES, METADATA, CONTAINERS, SOUNDS)
    for case, rest in group.items()
]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Libraries and weights, so that no file is charged for them."""
    scan(open_bytes(still("JPEG"), "a.jpg"))
    scan(open_bytes(clip("mp4", "libx264", "aac"), "a.mp4"))


@pytest.mark.parametrize(
    ("name", "build", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_bad_file_is_answered(
    name: str, build: Build, expected: Expected, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(build())
    clock = time.perf_counter()
    answer = scan_one(path, None, Settings())
    seconds = time.perf_counter() - clock
    if isinstance(answer, Unread):
        assert isinstance(answer.reason, Reason)
        assert answer.text.strip()
        assert expected is None or answer.reason is expected, answer.text
    else:
        assert isinstance(answer, Report)
        broken = {
            r.analyser.name: r.outcome.text
            for r in answer.results
            if isinstance(r.outcome, Failure)
        }
        assert not broken
        assert expected in (None, REPORT)
    assert seconds < SECONDS


def test_there_are_enough_of_them() -> None:
    assert len(CASES) == len({c[0] for c in CASES}) > 60
