"""Vocoders that model how a voice works: linear prediction, WORLD, sinusoids, Codec 2.

All take and give (N,) at 16 kHz, of the same length and on the same time. What they lose is the
excitation: pulses and noise, or sinusoids without their phases, take its place.
"""

import shutil
import subprocess

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, signal

from unmask.datasets.speech_encodings import Wave, aligned, resampled
from unmask.datasets.speech_signal import NARROW, RATE
from unmask.datasets.speech_spectra import istft, stft
from unmask.errors import UnmaskError

_LOWEST, _HIGHEST = 60.0, 400.0  # Hz, of a voice's pitch
_VOICED = 0.35  # normalised autocorrelation above which a frame has a pitch
_SECONDS = 60  # that Codec 2's programs may take


class MissingEngineError(UnmaskError):
    """A vocoder or an engine whose program, library or weights this machine lacks."""


def linear_prediction(wave: Wave, *, order: int = 18, hop: int = 160, seed: int = 0) -> Wave:
    """A pitch-excited linear-prediction vocoder (Atal and Hanauer 1971).

    Pulses at the pitch where a frame is voiced, white noise elsewhere, through the all-pole filter
    of each 30 ms; `hop` is in samples.
    """
    rng = np.random.default_rng(seed)
    x = np.asarray(signal.lfilter([1, -0.9], [1], wave), np.float64)
    width, out, state, due = 3 * hop, np.zeros(len(x)), np.zeros(order), 0.0
    padded = np.pad(x, (hop, 2 * hop))
    for start in range(0, len(x), hop):
        frame = padded[start : start + width] * np.hamming(width)
        coefficients, gain = _all_pole(frame, order)
        period = _period(padded[start : start + width])
        n = min(hop, len(x) - start)
        if period:
            excitation = np.zeros(n)
            while due < n:
                excitation[int(due)] = np.sqrt(period)
                due += period
            due -= n
        else:
            excitation, due = rng.standard_normal(n), 0.0
        out[start : start + n], state = signal.lfilter([gain], coefficients, excitation, zi=state)
    return np.asarray(signal.lfilter([1], [1, -0.9], out), np.float32)


def world(wave: Wave, *, coded: int = 0, frame_ms: float = 5.0) -> Wave:
    """WORLD (Morise et al. 2016): pitch, spectral envelope, aperiodicity, and sound again.

    `coded`: the envelope through so many mel-cepstral dimensions, as statistical synthesis has it;
    0: the whole envelope. Raises MissingEngineError without `pyworld`.
    """
    try:
        import pyworld
    except ImportError as error:
        raise MissingEngineError("WORLD needs the package pyworld") from error
    x = np.asarray(wave, np.float64)
    pitch, time = pyworld.dio(x, RATE, frame_period=frame_ms)
    pitch = pyworld.stonemask(x, pitch, time, RATE)
    envelope = pyworld.cheaptrick(x, pitch, time, RATE)
    aperiodicity = pyworld.d4c(x, pitch, time, RATE)
    if coded:
        size = (envelope.shape[1] - 1) * 2
        envelope = pyworld.decode_spectral_envelope(
            pyworld.code_spectral_envelope(envelope, RATE, coded), RATE, size
        )
    made = pyworld.synthesize(pitch, envelope, aperiodicity, RATE, frame_ms)
    return _fitted(np.asarray(made, np.float32), len(wave))


