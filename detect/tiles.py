"""Which parts of a large picture are looked at, so that fifty megapixels cost no more than half."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unmask.detect.scale import Scale, scale_of

CELL = 32  # pixels: tiles begin at multiples, so that every network's grid fits
WHOLE = 460_000  # pixels up to which a picture is judged whole
TILE = 224  # pixels a side, of larger ones
ACROSS = 3  # tiles each way at most, the middle of each cell of a grid

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Map = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """Parts of one picture, all of one size."""

    size: tuple[int, int]  # (H, W) of the picture
    corners: tuple[tuple[int, int], ...]  # (top, left) of each, in reading order
    pixels: NDArray[np.uint8]  # (n, h, w, 3)

    @cached_property
    def scale(self) -> Scale:
        """How the picture is looked at, by its tiles."""
        return scale_of(self.size, self.pixels)

    def map_shape(self, stride: int) -> tuple[int, int]:
        """Rows and columns of a map of the picture."""
        return -(-self.size[0] // stride), -(-self.size[1] // stride)

    def assemble(self, maps: NDArray[np.float32], stride: int) -> Map:
        """Maps of the tiles, (n, h / stride, w / stride) -> one of the picture; NaN elsewhere."""
        whole = np.full(self.map_shape(stride), np.nan, np.float32)
        for (top, left), part in zip(self.corners, maps, strict=True):
            room = whole[top // stride :, left // stride :][: part.shape[0], : part.shape[1]]
            room[:] = part[: room.shape[0], : room.shape[1]]
        return whole


def cut(pixels: Pixels) -> Tiles:
    """The whole of a small picture, or up to nine tiles spread evenly over a large one.

    Sides are mirrored outwards to multiples of CELL, and to 64 pixels at least.
    """
    height, width = pixels.shape[:2]
    corners = [(0, 0)] if height * width <= WHOLE else tile_corners(height, width)
    side = max(height, width) if height * width <= WHOLE else TILE
    parts = [pixels[y : y + side, x : x + side] for y, x in corners]
    spare = [(0, max(64, -(-n // CELL) * CELL) - n) for n in parts[0].shape[:2]]
    padded = [np.pad(part, (*spare, (0, 0)), mode="symmetric") for part in parts]
    return Tiles(size=(height, width), corners=tuple(corners), pixels=np.stack(padded))


def tile_corners(height: int, width: int) -> list[tuple[int, int]]:
    """(top, left) of up to nine tiles, in reading order.

    A side shorter than a tile gets one position there, and the tile is cut at the border.
    """

    def starts(length: int) -> list[int]:
        if length <= TILE:
            return [0]
        count = min(ACROSS, length // TILE + 1)
        room = length - TILE
        middles = [(2 * i + 1) / (2 * count) for i in range(count)]
        at = [min(room, max(0, round(m * length - TILE / 2))) for m in middles]
        return sorted({a // CELL * CELL for a in at})

    return [(y, x) for y in starts(height) for x in starts(width)]
