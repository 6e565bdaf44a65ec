"""From samples to documents of one length, so that no length, start or end tells the class.

A document has exactly so many words: the beginning of a text, or where that is shorter several
texts of one writer and domain, one after the other, for people and machines alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import TextSample, share_of
from unmask.detect.text.language_model import TokenScores, joined
from unmask.detect.text.normalise import normalise, words
from unmask.detect.text.score_cache import ScoreCache

LEAST_WORDS = 50  # of a text that is taken; below, the detector does not answer
LONGEST = 150  # words of a passage: what a language model reads at once


@dataclass(frozen=True, kw_only=True)
class Document:
    """Passages of one writer, normalised; each is the beginning of a text that is scored whole."""

    parts: tuple[str, ...]
    whole: tuple[str, ...]
    machine: bool
    generator: str
    domain: str
    sources: tuple[str, ...]
    split: Split
    attack: str = ""
    decoding: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(self.parts)

    def scores(self, cache: ScoreCache) -> TokenScores | None:
        """Of all passages, or None where one was never scored."""
        found = [cache.get(text) for text in self.whole]
        cut = [s.until(len(p)) for s, p in zip(found, self.parts, strict=True) if s is not None]
        return joined(cut) if len(cut) == len(self.parts) else None


def documents(samples: Iterable[TextSample], length: int) -> list[Document]:
    """Documents of exactly `length` words, in an order that is always the same.

    Texts of one writer (with one decoding and attack), domain and split follow each other by a hash
    of their source; each is used once. Texts under 50 words are left out.
    """
    groups: dict[tuple[str, ...], list[TextSample]] = defaultdict(list)
    for sample in samples:
        made_by = (sample.generator, sample.attack, sample.decoding)
        groups[(*made_by, sample.domain, sample.split)].append(sample)
    made = []
    for group in groups.values():
        group.sort(key=lambda s: (share_of(s.source), s.text))
        made += _of_writer(group, length)
    return made


def _of_writer(group: Sequence[TextSample], length: int) -> list[Document]:
    made = []
    held: list[tuple[str, str, TextSample]] = []  # (part, whole, sample)
    missing = length
    for sample in group:
        whole = whole_of(sample)
        if not whole:
            continue
        part = words(whole)[:missing]
        held.append((" ".join(part), whole, sample))
        missing -= len(part)
        if not missing:
            made.append(_document(held))
            held, missing = [], length
    return made


def whole_of(sample: TextSample) -> str:
    """What is scored of a sample: a normalised passage, or nothing where it is too short."""
    found = words(normalise(sample.text))
    return " ".join(found[:LONGEST]) if len(found) >= LEAST_WORDS else ""


def _document(held: Sequence[tuple[str, str, TextSample]]) -> Document:
    first = held[0][2]
    return Document(
        parts=tuple(part for part, _, _ in held),
        whole=tuple(whole for _, whole, _ in held),
        machine=first.machine,
        generator=first.generator,
        domain=first.domain,
        sources=tuple(sample.source for _, _, sample in held),
        split=first.split,
        attack=first.attack,
        decoding=first.decoding,
    )
