"""EfficientNet-Lite's trunks (Tan and Le 2019), with the names of timm's `tf_efficientnet_lite0`.

Written out because it is all that a scan needs of timm, whose import takes longer than the
examination of a picture. Weights of timm load as they are, and give the same features.
"""

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Size:
    """How much wider and deeper than Lite0 a trunk is."""

    width: float
    depth: float

    def channels(self, stage: int) -> int:
        """That a stage gives, in eights; less than a tenth is lost by rounding."""
        wished = _STAGES[stage][-1] * self.width
        found = int(wished + 4) // 8 * 8
        return found if found >= 0.9 * wished else found + 8

    def blocks(self, stage: int) -> int:
        """Of a stage; the first and the last keep theirs."""
        count = _STAGES[stage][0]
        ends = stage in (0, len(_STAGES) - 1)
        return count if ends else math.ceil(count * self.depth)


SIZES = {"lite0": Size(1.0, 1.0), "lite2": Size(1.1, 1.2)}
# Of each stage: blocks, kernel size, stride of the first block, expansion, channels out.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM = 32  # channels


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: the odd pixel goes to the right and below."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the name that Conv2d gives it)
        """(B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride))."""
        pad = [0, 0, 0, 0]  # left, right, top, bottom
        for axis, at in ((2, 2), (3, 0)):
            kernel, stride = self.kernel_size[axis - 2], self.stride[axis - 2]
            size = input.shape[axis]
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pad[at], pad[at + 1] = total // 2, total - total // 2
        out: Tensor = self._conv_forward(F.pad(input, pad), self.weight, self.bias)
        return out


def _conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    kind = SameConv2d if stride > 1 else nn.Conv2d
    padding = 0 if stride > 1 else kernel // 2
    return kind(before, after, kernel, stride, padding, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """An inverted residual, or, where nothing is expanded, a separable convolution."""

    def __init__(
        self, before: int, after: int, kernel: int, stride: int, expansion: int, drop_path: float
    ) -> None:
        """`drop_path` is the chance to skip the block in training (Huang et al. 2016)."""
        super().__init__()
        inner = before * expansion
        self.drop_path = drop_path
        self.skips = stride == 1 and before == after
        self.expands = expansion > 1
        if self.expands:
            self.conv_pw = _conv(before, inner, 1)
            self.bn1 = _norm(inner)
            self.conv_dw = _conv(inner, inner, kernel, stride, groups=inner)
            self.bn2 = _norm(inner)
            self.conv_pwl = _conv(inner, after, 1)
            self.bn3 = _norm(after)
        else:
            self.conv_dw = _conv(before, before, kernel, stride, groups=before)
            self.bn1 = _norm(before)
            self.conv_pw = _conv(before, after, 1)
            self.bn2 = _norm(after)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) -> (B, after, H / stride, W / stride)."""
        y: Tensor = x
        if self.expands:
            y = F.relu6(self.bn1(self.conv_pw(y)))
            y = F.relu6(self.bn2(self.conv_dw(y)))
            y = self.bn3(self.conv_pwl(y))
        else:
            y = F.relu6(self.bn1(self.conv_dw(y)))
            y = self.bn2(self.conv_pw(y))
        if not self.skips:
            return y
        if self.training and self.drop_path > 0:
            keep = 1 - self.drop_path
            y = y * y.new_empty(len(y), 1, 1, 1).bernoulli_(keep) / keep
        return x + y


def stem() -> nn.Sequential:
    """(B, 3, H, W) -> (B, 32, H/2, W/2), its convolution and its normalisation."""
    return nn.Sequential(_conv(3, STEM, 3, stride=2), _norm(STEM), nn.ReLU6())


def stages(size: str = "lite0", drop_path: float = 0.0) -> nn.Sequential:
    """The seven stages; `drop_path` grows linearly from 0 to its value at the deepest block."""
    chosen = SIZES[size]
    total = sum(chosen.blocks(stage) for stage in range(len(_STAGES)))
    built, before, at = [], STEM, 0
    for stage, (_, kernel, stride, expansion, _) in enumerate(_STAGES):
        blocks, after = [], chosen.channels(stage)
        for number in range(chosen.blocks(stage)):
            step = stride if number == 0 else 1
            blocks.append(Block(before, after, kernel, step, expansion, drop_path * at / total))
            before, at = after, at + 1
        built.append(nn.Sequential(*blocks))
    return nn.Sequential(*built)
