"""How good a trained converter of two voices is, on the test recordings of its data.

Four things are done to each test recording: nothing, a copy by the vocoder alone, each band moved
to the other voice's mean and deviation without a network, and the conversion. Beside them stand the
other voice's own test recordings, and their copies: what a conversion could reach at best.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_signal import RATE, at_rate, decoded
from unmask.datasets.voice_pair import VoicePair, read_pair
from unmask.generate.audio.converting import (
    OTHER,
    convert,
    copied,
    shifted,
    there_and_back,
    voice_game,
)
from unmask.generate.audio.speaker_embedding import centre, embedding
from unmask.generate.audio.voice_quality import (
    Cepstra,
    cepstral_distance,
    mean_of,
    pitch_and_cepstra,
)
from unmask.generate.evaluating import Measured
from unmask.generate.games.voices import VoiceGame
from unmask.generate.shares import share
from unmask.generate.trained import Trained

_LONG = 1.6  # s, of a recording that is measured: one window of the embedding
_KNOWN = 40  # training recordings that say what a voice is like


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What is heard in one recording."""

    embedding: NDArray[np.float32]  # (256,)
    pitch: float  # semitones above 55 Hz
    cepstra: Cepstra


def hear(wave: Wave) -> Heard:
    """Raises EmbeddingError and TrackerError."""
    pitch, cepstra = pitch_and_cepstra(wave)
    return Heard(embedding=embedding(wave), pitch=pitch, cepstra=cepstra)


def measure(trained: Trained, data: Path, *, count: int) -> Measured:
    """`count` test recordings of each voice at most, evenly taken. Raises what reading them raises,
    QualityError where there are too few, EmbeddingError and TrackerError.
    """
    game = voice_game(trained)
    pair = read_pair(data, Split.TEST)
    known = read_pair(data, Split.TRAIN)
    waves = {n: _waves(getattr(pair, n), count) for n in "ab"}
    centres = {
        n: centre(np.stack([embedding(w) for w in _waves(getattr(known, n), _KNOWN)])) for n in "ab"
    }
    real = {n: [hear(w) for w in waves[n]] for n in "ab"}
    copies = {n: [hear(copied(w)) for w in waves[n]] for n in "ab"}
    results: dict[str, Any] = {
        f"{source}_to_{to}": _one_way(game, source, waves, real, copies, centres)
        for source, to in OTHER.items()
    }
    results["parallel"] = _parallel(game, pair)
    names = dict(zip("ab", pair.names, strict=True))
    parts = [
        f"{names[OTHER[to]]} as {names[to]}: {_told(results[f'{OTHER[to]}_to_{to}'])}"
        for to in "ba"
    ]
    summary = "; ".join(parts)
    return Measured(summary=summary, results={"summary": summary, "voices": names, **results})


def _told(way: Mapping[str, Any]) -> str:
    nearer, moved = way["nearer"]["converted"], way["similarity_to_target"]
    return (
        f"{nearer['value']:.0%} [{nearer['low']:.0%}, {nearer['high']:.0%}] of {nearer['n']} nearer"
        f" to the other voice, similarity {moved['converted']['value']:.2f} (untouched"
        f" {moved['untouched']['value']:.2f}, copies of the other"
        f" {moved['other_copy']['value']:.2f})"
    )


def _one_way(
    game: VoiceGame, source: str, waves: Mapping[str, list[Wave]],
    real: Mapping[str, list[Heard]], copies: Mapping[str, list[Heard]],
    centres: Mapping[str, NDArray[np.float32]],
) -> dict[str, Any]:  # fmt: skip
    to = OTHER[source]
    made: dict[str, list[Heard]] = {
        "untouched": real[source],
        "copy": copies[source],
        "bands_moved": [hear(shifted(game, w, to)) for w in waves[source]],
        "converted": [hear(convert(game, w, to)) for w in waves[source]],
        "other": real[to],
        "other_copy": copies[to],
    }
    back = [hear(there_and_back(game, w, to)) for w in waves[source]]
    target, own = centres[to], centres[source]

    def of(value: Callable[[Heard], float]) -> dict[str, Any]:
        return {
            name: asdict(mean_of(np.array([value(h) for h in heard])))
            for name, heard in made.items()
        }

    def away(heard: list[Heard]) -> dict[str, float]:
        pairs = zip(heard, real[source], strict=True)
        found = [cepstral_distance(h.cepstra, r.cepstra, warped=False) for h, r in pairs]
        return asdict(mean_of(np.array(found)))

    return {
        "similarity_to_target": of(lambda h: float(h.embedding @ target)),
        "similarity_to_source": of(lambda h: float(h.embedding @ own)),
        "nearer": {name: _nearer(heard, target, own) for name, heard in made.items()},
        "pitch_semitones": of(lambda h: h.pitch),
        "cepstral_distance_to_the_recording_db": {
            "copy": away(copies[source]), "there_and_back": away(back),
            "converted": away(made["converted"]),
        },
    }  # fmt: skip


def _nearer(
    heard: list[Heard], target: NDArray[np.float32], own: NDArray[np.float32]
) -> dict[str, float]:
    """Recordings that are more like the other voice than like the one that they were."""
    hits = sum(int(h.embedding @ target > h.embedding @ own) for h in heard)
    return asdict(share(hits, len(heard)))


def _parallel(game: VoiceGame, pair: VoicePair) -> list[dict[str, Any]]:
    """Mel-cepstral distance between lines of the same words, before and after."""
    found = []
    for paths in pair.parallel:
        heard = [pitch_and_cepstra(_wave(p))[1] for p in paths]
        for source, to, row in (("a", "b", 0), ("b", "a", 1)):
            made = pitch_and_cepstra(convert(game, _wave(paths[row]), to))[1]
            found.append(
                {
                    "line": paths[0].stem,
                    "way": f"{source}_to_{to}",
                    "untouched_db": cepstral_distance(*heard, warped=True),
                    "converted_db": cepstral_distance(made, heard[1 - row], warped=True),
                }
            )
    return found


def _waves(paths: tuple[Path, ...], count: int) -> list[Wave]:
    """So many of the recordings that are long enough, evenly taken."""
    chosen: list[Wave] = []
    for i in np.linspace(0, len(paths) - 1, min(len(paths), 2 * count)).round().astype(int):
        wave = _wave(paths[i])
        if len(wave) >= _LONG * RATE and len(chosen) < count:
            chosen.append(wave)
    return chosen


def _wave(path: Path) -> Wave:
    return at_rate(*decoded(path.read_bytes(), path.name))
