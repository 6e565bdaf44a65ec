"""Where a still keeps what it says of itself: the metadata blocks of JPEG, PNG, WebP and GIF.

Pure functions from bytes to blocks. Every count and size is bounded, because files come from
strangers; nothing here raises on damaged input, it stops and keeps what came before.
"""

import binascii
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MAX_SEGMENTS = 4000  # JPEG segments or PNG chunks looked at
MAX_TEXTS = 256
MAX_TEXT = 2 * 1024**2  # bytes of one text, decompressed
MAX_TEXT_TOTAL = 8 * 1024**2
MAX_XMP = 2 * 1024**2
MAX_PACKETS = 8

_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_JPEG_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_RAW_PROFILE = re.compile(r"Raw profile type (\w+)$")


@dataclass(kw_only=True)
class Blocks:
    """Metadata blocks as they stand in the file, undecoded but for compression."""

    exif: bytes = b""  # from the TIFF header on
    xmp: list[bytes] = field(default_factory=list)
    photoshop: bytes = b""  # image resources, "8BIM..."
    iptc: bytes = b""  # an IIM block that stands outside Photoshop's resources
    texts: list[tuple[str, str]] = field(default_factory=list)  # PNG keyword, text
    comments: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)  # names of uncommon segments or chunks
    notes: list[str] = field(default_factory=list)  # what was damaged or too large


def blocks_of(data: bytes, format_name: str) -> Blocks:
    """Collect the metadata blocks of a file; other formats than the four are scanned for XMP."""
    read: dict[str, Callable[[bytes, Blocks], None]] = {
        "jpeg": _read_jpeg,
        "png": _read_png,
        "webp": _read_webp,
        "gif": _read_gif,
    }
    blocks = Blocks()
    if format_name in read:
        read[format_name](data, blocks)
    if format_name not in ("jpeg", "png", "webp"):
        blocks.xmp += find_packets(data)
    return blocks


def find_packets(data: bytes) -> list[bytes]:
    """XMP packets standing uncompressed anywhere in `data`, at most eight."""
    packets: list[bytes] = []
    at = 0
    while len(packets) < MAX_PACKETS and (start := data.find(b"<x:xmpmeta", at)) >= 0:
        end = data.find(b"</x:xmpmeta>", start, start + MAX_XMP)
        if end < 0:
            at = start + 10
            if data.count(b"<x:xmpmeta", at, at + MAX_XMP) > MAX_PACKETS:
                break  # openings without ends are an attack on our time
            continue
        packets.append(data[start : end + 12])
        at = end + 12
    return packets


def inflate(data: bytes, limit: int = MAX_TEXT) -> bytes | None:
    """Decompress zlib data up to `limit` bytes; None where it is damaged or larger."""
    try:
        unpack = zlib.decompressobj()
        out = unpack.decompress(data, limit + 1)
    except zlib.error:
        return None
    return out if len(out) <= limit else None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, payload) of each segment before the first scan."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        while at + 1 < len(data) and data[at] == 0xFF and data[at + 1] == 0xFF:
            at += 1
        if at + 4 > len(data) or data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker in (0xD9, 0xDA):
            return
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if size < 2:
            return
        yield marker, data[at + 4 : at + 2 + size]
        at += 2 + size


def _read_jpeg(data: bytes, blocks: Blocks) -> None:
    more: dict[bytes, dict[int, bytes]] = {}
    for marker, payload in jpeg_segments(data):
        if marker == 0xE1 and payload.startswith((b"Exif\0\0", b"Exif\0\xff")):
            blocks.exif = blocks.exif or payload[6:]
        elif marker == 0xE1 and payload.startswith(_JPEG_XMP):
            blocks.xmp.append(payload[len(_JPEG_XMP) :])
        elif marker == 0xE1 and payload.startswith(_JPEG_XMP_MORE):
            body = payload[len(_JPEG_XMP_MORE) :]
            more.setdefault(body[:32], {})[int.from_bytes(body[36:40], "big")] = body[40:]
        elif marker == 0xED and payload.startswith(b"Photoshop 3.0\0"):
            blocks.photoshop += payload[14:]
        elif marker == 0xFE and len(blocks.comments) < MAX_TEXTS:
            blocks.comments.append(decode(payload))
        elif marker == 0xEC and payload.startswith(b"Ducky"):
            blocks.marks.append("Ducky")
        elif marker == 0xEB and payload[:2] == b"JP" and "JUMBF" not in blocks.marks:
            blocks.marks.append("JUMBF")
    for parts in list(more.values())[:MAX_PACKETS]:
        joined = b"".join(parts[offset] for offset in sorted(parts))
        if len(joined) <= MAX_XMP:
            blocks.xmp.append(joined)
        else:
            blocks.notes.append("an extended XMP packet is too large to read")


