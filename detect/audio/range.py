"""What real speech sounds like to a detector, and how far a recording lies outside of that."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from unmask.detect.audio.frontends import lfcc
from unmask.sound import Samples

Floats = NDArray[np.float64]
_STATICS = 12  # cepstral coefficients whose means and deviations are looked at
_SHRINK = 0.1  # part of the covariance that is replaced by its diagonal


def summary(wave: Samples) -> Floats:
    """(24,) mean and deviation of the low LFCC of the loud frames of (N,) at 16 kHz."""
    with torch.inference_mode():
        frames = lfcc(torch.from_numpy(np.ascontiguousarray(wave))[None])[0, :_STATICS].numpy()
    loud = frames[:, frames[0] >= np.median(frames[0])].astype(float)
    return np.concatenate([loud.mean(1), loud.std(1)])


@dataclass(frozen=True, kw_only=True)
class SpeechRange:
    """Where D values of real recordings lie."""

    mean: Floats  # (D,)
    precision: Floats  # (D, D)
    distances: Floats  # (n,) of other recordings than those that gave mean and precision

    def distance(self, values: Floats) -> float:
        """Mahalanobis distance from the middle of the real recordings."""
        apart = values - self.mean
        return math.sqrt(max(0.0, float(apart @ self.precision @ apart)))

    def likeness(self, values: Floats) -> float:
        """The chance that a real recording is at least as odd: a conformal p-value in (0, 1]."""
        odder = int((self.distances >= self.distance(values)).sum())
        return (1 + odder) / (1 + len(self.distances))

    @classmethod
    def fit(cls, one: ArrayLike, other: ArrayLike) -> "SpeechRange":
        """Mean and precision of `one` (N, D); distances of `other` (M, D), other recordings."""
        x = np.asarray(one, float)
        covariance = np.cov(x, rowvar=False)
        covariance = (1 - _SHRINK) * covariance + _SHRINK * np.diag(np.diag(covariance))
        blank = cls(
            mean=x.mean(0),
            precision=np.asarray(np.linalg.inv(covariance), float),
            distances=np.zeros(0),
        )
        distances = np.array([blank.distance(v) for v in np.asarray(other, float)])
        return cls(mean=blank.mean, precision=blank.precision, distances=distances)

    def tensors(self) -> dict[str, Tensor]:
        """As a part of a weight file."""
        return {
            f"range.{name}": torch.from_numpy(np.asarray(getattr(self, name))).contiguous()
            for name in ("mean", "precision", "distances")
        }

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "SpeechRange":
        """From a weight file."""
        return cls(
            **{
                n: tensors[f"range.{n}"].double().numpy()
                for n in ("mean", "precision", "distances")
            }
        )
