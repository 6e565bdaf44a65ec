"""Tiny-LaDeDa: 1,297 parameters that judge small patches (Cavia et al. 2024)."""

import torch
from torch import Tensor, nn

from unmask.detect.peers.npr import neighbours

CHANNELS = 8


class TinyLaDeDa(nn.Module):
    """Pixel relationships into four convolutions: one logit a patch, (B, H/2 - 2, W/2 - 2).

    Every second position has a patch of 5 x 5 relationships around it.
    """

    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, CHANNELS, kernel_size=1, bias=False),
            nn.Conv2d(CHANNELS, CHANNELS, kernel_size=3, bias=False),
            nn.BatchNorm2d(CHANNELS),
            nn.ReLU(inplace=True),
            nn.Conv2d(CHANNELS, CHANNELS, kernel_size=1, bias=False),
            nn.BatchNorm2d(CHANNELS),
            nn.ReLU(inplace=True),
            nn.Conv2d(CHANNELS, CHANNELS, kernel_size=3, stride=2, bias=False),
            nn.BatchNorm2d(CHANNELS),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Conv2d(CHANNELS, 1, kernel_size=1)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layers(neighbours(images) / self.std))
        return logits[:, 0]
