"""What music looks like in numbers: MuseGAN's measures, and what was copied.

Each is the mean over phrases, on grids (N, steps, 4) of MIDI pitches that sound all the time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.chorales import BAR

Grids = NDArray[np.int16]
QUALIFIED = 3  # steps that a note must last to count as one
_COPIED = 8  # chords in a row


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Dong et al. 2018, "MuseGAN"; the values of real music are what to be near to."""

    pitch_classes: float  # used in a bar of a voice, of 12
    qualified_notes: float  # part of the notes that last three sixteenths or longer
    tonal_distance: float  # between the voices of a bar, in the tonal space; small is harmonious
    scale: float  # part of the notes in the best major or minor scale of the phrase
    onsets: float  # of new notes, a bar and voice
    crossings: float  # part of the steps at which a voice is above its upper neighbour


def measure(grids: Grids) -> Measures:
    """Of (N, steps, 4) phrases of whole bars. Empty bars are not counted: there are none here."""
    lengths = [n for grid in grids for voice in grid.T for n in _lengths(voice)]
    bars = grids.reshape(-1, BAR, grids.shape[2])
    changes = (np.diff(bars, axis=1) != 0).sum(1) + 1
    return Measures(
        pitch_classes=float(np.mean([len(set(v % 12)) for bar in bars for v in bar.T])),
        qualified_notes=float(np.mean(np.array(lengths) >= QUALIFIED)),
        tonal_distance=float(np.mean([tonal_distance(bar) for bar in bars])),
        scale=float(np.mean([_scale(grid) for grid in grids])),
        onsets=float(changes.mean()),
        crossings=float((np.diff(grids, axis=2) > 0).mean()),
    )


def _lengths(voice: NDArray[np.int16]) -> NDArray[np.int64]:
    """Of each note of a voice, in steps."""
    starts = np.flatnonzero(np.diff(voice) != 0) + 1
    return np.diff([0, *starts, len(voice)])


def _tonal_space() -> NDArray[np.float64]:
    """(6, 12): fifths, minor thirds and major thirds as circles (Harte et al. 2006)."""
    places = np.arange(12)
    circles = [(7 * np.pi / 6, 1.0), (3 * np.pi / 2, 1.0), (2 * np.pi / 3, 0.5)]
    return np.concatenate([[r * np.sin(places * a), r * np.cos(places * a)] for a, r in circles])


_SPACE = _tonal_space()


def tonal_distance(bar: Grids) -> float:
    """Mean distance of two voices of a (steps, voices) bar, as Harte et al. 2006 have it."""
    centres = []
    for voice in bar.T:
        chroma = np.bincount(voice % 12, minlength=12) / len(voice)
        centres.append(_SPACE @ chroma)
    pairs = [(a, b) for a in range(len(centres)) for b in range(a)]
    return float(np.mean([np.linalg.norm(centres[a] - centres[b]) for a, b in pairs]))


_MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
_MINOR = np.isin(np.arange(12), (0, 2, 3, 5, 7, 8, 11))  # harmonic


def _scale(grid: Grids) -> float:
    chroma = np.bincount(grid.ravel() % 12, minlength=12) / grid.size
    return float(max((chroma * np.roll(s, k)).sum() for s in (_MAJOR, _MINOR) for k in range(12)))


def copied(grids: Grids, known: tuple[Grids, ...], *, length: int = _COPIED) -> float:
    """Part of the runs of `length` different chords that occur in the known pieces, in any key."""
    seen = {run for piece in known for run in _runs(piece, length)}
    runs = [run for grid in grids for run in _runs(grid, length)]
    return float(np.mean([run in seen for run in runs])) if runs else 0.0


def _runs(grid: Grids, length: int) -> list[bytes]:
    """Runs of chords without repetitions, transposed so that the first bass note is 0."""
    kept = grid[np.r_[True, (np.diff(grid, axis=0) != 0).any(1)]]
    return [
        (kept[i : i + length] - kept[i, -1]).astype(np.int16).tobytes()
        for i in range(len(kept) - length + 1)
    ]
