"""SAFE: the diagonal details of a wavelet transform (Li et al. 2025, KDD)."""

import torch.nn.functional as F
from torch import Tensor, nn

from unmask.detect.peers.small_resnet import SmallResNet


def diagonal_details(images: Tensor) -> Tensor:
    """(B, C, H, W) -> HH of the first level (B, C, H/2, W/2); odd sides lose a row.

    The high-pass filter of bior1.3, which the paper takes, is that of Haar.
    """
    height, width = (n // 2 * 2 for n in images.shape[2:])
    even = images[:, :, :height, :width]
    top, bottom = even[:, :, ::2], even[:, :, 1::2]
    rows = top - bottom
    return (rows[..., ::2] - rows[..., 1::2]) / 2


class SAFE(nn.Module):
    """Wavelet HH at the picture's size into half a ResNet-50: logits (B, H/8, W/8)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = SmallResNet()

    def forward(self, images: Tensor) -> Tensor:
        details = diagonal_details(images)
        whole = F.interpolate(details, scale_factor=2.0, mode="bilinear", align_corners=False)
        logits: Tensor = self.net(whole)
        return logits
