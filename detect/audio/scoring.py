"""Score recordings of a corpus under encodings: the same for calibration and for results."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import encode
from unmask.datasets.speech_manifest import Utterance
from unmask.detect.audio.frontends import RATE
from unmask.detect.audio.pairs import at_level, read_wave
from unmask.sound import Samples

ENCODINGS = ("clean", "mp3:64", "phone", "opus:24", "noise:20")
Floats = NDArray[np.float64]
Score = Callable[[Samples], float]  # (N,) at 16 kHz -> a score that rises towards synthetic


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a detector said of N recordings, each under E encodings."""

    utterances: tuple[Utterance, ...]  # (N,)
    encodings: tuple[str, ...]  # (E,)
    values: Floats  # (N, E)

    @property
    def fake(self) -> NDArray[np.bool_]:
        """(N,)."""
        return np.array([u.fake for u in self.utterances])

    def of_family(self, family: str) -> "Table":
        """The fakes of one family, and all real recordings."""
        kept = np.array([not u.fake or u.family == family for u in self.utterances])
        chosen = tuple(u for u, keep in zip(self.utterances, kept, strict=True) if keep)
        return replace(self, utterances=chosen, values=self.values[kept])


def thinned(data: Sequence[Utterance], split: Split, most: int) -> list[Utterance]:
    """At most `most` fakes of each family, drawn by a hash of their names.

    Of each corpus all real recordings that these were made of stay, and up to `most` others.
    """
    order = sorted(
        (u for u in data if u.split is split),
        key=lambda u: hashlib.sha256(f"{u.source} {u.generator}".encode()).digest(),
    )
    seen: Counter[str] = Counter()
    fakes = []
    for one in (u for u in order if u.fake):
        if seen[one.family] < most:
            seen[one.family] += 1
            fakes.append(one)
    wanted = {u.source for u in fakes}
    reals = []
    for one in sorted((u for u in order if not u.fake), key=lambda u: u.source not in wanted):
        if seen[one.corpus] < most or one.source in wanted:
            seen[one.corpus] += 1
            reals.append(one)
    return reals + fakes


def encoded(one: Utterance, names: Sequence[str]) -> Iterator[Samples]:
    """The recording at one level after each encoding; noise and rooms are drawn by its name."""
    wave = at_level(read_wave(one.path))
    seed = int.from_bytes(hashlib.sha256(one.source.encode()).digest()[:4], "big")
    for name in names:
        yield encode(wave, RATE, name, seed=seed)


def gather(
    scorers: Mapping[str, Score], data: Sequence[Utterance], encodings: Sequence[str] = ENCODINGS
) -> dict[str, Table]:
    """Every recording under every encoding, by each of the scorers; encoded once for all."""
    values = np.zeros((len(scorers), len(data), len(encodings)))
    for row, one in enumerate(data):
        for column, wave in enumerate(encoded(one, encodings)):
            for number, score in enumerate(scorers.values()):
                values[number, row, column] = score(wave)
    return {
        name: Table(utterances=tuple(data), encodings=tuple(encodings), values=values[number])
        for number, name in enumerate(scorers)
    }


def group_weights(utterances: Sequence[Utterance]) -> Floats:
    """(N,): every family and every corpus of real recordings counts alike within its class."""
    keys = [u.family if u.fake else u.corpus for u in utterances]
    count = Counter(keys)
    return np.array([1 / count[key] for key in keys])
