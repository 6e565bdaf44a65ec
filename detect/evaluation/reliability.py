"""Whether probabilities and likelihood ratios hold what they say, at even priors.

`labels` (N,) are true for fakes; both classes weigh half, however many pictures each has, so that
the mix of a test set does not enter. NaN where a class is missing.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from unmask.detect.evaluation.figures import Floats, checked, steps, two_classes
from unmask.detect.evaluation.tables import Bin

BINS = 10


def probabilities(llr: ArrayLike) -> Floats:
    """P(fake) at even priors of natural log-likelihood ratios."""
    return np.asarray(expit(np.asarray(llr, dtype=float)), dtype=float)


def even_weights(labels: ArrayLike) -> Floats:
    """(N,) weights that sum to one half in either class."""
    fake = np.asarray(labels, dtype=bool)
    return np.asarray(np.where(fake, 0.5 / max(1, fake.sum()), 0.5 / max(1, (~fake).sum())))


def brier(labels: ArrayLike, stated: ArrayLike) -> float:
    """Mean squared error of P(fake) (Brier 1950): 0 perfect, 0.25 for always one half."""
    from sklearn.metrics import brier_score_loss

    fake, values = checked(labels, stated)
    if not two_classes(fake):
        return math.nan
    return float(brier_score_loss(fake, values, sample_weight=even_weights(fake)))


def brier_costs(labels: ArrayLike, stated: ArrayLike) -> Floats:
    """(N,) squared errors; `brier` is their mean at even priors."""
    fake, values = checked(labels, stated)
    return np.square(values - fake)


def cllr(labels: ArrayLike, llr: ArrayLike) -> float:
    """Cost of log-likelihood ratios in bits (Brümmer and du Preez 2006): 0 perfect, 1 useless."""
    fake, values = checked(labels, llr)
    if not two_classes(fake):
        return math.nan
    costs = cllr_costs(fake, values)
    return float((costs[fake].mean() + costs[~fake].mean()) / 2)


def cllr_costs(labels: ArrayLike, llr: ArrayLike) -> Floats:
    """(N,) costs in bits; `cllr` is their mean at even priors. Infinite for a certain error."""
    fake, values = checked(labels, llr)
    return np.asarray(np.logaddexp(0, np.where(fake, -values, values)) / math.log(2))


def min_cllr(labels: ArrayLike, scores: ArrayLike) -> float:
    """Cllr after the best monotone calibration on these very data (pool adjacent violators).

    What is left is what the scores cannot tell; `cllr` minus this is lost to calibration.
    """
    from sklearn.isotonic import IsotonicRegression

    fake, values = checked(labels, scores)
    if not two_classes(fake):
        return math.nan
    rank = steps(values)[1].astype(float)
    weight = even_weights(fake)
    fitted = IsotonicRegression(y_min=0, y_max=1).fit_transform(rank, fake, sample_weight=weight)
    with np.errstate(divide="ignore"):
        cost = -np.log2(np.where(fake, fitted, 1 - fitted))
    return float((weight * cost).sum())


def edges_of(stated: ArrayLike, *, count: int = BINS, equal_mass: bool = False) -> Floats:
    """Edges of bins from 0 to 1: equally wide, or with equally many pictures (ties stay whole)."""
    if not equal_mass:
        return np.arange(count + 1) / count  # 0.3 is 0.3, which steps of 0.1 miss
    inner = np.quantile(np.asarray(stated, dtype=float), np.linspace(0, 1, count + 1)[1:-1])
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def bin_of(stated: ArrayLike, edges: Floats) -> NDArray[np.intp]:
    """The bin of each picture: low <= stated < high; the last one holds 1 too."""
    return np.asarray(np.digitize(np.asarray(stated, dtype=float), edges[1:-1]), dtype=np.intp)


def reliability_bins(
    labels: ArrayLike, stated: ArrayLike, *, count: int = BINS, equal_mass: bool = False
) -> tuple[Bin, ...]:
    """The reliability diagram of P(fake) at even priors; `n` counts pictures as they are."""
    fake, values = checked(labels, stated)
    edges = edges_of(values, count=count, equal_mass=equal_mass)
    where, weight = bin_of(values, edges), even_weights(fake)
    total = len(edges) - 1
    mass = np.bincount(where, weight, total)
    held = np.maximum(mass, np.finfo(float).tiny)
    mean = np.bincount(where, weight * values, total) / held
    share = np.bincount(where, weight * fake, total) / held
    return tuple(
        Bin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            n=n,
            stated=float(mean[i]) if n else math.nan,
            found=float(share[i]) if n else math.nan,
        )
        for i, n in enumerate(np.bincount(where, minlength=total).tolist())
    )


def ece(
    labels: ArrayLike, stated: ArrayLike, *, count: int = BINS, equal_mass: bool = False
) -> float:
    """Expected calibration error (Naeini et al. 2015): mean distance of stated from found.

    Binned, so it is above 0 by chance even for a perfect detector: by about 0.8 / sqrt(N / count).
    """
    fake, values = checked(labels, stated)
    if not two_classes(fake):
        return math.nan
    edges = edges_of(values, count=count, equal_mass=equal_mass)
    gap = np.bincount(bin_of(values, edges), even_weights(fake) * (fake - values))
    return float(np.abs(gap).sum())
