"""What a picture has been through, by its pixels alone: size, blocks, sharpness.

A score means less after heavy compression or blur. These numbers are candidates for the fusion; on
generators left out of its fit they made it worse, so that `ablation` alone weighs them. They are
read from pixels because the file's own account is lost with the next screenshot.
"""

import numpy as np
from numpy.typing import NDArray

NAMES = ("log_side", "blocks", "sharpness")
MIDDLE = 512  # pixels a side that are looked at
BLOCK = 8  # pixels of a JPEG block

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float64]


def quality(pixels: Pixels) -> Floats:
    """(3,) as in NAMES: log2 of the short side, block edges (0: none), ln of the detail.

    Works on the middle of a large picture; sides of 16 pixels or more.
    """
    height, width = pixels.shape[:2]
    top, left = (max(0, n - MIDDLE) // 2 for n in (height, width))
    part = pixels[top : top + MIDDLE, left : left + MIDDLE].astype(np.float32)
    luma = part @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.array([np.log2(min(height, width)), _blocks(luma), _sharpness(luma)])


def _blocks(luma: NDArray[np.float32]) -> float:
    """How much larger steps are on the strongest grid of 8 than between its lines, ln, both ways.

    Wang, Sheikh and Bovik 2002, "No-reference perceptual quality assessment of JPEG". Any offset of
    the grid counts, as pictures are cropped.
    """
    found = []
    for axis in (0, 1):
        steps = np.abs(np.diff(luma, n=1, axis=axis)).mean(axis=1 - axis)
        usable = len(steps) // BLOCK * BLOCK
        phases = np.sort(steps[:usable].reshape(-1, BLOCK).mean(axis=0))
        found.append(np.log((phases[-1] + 0.1) / (np.median(phases) + 0.1)))
    return float(np.mean(found))


def _sharpness(luma: NDArray[np.float32]) -> float:
    """ln of the mean second difference in grey levels."""
    second = (np.abs(np.diff(luma, n=2, axis=a)).mean() for a in (0, 1))
    return float(np.log(0.1 + sum(second) / 2))
