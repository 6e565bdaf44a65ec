"""CNNDetection: a plain ResNet on pictures (Wang et al. 2020, CVPR)."""

import torch
from torch import Tensor, nn
from torchvision.models import resnet18, resnet50


class CNNDetection(nn.Module):
    """A ResNet from scratch: logits (B, H/32, W/32)."""

    mean: Tensor
    std: Tensor

    def __init__(self, depth: int = 50) -> None:
        """`depth` is 18 or 50; ValueError for another."""
        if depth not in (18, 50):
            raise ValueError(f"a ResNet of depth 18 or 50, not {depth}")
        super().__init__()
        net = (resnet18 if depth == 18 else resnet50)(weights=None)
        self.head = nn.Conv2d(net.fc.in_features, 1, kernel_size=1)
        self.trunk = nn.Sequential(
            net.conv1,
            net.bn1,
            net.relu,
            net.maxpool,
            net.layer1,
            net.layer2,
            net.layer3,
            net.layer4,
        )
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.trunk((images - self.mean) / self.std))
        return logits[:, 0]
