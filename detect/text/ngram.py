"""The language model that ships: interpolated Kneser-Ney over words, up to three at a time.

Kneser and Ney, "Improved backing-off for m-gram language modeling", 1995, as interpolated by Chen
and Goodman 1999. A row of weights holds the discounted probabilities of what was seen after a
context; what is left of its mass goes to the next shorter context. So the distribution over all
words is a multiple of the unigrams' but for the words of two rows, and its moments need only those.
"""

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unmask.detect.text.language_model import TokenScores

UNKNOWN = "<unk>"  # all words outside the vocabulary, as one
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[^\w\s]|_")

_NOTHING = slice(0, 0)

Floats = NDArray[np.float64]


def tokens(text: str) -> list[tuple[int, int, str]]:
    """(start, end, word in lower case) of words, numbers and signs; a number is "0"."""
    found = ((m.start(), m.end(), m.group().lower()) for m in _TOKEN.finditer(text))
    return [(a, b, "0" if word[0].isdigit() else word) for a, b, word in found]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What follows each of a set of contexts: compressed rows, sorted by context."""

    contexts: NDArray[np.uint32]  # (rows,)
    starts: NDArray[np.int64]  # (rows + 1,) into what follows
    words: NDArray[np.uint16]  # sorted within a row
    probabilities: NDArray[np.float16]  # discounted

    @cached_property
    def _places(self) -> dict[int, slice]:
        ends = self.starts.tolist()
        return {
            context: slice(*part)
            for context, part in zip(self.contexts.tolist(), itertools.pairwise(ends), strict=True)
        }

    def row(self, context: int) -> slice:
        """Where in `words` a context's row lies; an empty slice where it was not kept."""
        return self._places.get(context, _NOTHING)

    def row_sums(self, values: Floats) -> Floats:
        """(rows,) of values (entries,)."""
        return np.add.reduceat(values, self.starts[:-1]) if len(self.contexts) else np.zeros(0)


