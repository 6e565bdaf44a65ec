"""At what size a picture is looked at: a small one at double size too, an enlarged one at half.

Networks that learned from crops of 128 pixels and more see little in less, and where a picture was
enlarged there is nothing between its pixels: what a generator left lies at another scale there.
"""

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SMALL = 160 * 160  # pixels of a picture up to which it is looked at at double size too
LARGE = 320  # pixels of the shorter side from which an enlarged one is looked at at half size too
EMPTY = -0.8  # detail at the finest scale against that at the next, ln; below, it was enlarged
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Scale(StrEnum):
    """What is looked at, and weighed, alike."""

    USUAL = "usual"
    SMALL = "small"
    ENLARGED = "enlarged"


def scale_of(size: tuple[int, int], parts: NDArray[np.uint8]) -> Scale:
    """Of a picture of (H, W), by parts of it, (n, h, w, 3) RGB."""
    if is_small(size):
        return Scale.SMALL
    return Scale.ENLARGED if is_enlarged(size, parts) else Scale.USUAL


def is_small(size: tuple[int, int]) -> bool:
    """Whether a picture of (H, W) is small."""
    return math.prod(size) <= SMALL


def is_enlarged(size: tuple[int, int], parts: NDArray[np.uint8]) -> bool:
    """Whether a picture of (H, W) is large and was enlarged, by parts of it, (n, h, w, 3) RGB.

    Of pictures that were doubled 90% are found, of others as large 8% (validation).
    """
    return min(size) >= LARGE and float(np.median([detail(part) for part in parts])) < EMPTY


def detail(pixels: NDArray[np.uint8]) -> float:
    """Mean second difference of the luma against that of the picture at half size, ln.

    About -0.4 in photographs, whatever they show; -0.9 after doubling. Sides of 6 pixels or more.
    """
    luma = pixels.astype(np.float32) @ LUMA
    height, width = (n // 2 * 2 for n in luma.shape)
    half = luma[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))
    fine, coarse = (
        np.mean([np.abs(np.diff(values, n=2, axis=axis)).mean() for axis in (0, 1)])
        for values in (luma, half)
    )
    return float(np.log((fine + 0.1) / (coarse + 0.1)))
