"""HiFi-GAN's generator V1 (Kong et al. 2020), for weights that its authors published."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets.speech_vocoder_gan import GanSpec, Generator
from unmask.datasets.speech_vocoder_nets import Up

_SLOPE = 0.1
_V1 = GanSpec(
    family="hifi-gan",
    setting="v1",
    up=Up.TRANSPOSED,
    rate=22_050,
    factors=(8, 8, 2, 2),
    width=512,
    kernels=(3, 7, 11),
    dilations=((1, 3, 5),) * 3,
)


class _Pairs(nn.Module):
    """Dilated convolutions of a kernel, each with a plain one after it, (B, C, T)."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()

        def conv(dilation: int) -> nn.Conv1d:
            reach = dilation * (kernel - 1) // 2
            return nn.Conv1d(width, width, kernel, dilation=dilation, padding=reach)

        self.convs1 = nn.ModuleList(conv(d) for d in dilations)
        self.convs2 = nn.ModuleList(conv(1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, _SLOPE)), _SLOPE))
        return x


class HifiGanV1(Generator):
    """Mel bands (B, 80, T), natural logarithms -> waves (B, 256 T) in [-1, 1] at 22.05 kHz."""

    def __init__(self) -> None:
        super().__init__(_V1, _Pairs)


def without_weight_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are used, of ones that are kept as directions and lengths.

    Salimans and Kingma 2016, "Weight normalization": g v / |v|, of each first axis.
    """
    found = {k: v for k, v in state.items() if not k.endswith(("weight_g", "weight_v"))}
    for name in (k.removesuffix("_v") for k in state if k.endswith("weight_v")):
        found[name] = torch._weight_norm(state[f"{name}_v"], state[f"{name}_g"], 0)
    return found
