"""What is left of a picture when its content is taken away: the inputs of the residual expert.

A generator's last layers decide how neighbouring pixels hang together, whatever is shown. Each
front end subtracts a guess of a pixel from its surroundings, so that content goes and that stays.
All take (B, 3, H, W) in [0, 1] and keep H and W.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

# Of the 30 high-pass filters of the spatial rich model (Fridrich and Kodovsky 2012) the three that
# Zhou et al. 2018 feed a network with, scaled to sum up to 1 in absolute values around the centre.
_SRM = (
    ((0, 0, 0, 0, 0), (0, -1, 2, -1, 0), (0, 2, -4, 2, 0), (0, -1, 2, -1, 0), (0, 0, 0, 0, 0)),
    (
        (-1, 2, -2, 2, -1),
        (2, -6, 8, -6, 2),
        (-2, 8, -12, 8, -2),
        (2, -6, 8, -6, 2),
        (-1, 2, -2, 2, -1),
    ),
    ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 1, -2, 1, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0)),
)
_SRM_SCALE = (4.0, 12.0, 2.0)
LUMA = (0.299, 0.587, 0.114)
CHANNELS = 12  # of `residuals`
# Of the eight neighbours, in a picture with one pixel more on each side.
_AROUND = tuple((y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1))


def median_difference(images: Tensor) -> Tensor:
    """The pixel less the median of its eight neighbours (FerretNet, Liang et al. 2025)."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    height, width = images.shape[2:]
    around = [padded[:, :, y : y + height, x : x + width] for y, x in _AROUND]
    fourth, fifth = _middle_of_eight(around)
    return images - (fourth + fifth) / 2


def twice_median_difference(pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The same of (B, H, W, 3) bytes, in half grey levels.

    Minima and maxima of bytes go sixteen times as many at once as those of floats, and there are
    34 of them: they took most of the time of the residual expert.
    """
    height, width = pixels.shape[1:3]
    padded = torch.from_numpy(np.pad(pixels, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge"))
    around = [padded[:, y : y + height, x : x + width] for y, x in _AROUND]
    fourth, fifth = _middle_of_eight(around)
    twice = 2 * padded[:, 1:-1, 1:-1].short()
    found: NDArray[np.int16] = twice.sub_(fourth).sub_(fifth).numpy()
    return found


def _middle_of_eight(values: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The two middle ones, by a network of minima and maxima: sorting is slower."""
    low, high = _sorted_four(values[:4]), _sorted_four(values[4:])
    # Of two sorted fours a and b, the four smallest are min(a[i], b[3 - i]).
    lower = [torch.minimum(low[i], high[3 - i]) for i in range(4)]
    upper = [torch.maximum(low[i], high[3 - i]) for i in range(4)]
    fourth = torch.maximum(torch.maximum(*lower[:2]), torch.maximum(*lower[2:]))
    fifth = torch.minimum(torch.minimum(*upper[:2]), torch.minimum(*upper[2:]))
    return fourth, fifth


def _sorted_four(values: list[Tensor]) -> list[Tensor]:
    a, b = torch.minimum(values[0], values[1]), torch.maximum(values[0], values[1])
    c, d = torch.minimum(values[2], values[3]), torch.maximum(values[2], values[3])
    smallest, largest = torch.minimum(a, c), torch.maximum(b, d)
    x, y = torch.maximum(a, c), torch.minimum(b, d)
    return [smallest, torch.minimum(x, y), torch.maximum(x, y), largest]


def neighbour_residual(images: Tensor) -> Tensor:
    """The pixel less the first one of its 2 x 2 cell (NPR, Tan et al. 2024)."""
    height, width = images.shape[2:]
    small = images[:, :, ::2, ::2]
    large = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return images - large[:, :, :height, :width]


def rich_model(images: Tensor) -> Tensor:
    """(B, 3, H, W): three filters of the spatial rich model over the luma."""
    weights = images.new_tensor(LUMA).view(1, 3, 1, 1)
    luma = F.pad((images * weights).sum(1, keepdim=True), (2, 2, 2, 2), mode="replicate")
    return F.conv2d(luma, rich_kernels().to(images)[:, None])


def rich_kernels() -> Tensor:
    """(3, 5, 5)."""
    return torch.tensor(_SRM) / torch.tensor(_SRM_SCALE).view(3, 1, 1)


def diagonal_detail(images: Tensor) -> Tensor:
    """The undecimated Haar HH band, half its plain sum (SAFE, Li et al. 2025)."""
    padded = F.pad(images, (0, 1, 0, 1), mode="replicate")
    here, right = padded[:, :, :-1, :-1], padded[:, :, :-1, 1:]
    below, across = padded[:, :, 1:, :-1], padded[:, :, 1:, 1:]
    return (here - right - below + across) / 2


def residuals(images: Tensor) -> Tensor:
    """(B, 12, H, W): all four side by side."""
    parts = (median_difference, neighbour_residual, rich_model, diagonal_detail)
    return torch.cat([part(images) for part in parts], dim=1)
