"""What tells a model's writing from a person's, as functions of a language model's token scores.

All take arrays of a text's n > 0 tokens and return one number. Direction: which way a machine's
text lies is said with each; how far is for the fusion to learn.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unmask.detect.text.language_model import TokenScores

Array = NDArray[np.floating]
Ranks = NDArray[np.integer]
GLTR_BINS = (10, 100, 1000)  # upper ends of the first three of four bins of ranks
_FLOOR = 1e-9
_EVEN = 1e-4  # deviation in nats below which a text is all alike


def perplexity(log_prob: Array) -> float:
    """exp of the mean surprisal; lower for machines."""
    return float(np.exp(-np.mean(log_prob, dtype=np.float64)))


def log_rank(rank: Ranks) -> float:
    """Mean ln rank, from 0; lower for machines (Solaiman et al. 2019, Mitchell et al. 2023)."""
    return float(np.mean(np.log(rank)))


def lrr(log_prob: Array, rank: Ranks) -> float:
    """Log-likelihood log-rank ratio (Su et al. 2023, DetectLLM); higher for machines."""
    return float(-np.sum(log_prob, dtype=np.float64) / max(float(np.sum(np.log(rank))), _FLOOR))


def curvature(log_prob: Array, entropy: Array, variance: Array) -> float:
    """Conditional probability curvature (Bao et al. 2024, Fast-DetectGPT), analytic.

    How many standard deviations the text is likelier than what the model itself would have written
    in its place; higher for machines. It grows with the root of the length.
    """
    excess = float(np.sum(log_prob + entropy, dtype=np.float64))
    return excess / float(np.sqrt(max(np.sum(variance, dtype=np.float64), _FLOOR)))


def cross_ratio(log_prob: Array, cross_entropy: Array) -> float:
    """Perplexity by one model over cross-perplexity of two (Hans et al. 2024, Binoculars).

    `cross_entropy` is -sum over words of q ln p, of an observer q and a performer p that share a
    tokenizer: lower for machines. No two models that ship with unmask share one.
    """
    return float(-np.mean(log_prob) / max(float(np.mean(cross_entropy)), _FLOOR))


def gltr(rank: Ranks) -> tuple[float, float, float, float]:
    """Shares of tokens of rank to 10, to 100, to 1000, beyond (Gehrmann et al. 2019)."""
    counts = np.bincount(np.searchsorted(GLTR_BINS, rank), minlength=4)
    first, second, third, rest = (counts / len(rank)).tolist()
    return first, second, third, rest


def burstiness(log_prob: Array) -> float:
    """Standard deviation of the surprisal in nats: people mix the plain with the odd."""
    return float(np.std(log_prob))


def surprise_runs(log_prob: Array) -> float:
    """Correlation in [-1, 1] of a token's surprisal with the one before it."""
    values = np.asarray(log_prob, np.float64)
    if len(values) < 3 or min(np.std(values[1:]), np.std(values[:-1])) < _EVEN:
        return 0.0
    return float(np.corrcoef(values[1:], values[:-1])[0, 1])


def surprise_scores(log_prob: Array, entropy: Array, variance: Array) -> NDArray[np.float64]:
    """(n,) how many deviations each token is likelier than the model expected at its place."""
    return np.asarray(log_prob + entropy, np.float64) / np.sqrt(np.maximum(variance, 0.05))


def statistics(scores: TokenScores) -> Mapping[str, float]:
    """All of them, as the fusion takes them: none grows with the length by itself.

    Raises ValueError where there is no token.
    """
    if not len(scores):
        raise ValueError("a text without tokens has no statistics")
    log_prob = scores.log_prob
    shares = gltr(scores.rank)
    quantiles = np.quantile(log_prob, (0.1, 0.5))
    expected = surprise_scores(log_prob, scores.entropy, scores.variance)
    return {
        "surprisal": float(np.log(perplexity(log_prob))),
        "log_rank": log_rank(scores.rank),
        "lrr": lrr(log_prob, scores.rank),
        "curvature": curvature(log_prob, scores.entropy, scores.variance)
        / float(np.sqrt(len(scores))),
        "entropy": float(np.mean(scores.entropy)),
        "burstiness": burstiness(log_prob),
        "runs": surprise_runs(log_prob),
        "gltr_10": shares[0],
        "gltr_100": shares[1],
        "gltr_1000": shares[2],
        "odd_tenth": float(quantiles[0]),
        "median": float(quantiles[1]),
        "unexpected": float(np.mean(expected < -2)),
        "expected_spread": float(np.std(np.maximum(expected, -6))),
    }
