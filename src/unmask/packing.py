"""Weights as they ship: large matrices in eight bits with a scale for each row, the rest in half.

Rounding to the nearest of 255 steps of a row moves no weight by more than 0.4% of the row's
largest (Jacob et al. 2018, "Quantization and training of neural networks"); what is computed with
them is computed in single precision.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_LARGE = 50_000  # weights, from which eight bits are taken for a matrix
_SCALE = ".scale"
_STEPS = 127


def packed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A network's state with what `unpacked` takes back."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            found[name] = tensor
        elif tensor.dim() < 2 or tensor.numel() < _LARGE:
            found[name] = tensor.half()
        else:
            rows = tensor.float().flatten(1)
            scale = rows.abs().amax(1, keepdim=True).clamp_min(1e-12) / _STEPS
            found[name] = torch.round(rows / scale).to(torch.int8).reshape(tensor.shape)
            found[name + _SCALE] = scale[:, 0].contiguous()
    return {k: v.contiguous().clone() for k, v in found.items()}


def unpacked(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state again, floating point in single precision."""
    found = {}
    for name, tensor in state.items():
        if name.endswith(_SCALE):
            continue
        if name + _SCALE in state:
            scale = state[name + _SCALE].reshape(-1, *(1,) * (tensor.dim() - 1))
            found[name] = tensor.float() * scale
        else:
            found[name] = tensor.float() if tensor.is_floating_point() else tensor
    return found
