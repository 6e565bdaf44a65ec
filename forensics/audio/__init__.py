"""Analysers of sound that need no training: of recordings, and of the sound tracks of clips.

Importing this package registers them; each module below holds one analyser.
"""

from unmask.forensics.audio import (
    bandwidth,
    earlier_compression,
    mains_hum,
    noise_floor,
    repeated_sound,
    sound_levels,
    speech,
    vocoder_traces,
)

__all__ = [
    "bandwidth",
    "earlier_compression",
    "mains_hum",
    "noise_floor",
    "repeated_sound",
    "sound_levels",
    "speech",
    "vocoder_traces",
]
