"""The kind of a file, from its bytes. Names and declared types are not believed.

An HTML page is opened for the text that it shows. An SVG drawing holds neither prose nor pixels,
and is refused by name.
"""

import re
from dataclasses import dataclass

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.media.text import looks_like_text


@dataclass(frozen=True)
class Format:
    """A file format: a short name, its kind, its media type and PyAV's demuxer for it."""

    name: str
    kind: Kind
    mime: str
    demuxer: str = ""


JPEG = Format("jpeg", Kind.IMAGE, "image/jpeg")
PNG = Format("png", Kind.IMAGE, "image/png")
WEBP = Format("webp", Kind.IMAGE, "image/webp")
GIF = Format("gif", Kind.IMAGE, "image/gif")
TIFF = Format("tiff", Kind.IMAGE, "image/tiff")
BMP = Format("bmp", Kind.IMAGE, "image/bmp")
HEIC = Format("heic", Kind.IMAGE, "image/heic")
AVIF = Format("avif", Kind.IMAGE, "image/avif")
MP4 = Format("mp4", Kind.VIDEO, "video/mp4", "mov")
MOV = Format("mov", Kind.VIDEO, "video/quicktime", "mov")
WEBM = Format("webm", Kind.VIDEO, "video/webm", "matroska")
MKV = Format("mkv", Kind.VIDEO, "video/x-matroska", "matroska")
AVI = Format("avi", Kind.VIDEO, "video/x-msvideo", "avi")
M4A = Format("m4a", Kind.AUDIO, "audio/mp4", "mov")
WAV = Format("wav", Kind.AUDIO, "audio/wav", "wav")
MP3 = Format("mp3", Kind.AUDIO, "audio/mpeg", "mp3")
FLAC = Format("flac", Kind.AUDIO, "audio/flac", "flac")
OGG = Format("ogg", Kind.AUDIO, "audio/ogg", "ogg")
TEXT = Format("text", Kind.TEXT, "text/plain")
PDF = Format("pdf", Kind.TEXT, "application/pdf")
DOCX = Format(
    "docx",
    Kind.TEXT,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)
