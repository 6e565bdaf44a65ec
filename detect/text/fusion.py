"""One score from many features: logistic regression over standardised values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = Mapping[str, float]
_CLIP = 4.0  # deviations: one odd feature must not decide


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """Weights by name of feature; a logit above 0 leans to a machine."""

    names: tuple[str, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    offset: float

    def score(self, features: Features) -> float:
        """The logit of a document. Raises KeyError where a feature is missing."""
        return self.offset + sum(self.shares(features).values())

    def shares(self, features: Features) -> dict[str, float]:
        """What each feature adds to the logit."""
        rows = zip(self.names, self.centres, self.scales, self.weights, strict=True)
        return {
            name: weight * min(_CLIP, max(-_CLIP, (features[name] - centre) / scale))
            for name, centre, scale, weight in rows
        }

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> "Fusion":
        """From a card."""
        return cls(
            names=tuple(fields["names"]),
            centres=tuple(fields["centres"]),
            scales=tuple(fields["scales"]),
            weights=tuple(fields["weights"]),
            offset=float(fields["offset"]),
        )


def fit_fusion(
    features: Sequence[Features],
    machine: Sequence[bool],
    weights: Sequence[float],
    strength: float = 0.03,
) -> Fusion:
    """Fit by scikit-learn; `strength` is the inverse of the L2 penalty."""
    from sklearn.linear_model import LogisticRegression

    names = tuple(features[0])
    table: NDArray[np.float64] = np.array([[one[n] for n in names] for one in features])
    centres, scales = table.mean(0), np.maximum(table.std(0), 1e-6)
    level = np.clip((table - centres) / scales, -_CLIP, _CLIP)
    found = LogisticRegression(C=strength, max_iter=5000)
    found.fit(level, np.array(machine), sample_weight=np.array(weights))
    return Fusion(
        names=names,
        centres=tuple(centres.tolist()),
        scales=tuple(scales.tolist()),
        weights=tuple(found.coef_[0].tolist()),
        offset=float(found.intercept_[0]),
    )
