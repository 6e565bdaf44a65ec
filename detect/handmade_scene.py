"""Natural-scene statistics: how locally normalised luma is distributed (Mittal et al. 2012)."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from unmask.detect.handmade_tiles import Planes, Tiles

_SIGMA = 7 / 6  # pixels, of the 7 x 7 window of the paper
_BORDER = 3  # pixels that saw beyond the tile
_AREA = cv2.INTER_AREA
_SHAPES = np.linspace(0.2, 10, 981)


def normalised(luma: Planes) -> Planes:
    """(T, S, S) to (T, S - 6, S - 6): less the local mean, over the local deviation + 1."""
    done = []
    for tile in luma:
        mean = cv2.GaussianBlur(tile, (7, 7), _SIGMA)
        square = cv2.GaussianBlur(tile * tile, (7, 7), _SIGMA)
        deviation = np.sqrt(np.maximum(square - mean * mean, 0))
        done.append(((tile - mean) / (deviation + 1))[_BORDER:-_BORDER, _BORDER:-_BORDER])
    return np.stack(done)


@cache
def _ratios() -> NDArray[np.float64]:
    """E|x|^2 / E[x^2] of the generalised Gaussian of each shape; rises with the shape."""
    one, two, three = (gammaln(k / _SHAPES) for k in (1, 2, 3))
    return np.asarray(np.exp(2 * two - one - three))


def shape_of(magnitude: float, square: float) -> float:
    """Shape of a generalised Gaussian (2: normal, 1: Laplace) by moments, in [0.2, 10].

    `magnitude` is E|x| and `square` is E[x^2] (Sharifi and Leon-Garcia 1995).
    """
    return float(np.interp(magnitude**2 / (square + 1e-9), _ratios(), _SHAPES))


def asymmetric(values: Planes) -> tuple[float, float, float, float]:
    """Shape, mean, left and right deviation of an asymmetric generalised Gaussian, by moments."""
    below, above = values[values < 0], values[values > 0]
    left = float(np.sqrt(np.mean(below**2))) if below.size else 0.0
    right = float(np.sqrt(np.mean(above**2))) if above.size else 0.0
    gamma = (left + 1e-6) / (right + 1e-6)
    magnitude, square = float(np.mean(np.abs(values))), float(np.mean(values**2))
    # Lasmar et al. 2009: what asymmetry does to the ratio of moments is known.
    scale = (gamma**3 + 1) * (gamma + 1) / (gamma**2 + 1) ** 2
    shape = shape_of(magnitude * np.sqrt(scale), square)
    one, two, three = (gammaln(k / shape) for k in (1, 2, 3))
    mean = (right - left) * float(np.exp(two - (one + three) / 2))
    return shape, mean, left, right


def scene(tiles: Tiles) -> dict[str, float]:
    """Parameters of normalised luma and of products of its neighbours, at two scales."""
    half = np.stack([cv2.resize(t, None, fx=0.5, fy=0.5, interpolation=_AREA) for t in tiles.luma])
    found: dict[str, float] = {}
    for name, luma in (("full", tiles.luma), ("half", half)):
        values = normalised(luma)
        square = float(np.mean(values**2))
        found[f"scene.{name}.shape"] = shape_of(float(np.mean(np.abs(values))), square)
        found[f"scene.{name}.variance"] = square
        products = {
            "across": values[:, :, :-1] * values[:, :, 1:],
            "down": values[:, :-1] * values[:, 1:],
            "falling": values[:, :-1, :-1] * values[:, 1:, 1:],
            "rising": values[:, :-1, 1:] * values[:, 1:, :-1],
        }
        for way, product in products.items():
            parts = ("shape", "mean", "left", "right")
            for part, value in zip(parts, asymmetric(product), strict=True):
                found[f"scene.{name}.{way}.{part}"] = value
    return found
