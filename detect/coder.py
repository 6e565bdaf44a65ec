"""A small lossless coder of pictures: what each pixel may be, given what was coded before it.

It predicts every picture of a pyramid from the next coarser one, as SReC does (Cao et al. 2020,
"Lossless Image Compression through Super-Resolution"), by mixtures of logistics (Salimans et al.
2017, "PixelCNN++").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 3  # of the pyramid that are coded; level 0 is the picture itself
COMPONENTS = 3  # logistics of a mixture
DETAILS = 4  # 3 x 3 differences of each colour that the trunk sees
_WIDTH = 32  # channels
_SHARPEST, _BROADEST = -2.5, 5.0  # of the logarithm of a scale in grey levels


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Distributions over the values 0 to 255 of (B, 3, h, w) subpixels: K logistics each."""

    logits: Tensor  # (B, K, 3, h, w) of the components' weights
    means: Tensor  # (B, K, 3, h, w) grey levels
    log_scales: Tensor  # (B, K, 3, h, w)

    @cached_property
    def sharpness(self) -> Tensor:
        """(B, K, 3, h, w): the inverse of the scales."""
        return torch.exp(-self.log_scales)

    @cached_property
    def weights(self) -> Tensor:
        """(B, K, 3, h, w): logarithms of the weights, which sum to 1 over K."""
        return torch.log_softmax(self.logits, 1)

    @cached_property
    def _shape(self) -> tuple[Tensor, Tensor]:
        """ln(2 sinh(h)) with the weights, and 2 cosh(h): what every value's cost needs."""
        grown = torch.exp(self.sharpness / 2)
        shrunk = 1 / grown
        return self.weights + torch.log(grown - shrunk), grown + shrunk

    def cost(self, values: Tensor) -> Tensor:
        """(B, 3, h, w) values -> what coding them takes, in bits.

        With c the deviation of a value and 2 h its width, both in scales, a logistic gives it
        s(c + h) - s(c - h) = sinh(h) / (cosh(c) + cosh(h)), which never cancels, and, with
        t = exp(-|c|), is 2 sinh(h) t / (1 + t (t + 2 cosh(h))), which never overflows.
        """
        tops, broad = self._shape
        away = ((values[:, None] - self.means) * self.sharpness).abs_()
        bits = tops - away
        near = torch.exp(-away)
        most = bits.detach().amax(1, keepdim=True)
        shares = torch.exp(bits - most) / (1 + near * (near + broad))
        found = torch.log(shares.sum(1)) + most[:, 0]
        # The first and the last value take the tails, so that the 256 sum to 1.
        edge = ((values <= 0) | (values >= 255)).nonzero(as_tuple=True)
        if len(edge[0]):
            found = found.index_put(edge, self._tails(values, edge))
        return found / -float(np.log(2))

    def _tails(self, values: Tensor, edge: tuple[Tensor, ...]) -> Tensor:
        """(n,) logarithms of the chance to be at or beyond n of the values, 0 or 255."""
        picture, colour, row, column = edge
        means, sharp, weights = (
            t[picture, :, colour, row, column] for t in (self.means, self.sharpness, self.weights)
        )  # (n, K)
        value = values[edge][:, None]
        side = torch.where(value <= 0, 1, -1)
        within = F.logsigmoid((side * (value - means) + 0.5) * sharp)
        return torch.logsumexp(weights + within, 1)

    def draw(self, generator: torch.Generator) -> Tensor:
        """(B, 3, h, w) values, each drawn from its distribution."""
        b, k, *rest = self.means.shape
        noise = torch.rand((2, b, *rest), generator=generator).to(self.means.device)
        chances = torch.exp(self.weights)
        bound, mean, scale = chances[:, 0], self.means[:, 0], self.log_scales[:, 0]
        for i in range(1, k):
            later = noise[0] > bound
            mean = torch.where(later, self.means[:, i], mean)
            scale = torch.where(later, self.log_scales[:, i], scale)
            bound = bound + chances[:, i]
        values = mean + scale.exp() * torch.logit(noise[1], eps=1e-6)
        return values.round().clamp(0, 255)


