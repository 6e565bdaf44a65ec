"""Places for an XMP packet in files of chunks, boxes and frames: WebP, WAV, MP4 and kin, MP3.

Adobe, XMP Specification Part 3: Storage in Files (2016). Nothing that is coded changes.
"""

from unmask.errors import MediaError, Reason

_ISO_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_HAS_ALPHA, _HAS_XMP = 0x10, 0x04  # of WebP's VP8X
_PRIVATE = b"XMP\0"  # the owner that ID3's PRIV frame names

Chunk = tuple[bytes, bytes]  # four characters, body


def damaged(what: str) -> MediaError:
    """The error for a file that its own sizes and ends do not fit."""
    return MediaError(Reason.CORRUPT, f"The {what} file is cut or damaged, and was not marked.")


def in_webp(data: bytes, packet: bytes) -> bytes:
    """With a chunk at the end, after the simple form became the extended one (RFC 9649)."""
    chunks = [c for c in _riff_chunks(data, "WebP") if c[0] != b"XMP "]
    if not chunks:
        raise damaged("WebP")
    if chunks[0][0] != b"VP8X":
        chunks.insert(0, (b"VP8X", _extended(*chunks[0])))
    name, body = chunks[0]
    flagged = bytes([body[0] | _HAS_XMP]) + body[1:]
    return _riff(b"WEBP", [(name, flagged), *chunks[1:], (b"XMP ", packet)])


def _extended(name: bytes, body: bytes) -> bytes:
    """The header that a simple lossy (VP8) or lossless (VP8L) picture lacks."""
    flags = 0
    if name == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        width, height = (int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8))
    elif name == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        flags = _HAS_ALPHA * (bits >> 28 & 1)
    else:
        raise damaged("WebP")
    sides = (side.to_bytes(3, "little") for side in (max(width, 1) - 1, max(height, 1) - 1))
    return bytes([flags, 0, 0, 0]) + b"".join(sides)


def in_wav(data: bytes, packet: bytes) -> bytes:
    """With a chunk `_PMX` at the end."""
    chunks = [c for c in _riff_chunks(data, "WAV") if c[0] != b"_PMX"]
    if not {b"fmt ", b"data"} <= {name for name, _ in chunks}:
        raise damaged("WAV")
    return _riff(b"WAVE", [*chunks, (b"_PMX", packet)])


def _riff_chunks(data: bytes, what: str) -> list[Chunk]:
    """The chunks of a RIFF file that ends where it says; the last pad byte is often missing."""
    found: list[Chunk] = []
    at, end = 12, 8 + int.from_bytes(data[4:8], "little")
    while at + 8 <= min(end, len(data)):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    if not end <= len(data) <= end + 1 or not end <= at <= end + 1:
        raise damaged(what)
    return found


def _riff(form: bytes, chunks: list[Chunk]) -> bytes:
    body = form + b"".join(
        name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)
        for name, content in chunks
    )
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def in_iso_media(data: bytes, packet: bytes) -> bytes:
    """With a `uuid` box at the end, where it moves nothing that the index points at.

    Only `mfra` stays last: players look for its size in a fragmented file's last four bytes.
    """
    boxes = _iso_boxes(data)
    names = [data[start + 4 : start + 8] for start, _ in boxes]
    if b"moov" not in names:
        raise damaged("MP4 or QuickTime")
    out = bytearray(data)
    for (start, end), name in zip(boxes, names, strict=True):
        if name == b"uuid" and data[start + 8 : start + 24] == _ISO_XMP:  # blanked, not cut out
            out[start + 4 : end] = b"free" + bytes(end - start - 8)
    last = boxes[-1][0]
    if data[last : last + 4] == bytes(4):  # "up to the end of the file", which is no longer so
        out[last : last + 4] = _number(len(data) - last)
    at = last if names[-1] == b"mfra" else len(data)
    out[at:at] = _number(len(packet) + 24) + b"uuid" + _ISO_XMP + packet
    return bytes(out)


def _number(size: int) -> bytes:
    if size >= 2**32:
        raise MediaError(Reason.TOO_LARGE, "The file's last box is of 4 GiB or more.")
    return size.to_bytes(4, "big")


def _iso_boxes(data: bytes) -> list[tuple[int, int]]:
    """(start, end) of the outermost boxes, which must fill the file."""
    found: list[tuple[int, int]] = []
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        size = size or len(data) - at
        if size < 8:
            break
        found.append((at, at + size))
        at += size
    if at != len(data):
        raise damaged("MP4 or QuickTime")
    return found


def in_mp3(data: bytes, packet: bytes) -> bytes:
    """With a private frame in the ID3v2 tag (id3.org, 1999 and 2000), made where there is none.

    Raises MediaError also for tags of rare forms: unsynchronised, extended, of version 2.2.
    """
    major, frames, sound = 4, [], data
    if data.startswith(b"ID3"):
        end = 10 + _syncsafe(data[6:10])
        if end >= len(data):
            raise damaged("MP3")
        major = data[3]
        if major not in (3, 4) or data[5]:
            raise MediaError(Reason.UNSUPPORTED, "The MP3 file's ID3 tag is of a rare form.")
        frames, sound = _id3_frames(data[10:end], major), data[end:]
    kept = [f for f in frames if not (f.startswith(b"PRIV") and f[10:].startswith(_PRIVATE))]
    content = _PRIVATE + packet
    size = _to_syncsafe(len(content)) if major == 4 else _number(len(content))
    tag = b"".join([*kept, b"PRIV", size, b"\0\0", content])
    return b"ID3" + bytes([major, 0, 0]) + _to_syncsafe(len(tag)) + tag + sound


def _id3_frames(tag: bytes, major: int) -> list[bytes]:
    """Whole frames, without the padding behind them."""
    found: list[bytes] = []
    at = 0
    while at + 10 <= len(tag) and tag[at]:
        raw = tag[at + 4 : at + 8]
        end = at + 10 + (_syncsafe(raw) if major == 4 else int.from_bytes(raw, "big"))
        if end > len(tag):
            raise damaged("MP3")
        found.append(tag[at:end])
        at = end
    return found


def _syncsafe(raw: bytes) -> int:
    """A number of seven bits a byte, so that no tag looks like the start of a frame of sound."""
    return sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(raw))


def _to_syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