HTML = Format("html", Kind.TEXT, "text/html")

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
# What people try and unmask does not open: named, so that the error says more than "unknown".
_KNOWN_BUT_CLOSED = (
    (b"PK\x03\x04", "ZIP archive (or an office document other than Word's)"),
    (b"PK\x05\x06", "ZIP archive without files"),
    (b"Rar!", "RAR archive"),
    (b"7z\xbc\xaf", "7-Zip archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ", "xz archive"),
    (b"\x28\xb5\x2f\xfd", "Zstandard archive"),
    (b"\xd0\xcf\x11\xe0", "document of an old office program"),
    (b"{\\rtf", "RTF document"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"%!PS", "PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "PostScript file"),
    (b"8BPS", "Photoshop document"),
    (b"\xff\x0a", "JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "JPEG 2000 picture"),
    (b"\0\0\1\0", "Windows icon"),
    (b"gimp xcf", "GIMP document"),
    (b"FUJIFILMCCD-RAW", "camera's raw file"),
    (b"IIRO", "camera's raw file"),
    (b"IIU\0", "camera's raw file"),
    (b"FLV\x01", "Flash video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media file"),
    (b"\0\0\1\xba", "MPEG programme stream"),
    (b"FORM", "AIFF or IFF file"),
    (b"#!AMR", "AMR recording"),
    (b"MThd", "MIDI file"),
    (b"SQLite format 3", "database"),
)
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_SVG = re.compile(rb"<(!doctype\s+svg|(\w+:)?svg)\b", re.IGNORECASE)
_BEFORE_MARKUP = re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*", re.DOTALL)


def sniff(data: bytes) -> Format:
    """Name the format of `data`.

    Raises MediaError: EMPTY for no bytes, UNSUPPORTED for what is neither a known format nor text.
    """
    if not data:
        raise MediaError(Reason.EMPTY, "The file is empty.")
    found = _by_magic(data[:4096]) or _document(data)
    if found:
        return found
    what = _closed(data[:4096])
    if what:
        raise MediaError(Reason.UNSUPPORTED, f"This is a file that unmask does not open: {what}.")
    if looks_like_text(data[:65536]):
        return TEXT
    raise MediaError(Reason.UNSUPPORTED, "The bytes are of no format that unmask opens.")


def _by_magic(head: bytes) -> Format | None:
    if head[4:8] == b"ftyp" and head[8:12] not in (b"jxl ", b"jp2 ", b"jpx ", b"crx "):
        return _iso_media(head)
    if head[:4] == b"RIFF":
        return {b"WEBP": WEBP, b"AVI ": AVI, b"WAVE": WAV}.get(head[8:12])
    for magic, found in (
        (b"\xff\xd8\xff", JPEG),
        (b"\x89PNG\r\n\x1a\n", PNG),
        (b"GIF87a", GIF),
        (b"GIF89a", GIF),
        (b"II*\0", TIFF),
        (b"MM\0*", TIFF),
        (b"II+\0", TIFF),
        (b"MM\0+", TIFF),
        (b"BM", BMP),
        (b"fLaC", FLAC),
        (b"OggS", OGG),
    ):
        # "BM" begins English words too: a bitmap's second field, reserved, is zero.
        if head.startswith(magic) and (found is not BMP or head[6:10] == b"\0\0\0\0"):
            return found
    if head.startswith(b"ID3") and len(head) > 10:
        return _tagged_sound(head)
    if head[:4] == b"\x1aE\xdf\xa3":
        return WEBM if b"webm" in head[:64] else MKV
    if head[4:8] in {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}:
        return MOV  # QuickTime before 2001 had no ftyp
    # An MPEG audio frame: eleven sync bits, layer III, and no reserved bit rate or sample rate.
    if (
        len(head) > 3
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[2] >> 4 not in (0, 15)
        and head[2] >> 2 & 3 != 3
    ):
        return MP3
    return None


def _document(data: bytes) -> Format | None:
    """A document that text is taken out of. A ZIP archive names what it holds at its end."""
    if data.startswith(b"%PDF-"):
        return PDF
    if data.startswith(b"PK\x03\x04") and b"word/document.xml" in data[-(2**17) :]:
        return DOCX
    before = _BEFORE_MARKUP.match(data[:4096])
    return HTML if _HTML.match(data[:4096], before.end() if before else 0) else None


def _tagged_sound(head: bytes) -> Format:
    """What follows an ID3 tag: MP3 for the most part, but players put it before FLAC as well."""
    size = sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(head[6:10]))
    return FLAC if head[10 + size : 14 + size] == b"fLaC" else MP3


def _iso_media(head: bytes) -> Format:
    """ISO base media files differ by brand: the major one decides, then the first known one."""
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12]] + [head[i : i + 4] for i in range(16, min(size, len(head), 256), 4)]
    if brands[0] == b"qt  ":
        return MOV
    if brands[0] in {b"M4A ", b"M4B "}:
        return M4A
    if brands[0] in {b"mif1", b"msf1"} and _AVIF_BRANDS & set(brands):
        return AVIF
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return AVIF
        if brand in _HEIC_BRANDS:
            return HEIC
    return MP4


def _closed(head: bytes) -> str:
    """What a file is that unmask knows and does not open, or ""."""
    for magic, what in _KNOWN_BUT_CLOSED:
        if head.startswith(magic):
            return what
    if head[4:8] == b"ftyp":
        return "camera's raw file" if head[8:12] == b"crx " else "JPEG XL or JPEG 2000 picture"
    if len(head) > 188 and head[0] == head[188] == 0x47 and b"\0" in head:
        return "MPEG transport stream"
    before = _BEFORE_MARKUP.match(head)
    start = before.end() if before else 0
    return "SVG drawing, which holds no pixels" if _SVG.match(head, start) else ""
