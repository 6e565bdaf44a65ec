"""Faces bent at random for the face swap's autoencoder: it must give back the unbent face.

The recipe of the first face-swap programs (2017): a 5 x 5 grid of points, each moved at random,
bends the input. A network that straightens it learns what the person looks like, rather than to
copy. All that is random comes from the generator that is given.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.generate.alignment import moved, similarity

Pixels = NDArray[np.uint8]  # (S, S, 3) RGB
Mask = NDArray[np.float32]  # (S, S) in [0, 1]
Grid = NDArray[np.float32]  # (S, S, 2): x, y in the source of each pixel


@dataclass(frozen=True, kw_only=True)
class WarpOptions:
    """How much of everything."""

    turn: float = 10.0  # degrees at most, of input and target alike
    zoom: float = 0.05  # part of the size at most
    shift: float = 0.05  # part of the side at most
    bend: float = 0.03  # deviation of the grid's points, as part of the side
    points: int = 5  # a side of the grid
    colour: float = 0.08  # deviation of each channel's gain, of input and target alike
    light: float = 0.05  # deviation of the brightness, as part of the range
    mirror: float = 0.3  # part of the faces


@lru_cache(maxsize=4)
def places(side: int) -> Grid:
    """Where each pixel of a square is."""
    y, x = np.mgrid[:side, :side]
    found = np.stack([x, y], 2).astype(np.float32)
    found.flags.writeable = False
    return found


def placed(side: int, rng: np.random.Generator, options: WarpOptions) -> Grid:
    """Where each pixel of a turned, zoomed, shifted and perhaps mirrored square comes from."""
    turn = np.deg2rad(rng.uniform(-options.turn, options.turn))
    zoom = 1 + rng.uniform(-options.zoom, options.zoom)
    shift = rng.uniform(-options.shift, options.shift, 2) * side
    sign = -1.0 if rng.random() < options.mirror else 1.0
    middle = (side - 1) / 2
    rotation = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))]) / zoom
    matrix = (rotation * (sign, 1)).astype(np.float32)
    start = middle + shift - matrix @ (middle, middle)
    return np.asarray(places(side) @ matrix.T + start.astype(np.float32))


def bent(side: int, rng: np.random.Generator, options: WarpOptions) -> Grid:
    """Where each pixel of a bent square comes from; on the whole it stays where it is."""
    n = options.points
    at = np.stack(np.meshgrid(*(np.linspace(0, side - 1, n),) * 2), 2).reshape(-1, 2)
    away = at + rng.normal(0, options.bend * side, at.shape)
    # What of it is a move of the whole is taken back, so that the target need not move.
    away = moved(away, similarity(away, at))
    coarse = (away - at).reshape(n, n, 2).astype(np.float32)
    # Cells, not points, are what OpenCV enlarges; a cell more on each rim, cut off again.
    cell = side / (n - 1)
    fine = cv2.resize(coarse, (round(cell * n),) * 2, interpolation=cv2.INTER_CUBIC)
    start = (len(fine) - side) // 2
    return np.asarray(places(side) + fine[start : start + side, start : start + side])


def jitter(
    rng: np.random.Generator, options: WarpOptions
) -> tuple[NDArray[np.float32], np.float32]:
    """(3,) gains of the channels, and what is added to levels in [0, 1]."""
    gains = np.exp(rng.normal(0, options.colour, 3)).astype(np.float32)
    return gains, np.float32(rng.normal(0, options.light))


def sampled(values: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """(S, S, ...) values where a grid says; the rim goes on beyond itself."""
    found = cv2.remap(values, grid, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found)


def example(
    face: Pixels, mask: Mask, rng: np.random.Generator, options: WarpOptions
) -> tuple[NDArray[np.float32], NDArray[np.float32], Mask]:
    """(bent face, face, mask of the face) to train on, faces (S, S, 3) in [-1, 1].

    Input and target share their place and their colours; the input alone is bent.
    """
    side = len(face)
    place = placed(side, rng, options)
    gains, light = jitter(rng, options)
    lit = np.clip(face.astype(np.float32) / 255 * gains + light, 0, 1)
    values = np.asarray(lit * 2 - 1, np.float32)
    target = sampled(values, place)
    bend = bent(side, rng, options)
    # Bending the places, not the pixels, reads the face once: nothing is blurred twice.
    warped = sampled(values, sampled(place, bend))
    return warped, target, np.clip(sampled(mask, place), 0, 1)
