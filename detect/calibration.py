"""From a raw score to a log-likelihood ratio that stays modest.

A plain logistic promises ever more certainty for ever more extreme scores. A detector misses some
generators outright, however real their pictures look to it, so the ratio must level off: the
psychometric function with lapse rates (Wichmann and Hill 2001),

    P(fake | s) = miss + (1 - miss - alarm) * sigmoid(slope * s + offset)    at equal priors,

is fitted by maximum likelihood, and the ratio is its logit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, logit


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Parameters of the mapping; both rates lie in (0, 0.5)."""

    slope: float
    offset: float
    miss: float  # P(fake) that is left for the most camera-like score
    alarm: float  # P(real) that is left for the most fake-like score

    def llr(self, score: ArrayLike) -> NDArray[np.float64]:
        """ln P(score | synthetic) / P(score | camera), elementwise."""
        chance = expit(self.slope * np.asarray(score, dtype=float) + self.offset)
        return np.asarray(logit(self.miss + (1 - self.miss - self.alarm) * chance))

    @classmethod
    def load(cls, fields: Mapping[str, float]) -> "Calibration":
        """From a card."""
        return cls(**{k: float(fields[k]) for k in ("slope", "offset", "miss", "alarm")})


def fit(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike) -> Calibration:
    """Fit to labelled scores (true = fake); `weights` say how much each counts within its class.

    Each class counts one half in all, whatever its size. One pseudo-observation a class keeps the
    rates away from 0: n error-free pictures do not prove an error rate below about 1/n. Nor does a
    clean gap between the classes prove a step: the slope in units of the scores' deviation has a
    log-normal prior around 3 that weighs as much as one picture.
    """
    from scipy.optimize import minimize  # a scan, which fits nothing, must not wait for it

    fake = np.asarray(labels, dtype=bool)
    s = np.asarray(scores, dtype=float)
    w = np.asarray(weights, dtype=float).copy()
    prior = {}
    for cls in (True, False):
        at = fake == cls
        prior[cls] = float(w[at].sum() ** 2 / (w[at] ** 2).sum())  # effective number of pictures
        w[at] /= 2 * w[at].sum()
    scale = float(s.std()) or 1.0

    def unpack(p: NDArray[np.float64]) -> Calibration:
        return Calibration(
            slope=float(np.exp(p[0])) / scale,
            offset=float(p[1]),
            miss=float(0.5 * expit(p[2])),
            alarm=float(0.5 * expit(p[3])),
        )

    def loss(p: NDArray[np.float64]) -> float:
        c = unpack(p)
        z = c.llr(s)
        nll = float((w * np.logaddexp(0, np.where(fake, -z, z))).sum())
        # log_expit(p) is log(2 * share), finite where the share itself is 0 in floating point
        pseudo = -log_expit(p[2]) / prior[True] / 2 - log_expit(p[3]) / prior[False] / 2
        steep = 0.5 * (p[0] - np.log(3.0)) ** 2 / min(prior.values())
        return nll + 0.5 * float(pseudo) + float(steep)

    starts = [np.array([np.log(k), 0.0, m, m]) for k in (1.0, 3.0) for m in (-3.0, -1.0)]
    tries = [minimize(loss, p0, method="Nelder-Mead", options={"maxiter": 4000}) for p0 in starts]
    return unpack(min(tries, key=lambda t: t.fun).x)


def rarity(llr: float, thresholds: Mapping[str, float]) -> str:
    """How rare such a ratio is among real ones: "under 1%", "under 5%", "5% or more".

    `thresholds` are a card's, by conformal prediction: `llr_fpr_1` and `llr_fpr_5`.
    """
    if llr > thresholds["llr_fpr_1"]:
        return "under 1%"
    return "under 5%" if llr > thresholds["llr_fpr_5"] else "5% or more"