class NGramModel:
    """Trigrams over a vocabulary of at most 65,536 words."""

    def __init__(
        self, vocabulary: list[str], unigram: NDArray[np.float32], pairs: Rows, triples: Rows
    ) -> None:
        self.vocabulary = vocabulary
        self._place = {word: i for i, word in enumerate(vocabulary)}
        self._unknown = self._place[UNKNOWN]
        p = unigram.astype(np.float64)
        self._unigram: Floats = p / p.sum()
        self._sorted = np.sort(self._unigram)
        self._pairs, self._triples = pairs, triples
        self._spread()
        self.name = f"n-gram-{self._digest()}"

    def _spread(self) -> None:
        """Of every word that a pair begins with: the distribution of what follows, prepared.

        q(w) = left * unigram(w) + what the row adds. Its sums of q ln q and q (ln q)^2 over all
        words are those of the scaled unigrams, corrected at the words of the row.
        """
        pairs, size = self._pairs, len(self.vocabulary)
        raised = pairs.probabilities.astype(np.float64)
        left = 1 - pairs.row_sums(raised)
        owner = np.repeat(np.arange(len(left)), np.diff(pairs.starts))
        self._plain = left[owner] * self._unigram[pairs.words]
        self._q = self._plain + raised
        self._left = np.ones(size)
        self._left[pairs.contexts] = left
        log_u = np.log(self._unigram)
        first, second = (float((self._unigram * log_u**k).sum()) for k in (1, 2))
        shift = np.log(self._left)
        self._first = self._left * (first + shift)
        self._second = self._left * (second + 2 * shift * first + shift**2)
        for total, power in ((self._first, 1), (self._second, 2)):
            change = self._q * np.log(self._q) ** power
            change -= self._plain * np.log(self._plain) ** power
            total[pairs.contexts] += pairs.row_sums(change)

    def _digest(self) -> str:
        """Tells apart models of other texts or settings: scores of one are not the other's."""
        found = hashlib.sha256("\n".join(self.vocabulary).encode())
        for rows in (self._pairs, self._triples):
            found.update(rows.words.tobytes() + rows.probabilities.tobytes())
        return found.hexdigest()[:12]

    def ids(self, found: list[tuple[int, int, str]]) -> list[int]:
        """Places of words in the vocabulary."""
        return [self._place.get(word, self._unknown) for _, _, word in found]

    def score(self, text: str) -> TokenScores:
        """Of a normalised text of any length."""
        found = tokens(text)
        ids = self.ids(found)
        scored = np.array(
            [self._of(ids[max(0, i - 2) : i], ids[i]) for i in range(1, len(ids))], np.float64
        ).reshape(-1, 4)
        places = np.array([(a, b) for a, b, _ in found[1:]], np.int32).reshape(-1, 2)
        return TokenScores(
            starts=places[:, 0], ends=places[:, 1],
            log_prob=scored[:, 0].astype(np.float32), rank=scored[:, 1].astype(np.int32),
            entropy=scored[:, 2].astype(np.float32), variance=scored[:, 3].astype(np.float32),
        )  # fmt: skip

    def _of(self, before: list[int], word: int) -> tuple[float, float, float, float]:
        """(log_prob, rank, entropy, variance) of a word after one or two."""
        last = before[-1]
        row = self._pairs.row(last)
        triple = self._triples.row(before[0] * len(self.vocabulary) + last)
        triple = triple if len(before) == 2 else _NOTHING
        raised = self._triples.probabilities[triple].astype(np.float64)
        seen = self._triples.words[triple]
        left = 1 - float(raised.sum())
        q = self._after(last, row, seen)
        plain = left * q
        p = plain + raised
        own = left * float(self._after(last, row, np.array([word], np.uint16))[0])
        if len(here := np.flatnonzero(seen == word)):
            own = float(p[here[0]])
        shift, log_q, log_p = float(np.log(left)), np.log(q), np.log(p)
        first = self._first[last] - float((q * log_q).sum())
        second = self._second[last] - float((q * log_q**2).sum())
        mass = 1 - float(q.sum())  # of the words that the triples do not touch
        mean = float((p * log_p).sum()) + left * (first + shift * mass)
        square = float((p * log_p**2).sum()) + left * (second + 2 * shift * first + shift**2 * mass)
        bar = own * (1 + 1e-9)
        rank = 1 + self._above(last, row, bar / left) + _above(p, bar) - _above(plain, bar)
        return float(np.log(own)), rank, -mean, max(square - mean * mean, 0.0)

    def _after(self, last: int, row: slice, wanted: NDArray[np.integer]) -> Floats:
        """q of the wanted words after one word."""
        words = self._pairs.words[row]
        found: Floats = self._left[last] * self._unigram[wanted]
        if len(words):
            at = np.minimum(np.searchsorted(words, wanted), len(words) - 1)
            found = np.where(words[at] == wanted, self._q[row][at], found)
        return found

    def _above(self, last: int, row: slice, bar: float) -> int:
        """How many words q holds likelier than `bar` after one word."""
        at = np.searchsorted(self._sorted, bar / self._left[last], side="right")
        untouched = len(self._sorted) - int(at)
        return untouched + _above(self._q[row], bar) - _above(self._plain[row], bar)

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """As a file of weights holds it."""
        words = np.frombuffer("\n".join(self.vocabulary).encode(), np.uint8)
        found: dict[str, NDArray[np.generic]] = {
            "vocabulary": words, "unigram": self._unigram.astype(np.float32),
        }  # fmt: skip
        for name, rows in (("pairs", self._pairs), ("triples", self._triples)):
            found |= {
                f"{name}.contexts": rows.contexts,
                f"{name}.counts": np.diff(rows.starts).astype(np.uint16),
                f"{name}.words": rows.words,
                f"{name}.probabilities": rows.probabilities,
            }
        return found

    @classmethod
    def load(cls, tensors: Mapping[str, NDArray[np.generic]]) -> "NGramModel":
        """From `tensors`."""

        def rows(name: str) -> Rows:
            counts = np.asarray(tensors[f"{name}.counts"], np.int64)
            return Rows(
                contexts=np.asarray(tensors[f"{name}.contexts"], np.uint32),
                starts=np.concatenate([[0], np.cumsum(counts)]),
                words=np.asarray(tensors[f"{name}.words"], np.uint16),
                probabilities=np.asarray(tensors[f"{name}.probabilities"], np.float16),
            )

        vocabulary = bytes(np.asarray(tensors["vocabulary"], np.uint8)).decode().split("\n")
        unigram = np.asarray(tensors["unigram"], np.float32)
        return cls(vocabulary, unigram, rows("pairs"), rows("triples"))


def _above(values: Floats, bar: float) -> int:
    return int(np.count_nonzero(values > bar))
