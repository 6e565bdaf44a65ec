"""Hibari: a small text-to-speech network (8 million parameters) that learned from one of Kokoro's
voices, and synthesises by an inverse STFT.

It comes as a PyPI package, which the user installs: `pip install hibari-tts`. Only fakes are made
with it: nothing of it ships.
"""

import importlib
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_engines import Engine
from unmask.datasets.speech_source_filter import MissingEngineError

_VOICE = "heart"  # the one in the package; others would be fetched


def _say(text: str, voice: str, rng: np.random.Generator) -> tuple[Wave, int]:
    speaker = _speaker(voice)
    seed = int(rng.integers(2**31))
    wave = speaker(text, speed=float(rng.uniform(0.85, 1.15)), seed=seed)
    return np.asarray(wave, np.float32).reshape(-1), int(speaker.sample_rate)


@lru_cache(maxsize=1)
def _speaker(voice: str) -> Any:
    try:
        return importlib.import_module("hibari").Hibari(voice)
    except ImportError as error:
        raise MissingEngineError(f"hibari is not here ({error}): pip install hibari-tts") from error


HIBARI = Engine(
    name="hibari",
    voices=MappingProxyType({"en": (_VOICE,)}),
    licence="Apache-2.0",
    say=_say,
)
