"""The grid of frames that a lossy encoder left in samples.

An encoder rounds its coefficients, most of the weak ones to zero. Decoded and analysed again at
the same alignment, the zeros return; at any other alignment they do not (Yang, Qu and Huang 2008).
So the share of coefficients near zero has a peak at one offset, one sample wide.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmask.forensics.audio.filterbanks import Filterbank, magnitudes
from unmask.sound import Samples

FRAMES = {"mp3": 6, "aac_sine": 3, "aac_kbd": 3}  # of one search, one after the other
SMALL = 0.05  # of the usual magnitude of a line: what counts as near zero
LOW_LINE, MOST_LINES = 0.06, 0.35  # of all lines: bass is seldom rounded to zero
FLOOR = 3e-5  # magnitude of a line, in full scale, that 16 bits can still hold
SURE = 8.0  # deviations from which a peak counts; sound never compressed stays below 5
BLUNT = 0.6  # of a peak's height, reached one sample beside it: then it is none
NEAR = 2  # samples around an offset that are its own skirt


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where the frames of an encoder began."""

    bank: Filterbank
    offset: int  # sample, modulo bank.hop
    deviations: float  # how far the share of zeros there stands out
    share: float  # of coefficients near zero


def lines_of(bank: Filterbank) -> slice:
    """The frequencies that are looked at."""
    return slice(round(LOW_LINE * bank.hop), round((LOW_LINE + MOST_LINES) * bank.hop))


def length_of(bank: Filterbank) -> int:
    """Samples that a search over all offsets needs."""
    return bank.hop * FRAMES[bank.name] + bank.span


def zero_shares(bank: Filterbank, samples: Samples) -> NDArray[np.float64]:
    """(hop,) share of coefficients near zero for frames that begin at each offset of (samples,).

    `length_of(bank)` samples are read. All shares are 0 where too few lines can be heard.
    """
    frames = FRAMES[bank.name]
    starts = np.arange(bank.hop * frames)
    found = magnitudes(bank, samples[: length_of(bank)], starts, lines_of(bank))
    usual = np.median(found[::5], axis=0)  # offsets side by side are alike
    # Lines that hold rounding noise alone, above an encoder's low-pass, are zero at any offset.
    heard = usual > FLOOR
    if heard.sum() < 24:
        return np.zeros(bank.hop)
    small = found[:, heard] < SMALL * usual[heard]
    return np.asarray(small.mean(axis=1).reshape(frames, bank.hop).mean(axis=0), np.float64)


def peak_of(
    bank: Filterbank, shares: NDArray[np.float64], start: int = 0, but: tuple[int, ...] = ()
) -> Grid:
    """The offset that stands out most in (hop,) shares of samples that begin at `start`.

    Offsets within two samples of those in `but`, which count from the start of the recording, are
    left out.
    """
    centre = float(np.median(shares))
    spread = 1.4826 * float(np.median(np.abs(shares - centre)))
    offsets = (np.arange(bank.hop) + start) % bank.hop
    allowed = shares.copy()
    for one in but:
        away = np.abs(offsets - one)
        allowed[np.minimum(away, bank.hop - away) <= NEAR] = 0
    at = int(np.argmax(allowed))
    deviations = (float(allowed[at]) - centre) / spread if spread > 0 else 0.0
    beside = max(float(shares[at - 1]), float(shares[(at + 1) % bank.hop]))
    if beside - centre > BLUNT * (float(allowed[at]) - centre):
        deviations = 0.0  # a hill and no peak: a steady tone makes those
    return Grid(bank=bank, offset=int(offsets[at]), deviations=deviations, share=float(allowed[at]))


def search(bank: Filterbank, samples: Samples, start: int, but: tuple[int, ...] = ()) -> Grid:
    """The grid that stands out most in the stretch of (samples,) that begins at `start`."""
    return peak_of(bank, zero_shares(bank, samples[start:]), start, but)


def loud_starts(samples: Samples, length: int, count: int) -> list[int]:
    """Where up to `count` stretches of `length` begin: the loudest of equal parts of (samples,)."""
    if samples.size < length:
        return []
    parts = np.linspace(0, samples.size - length, count + 1).astype(int)
    step = max(1, length // 4)
    energy = np.cumsum(np.concatenate([[0.0], np.square(samples, dtype=np.float64)]))
    found = []
    for first, behind in pairwise(parts.tolist()):
        starts = np.arange(first, max(behind, first + 1), step)
        loud = energy[starts + length] - energy[starts]
        found.append(int(starts[int(np.argmax(loud))]))
    return sorted(set(found))
