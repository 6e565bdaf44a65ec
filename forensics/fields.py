"""What a file says of itself, as plain (group, name, value) fields: EXIF, XMP, IPTC, PNG, tags.

Read by the formats' specifications: EXIF 3.0 (CIPA DC-008), XMP (ISO 16684-1), IPTC-IIM 4.2,
Adobe's Photoshop image resources. Values are text, capped; damaged blocks give fewer fields.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from unmask.errors import MediaError
from unmask.evidence import Kind
from unmask.forensics.carriers import Blocks, blocks_of, decode
from unmask.forensics.xmp import xmp_leaves
from unmask.media import Media

MAX_VALUE = 1024**2  # characters of one value
MAX_FIELDS = 3000

_IIM = {
    5: "ObjectName", 15: "Category", 25: "Keywords", 40: "SpecialInstructions",
    55: "DateCreated", 60: "TimeCreated", 62: "DigitalCreationDate", 63: "DigitalCreationTime",
    65: "OriginatingProgram", 70: "ProgramVersion", 80: "Byline", 85: "BylineTitle", 90: "City",
    95: "ProvinceState", 101: "Country", 103: "OriginalTransmissionReference", 105: "Headline",
    110: "Credit", 115: "Source", 116: "CopyrightNotice", 120: "Caption", 122: "CaptionWriter",
}  # fmt: skip
_XP_TAGS = {0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F}
_NOT_SHOWN = {0x927C, 0x02BC, 0x8773, 0x83BB, 0x8649, 0x935C, 0xEA1C, 0x0201}  # blobs, read apart


@dataclass(frozen=True)
class Field:
    """One statement in a file."""

    group: str  # EXIF, GPS, XMP, IPTC, Photoshop, PNG text, comment, container
    name: str
    value: str


def read_fields(media: Media) -> tuple[Field, ...]:
    """Every statement of a still, clip or recording, in file order, at most 3000."""
    fields: list[Field] = []
    if media.kind is not Kind.IMAGE:
        fields += container_fields(media.container)
    blocks = blocks_of(media.data, media.format.name)
    exif = _exif_of(media, blocks)
    if exif is not None:
        fields += exif_fields(exif)
    iptc = blocks.iptc + b"".join(b for i, b in resources(blocks.photoshop) if i == 1028)
    fields += iptc_fields(iptc)
    fields += photoshop_fields(blocks.photoshop)
    for packet in blocks.xmp:
        fields += [Field("XMP", name, value) for name, value in xmp_leaves(packet)]
    fields += [Field("PNG text", key, text) for key, text in blocks.texts]
    fields += [Field("comment", "Comment", text) for text in blocks.comments if text.strip()]
    fields += [Field("segment", mark, "present") for mark in dict.fromkeys(blocks.marks)]
    fields += [Field("note", "damage", note) for note in dict.fromkeys(blocks.notes)]
    return tuple(Field(f.group, f.name[:200], f.value[:MAX_VALUE]) for f in fields[:MAX_FIELDS])


def value_of(fields: tuple[Field, ...], group: str, *names: str) -> str:
    """The first value of the first name found in `group`, or ""."""
    for name in names:
        for field in fields:
            if field.group == group and field.name == name and field.value.strip():
                return field.value.strip()
    return ""


def _exif_of(media: Media, blocks: Blocks) -> Image.Exif | None:
    if blocks.exif:
        return parse_exif(blocks.exif)
    if media.format.name not in ("tiff", "heic", "avif"):
        return None
    try:
        with media.pillow() as image:
            exif = image.getexif()
            packet = image.info.get("xmp")
            if isinstance(packet, bytes) and not blocks.xmp:
                blocks.xmp.append(packet[: 2 * MAX_VALUE])
            if media.format.name == "tiff":
                blocks.photoshop = blocks.photoshop or _bytes_of(exif.get(0x8649))
                blocks.iptc = blocks.iptc or _bytes_of(exif.get(0x83BB))
            return exif
    except MediaError:
        return None


def _bytes_of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def parse_exif(block: bytes) -> Image.Exif | None:
    """An EXIF block from its TIFF header on; None where it is damaged."""
    exif = Image.Exif()
    try:
        exif.load(b"Exif\0\0" + block)
    except Exception:  # Pillow raises whatever the damage leads to: struct, key, value, syntax
        return None
    return exif


def exif_fields(exif: Image.Exif) -> Iterator[Field]:
    """Fields of the main, EXIF and GPS directories."""
    for group, names, offset in (
        ("EXIF", ExifTags.TAGS, None),
        ("EXIF", ExifTags.TAGS, 0x8769),
        ("GPS", ExifTags.GPSTAGS, 0x8825),
    ):
        try:
            entries = dict(exif.items() if offset is None else exif.get_ifd(offset).items())
        except Exception:  # as in parse_exif
            continue
        for tag, value in entries.items():
            if tag == 0x927C and value:
                yield Field(group, "MakerNote", _maker_note(value))
            elif tag not in _NOT_SHOWN and tag not in (0x8769, 0x8825, 0xA005):
                name = names.get(tag, f"0x{tag:04X}")
                yield Field(group, name, _exif_text(tag, value))


def _maker_note(value: Any) -> str:
    """Its text where it is one (Fooocus writes its scheme there), else its size."""
    raw = value if isinstance(value, bytes) else str(value).encode()
    return decode(raw) if len(raw) < 64 and raw.isascii() else f"{len(raw)} bytes"


def _exif_text(tag: int, value: Any) -> str:
    if tag == 0x9286 and isinstance(value, bytes):
        return _user_comment(value)
    if tag in _XP_TAGS and isinstance(value, bytes | tuple):
        return bytes(value).decode("utf-16-le", "replace").rstrip("\0")
    if isinstance(value, bytes):
        printable = decode(value)
        return printable if printable.isprintable() else f"{len(value)} bytes"
    if isinstance(value, str):  # Pillow reads Latin-1; most writers mean UTF-8
        try:
            return value.encode("latin-1").decode("utf-8").strip("\0 ")
        except UnicodeError:
            return value.strip("\0 ")
    if isinstance(value, tuple):
        return " ".join(str(v) for v in value[:32])
    return str(value)


def _user_comment(raw: bytes) -> str:
    code, body = raw[:8], raw[8:]
    if code == b"UNICODE\0":
        # The standard leaves the byte order open: text is mostly Latin, whose high byte is zero.
        little = body[1:200:2].count(0) > body[0:200:2].count(0)
        return body.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\ufeff\0 ")
    if code in (b"ASCII\0\0\0", b"\0" * 8, b"UTF-8\0\0\0"):
        return decode(body)
    if code.startswith(b"JIS"):
        return body.decode("iso2022_jp", "replace").strip("\0 ")
    return decode(raw)


def resources(block: bytes) -> list[tuple[int, bytes]]:
    """(id, body) of Photoshop's image resources."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while block[at : at + 4] == b"8BIM" and len(found) < 512:
        name = block[at + 6] + 1 if at + 6 < len(block) else 1
        start = at + 6 + name + name % 2
        size = int.from_bytes(block[start : start + 4], "big")
        body = block[start + 4 : start + 4 + size]
        found.append((int.from_bytes(block[at + 4 : at + 6], "big"), body))
        at = start + 4 + size + size % 2
    return found


