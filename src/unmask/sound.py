"""What every analysis of sound shares: one channel, one rate, stretches of time."""

from collections.abc import Iterable, Sequence
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

Samples = NDArray[np.float32]


class Region(NamedTuple):
    """A stretch of a recording, in seconds from its start."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


def mono(waveform: NDArray[np.float32]) -> Samples:
    """(samples, channels) as (samples,): the mean, or the loudest channel where that cancels.

    Two channels of opposite phase, which some recorders and forgers write, have a mean of nothing.
    """
    if waveform.shape[1] == 1:
        return waveform[:, 0]
    mean: Samples = waveform.mean(axis=1, dtype=np.float32)
    powers = np.einsum("sc,sc->c", waveform, waveform, dtype=np.float64)
    loudest = int(np.argmax(powers))
    if float(np.dot(mean, mean)) < 0.1 * powers[loudest]:
        return np.ascontiguousarray(waveform[:, loudest])
    return mean


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """(samples,) at `rate` Hz as (samples,) at `wanted` Hz, by a polyphase filter."""
    if rate == wanted or not samples.size:
        return samples
    common = gcd(rate, wanted)
    found: Samples = resample_poly(samples, wanted // common, rate // common).astype(np.float32)
    return found


def joined(regions: Iterable[Region], gap: float = 0.0) -> tuple[Region, ...]:
    """Regions in order of time, those that overlap or lie within `gap` seconds made one."""
    found: list[Region] = []
    for one in sorted(regions):
        if found and one.start - found[-1].end <= gap:
            found[-1] = Region(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return tuple(found)


def runs(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(n, 2) first index and index behind the last of each run of True in (length,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def clock(seconds: float) -> str:
    """A time as people read it: 0:07, 12:34, 1:02:03; below ten minutes with a tenth: 0:07.3."""
    tenths = max(0, round(seconds * 10))
    minutes, rest = divmod(tenths, 600)
    if minutes < 10:
        return f"{minutes}:{rest // 10:02d}" + (f".{rest % 10}" if rest % 10 else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest // 10:02d}" if hours else f"{minutes}:{rest // 10:02d}"


def listed(regions: Sequence[Region], most: int = 3) -> str:
    """Regions as a sentence names them: "0:12 to 0:18 and 1:01 to 1:04"."""
    texts = [f"{clock(one.start)} to {clock(one.end)}" for one in regions[:most]]
    more = len(regions) - most
    if more > 0:
        texts.append(f"{more} more")
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else ""
