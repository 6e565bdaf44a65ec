"""What is scored: labelled texts and recordings, each of them a row of the tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import share_of
from unmask.detect.evaluation.selection import ALL, EvaluationError

PEOPLE = "people"  # who made what is real, in tables


class Medium(StrEnum):
    """What an evaluation is made on."""

    PICTURES = "pictures"
    TEXTS = "texts"
    SPEECH = "speech"


@dataclass(frozen=True, kw_only=True, eq=False)
class Item:
    """A labelled text or recording. Two of the same content are two items."""

    name: str  # that failures are told by
    fake: bool
    generator: str  # PEOPLE for what is real
    corpus: str
    domain: str  # of a text; the corpus of a recording
    source: str  # prompt, utterance or speaker: drawn together
    split: Split
    attack: str = ""  # on the detector, after the text was made
    decoding: str = ""
    codec: str = ""  # of a recording, in its corpus
    text: str = ""
    path: Path | None = None


def of_split(
    items: Sequence[Item], split: str, place: str, noun: str
) -> tuple[list[Item], list[str]]:
    """Those of the split, or all with a warning where there are none. Raises EvaluationError."""
    if split not in (ALL, *Split):
        raise EvaluationError(f"no split {split!r} (there are {', '.join(Split)} and {ALL})")
    wanted = [one for one in items if split in (ALL, one.split)]
    if wanted:
        return wanted, []
    here = " and ".join(sorted({str(one.split) for one in items}))
    return list(items), [f"{place} has no split {split}: its {noun} of {here} are used."]


def thinned(items: Iterable[Item], limit: int | None) -> list[Item]:
    """At most `limit` of each corpus, domain, split, maker, decoding and attack, in their order.

    They are drawn by a hash of the source, so that what shares a prompt is kept together.
    """
    every = list(items)
    if limit is None:
        return every
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, one in enumerate(every):
        key = (one.corpus, one.domain, one.split, one.generator, one.decoding, one.attack)
        groups[key].append(place)
    kept = set()
    for places in groups.values():
        kept |= set(sorted(places, key=lambda i: (share_of(every[i].source), i))[:limit])
    return [one for place, one in enumerate(every) if place in kept]


def describe(items: Iterable[Item]) -> Mapping[str, Mapping[str, int]]:
    """Corpus -> PEOPLE or generator -> how many, people first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in items:
        counts[one.corpus][one.generator] += 1
    return {
        corpus: {g: counts[corpus][g] for g in sorted(counts[corpus], key=_people_first)}
        for corpus in sorted(counts)
    }


def _people_first(generator: str) -> tuple[bool, str]:
    return generator != PEOPLE, generator
