"""Where a score turns to "synthetic", chosen before the tested pictures are looked at."""

import math

import numpy as np
from numpy.typing import NDArray

from unmask.detect.evaluation.assess import choose_threshold
from unmask.detect.evaluation.tables import Scores, Threshold


def choose(
    tested: Scores, validation: Scores | None, stated: float | None, decide: float
) -> tuple[Threshold | None, str]:
    """The threshold, and what to warn of, or "".

    In this order: the one stated; P(synthetic) = `decide` at even priors of a calibrated detector;
    the best on validation data; the best on the tested data itself, which flatters. None where
    there is nothing to choose by.
    """
    name = tested.detector
    if stated is not None:
        return Threshold(detector=name, value=stated, chosen="stated"), ""
    if tested.llr is not None:
        bound = math.log(decide / (1 - decide))
        value = score_at(tested.score, tested.llr, bound)
        if value is not None:
            return Threshold(detector=name, value=value, chosen="calibrated"), ""
    if validation is not None and (found := _best(validation, "validation")):
        return found, ""
    found = _best(tested, "oracle")
    if found is None:
        return None, f"{name} has no threshold: state one, or give validation data."
    warning = (
        f"The threshold of {name} was chosen on the tested pictures themselves, so its accuracy is "
        "an upper bound. Give validation data, or state a threshold."
    )
    return found, warning


def score_at(score: NDArray[np.float64], llr: NDArray[np.float64], bound: float) -> float | None:
    """The threshold on scores that says what `llr > bound` says of these pictures.

    None where ratios do not rise with scores, so that there is none. No label is looked at.
    """
    known = np.isfinite(score) & np.isfinite(llr)
    score, llr = score[known], llr[known]
    if not len(score):
        return None
    if np.array_equal(score, llr):
        return bound
    above = llr > bound
    if not above.any():
        return float(score.max())
    if above.all():
        return float(np.nextafter(score.min(), -np.inf))
    low, high = float(score[~above].max()), float(score[above].min())
    if low >= high:
        return None
    middle = low + (high - low) / 2
    return middle if middle < high else low


def _best(scores: Scores, how: str) -> Threshold | None:
    try:
        return choose_threshold(scores, how)
    except ValueError:  # a class is missing
        return None
