"""The networks of StyleGAN2 in plain PyTorch (Karras et al. 2020, "Analyzing and improving ...").

Noise z becomes a style w, one for each layer; each layer's convolution is modulated by its style.
The sum of the picture is float32 under mixed precision too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.generate.objectives import minibatch_deviation
from unmask.generate.stylegan2_layers import (
    TINY,
    Convolution,
    Linear,
    StyleLayer,
    ToRgb,
    bend,
    exactly,
)
from unmask.generate.training import TrainingError

# "fixed": the maps that belong to the network; "random": new ones; or one (N or 1, 1, h, w) a layer
Noise = Literal["fixed", "random"] | Sequence[Tensor]

MOMENTUM = 0.995  # of the mean style
_LEAST_SIDE, _MOST_SIDE = 8, 1024  # pixels


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the two networks are. Raises TrainingError for a side that cannot be built."""

    side: int  # pixels of the picture, a power of two
    base: int = 16_384  # channels times pixels a side, where it is not `most`
    most: int = 512  # channels of a layer
    z: int = 512  # values of noise
    w: int = 512  # values of a style
    mapping: int = 8  # layers from z to w

    def __post_init__(self) -> None:
        if self.side not in {2**n for n in range(3, 11)}:
            raise TrainingError(
                f"Pictures of {self.side} pixels a side cannot be made: only powers of two from"
                f" {_LEAST_SIDE} to {_MOST_SIDE}."
            )
        if min(self.base // self.side, self.most, self.z, self.w, self.mapping) < 1:
            raise TrainingError(f"A network needs a channel and a layer at least: {self}.")

    def channels(self, side: int) -> int:
        """Of the layers at that resolution."""
        return min(self.base // side, self.most)

    @property
    def sides(self) -> list[int]:
        """4, 8 ... up to the picture's own."""
        return [2**n for n in range(2, self.side.bit_length())]

    @property
    def style_layers(self) -> int:
        """Styles that a picture takes: of every convolution, and of the last layer to RGB."""
        return 2 * len(self.sides)


class Mapping(nn.Module):
    """Noise to styles, and their running mean, towards which styles are truncated."""

    mean: Tensor

    def __init__(self, size: Size) -> None:
        super().__init__()
        widths = [size.z] + [size.w] * size.mapping
        self.steps = nn.ModuleList(Linear(a, b, rate=0.01) for a, b in pairwise(widths))
        self.style_layers = size.style_layers
        self.register_buffer("mean", torch.zeros(size.w))

    def forward(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """(N, Z) -> (N, L, W); a truncation of 0 is the mean face, 1 leaves styles as they are."""
        with exactly(z):
            x = z.float()
            x = x * (x.square().mean(1, keepdim=True) + TINY).rsqrt()
            for step in self.steps:
                x = bend(step(x))
            if truncation != 1.0:
                x = torch.lerp(self.mean, x, truncation)
        return x[:, None].expand(-1, self.style_layers, -1)

    @torch.no_grad()
    def follow(self, styles: Tensor) -> None:
        """Move the running mean towards that of (N, W) styles."""
        self.mean.lerp_(styles.mean(0).to(self.mean.dtype), 1 - MOMENTUM)


class Synthesis(nn.Module):
    """Styles to pictures: at each resolution a sum of what its layers see."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        first, *rest = size.sides
        self.start = nn.Parameter(torch.randn(1, size.channels(first), first, first))
        self.layers = nn.ModuleList(
            [StyleLayer(size.channels(first), size.channels(first), size.w, first)]
        )
        for side in rest:
            before, after = size.channels(side // 2), size.channels(side)
            self.layers.append(StyleLayer(before, after, size.w, side, up=True))
            self.layers.append(StyleLayer(after, after, size.w, side))
        self.rgb = nn.ModuleList(ToRgb(size.channels(side), size.w) for side in size.sides)

    def forward(self, w: Tensor, noise: Noise = "fixed") -> Tensor:
        """(N, L, W) -> (N, 3, H, W), about [-1, 1]. Raises TrainingError for other noise."""
        maps = self.noise_maps(noise, len(w))
        x = self.start.expand(len(w), -1, -1, -1)
        x = self.layers[0](x, w[:, 0], maps[0])
        image: Tensor = self.rgb[0](x, w[:, 1])
        for i in range(1, len(self.rgb)):
            for at in (2 * i - 1, 2 * i):
                x = self.layers[at](x, w[:, at], maps[at])
            # Bilinear enlargement is the filter [1, 3, 3, 1], with the picture's edges repeated.
            larger = F.interpolate(image, scale_factor=2.0, mode="bilinear")
            image = larger + self.rgb[i](x, w[:, 2 * i + 1])
        return image

    def noise_maps(self, noise: Noise, n: int) -> list[Tensor]:
        """One for each layer, (n or 1, 1, h, w)."""
        own = [layer.noise for layer in self.layers if isinstance(layer, StyleLayer)]
        if noise == "fixed":
            return own
        if noise == "random":
            return [torch.randn_like(held.expand(n, -1, -1, -1)) for held in own]
        if isinstance(noise, str) or [m.shape[2:] for m in noise] != [m.shape[2:] for m in own]:
            raise TrainingError('Noise is "fixed", "random", or a map of its size for each layer.')
        return list(noise)


class Generator(nn.Module):
    """Noise (N, Z) -> pictures (N, 3, H, W), in two parts that can be used by themselves."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size, self.style_layers = size, size.style_layers
        self.mapping, self.synthesis = Mapping(size), Synthesis(size)

    def forward(self, z: Tensor, truncation: float = 1.0, noise: Noise = "fixed") -> Tensor:
        image: Tensor = self.synthesis(self.mapping(z, truncation), noise)
        return image


class Block(nn.Module):
    """Half the size, twice the depth, around a shortcut (He et al. 2016)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = Convolution(before, before)
        self.second = Convolution(before, after, down=True)
        self.shortcut = Convolution(before, after, 1, down=True, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = bend(self.second(bend(self.first(x))))
        joined: Tensor = (y + self.shortcut(x)) / 2**0.5
        return joined


class Critic(nn.Module):
    """(N, 3, H, W) in [-1, 1] -> (N,): above 0 where it takes a picture for a photograph."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.enter = Convolution(3, size.channels(size.side), 1)
        falling = size.sides[:0:-1]
        self.blocks = nn.ModuleList(
            Block(size.channels(side), size.channels(side // 2)) for side in falling
        )
        last = size.channels(4)
        self.last = Convolution(last + 1, last)
        self.dense, self.leave = Linear(16 * last, last), Linear(last, 1)

    def maps(self, images: Tensor) -> list[Tensor]:
        """What it sees at each resolution, from the picture's own to 4 x 4: (N, C, h, w) each."""
        seen = [bend(self.enter(images))]
        for block in self.blocks:
            seen.append(block(seen[-1]))
        return seen

    def features(self, images: Tensor) -> Tensor:
        """(N, C): the last layer but one. It knows the other pictures of the batch."""
        return self.ending(minibatch_deviation(self.maps(images)[-1]))

    def ending(self, last: Tensor) -> Tensor:
        """(N, C + 1, 4, 4), the last map and the plane that compares the batch -> (N, C)."""
        return bend(self.dense(bend(self.last(last)).flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.leave(self.features(images))
        return logits[:, 0].float()
