"""Whether more than one voice speaks, as far as pitch alone can tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.sound import Region, Samples, resampled

RATE = 8000  # Hz
FRAME, HOP = 0.04, 0.01  # seconds
LOWEST, HIGHEST = 70.0, 400.0  # Hz
PERIODIC = 0.55  # normalised autocorrelation from which a frame is voiced
PIECE = 1.5  # seconds of speech with one median pitch
LEAST_VOICED = 30  # frames of a piece
APART = 6.5  # semitones between two voices
SHARE = 0.2  # of the pieces that each of two voices must have
TURNS = 0.4  # of all neighbours that may differ: people speak in turns, not in syllables
LONGEST = 300.0  # seconds of speech looked at


@dataclass(frozen=True, kw_only=True)
class Voices:
    """What pitch tells of who speaks."""

    pitches: tuple[float, ...]  # Hz: one, or two where there are at least two voices
    apart: float  # semitones between the two halves that fit best, one voice or two

    @property
    def several(self) -> bool:
        """Whether there are at least two voices."""
        return len(self.pitches) > 1


def pitch(samples: Samples, rate: int) -> NDArray[np.float64]:
    """(frames,) Hz of every 10 ms of (samples,); NaN where it is not voiced.

    The highest peak of the normalised autocorrelation between 70 and 400 Hz (Boersma 1993, less
    its path finding).
    """
    low = resampled(samples, rate, RATE)
    size, hop = int(FRAME * RATE), int(HOP * RATE)
    if low.size < size:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(low, size)[::hop]
    window = np.hanning(size).astype(np.float32)
    spectrum = np.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * window, 2 * size)
    found = np.fft.irfft(np.abs(spectrum) ** 2)[:, :size]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)[:size]
    shape = found / (found[:, :1] + 1e-9) / (own / own[0] + 1e-9)
    first, last = int(RATE / HIGHEST), int(RATE / LOWEST)
    lags = shape[:, first : last + 1]
    # The shortest lag nearly as good as the best: the double of a period fits as well as itself.
    best = lags.max(axis=1)
    at = np.argmax(lags >= 0.92 * best[:, None], axis=1)
    at += np.argmax(np.stack([lags[np.arange(len(at)), np.minimum(at + i, last - first)]
                              for i in range(4)]), axis=0)  # fmt: skip
    loud = found[:, 0] > 0.02 * np.percentile(found[:, 0], 95)
    return np.where((best > PERIODIC) & loud, RATE / (first + at), np.nan)


def piece_pitches(samples: Samples, rate: int, regions: Sequence[Region]) -> NDArray[np.float64]:
    """(pieces,) semitones above 100 Hz: the median pitch of every 1.5 s of speech in order."""
    found, seconds = [], 0.0
    for region in regions:
        if seconds > LONGEST:
            break
        seconds += region.seconds
        count = max(1, round(region.seconds / PIECE))
        edges = np.linspace(region.start, region.end, count + 1) * rate
        for start, end in zip(edges[:-1].astype(int), edges[1:].astype(int), strict=True):
            track = pitch(samples[start:end], rate)
            voiced = track[np.isfinite(track)]
            if voiced.size >= LEAST_VOICED:
                found.append(12 * np.log2(float(np.median(voiced)) / 100))
    return np.array(found)


def voices(samples: Samples, rate: int, regions: Sequence[Region]) -> Voices:
    """Whether the speech in `regions` of (samples,) is of one pitch or of two, in turns.

    Two voices of like pitch, two men or two women, are not told apart.
    """
    pieces = piece_pitches(samples, rate, regions)
    if pieces.size < 4:
        known = tuple(100 * 2 ** (p / 12) for p in pieces[:1].tolist())
        return Voices(pitches=known, apart=0.0)
    ordered = np.sort(pieces)
    least = max(1, int(np.ceil(SHARE * pieces.size)))
    cuts = range(least, pieces.size - least + 1)
    within = [float(ordered[:c].var() * c + ordered[c:].var() * (pieces.size - c)) for c in cuts]
    cut = least + int(np.argmin(within)) if within else 0
    if not cut:
        return Voices(pitches=(float(100 * 2 ** (np.median(pieces) / 12)),), apart=0.0)
    low, high = float(np.median(ordered[:cut])), float(np.median(ordered[cut:]))
    side = pieces > (ordered[cut - 1] + ordered[cut]) / 2
    turns = float(np.mean(side[1:] != side[:-1]))
    spread = max(float(np.std(ordered[:cut])), float(np.std(ordered[cut:])), 0.5)
    several = high - low >= APART and turns <= TURNS and high - low >= 3 * spread
    middle = (low, high) if several else (float(np.median(pieces)),)
    return Voices(pitches=tuple(100 * 2 ** (p / 12) for p in middle), apart=high - low)
