"""Texts made ready: whole as they lie, or as documents of so many words."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from unmask.datasets.loaders_text import load_texts, text_convention_of
from unmask.datasets.text_samples import PERSON, TextSample
from unmask.detect.benchmarks.items import PEOPLE, Item, of_split, thinned
from unmask.detect.benchmarks.ready import Ready
from unmask.detect.evaluation.selection import EvaluationError
from unmask.detect.text.documents import LEAST_WORDS, Document, documents
from unmask.errors import MediaError, Reason

WHOLE = "whole"
LONGEST = 2000  # words of a document
_LINES = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")


def parse_words(given: Sequence[str]) -> tuple[int | None, ...]:
    """Lengths of documents from "50,100" or "whole" (None), each once. Raises EvaluationError."""
    found: list[int | None] = []
    for word in (w.strip() for text in given for w in text.split(",")):
        if word == WHOLE:
            found.append(None)
        elif word.isascii() and word.isdigit() and LEAST_WORDS <= int(word) <= LONGEST:
            found.append(int(word))
        else:
            raise EvaluationError(
                f"--words {word!r}: {WHOLE}, or numbers from {LEAST_WORDS} to {LONGEST}."
            )
    return tuple(dict.fromkeys(found))


def condition_of(length: int | None) -> str:
    """What tables call documents of that length."""
    return WHOLE if length is None else f"{length} words"


def load_items(
    places: Sequence[str], split: str, limit: int | None, lengths: Sequence[int | None]
) -> tuple[dict[str, tuple[Item, ...]], list[str]]:
    """Documents by condition, and warnings. Raises DatasetError, EvaluationError."""
    found: dict[str, list[Item]] = {condition_of(length): [] for length in lengths}
    warnings = []
    for place in places:
        samples = load_texts(place)
        corpus = text_convention_of(place)
        for length in lengths:
            made = _cut(samples, corpus, length)
            name = condition_of(length)
            if not made:
                warnings.append(f"{place} has not one document of {name}.")
                continue
            kept, more = of_split(made, split, place, "texts")
            found[name] += thinned(kept, limit)
            warnings += more
    if not any(found.values()):
        raise EvaluationError("There is no text to evaluate on.")
    return {name: tuple(items) for name, items in found.items() if items}, warnings


def _cut(samples: Sequence[TextSample], corpus: str, length: int | None) -> list[Item]:
    if length is None:
        return [_whole(one, corpus, place) for place, one in enumerate(samples, 1)]
    made = documents(samples, length)
    return [_of_document(one, corpus, length, place) for place, one in enumerate(made, 1)]


def _whole(one: TextSample, corpus: str, place: int) -> Item:
    return Item(
        name=f"{corpus}, text {place} ({one.source})",
        fake=one.machine,
        generator=_maker(one.generator, one.attack),
        corpus=corpus,
        domain=one.domain,
        source=f"{corpus}/{one.domain}/{one.source}",
        split=one.split,
        attack=one.attack,
        decoding=one.decoding,
        text=one.text,
    )


def _of_document(one: Document, corpus: str, length: int, place: int) -> Item:
    return Item(
        name=f"{corpus}, document {place} of {length} words ({one.sources[0]})",
        fake=one.machine,
        generator=_maker(one.generator, one.attack),
        corpus=corpus,
        domain=one.domain,
        source=f"{corpus}/{one.domain}/{one.sources[0]}",
        split=one.split,
        attack=one.attack,
        decoding=one.decoding,
        text=one.text,
    )


def _maker(generator: str, attack: str) -> str:
    """The model alone: loaders name the attack with it."""
    plain = generator.removesuffix(f"+{attack}") if attack else generator
    return PEOPLE if plain == PERSON else plain


class Texts:
    """Texts as a detector is given them."""

    one, many, real, fake = "text", "texts", "people's texts", "machines' texts"

    def sha256(self, item: Item) -> str:
        """Of the text. Raises MediaError where there is none."""
        if not item.text.strip():
            raise MediaError(Reason.CORRUPT, "The text is empty.")
        return hashlib.sha256(_bytes(item.text)).hexdigest()

    def key(self, item: Item, condition: str) -> tuple[str, ...]:
        """What scores are kept by. A text is itself, whatever it was cut from."""
        del condition
        return (self.sha256(item), "text")

    def ready(self, item: Item, condition: str) -> Ready:
        """The text. Raises MediaError."""
        del condition
        self.sha256(item)
        return Ready(text=_bytes(item.text).decode(), name=item.name)

    def features(self, item: Item, condition: str) -> Mapping[str, list[float]]:
        """What must not tell the classes apart, by probe."""
        del condition
        text = item.text
        return {
            "length in words": [float(len(text.split()))],
            "line breaks": [float(len(_LINES.findall(text)))],
            "characters beyond ASCII": [float(sum(not c.isascii() for c in text))],
        }

    def amount(self, item: Item) -> float:
        """Of one text, for the speed."""
        del item
        return 1.0

    def forget(self) -> None:
        """Nothing is held."""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="replace")  # JSON may hold halves of a character
