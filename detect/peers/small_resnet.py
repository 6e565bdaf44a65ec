"""The first half of a ResNet-50, which NPR and SAFE share: 1.44 million parameters."""

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet


class SmallResNet(nn.Module):
    """A 3 x 3 stem and two stages of bottlenecks: (B, 3, H, W) -> logits (B, H/8, W/8).

    Global pooling and a linear layer commute, so the mean of the logits is that of the paper.
    """

    def __init__(self) -> None:
        super().__init__()
        whole = ResNet(Bottleneck, [3, 4, 1, 1])
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=3, stride=2, padding=1, bias=False),
            whole.bn1,
            whole.relu,
            whole.maxpool,
            whole.layer1,
            whole.layer2,
        )
        self.head = nn.Conv2d(512, 1, kernel_size=1)

    def forward(self, residual: Tensor) -> Tensor:
        logits: Tensor = self.head(self.trunk(residual))
        return logits[:, 0]
