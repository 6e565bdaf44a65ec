"""Examples for the training loop, drawn from pictures in memory."""

from dataclasses import dataclass

import numpy as np
import torch

from unmask.datasets.picture_arrays import Pictures
from unmask.generate.game import Batch
from unmask.generate.pictures import to_tensor


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Batches of pictures, with their labels where there are any."""

    pictures: Pictures
    mirror: bool = False  # half of them, for what looks alike both ways

    def __call__(self, rng: np.random.Generator, size: int) -> Batch:
        """{"images": (size, C, H, W) in [-1, 1], "labels": (size,)}."""
        chosen = rng.integers(len(self.pictures.pixels), size=size)
        pixels = self.pictures.pixels[chosen]
        if self.mirror:
            turned = rng.random(size) < 0.5
            pixels = np.where(turned[:, None, None, None], pixels[:, :, ::-1], pixels)
        batch = {"images": to_tensor(np.ascontiguousarray(pixels))}
        if self.pictures.labels is not None:
            batch["labels"] = torch.from_numpy(self.pictures.labels[chosen])
        return batch


@dataclass(frozen=True, kw_only=True)
class TwoDomains:
    """Batches of two kinds of pictures that have nothing to do with each other."""

    a: Examples
    b: Examples

    def __call__(self, rng: np.random.Generator, size: int) -> Batch:
        """{"a": (size, C, H, W), "b": (size, C, H, W)} in [-1, 1]."""
        return {"a": self.a(rng, size)["images"], "b": self.b(rng, size)["images"]}
