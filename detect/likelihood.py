"""How surprising a picture is to a small lossless coder that has seen photographs alone.

The coder predicts every picture of a pyramid from the next coarser one, as SReC does (Cao et al.
2020, "Lossless Image Compression through Super-Resolution"). What the pixels cost is compared with
what the coder expected them to cost (ZED; Cozzolino et al. 2024, "Zero-Shot Detection of
AI-Generated Images"): in a photograph the two agree at every level, whatever it shows. A picture
that is odd in either direction is out of the range that the other experts were fitted in.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unmask.card import load_card
from unmask.detect.tiles import TILE, tile_corners
from unmask.errors import WeightsError

LEVELS = 3  # of the pyramid that are coded; level 0 is the picture itself
STRIDE = 16  # pixels between two values of the map
TILES = 5  # at most, of TILE x TILE pixels: a quarter of a megapixel
WHOLE = TILES * TILE * TILE  # pixels up to which a picture is looked at whole
COMPONENTS = 3  # logistics of a mixture
_GRID = 2**LEVELS  # pixels: sides are cut to multiples
_WIDTH = 32  # channels
_DETAILS = 4  # 3 x 3 differences of each colour that the trunk sees
_SHARPEST, _BROADEST = -2.5, 5.0  # of the logarithm of a scale in grey levels

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Distributions over the values 0 to 255 of (B, 3, h, w) subpixels: K logistics each."""

    logits: Tensor  # (B, K, 3, h, w) of the components' weights
    means: Tensor  # (B, K, 3, h, w) grey levels
    log_scales: Tensor  # (B, K, 3, h, w)

    def cost(self, values: Tensor) -> Tensor:
        """(B, 3, h, w) values -> what coding them takes, in bits."""
        x = values[:, None]
        sharp = torch.exp(-self.log_scales)
        above, below = (x + 0.5 - self.means) * sharp, (x - 0.5 - self.means) * sharp
        # The first and the last value take the tails, so that the 256 sum to 1. For the others
        # s(above) - s(below) = s(above) s(-below) (1 - exp(below - above)), which never cancels.
        low, high = x <= 0, x >= 255
        bits = F.logsigmoid(above).masked_fill(high, 0) + F.logsigmoid(-below).masked_fill(low, 0)
        bits = bits + torch.log(-torch.expm1(-sharp)).masked_fill(low | high, 0)
        weights = torch.log_softmax(self.logits, 1)
        return torch.logsumexp(weights + bits, 1) / -float(np.log(2))

    def draw(self, generator: torch.Generator) -> Tensor:
        """(B, 3, h, w) values, each drawn from its distribution."""
        b, k, *rest = self.means.shape
        u = torch.rand((2, b, *rest), generator=generator).to(self.means.device)
        bounds = torch.softmax(self.logits, 1).cumsum(1)
        chosen = (u[0][:, None] > bounds).sum(1, keepdim=True).clamp(max=k - 1)
        mean, scale = (t.gather(1, chosen)[:, 0] for t in (self.means, self.log_scales.exp()))
        return (mean + scale * torch.logit(u[1], eps=1e-6)).round().clamp(0, 255)


