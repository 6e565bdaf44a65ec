"""Speech as log mel spectrograms, and back by a vocoder that comes with unmask.

The spectrogram is that of the small neural vocoders (`unmask.datasets.speech_vocoder_nets`): 80 mel
bands up to 8 kHz, 100 frames a second at 16 kHz. What goes in is brought to one level, and its
rumble and the band above 7.4 kHz are filtered away, as in everything the vocoders learned from.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_signal import WIDE, finished
from unmask.datasets.speech_vocoder_nets import GAIN, LogMel

HOP = 160  # samples a frame
LogMels = NDArray[np.float32]  # (80, frames)


def levelled(wave: Wave) -> tuple[Wave, float]:
    """(N,) at 16 kHz -> the same as the vocoders know speech, and the gain that undoes its level."""
    even = finished(wave, WIDE)
    before, after = (float(np.sqrt(np.mean(np.square(w, dtype=np.float64)))) for w in (wave, even))
    return even, before / max(after, 1e-9)


@torch.no_grad()
def analyse(wave: Wave) -> LogMels:
    """(N,) of `levelled` -> (80, ceil(N / 160)) logarithms of mel magnitudes."""
    padded = np.pad(wave, (0, -len(wave) % HOP))
    return np.asarray(_mel()(torch.from_numpy(padded)[None] * GAIN)[0].numpy())


@lru_cache(maxsize=1)
def _mel() -> LogMel:
    return LogMel()
