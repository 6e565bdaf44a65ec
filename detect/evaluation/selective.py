"""Risk and coverage: how often an answer is wrong as the less sure ones are left out."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from unmask.detect.evaluation.figures import Floats


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Pictures are left out from the least sure on; those that are equally sure go together."""

    coverage: Floats  # (K,) share of pictures answered, falling from 1
    risk: Floats  # (K,) share of wrong answers among them
    aurc: float  # risk averaged over coverage; 0 perfect, NaN for no pictures


def risk_coverage(wrong: ArrayLike, confidence: ArrayLike) -> Curve:
    """The curve of N answers (El-Yaniv and Wiener 2010; AURC: Geifman et al. 2019).

    `wrong` (N,) is true for errors, `confidence` (N,) rises with certainty and is not NaN.
    """
    error = np.asarray(wrong, dtype=bool)
    sure = np.asarray(confidence, dtype=float)
    if not len(sure):
        return Curve(coverage=np.zeros(0), risk=np.zeros(0), aurc=math.nan)
    order = np.argsort(-sure, kind="stable")
    last = np.flatnonzero(np.append(sure[order][1:] != sure[order][:-1], True))
    answered = last + 1
    risk = np.cumsum(error[order])[last] / answered
    aurc = float((risk * np.diff(answered, prepend=0)).sum() / len(sure))
    return Curve(coverage=(answered / len(sure))[::-1], risk=risk[::-1], aurc=aurc)


def rank_confidence(scores: ArrayLike, threshold: float) -> Floats:
    """(N,) how sure a score is for want of a ratio: the share of pictures between it and threshold.

    Scores without a scale are only worth their order; ties share the middle of their ranks.
    """
    values = np.asarray(scores, dtype=float)
    below = (values <= threshold).sum()
    place = np.asarray(rankdata(values), dtype=float) - 0.5
    return np.asarray(np.abs(place - below) / max(1, len(values)))


def thinned(curve: Curve, most: int) -> tuple[tuple[float, float], ...]:
    """At most `most` of the points (coverage, risk), with both ends, evenly spread."""
    n = len(curve.coverage)
    kept = np.unique(np.linspace(0, max(0, n - 1), min(n, most)).round().astype(int))
    return tuple((float(curve.coverage[i]), float(curve.risk[i])) for i in kept)
