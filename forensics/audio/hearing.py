"""What the analyses of sound share: the sound of a file, and its spectrum over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

from unmask.evidence import NotApplicable
from unmask.media import Media
from unmask.sound import Region, Samples, mono

FAINT = 1e-4  # of full scale (-80 dB): below it there is nothing to examine
LOSSLESS = frozenset({"flac", "alac"})  # and every codec whose name begins with "pcm_"


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The sound of a recording, or of a clip's sound track."""

    samples: Samples  # (samples,) in [-1, 1], one channel
    rate: int  # Hz
    codec: str  # FFmpeg's name of it

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples.size / self.rate

    @property
    def lossless(self) -> bool:
        """Whether the file's own codec keeps every sample."""
        return self.codec in LOSSLESS or self.codec.startswith("pcm_")


def heard(media: Media, least: float) -> Sound | NotApplicable:
    """The sound of `media`, or why there is none to examine; `least` in seconds.

    Codes: no_sound, too_short, silence.
    """
    wave, rate = media.waveform, media.sample_rate
    if wave is None or not rate:
        return NotApplicable(code="no_sound", text="The clip has no sound that can be decoded.")
    if wave.shape[0] < least * rate:
        text = f"It lasts {wave.shape[0] / rate:.2f} s; this analysis needs {least:g}."
        return NotApplicable(code="too_short", text=text)
    samples = mono(wave)
    if float(np.abs(samples).max()) < FAINT:
        return NotApplicable(code="silence", text="The sound is silence.")
    return Sound(samples=samples, rate=rate, codec=codec_of(media.container))


def codec_of(container: dict[str, Any]) -> str:
    """FFmpeg's name of the first sound's codec, or ""."""
    streams = container.get("streams") or []
    return next((str(s.get("codec")) for s in streams if s.get("type") == "audio"), "")


def spectra(samples: Samples, window: int, hop: int) -> NDArray[np.float32]:
    """(frames, window // 2 + 1) power in dB of full scale, Hann windows; at least one frame.

    A sine of full scale has 0 dB at its frequency. Silence has -200 dB.
    """
    if samples.size < window:
        samples = np.pad(samples, (0, window - samples.size))
    shape = get_window("hann", window).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    found = np.empty((len(frames), window // 2 + 1), np.float32)
    for first in range(0, len(frames), 512):  # bounds the memory of long recordings
        values = np.fft.rfft(frames[first : first + 512] * shape, axis=1)
        power = np.square(np.abs(values) * (2 / shape.sum()))
        found[first : first + 512] = 10 * np.log10(power + 1e-20)
    return found


def as_facts(regions: Sequence[Region], most: int = 200) -> list[list[float]]:
    """Regions as facts["regions"] holds them: [[start, end], ...] in seconds."""
    return [[round(float(one.start), 3), round(float(one.end), 3)] for one in regions[:most]]