def _read_png(data: bytes, blocks: Blocks) -> None:
    at = 8
    for _ in range(MAX_SEGMENTS):
        size = int.from_bytes(data[at : at + 4], "big")
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if len(name) < 4 or len(body) < size:
            return
        if name == b"eXIf":
            blocks.exif = body
        elif name in (b"tEXt", b"zTXt", b"iTXt"):
            _png_text(name, body, blocks)
        elif name == b"AIGC":  # China's label as a chunk of its own
            blocks.texts.append(("AIGC", decode(body[:MAX_TEXT])))
        elif name == b"caBX":
            blocks.marks.append("JUMBF")
        at += 12 + size
        if name == b"IDAT":  # a picture has thousands: jump over a run of them
            at = _skip_idat(data, at)


def _skip_idat(data: bytes, at: int) -> int:
    while data[at + 4 : at + 8] == b"IDAT":
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return at


def _png_text(name: bytes, body: bytes, blocks: Blocks) -> None:
    keyword, _, rest = body.partition(b"\0")
    if name == b"zTXt":
        text = inflate(rest[1:])
    elif name == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:]
        raw = rest.partition(b"\0")[2].partition(b"\0")[2]  # language, translated keyword
        text = inflate(raw) if packed else raw
    else:
        text = rest
    total = sum(len(kept) for _, kept in blocks.texts)
    if text is None or len(text) > MAX_TEXT or total + len(text) > MAX_TEXT_TOTAL:
        blocks.notes.append("a text chunk is damaged or too large to read")
        return
    key = decode(keyword)[:79]
    if key == "XML:com.adobe.xmp":
        blocks.xmp.append(text)
    elif profile := _RAW_PROFILE.match(key):
        _raw_profile(profile[1].lower(), text, blocks)
    elif len(blocks.texts) < MAX_TEXTS:
        blocks.texts.append((key, decode(text)))


def _raw_profile(kind: str, text: bytes, blocks: Blocks) -> None:
    """ImageMagick's way of keeping EXIF, XMP and IPTC in PNG: hexadecimal under a short header."""
    lines = text.strip().split(b"\n", 2)
    try:
        body = binascii.unhexlify(b"".join(lines[2].split()))
    except (binascii.Error, IndexError):
        return
    if kind in ("exif", "app1") and body.startswith(b"Exif\0\0"):
        blocks.exif = blocks.exif or body[6:]
    elif kind == "app1" and body.startswith(_JPEG_XMP):
        blocks.xmp.append(body[len(_JPEG_XMP) :])
    elif kind == "xmp":
        blocks.xmp.append(body)
    elif kind in ("iptc", "8bim"):
        if body.startswith(b"8BIM"):
            blocks.photoshop += body
        else:
            blocks.iptc += body


def _read_webp(data: bytes, blocks: Blocks) -> None:
    at = 12
    for _ in range(MAX_SEGMENTS):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if len(name) < 4:
            return
        body = data[at + 8 : at + 8 + size] if name in (b"EXIF", b"XMP ") else b""
        if name == b"EXIF":
            blocks.exif = body.removeprefix(b"Exif\0\0")
        elif name == b"XMP ":
            blocks.xmp.append(body)
        elif name == b"C2PA":
            blocks.marks.append("JUMBF")
        at += 8 + size + size % 2


def _read_gif(data: bytes, blocks: Blocks) -> None:
    """Comments alone: extension 0xFE and its sub-blocks."""
    at = 0
    while len(blocks.comments) < MAX_TEXTS and (at := data.find(b"\x21\xfe", at)) >= 0:
        at += 2
        parts: list[bytes] = []
        while at < len(data) and data[at] and len(parts) < 256:
            parts.append(data[at + 1 : at + 1 + data[at]])
            at += 1 + data[at]
        text = b"".join(parts)
        if text and not any(byte < 32 and byte not in b"\t\n\r\0" for byte in text):
            blocks.comments.append(decode(text))  # else two bytes of picture data looked like one


def decode(raw: bytes) -> str:
    """Text of unknown encoding: UTF-8 where it is valid, else Latin-1; without trailing nulls."""
    raw = raw.rstrip(b"\0 ")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
