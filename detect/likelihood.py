"""How surprising a picture is to a small lossless coder that has seen photographs alone.

What the pixels cost the coder is compared with what it expected them to cost (ZED; Cozzolino et al.
2024, "Zero-Shot Detection of AI-Generated Images"): in a photograph the two agree at every level,
whatever it shows. A picture that is odd in either direction is out of the range that the other
experts were fitted in.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from unmask.card import load_card
from unmask.detect.coder import LEVELS, Coder, Level, Mixture, pyramid
from unmask.detect.tiles import TILE, tile_corners
from unmask.errors import WeightsError

__all__ = [
    "LEVELS",
    "WHOLE",
    "Coder",
    "Floats",
    "Level",
    "Mixture",
    "Pixels",
    "Predictor",
    "Range",
    "Surprise",
    "load_expert",
    "out_of_range",
    "pyramid",
    "save_expert",
    "score",
    "surprise",
]

STRIDE = 16  # pixels between two values of the map
TILES = 5  # at most, of TILE x TILE pixels: a quarter of a megapixel
WHOLE = TILES * TILE * TILE  # pixels up to which a picture is looked at whole
_GRID = 2**LEVELS  # pixels: sides are cut to multiples

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float64]


class Predictor(Protocol):
    """What predicts the pixels of pictures, and says how far off it was."""

    def gaps(self, images: Tensor, generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """As `Coder.gaps`, from pictures in the processor's memory."""
        ...


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """What a picture costs the coder, by level, in bits a subpixel; level 0 is the finest."""

    cost: tuple[float, ...]  # (LEVELS,)
    expected: tuple[float, ...]  # (LEVELS,) by the coder itself
    gaps: NDArray[np.float32]  # (h, w) cost - expected of level 0; NaN where no tile was looked at
    covered: float  # part of the picture that was looked at

    @property
    def gap(self) -> tuple[float, ...]:
        """Cost less expected: above 0 is too surprising, below 0 too predictable."""
        return tuple(c - e for c, e in zip(self.cost, self.expected, strict=True))

    @property
    def vector(self) -> Floats:
        """(2 LEVELS - 1,): the gaps, and how the cost falls from level to level."""
        return np.array([*self.gap, *-np.diff(self.cost)])


@torch.inference_mode()
def surprise(coder: Predictor, pixels: Pixels) -> Surprise:
    """Look at a quarter of a megapixel of a picture at most, at its own resolution."""
    pad = [(0, max(0, STRIDE - n)) for n in pixels.shape[:2]]
    if any(after for _, after in pad):
        pixels = np.pad(pixels, [*pad, (0, 0)], mode="symmetric")
    height, width = pixels.shape[:2]
    corners, side = [(0, 0)], max(height, width)
    if height * width > WHOLE:
        corners, side = tile_corners(height, width), TILE
        keep = np.linspace(0, len(corners) - 1, min(TILES, len(corners)))
        corners = [corners[round(float(i))] for i in keep]
    batch = np.stack([pixels[y : y + side, x : x + side] for y, x in corners])
    batch = batch[:, : batch.shape[1] // _GRID * _GRID, : batch.shape[2] // _GRID * _GRID]
    images = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2))).float()
    levels = coder.gaps(images, torch.Generator().manual_seed(0))
    finest = F.avg_pool2d((levels[0][0] - levels[0][1])[:, None], STRIDE // 2, ceil_mode=True)
    gaps = np.full((-(-height // STRIDE), -(-width // STRIDE)), np.nan, np.float32)
    for (y, x), tile in zip(corners, finest[:, 0].cpu().numpy(), strict=True):
        room = gaps[y // STRIDE :, x // STRIDE :][: tile.shape[0], : tile.shape[1]]
        room[:] = tile[: room.shape[0], : room.shape[1]]
    return Surprise(
        cost=tuple(float(cost.mean()) for cost, _ in levels),
        expected=tuple(float(expected.mean()) for _, expected in levels),
        gaps=gaps,
        covered=float(np.isfinite(gaps).mean()),
    )


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where photographs lie, of D values of `Surprise.vector`."""

    mean: Floats  # (D,)
    precision: Floats  # (D, D)
    distances: Floats  # (n,) of other photographs than those that gave mean and precision

    def distance(self, vector: Floats) -> float:
        """Mahalanobis distance from the middle of the photographs."""
        apart = vector - self.mean
        return float(np.sqrt(apart @ self.precision @ apart))


def out_of_range(found: Surprise, photographs: Range) -> float:
    """The chance that a photograph is at least as odd, in either direction: a conformal p-value."""
    odder = int((photographs.distances >= photographs.distance(found.vector)).sum())
    return (1 + odder) / (1 + len(photographs.distances))


def score(found: Surprise, photographs: Range) -> float:
    """How much too predictable the finest level is, in deviations; above 0 leans to synthetic.

    It is compared with photographs that have the same values at the coarser levels.
    """
    pull = photographs.precision @ (found.vector - photographs.mean)
    return float(-pull[0] / np.sqrt(photographs.precision[0, 0]))


def save_expert(coder: Coder, photographs: Range, weights: Path) -> None:
    """Write a coder in half precision, and the range of the photographs."""
    tensors = {k: v.half().contiguous() for k, v in coder.state_dict().items()}
    for name in ("mean", "precision", "distances"):
        tensors[f"range.{name}"] = torch.from_numpy(getattr(photographs, name)).contiguous()
    save_file(tensors, weights)


def load_expert(weights: Path) -> tuple[Coder, Range]:
    """The coder and the range. WeightsError where they are missing, or not those of their card."""
    load_card(weights)
    coder = Coder()
    try:
        tensors = load_file(weights)
        photographs = Range(
            **{n: tensors.pop(f"range.{n}").numpy() for n in ("mean", "precision", "distances")}
        )
        coder.load_state_dict({k: v.float() for k, v in tensors.items()})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise WeightsError(f"The weights {weights.name} cannot be read.") from error
    return coder.eval(), photographs
