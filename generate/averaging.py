"""The running average of a generator, which is better than the generator of any one step."""

import copy

import torch
from torch import nn


def averaged_copy(net: nn.Module) -> nn.Module:
    """A copy to hold the average: in evaluation mode, without gradients."""
    return copy.deepcopy(net).eval().requires_grad_(False)


@torch.no_grad()
def update(
    average: nn.Module, net: nn.Module, *, batch: int, seen: int | None, half_life: float
) -> None:
    """Move the average towards `net` after a step of `batch` images, `seen` before it.

    `half_life` is in images. It grows with what was seen, so that the first steps are soon
    forgotten (Karras et al. 2021); with None it does not, for an average that is good already.
    Buffers, such as batch norm's, are copied.
    """
    life = half_life if seen is None else max(min(half_life, 0.05 * seen), 1e-8)
    keep = 0.5 ** (batch / life)
    for mean, now in zip(average.parameters(), net.parameters(), strict=True):
        mean.lerp_(now.detach().to(mean.dtype), 1 - keep)
    for held, current in zip(average.buffers(), net.buffers(), strict=True):
        held.copy_(current)
