"""The tandem detection cost of a detector that guards a speaker verifier (ASVspoof 2019).

Kinnunen et al. 2018, "t-DCF: a detection cost function for the tandem assessment of spoofing
countermeasures and automatic speaker verification", in the form of the ASVspoof 2019 plan: the
verifier's own threshold is fixed, so that only its three error rates enter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Priors and costs; the defaults are those of ASVspoof 2019."""

    target: float = 0.9405  # prior of the speaker asked for
    nontarget: float = 0.0095  # of another real speaker
    spoof: float = 0.05
    miss_asv: float = 1.0  # the verifier turns the speaker away
    false_asv: float = 10.0  # it lets another one in
    miss_cm: float = 1.0  # the detector turns a real voice away
    false_cm: float = 10.0  # it lets a synthetic one in


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """Error rates of a speaker verifier at its own threshold, each in [0, 1]."""

    miss: float  # targets turned away
    false_alarm: float  # other real speakers let in
    spoof_miss: float  # spoofs turned away by the verifier itself


def min_tdcf(
    labels: ArrayLike, scores: ArrayLike, verifier: Verifier, costs: Costs | None = None
) -> float:
    """The smallest normalised t-DCF over all thresholds of the detector, in [0, 1].

    `labels` (N,) are true for synthetic; `scores` (N,) rise towards synthetic. 1 is what is had
    without a detector, or with one that turns everybody away. Raises ValueError where a class is
    missing, or where the verifier's rates leave the detector nothing to win.
    """
    cost = costs or Costs()
    fake, values = np.asarray(labels, bool), np.asarray(scores, float)
    if not fake.any() or fake.all():
        raise ValueError("t-DCF needs real and synthetic recordings")
    c1 = cost.target * (cost.miss_cm - cost.miss_asv * verifier.miss)
    c1 -= cost.nontarget * cost.false_asv * verifier.false_alarm
    c2 = cost.false_cm * cost.spoof * (1 - verifier.spoof_miss)
    if c1 <= 0 or c2 <= 0:
        raise ValueError(f"the verifier's error rates leave no cost to weigh: C1 {c1}, C2 {c2}")
    levels = np.concatenate([[-np.inf], np.unique(values)])
    real, synthetic = np.sort(values[~fake]), np.sort(values[fake])
    # Called synthetic is what lies above a level.
    miss = 1 - np.searchsorted(real, levels, "right") / len(real)
    accept = np.searchsorted(synthetic, levels, "right") / len(synthetic)
    return float((c1 * miss + c2 * accept).min() / min(c1, c2))
