"""Write what a generated file says of itself: an XMP packet, and its place in a file.

ISO 16684-1:2019 (XMP); Adobe, XMP Specification Part 3: Storage in Files (2016); IPTC Photo
Metadata 2025.1. The coded picture or sound is copied byte for byte. A packet that stands there
already is replaced: an encoder copied it from the file that it read, which is another one.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from xml.sax.saxutils import escape

from unmask.errors import SigningError
from unmask.forensics.xmp_chunks import damaged, in_iso_media, in_mp3, in_wav, in_webp

_OPENING = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_CLOSING = b'\n<?xpacket end="r"?>'  # r: nobody should change it in place, as it is signed
_NAMESPACES = {
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
_JPEG_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_JPEG_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_PNG_KEY = "XML:com.adobe.xmp"
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_GIF_XMP = b"\x0bXMP DataXMP"
# Readers that take the packet for sub-blocks land in this slope, wherever they are, and slide out.
_GIF_TRAILER = bytes([1, *range(255, -1, -1), 0])


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a file is to say. Every text must be printable; line ends and tabs are allowed."""

    tool: str  # which program wrote it
    source_type: str  # an address in IPTC's vocabulary `digitalsourcetype`
    description: str = ""  # free text: settings
    system: str = ""  # the AI that made all of it; "" where it changed a part
    system_version: str = ""


def packet_of(statement: Statement) -> bytes:
    """The XMP packet, UTF-8."""
    facts = {
        "xmp:CreatorTool": escape(statement.tool),
        "Iptc4xmpExt:DigitalSourceType": escape(statement.source_type),
        "Iptc4xmpExt:AISystemUsed": escape(statement.system),
        "Iptc4xmpExt:AISystemVersionUsed": escape(statement.system_version),
        "dc:description": _in_any_language(escape(statement.description)),
    }
    spaces = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in _NAMESPACES.items())
    body = "".join(f"\n   <{name}>{text}</{name}>" for name, text in facts.items() if text)
    text = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'  <rdf:Description rdf:about=""{spaces}>{body}\n'
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>"
    )
    return _OPENING + text.encode() + _CLOSING


def _in_any_language(text: str) -> str:
    item = f'<rdf:li xml:lang="x-default">{text}</rdf:li>'
    return f"<rdf:Alt>{item}</rdf:Alt>" if text else ""


def can_carry(format_name: str) -> bool:
    """Whether `embed` knows a place for XMP in this format (png, jpeg, mp4, ...)."""
    return format_name == "png" or format_name in _PLACES


def embed(data: bytes, format_name: str, statement: Statement) -> bytes:
    """The file with the statement in it.

    Raises MediaError for a file that is cut or damaged, SigningError where there is no place.
    """
    packet = packet_of(statement)
    if format_name == "png":
        texts = {"Software": statement.tool, "Description": statement.description}
        return in_png(data, packet, texts)
    if format_name not in _PLACES:
        raise SigningError(f"Files of format {format_name} have no place for XMP here.")
    return _PLACES[format_name](data, packet)


def in_png(data: bytes, packet: bytes, texts: dict[str, str]) -> bytes:
    """With the packet and text chunks behind IHDR (PNG 3, 2025); empty texts are left out."""
    texts = {key: text for key, text in texts.items() if text}
    chunks, rest = _png_chunks(data)
    ours = {key.encode() for key in (*texts, _PNG_KEY)}
    kept = [c for c in chunks if c[4:8] not in _PNG_TEXTS or c[8:].partition(b"\0")[0] not in ours]
    added = [_png_text(_PNG_KEY, packet.decode())]
    added += [_png_text(key, text) for key, text in texts.items()]
    return b"".join([data[:8], kept[0], *added, *kept[1:], rest])