def sinusoidal(wave: Wave, *, peaks: int = 40, n_fft: int = 640, hop: int = 160) -> Wave:
    """The strongest `peaks` sinusoids of each frame with phases of their own.

    McAulay and Quatieri 1986.

    A sinusoid takes over the phase that the nearest one of the frame before has run up to.
    """
    spectrum = stft(wave, n_fft, hop)
    size = np.abs(spectrum)
    rng = np.random.default_rng(0)
    before_at = np.arange(1.0, n_fft // 2, 4.0)
    before_phase = rng.uniform(0, 2 * np.pi, len(before_at))
    window = np.fft.rfft(signal.windows.hann(n_fft, sym=False) * np.hanning(n_fft), n_fft)
    lobe = np.real(window * np.exp(2j * np.pi * np.arange(len(window)) * (n_fft // 2) / n_fft))[:4]
    out = np.zeros_like(spectrum)
    for t in range(size.shape[1]):
        at, height = _peaks(size[:, t], peaks)
        if len(at) == 0:
            continue
        nearest = np.abs(at[:, None] - before_at).argmin(1)
        mean = (at + before_at[nearest]) / 2
        phase = before_phase[nearest] + 2 * np.pi * mean * hop / n_fft
        for shift in range(-3, 4):
            bins = np.round(at).astype(int) + shift
            inside = (bins >= 0) & (bins < len(out))
            weight = height * lobe[abs(shift)] / lobe[0]
            # A frame's phase is counted from its first sample, a sinusoid's from its middle.
            turned = np.exp(1j * (phase - np.pi * bins))
            np.add.at(out[:, t], bins[inside], (weight * turned)[inside])
        before_at, before_phase = at, phase
    return istft(out, n_fft, hop, len(wave))


def codec2(wave: Wave, mode: str) -> Wave:
    """Codec 2, harmonic sinusoidal coding at 700 to 3200 bit/s (Rowe 2011), 8 kHz: by its programs.

    `mode` is "3200", "2400", "1300" or "700C". Raises MissingEngineError without c2enc and c2dec.
    """
    programs = [shutil.which(name) for name in ("c2enc", "c2dec")]
    if None in programs:
        raise MissingEngineError("Codec 2 needs the programs c2enc and c2dec (Debian: codec2)")
    narrow = np.clip(resampled(wave, RATE, NARROW) * 8, -1, 1)  # its pitch tracker wants it loud
    data = np.pad(np.round(narrow * 32767), (0, 1600)).astype("<i2").tobytes()
    for program in programs:
        assert program is not None
        try:
            done = subprocess.run(
                [program, mode, "-", "-"],
                input=data,
                capture_output=True,
                timeout=_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise MissingEngineError(f"Codec 2 failed: {error}") from error
        data = done.stdout
    made = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32)
    made *= np.float32(1 / (8 * 32767))
    return aligned(resampled(made, NARROW, RATE), wave)


def _all_pole(frame: NDArray[np.float64], order: int) -> tuple[NDArray[np.float64], float]:
    """(order + 1,) coefficients of the whitening filter, and the gain, by autocorrelation."""
    full = signal.correlate(frame, frame, method="fft")[len(frame) - 1 :][: order + 1]
    full[0] = full[0] * (1 + 1e-6) + 1e-9
    predictor = linalg.solve_toeplitz(full[:-1], full[1:])
    error = float(full[0] - predictor @ full[1:]) / len(frame)
    return np.concatenate(([1.0], -predictor)), np.sqrt(max(error, 0.0) * 2.5)  # Hamming's power


def _period(frame: NDArray[np.float64]) -> float:
    """Samples of a pitch period; 0 for a frame without one."""
    low, high = int(RATE / _HIGHEST), int(RATE / _LOWEST)
    full = signal.correlate(frame, frame, method="fft")[len(frame) - 1 :][: high + 1]
    if full[0] <= 1e-7 * len(frame):
        return 0.0
    overlap = full / full[0] * len(frame) / (len(frame) - np.arange(len(full)))
    best = low + int(np.argmax(overlap[low:]))
    return float(best) if overlap[best] > _VOICED else 0.0


def _peaks(
    size: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bins, between the grid by a parabola, and heights of the `count` strongest peaks."""
    at = signal.argrelmax(size)[0]
    at = at[np.argsort(size[at])[-count:]]
    left, middle, right = (np.log(size[at + d] + 1e-12) for d in (-1, 0, 1))
    shift = 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-9)
    order = np.argsort(at)
    return (at + np.clip(shift, -0.5, 0.5))[order], size[at][order]


def _fitted(wave: Wave, length: int) -> Wave:
    return np.pad(wave[:length], (0, max(0, length - len(wave))))
