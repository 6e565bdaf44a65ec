"""A zoo of small autoencoders that differ in how they make large pictures from small ones.

A decoder leaves the trace of its up-sampling in whatever it draws. A real picture that went through
one is a fake that differs from the real in that trace alone. Whole families are kept from training:
some only validate, some only test, so that what is measured are decoders never seen.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets.bottlenecks import Codebook, Gaussian, Plain
from unmask.datasets.manifest import Split

WIDTHS = (16, 36, 48, 52, 52)  # channels at full size, at half, at a quarter ...
LATENT = (0, 6, 12, 24, 48)  # channels of the bottleneck by depth: 1/2 to 1/16 of the values


class Upsample(StrEnum):
    """How a decoder doubles the sides of its features."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    TRANSPOSED_K3 = "transposed-k3"  # windows overlap unevenly: checkerboard
    TRANSPOSED_K4 = "transposed-k4"
    PIXEL_SHUFFLE = "pixel-shuffle"
    SUBPIXEL_BLUR = "subpixel-blur"  # pixel shuffle, then a binomial blur


class Bottleneck(StrEnum):
    """What stands between the encoder and the decoder."""

    PLAIN = "plain"
    KL = "kl"  # a Gaussian of unit size, as in latent diffusion
    VQ = "vq"  # codes of a learned book


class Loss(StrEnum):
    """What a decoder is trained to bring down."""

    L1 = "l1"
    L1_GRADIENT = "l1-gradient"  # and of the differences between neighbours
    ADVERSARIAL = "adversarial"  # and what a critic of patches says


@dataclass(frozen=True, kw_only=True)
class DecoderSpec:
    """An autoencoder: what it is made of, how it is trained, and who may see its pictures."""

    name: str
    family: str  # the up-sampling kind, or that with the bottleneck where this is what is new
    upsample: Upsample
    depth: int  # how often the sides are halved
    bottleneck: Bottleneck
    loss: Loss
    split: Split


# Who may see a family. Codes (VQ) are tested alone: no other family has them.
FAMILIES = {
    "nearest": Split.TRAIN,
    "bilinear": Split.TRAIN,
    "transposed-k4": Split.TRAIN,
    "pixel-shuffle": Split.TRAIN,
    "transposed-k3": Split.VALIDATION,
    "bicubic": Split.VALIDATION,
    "subpixel-blur": Split.TEST,
    "vq-nearest": Split.TEST,
}
_P, _K, _V = Bottleneck.PLAIN, Bottleneck.KL, Bottleneck.VQ
_L, _G, _A = Loss.L1, Loss.L1_GRADIENT, Loss.ADVERSARIAL
_TRAINED = ((1, _P, _L), (2, _K, _G), (2, _P, _A), (3, _K, _A), (4, _P, _G))
_HELD_OUT = ((1, _K, _G), (2, _P, _A), (3, _K, _A), (4, _P, _L))
_CODED = ((1, _V, _L), (2, _V, _G), (2, _V, _A), (3, _V, _A))


def _specs() -> Iterable[DecoderSpec]:
    for family, split in FAMILIES.items():
        coded = family == "vq-nearest"
        upsample = Upsample(family.removeprefix("vq-"))
        rows = _CODED if coded else _TRAINED if split is Split.TRAIN else _HELD_OUT
        for depth, bottleneck, loss in rows:
            middle = "" if coded else f"-{bottleneck}"
            yield DecoderSpec(
                name=f"{family}-d{depth}{middle}-{loss}",
                family=family,
                upsample=upsample,
                depth=depth,
                bottleneck=bottleneck,
                loss=loss,
                split=split,
            )


SPECS: dict[str, DecoderSpec] = {spec.name: spec for spec in _specs()}


def build(spec: DecoderSpec) -> "Autoencoder":
    """The untrained autoencoder: (B, 3, H, W) in [0, 1] to the same, sides multiples of 2**depth.

    Every output pixel depends on its surroundings alone, never on the whole picture, so that tiles
    with enough overlap give what the whole picture would.
    """
    return Autoencoder(spec)


