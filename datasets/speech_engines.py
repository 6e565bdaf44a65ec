"""Text-to-speech engines as programs of the user's machine: eSpeak NG, Flite, Festival.

Formant synthesis (Klatt 1980) and MBROLA-like spectra by eSpeak NG; diphones, clustered units
(Black and Taylor 1997) and statistical parametric voices (Zen et al. 2007; Black 2006) by Festival
and Flite. Kokoro, which is neural, has its own module.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_signal import at_rate, decoded, quiet_end, spoken, tight
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_texts import TEXTS
from unmask.errors import MediaError

_SECONDS = 120  # that an engine may take for a text
_PACE = 15.0  # letters a second, and some are cut off

Say = Callable[[str, str, np.random.Generator], tuple[Wave, int]]  # text, voice -> wave, rate


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A text-to-speech engine: its voices by language, and how it is asked to say a text."""

    name: str  # the family
    voices: Mapping[str, tuple[str, ...]]
    licence: str  # of what it says
    say: Say


def spoken_text(
    engine: Engine, language: str, voice: str, seconds: float, rng: np.random.Generator
) -> Wave:
    """About `seconds` of speech at 16 kHz, cut at a pause and without silence at its ends.

    Raises MissingEngineError, and MediaError where the engine gave no sound.
    """
    sentences = TEXTS[language]
    at, text = int(rng.integers(len(sentences))), ""
    while len(text) < seconds * _PACE + 20:
        text, at = f"{text} {sentences[at % len(sentences)]}", at + 1
    wave, rate = engine.say(text.strip(), voice, rng)
    wave = at_rate(wave, rate)
    wave = wave[spoken(wave)[0] :]
    first, last = tight(wave[: quiet_end(wave, seconds)])
    return wave[first:last]


def missing(engine: Engine) -> str:
    """Why the engine cannot speak here; "" where it can."""
    rng = np.random.default_rng(0)
    language = next(iter(engine.voices))
    try:
        engine.say("One.", engine.voices[language][0], rng)
    except (MissingEngineError, MediaError) as error:
        return str(error)
    return ""


def voices(engine: Engine, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Language and voice, without end, every voice of a language as often as the others."""
    every = [(language, v) for language, names in engine.voices.items() for v in names]
    while True:
        for i in rng.permutation(len(every)):
            yield every[i]


def _run(command: list[str], debian: str, text: str) -> bytes:
    program = shutil.which(command[0])
    if program is None:
        raise MissingEngineError(f"this machine has no {command[0]} (Debian: {debian})")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            input=text.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingEngineError(f"{command[0]} failed: {error}") from error
    return done.stdout


def _espeak(text: str, voice: str, rng: np.random.Generator) -> tuple[Wave, int]:
    pitch, speed = rng.integers(25, 75), rng.integers(130, 190)
    command = ["espeak-ng", "-v", voice, "-p", f"{pitch}", "-s", f"{speed}", "--stdin", "--stdout"]
    return decoded(_run(command, "espeak-ng", text), f"espeak-ng {voice}")


def _flite(text: str, voice: str, rng: np.random.Generator) -> tuple[Wave, int]:
    stretch = f"duration_stretch={rng.uniform(0.9, 1.2):.3f}"
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "said.wav"
        command = ["flite", "-voice", voice, "--setf", stretch, "-t", text, "-o", str(place)]
        _run(command, "flite", "")
        return decoded(place.read_bytes() if place.exists() else b"", f"flite {voice}")


def _festival(text: str, voice: str, rng: np.random.Generator) -> tuple[Wave, int]:
    stretch = f"(Parameter.set 'Duration_Stretch {rng.uniform(0.9, 1.2):.3f})"
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "said.wav"
        set_up = f"(begin (voice_{voice}) {stretch})"
        _run(["text2wave", "-eval", set_up, "-o", str(place)], "festival", text)
        return decoded(place.read_bytes() if place.exists() else b"", f"festival {voice}")


def _variants(languages: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    kinds = ("m1", "m3", "m7", "f1", "f3", "klatt", "klatt4", "croak")
    return {k: tuple(f"{name}+{kind}" for kind in kinds) for k, name in languages.items()}


ESPEAK = Engine(
    name="espeak-ng",
    voices=MappingProxyType(_variants({"en": "en-us", "nl": "nl", "ru": "ru", "es": "es-419"})),
    licence="output of a GPL-3 program: free",
    say=_espeak,
)
# Its other voices, slt and kal, are also those that Festival has: they would be on two sides.
FLITE = Engine(
    name="flite",
    voices=MappingProxyType({"en": ("rms", "awb")}),
    licence="output of a BSD-like program: free",
    say=_flite,
)
FESTIVAL = Engine(
    name="festival",
    voices=MappingProxyType({"en": ("kal_diphone", "cmu_us_slt_arctic_hts")}),
    licence="output of a BSD-like program: free",
    say=_festival,
)
ENGINES = (ESPEAK, FLITE, FESTIVAL)
