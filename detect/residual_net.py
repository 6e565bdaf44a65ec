"""The residual expert: a small convolutional network that never sees content, only residuals.

It works at the picture's own resolution and gives a logit for every 8 x 8 pixels, which is its
heatmap (Chai et al. 2020). A picture's logit is the mean of all and of the highest ones, so that a
generated part is not drowned.
"""

import torch
from torch import Tensor, nn

from unmask.detect.residuals import CHANNELS, residuals

STRIDE = 8  # pixels between two patch logits
TOP = 0.1  # part of the patches that count as the highest
GAIN = 12.0  # residuals of photographs then have a deviation near one
LIMIT = 3.0  # an edge is no trace, however strong


class ResidualNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> patch logits (B, H/8, W/8); above 0 means synthetic."""

    def __init__(self, drop: float = 0.0) -> None:
        """`drop` is the chance to drop a feature in training."""
        super().__init__()
        # Full resolution, where most of the time would go, is left at once: about 10,000
        # multiplications a pixel, as EfficientNet-Lite0 takes.
        self.body = nn.Sequential(
            _convolution(CHANNELS, 32, stride=2, kernel=4),
            _convolution(32, 48, stride=2),
            Residual(48),
            Residual(48),
            _convolution(48, 96, stride=2),
            Residual(96),
        )
        self.drop = nn.Dropout2d(drop)
        self.head = nn.Conv2d(96, 1, kernel_size=1)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 96, H/8, W/8)."""
        seen = (GAIN * residuals(images)).clamp(-LIMIT, LIMIT)
        features: Tensor = self.body(seen)
        return features

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.drop(self.features(images)))
        return logits[:, 0]


class Residual(nn.Module):
    """Two convolutions beside the identity (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm.weight)  # begins as the identity

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same."""
        y: Tensor = self.norm(self.second(self.first(x)))
        return torch.relu(x + y)


def _convolution(before: int, after: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def pooled(logits: Tensor, top: float = 0.0) -> Tensor:
    """(B, h, w) patch logits -> (B,): their mean, or midway to the mean of the highest part."""
    flat = logits.flatten(1)
    mean = flat.mean(1)
    if top <= 0:
        return mean
    count = max(1, round(top * flat.shape[1]))
    return (mean + flat.topk(count, dim=1).values.mean(1)) / 2
