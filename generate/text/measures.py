"""How good a generator of texts is: beside what it learned from and what it never saw."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from unmask.generate.text.bleu import References, Tokens, lengths, self_bleu

ORDERS = (2, 3, 4)


@dataclass(frozen=True, kw_only=True)
class TextQuality:
    """Figures of one set of texts; each in [0, 1] but where it says another unit."""

    n: int  # texts
    bleu: dict[str, tuple[float, float, float]]  # against held-out texts, by order; higher: nearer
    self_bleu: dict[str, float]  # each against the others, by order; lower: more varied
    repeated: float  # of pairs of neighbouring tokens that stood in the same text before
    distinct: float  # different pairs among all pairs of neighbouring tokens
    longest_copy: int  # tokens: the longest stretch that stands in the training texts too
    median_copy: float  # tokens: the median over texts of each one's longest
    whole_copies: int  # texts that are a training text


def assess_texts(
    made: Tokens, held_out: Tokens, training: Tokens, *, vocabulary: int, references: int = 0
) -> TextQuality:
    """Measure texts (N, T), filled with -1, beside held-out and training ones.

    BLEU is the mean over the texts with its 95% interval (normal), against all held-out texts or,
    with `references`, so many of them: it grows with their number.
    """
    against = held_out[:references] if references else held_out
    known = References(against, vocabulary=vocabulary)
    bleu = {}
    for order in ORDERS:
        one = References(against, vocabulary=vocabulary, order=order) if order < 4 else known
        bleu[str(order)] = _interval(one.bleu(made, smooth=True))
    known_texts = {tuple(row) for row in _plain(training)}
    copies = longest_copies(made, training, vocabulary)
    pairs = [list(pairwise(row)) for row in _plain(made)]
    counts = [Counter(p) for p in pairs]
    total = max(1, sum(map(len, pairs)))
    return TextQuality(
        n=len(made),
        bleu=bleu,
        self_bleu={str(n): self_bleu(made, vocabulary=vocabulary, order=n) for n in ORDERS},
        repeated=sum(sum(c.values()) - len(c) for c in counts) / total,
        distinct=len({p for row in pairs for p in row}) / total,
        longest_copy=int(copies.max()),
        median_copy=float(np.median(copies)),
        whole_copies=sum(tuple(row) in known_texts for row in _plain(made)),
    )


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    """The mean, and the ends of its 95% interval."""
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return mean, mean - half, mean + half


def _plain(tokens: Tokens) -> list[list[int]]:
    return [row[:n].tolist() for row, n in zip(tokens, lengths(tokens), strict=True)]


def longest_copies(made: Tokens, training: Tokens, vocabulary: int) -> np.ndarray:
    """(N,) tokens of the longest stretch of each text that stands in some training text.

    Stretches are grown by a token as long as any text has one: an n-gram gets a number, the pair
    of a stretch's number and the next token the next number.
    """
    found = np.zeros(len(made), np.int64)
    ours, theirs = made, training
    for order in range(1, made.shape[1] + 1):
        known = np.unique(theirs[theirs >= 0])
        place = np.searchsorted(known, ours).clip(max=max(0, len(known) - 1))
        hit = (ours >= 0) & (known[place] == ours) if len(known) else np.zeros_like(ours, bool)
        found[hit.any(1)] = order
        if not hit.any() or order == made.shape[1]:
            break
        ours = _grown(np.where(hit, place, -1), made, order, vocabulary)
        theirs = _grown(
            np.where(theirs >= 0, np.searchsorted(known, theirs), -1), training, order, vocabulary
        )
    return found


def _grown(numbers: Tokens, tokens: Tokens, order: int, vocabulary: int) -> Tokens:
    """Stretches of `order` tokens by number -> stretches of one more."""
    following = tokens[:, order:]
    before = numbers[:, : following.shape[1]]
    return np.where((before >= 0) & (following >= 0), before * vocabulary + following, -1)
