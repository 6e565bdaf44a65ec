"""NPR: how a pixel relates to its neighbours after up-sampling (Tan et al. 2024, CVPR)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.detect.peers.small_resnet import SmallResNet


def neighbours(images: Tensor) -> Tensor:
    """(B, 3, H, W) -> each pixel less the first of its 2 x 2 cell; odd sides lose a row."""
    height, width = (n // 2 * 2 for n in images.shape[2:])
    even = images[:, :, :height, :width]
    first = F.interpolate(even[:, :, ::2, ::2], scale_factor=2.0, mode="nearest")
    return even - first


class NPR(nn.Module):
    """Neighbouring pixel relationships into half a ResNet-50: logits (B, H/8, W/8)."""

    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.net = SmallResNet()
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.net(neighbours(images) / self.std)  # a mean would cancel out
        return logits
