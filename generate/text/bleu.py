"""BLEU and Self-BLEU of many sequences against many (Papineni et al. 2002; Zhu et al. 2018).

The same numbers as NLTK's `sentence_bleu`, which tests hold. NLTK counts every reference anew for
every hypothesis, minutes for one against ten thousand; rewards and Self-BLEU need thousands of
hypotheses. Here n-grams are integers, the references are counted once, and a lookup does the rest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.errors import UnmaskError

Tokens = NDArray[np.int64]  # (N, T) tokens >= 0; -1 fills what is shorter
FILL = -1
MOST_ORDER = 4
ROWS = 2048  # hypotheses at a time


class BleuError(UnmaskError):
    """Sequences that no BLEU can be told of."""


@dataclass(frozen=True, kw_only=True)
class _Counted:
    """n-grams of one order over all references: the most that one sentence has of each."""

    grams: NDArray[np.int64]  # (G,) sorted
    most: NDArray[np.int64]  # (G,) the highest count in one reference
    second: NDArray[np.int64]  # (G,) the highest without the one reference that holds the highest


def lengths(tokens: Tokens) -> NDArray[np.int64]:
    """(N,) tokens of each sequence."""
    return np.asarray((tokens != FILL).sum(1), np.int64)


def ngrams(tokens: Tokens, order: int, vocabulary: int) -> Tokens:
    """(N, T - order + 1): each n-gram as a number of its own; FILL where it is not whole."""
    count = max(0, tokens.shape[1] - order + 1)
    found = np.zeros((len(tokens), count), np.int64)
    whole = np.ones_like(found, dtype=bool)
    for at in range(order):
        part = tokens[:, at : at + count]
        found = found * vocabulary + part
        whole &= part != FILL
    return np.where(whole, found, FILL)


def _occurrence(grams: Tokens) -> NDArray[np.int64]:
    """(N, G): how many times each n-gram stood in its sequence before."""
    found = np.zeros_like(grams)
    for back in range(1, grams.shape[1]):
        found[:, back:] += _same(grams, back)
    return found


def _same(grams: Tokens, back: int) -> NDArray[np.int64]:
    """(N, G - back): whether the n-gram `back` places earlier is this one."""
    return np.asarray(grams[:, back:] == grams[:, :-back], np.int64)


class References:
    """Sequences to hold others against."""

    def __init__(self, tokens: Tokens, *, vocabulary: int, order: int = MOST_ORDER) -> None:
        """Raises BleuError: no references, or n-grams that no 64 bits can number."""
        if not 1 <= order <= MOST_ORDER or vocabulary**order >= 2**62:
            raise BleuError(f"n-grams of {order} out of {vocabulary:,} tokens are too many.")
        if not len(tokens):
            raise BleuError("There are no references.")
        self.vocabulary, self.order = vocabulary, order
        self.lengths = np.unique(lengths(tokens))
        self.counted = [_count(ngrams(tokens, n, vocabulary)) for n in range(1, order + 1)]

    def bleu(
        self, tokens: Tokens, *, smooth: bool = False, among: bool = False
    ) -> NDArray[np.float64]:
        """(N,) BLEU in [0, 1] of each of (N, T), orders weighed alike; higher is nearer.

        `smooth` adds one to the counts of n-grams beyond single tokens (Lin and Och 2004).
        `among`: the hypotheses are the references themselves, and each is held against the others.
        The length that counts against short ones is that of the nearest reference.
        """
        parts = [tokens[at : at + ROWS] for at in range(0, len(tokens), ROWS)]
        return np.concatenate([self._part(p, smooth, among) for p in parts] or [np.zeros(0)])

    def _part(self, tokens: Tokens, smooth: bool, among: bool) -> NDArray[np.float64]:
        own = lengths(tokens)
        total = np.zeros(len(tokens))
        for counted, order in zip(self.counted, range(1, self.order + 1), strict=True):
            hits, possible = self._precision(counted, ngrams(tokens, order, self.vocabulary), among)
            more = 1 if smooth and order > 1 else 0
            with np.errstate(divide="ignore"):
                total += np.log((hits + more) / np.maximum(possible + more, 1))
        nearest = self.lengths[np.abs(self.lengths[None] - own[:, None]).argmin(1)]
        brevity = np.minimum(0.0, 1 - nearest / np.maximum(own, 1))
        return np.asarray(np.exp(total / self.order + brevity))

    def _precision(
        self, counted: _Counted, grams: Tokens, among: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Clipped hits and n-grams in all, (N,) each."""
        whole = grams != FILL
        before = _occurrence(grams)
        if not len(counted.grams):
            return whole.sum(1) * 0, whole.sum(1)
        place = np.searchsorted(counted.grams, grams).clip(max=len(counted.grams) - 1)
        allowed = counted.most[place]
        if among:  # the one that alone has the most of an n-gram may not count on itself
            own = before + 1
            for back in range(1, grams.shape[1]):
                own[:, :-back] += _same(grams, back)
            allowed = np.where(own == allowed, counted.second[place], allowed)
        hit = whole & (counted.grams[place] == grams) & (before < allowed)
        return hit.sum(1), whole.sum(1)


def _count(grams: Tokens) -> _Counted:
    """The highest and the second highest count of each n-gram in one sequence."""
    before = _occurrence(grams)
    owner = np.broadcast_to(np.arange(len(grams))[:, None], grams.shape)
    whole = grams != FILL
    flat, owners, counts = grams[whole], owner[whole], before[whole] + 1
    # The last of a sequence's equal n-grams carries its count; the highest come first.
    order = np.lexsort((-counts, owners, flat))
    flat, owners, counts = flat[order], owners[order], counts[order]
    first = np.ones(len(flat), bool)
    first[1:] = (flat[1:] != flat[:-1]) | (owners[1:] != owners[:-1])
    flat, counts = flat[first], counts[first]
    order = np.lexsort((-counts, flat))
    flat, counts = flat[order], counts[order]
    unique, start, held = np.unique(flat, return_index=True, return_counts=True)
    second = np.where(held > 1, counts[np.minimum(start + 1, len(counts) - 1)], 0)
    return _Counted(grams=unique, most=counts[start], second=second)


def self_bleu(tokens: Tokens, *, vocabulary: int, order: int) -> float:
    """The mean BLEU of each sequence against all others, in [0, 1]: lower is more varied.

    It grows with the number of sequences: compare equal numbers alone. Raises BleuError.
    """
    if len(tokens) < 2:
        raise BleuError("One sequence has no others to be held against.")
    # Equal lengths or not: the nearest length among the others may be a sequence's own. That is
    # left so, as with many sequences another has that length.
    found = References(tokens, vocabulary=vocabulary, order=order)
    return float(found.bleu(tokens, among=True).mean())
