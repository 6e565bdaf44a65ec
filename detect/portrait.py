"""Does a face fill the picture? Only then is the expert that learned from such faces asked.

A small network looks at a thumbnail, in which no trace of a generator is left: it can tell what
the picture shows, and not who made it.
"""

from itertools import pairwise

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SIDE = 48  # pixels of the thumbnail

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB


class PortraitNet(nn.Module):
    """(B, 3, 48, 48) RGB in [0, 1] -> (B,) logits; above 0 where a face fills the picture."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 48)
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(48 * (SIDE // 8) ** 2, 1)

    def forward(self, thumbnails: Tensor) -> Tensor:
        x = thumbnails * 2 - 1
        for layer in self.layers:
            x = torch.relu(layer(x))
        logits: Tensor = self.head(self.drop(x.flatten(1)))
        return logits[:, 0]


def thumbnail(pixels: Pixels) -> Pixels:
    """(48, 48, 3): the middle square of the picture."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    small: Pixels = cv2.resize(square, (SIDE, SIDE), interpolation=how).astype(np.uint8)
    return small


def as_batch(thumbnails: NDArray[np.uint8]) -> Tensor:
    """(N, 48, 48, 3) -> (N, 3, 48, 48) in [0, 1]."""
    return torch.from_numpy(thumbnails).permute(0, 3, 1, 2).float() / 255


@torch.inference_mode()
def is_portrait(net: PortraitNet, pixels: Pixels) -> bool:
    """Whether a face fills the middle square of the picture."""
    where = next(net.parameters()).device
    return bool(net(as_batch(thumbnail(pixels)[None]).to(where)) > 0)
