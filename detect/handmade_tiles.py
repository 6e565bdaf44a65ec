"""What hand-made features are taken from: a few tiles of a picture at its own resolution."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Planes = NDArray[np.float32]  # (T, S, S), or (K, T, S, S) for K kinds of plane
LEAST = 64  # pixels a side of a picture
GRID = 8  # pixels of a JPEG block: tiles start on the picture's own grid
_MOST = 4  # tiles along a side
_CLIP = 12.0  # grey levels: an edge must not drown the grain of a tile


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """T square tiles of a picture, and what is taken from them more than once."""

    luma: Planes  # (T, S, S), (R + 2 G + B) / 4
    chroma: Planes  # (2, T, S, S), R - G and B - G
    residual: Planes  # (3, T, S, S), R, G, B less their 3 x 3 median

    @property
    def opponent(self) -> Planes:
        """(3, T, S, S): the residuals of luma, R - G and B - G."""
        return opponent(self.residual)


def opponent(rgb: Planes) -> Planes:
    """Luma, R - G and B - G of (3, ...) colour planes."""
    red, green, blue = rgb
    return np.stack([(red + 2 * green + blue) / 4, red - green, blue - green])


def corners(height: int, width: int) -> tuple[int, list[tuple[int, int]]]:
    """The side of a tile, 128 or 64, and the (top, left) of at most 16, spread evenly."""
    side = 128 if min(height, width) >= 128 else LEAST

    def starts(length: int) -> list[int]:
        count = min(_MOST, math.ceil(length / side))
        at = np.linspace(0, length - side, count) if count > 1 else [(length - side) / 2]
        return sorted({int(a) // GRID * GRID for a in at})

    return side, [(y, x) for y in starts(height) for x in starts(width)]


def cut(pixels: Pixels) -> Tiles:
    """Tiles of a picture. ValueError where a side is under 64 pixels."""
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST:
        raise ValueError(f"a picture of {width} x {height}: hand-made features need {LEAST} pixels")
    side, found = corners(height, width)
    parts = [np.ascontiguousarray(pixels[y : y + side, x : x + side]) for y, x in found]
    smooth = np.stack([cv2.medianBlur(part, 3) for part in parts])
    rgb = np.stack(parts).astype(np.float32).transpose(3, 0, 1, 2)
    residual = np.clip(rgb - smooth.transpose(3, 0, 1, 2), -_CLIP, _CLIP)
    planes = opponent(rgb)
    return Tiles(luma=planes[0], chroma=planes[1:], residual=residual)
