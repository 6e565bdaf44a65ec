"""Run the patch detector on a picture of any size, in bounded time."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from unmask.card import Card, load_card
from unmask.detect.calibration import Calibration
from unmask.detect.patchnet import STRIDE, PatchNet

WEIGHTS = Path(__file__).with_name("weights") / "patchnet.safetensors"
WHOLE = 1_000_000  # pixels up to which a picture is judged whole
TILE = 320  # pixels a side, of larger ones
TILES = 9  # at most, spread evenly; the middle of each cell of a 3 x 3 grid

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the network said of a picture."""

    score: float  # mean patch logit; above 0 leans to synthetic
    distance: float  # squared Mahalanobis distance to the nearest training cluster / dimensions
    patches: NDArray[np.float32]  # (h, w) patch logits; NaN where no tile was looked at
    covered: float  # part of the picture that was looked at


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA, then Apple's MPS, then the processor."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class Detector:
    """The network with its card, its calibrations and the range it was trained in."""

    def __init__(self, net: PatchNet, card: Card, means: Tensor, precision: Tensor) -> None:
        self.device = next(net.parameters()).device
        self.net = net.eval()
        self.card = card
        self.means = means.to(self.device)  # (clusters, 432)
        self.precision = precision.to(self.device)  # (432, 432)
        self.calibration = {
            kind: Calibration.load(fields) for kind, fields in card.calibration.items()
        }

    @torch.inference_mode()
    def score(self, pixels: Pixels) -> Scored:
        """Judge a picture at its own resolution: whole, or in evenly spread tiles."""
        height, width = pixels.shape[:2]
        if height * width <= WHOLE:
            logits, features = self._forward(pixels[None])
            patches = logits[0]
            pooled = features.mean((0, 2, 3))
        else:
            corners = tile_corners(height, width)
            batch = np.stack([pixels[y : y + TILE, x : x + TILE] for y, x in corners])
            logits, features = self._forward(batch)
            patches = np.full((-(-height // STRIDE), -(-width // STRIDE)), np.nan, np.float32)
            side = TILE // STRIDE
            for (y, x), tile in zip(corners, logits, strict=True):
                row, column = y // STRIDE, x // STRIDE
                room = patches[row : row + side, column : column + side]
                room[:] = tile[: room.shape[0], : room.shape[1]]
            pooled = features.mean((0, 2, 3))
        seen = np.isfinite(patches)
        return Scored(
            score=float(patches[seen].mean()),
            distance=self._distance(pooled),
            patches=patches,
            covered=float(seen.mean()),
        )

    def _forward(self, batch: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Tensor]:
        """(B, H, W, 3) -> patch logits (B, h, w) and features (B, 432, h, w)."""
        least = 4 * STRIDE
        pad = [(0, 0), *((0, max(0, least - n)) for n in batch.shape[1:3]), (0, 0)]
        if any(after for _, after in pad):
            batch = np.pad(batch, pad, mode="symmetric")
        images = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)))
        images = images.to(self.device, memory_format=torch.channels_last).float() / 255
        features = self.net.features(images)
        logits = self.net.head(features)[:, 0]
        return logits.cpu().numpy().astype(np.float32), features

    def _distance(self, pooled: Tensor) -> float:
        apart = self.means - pooled
        squared = (apart @ self.precision * apart).sum(1)
        return float(squared.min()) / pooled.numel()


def tile_corners(height: int, width: int) -> list[tuple[int, int]]:
    """(top, left) of up to 9 tiles, aligned to the patch grid, in reading order.

    A side shorter than a tile gets one position there, and the tile is cut at the border.
    """

    def starts(length: int) -> list[int]:
        if length <= TILE:
            return [0]
        count = min(3, length // TILE + 1)
        room = length - TILE
        cells = [(2 * i + 1) / (2 * count) for i in range(count)]
        at = [min(room, max(0, round(c * length - TILE / 2))) for c in cells]
        return sorted({a // STRIDE * STRIDE for a in at})

    return [(y, x) for y in starts(height) for x in starts(width)]


@cache
def load_detector(device: str = "auto", weights: Path = WEIGHTS) -> Detector:
    """The shipped detector, loaded once a process and device.

    Raises WeightsError where the weights are missing or are not those of their card.
    """
    card = load_card(weights)
    tensors = {k: v.float() for k, v in load_file(weights).items()}
    means, precision = tensors.pop("range.means"), tensors.pop("range.precision")
    net = PatchNet()
    net.load_state_dict(tensors)
    where = pick_device(device)
    net.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Detector(net, card, means, precision)
