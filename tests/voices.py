"""Small voices made on the spot: vowels, pauses and noise, at 16 kHz."""

import numpy as np

from unmask.datasets.speech_encodings import Wave

RATE = 16_000


def voice(seconds: float, *, pitch: float = 120.0, seed: int = 0) -> Wave:
    """Syllables of a quarter second with a gliding pitch and two formants, over faint noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = pitch * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * time + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    formants = (rng.uniform(400, 800), rng.uniform(1200, 2400), 3300.0)
    out = np.zeros(len(time))
    for n in range(1, 45):
        weight = sum(np.exp(-(((n * pitch - f) / 250) ** 2)) for f in formants) + 0.02
        out += weight * np.sin(n * phase)
    syllables = np.clip(1.5 * np.sin(np.pi * time / 0.25) ** 2, 0.05, 1)
    hiss = rng.standard_normal(len(time)) * 0.02
    return np.asarray(0.05 * (out * syllables + hiss), np.float32)


def with_silence(wave: Wave, before: float, after: float) -> Wave:
    """`wave` with so many seconds of near silence at its ends."""
    rng = np.random.default_rng(1)
    return np.concatenate(
        [
            (rng.standard_normal(int(before * RATE)) * 1e-5).astype(np.float32),
            wave,
            (rng.standard_normal(int(after * RATE)) * 1e-5).astype(np.float32),
        ]
    )
