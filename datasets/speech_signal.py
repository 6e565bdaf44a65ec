"""Speech as arrays: decoding, and the one preparation that real and fake recordings both get.

A corpus leaks its labels by its format sooner than by its voices: by silence before the first word,
level, bandwidth, length. So whatever an utterance is, `finished` gives it the same rate, the same
filters, the same level and the same fades, and `cuts` cuts real and synthesised recordings by one
rule.
"""

import hashlib
import io
import wave as pcm_file
from functools import lru_cache

import av
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from unmask.datasets.speech_encodings import Wave, resampled
from unmask.errors import MediaError, Reason

RATE = 16_000  # Hz, of everything in a corpus
WIDE, NARROW = 16_000, 8_000  # Hz, rate of a recording: what its band can hold
SHORTEST, LONGEST = 3.0, 8.0  # s, of an utterance
_LEVEL = -30.0  # dB of full scale, RMS: low enough that no peak of speech is clipped
_CUT = {WIDE: 7400.0, NARROW: 3700.0}  # Hz: below where resamplers and encoders begin to differ
_RUMBLE = 60.0  # Hz: below it lie DC and hum, which copy-synthesis drops
_FRAME = 160  # samples of 10 ms
_QUIET = -35.0  # dB below the loud frames: what counts as silence
# Utterances are cut where speech is well above that, so that a copy, which may begin a little
# softer or later, does not begin with silence where its recording does not.
_CUT_AT = -22.0
_FADE = 80  # samples of 5 ms


def decoded(data: bytes, name: str) -> tuple[Wave, int]:
    """The first sound track of an audio file, mixed down: (N,) in [-1, 1], and its rate in Hz.

    Raises MediaError: NO_STREAM, CORRUPT.
    """
    try:
        with av.open(io.BytesIO(data)) as container:
            if not container.streams.audio:
                raise MediaError(Reason.NO_STREAM, f"{name} has no sound track.")
            rate = int(container.streams.audio[0].rate)
            to = av.AudioResampler(format="flt", layout="mono", rate=rate)
            frames = [f for d in container.decode(audio=0) for f in to.resample(d)]
            pieces_ = [f.to_ndarray()[0] for f in (*frames, *to.resample(None))]
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise MediaError(Reason.CORRUPT, f"{name} cannot be decoded: {error}") from error
    if not pieces_ or rate <= 0:
        raise MediaError(Reason.CORRUPT, f"{name} has no samples.")
    return np.asarray(np.concatenate(pieces_), np.float32), rate


def levels(wave: Wave) -> NDArray[np.float64]:
    """(F,) power of 10 ms frames in dB relative to full scale; the last frame may be shorter."""
    squares = np.square(np.pad(wave, (0, -len(wave) % _FRAME)).astype(np.float64))
    return np.asarray(10 * np.log10(squares.reshape(-1, _FRAME).mean(1) + 1e-12))


def spoken(wave: Wave, quiet: float = _QUIET) -> tuple[int, int]:
    """First and last sample (exclusive) of what is not silence at the ends; (0, 0) if all is.

    `quiet`: in dB below the loud frames, the 95th percentile of 10 ms. Rumble is not heard.
    """
    if len(wave) == 0:
        return 0, 0
    still = signal.sosfilt_zi(_rumble()) * float(wave[0])  # so that an offset is no click
    level = levels(np.asarray(signal.sosfilt(_rumble(), wave, zi=still)[0], np.float32))
    loud = np.flatnonzero(level > max(float(np.percentile(level, 95)) + quiet, -80.0))
    if len(loud) == 0:
        return 0, 0
    return int(loud[0]) * _FRAME, min(int(loud[-1] + 1) * _FRAME, len(wave))


def cuts(wave: Wave, seconds: float, shortest: float = SHORTEST) -> list[tuple[int, int]]:
    """First and last sample (exclusive) of the utterances of about `seconds` in a recording.

    The cut is at the quietest 50 ms within a fifth of `seconds` around the aim, and silence at the
    ends is left out. What is shorter than `shortest` seconds or longer than LONGEST is dropped.
    """
    found, start = [], 0
    while len(wave) - start >= shortest * RATE:
        first, _ = spoken(wave[start:])
        start += first
        end = start + quiet_end(wave[start:], seconds)
        first, last = tight(wave[start:end])
        if shortest * RATE <= last - first <= LONGEST * RATE:
            found.append((start + first, start + last))
        start = end
    return found


def tight(wave: Wave) -> tuple[int, int]:
    """Where an utterance is cut: from its first to its last clearly spoken frame."""
    return spoken(wave, _CUT_AT)


def quiet_end(wave: Wave, seconds: float) -> int:
    """Where to cut so that about `seconds` stay: the quietest place near there, or the end."""
    if len(wave) <= seconds * 1.2 * RATE:
        return len(wave)
    low, high = int(seconds * 0.8 * RATE), int(seconds * 1.2 * RATE)
    level = np.convolve(10 ** (levels(wave[low:high]) / 10), np.ones(5), mode="same")
    return low + int(np.argmin(level)) * _FRAME


def finished(wave: Wave, band: int) -> Wave:
    """(N,) at 16 kHz as it goes into a corpus: one filter, one level, one fade for both classes.

    `band` is WIDE or NARROW: what the recording, or what a fake was made from, could hold.
    """
    out = signal.sosfilt(_rumble(), wave.astype(np.float64))
    out = signal.fftconvolve(out, _lowpass(band), mode="same")
    fade = np.sin(np.linspace(0, np.pi / 2, min(_FADE, len(out)))) ** 2
    out[: len(fade)] *= fade
    out[len(out) - len(fade) :] *= fade[::-1]
    out -= out.mean()
    power = float(np.mean(np.square(out)))
    out *= 10 ** (_LEVEL / 20) / np.sqrt(max(power, 1e-12))
    return np.asarray(np.clip(out, -1, 1), np.float32)


def at_rate(wave: Wave, rate: int, band: int = WIDE) -> Wave:
    """`wave` at 16 kHz; through 8 kHz where `band` is NARROW, so that nothing above 4 kHz stays."""
    narrow = resampled(wave, rate, NARROW) if band == NARROW else wave
    return resampled(narrow, NARROW if band == NARROW else rate, RATE)


def to_pcm(wave: Wave) -> bytes:
    """A 16-bit mono WAV file at 16 kHz. The dither of one step hides no trace and makes none."""
    noise = np.random.default_rng(_seed_of(wave)).uniform(-0.5, 0.5, (2, len(wave))).sum(0)
    samples = np.clip(np.round(wave * 32767 + noise), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with pcm_file.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    return buffer.getvalue()


def _seed_of(wave: Wave) -> int:
    return int.from_bytes(hashlib.sha256(wave.tobytes()).digest()[:8], "big")


@lru_cache(maxsize=2)
def _lowpass(band: int) -> NDArray[np.float64]:
    return np.asarray(signal.firwin(255, _CUT[band], fs=RATE))


@lru_cache(maxsize=1)
def _rumble() -> NDArray[np.float64]:
    return np.asarray(signal.butter(4, _RUMBLE, "highpass", fs=RATE, output="sos"))
