"""The kind of a file, from its bytes. Names and declared types are not believed."""

from dataclasses import dataclass

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind


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

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
# What people try and unmask does not open: named, so that the error says more than "unknown".
_KNOWN_BUT_CLOSED = {
    b"%PDF": "PDF document",
    b"PK\x03\x04": "ZIP archive (or an office document)",
    b"Rar!": "RAR archive",
    b"7z\xbc\xaf": "7-Zip archive",
    b"\x1f\x8b": "gzip archive",
    b"\x7fELF": "program",
    b"MZ": "program",
    b"%!PS": "PostScript file",
    b"8BPS": "Photoshop document",
}


def sniff(data: bytes) -> Format:
    """Name the format of `data`.

    Raises MediaError: EMPTY for no bytes, UNSUPPORTED for what is neither a known format nor text.
    """
    if not data:
        raise MediaError(Reason.EMPTY, "The file is empty.")
    found = _by_magic(data[:4096])
    if found:
        return found
    for magic, what in _KNOWN_BUT_CLOSED.items():
        if data.startswith(magic):
            raise MediaError(Reason.UNSUPPORTED, f"This is a {what}, which unmask does not open.")
    if _looks_like_text(data[:65536]):
        return TEXT
    raise MediaError(Reason.UNSUPPORTED, "The bytes are of no format that unmask opens.")


def _by_magic(head: bytes) -> Format | None:
    if head[4:8] == b"ftyp":
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
        (b"ID3", MP3),
    ):
        # "BM" begins English words too: a bitmap's second field, reserved, is zero.
        if head.startswith(magic) and (found is not BMP or head[6:10] == b"\0\0\0\0"):
            return found
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


def _iso_media(head: bytes) -> Format:
    """ISO base media files differ by brand: the major one first, then the compatible ones."""
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12]] + [head[i : i + 4] for i in range(16, min(size, len(head), 256), 4)]
    if brands[0] in {b"mif1", b"msf1"} and _AVIF_BRANDS & set(brands):
        return AVIF
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return AVIF
        if brand in _HEIC_BRANDS:
            return HEIC
        if brand == b"qt  ":
            return MOV
        if brand in {b"M4A ", b"M4B "}:
            return M4A
    return MP4


def _looks_like_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\0" in head:
        return False
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return control <= len(head) // 200