class Level(nn.Module):
    """Predicts three pixels of every 2 x 2 cell from the cells' means; the fourth nearly follows.

    Cells are (B, 4, 3, h, w): pixels in reading order, RGB, grey levels.
    """

    def __init__(self) -> None:
        super().__init__()
        # For each colour: differences that the trunk sees, and one more for each coded pixel.
        self.kernels = nn.Parameter(torch.randn(3 * (DETAILS + 3), 1, 3, 3) / 3)
        self.enter = nn.Conv2d(3 + 3 * DETAILS, _WIDTH, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(_WIDTH, _WIDTH, 5, padding=2, groups=_WIDTH),
                nn.ReLU(),
                nn.Conv2d(_WIDTH, _WIDTH, 1),
            )
            for _ in range(2)
        )
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(_WIDTH + 6 * position, _WIDTH, 1),
                nn.ReLU(),
                nn.Conv2d(_WIDTH, 12 * COMPONENTS, 1),
            )
            for position in range(3)
        )
        with torch.no_grad():
            self.kernels.view(3, DETAILS + 3, 3, 3)[:, DETAILS:] = 0

    def features(self, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Means (B, 3, h, w) -> features (B, 32, h, w) and slopes (B, 3 pixels, 3, h, w)."""
        b, _, h, w = coarse.shape
        kernels = self.kernels - self.kernels.mean((2, 3), keepdim=True)  # blind to a flat area
        seen = F.conv2d(F.pad(coarse, (1, 1, 1, 1), mode="replicate"), kernels, groups=3)
        seen = seen.view(b, 3, DETAILS + 3, h, w)
        details = torch.asinh(seen[:, :, :DETAILS]).reshape(b, -1, h, w)
        found: Tensor = self.enter(torch.cat([coarse / 64 - 2, details], 1))
        for block in self.blocks:
            found = found + block(found)
        return found, seen[:, :, DETAILS:].transpose(1, 2)

    def mixture(
        self, features: tuple[Tensor, Tensor], coarse: Tensor, cells: Tensor, position: int
    ) -> Mixture:
        """Of the pixels at `position` 0, 1 or 2.

        Of `cells` only earlier positions count, and of this one red for green, both for blue.
        """
        apart = torch.asinh((cells[:, :position] - coarse[:, None]).flatten(1, 2))
        raw = self.heads[position](torch.cat([features[0], apart, apart.abs()], 1))
        return unfolded(raw, features[1][:, position], coarse, cells, position)

    def forward(self, coarse: Tensor, cells: Tensor) -> list[Mixture]:
        """The mixtures of the three pixels that are coded."""
        features = self.features(coarse)
        return [self.mixture(features, coarse, cells, position) for position in range(3)]


def unfolded(
    raw: Tensor, slopes: Tensor, coarse: Tensor, cells: Tensor, position: int
) -> Mixture:  # fmt: skip
    """The mixture that a head's (B, 12 K, h, w) values and slopes (B, 3, h, w) stand for."""
    # What the mean leaves for the pixels that are still to come.
    base = ((4 * coarse - cells[:, :position].sum(1)) / (4 - position)).clamp(0, 255) + slopes
    raw = raw.view(len(raw), 4, COMPONENTS, 3, *raw.shape[2:])
    logits, offsets, log_scales, mixing = raw.unbind(1)
    off = cells[:, position] - base
    red, green = off[:, None, 0], off[:, None, 1]
    means = torch.add(base[:, None], offsets, alpha=4)
    means[:, :, 1].addcmul_(mixing[:, :, 0], red)
    means[:, :, 2].addcmul_(mixing[:, :, 1], red).addcmul_(mixing[:, :, 2], green)
    return Mixture(
        logits=logits, means=means, log_scales=(log_scales + 1).clamp(_SHARPEST, _BROADEST)
    )


class Coder(nn.Module):
    """A level each for the picture and its two halvings: 35,000 parameters, 3.7 kMAC a pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleList(Level() for _ in range(LEVELS))

    def costs(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in 0-255, sides multiples of 8 -> by level (B, 3, 3, h, w) bits."""
        return [
            torch.stack([m.cost(cells[:, i]) for i, m in enumerate(level(coarse, cells))], 1)
            for level, (coarse, cells) in zip(self.levels, pyramid(images), strict=True)
        ]

    def gaps(self, images: Tensor, generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """By level: what each cell costs and was expected to cost, (B, h, w) bits a subpixel."""
        levels = pyramid(images.to(next(self.parameters()).device))
        return [
            gap_of(level(coarse, cells), cells, generator)
            for level, (coarse, cells) in zip(self.levels, levels, strict=True)
        ]


def gap_of(
    mixtures: Iterable[Mixture], cells: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """What cells (B, 4, 3, h, w) cost, and were expected to cost, (B, h, w) bits a subpixel.

    The expectation is the cost of one draw from each subpixel's distribution: unbiased, and a
    hundred times cheaper than a sum over 256 values.
    """
    real, drawn = [], []
    for position, mixture in enumerate(mixtures):
        real.append(mixture.cost(cells[:, position]))
        drawn.append(mixture.cost(mixture.draw(generator)))
    return torch.stack(real).mean((0, 2)), torch.stack(drawn).mean((0, 2))


def pyramid(images: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(B, 3, H, W) -> by level the rounded means (B, 3, h, w) and the cells (B, 4, 3, h, w)."""
    found = []
    for _ in range(LEVELS):
        b, c, h, w = images.shape
        coarse = F.avg_pool2d(images, 2).round()
        found.append((coarse, F.pixel_unshuffle(images, 2).view(b, c, 4, h // 2, w // 2)))
        images = coarse
    return [(coarse, cells.transpose(1, 2)) for coarse, cells in found]
