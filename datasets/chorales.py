"""Four-part music on a grid of sixteenths: the Bach chorales, or anybody's folder of MIDI files.

JSB chorales come as JSON, {"train": [[[soprano, alto, tenor, bass], ...], ...], ...} in MIDI
pitches (github.com/czhuang/JSB-Chorales-dataset; the pieces of Boulanger-Lewandowski et al. 2012):

    curl -LO https://raw.githubusercontent.com/czhuang/JSB-Chorales-dataset/master/jsb-chorales-16th.json

A folder of MIDI files is read where four tracks or channels hold one voice each. The grid does not
tell a note that is held from one that is struck again.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from unmask.errors import UnmaskError

VOICES = 4  # soprano first
BAR = 16  # sixteenths of four quarters
LOWEST, HIGHEST = 36, 83  # MIDI pitches of a grid, inclusive
_MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
_HELD_OUT = ("valid", "test")
_MOST_BYTES = 64 << 20

Grid = NDArray[np.int16]  # (steps, 4) MIDI pitches, soprano first


class ChoralesError(UnmaskError):
    """Music that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Pieces to learn from and pieces to compare with."""

    train: tuple[Grid, ...]
    held_out: tuple[Grid, ...]


def read(folder: Path) -> Pieces:
    """A folder with one JSON file of chorales, or MIDI files, every tenth of which is held out.

    Pieces whose voices rest, or leave the range, are left out. Raises ChoralesError without any.
    """
    listed = sorted(folder.glob("*.json")) if folder.is_dir() else []
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    if listed:
        train, held_out = _json(listed[0])
    elif files:
        grids = [grid for path in files if (grid := of_midi(path)) is not None]
        train = [g for i, g in enumerate(grids) if i % 10]
        held_out = [g for i, g in enumerate(grids) if not i % 10]
    else:
        raise ChoralesError(f"{folder} holds neither a JSON file of chorales nor MIDI files.")
    if not train or not held_out:
        raise ChoralesError(f"{folder} holds no music in four voices that can be read.")
    return Pieces(train=tuple(train), held_out=tuple(held_out))


def _json(path: Path) -> tuple[list[Grid], list[Grid]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ChoralesError(f"{path.name} is too large.")
        held = json.loads(path.read_text())
        parts = {name: [_whole(piece) for piece in pieces] for name, pieces in held.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ChoralesError(f"{path.name} holds no chorales.") from error
    train = [g for g in parts.get("train", ()) if g is not None]
    return train, [g for name in _HELD_OUT for g in parts.get(name, ()) if g is not None]


def _whole(piece: object) -> Grid | None:
    """A grid, if four voices sing all the time and within the range."""
    rows = piece if isinstance(piece, np.ndarray) else list(piece)  # type: ignore[call-overload]
    if any(len(row) != VOICES for row in rows):
        return None
    grid = np.asarray(rows, np.float64)
    if grid.ndim != 2 or grid.shape[1] != VOICES or len(grid) < BAR:
        return None
    inside = np.isfinite(grid).all() and grid.min() >= LOWEST and grid.max() <= HIGHEST
    return grid.astype(np.int16) if inside else None


def of_midi(path: Path) -> Grid | None:
    """The grid of a MIDI file, the highest voice first; None where it is not four voices.

    A voice is a track or a channel with notes. What it holds at the beginning of a sixteenth
    counts, and goes on through rests.
    """
    try:
        file = mido.MidiFile(path, clip=True)
        voices: dict[tuple[int, int], list[tuple[float, int]]] = {}
        for number, track in enumerate(file.tracks):
            now = 0
            for message in track:
                now += message.time
                if message.type == "note_on" and message.velocity > 0:
                    at = now / file.ticks_per_beat * (BAR / 4)
                    voices.setdefault((number, message.channel), []).append((at, message.note))
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, ZeroDivisionError):
        return None
    if len(voices) != VOICES:
        return None
    end = max(notes[-1][0] for notes in voices.values())
    if not BAR <= end <= 100_000:
        return None
    rows = []
    for notes in voices.values():
        onsets = np.array([at for at, _ in notes])
        held = np.searchsorted(onsets, np.arange(int(end) + 1) + 1e-6, side="right") - 1
        rows.append(np.array([pitch for _, pitch in notes])[held.clip(0)])
    order = np.argsort([-row.mean() for row in rows])
    return _whole(np.stack([rows[i] for i in order], 1))


def in_one_key(piece: Grid) -> Grid | None:
    """The piece moved to C major or A minor, as little as can be; None where it leaves the range.

    The scale is the one that holds most of what sounds. A piece in a minor key has that of its
    parallel in major.
    """
    sounding = np.bincount(piece.ravel() % 12, minlength=12)
    tonic = int(np.argmax([sounding @ np.roll(_MAJOR, k) for k in range(12)]))
    for shift in sorted((-tonic, 12 - tonic), key=abs):
        moved = piece + shift
        if moved.min() >= LOWEST and moved.max() <= HIGHEST:
            return moved.astype(np.int16)
    return None


def windows(pieces: tuple[Grid, ...], steps: int) -> NDArray[np.int16]:
    """(N, steps, 4): every stretch of `steps` that begins at a bar, in all pieces."""
    found = [
        piece[at : at + steps] for piece in pieces for at in range(0, len(piece) - steps + 1, BAR)
    ]
    if not found:
        raise ChoralesError(f"No piece is {steps} sixteenths long.")
    return np.stack(found)
