"""FerretNet: what its neighbours do not foretell of a pixel (Liang et al. 2025, NeurIPS).

Names of modules are those of the authors' weights, so that these load as they are.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def local_residual(images: Tensor) -> Tensor:
    """(B, C, H, W) -> each value less the median of the 3 x 3 around it, itself masked to zero."""
    height, width = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    around = [
        padded[:, :, y : y + height, x : x + width]
        for y in range(3)
        for x in range(3)
        if (y, x) != (1, 1)
    ]
    median: Tensor = torch.stack([*around, torch.zeros_like(images)]).median(dim=0).values
    return images - median


def _depthwise(before: int, after: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(
        before, after, 3, stride, padding=dilation, dilation=dilation, groups=before, bias=False
    )


class _TwoPaths(nn.Module):
    """A wide and a narrow convolution of each channel, summed and mixed."""

    def __init__(self, before: int, after: int, stride: int, dilations: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = _depthwise(before, after, stride, dilations[0])
        self.conv2 = _depthwise(before, after, stride, dilations[1])
        self.conv3 = nn.Conv2d(after, after, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv3(self.conv1(x) + self.conv2(x))
        return out


class _Separable(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depth_wise = _depthwise(channels, channels)
        self.point_wise = nn.Conv2d(channels, channels, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.point_wise(self.depth_wise(x))
        return out


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int, dilations: tuple[int, int]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _TwoPaths(before, after, stride, dilations),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            _Separable(after),
            nn.BatchNorm2d(after),
        )
        self.shortcut = nn.Sequential()
        if before != after or stride > 1:
            self.shortcut.append(nn.Conv2d(before, after, kernel_size=1, stride=stride))
            self.shortcut.append(nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.layers(x) + self.shortcut(x))


def _stem(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


class FerretNet(nn.Module):
    """Median residuals into stages of Ferret blocks: logits (B, H/8, W/8).

    `dim` 32 is FerretNet-S, of 128 thousand parameters; 96 is the FerretNet of the paper, of 1.1
    million.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        dim: int = 32,
        depths: tuple[int, ...] = (2, 2),
        dilations: tuple[int, int] = (2, 1),
    ) -> None:
        """`dilations` are of the two paths of a block, in the order of the weights' names.

        Which comes first makes no difference to training. The statistics in the published weights
        fit (1, 2) better.
        """
        super().__init__()
        self.cbr1 = _stem(3, dim // 2, stride=1)
        self.cbr2 = _stem(dim // 2, dim, stride=2)
        stages: list[nn.Module] = []
        for depth in depths:
            blocks = [_Block(dim, 2 * dim, 2, dilations)]
            dim *= 2
            blocks += [_Block(dim, dim, 1, dilations) for _ in range(depth - 1)]
            stages.append(nn.Sequential(*blocks))
        self.feature = nn.Sequential(*stages, nn.Conv2d(dim, dim, kernel_size=1, bias=False))
        self.logit = nn.Sequential(nn.Dropout(0.2), nn.Linear(dim, 1))
        # Not of the weights: of the pictures that CLIP saw, as in the authors' configuration.
        mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        residual = local_residual((images - self.mean) / self.std)
        features: Tensor = self.feature(self.cbr2(self.cbr1(residual)))
        logits: Tensor = self.logit(features.permute(0, 2, 3, 1))
        return logits[..., 0]
