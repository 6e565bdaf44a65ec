"""The transforms of MP3 and AAC encoders, at every alignment: where frames began is visible there.

MP3: 32 bands of 512 taps, each followed by an MDCT of 36 samples and by butterflies between
neighbouring bands (ISO/IEC 11172-3, 2.4.3.4 run backwards, long blocks). AAC: an MDCT of 2048
samples under a sine or Kaiser-Bessel window (ISO/IEC 14496-3, 4.6.11).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.signal import fftconvolve
from scipy.signal.windows import kaiser_bessel_derived

from unmask.forensics.audio.mpeg_window import prototype
from unmask.sound import Samples

BANDS, TAPS, SLOTS, LINES = 32, 512, 36, 18  # of MP3: lines are frequencies within a band
_SIDE = np.array([-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037])

Magnitudes = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Filterbank:
    """How one family of encoders cuts sound into frames."""

    name: str
    codec: str  # what wrote it, for people
    hop: int  # samples from frame to frame
    span: int  # samples that the coefficients of one frame depend on


MP3 = Filterbank(name="mp3", codec="MP3", hop=576, span=TAPS + BANDS * (SLOTS - 1))
AAC_SINE = Filterbank(name="aac_sine", codec="AAC", hop=1024, span=2048)
AAC_KBD = Filterbank(name="aac_kbd", codec="AAC", hop=1024, span=2048)
ALL = (MP3, AAC_SINE, AAC_KBD)


def magnitudes(
    bank: Filterbank, samples: Samples, starts: NDArray[np.intp], lines: slice
) -> Magnitudes:
    """(starts, lines): |coefficients| of the frames that begin at each start in (samples,).

    A frame reads `bank.span` samples; `lines` of the `bank.hop` frequencies are kept.
    """
    if bank is MP3:
        return _mp3(samples, starts, lines)
    frames = np.lib.stride_tricks.sliding_window_view(samples, bank.span)[starts]
    found: Magnitudes = np.abs(_mdct(frames * _window(bank.name))[:, lines])
    return found


@cache
def _window(name: str) -> NDArray[np.float32]:
    if name == "aac_kbd":
        return np.asarray(kaiser_bessel_derived(2048, 4 * np.pi), np.float32)
    return np.asarray(np.sin(np.pi / 2048 * (np.arange(2048) + 0.5)), np.float32)


def _mdct(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 2N) windowed as (n, N) coefficients: folded, then a cosine transform of kind IV."""
    a, b, c, d = np.split(frames, 4, axis=1)
    folded = np.concatenate([-c[:, ::-1] - d, a - b[:, ::-1]], axis=1)
    found: NDArray[np.float32] = dct(folded, type=4, axis=1, norm="ortho")
    return found


@cache
def _analysis() -> NDArray[np.float32]:
    """(32, 512) impulse responses of the analysis bands."""
    band, tap = np.arange(BANDS)[:, None], np.arange(TAPS)[None]
    wave = np.cos((2 * band + 1) * (tap - 16) * np.pi / 64)
    found: NDArray[np.float32] = (prototype() * wave).astype(np.float32)
    return found


@cache
def _lines(odd: bool) -> NDArray[np.float32]:
    """(36, 18) windowed MDCT; of odd bands with every other sample turned, as MP3 does."""
    slot, line = np.arange(SLOTS)[:, None], np.arange(LINES)[None]
    wave = np.sin(np.pi / 36 * (slot + 0.5)) * np.cos(np.pi / 72 * (2 * slot + 19) * (2 * line + 1))
    if odd:
        wave = wave * np.where(slot % 2, -1, 1)
    return np.asarray(wave, np.float32)


def band_signals(samples: Samples, bands: range) -> NDArray[np.float32]:
    """(bands, samples - 511): the output of each band before it is thinned to every 32nd."""
    kernels = _analysis()[bands.start : bands.stop]
    found: NDArray[np.float32] = fftconvolve(samples[None], kernels, mode="valid", axes=1)
    return found


def _mp3(samples: Samples, starts: NDArray[np.intp], lines: slice) -> Magnitudes:
    bands = range(max(0, lines.start // LINES - 1), min(BANDS, -(-lines.stop // LINES) + 1))
    signals = band_signals(samples, bands)
    windows = np.lib.stride_tricks.sliding_window_view(signals, BANDS * (SLOTS - 1) + 1, axis=1)
    values = np.empty((len(bands), len(starts), LINES), np.float32)
    for at, band in enumerate(bands):
        values[at] = windows[at, starts, ::BANDS] @ _lines(band % 2 == 1)
    _butterflies(values)
    whole = values.transpose(1, 0, 2).reshape(len(starts), -1)
    first = bands.start * LINES
    return np.abs(whole[:, lines.start - first : lines.stop - first])


def regular(
    bank: Filterbank, samples: Samples, offset: int, shift: int, lines: slice
) -> Magnitudes:
    """(frames, lines): as `magnitudes`, for every frame of the grid at `offset`, moved by `shift`.

    For MP3 the shift is in slots of 32 samples: they share the costly part of the transform.
    """
    if bank is not MP3:
        first = (offset + shift) % bank.hop
        return magnitudes(bank, samples, np.arange(first, samples.size - bank.span + 1, bank.hop),
                          lines)  # fmt: skip
    bands = range(max(0, lines.start // LINES - 1), min(BANDS, -(-lines.stop // LINES) + 1))
    slots = _slots(samples[offset:], bands)[shift:]
    frames = max(0, (len(slots) - SLOTS) // LINES + 1)
    values = np.empty((len(bands), frames, LINES), np.float32)
    if frames:
        windows = np.lib.stride_tricks.sliding_window_view(slots, SLOTS, axis=0)[::LINES]
        for at, band in enumerate(bands):
            values[at] = windows[:frames, at] @ _lines(band % 2 == 1)
        _butterflies(values)
    whole = values.transpose(1, 0, 2).reshape(frames, -1)
    first = bands.start * LINES
    return np.abs(whole[:, lines.start - first : lines.stop - first])


def _slots(samples: Samples, bands: range) -> NDArray[np.float32]:
    """(slots, bands): the output of each band, every 32nd of it."""
    if samples.size < TAPS:
        return np.zeros((0, len(bands)), np.float32)
    kernels = np.ascontiguousarray(_analysis()[bands.start : bands.stop, ::-1].T)
    windows = np.lib.stride_tricks.sliding_window_view(samples, TAPS)[::BANDS]
    return np.concatenate([windows[i : i + 8192] @ kernels for i in range(0, len(windows), 8192)])


def _butterflies(values: NDArray[np.float32]) -> None:
    """Take the alias between neighbouring bands out of (bands, n, 18), in place."""
    straight = (1 / np.sqrt(1 + _SIDE**2)).astype(np.float32)
    across = (_SIDE / np.sqrt(1 + _SIDE**2)).astype(np.float32)
    upper, lower = values[:-1, :, : LINES - 9 : -1].copy(), values[1:, :, :8].copy()
    values[:-1, :, : LINES - 9 : -1] = upper * straight + lower * across
    values[1:, :, :8] = lower * straight - upper * across