def _png_chunks(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole chunks up to IEND, with sizes and sums, and whatever bytes follow."""
    found: list[bytes] = []
    at, end = 8, 8
    while at + 12 <= len(data) and b"IEND" not in (c[4:8] for c in found[-1:]):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        sound = zlib.crc32(data[at + 4 : end - 4]) == int.from_bytes(data[end - 4 : end], "big")
        if end > len(data) or not sound:
            break
        found.append(data[at:end])
        at = end
    names = [chunk[4:8] for chunk in found]
    if not names or names[0] != b"IHDR" or names[-1] != b"IEND" or b"IDAT" not in names:
        raise damaged("PNG")
    return found, data[at:]


def _png_text(key: str, text: str) -> bytes:
    """tEXt holds Latin-1, which not all readers know: beyond ASCII, and for XMP, it is iTXt."""
    plain = text.isascii() and key != _PNG_KEY
    name, gap = (b"tEXt", b"\0") if plain else (b"iTXt", b"\0\0\0\0\0")
    body = name + key.encode() + gap + text.encode()
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def in_jpeg(data: bytes, packet: bytes) -> bytes:
    """With an APP1 segment behind JFIF's and EXIF's, which readers want first."""
    segments, scan = _jpeg_segments(data)
    if data.rfind(b"\xff\xd9") < scan:  # in coded data 0xFF is never followed by a marker's byte
        raise damaged("JPEG")
    kept = [s for s in segments if s[1] != 0xE1 or not s[4:].startswith((_JPEG_HEAD, _JPEG_MORE))]
    first = len(list(takewhile(_leads, kept)))
    size = len(_JPEG_HEAD) + len(packet) + 2
    if size > 0xFFFF:
        raise SigningError("The statement is too long for a JPEG segment of 65,533 bytes.")
    xmp = b"\xff\xe1" + size.to_bytes(2, "big") + _JPEG_HEAD + packet
    return b"".join([data[:2], *kept[:first], xmp, *kept[first:], data[scan:]])


def _leads(segment: bytes) -> bool:
    return segment[1] == 0xE0 or (segment[1] == 0xE1 and segment[4:].startswith(b"Exif\0"))


def _jpeg_segments(data: bytes) -> tuple[list[bytes], int]:
    """Segments before the first scan, with marker and size, and where that scan starts."""
    found: list[bytes] = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            return found, at
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if end < at + 4:
            break
        found.append(data[at:end])
        at = end
    raise damaged("JPEG")


def in_gif(data: bytes, packet: bytes) -> bytes:
    """With an application extension before the end; extensions came with GIF 89a."""
    start, blocks, end = _gif_blocks(data)
    kept = [block for block in blocks if not block.startswith(b"\x21\xff" + _GIF_XMP)]
    xmp = b"\x21\xff" + _GIF_XMP + packet + _GIF_TRAILER
    return b"".join([b"GIF89a", data[6:start], *kept, xmp, data[end:]])


def _gif_blocks(data: bytes) -> tuple[int, list[bytes], int]:
    """(where blocks start, the blocks, where the trailer stands)."""
    found: list[bytes] = []
    start = at = 13 + _gif_colours(data, 10)
    pictures = 0
    while at < len(data) and data[at] != 0x3B:
        if data[at] == 0x21:
            body = at + 2
        elif data[at] == 0x2C:
            body = at + 11 + _gif_colours(data, at + 9)
            pictures += 1
        else:
            break
        end = _after_sub_blocks(data, body)
        found.append(data[at:end])
        at = end
    if data[at : at + 1] != b"\x3b" or not pictures:
        raise damaged("GIF")
    return start, found, at


def _gif_colours(data: bytes, at: int) -> int:
    """Bytes of the colour table that the flags at `at` announce."""
    flags = int.from_bytes(data[at : at + 1], "big")
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


_PLACES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "jpeg": in_jpeg,
    "gif": in_gif,
    "webp": in_webp,
    "mp4": in_iso_media,
    "mov": in_iso_media,
    "m4a": in_iso_media,
    "wav": in_wav,
    "mp3": in_mp3,
}
