"""The layers that StyleGAN2's networks are made of (Karras et al. 2020), in plain PyTorch.

What must be exact under mixed precision (styles, demodulation) is float32.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TINY = 1e-8
_GAIN = 2**0.5  # keeps the variance through a leaky ReLU


def smooth(x: Tensor, *, padding: int, stride: int = 1) -> Tensor:
    """(N, C, H, W) through the filter [1, 3, 3, 1] / 8 in both directions.

    H becomes (H + 2 padding - 4) // stride + 1. It takes away what would alias when every second
    pixel is dropped, and the mirror image that zeros between pixels bring.
    """
    taps = _taps(x.device, x.dtype).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, taps, padding=padding, stride=stride, groups=x.shape[1])


def _taps(device: torch.device, dtype: torch.dtype) -> Tensor:
    # Made of tensors on the device, so that a GPU need not wait for the processor.
    place = torch.arange(4, device=device, dtype=dtype)
    line = (1 + place * (3 - place)) / 8  # 1, 3, 3, 1
    return line[:, None] * line


def modulated(
    x: Tensor, weight: Tensor, style: Tensor, *, up: bool = False, demodulate: bool = True
) -> Tensor:
    """A convolution of (N, C, H, W) by (D, C, k, k), each channel weighed by (N, C) -> (N, D, ...).

    Demodulated, an input of unit variance comes out with unit variance; `up` doubles H and W.
    Scaling the activations before and after one plain convolution equals scaling each example's
    own weights (section 2.2 of the paper); on CPUs it takes a part of the time.
    """
    scaled = x * style[:, :, None, None].to(x.dtype)
    if up:
        # Three of four pixels are zeros at first: hence the 4.
        y = smooth(F.conv_transpose2d(scaled, 4 * weight.transpose(0, 1), stride=2), padding=1)
    else:
        y = F.conv2d(scaled, weight, padding=weight.shape[2] // 2)
    if demodulate:
        with exactly(x):
            power = style.square() @ weight.float().square().sum((2, 3)).T
        y = y * (power + TINY).rsqrt()[:, :, None, None].to(y.dtype)
    return y


def exactly(like: Tensor) -> torch.autocast:
    """No mixed precision inside."""
    return torch.autocast(like.device.type, enabled=False)


def bend(x: Tensor) -> Tensor:
    """A leaky ReLU that keeps the variance."""
    return F.leaky_relu(x, 0.2) * _GAIN


class Linear(nn.Module):
    """Equalised learning rate: drawn from N(0, 1), scaled in use (Karras et al. 2018).

    `rate` multiplies how fast it learns.
    """

    def __init__(self, before: int, after: int, *, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / rate)
        self.bias = nn.Parameter(torch.full((after,), bias / rate))
        self.scale, self.rate = rate / before**0.5, rate

    def scaled(self) -> Tensor:
        """(after, before): the weights as they are used."""
        scaled: Tensor = self.weight * self.scale
        return scaled

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = F.linear(x, self.scaled(), self.bias * self.rate)
        return out


class Convolution(nn.Module):
    """The same, of two dimensions; `down` halves the sides of the picture, smoothed."""

    def __init__(
        self, before: int, after: int, kernel: int = 3, *, down: bool = False, bias: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after)) if bias else None
        self.scale, self.down = 1 / (before * kernel**2) ** 0.5, down

    def forward(self, x: Tensor) -> Tensor:
        weight, edge = self.weight * self.scale, self.weight.shape[2] // 2
        if not self.down:
            return F.conv2d(x, weight, self.bias, padding=edge)
        if not edge:  # a kernel of one pixel: drop pixels before it rather than after
            return F.conv2d(smooth(x, padding=1, stride=2), weight, self.bias)
        return F.conv2d(smooth(x, padding=1 + edge), weight, self.bias, stride=2)


class StyleLayer(nn.Module):
    """A modulated convolution, noise of a learned strength, a leaky ReLU."""

    noise: Tensor

    def __init__(self, before: int, after: int, w: int, side: int, *, up: bool = False) -> None:
        super().__init__()
        self.affine = Linear(w, before, bias=1.0)
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3))
        self.bias = nn.Parameter(torch.zeros(after))
        self.strength = nn.Parameter(torch.zeros(()))
        self.scale, self.up = 1 / (9 * before) ** 0.5, up
        self.register_buffer("noise", torch.randn(1, 1, side, side))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        with exactly(w):
            style = self.affine(w)
        y = modulated(x, self.weight * self.scale, style, up=self.up)
        y = y + (noise * self.strength).to(y.dtype) + self.bias[:, None, None].to(y.dtype)
        return bend(y)


class ToRgb(nn.Module):
    """What a resolution adds to the picture."""

    def __init__(self, before: int, w: int) -> None:
        super().__init__()
        self.affine = Linear(w, before, bias=1.0)
        self.weight = nn.Parameter(torch.randn(3, before, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.scale = 1 / before**0.5

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        with exactly(w):
            style = self.affine(w)
        added = modulated(x, self.weight * self.scale, style, demodulate=False)
        return added.float() + self.bias[:, None, None]
