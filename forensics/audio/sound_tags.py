"""What the headers of sound files say of their encoder: LAME's tag, WAV chunks, Ogg's vendor.

By the formats' specifications: ISO/IEC 11172-3, the Xing/LAME info tag (revision 1), ID3v2.4, EBU
Tech 3285 (Broadcast Wave), RFC 3533 (Ogg), RFC 9639 (FLAC). Damaged headers give fewer facts.
"""

import re
import struct
from collections.abc import Iterator
from typing import Any

from unmask.forensics.carriers import decode

_MOST = 200  # chunks, pages or entries read of one file
_HEAD = 65536  # bytes at the start in which tags are looked for
_RATES = (44100, 48000, 32000)
_V1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_V2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_METHODS = {1: "constant", 2: "average", 3: "variable", 4: "variable", 5: "variable",
            8: "constant, two passes", 9: "average, two passes"}  # fmt: skip
_INFO = {
    "ISFT": "software", "IENG": "engineer", "ICRD": "created", "ICMT": "comment",
    "IART": "artist", "INAM": "title", "ICOP": "copyright", "ITCH": "technician",
}  # fmt: skip


def sound_facts(data: bytes, form: str) -> dict[str, Any]:
    """What the headers of a file of format `form` (mp3, wav, ogg, flac) say; {} for others."""
    readers = {"mp3": mp3_facts, "wav": wav_facts, "ogg": ogg_facts, "flac": flac_facts}
    return readers[form](data) if form in readers else {}


def makers_said(facts: dict[str, Any]) -> list[str]:
    """The texts among the facts that may name the program or device that wrote the file."""
    info, bext = facts.get("info") or {}, facts.get("broadcast") or {}
    said = [facts.get("encoder"), facts.get("vendor"), info.get("software"),
            bext.get("originator"), bext.get("coding_history")]  # fmt: skip
    return [text for text in said if text]


# --- MP3 ---------------------------------------------------------------------------------------


def mp3_start(data: bytes) -> int:
    """Where the first frame begins: behind any ID3v2 tags and padding; -1 where there is none."""
    at = 0
    while data[at : at + 3] == b"ID3" and at + 10 <= len(data):
        size = sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(data[at + 6 : at + 10]))
        at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
    found = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xfb]").search(data, at, at + _HEAD)
    return found.start() if found else -1


def mp3_facts(data: bytes) -> dict[str, Any]:
    """The first frame's header and the encoder's own tag in it."""
    at = mp3_start(data)
    if at < 0 or at + 4 > len(data):
        return {}
    head = data[at : at + 4]
    first = head[1] >> 3 & 1  # MPEG-1, else 2 or 2.5
    rate = head[2] >> 2 & 3
    facts: dict[str, Any] = {
        "mpeg": "1" if first else ("2" if head[1] >> 4 & 1 else "2.5"),
        "first_frame_kbps": (_V1 if first else _V2)[head[2] >> 4],
        "joint_stereo": head[3] >> 6 == 1,
        "id3_bytes": at,
        "id3_at_end": data[-128:-125] == b"TAG",
    }
    if rate < 3:
        halved = 0 if first else (1 if head[1] >> 4 & 1 else 2)
        facts["sample_rate"] = _RATES[rate] >> halved
    tag = _info_tag(data, at)
    return facts | (tag or {"info_tag": "none"})


def _info_tag(data: bytes, at: int) -> dict[str, Any] | None:
    """Xing's or LAME's tag of the frame at `at`."""
    frame = data[at : at + 400]
    place = next((p for m in (b"Xing", b"Info") if (p := frame.find(m, 4, 60)) >= 0), -1)
    if place < 0 or place + 8 > len(frame):
        return None
    tag: dict[str, Any] = {"info_tag": decode(frame[place : place + 4])}
    flags = int.from_bytes(frame[place + 4 : place + 8], "big")
    lame = place + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1)
    lame += 4 * (flags >> 3 & 1)
    name = frame[lame : lame + 9]
    if len(frame) < lame + 24 or not name[:4].isalnum():
        return tag
    packed = int.from_bytes(frame[lame + 21 : lame + 24], "big")
    return tag | {
        "encoder": decode(name).strip(),
        "bit_rate_method": _METHODS.get(frame[lame + 9] & 15, "unknown"),
        "low_pass_hz": frame[lame + 10] * 100 or None,
        "encoder_delay": packed >> 12,
        "padding": packed & 0xFFF,
    }


