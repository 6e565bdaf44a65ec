"""Hostile and odd pictures and texts, and files that are not what they are called."""

import struct
import zlib
from collections.abc import Iterator

from hostile_pieces import (
    DEEP,
    LAUGHS,
    OUTSIDE,
    REPORT,
    Build,
    Cases,
    Expected,
    box,
    chunk,
    clip,
    exif,
    gif_frames,
    jpeg_exif,
    jpeg_with,
    many_scans,
    noise,
    one_pixel,
    patched,
    png_header,
    png_with,
    segment,
    still,
    tiff_pages,
    wav,
    webp_canvas,
    wide,
    xmp,
)

from unmask.errors import Reason


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


NAMES: Cases = {
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

BOMBS: Cases = {
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

SIZES: Cases = {
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

METADATA: Cases = {
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
