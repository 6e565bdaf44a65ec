"""How well scores tell fakes from photographs: figures of one set of labelled scores.

`labels` (N,) are true for fakes, the positive class; `scores` (N,) rise towards "synthetic", may be
infinite and must not be NaN. A picture is called synthetic where its score is above a threshold. A
figure is NaN where it is not defined, as where a class is missing. scikit-learn is imported when a
figure is asked for, so that a scan does not pay for it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_ROUNDING = 1e-12  # of shares, which are quotients of counts


@dataclass(frozen=True, kw_only=True)
class Roc:
    """The ROC curve of K different scores: K + 1 points, from "none is synthetic" to "all are"."""

    fpr: Floats  # (K + 1,) rising from 0 to 1
    tpr: Floats  # (K + 1,)
    thresholds: Floats  # (K + 1,) falling; halfway between neighbouring scores


def checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    """Both as arrays. ValueError where the lengths differ or a score is NaN."""
    fake, values = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=float)
    if fake.shape != values.shape or fake.ndim != 1:
        raise ValueError(f"labels are {fake.shape} and scores are {values.shape}")
    if np.isnan(values).any():
        raise ValueError("a score is NaN: leave failures out first")
    return fake, values


def two_classes(fake: NDArray[np.bool_]) -> bool:
    """Whether there are both fakes and photographs."""
    return bool(fake.any() and not fake.all())


def steps(scores: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The different scores, rising, and for each picture which of them is its own.

    Figures that only ask for the order get these ranks: infinite scores cannot upset them.
    """
    levels, which = np.unique(scores, return_inverse=True)
    return levels, which.reshape(scores.shape)


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: P(score of a fake > score of a photograph), ties count half."""
    from sklearn.metrics import roc_auc_score

    fake, values = checked(labels, scores)
    return float(roc_auc_score(fake, steps(values)[1])) if two_classes(fake) else math.nan


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Precision averaged over the recalls that the scores reach, at the prevalence of the data."""
    from sklearn.metrics import average_precision_score

    fake, values = checked(labels, scores)
    return float(average_precision_score(fake, steps(values)[1])) if two_classes(fake) else math.nan


def roc(labels: ArrayLike, scores: ArrayLike) -> Roc:
    """The whole ROC curve. ValueError where a class is missing."""
    from sklearn.metrics import roc_curve

    fake, values = checked(labels, scores)
    if not two_classes(fake):
        raise ValueError("a ROC curve needs fakes and photographs")
    levels, which = steps(values)
    fpr, tpr, _ = roc_curve(fake, which, drop_intermediate=False)
    return Roc(fpr=fpr, tpr=tpr, thresholds=_between(levels))


def _between(levels: Floats) -> Floats:
    """Thresholds that part rising `levels`, from above the highest down to below the lowest."""
    low, high = levels[:-1], levels[1:]
    with np.errstate(invalid="ignore", over="ignore"):
        middle = low + (high - low) / 2
    # Between infinities, and between neighbouring floats, the lower score itself parts them.
    parts = np.where(np.isfinite(middle) & (middle < high), middle, low)
    lowest = np.nextafter(levels[0], -np.inf)
    return np.concatenate([levels[-1:], parts[::-1], [lowest]])


def tpr_at_fpr(labels: ArrayLike, scores: ArrayLike, most: float) -> float:
    """Share of fakes found while at most a share `most` of the photographs is called synthetic.

    Conservative: the best point of the ROC curve with fpr <= most, nothing interpolated. NaN too
    where there are fewer than 1 / most photographs, which cannot show so small a rate.
    """
    fake, values = checked(labels, scores)
    if not two_classes(fake) or (~fake).sum() < fewest(most):
        return math.nan
    curve = roc(fake, values)
    return float(curve.tpr[curve.fpr <= most + _ROUNDING].max())


def fewest(most: float) -> int:
    """Photographs that a false positive rate of `most` needs to be seen at all."""
    return math.ceil(1 / most - 1e-9)


def equal_error_rate(labels: ArrayLike, scores: ArrayLike) -> float:
    """Where as many fakes are missed as photographs are called synthetic, on the ROC polyline."""
    fake, values = checked(labels, scores)
    if not two_classes(fake):
        return math.nan
    curve = roc(fake, values)
    ahead = 1 - curve.tpr - curve.fpr  # falls from 1 to -1
    at = int((ahead > 0).sum())
    share = ahead[at - 1] / (ahead[at - 1] - ahead[at])
    return float(curve.fpr[at - 1] + share * (curve.fpr[at] - curve.fpr[at - 1]))


def rates(labels: ArrayLike, scores: ArrayLike, threshold: float) -> tuple[float, float]:
    """True positive and true negative rate: fakes called synthetic, photographs not called so."""
    fake, values = checked(labels, scores)
    called = values > threshold
    tpr = float(called[fake].mean()) if fake.any() else math.nan
    return tpr, float((~called[~fake]).mean()) if not fake.all() else math.nan


def balanced_accuracy(labels: ArrayLike, scores: ArrayLike, threshold: float) -> float:
    """Mean of true positive and true negative rate: accuracy as if the classes were of a size."""
    from sklearn.metrics import balanced_accuracy_score

    fake, values = checked(labels, scores)
    if not two_classes(fake):
        return math.nan
    return float(balanced_accuracy_score(fake, values > threshold))


def oracle(labels: ArrayLike, scores: ArrayLike) -> tuple[float, float]:
    """The best balanced accuracy that a threshold can reach on these very data, and the threshold.

    Of several best thresholds the highest: it calls the fewest photographs synthetic.
    """
    fake, values = checked(labels, scores)
    if not two_classes(fake):
        return math.nan, math.nan
    curve = roc(fake, values)
    accuracy = (1 + curve.tpr - curve.fpr) / 2
    at = int(np.flatnonzero(accuracy >= accuracy.max() - _ROUNDING)[0])
    return float(accuracy[at]), float(curve.thresholds[at])


def conformal_threshold(photographs: ArrayLike, most: float) -> float:
    """The threshold above which a new photograph lies with a probability of at most `most`.

    Split conformal prediction (Vovk et al. 2005): the ceil((n + 1)(1 - most))-th smallest score of
    n held-out photographs that are exchangeable with the new one. Infinite, so that nothing is
    called synthetic, where n is too small to promise it. ValueError unless 0 < most < 1.
    """
    if not 0 < most < 1:
        raise ValueError(f"a false positive rate of {most}")
    values = np.sort(np.asarray(photographs, dtype=float))
    values = values[~np.isnan(values)]
    rank = math.ceil((len(values) + 1) * (1 - most) - 1e-9)
    return float(values[rank - 1]) if rank <= len(values) else math.inf


def predictive_values(tpr: ArrayLike, tnr: ArrayLike, prevalence: float) -> tuple[Floats, Floats]:
    """What an answer is worth where a share `prevalence` of the pictures is fake (Bayes).

    Both of the shape of the rates: P(fake | called synthetic) and P(photograph | not called so),
    NaN where that answer is never given.
    """
    hit, quiet = np.asarray(tpr, dtype=float), np.asarray(tnr, dtype=float)
    found, alarms = hit * prevalence, (1 - quiet) * (1 - prevalence)
    kept, missed = quiet * (1 - prevalence), (1 - hit) * prevalence
    return _share(found, found + alarms), _share(kept, kept + missed)


def _share(part: Floats, whole: Floats) -> Floats:
    nothing: Floats = np.full(np.shape(whole), math.nan)
    return np.asarray(np.divide(part, whole, out=nothing, where=np.asarray(whole) > 0))