class Level(nn.Module):
    """Predicts three pixels of every 2 x 2 cell from the cells' means; the fourth nearly follows.

    Cells are (B, 4, 3, h, w): pixels in reading order, RGB, grey levels.
    """

    def __init__(self) -> None:
        super().__init__()
        # For each colour: differences that the trunk sees, and one more for each coded pixel.
        self.kernels = nn.Parameter(torch.randn(3 * (_DETAILS + 3), 1, 3, 3) / 3)
        self.enter = nn.Conv2d(3 + 3 * _DETAILS, _WIDTH, 1)
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
            self.kernels.view(3, _DETAILS + 3, 3, 3)[:, _DETAILS:] = 0

    def features(self, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Means (B, 3, h, w) -> features (B, 32, h, w) and slopes (B, 3 pixels, 3, h, w)."""
        b, _, h, w = coarse.shape
        kernels = self.kernels - self.kernels.mean((2, 3), keepdim=True)  # blind to a flat area
        seen = F.conv2d(F.pad(coarse, (1, 1, 1, 1), mode="replicate"), kernels, groups=3)
        seen = seen.view(b, 3, _DETAILS + 3, h, w)
        details = torch.asinh(seen[:, :, :_DETAILS]).reshape(b, -1, h, w)
        found: Tensor = self.enter(torch.cat([coarse / 64 - 2, details], 1))
        for block in self.blocks:
            found = found + block(found)
        return found, seen[:, :, _DETAILS:].transpose(1, 2)

    def mixture(
        self, features: tuple[Tensor, Tensor], coarse: Tensor, cells: Tensor, position: int
    ) -> Mixture:
        """Of the pixels at `position` 0, 1 or 2.

        Of `cells` only earlier positions count, and of this one red for green, both for blue.
        """
        known = cells[:, :position]
        # What the mean leaves for the pixels that are still to come.
        base = ((4 * coarse - known.sum(1)) / (4 - position)).clamp(0, 255)
        apart = torch.asinh((known - coarse[:, None]).flatten(1, 2))
        raw = self.heads[position](torch.cat([features[0], apart, apart.abs()], 1))
        raw = raw.view(len(raw), 4, COMPONENTS, 3, *raw.shape[2:])
        logits, offsets, log_scales, mixing = raw.unbind(1)
        base = base + features[1][:, position]
        off = cells[:, position] - base
        red, green = off[:, None, 0], off[:, None, 1]
        follows = torch.stack(
            [
                torch.zeros_like(mixing[:, :, 0]),
                mixing[:, :, 0] * red,
                mixing[:, :, 1] * red + mixing[:, :, 2] * green,
            ],
            dim=2,
        )
        return Mixture(
            logits=logits,
            means=base[:, None] + 4 * offsets + follows,
            log_scales=(log_scales + 1).clamp(_SHARPEST, _BROADEST),
        )

    def forward(self, coarse: Tensor, cells: Tensor) -> list[Mixture]:
        """The mixtures of the three pixels that are coded."""
        features = self.features(coarse)
        return [self.mixture(features, coarse, cells, position) for position in range(3)]


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
        """By level: what each cell costs and was expected to cost, (B, h, w) bits a subpixel.

        The expectation is the cost of one draw from each subpixel's distribution: unbiased, and
        a hundred times cheaper than a sum over 256 values.
        """
        found = []
        for level, (coarse, cells) in zip(self.levels, pyramid(images), strict=True):
            mixtures: list[Mixture] = level(coarse, cells)
            real = [m.cost(cells[:, i]) for i, m in enumerate(mixtures)]
            drawn = [m.cost(m.draw(generator)) for m in mixtures]
            found.append((torch.stack(real).mean((0, 2)), torch.stack(drawn).mean((0, 2))))
        return found


def pyramid(images: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(B, 3, H, W) -> by level the rounded means (B, 3, h, w) and the cells (B, 4, 3, h, w)."""
    found = []
    for _ in range(LEVELS):
        b, c, h, w = images.shape
        coarse = F.avg_pool2d(images, 2).round()
        found.append((coarse, F.pixel_unshuffle(images, 2).view(b, c, 4, h // 2, w // 2)))
        images = coarse
    return [(coarse, cells.transpose(1, 2)) for coarse, cells in found]


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """What a picture costs the coder, by level, in bits a subpixel; level 0 is the finest."""

    cost: tuple[float, ...]  # (LEVELS,)
    expected: tuple[float, ...]  # (LEVELS,) by the coder itself
    gaps: NDArray[np.float32]  # (h, w) cost - expected of level 0; NaN where no tile was looked at
    covered: float  # part of the picture that was looked at

    @property
    def gap(self) -> tuple[float, ...]:
        """Cost less expected: above 0 is too surprising, below 0 too predictable."""
        return tuple(c - e for c, e in zip(self.cost, self.expected, strict=True))

    @property
    def vector(self) -> Floats:
        """(2 LEVELS - 1,): the gaps, and how the cost falls from level to level."""
        return np.array([*self.gap, *-np.diff(self.cost)])


@torch.inference_mode()
def surprise(coder: Coder, pixels: Pixels) -> Surprise:
    """Look at a quarter of a megapixel of a picture at most, at its own resolution."""
    pad = [(0, max(0, STRIDE - n)) for n in pixels.shape[:2]]
    if any(after for _, after in pad):
        pixels = np.pad(pixels, [*pad, (0, 0)], mode="symmetric")
    height, width = pixels.shape[:2]
    corners, side = [(0, 0)], max(height, width)
    if height * width > WHOLE:
        corners, side = tile_corners(height, width), TILE
        keep = np.linspace(0, len(corners) - 1, min(TILES, len(corners)))
        corners = [corners[round(float(i))] for i in keep]
    batch = np.stack([pixels[y : y + side, x : x + side] for y, x in corners])
    batch = batch[:, : batch.shape[1] // _GRID * _GRID, : batch.shape[2] // _GRID * _GRID]
    images = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2))).float()
    device = next(coder.parameters()).device
    levels = coder.gaps(images.to(device), torch.Generator().manual_seed(0))
    finest = F.avg_pool2d((levels[0][0] - levels[0][1])[:, None], STRIDE // 2, ceil_mode=True)
    gaps = np.full((-(-height // STRIDE), -(-width // STRIDE)), np.nan, np.float32)
    for (y, x), tile in zip(corners, finest[:, 0].cpu().numpy(), strict=True):
        room = gaps[y // STRIDE :, x // STRIDE :][: tile.shape[0], : tile.shape[1]]
        room[:] = tile[: room.shape[0], : room.shape[1]]
    return Surprise(
        cost=tuple(float(cost.mean()) for cost, _ in levels),
        expected=tuple(float(expected.mean()) for _, expected in levels),
        gaps=gaps,
        covered=float(np.isfinite(gaps).mean()),
    )


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where photographs lie, of D values of `Surprise.vector`."""

    mean: Floats  # (D,)
    precision: Floats  # (D, D)
    distances: Floats  # (n,) of other photographs than those that gave mean and precision

    def distance(self, vector: Floats) -> float:
        """Mahalanobis distance from the middle of the photographs."""
        apart = vector - self.mean
        return float(np.sqrt(apart @ self.precision @ apart))


def out_of_range(found: Surprise, photographs: Range) -> float:
    """The chance that a photograph is at least as odd, in either direction: a conformal p-value."""
    odder = int((photographs.distances >= photographs.distance(found.vector)).sum())
    return (1 + odder) / (1 + len(photographs.distances))


def score(found: Surprise, photographs: Range) -> float:
    """How much too predictable the finest level is, in deviations; above 0 leans to synthetic.

    It is compared with photographs that have the same values at the coarser levels.
    """
    pull = photographs.precision @ (found.vector - photographs.mean)
    return float(-pull[0] / np.sqrt(photographs.precision[0, 0]))


def save_expert(coder: Coder, photographs: Range, weights: Path) -> None:
    """Write a coder in half precision, and the range of the photographs."""
    tensors = {k: v.half().contiguous() for k, v in coder.state_dict().items()}
    for name in ("mean", "precision", "distances"):
        tensors[f"range.{name}"] = torch.from_numpy(getattr(photographs, name)).contiguous()
    save_file(tensors, weights)


def load_expert(weights: Path) -> tuple[Coder, Range]:
    """The coder and the range. WeightsError where they are missing, or not those of their card."""
    load_card(weights)
    coder = Coder()
    try:
        tensors = load_file(weights)
        photographs = Range(
            **{n: tensors.pop(f"range.{n}").numpy() for n in ("mean", "precision", "distances")}
        )
        coder.load_state_dict({k: v.float() for k, v in tensors.items()})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise WeightsError(f"The weights {weights.name} cannot be read.") from error
    return coder.eval(), photographs
