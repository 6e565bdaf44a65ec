"""HiFi-GAN's generator V1 (Kong et al. 2020), for weights that its authors published."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FACTORS = (8, 8, 2, 2)  # of up-sampling; a hop of 256 samples
_WIDTH = 512
_KERNELS, _DILATIONS = (3, 7, 11), (1, 3, 5)
_SLOPE = 0.1


class _Branch(nn.Module):
    """Three dilated convolutions, each with a plain one after it, (B, C, T)."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()

        def conv(dilation: int) -> nn.Conv1d:
            reach = dilation * (kernel - 1) // 2
            return nn.Conv1d(width, width, kernel, dilation=dilation, padding=reach)

        self.convs1 = nn.ModuleList(conv(d) for d in _DILATIONS)
        self.convs2 = nn.ModuleList(conv(1) for _ in _DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, _SLOPE)), _SLOPE))
        return x


class HifiGanV1(nn.Module):
    """Mel bands (B, 80, T), natural logarithms -> waves (B, 256 T) in [-1, 1] at 22.05 kHz."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_pre = nn.Conv1d(80, _WIDTH, 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        width = _WIDTH
        for factor in _FACTORS:
            step = nn.ConvTranspose1d(width, width // 2, 2 * factor, factor, padding=factor // 2)
            width //= 2
            self.ups.append(step)
            self.resblocks.extend(_Branch(width, kernel) for kernel in _KERNELS)
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, bands: Tensor) -> Tensor:
        x = self.conv_pre(bands)
        fields = len(_KERNELS)
        for number, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, _SLOPE))
            blocks = self.resblocks[number * fields : (number + 1) * fields]
            x = torch.stack([block(x) for block in blocks]).mean(0)
        wave: Tensor = torch.tanh(self.conv_post(F.leaky_relu(x)))
        return wave[:, 0]


def without_weight_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are used, of ones that are kept as directions and lengths.

    Salimans and Kingma 2016, "Weight normalization": g v / |v|, of each first axis.
    """
    found = {k: v for k, v in state.items() if not k.endswith(("weight_g", "weight_v"))}
    for name in (k.removesuffix("_v") for k in state if k.endswith("weight_v")):
        found[name] = torch._weight_norm(state[f"{name}_v"], state[f"{name}_g"], 0)
    return found
