"""One answer from several experts.

A logistic combiner weighs the experts' logits. It is fitted on pictures that no expert was
trained on, most of them of generators that none has seen: on its own training data every expert
looks perfect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask.detect.scale import Scale

LIMIT = 4.0  # deviations from the middle beyond which an input counts no more
PENALTY = 1.0  # of the ridge; as scikit-learn's C

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """A logit linear in standardised inputs."""

    names: tuple[str, ...]  # (D,) of the inputs
    centre: Floats  # (D,)
    scale: Floats  # (D,) > 0
    coefficients: Floats  # (D,)
    intercept: float

    def logit(self, x: ArrayLike) -> Floats:
        """(N, D) -> (N,); above 0 leans to synthetic."""
        return self.standardised(x) @ self.coefficients + self.intercept

    def standardised(self, x: ArrayLike) -> Floats:
        """(N, D) in deviations from the centre, cut off: nothing wild decides alone."""
        z = (np.asarray(x, dtype=np.float64) - self.centre) / self.scale
        return np.asarray(np.clip(z, -LIMIT, LIMIT))

    def slope(self, name: str) -> float:
        """How much the logit rises for one unit of an input."""
        at = self.names.index(name)
        return float(self.coefficients[at] / self.scale[at])

    def to_json(self) -> dict[str, Any]:
        """For a card."""
        return {
            "names": list(self.names),
            # Significant digits: a scale may be small, and is never zero.
            "centre": [float(f"{v:.7g}") for v in self.centre],
            "scale": [float(f"{v:.7g}") for v in self.scale],
            "coefficients": [float(f"{v:.7g}") for v in self.coefficients],
            "intercept": float(f"{self.intercept:.7g}"),
        }

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> "Fusion":
        """From a card. Raises KeyError where something is missing."""
        return cls(
            names=tuple(fields["names"]),
            centre=np.array(fields["centre"], dtype=np.float64),
            scale=np.array(fields["scale"], dtype=np.float64),
            coefficients=np.array(fields["coefficients"], dtype=np.float64),
            intercept=float(fields["intercept"]),
        )


@dataclass(frozen=True)
class Fusions:
    """A combiner for each scale of pictures, as they are looked at otherwise."""

    by_scale: Mapping[Scale, Fusion]

    @property
    def names(self) -> tuple[str, ...]:
        """(D,) of the inputs."""
        return self.by_scale[Scale.USUAL].names

    def logit(self, x: ArrayLike, scales: ArrayLike) -> Floats:
        """(N, D), (N,) of Scale -> (N,); above 0 leans to synthetic."""
        which = np.asarray(scales)
        found = np.zeros(len(which))
        for scale, fusion in self.by_scale.items():
            found = np.where(which == scale, fusion.logit(x), found)
        return found

    def to_json(self) -> dict[str, Any]:
        """For a card."""
        return {scale.value: fusion.to_json() for scale, fusion in self.by_scale.items()}

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> "Fusions":
        """From a card. Raises KeyError where something is missing."""
        return cls({scale: Fusion.load(fields[scale.value]) for scale in Scale})


def fit_fusion(
    names: tuple[str, ...], x: ArrayLike, fake: ArrayLike, weights: ArrayLike,
    penalty: float = PENALTY,
) -> Fusion:  # fmt: skip
    """Fit to (N, D) inputs; `weights` (N,) say how much each picture counts within its class.

    The classes count alike. The ridge is the stronger, the smaller `penalty` is (C of
    scikit-learn). Raises ValueError where a class is missing.
    """
    from sklearn.linear_model import LogisticRegression  # a scan fits nothing

    rows = np.asarray(x, dtype=np.float64)
    label = np.asarray(fake, dtype=bool)
    weight = np.asarray(weights, dtype=np.float64).copy()
    if label.all() or not label.any():
        raise ValueError("A fusion is fitted to both classes.")
    for cls in (True, False):
        weight[label == cls] /= 2 * weight[label == cls].sum()
    centre = (weight[:, None] * rows).sum(0)
    spread = np.sqrt((weight[:, None] * (rows - centre) ** 2).sum(0))
    scale = np.where(spread > 0, spread, 1.0)
    start = Fusion(
        names=names, centre=centre, scale=scale, coefficients=np.zeros(len(names)), intercept=0.0
    )
    model = LogisticRegression(C=penalty, max_iter=2000)
    model.fit(start.standardised(rows), label, sample_weight=weight * len(rows))
    return Fusion(
        names=names,
        centre=centre,
        scale=scale,
        coefficients=np.asarray(model.coef_[0], dtype=np.float64),
        intercept=float(model.intercept_[0]),
    )
