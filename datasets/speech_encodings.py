"""What happens to speech on its way: codecs, telephone, noise, rooms, as pure functions.

`encode(wave, rate, "mp3:64")` gives the same utterance after 64 kbit/s MP3, of the same length,
rate and timing. Both classes go through the same chains, in training and in measuring, so
that no codec becomes a label. Names may be chained: "room:300+noise:20+opus:24".

    clean          as it is                        room:300     reverberation time in ms
    mp3:64         kbit/s                          gain:-12     dB, clipped at full scale
    aac:48         kbit/s                          resample:8000  to this rate in Hz and back
    opus:24        kbit/s                          phone        8 kHz, 300-3400 Hz, mu-law (G.711)
    noise:20       white and pink, SNR in dB
"""

import io
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

import av
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from unmask.errors import UnmaskError

Wave = NDArray[np.float32]  # (N,) mono in [-1, 1]

# The perturbation grid of the field's tables; the first is the reference.
GRID = (
    *("clean", "mp3:128", "mp3:64", "mp3:32", "aac:64", "aac:32", "opus:32", "opus:16", "phone"),
    *("resample:8000", "noise:30", "noise:20", "noise:10", "room:200", "room:500", "gain:-12"),
    *("phone+opus:16", "room:300+noise:25+mp3:64"),
)
_PHONE_RATE = 8000  # Hz
_PHONE_BAND = (300.0, 3400.0)  # Hz, ITU-T G.712
_MU = 255.0  # ITU-T G.711
_DELAY = 4096  # samples by which a codec may shift: MP3's 1105 and AAC's 2048 are below
_DIRECT_DB = 6.0  # direct over reverberant energy: a speaker about a metre away
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # Hz, RFC 6716
_CONTAINERS = {"mp3": ("mp3", "libmp3lame"), "aac": ("adts", "aac"), "opus": ("ogg", "libopus")}


class EncodingError(UnmaskError, ValueError):
    """A name that is no encoding, a value outside its range, or a codec that FFmpeg lacks."""


def encode(wave: Wave, rate: int, name: str, *, seed: int = 0) -> Wave:
    """`wave` (N,) at `rate` Hz after the chain that `name` says, again (N,) at `rate`.

    `seed` draws the noise and the room. Raises EncodingError.
    """
    rng = np.random.default_rng(seed)
    out = np.asarray(wave, np.float32)
    if out.ndim != 1 or len(out) == 0:
        raise EncodingError(f"not a mono wave with samples in it: shape {out.shape}")
    for kind, value in parse(name):
        out = _step(out, rate, kind, value, rng)
    return out


def parse(name: str) -> list[tuple[str, float]]:
    """The steps of a chain: what is done, and with what value (0 where it takes none).

    Raises EncodingError.
    """
    steps = []
    for step in name.split("+"):
        kind, colon, text = step.strip().partition(":")
        low, high = _RANGES.get(kind, (1.0, 0.0))
        try:
            value = float(text) if colon else 0.0
        except ValueError:
            value = float("nan")
        needs_value = (low, high) != (0.0, 0.0)
        if not low <= value <= high or bool(colon) != needs_value:
            raise EncodingError(
                f"{step!r} is no encoding; there are {', '.join(map(_said, _RANGES))}"
            )
        steps.append((kind, value))
    return steps


def draw_chain(rng: np.random.Generator) -> str:
    """A random chain for training: a quarter clean; else room, noise, band, gain and one codec.

    The values are drawn between the grid's, so that the grid also measures what lies in between.
    """
    if rng.random() < 0.25:
        return "clean"
    steps = []
    if rng.random() < 0.25:
        steps.append(f"room:{rng.integers(120, 700)}")
    if rng.random() < 0.35:
        steps.append(f"noise:{rng.integers(8, 40)}")
    if rng.random() < 0.15:
        steps.append(f"resample:{rng.choice([8000, 11025, 12000])}")
    if rng.random() < 0.3:
        steps.append(f"gain:{rng.integers(-18, 6)}")
    codec = rng.choice(["none", "mp3", "aac", "opus", "phone"], p=[0.3, 0.2, 0.15, 0.15, 0.2])
    if codec == "phone":
        steps.append("phone")
    elif codec != "none":
        low, high = {"mp3": (16, 128), "aac": (20, 96), "opus": (10, 48)}[codec]
        steps.append(f"{codec}:{rng.integers(low, high)}")
    return "+".join(steps) or "clean"


def coded(wave: Wave, rate: int, codec: str, kilobits: float) -> Wave:
    """Encoded by a lossy codec at `kilobits` kbit/s and decoded again, without the codec's delay.

    Raises EncodingError where this FFmpeg has no such encoder, or not for this rate.
    """
    try:
        at = next((r for r in _OPUS_RATES if r >= rate), 48000) if codec == "opus" else rate
        samples = resampled(_through(resampled(wave, rate, at), at, codec, kilobits), at, rate)
    except (av.FFmpegError, ValueError) as error:
        raise EncodingError(f"{codec} at {kilobits:g} kbit/s and {rate} Hz: {error}") from error
    return aligned(samples, wave)


