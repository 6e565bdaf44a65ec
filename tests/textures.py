"""Textures, real and generated, and a small extractor."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unmask.generate.distances import (
    Floats,
)


def normal(n: int, d: int = 4, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, d))


def textures(n: int, seed: int, side: int = 32) -> Tensor:
    """(n, 1, side, side): patterns of 2 to 12 cycles with fine noise, no two alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side * 2 * np.pi
    waves = sum(
        np.sin(x * rng.uniform(-9, 9, (n, 1, 1)) + y * rng.uniform(-9, 9, (n, 1, 1))
               + rng.uniform(0, 6.3, (n, 1, 1)))
        for _ in range(3)
    )  # fmt: skip
    noisy = 0.25 * waves + 0.15 * rng.normal(size=(n, side, side))
    return torch.from_numpy(noisy.clip(-1, 1)[:, None]).float()


def blurred(images: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(images, (1, 1, 1, 1), "replicate"), 3, 1)


def squares(images: Tensor) -> Tensor:
    """(N, 32) the mean of each square of eight pixels, and the root of its mean square."""
    means = [F.avg_pool2d(x, 8).flatten(1) for x in (images, images.square())]
    return torch.cat([means[0], means[1].sqrt()], 1)