class Autoencoder(nn.Module):
    """Encoder, bottleneck, decoder."""

    def __init__(self, spec: DecoderSpec) -> None:
        super().__init__()
        widths = _widths(spec)
        latent = LATENT[spec.depth]
        act = _activation(spec.bottleneck)
        encoder: list[nn.Module] = [nn.Conv2d(3, widths[0], 3, padding=1)]
        decoder: list[nn.Module] = []
        for i in range(spec.depth):
            encoder += [act, nn.Conv2d(widths[i], widths[i + 1], 4, stride=2, padding=1)]
        for i in reversed(range(spec.depth)):
            decoder += [Doubling(spec.upsample, widths[i + 1], widths[i]), Residual(widths[i], act)]
        bottom = widths[-1]
        self.encoder = nn.Sequential(
            *encoder, Residual(bottom, act), act, nn.Conv2d(bottom, 2 * latent, 1)
        )
        self.bottleneck = _bottleneck(spec.bottleneck, latent)
        self.decoder = nn.Sequential(
            nn.Conv2d(latent, bottom, 3, padding=1),
            Residual(bottom, act),
            *decoder,
            act,
            nn.Conv2d(widths[0], 3, 3, padding=1),
        )
        self.factor = 2**spec.depth
        for layer in self.modules():
            # He et al. 2015: PyTorch's own start is a third as wide, and takes minutes to grow.
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.bias is not None:
                inputs = layer.in_channels * math.prod(layer.kernel_size)
                strided = math.prod(layer.stride) if isinstance(layer, nn.ConvTranspose2d) else 1
                nn.init.normal_(layer.weight, std=math.sqrt(1.6 * strided / inputs))
                nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> Tensor:
        """The reconstruction, in [0, 1]."""
        return self.penalised(images)[0].clamp(0, 1)

    def penalised(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The reconstruction, not yet cut to [0, 1], and what the bottleneck costs (a scalar)."""
        if images.shape[2] % self.factor or images.shape[3] % self.factor:
            raise ValueError(f"sides {tuple(images.shape[2:])} are no multiples of {self.factor}")
        latent, cost = self.bottleneck(self.encoder(2 * images - 1))
        decoded: Tensor = self.decoder(latent)
        return (decoded + 1) / 2, cost


def _widths(spec: DecoderSpec) -> list[int]:
    # Sub-pixel convolutions have four times the outputs: narrower, so that none is far larger.
    part = 0.75 if spec.upsample in (Upsample.PIXEL_SHUFFLE, Upsample.SUBPIXEL_BLUR) else 1.0
    part *= 1.35 if spec.depth == 1 else 1.0
    return [4 * round(part * w / 4) for w in WIDTHS[: spec.depth + 1]]


def _activation(bottleneck: Bottleneck) -> nn.Module:
    """Another one for each kind, as in the generators that they stand for."""
    return nn.LeakyReLU(0.2) if bottleneck is Bottleneck.PLAIN else nn.SiLU()


class Residual(nn.Module):
    """Two convolutions beside the identity. Without normalisation, which would look far afield."""

    def __init__(self, width: int, act: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(
            act,
            nn.Conv2d(width, width, 3, padding=1),
            act,
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.body(x)
        return x + 0.3 * change


class Doubling(nn.Module):
    """(B, inputs, H, W) -> (B, outputs, 2 H, 2 W), with a convolution of its own."""

    def __init__(self, kind: Upsample, inputs: int, outputs: int) -> None:
        super().__init__()
        self.kind = kind
        self.conv: nn.Module
        if kind in (Upsample.TRANSPOSED_K3, Upsample.TRANSPOSED_K4):
            size = 3 if kind is Upsample.TRANSPOSED_K3 else 4
            self.conv = nn.ConvTranspose2d(
                inputs, outputs, size, stride=2, padding=1, output_padding=size % 2
            )
        else:
            shuffled = kind in (Upsample.PIXEL_SHUFFLE, Upsample.SUBPIXEL_BLUR)
            self.conv = nn.Conv2d(inputs, outputs * (4 if shuffled else 1), 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        match self.kind:
            case Upsample.NEAREST:
                return self._conv(F.interpolate(x, scale_factor=2, mode="nearest"))
            case Upsample.BILINEAR | Upsample.BICUBIC:
                mode = self.kind.value
                return self._conv(F.interpolate(x, scale_factor=2, mode=mode, align_corners=False))
            case Upsample.TRANSPOSED_K3 | Upsample.TRANSPOSED_K4:
                return self._conv(x)
            case Upsample.PIXEL_SHUFFLE:
                return F.pixel_shuffle(self._conv(x), 2)
            case Upsample.SUBPIXEL_BLUR:
                return _binomial(F.pixel_shuffle(self._conv(x), 2))

    def _conv(self, x: Tensor) -> Tensor:
        convolved: Tensor = self.conv(x)
        return convolved


def _binomial(x: Tensor) -> Tensor:
    """Blurred by 1-2-1 along both axes."""
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    rows = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    return (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4


def _bottleneck(kind: Bottleneck, latent: int) -> nn.Module:
    match kind:
        case Bottleneck.PLAIN:
            return Plain()
        case Bottleneck.KL:
            return Gaussian()
        case Bottleneck.VQ:
            return Codebook(latent)
