"""The tree of boxes of MP4, MOV and M4A files (ISO/IEC 14496-12, QuickTime), read with bounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MAX_DEPTH = 8
MAX_BOXES = 2000
_PARENTS = {
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf", b"mvex", b"moof",
    b"traf", b"ilst", b"meta",
}  # fmt: skip
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Box:
    """One box; `start` and `end` bound its body."""

    path: str  # moov/trak/mdia/hdlr
    start: int
    end: int
    depth: int

    @property
    def name(self) -> str:
        """Its own four characters."""
        return self.path.rpartition("/")[2]


def read_boxes(data: bytes) -> list[Box]:
    """Boxes in file order, at most 2000 and eight deep; stops where a size makes no sense."""
    found: list[Box] = []
    _walk(data, 0, len(data), "", 0, found)
    return found


def _walk(data: bytes, at: int, end: int, path: str, depth: int, found: list[Box]) -> None:
    while at + 8 <= end and len(found) < MAX_BOXES:
        size, kind, header = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < header or not _plausible(kind):
            return
        stop = min(at + size, end)
        name = kind.decode("latin-1").replace("/", "_")
        box = Box(f"{path}/{name}" if path else name, at + header, stop, depth)
        found.append(box)
        if kind in _PARENTS and depth < MAX_DEPTH:
            _walk(data, box.start + _skipped(data, kind, box), stop, box.path, depth + 1, found)
        at += size


def _plausible(kind: bytes) -> bool:
    return all(32 <= byte < 127 or byte == 0xA9 for byte in kind)


def _skipped(data: bytes, kind: bytes, box: Box) -> int:
    """`meta` has a version field in MP4 and none in QuickTime."""
    if kind == b"meta" and data[box.start + 4 : box.start + 8] != b"hdlr":
        return 4
    return 0


def brands(data: bytes, boxes: list[Box]) -> list[str]:
    """Major brand, then the compatible ones."""
    for box in boxes:
        if box.name == "ftyp":
            body = data[box.start : min(box.end, box.start + 400)]
            parts = [body[:4]] + [body[i : i + 4] for i in range(8, len(body) - 3, 4)]
            return [p.decode("latin-1").strip() for p in parts]
    return []


def handlers(data: bytes, boxes: list[Box]) -> list[str]:
    """Names that the writing program gave its tracks ("VideoHandler", "Core Media Video" ...)."""
    found = []
    for box in boxes:
        if box.path.endswith("mdia/hdlr"):
            raw = data[box.start + 24 : min(box.end, box.start + 224)].rstrip(b"\0")
            if raw and raw[0] == len(raw) - 1:  # QuickTime counts its string, MP4 ends it
                raw = raw[1:]
            text = "".join(c for c in raw.decode("utf-8", "replace") if c.isprintable()).strip()
            found.append(text)
    return found[:32]


def created(data: bytes, boxes: list[Box]) -> dict[str, str]:
    """Creation and modification time of the movie, ISO 8601 UTC; {} where they are not set."""
    for box in boxes:
        if box.name == "mvhd" and box.end - box.start >= 20:
            wide = 8 if data[box.start] == 1 else 4
            at = box.start + 4
            values = [
                int.from_bytes(data[at + i * wide : at + (i + 1) * wide], "big") for i in (0, 1)
            ]
            names = ("created", "modified")
            return {n: t for n, v in zip(names, values, strict=True) if (t := _time(v))}
    return {}


def _time(seconds: int) -> str:
    if not 0 < seconds < 2**33:
        return ""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def edit_lists(data: bytes, boxes: list[Box]) -> list[int]:
    """Number of entries of each track's edit list."""
    return [
        int.from_bytes(data[box.start + 4 : box.start + 8], "big")
        for box in boxes
        if box.name == "elst" and box.end - box.start >= 8
    ]


def user_texts(data: bytes, boxes: list[Box]) -> Iterator[tuple[str, str]]:
    """(box name, text) of small boxes under `udta` and of the tags under `ilst`."""
    for box in boxes:
        inside = "udta/" in box.path and box.depth <= 5
        if not inside or box.name in ("meta", "hdlr", "ilst", "free") or box.end - box.start > 4096:
            continue
        raw = data[box.start : box.end]
        skip = 16 if raw[4:8] == b"data" else 4 if box.name.startswith("\xa9") else 0
        text = "".join(c for c in raw[skip:].decode("utf-8", "replace") if c.isprintable())
        yield box.name, text.replace("�", "").strip()[:300]
