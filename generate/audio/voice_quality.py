"""How near a converted voice is to the one it should be: pitch, mel-cepstra, embeddings.

Arrays in, numbers out. Pitch and spectral envelopes are WORLD's (Morise et al. 2016), which knows
nothing of what made the sound.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.stats import t as student

from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_signal import RATE
from unmask.generate.audio.note_quality import TrackerError
from unmask.generate.distances import QualityError

Cepstra = NDArray[np.float64]  # (frames, orders): mel-cepstra without the level
_ORDERS = 24
_BINS = 80  # of the envelope on the mel scale
_TOP = 7000.0  # Hz: what is made here has nothing above 7.4 kHz
_FRAME = 5.0  # ms
_LOWEST, _HIGHEST = 60.0, 500.0  # Hz


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The mean over utterances, with an interval of 95% (Student's t)."""

    n: int
    value: float
    low: float
    high: float


def mean_of(values: NDArray[np.float64]) -> Mean:
    """NaN is left out. Raises QualityError with fewer than two values."""
    kept = values[np.isfinite(values)]
    if len(kept) < 2:
        raise QualityError(f"{len(kept)} utterances are too few to say how they differ.")
    half = student.ppf(0.975, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept))
    middle = float(kept.mean())
    return Mean(n=len(kept), value=middle, low=middle - float(half), high=middle + float(half))


def pitch_and_cepstra(wave: Wave) -> tuple[float, Cepstra]:
    """(N,) at 16 kHz -> the pitch in semitones above 55 Hz, and mel-cepstra every 5 ms.

    The pitch is the median of the voiced frames, NaN where there are none. Raises TrackerError
    without pyworld.
    """
    try:
        import pyworld
    except ImportError as error:
        raise TrackerError("Pitch is heard by pyworld: pip install pyworld") from error
    x = wave.astype(np.float64)
    rough, times = pyworld.dio(x, RATE, f0_floor=_LOWEST, f0_ceil=_HIGHEST, frame_period=_FRAME)
    track = pyworld.stonemask(x, rough, times, RATE)
    voiced = track[track > 0]
    pitch = float(12 * np.log2(np.median(voiced) / 55)) if len(voiced) else float("nan")
    return pitch, cepstra(pyworld.cheaptrick(x, track, times, RATE))


def cepstra(power: NDArray[np.float64]) -> Cepstra:
    """(frames, bins) power envelopes up to 8 kHz -> (frames, 24) mel-cepstra up to 7, no level.

    As in log amplitude = c0 + sum of c_m cos(m w) over the mel scale.
    """
    hertz = 700 * (10 ** (np.linspace(0, _mel(_TOP), 2 * _BINS + 1)[1::2] / 2595) - 1)
    places = hertz / (RATE / 2) * (power.shape[1] - 1)
    low = np.minimum(places.astype(int), power.shape[1] - 2)
    amplitude = 0.5 * np.log(np.maximum(power, 1e-16))
    on_mel = amplitude[:, low] + (places - low) * (amplitude[:, low + 1] - amplitude[:, low])
    return np.asarray(dct(on_mel, axis=1)[:, 1 : _ORDERS + 1] / _BINS)


def cepstral_distance(one: Cepstra, other: Cepstra, *, warped: bool) -> float:
    """Mel-cepstral distance in dB, the mean over frames (Kubichek 1993).

    `warped`: of two people, whose frames dynamic time warping brings together; else of the same
    frames.
    """
    if not warped:
        frames = min(len(one), len(other))
        away = np.linalg.norm(one[:frames] - other[:frames], axis=1)
        return float(_DECIBEL * away.mean())
    away = np.sqrt(
        np.maximum(np.square(one).sum(1)[:, None] + np.square(other).sum(1) - 2 * one @ other.T, 0)
    )
    return float(_DECIBEL * np.mean([away[i, j] for i, j in warping(away)]))


_DECIBEL = 10 / np.log(10) * np.sqrt(2)


def warping(away: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The path of least cost through (N, M), from corner to corner (Sakoe and Chiba 1978)."""
    rows, columns = away.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for i in range(rows):
        for j in range(columns):
            total[i + 1, j + 1] = away[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    path, i, j = [], rows, columns
    while i and j:
        path.append((i - 1, j - 1))
        steps = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
        i, j = min(steps, key=lambda at: total[at])
    return path[::-1]


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))
