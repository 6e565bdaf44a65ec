"""Where in a recording the voice is synthetic: insertions that are made, and how well found."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unmask.datasets.manifest import Split
from unmask.datasets.speech_manifest import Utterance
from unmask.detect.audio.frontends import RATE
from unmask.detect.audio.pairs import FADE, at_level, read_wave
from unmask.sound import Region, Samples

WHOLE, PART = 60.0, 10.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Insertion:
    """Real speech with a stretch of synthetic speech in it."""

    wave: Samples  # (N,) at 16 kHz
    place: Region
    family: str


def intersection_over_union(found: Sequence[Region], wanted: Region) -> float:
    """Shared time over the time of either, of all that was found; 0 where nothing was."""
    shared = sum(max(0.0, min(r.end, wanted.end) - max(r.start, wanted.start)) for r in found)
    total = sum(r.seconds for r in found) + wanted.seconds - shared
    return shared / total if total > 0 else 0.0


def insertions(data: Sequence[Utterance], split: Split, count: int, seed: int) -> list[Insertion]:
    """`count` recordings of a minute with ten seconds of each family of the split in turn.

    The synthetic stretch is of the recording's own voice where the family has it (copy-synthesis),
    else of one voice of the family, at the same level, joined by 5 ms cross-fades; the place is
    drawn. Raises ValueError where a class is missing, or a corpus has too little speech.
    """
    kept = [u for u in data if u.split is split and u.band == RATE]
    fakes: dict[str, list[Utterance]] = defaultdict(list)
    reals: dict[str, list[Utterance]] = defaultdict(list)
    for one in kept:
        (fakes[one.family] if one.fake else reals[one.corpus]).append(one)
    if not fakes or not reals:
        raise ValueError(f"{split} has not both real and synthetic recordings")
    return list(_made(dict(fakes), dict(reals), count, seed))


def real_minutes(data: Sequence[Utterance], split: Split, count: int, seed: int) -> list[Samples]:
    """`count` minutes of real recordings, one after the other, of each corpus of the split in turn.

    Where a corpus has several speakers, a minute has several too. Raises ValueError where the split
    has no real recordings.
    """
    reals: dict[str, list[Utterance]] = defaultdict(list)
    for one in (u for u in data if u.split is split and not u.fake):
        reals[one.corpus].append(one)
    if not reals:
        raise ValueError(f"{split} has no real recordings")
    corpora = sorted(reals)
    return [
        _joined(
            _shuffled(reals[corpora[n % len(corpora)]], np.random.default_rng([seed, n])), WHOLE
        )
        for n in range(count)
    ]


def _made(
    fakes: dict[str, list[Utterance]], reals: dict[str, list[Utterance]], count: int, seed: int
) -> Iterator[Insertion]:
    families = sorted(fakes)
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        family = families[number % len(families)]
        first = fakes[family][int(rng.integers(len(fakes[family])))]
        corpus = first.corpus if first.corpus in reals else sorted(reals)[number % len(reals)]
        same = [u for u in fakes[family] if u.speaker == first.speaker]
        part = _joined([first, *_shuffled(same, rng)], PART)
        wave = _joined(_shuffled(reals[corpus], rng), WHOLE)
        start = int(rng.integers(0, len(wave) - len(part)))
        fade = np.minimum(1, np.arange(1, len(part) + 1) / FADE).astype(np.float32)
        fade = np.minimum(fade, fade[::-1])
        stretch = slice(start, start + len(part))
        wave[stretch] = wave[stretch] * (1 - fade) + part * fade
        place = Region(start / RATE, (start + len(part)) / RATE)
        yield Insertion(wave=wave, place=place, family=family)


def _shuffled(choices: Sequence[Utterance], rng: np.random.Generator) -> list[Utterance]:
    return [choices[int(i)] for i in rng.permutation(len(choices))]


def _joined(utterances: Sequence[Utterance], seconds: float) -> Samples:
    """Utterances one after the other, each at one level, again from the first where they end."""
    parts, left, number = [], int(seconds * RATE), 0
    while left > 0:
        part = at_level(read_wave(utterances[number % len(utterances)].path))[:left]
        parts.append(part)
        left -= len(part)
        number += 1
    return np.concatenate(parts)