def mp3_delay(data: bytes) -> int | None:
    """Samples that the encoder put before the sound, as its tag says; None without a tag.

    FFmpeg leaves them out, with those of the decoder, where the tag is by LAME or by itself, and
    nothing otherwise.
    """
    facts = mp3_facts(data)
    delay = facts.get("encoder_delay")
    known = str(facts.get("encoder", "")).startswith(("LAME", "Lavf", "Lavc"))
    return delay if known and isinstance(delay, int) else None


# --- WAV ---------------------------------------------------------------------------------------


def chunks(data: bytes, start: int = 12, end: int | None = None) -> Iterator[tuple[str, int, int]]:
    """(name, offset of the body, stated size) of RIFF chunks from `start` on."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(_MOST):
        if start + 8 > end:
            return
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        yield decode(data[start : start + 4]), start + 8, size
        start += 8 + size + size % 2


def wav_facts(data: bytes) -> dict[str, Any]:
    """Order and sizes of chunks, INFO entries, the Broadcast Wave chunk, and sizes that lie."""
    found = list(chunks(data))
    stated = int.from_bytes(data[4:8], "little")
    facts: dict[str, Any] = {
        "chunks": [[name, size] for name, _, size in found[:40]],
        "stated_bytes": stated + 8,
        "bytes": len(data),
        "overruns": any(body + size > len(data) for _, body, size in found),
        "behind_the_end": max(0, len(data) - (stated + 8 + stated % 2)),
        "info": {},
    }
    for name, body, size in found:
        if name == "LIST" and data[body : body + 4] == b"INFO":
            for key, at, length in chunks(data, body + 4, body + size):
                text = decode(data[at : at + min(length, 400)]).strip()
                facts["info"].setdefault(_INFO.get(key, key), text)
        elif name == "bext" and size >= 602:
            facts["broadcast"] = _bext(data[body : body + min(size, 4096)])
        elif name == "iXML":
            facts["ixml"] = decode(data[body : body + min(size, 1500)]).strip()
        elif name == "fmt " and body + 16 <= len(data):
            code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", data[body : body + 16])
            facts["format"] = {"code": code, "channels": channels, "rate": rate, "bits": bits}
    return facts


def _bext(body: bytes) -> dict[str, str]:
    return {
        "description": decode(body[:256]).strip(),
        "originator": decode(body[256:288]).strip(),
        "reference": decode(body[288:320]).strip(),
        "created": f"{decode(body[320:330])} {decode(body[330:338])}".strip(),
        "coding_history": decode(body[602:]).strip(),
    }


# --- Ogg and FLAC ------------------------------------------------------------------------------


def _comments(body: bytes) -> dict[str, Any]:
    """A Vorbis comment block: the vendor and the entries, lower-case."""
    length = int.from_bytes(body[:4], "little")
    facts: dict[str, Any] = {"vendor": decode(body[4 : 4 + min(length, 300)]).strip()}
    at, entries = 4 + length, {}
    count = int.from_bytes(body[at : at + 4], "little")
    at += 4
    for _ in range(min(count, _MOST)):
        size = int.from_bytes(body[at : at + 4], "little")
        if not size or at + 4 >= len(body):
            break
        key, _, text = decode(body[at + 4 : at + 4 + min(size, 2000)]).partition("=")
        entries[key.lower()[:60]] = text[:400]
        at += 4 + size
    return facts | {"comments": entries}


def ogg_facts(data: bytes) -> dict[str, Any]:
    """Codec, vendor and comments of an Ogg file's first stream."""
    head = data[:_HEAD]
    for mark, codec in ((b"\x03vorbis", "vorbis"), (b"OpusTags", "opus")):
        at = head.find(mark)
        if at >= 0:
            return {"codec": codec} | _comments(head[at + len(mark) :])
    return {}


def flac_facts(data: bytes) -> dict[str, Any]:
    """Vendor, comments, bits, and whether the encoder left a checksum of the sound."""
    at = data.find(b"fLaC", 0, _HEAD) + 4
    facts: dict[str, Any] = {}
    for _ in range(_MOST if at >= 4 else 0):
        head = data[at : at + 4]
        if len(head) < 4:
            break
        kind, size = head[0] & 0x7F, int.from_bytes(head[1:], "big")
        body = data[at + 4 : at + 4 + size]
        if kind == 0 and len(body) >= 34:
            facts["bits"] = (int.from_bytes(body[12:14], "big") >> 4 & 31) + 1
            facts["checksum"] = any(body[18:34])
        elif kind == 4:
            facts |= _comments(body[:_HEAD])
        at += 4 + size
        if head[0] & 0x80:
            break
    return facts
