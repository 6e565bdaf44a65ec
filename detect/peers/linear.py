"""Peers without a network: spectra into a support vector machine or a ridge regression.

Durall et al. 2019 ("Unmasking DeepFakes with simple features") and Frank et al. 2020 (ICML).
"""

import math
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.fft import dctn, fft2, fftfreq

from unmask.detect.encodings import Pixels
from unmask.errors import WeightsError

Floats = NDArray[np.float64]
RINGS = 181  # of 1/256 cycle a pixel, from the mean of the picture to the corner of its spectrum
TILE = 128  # pixels a side of a cosine transform
_MOST_SIDE = 1024  # pixels that a spectrum is taken of, from the middle
_MOST_TILES = 3  # along a side
_EPS = 1e-2  # grey levels: far below the rounding of pixels


def _grey(pixels: Pixels) -> Floats:
    return np.asarray(pixels.astype(np.float64) @ np.array([0.299, 0.587, 0.114]))


@cache
def _rings(height: int, width: int) -> NDArray[np.intp]:
    radius = np.hypot(fftfreq(height)[:, None], fftfreq(width)[None])
    return np.asarray((radius * 256).round().astype(np.intp).ravel())


def azimuthal(pixels: Pixels) -> Floats:
    """(H, W, 3) -> (181,) log10 of the mean power by radius of frequency, less that at radius 0.

    Of the 1024 x 1024 in the middle. Radii that a small picture has no frequency at are between
    their neighbours.
    """
    height, width = pixels.shape[:2]
    top, left = max(0, height - _MOST_SIDE) // 2, max(0, width - _MOST_SIDE) // 2
    grey = _grey(pixels[top : top + _MOST_SIDE, left : left + _MOST_SIDE])
    power = np.abs(fft2(grey) / math.sqrt(grey.size)) ** 2
    rings = _rings(*grey.shape)
    sums = np.bincount(rings, power.ravel(), RINGS + 1)[:RINGS]
    counts = np.bincount(rings, minlength=RINGS + 1)[:RINGS]
    there = np.flatnonzero(counts)
    logs = np.log10(sums[there] / counts[there] + _EPS**2)
    return np.asarray(np.interp(np.arange(RINGS), there, logs - logs[0]))


def log_dct(pixels: Pixels) -> Floats:
    """(H, W, 3) -> (16384,) mean log10 magnitude of the cosine coefficients of 128 x 128 tiles.

    At most nine tiles, spread evenly; a smaller picture is mirrored outwards.
    """
    grey = _grey(pixels)
    short = [(0, max(0, TILE - side)) for side in grey.shape]
    grey = np.pad(grey, short, mode="symmetric")

    def starts(length: int) -> NDArray[np.intp]:
        count = min(_MOST_TILES, math.ceil(length / TILE))
        middle = [(length - TILE) / 2]
        at = np.linspace(0, length - TILE, count) if count > 1 else np.array(middle)
        return at.astype(np.intp)

    tiles = [
        grey[top : top + TILE, left : left + TILE]
        for top in starts(grey.shape[0])
        for left in starts(grey.shape[1])
    ]
    coefficients = dctn(np.stack(tiles), axes=(1, 2), norm="ortho")
    return np.asarray(np.log10(np.abs(coefficients) + _EPS).mean(0).ravel())


@dataclass(frozen=True, kw_only=True)
class Svm:
    """A support vector machine with a Gaussian kernel on standardised features."""

    centre: Floats  # (D,)
    scale: Floats  # (D,) > 0
    vectors: Floats  # (S, D) standardised
    weights: Floats  # (S,)
    intercept: Floats  # ()
    gamma: Floats  # ()

    def decision_function(self, x: ArrayLike) -> Floats:
        """(N, D) -> (N,); above 0 means synthetic."""
        z = (np.asarray(x, dtype=np.float64) - self.centre) / self.scale
        squares = (z**2).sum(1)[:, None] + (self.vectors**2).sum(1) - 2 * z @ self.vectors.T
        return np.asarray(np.exp(-self.gamma * squares) @ self.weights + self.intercept)


@dataclass(frozen=True, kw_only=True)
class Ridge:
    """A linear regression of the class on standardised features."""

    centre: Floats  # (D,)
    scale: Floats  # (D,) > 0
    coefficients: Floats  # (D,)
    intercept: Floats  # ()

    def decision_function(self, x: ArrayLike) -> Floats:
        """(N, D) -> (N,); above 0 means synthetic."""
        z = (np.asarray(x, dtype=np.float64) - self.centre) / self.scale
        return np.asarray(z @ self.coefficients + self.intercept)


_KINDS: dict[str, type[Svm] | type[Ridge]] = {"svm": Svm, "ridge": Ridge}


def _standard(x: ArrayLike) -> tuple[Floats, Floats, Floats]:
    rows = np.asarray(x, dtype=np.float64)
    centre, scale = rows.mean(0), rows.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    return (rows - centre) / scale, centre, scale


def fit_durall(x: ArrayLike, y: ArrayLike) -> Svm:
    """Fit to rows of `azimuthal` (N, 181) and labels (N,), true for synthetic."""
    from sklearn.svm import SVC  # measuring does without it

    z, centre, scale = _standard(x)
    fitted = SVC(kernel="rbf", gamma="scale").fit(z, np.asarray(y, dtype=bool))
    return Svm(
        centre=centre,
        scale=scale,
        vectors=np.asarray(fitted.support_vectors_),
        weights=np.asarray(fitted.dual_coef_[0]),
        intercept=np.array(float(fitted.intercept_[0])),
        gamma=np.array(1 / (z.shape[1] * z.var())),  # what "scale" stands for
    )


def fit_frank(x: ArrayLike, y: ArrayLike) -> Ridge:
    """Fit to rows of `log_dct` (N, 16384) and labels (N,), true for synthetic.

    The strength of the penalty is that of the least error on rows left out one by one.
    """
    from sklearn.linear_model import RidgeClassifierCV

    z, centre, scale = _standard(x)
    fitted = RidgeClassifierCV(alphas=np.logspace(1, 6, 11)).fit(z, np.asarray(y, dtype=bool))
    return Ridge(
        centre=centre,
        scale=scale,
        coefficients=np.ravel(fitted.coef_),
        intercept=np.array(float(np.ravel(fitted.intercept_)[0])),
    )


def save(model: Svm | Ridge, path: Path) -> None:
    """Write a fitted model as plain arrays."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(model, cls))
    tensors = {f.name: np.ascontiguousarray(getattr(model, f.name)) for f in fields(model)}
    save_file(tensors, path, metadata={"kind": kind})


def load(path: Path) -> Svm | Ridge:
    """Read a fitted model. WeightsError where it is damaged."""
    try:
        with safe_open(path, framework="np") as file:
            cls = _KINDS[(file.metadata() or {})["kind"]]
            return cls(**{f.name: file.get_tensor(f.name) for f in fields(cls)})
    except (OSError, SafetensorError, KeyError) as error:
        raise WeightsError(f"The weights {path.name} cannot be read.") from error