def aligned(samples: Wave, reference: Wave) -> Wave:
    """`samples` shifted to lie on `reference` as cross-correlation has it, cut to its length."""
    correlation = signal.correlate(samples, reference, mode="full", method="fft")
    lags = signal.correlation_lags(len(samples), len(reference))
    near = np.abs(lags) <= _DELAY
    lag = int(lags[near][np.argmax(correlation[near])]) if near.any() else 0
    moved = samples[lag:] if lag >= 0 else np.pad(samples, (-lag, 0))
    padded = np.pad(moved, (0, max(0, len(reference) - len(moved))))
    return np.asarray(padded[: len(reference)], np.float32)


def resampled(wave: Wave, rate: int, to: int) -> Wave:
    """`wave` at another rate, by a polyphase filter: (ceil(N * to / rate),)."""
    if rate == to:
        return wave
    ratio = Fraction(to, rate)
    return np.asarray(signal.resample_poly(wave, ratio.numerator, ratio.denominator), np.float32)


def companded(wave: Wave) -> Wave:
    """Through the 8-bit mu-law of ITU-T G.711 and back; values in [-1, 1]."""
    inside = np.clip(wave, -1, 1)
    level = np.sign(inside) * np.log1p(_MU * np.abs(inside)) / np.log1p(_MU)
    level = np.round(level * 127) / 127
    return np.asarray(np.sign(level) * np.expm1(np.abs(level) * np.log1p(_MU)) / _MU, np.float32)


def with_noise(wave: Wave, snr: float, rng: np.random.Generator) -> Wave:
    """Noise added at `snr` dB below the signal's mean power, between white and pink by chance."""
    n = len(wave)
    slope = rng.uniform(0, 1)  # of power over frequency: 0 white, 1 pink
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1) ** (-slope / 2)
    noise = np.fft.irfft(spectrum, n)
    power = float(np.mean(np.square(wave))) / 10 ** (snr / 10)
    scale = np.sqrt(power / max(float(np.mean(np.square(noise))), 1e-20))
    return np.asarray(wave + scale * noise, np.float32)


def in_room(wave: Wave, rate: int, milliseconds: float, rng: np.random.Generator) -> Wave:
    """Convolved with a synthetic room: the direct sound, then noise that falls by 60 dB.

    `milliseconds` is the time of that fall (RT60), as in Polack's model of 1988. The level stays.
    """
    n = max(2, int(rate * milliseconds / 1000))
    time = np.arange(1, n) / rate
    tail = rng.standard_normal(n - 1) * 10 ** (-3 * time * 1000 / milliseconds)
    tail *= np.sqrt(10 ** (-_DIRECT_DB / 10) / np.sum(np.square(tail)))
    wet = signal.fftconvolve(wave, np.concatenate(([1.0], tail)))[: len(wave)]
    level = np.sqrt(np.mean(np.square(wave)) / max(float(np.mean(np.square(wet))), 1e-20))
    return np.asarray(wet * level, np.float32)


def by_telephone(wave: Wave, rate: int) -> Wave:
    """The telephone of the 20th century: 8 kHz, 300-3400 Hz, mu-law."""
    narrow = resampled(wave, rate, _PHONE_RATE)
    band = signal.firwin(161, _PHONE_BAND, pass_zero=False, fs=_PHONE_RATE)
    narrow = companded(np.asarray(signal.fftconvolve(narrow, band, mode="same"), np.float32))
    return aligned(resampled(narrow, _PHONE_RATE, rate), wave)


def _through(wave: Wave, rate: int, codec: str, kilobits: float) -> Wave:
    container, encoder = _CONTAINERS[codec]
    pcm = np.round(np.clip(wave, -1, 1) * 32767).astype(np.int16)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(encoder, rate=rate, layout="mono")
        stream.bit_rate = int(kilobits * 1000)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size
        )
        for piece in (*resampler.resample(frame), *resampler.resample(None), None):
            out.mux(stream.encode(piece))
    buffer.seek(0)
    back = av.AudioResampler(format="flt", layout="mono", rate=rate)
    with av.open(buffer, "r", format={"adts": "aac"}.get(container, container)) as made:
        pieces = [p for f in made.decode(audio=0) for p in back.resample(f)]
    pieces += back.resample(None)
    return np.concatenate([p.to_ndarray()[0] for p in pieces])


def _step(wave: Wave, rate: int, kind: str, value: float, rng: np.random.Generator) -> Wave:
    match kind:
        case "mp3" | "aac" | "opus":
            return coded(wave, rate, kind, value)
        case "phone":
            return by_telephone(wave, rate)
        case "noise":
            return with_noise(wave, value, rng)
        case "room":
            return in_room(wave, rate, value, rng)
        case "gain":
            return np.asarray(np.clip(wave * 10 ** (value / 20), -1, 1), np.float32)
        case "resample":
            back = resampled(resampled(wave, rate, int(value)), int(value), rate)
            return np.pad(back, (0, max(0, len(wave) - len(back))))[: len(wave)]
    return wave  # clean


_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "clean": (0.0, 0.0),
        "mp3": (8.0, 320.0),
        "aac": (8.0, 320.0),
        "opus": (6.0, 256.0),
        "phone": (0.0, 0.0),
        "noise": (-20.0, 100.0),
        "room": (20.0, 3000.0),
        "gain": (-60.0, 40.0),
        "resample": (2000.0, 192000.0),
    }
)


def _said(kind: str) -> str:
    low, high = _RANGES[kind]
    return kind if (low, high) == (0.0, 0.0) else f"{kind}:<{low:g} to {high:g}>"
