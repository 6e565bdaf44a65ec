"""Text-to-speech engines that are Python packages of the user's machine: SVOX Pico and Hibari.

Pico is statistical parametric (Zen et al. 2009), as old telephones and navigation speak. Hibari is
a network of 8 million parameters that learned from one of Kokoro's voices and synthesises by an
inverse STFT. Only fakes are made with them: nothing of them ships.
"""

import importlib
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_engines import Engine
from unmask.datasets.speech_source_filter import MissingEngineError

_PICO_RATE = 16_000  # Hz


def _package(name: str, pip: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingEngineError(f"{name} is not here ({error}): pip install {pip}") from error


def _pico(text: str, voice: str, rng: np.random.Generator) -> tuple[Wave, int]:
    speed, pitch = rng.uniform(0.85, 1.15), rng.uniform(0.8, 1.25)
    speaker = _package("py_nanotts", "py-nanotts").NanoTTS()
    pcm = speaker.speak(text, voice=voice, speed=float(speed), pitch=float(pitch))
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768), _PICO_RATE


def _hibari(text: str, voice: str, rng: np.random.Generator) -> tuple[Wave, int]:
    speaker = _hibari_voice(voice)
    seed = int(rng.integers(2**31))
    wave = speaker(text, speed=float(rng.uniform(0.85, 1.15)), seed=seed)
    return np.asarray(wave, np.float32).reshape(-1), int(speaker.sample_rate)


@lru_cache(maxsize=1)
def _hibari_voice(voice: str) -> Any:
    return _package("hibari", "hibari-tts").Hibari(voice)


PICO = Engine(
    name="pico",
    voices=MappingProxyType({"en": ("en-US", "en-GB"), "es": ("es-ES",)}),
    licence="output of an Apache-2.0 program: free",
    say=_pico,
)
HIBARI = Engine(
    name="hibari",
    voices=MappingProxyType({"en": ("heart",)}),  # the one in the package; others are fetched
    licence="output of an Apache-2.0 program: free",
    say=_hibari,
)
PACKAGED = (PICO, HIBARI)
