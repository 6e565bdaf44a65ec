"""What a critic sees of few pictures: each is moved and coloured at random, reals and fakes alike.

Adaptive augmentation, set "bgc" (Karras et al. 2020, "Training generative adversarial networks with
limited data"): the critic cannot learn the pictures by heart, and as each change happens with a
probability below one, the generator still learns how unchanged pictures look. The probability
follows how sure the critic is of reals. The paper enlarges pictures before it moves them; here they
are sampled bicubically, and what is left of the difference is the same for reals and fakes.
"""

import math
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.generate.training import TrainingError

# Of the paper's appendix B; lengths in parts of the picture's side, octaves are powers of two.
_WHOLE_PIXELS = 0.125  # farthest translation by whole pixels
_FRACTION = 0.125  # deviation of the translation by parts of pixels
_SCALING = 0.2  # deviation of scales, octaves
_BRIGHTNESS = 0.2  # deviation, where white is 1 and black is -1
_CONTRAST = 0.5  # deviation, octaves
_SATURATION = 1.0  # deviation, octaves


class Strength(nn.Module):
    """The probability of each change, and how sure the critic was since it last changed.

    It rises by what was seen over `ramp` images while the mean sign of the critic's logits on reals
    is above `target`, and else falls; above 0.8 changes would leak into what the generator makes.
    """

    p: Tensor
    signs: Tensor
    turns: Tensor
    images: Tensor

    def __init__(
        self, *, target: float = 0.6, ramp: int = 500_000, every: int = 4, most: float = 0.8
    ) -> None:
        super().__init__()
        self.target, self.ramp, self.every, self.most = target, ramp, every, most
        for name in ("p", "signs", "turns", "images"):
            self.register_buffer(name, torch.zeros(()))

    def count(self, images: int) -> None:
        """Take note of reals that the critic saw."""
        self.images += images

    def adapt(self, sign: Tensor, processes: int = 1) -> None:
        """Take in the mean sign of a step, [-1, 1]; every few steps, change the probability."""
        self.signs += sign
        self.turns += 1
        if self.turns < self.every:
            return
        certain = (self.signs / self.turns - self.target).sign()
        moved = self.p + certain * self.images * processes / self.ramp
        self.p.copy_(moved.clamp(0, self.most))
        for sums in (self.signs, self.turns, self.images):
            sums.zero_()


def augment(images: Tensor, p: float) -> Tensor:
    """(N, 3, S, S) in [-1, 1] -> the same shape, each change with probability `p`, 0 to 1.

    Differentiable twice with respect to the images. Raises TrainingError where they are not square
    and of three channels.
    """
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
        raise TrainingError(f"Only square RGB pictures are augmented, not {tuple(images.shape)}.")
    if p <= 0:
        return images
    n, side = len(images), images.shape[2]
    with torch.autocast(images.device.type, enabled=False):
        # Drawn on the processor: a GPU takes longer for many small steps.
        places = random_places(n, side, p).to(images.device, non_blocking=True)
        colours = random_colours(n, p).to(images.device, non_blocking=True)
        return coloured(warp(images.float(), places), colours)


def warp(images: Tensor, places: Tensor) -> Tensor:
    """(N, C, S, S) sampled where (N, 3, 3) matrices say, mirrored beyond the edges.

    A matrix takes the place of a pixel of the result, in [-1, 1] from edge to edge, to the place in
    the picture that it comes from.
    """
    grid = F.affine_grid(places[:, :2], list(images.shape), align_corners=False)
    moved: Tensor = _Sample.apply(images, grid)
    return moved


def coloured(images: Tensor, colours: Tensor) -> Tensor:
    """(N, 3, H, W) through (N, 4, 4) matrices that act on (red, green, blue, 1)."""
    turned = torch.einsum("nij,njhw->nihw", colours[:, :3, :3], images)
    return turned + colours[:, :3, 3, None, None]


def random_places(n: int, side: int, p: float) -> Tensor:
    """(N, 3, 3) for `warp`: what the changes of place come to together."""
    half = 1 - math.sqrt(1 - p)  # for each of two rotations, so that one happens with probability p
    octaves = _normal(n, _SCALING)
    changes = (
        *_whole_places(n, side, p),
        _maybe(scaled(*[_normal(n, _SCALING).exp2()] * 2), p),
        _maybe(rotated(_uniform(n, math.pi)), half),
        _maybe(scaled(octaves.exp2(), (-octaves).exp2()), p),
        _maybe(rotated(_uniform(n, math.pi)), half),
        _maybe(translated(_normal(n, 2 * _FRACTION), _normal(n, 2 * _FRACTION)), p),
    )
    return reduce(torch.matmul, changes)


