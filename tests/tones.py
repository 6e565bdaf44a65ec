"""Sounds that tests make: something like a voice, noise, tones, chords, and files of them."""

import io
from functools import cache

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from unmask.media import Media, open_bytes

Samples = NDArray[np.float32]


def noise(seconds: float, rate: int = 16000, level: float = 0.01, seed: int = 0) -> Samples:
    """White noise of the given standard deviation."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=round(seconds * rate)) * level).astype(np.float32)


def tone(seconds: float, frequency: float, rate: int = 16000, level: float = 0.1) -> Samples:
    """A sine."""
    time = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * frequency * time) * level).astype(np.float32)


def chords(seconds: float, rate: int = 16000) -> Samples:
    """Four chords in turn, each note with harmonics that fade: music, and no voice."""
    roots = (220.0, 174.6, 261.6, 196.0)
    time = np.arange(round(rate * 1.0)) / rate
    played = []
    for root in roots:
        chord = sum(
            np.sin(2 * np.pi * root * ratio * h * time) / h**1.5
            for ratio in (1, 1.25, 1.5)
            for h in range(1, 7)
        )
        played.append(chord * np.exp(-1.2 * time) * 0.08)
    whole = np.tile(np.concatenate(played), int(seconds / 4) + 1)
    return whole[: round(seconds * rate)].astype(np.float32)


def wav(samples: NDArray[np.float32], rate: int = 16000) -> bytes:
    """(samples,) or (samples, channels) as a WAV of 16 bits."""
    return encoded(samples, rate, "wav", "pcm_s16le")


def encoded(
    samples: NDArray[np.float32], rate: int, form: str, codec: str, bit_rate: int = 0
) -> bytes:
    """A file of FFmpeg's container `form` and encoder `codec`."""
    channels = samples[:, None] if samples.ndim == 1 else samples
    whole = np.round(np.clip(channels, -1, 1) * 32767).astype(np.int16)
    layout = {1: "mono", 2: "stereo"}[whole.shape[1]]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        if bit_rate:
            stream.bit_rate = bit_rate
        mux(container, stream, whole)
    return buffer.getvalue()


def mux(container: OutputContainer, stream: AudioStream, samples: NDArray[np.int16]) -> None:
    """Encode (samples,) or (samples, channels) at the stream's rate into it, to the end."""
    channels = samples[:, None] if samples.ndim == 1 else samples
    layout = {1: "mono", 2: "stereo"}[channels.shape[1]]
    whole = np.ascontiguousarray(channels).reshape(1, -1)
    wave = av.AudioFrame.from_ndarray(whole, "s16", layout)
    wave.sample_rate, wave.pts = stream.rate, 0
    size = stream.codec_context.frame_size or None
    fitted = av.AudioResampler(stream.format, stream.layout, stream.rate, size)
    for part in [*fitted.resample(wave), *fitted.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode())


def recording(samples: NDArray[np.float32], rate: int = 16000) -> Media:
    """The samples as a WAV that was opened."""
    return open_bytes(wav(samples, rate), "recording.wav")


def decoded(data: bytes) -> tuple[Samples, int]:
    """(samples,) of the first channel, and the rate."""
    media = open_bytes(data, "recording")
    assert media.waveform is not None
    return media.waveform[:, 0], media.sample_rate


def voice(seconds: float, rate: int = 16000, seed: int = 0, room: float = 0.002) -> Samples:
    """Like speech to a measuring instrument: syllables of harmonics and hiss over room noise."""
    return _voice(seconds, rate, seed, room).copy()


@cache
def _voice(seconds: float, rate: int, seed: int, room: float) -> Samples:
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    time = np.arange(count) / rate
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * time + seed) + 10 * np.sin(2 * np.pi * 0.31 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    order = np.arange(1, min(40, int(rate / 2 / 160)))
    tilt = 1 / order**1.1 * (1 + np.cos(order * 0.8 + seed)) / 2
    buzz = sum(a * np.sin(n * phase + n) for n, a in zip(order, tilt, strict=True))
    hiss = rng.normal(size=count)
    spoken = np.clip(np.sin(2 * np.pi * 2.1 * time + seed) + 0.3, 0, 1) ** 0.5
    hissed = np.clip(-np.sin(2 * np.pi * 2.1 * time + seed) - 0.7, 0, 1)
    whole = 0.12 * buzz * spoken + 0.05 * hiss * hissed + room * rng.normal(size=count)
    return np.asarray(whole, np.float32)