def photoshop_fields(block: bytes) -> Iterator[Field]:
    """Which program wrote the resources, where resource 1057 says so."""
    for number, body in resources(block):
        if number == 1057 and len(body) > 9:
            length = min(int.from_bytes(body[5:9], "big"), 200)
            writer = body[9 : 9 + 2 * length].decode("utf-16-be", "replace").strip("\0")
            yield Field("Photoshop", "Writer", writer)
        elif number == 1041 and body:
            yield Field("Photoshop", "Watermark", "present" if body[0] else "absent")


def iptc_fields(block: bytes) -> Iterator[Field]:
    """Application record (2) of an IIM block."""
    at, count = 0, 0
    while at + 5 <= len(block) and block[at] == 0x1C and count < 1000:
        record, dataset = block[at + 1], block[at + 2]
        size = int.from_bytes(block[at + 3 : at + 5], "big")
        if size & 0x8000:  # extended sizes are for raster data, which has no place here
            return
        if record == 2 and dataset in _IIM:
            yield Field("IPTC", _IIM[dataset], decode(block[at + 5 : at + 5 + size]))
        at += 5 + size
        count += 1


def container_fields(container: dict[str, Any]) -> Iterator[Field]:
    """Tags of a clip or recording, of the container first, then of its streams."""
    for key, value in (container.get("tags") or {}).items():
        yield Field("container", str(key), _as_text(value))
    for number, stream in enumerate(container.get("streams") or []):
        for key, value in (stream.get("tags") or {}).items():
            yield Field("container", f"stream {number}/{key}", _as_text(value))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