def _whole_places(n: int, side: int, p: float) -> tuple[Tensor, ...]:
    """Those that take pixels to pixels, so that nothing is sampled anew: flip, turns, shifts."""
    mirrored = 1.0 - 2 * torch.randint(2, (n,))
    x, y = ((_uniform(n, _WHOLE_PIXELS) * side).round() * 2 / side for _ in "xy")
    return (
        _maybe(scaled(mirrored, torch.ones(n)), p),
        _maybe(rotated(torch.randint(4, (n,)) * (math.pi / 2)), p),
        _maybe(translated(x, y), p),
    )


def random_colours(n: int, p: float) -> Tensor:
    """(N, 4, 4) for `coloured`: brightness, contrast, luma flip, hue and saturation together."""
    lift, line, grey, turn = torch.zeros(4, 4, 4)
    lift[:3, 3] = 1
    line[:3, :3] = torch.eye(3)
    grey[:3, :3] = 1 / 3  # the part of a colour that lies on the line from black to white
    turn[:3, :3] = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3**0.5  # about that line
    unit, colour = torch.eye(4), line - grey

    def each(values: Tensor) -> Tensor:
        return values[:, None, None]

    angle = each(_uniform(n, math.pi))
    changes = (
        unit + lift * each(_normal(n, _BRIGHTNESS)),
        unit + line * each(_normal(n, _CONTRAST).exp2() - 1),
        unit - 2 * grey * each(torch.randint(2, (n,))),
        unit + colour * (angle.cos() - 1) + turn * angle.sin(),
        unit + colour * each(_normal(n, _SATURATION).exp2() - 1),
    )
    return reduce(torch.matmul, [_maybe(change, p) for change in reversed(changes)])


def _maybe(matrices: Tensor, p: float) -> Tensor:
    """(N, K, K), each with probability `p`, else the one that changes nothing."""
    unit = torch.eye(matrices.shape[1])
    return torch.where(torch.rand(len(matrices), 1, 1) < p, matrices, unit)


def _normal(n: int, deviation: float) -> Tensor:
    return torch.randn(n) * deviation


def _uniform(n: int, most: float) -> Tensor:
    return (2 * torch.rand(n) - 1) * most


def _matrices(rows: list[list[Tensor]]) -> Tensor:
    """(N, R, C) of R rows of C tensors (N,)."""
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def translated(x: Tensor, y: Tensor) -> Tensor:
    """(N, 3, 3) for `warp`: the picture moves right by x and down by y; its side is 2."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrices([[one, zero, -x], [zero, one, -y], [zero, zero, one]])


def scaled(x: Tensor, y: Tensor) -> Tensor:
    """(N, 3, 3) for `warp`: x times as wide and y times as high, mirrored where negative."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrices([[1 / x, zero, zero], [zero, 1 / y, zero], [zero, zero, one]])


def rotated(angle: Tensor) -> Tensor:
    """(N, 3, 3) for `warp`: turned by (N,) radians, clockwise as one sees it."""
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    cos, sin = angle.cos(), angle.sin()
    return _matrices([[cos, sin, zero], [-sin, cos, zero], [zero, zero, one]])


class _Sample(torch.autograd.Function):
    """F.grid_sample, which by itself has no second derivative. It is linear in the images, so that
    its gradient is what spreads pixels back, and the gradient of that is sampling again."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = images.shape
        return _sampled(images, grid)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(gradients[0], grid, ctx.shape), None


class _Spread(torch.autograd.Function):
    """(N, C, S, S) of a result's pixels -> what each pixel of the picture has a part in."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        with torch.enable_grad():
            blank = gradient.new_zeros(shape).requires_grad_()
            (spread,) = torch.autograd.grad(_sampled(blank, grid), blank, gradient)
        return spread

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(gradients[0], grid), None, None


def _sampled(images: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(
        images, grid, mode="bicubic", padding_mode="reflection", align_corners=False
    )
