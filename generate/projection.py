"""A photograph into the space of styles: the face that the generator makes most like it.

The optimisation of StyleGAN2's appendix D (Karras et al. 2020), with features that need no
download: those of the game's own critic, and a pyramid of pixels.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from unmask.generate.directions import random_styles
from unmask.generate.game import OptionError
from unmask.generate.stylegan2 import Critic, Generator

_SAMPLES = 2000  # styles whose spread is measured
_LEAST_SIDE = 8  # pixels of the smallest picture of a pyramid


@dataclass(frozen=True, kw_only=True)
class ProjectionConfig:
    """How a photograph is projected. Raises OptionError for no steps."""

    steps: int = 500
    rate: float = 0.1  # of Adam, at its highest
    each_layer: bool = True  # a style for each layer (W+), nearer; False: one for all (W), editable
    together: float = 0.5  # part of the steps in which the layers' styles move as one, even in W+
    rise: float = 0.05  # part of the steps in which the rate rises
    fall: float = 0.25  # part of the steps in which it falls
    shake: float = 0.05  # noise on styles at first, in parts of their spread
    shaken: float = 0.75  # part of the steps after which it is gone
    features: float = 1.0  # weight of the critic's features
    pixels: float = 1.0  # weight of the pyramid
    noise: float = 1e5  # weight that keeps the picture out of the noise maps
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise OptionError("A projection needs a step at least.")


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Where photographs lie."""

    styles: Tensor  # (N, L, W)
    noise: tuple[Tensor, ...]  # a map for each layer, (N, 1, h, w), for `synthesis`
    images: Tensor  # (N, 3, S, S) what the generator makes of them
    error: Tensor  # (N,) mean absolute difference in grey levels, 0 to 255
    losses: tuple[float, ...]  # of each step


def project(
    generator: Generator,
    critic: Critic,
    images: Tensor,
    config: ProjectionConfig | None = None,
) -> Projection:
    """(N, 3, S, S) in [-1, 1], S being the generator's. Raises OptionError for other shapes."""
    config, side = config or ProjectionConfig(), generator.size.side
    if images.shape[1:] != (3, side, side) or not len(images):
        raise OptionError(f"Only RGB pictures of {side} pixels a side can be projected.")
    target = images.detach().to(generator.mapping.mean.device)
    random = torch.Generator().manual_seed(config.seed)
    styles, spread = _start(generator, len(target), config)
    maps = [
        torch.randn((len(target), *m.shape[1:]), generator=random).to(target).requires_grad_()
        for m in generator.synthesis.noise_maps("fixed", 1)
    ]
    leaves = [styles, *maps]
    optimiser = torch.optim.Adam(leaves, config.rate, betas=(0.9, 0.999))
    with torch.no_grad():
        seen = [_unit(m) for m in critic.maps(target)]
    losses = []
    for step in range(config.steps):
        optimiser.param_groups[0]["lr"] = rate_at(step / config.steps, config)
        shake = config.shake * max(0.0, 1 - step / config.steps / config.shaken) ** 2 * spread
        moved = styles + shake * torch.randn(styles.shape, generator=random).to(styles)
        made = generator.synthesis(_layered(moved, generator), maps)
        loss = (
            config.features * feature_distance(seen, critic.maps(made))
            + config.pixels * pyramid_distance(target, made)
            + config.noise * sum(map(unevenness, maps), torch.zeros(()).to(target))
        )
        # Not backward(): the networks' own gradients are nobody's business here.
        gradients = list(torch.autograd.grad(loss, leaves))
        if step < config.together * config.steps:  # W+ alone soon sticks where no face is near
            gradients[0] = gradients[0].mean(1, keepdim=True).expand_as(styles)
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient
        optimiser.step()
        _normalise(maps)
        losses.append(loss.item())
    return _finished(generator, target, styles, maps, losses)


def _start(generator: Generator, n: int, config: ProjectionConfig) -> tuple[Tensor, float]:
    """The mean face for each photograph, and how far styles lie from the mean."""
    sampled = random_styles(generator, _SAMPLES, config.seed)
    mean = sampled.mean(0)
    spread = float((sampled - mean).square().sum(1).mean().sqrt())
    layers = generator.style_layers if config.each_layer else 1
    return mean.expand(n, layers, -1).clone().requires_grad_(), spread / len(mean) ** 0.5


def _layered(styles: Tensor, generator: Generator) -> Tensor:
    return styles.expand(-1, generator.style_layers, -1)


@torch.no_grad()
def _finished(
    generator: Generator, target: Tensor, styles: Tensor, maps: list[Tensor], losses: list[float]
) -> Projection:
    layered, noise = _layered(styles.detach(), generator).clone(), [m.detach() for m in maps]
    made = generator.synthesis(layered, noise)
    return Projection(
        styles=layered, noise=tuple(noise), images=made,
        error=(made.clamp(-1, 1) - target).abs().mean((1, 2, 3)) * 127.5, losses=tuple(losses),
    )  # fmt: skip


def rate_at(done: float, config: ProjectionConfig) -> float:
    """Of Adam, when a part of the steps, 0 to 1, is done."""
    falling = min(1.0, (1 - done) / config.fall) if config.fall else 1.0
    rising = min(1.0, (done + 1 / config.steps) / config.rise) if config.rise else 1.0
    return config.rate * rising * (0.5 - 0.5 * math.cos(falling * math.pi))


def _unit(features: Tensor) -> Tensor:
    """(N, C, h, w), the channels of each place with length 1."""
    return F.normalize(features.float(), dim=1)


def feature_distance(seen: list[Tensor], made: list[Tensor]) -> Tensor:
    """How differently a critic sees two pictures: LPIPS's measure (Zhang et al. 2018), unweighted.

    `seen` has its channels normalised already.
    """
    parts = [(a - _unit(b)).square().sum(1).mean() for a, b in zip(seen, made, strict=True)]
    return torch.stack(parts).mean()


def pyramid_distance(target: Tensor, made: Tensor) -> Tensor:
    """Mean absolute difference of (N, 3, S, S) pictures, at every size down to 8 pixels."""
    parts = [(target - made).abs().mean()]
    while target.shape[2] > _LEAST_SIDE:
        target, made = F.avg_pool2d(target, 2), F.avg_pool2d(made, 2)
        parts.append((target - made).abs().mean())
    return torch.stack(parts).mean()


def unevenness(noise: Tensor) -> Tensor:
    """How much a (N, 1, h, w) map of noise resembles itself moved by a pixel, at every size.

    White noise does not, and a picture does.
    """
    total = noise.new_zeros(())
    while True:
        for axis in (2, 3):
            total = total + (noise * noise.roll(1, axis)).mean((1, 2, 3)).square().sum()
        if noise.shape[2] <= _LEAST_SIDE:
            return total
        # Twice the mean of four, so that the deviation stays 1.
        noise = 2 * F.avg_pool2d(noise, 2)


@torch.no_grad()
def _normalise(maps: list[Tensor]) -> None:
    """Mean 0 and deviation 1, as noise has."""
    for noise in maps:
        noise -= noise.mean((1, 2, 3), keepdim=True)
        noise /= noise.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-8)
