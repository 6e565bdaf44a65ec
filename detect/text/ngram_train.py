"""Count words, pairs and triples, and discount them: the weights of `NGramModel`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.detect.text.ngram import UNKNOWN, NGramModel, Rows, tokens


@dataclass(frozen=True, kw_only=True)
class NGramConfig:
    """How much is kept. The defaults give a file of some 3 MB."""

    words: int = 12_000  # of the vocabulary, the commonest; at most 65,535
    least_pair: int = 2  # occurrences from which a pair keeps a weight of its own
    least_triple: int = 2
    discount: float = 0.75  # of each count: Church and Gale's value, as in Kneser-Ney's practice


def fit_ngrams(texts: Iterable[str], config: NGramConfig) -> NGramModel:
    """Of normalised texts. Raises ValueError where there are none."""
    read = [[word for _, _, word in tokens(text)] for text in texts]
    counts = Counter(word for one in read for word in one)
    if not counts:
        raise ValueError("there is no text to count words in")
    common = sorted(counts, key=lambda w: (-counts[w], w))[: config.words]
    vocabulary = sorted({UNKNOWN, *common})
    place = {word: i for i, word in enumerate(vocabulary)}
    unknown = place[UNKNOWN]
    ids = [np.array([place.get(w, unknown) for w in one], np.int64) for one in read]
    size = len(vocabulary)
    pairs = _counted([one[:-1] * size + one[1:] for one in ids])[0]
    triples, triple_counts = _counted(
        [(one[:-2] * size + one[1:-1]) * size + one[2:] for one in ids if len(one) > 2]
    )
    # Kneser-Ney: a shorter context counts in how many different longer ones its word was seen.
    ends = np.bincount(pairs % size, minlength=size).astype(np.float64)
    unigram = (ends + 1) / (ends + 1).sum()  # one for each word, so that none is impossible
    middles, continuations = np.unique(triples % (size * size), return_counts=True)
    return NGramModel(
        vocabulary,
        unigram.astype(np.float32),
        _rows(middles, continuations, size, config.least_pair, config.discount),
        _rows(triples, triple_counts, size, config.least_triple, config.discount),
    )


def _counted(keys: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not keys:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    return found, counts.astype(np.int64)


def _rows(
    keys: NDArray[np.int64], counts: NDArray[np.int64], size: int, least: int, discount: float
) -> Rows:
    """Discounted rows; the mass of what is rarer than `least` goes to the shorter context."""
    contexts, totals_at = np.unique(keys // size, return_inverse=True)
    totals = np.bincount(totals_at, weights=counts, minlength=len(contexts))
    kept = counts >= least
    row = totals_at[kept]
    used, row = np.unique(row, return_inverse=True)
    p = (counts[kept] - discount) / totals[used][row]
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(used)))])
    return Rows(
        contexts=contexts[used].astype(np.uint32),
        starts=starts.astype(np.int64),
        words=(keys[kept] % size).astype(np.uint16),
        probabilities=p.astype(np.float16),
    )
