"""Candidates for a classifier of hand-made features; each fits weighted rows and gives a model."""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from unmask.detect.handmade_model import Floats, Linear, Model, from_boosting

Bools = NDArray[np.bool_]
Fit = Callable[[Floats, Bools, Floats], Model]  # (N, D), (N,) true for fakes, (N,) weights
_MOST = 4.0  # deviations
# Set by the cross-validation of `handmade_train`: a stronger penalty, or fewer columns, loses.
_INVERSE_PENALTY = 1.0
_SUBSPACES = 40
_SHARE = 0.6  # of the columns, in each
_SHRINK = 0.001  # of the covariance towards the identity


def boosting(x: Floats, fake: Bools, weights: Floats) -> Model:
    """Gradient-boosted trees over histograms of the features (Ke et al. 2017)."""
    model = HistGradientBoostingClassifier(
        learning_rate=0.08,
        max_iter=160,
        max_leaf_nodes=12,
        min_samples_leaf=30,
        l2_regularization=10.0,
        max_features=0.15,
        max_bins=64,
        early_stopping=False,
        random_state=0,
    )
    return from_boosting(model.fit(x, fake, sample_weight=weights))


def ridge_logistic(x: Floats, fake: Bools, weights: Floats) -> Model:
    """Logistic regression with a ridge penalty. ConvergenceWarning is raised where it fails."""
    start = _standard(x)
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=3000)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)  # a fit that stopped early is none
        model.fit(start.standardised(x), fake, sample_weight=weights)
    return _linear(start, model.coef_[0], float(model.intercept_[0]))


def discriminants(x: Floats, fake: Bools, weights: Floats) -> Model:
    """Mean of Fisher discriminants in random subspaces (Kodovsky et al. 2012).

    Their votes are averaged as logits, not counted, which makes of them one linear model.
    """
    start = _standard(x)
    z = start.standardised(x)
    real = ~fake
    means = [np.average(z[at], axis=0, weights=weights[at]) for at in (real, fake)]
    centred = z - np.where(fake[:, None], means[1], means[0])
    within = (centred * weights[:, None]).T @ centred / weights.sum()
    rng = np.random.default_rng(0)
    coefficients = np.zeros(z.shape[1])
    size = max(1, round(_SHARE * z.shape[1]))
    gap = means[1] - means[0]
    for _ in range(_SUBSPACES):
        some = np.sort(rng.permutation(z.shape[1])[:size])
        matrix = within[np.ix_(some, some)]
        shrunk = (1 - _SHRINK) * matrix + _SHRINK * np.eye(size)
        coefficients[some] += np.linalg.solve(shrunk, gap[some]) / _SUBSPACES
    middle = (means[0] + means[1]) / 2
    return _linear(start, coefficients, -float(middle @ coefficients))


def _standard(x: Floats) -> Linear:
    spread = x.std(0)
    return Linear(
        centre=x.mean(0),
        scale=np.where(spread > 1e-6, spread, 1.0),
        coefficients=np.zeros(x.shape[1]),
        intercept=np.array(0.0),
        most=np.array(_MOST),
    )


def _linear(start: Linear, coefficients: Floats, intercept: float) -> Linear:
    return Linear(
        centre=start.centre,
        scale=start.scale,
        coefficients=np.asarray(coefficients, dtype=np.float64),
        intercept=np.array(intercept),
        most=start.most,
    )


CANDIDATES: dict[str, Fit] = {
    "boosted trees": boosting,
    "ridge logistic regression": ridge_logistic,
    "ensemble of discriminants": discriminants,
}
