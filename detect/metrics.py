"""Numbers that say how good a detector is, with the intervals that belong to them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: P(score of a fake > score of a real), ties count half.

    `labels` are true for fakes. NaN where a class is missing.
    """
    fake = np.asarray(labels, dtype=bool)
    ranks = rankdata(np.asarray(scores, dtype=float))
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    if not n_fake or not n_real:
        return float("nan")
    return float((ranks[fake].sum() - n_fake * (n_fake + 1) / 2) / (n_fake * n_real))


def bootstrap(
    labels: ArrayLike, scores: ArrayLike, *, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95% interval of the AUC, pictures resampled within their class."""
    fake = np.asarray(labels, dtype=bool)
    values = np.asarray(scores, dtype=float)
    rng = np.random.default_rng(seed)
    real_at, fake_at = np.flatnonzero(~fake), np.flatnonzero(fake)
    found: NDArray[np.float64] = np.empty(draws)
    for i in range(draws):
        drawn = np.concatenate(
            [rng.choice(real_at, len(real_at)), rng.choice(fake_at, len(fake_at))]
        )
        found[i] = auc(fake[drawn], values[drawn])
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def cllr(labels: ArrayLike, llr: ArrayLike) -> float:
    """Cost of log-likelihood ratios in bits (Brümmer and du Preez 2006): 0 perfect, 1 useless."""
    fake = np.asarray(labels, dtype=bool)
    values = np.asarray(llr, dtype=float)
    miss = np.logaddexp(0, -values[fake]).mean()
    alarm = np.logaddexp(0, values[~fake]).mean()
    return float((miss + alarm) / 2 / np.log(2))
