"""The critics of HiFi-GAN (Kong et al. 2020) and MelGAN (Kumar et al. 2019), narrow ones.

A wave folded at several periods, and a wave at several rates, each judged by small convolutions;
what their layers saw of the real and the made wave is compared too (feature matching).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PERIODS = (2, 3, 5, 7, 11)
_RATES = (1, 2, 4)  # by which a wave is averaged and thinned


class PeriodCritic(nn.Module):
    """(B, N), folded to rows of `period` samples -> what each layer saw; the last is the score."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        widths = (1, 8, 16, 32)
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, (5, 1), stride=(3, 1), padding=(2, 0)) for a, b in pairwise(widths)
        )
        self.layers.append(nn.Conv2d(32, 1, (3, 1), padding=(1, 0)))

    def forward(self, waves: Tensor) -> list[Tensor]:
        whole = F.pad(waves, (0, -waves.shape[1] % self.period), mode="reflect")
        return _through(self.layers, whole.reshape(len(waves), 1, -1, self.period))


class RateCritic(nn.Module):
    """(B, N), thinned by `factor` -> what each layer saw; the last is the score."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.layers = nn.ModuleList(
            (
                nn.Conv1d(1, 16, 15, padding=7),
                nn.Conv1d(16, 32, 41, stride=4, groups=4, padding=20),
                nn.Conv1d(32, 64, 41, stride=4, groups=8, padding=20),
                nn.Conv1d(64, 64, 5, padding=2),
                nn.Conv1d(64, 1, 3, padding=1),
            )
        )

    def forward(self, waves: Tensor) -> list[Tensor]:
        thin = F.avg_pool1d(waves[:, None], self.factor) if self.factor > 1 else waves[:, None]
        return _through(self.layers, thin)


class Critics(nn.Module):
    """(B, N) -> of each critic what its layers saw."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.ModuleList(
            [*(PeriodCritic(p) for p in _PERIODS), *(RateCritic(f) for f in _RATES)]
        )

    def forward(self, waves: Tensor) -> list[list[Tensor]]:
        return [critic(waves) for critic in self.each]


def critics_loss(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """Least squares (Mao et al. 2017): the real to one, the made to zero."""
    parts = [
        (1 - r[-1]).square().mean() + m[-1].square().mean() for r, m in zip(real, made, strict=True)
    ]
    return torch.stack(parts).sum()


def fooling_loss(made: Sequence[Sequence[Tensor]]) -> Tensor:
    """What the generator pays for what is not taken for real."""
    return torch.stack([(1 - m[-1]).square().mean() for m in made]).sum()


def matching_loss(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean distance of what the layers saw (Larsen et al. 2016), over all critics and layers."""
    parts = [
        F.l1_loss(m, r.detach())
        for rs, ms in zip(real, made, strict=True)
        for r, m in zip(rs[:-1], ms[:-1], strict=True)
    ]
    return torch.stack(parts).sum()


def _through(layers: nn.ModuleList, x: Tensor) -> list[Tensor]:
    seen = []
    for number, layer in enumerate(layers):
        x = layer(x)
        if number + 1 < len(layers):
            x = F.leaky_relu(x, 0.1)
        seen.append(x)
    return seen
