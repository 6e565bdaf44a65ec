"""Character n-grams, hashed, and the logistic regression over them.

Kešelj et al. 2003 (author profiles), Weinberger et al. 2009 (hashing). scikit-learn fits it; its
use needs numpy alone.
"""

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BUCKETS = 2**15
LENGTHS = (2, 3, 4, 5)


@lru_cache(maxsize=4096)  # a document is asked for by every fold of a training
def hashed(text: str, buckets: int = BUCKETS) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(buckets, weights) of normalised text: 1 + ln count of each n-gram, of unit length."""
    padded = f" {text.lower()} "
    data = [padded[i : i + n] for n in LENGTHS for i in range(len(padded) - n + 1)]
    counts = Counter(data)
    places = np.array([zlib.crc32(gram.encode()) % buckets for gram in counts], np.int64)
    weights = 1 + np.log(np.array(list(counts.values()), np.float64))
    return places, weights / np.sqrt(np.sum(weights**2))


@dataclass(frozen=True, kw_only=True, eq=False)
class CharacterModel:
    """A logit by character n-grams; above 0 leans to a machine."""

    weights: NDArray[np.float32]  # (buckets,)
    offset: float

    def logit(self, text: str) -> float:
        """Of normalised text."""
        places, weights = hashed(text, len(self.weights))
        return float(self.weights[places].astype(np.float64) @ weights) + self.offset


def fit_characters(
    texts: Sequence[str], machine: Sequence[bool], weights: Sequence[float], strength: float
) -> CharacterModel:
    """Fit by scikit-learn; `strength` is the inverse of the L2 penalty."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    rows = [hashed(text) for text in texts]
    ends = np.cumsum([0, *(len(places) for places, _ in rows)])
    values, columns = (np.concatenate([row[k] for row in rows]) for k in (1, 0))
    table = csr_matrix((values, columns, ends), shape=(len(rows), BUCKETS))
    found = LogisticRegression(C=strength, max_iter=2000)
    found.fit(table, np.array(machine), sample_weight=np.array(weights))
    return CharacterModel(
        weights=found.coef_[0].astype(np.float32), offset=float(found.intercept_[0])
    )
