"""Where in a recording the grid of an earlier encoder is there, is missing, or is another one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.forensics.audio.filterbanks import MP3, Filterbank, regular
from unmask.forensics.audio.frame_grid import (
    FLOOR,
    SMALL,
    SURE,
    Grid,
    length_of,
    lines_of,
    loud_starts,
    search,
)
from unmask.sound import Region, Samples, joined, runs

WINDOW = 0.5  # seconds
LEAST = 1.0  # seconds without the grid that count as a stretch
PART = 20.0  # seconds looked at in one go
SEARCHES = 4  # for another grid, in the longest stretches without the first
STANDS_OUT = 4.0  # standard errors above the controls: the grid is there


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a recording without the grid of the rest."""

    region: Region
    other: Grid | None  # the grid that it has instead, where one was found


def presence(bank: Filterbank, samples: Samples, grid: Grid, rate: int) -> NDArray[np.float64]:
    """(windows,) standard errors by which zeros at the grid exceed those beside it, by half second.

    NaN where too little is heard to tell.
    """
    found = []
    step = int(PART / WINDOW) * round(WINDOW * rate)
    for first in range(0, samples.size, step):
        part = samples[first : first + step + bank.span + bank.hop]
        offset = (grid.offset - first) % bank.hop
        found.append(_presence(bank, part, offset, rate, min(step, samples.size - first)))
    return np.concatenate(found)


def _presence(
    bank: Filterbank, part: Samples, offset: int, rate: int, length: int
) -> NDArray[np.float64]:
    moves = (5, 13) if bank is MP3 else (293, 731)
    lines = lines_of(bank)
    lines = slice(lines.start, (lines.start + lines.stop) // 2)  # half of them: time
    at = regular(bank, part, offset, 0, lines)
    beside = [regular(bank, part, offset, move, lines) for move in moves]
    count = -(-length // round(WINDOW * rate))
    place = ((offset + np.arange(len(at)) * bank.hop) / (WINDOW * rate)).astype(int)
    found = np.full(count, np.nan)
    for window in range(count):
        frames = np.flatnonzero(place == window)
        if frames.size < 4:
            continue
        others = np.concatenate([b[frames[frames < len(b)]] for b in beside])
        usual = np.median(others, axis=0)
        heard = usual > FLOOR
        if heard.sum() < 24:
            continue
        limit = SMALL * usual[heard]
        zeros, chance = (at[frames][:, heard] < limit).mean(), (others[:, heard] < limit).mean()
        error = np.sqrt(max(chance, 1e-3) * (1 - chance) / (frames.size * heard.sum()))
        found[window] = (zeros - chance) / error
    return found


def stretches(samples: Samples, rate: int, grid: Grid) -> tuple[Stretch, ...]:
    """Stretches of a second or more that are loud enough to show the grid and do not."""
    scores = presence(grid.bank, samples, grid, rate)
    known = np.isfinite(scores)
    usual = float(np.percentile(scores[known], 80)) if known.any() else 0.0
    if usual < 2 * STANDS_OUT:
        return ()  # so weak that its absence means nothing
    missing = known & (scores < STANDS_OUT)
    missing &= scores < 0.2 * usual
    # A window at the edge of a stretch, or a silent one within, belongs to it.
    gaps = [Region(a * WINDOW, b * WINDOW) for a, b in runs(missing).tolist()]
    found = [r for r in joined(gaps, WINDOW) if r.seconds >= LEAST]
    found = sorted(found, key=lambda r: -r.seconds)
    searched = [_other(samples, rate, r, grid) if i < SEARCHES else None
                for i, r in enumerate(found)]  # fmt: skip
    end = samples.size / rate
    pairs = zip(found, searched, strict=True)
    whole = [Stretch(region=Region(r.start, min(r.end, end)), other=o) for r, o in pairs]
    return tuple(sorted(whole, key=lambda s: s.region.start))


def _other(samples: Samples, rate: int, region: Region, grid: Grid) -> Grid | None:
    """Another grid of the same family within a region."""
    first, behind = (int(t * rate) for t in region)
    part = samples[first:behind]
    for start in loud_starts(part, length_of(grid.bank), 2):
        found = search(grid.bank, samples, first + start, but=(grid.offset,))
        if found.deviations >= SURE:
            return found
    return None
