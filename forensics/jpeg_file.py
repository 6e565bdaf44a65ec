"""What a JPEG file holds before anything is decoded: tables, scans, segments, coefficients."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import jpegio
import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.int32]  # (8, 8), natural order, [v, u]: v down, u across

ZIGZAG = np.array(sorted(
    ((v, u) for v in range(8) for u in range(8)),
    key=lambda p: (p[0] + p[1], p[0] if (p[0] + p[1]) % 2 else p[1]),
))  # fmt: skip

# In the coded data 0xFF is followed by 0 or by a restart marker; anything else is a segment.
_NEXT_SEGMENT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAMES = {
    0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive", 0xC3: "lossless",
    0xC9: "extended, arithmetic", 0xCA: "progressive, arithmetic",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Component:
    """One colour plane as the frame header declares it."""

    identifier: int
    horizontal: int  # sampling factors
    vertical: int
    table: int  # number of its quantisation table


@dataclass(frozen=True, kw_only=True)
class Header:
    """The segments of a JPEG up to its end-of-image marker."""

    process: str  # baseline, progressive, ...; "" where no frame header was found
    components: tuple[Component, ...]
    tables: dict[int, Table]
    scans: int
    restart_interval: int  # coding units between restart markers; 0 = none
    segments: tuple[str, ...]  # in file order: APP0:JFIF, DQT, SOF0, ...
    ducky_quality: int | None  # what Photoshop's Save for Web wrote, 0-100
    adobe_transform: int | None  # 0 RGB or CMYK, 1 YCbCr, 2 YCCK; None without the segment


def read_header(data: bytes) -> Header:
    """Walk the segments of `data` (ITU T.81, annex B). Stops quietly where the file is damaged."""
    walk = _Walk()
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            found = _NEXT_SEGMENT.search(data, at)
            if not found:
                break
            at = found.start()
        marker = data[at + 1]
        if marker == 0xD9:
            break
        if marker in (0xFF, 0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        walk.take(marker, data[at + 4 : at + 2 + size])
        at += 2 + max(size, 2)
    return walk.header()


class _Walk:
    def __init__(self) -> None:
        self.process = ""
        self.components: tuple[Component, ...] = ()
        self.tables: dict[int, Table] = {}
        self.scans = 0
        self.restart = 0
        self.segments: list[str] = []
        self.ducky: int | None = None
        self.adobe: int | None = None

    def take(self, marker: int, body: bytes) -> None:
        self.segments.append(_segment_name(marker, body))
        if marker == 0xDB:
            self._tables(body)
        elif marker in _FRAMES and not self.components:
            self.process = _FRAMES[marker]
            self.components = tuple(
                Component(
                    identifier=body[i], horizontal=body[i + 1] >> 4,
                    vertical=body[i + 1] & 15, table=body[i + 2],
                )
                for i in range(6, min(len(body) - 2, 6 + 3 * 4), 3)
            )  # fmt: skip
        elif marker == 0xDA:
            self.scans += 1
        elif marker == 0xDD and len(body) >= 2:
            self.restart = int.from_bytes(body[:2], "big")
        elif marker == 0xEC and body.startswith(b"Ducky") and body[5:7] == b"\0\1":
            self.ducky = int.from_bytes(body[9:13], "big")
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            self.adobe = body[11]

    def _tables(self, body: bytes) -> None:
        at = 0
        while at < len(body):
            wide, number = body[at] >> 4, body[at] & 15
            size = 128 if wide else 64
            raw = body[at + 1 : at + 1 + size]
            if len(raw) < size:
                return
            table = np.zeros((8, 8), np.int32)
            table[ZIGZAG[:, 0], ZIGZAG[:, 1]] = np.frombuffer(raw, ">u2" if wide else "u1")
            # The first definition counts: progressive files may repeat a table, none changes it.
            self.tables.setdefault(number, table)
            at += 1 + size

    def header(self) -> Header:
        return Header(
            process=self.process, components=self.components, tables=self.tables,
            scans=self.scans, restart_interval=self.restart, segments=tuple(self.segments),
            ducky_quality=self.ducky, adobe_transform=self.adobe,
        )  # fmt: skip


def _segment_name(marker: int, body: bytes) -> str:
    if 0xE0 <= marker <= 0xEF:
        label = body.split(b"\0", 1)[0][:40]
        text = label.decode("ascii", "replace") if label.isascii() else ""
        printable = "".join(c for c in text if c.isprintable())
        return f"APP{marker - 0xE0}:{printable}".rstrip(":")
    known = {0xDB: "DQT", 0xC4: "DHT", 0xDA: "SOS", 0xDD: "DRI", 0xFE: "COM", 0xCC: "DAC"}
    return known.get(marker) or (f"SOF{marker - 0xC0}" if marker in _FRAMES else f"{marker:02X}")


def luma_coefficients(data: bytes) -> tuple[NDArray[np.int32], Table] | None:
    """(rows, columns, 8, 8) quantised luma coefficients, [v, u], and the luma table.

    None where libjpeg cannot read them. Rows and columns count blocks from the top left.
    """
    with tempfile.TemporaryDirectory() as folder:  # jpegio reads paths only
        path = Path(folder) / "picture.jpg"
        path.write_bytes(data)
        try:
            jpeg = jpegio.read(str(path))
        except (RuntimeError, ValueError, OSError, MemoryError):
            return None
    if not jpeg.coef_arrays or not jpeg.comp_info:
        return None
    plane = np.asarray(jpeg.coef_arrays[0])
    number = jpeg.comp_info[0].quant_tbl_no
    if not 0 <= number < len(jpeg.quant_tables) or min(plane.shape) < 8:
        return None
    rows, columns = (n // 8 for n in plane.shape)
    blocks = plane[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).swapaxes(1, 2)
    return blocks, np.array(jpeg.quant_tables[number], dtype=np.int32)
