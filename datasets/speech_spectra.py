"""Spectra of speech and the vocoders that are built on them alone: Griffin-Lim, phase vocoder.

Arrays in, arrays out; 16 kHz is assumed where frequencies are named. Spectra are (F, T) with
F = n_fft // 2 + 1 frequencies.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from unmask.datasets.speech_encodings import Wave

Spectrum = NDArray[np.complex64]  # (F, T)
Magnitude = NDArray[np.float32]  # (F, T)


def stft(wave: Wave, n_fft: int, hop: int) -> Spectrum:
    """(F, T) of a periodic Hann window; frames are centred, the ends padded by zeros.

    `n_fft` is a multiple of `hop`.
    """
    padded = np.pad(np.asarray(wave, np.float32), n_fft // 2)
    padded = np.pad(padded, (0, -(len(padded) - n_fft) % hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    return np.asarray(fft.rfft(frames * _window(n_fft)).T)


def istft(spectrum: Spectrum, n_fft: int, hop: int, length: int) -> Wave:
    """The signal (length,) whose spectrum is nearest in least squares (Griffin and Lim 1984)."""
    frames = fft.irfft(spectrum.T, n_fft) * _window(n_fft)
    out = _overlap_added(frames, hop)
    weight = _overlap_added(np.tile(_window(n_fft) ** 2, (len(frames), 1)), hop)
    kept = (out / np.maximum(weight, 1e-8))[n_fft // 2 :][:length]
    return np.asarray(np.pad(kept, (0, length - len(kept))), np.float32)


def griffin_lim(
    magnitude: Magnitude,
    n_fft: int,
    hop: int,
    length: int,
    *,
    iterations: int,
    momentum: float = 0.99,
    seed: int = 0,
) -> Wave:
    """(length,) with about this magnitude, from random phases.

    Griffin and Lim 1984; with momentum, Perraudin et al. 2013 (0: the original).
    """
    rng = np.random.default_rng(seed)
    magnitude = np.asarray(magnitude, np.float32)
    phase = np.exp(2j * np.pi * rng.random(magnitude.shape)).astype(np.complex64)
    before = np.zeros_like(phase)
    for _ in range(iterations):
        consistent = stft(istft(magnitude * phase, n_fft, hop, length), n_fft, hop)
        moved = consistent + momentum * (consistent - before)
        phase = moved / np.maximum(np.abs(moved), 1e-12)
        before = consistent
    return istft(magnitude * phase, n_fft, hop, length)


@lru_cache(maxsize=16)
def mel_filters(rate: int, n_fft: int, mels: int, low: float, high: float) -> Magnitude:
    """(mels, F) triangles on the mel scale of O'Shaughnessy 1987, each of the same area."""
    steps = np.linspace(_mel(low), _mel(high), mels + 2)
    return _triangles(700 * (10 ** (steps / 2595) - 1), rate, n_fft)


@lru_cache(maxsize=4)
def slaney_filters(rate: int, n_fft: int, mels: int, high: float) -> Magnitude:
    """(mels, F) the same from 0 Hz on the mel scale of Slaney 1998, which vocoders are trained on.

    Straight up to 1 kHz, 15 mel of 66.7 Hz; above 27 mel for each factor of 6.4.
    """
    top = 15 + 27 * np.log(high / 1000) / np.log(6.4)
    steps = np.linspace(0, top, mels + 2)
    edges = np.where(steps < 15, steps * 200 / 3, 1000 * 6.4 ** ((steps - 15) / 27))
    return _triangles(edges, rate, n_fft)


def _triangles(edges: NDArray[np.float64], rate: int, n_fft: int) -> Magnitude:
    """(len(edges) - 2, F) triangles of area 1 between each edge and the next but one, in Hz."""
    frequencies = np.fft.rfftfreq(n_fft, 1 / rate)
    rise = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rise, fall))
    return np.asarray(triangles * (2 / (edges[2:] - edges[:-2]))[:, None], np.float32)


def from_mel(mel: Magnitude, filters: Magnitude, *, refine: int = 0) -> Magnitude:
    """(F, T) magnitudes whose mel bands are `mel` (M, T): the pseudo-inverse, nothing below zero.

    `refine` steps of the multiplicative update of Lee and Seung (2001) then bring the bands nearer.
    """
    guess = np.maximum(np.linalg.pinv(filters) @ mel, 1e-8)
    for _ in range(refine):
        guess *= (filters.T @ mel) / np.maximum(filters.T @ (filters @ guess), 1e-12)
    return np.asarray(guess)


def stretched(wave: Wave, factor: float, *, n_fft: int = 1024, locked: bool = False) -> Wave:
    """`factor` times as long at the same pitch, by a phase vocoder (Flanagan and Golden 1966).

    `locked`: the bins around a peak keep their phases relative to it (Laroche and Dolson 1999).
    """
    hop = n_fft // 4
    spectrum = stft(wave, n_fft, hop)
    times = np.arange(0, spectrum.shape[1] - 1, 1 / factor)
    expected = 2 * np.pi * hop * np.arange(spectrum.shape[0]) / n_fft
    phase = np.angle(spectrum[:, 0]).astype(np.float64)
    out = np.empty((spectrum.shape[0], len(times)), np.complex64)
    for i, time in enumerate(times):
        left, right = spectrum[:, int(time)], spectrum[:, int(time) + 1]
        share = time - int(time)
        size = (1 - share) * np.abs(left) + share * np.abs(right)
        out[:, i] = size * np.exp(1j * (_locked(phase, left, size) if locked else phase))
        step = np.angle(right) - np.angle(left) - expected
        phase = phase + expected + step - 2 * np.pi * np.round(step / (2 * np.pi))
    return istft(out, n_fft, hop, int(len(wave) * factor))


def _locked(phase: NDArray[np.float64], left: Spectrum, size: Magnitude) -> NDArray[np.float64]:
    peaks = signal.argrelmax(size, order=2)[0]
    if len(peaks) == 0:
        return phase
    nearest = peaks[np.abs(np.arange(len(size))[:, None] - peaks).argmin(1)]
    angle = np.angle(left)
    return np.asarray(phase[nearest] + angle - angle[nearest], np.float64)


def _overlap_added(frames: NDArray[np.float32], hop: int) -> NDArray[np.float32]:
    """Frames (T, n), `hop` apart, added up; n is a multiple of `hop`."""
    count, n = frames.shape
    out = np.zeros((count + n // hop - 1, hop), np.float32)
    for i in range(n // hop):
        out[i : i + count] += frames[:, i * hop : (i + 1) * hop]
    return out.reshape(-1)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


@lru_cache(maxsize=16)
def _window(n_fft: int) -> NDArray[np.float32]:
    return np.asarray(signal.windows.hann(n_fft, sym=False), np.float32)
