"""The networks of the face swap: one encoder for both people, a decoder and a critic for each.

The encoder, which must serve two decoders, keeps pose, expression and light; whose face it is, only
the decoder knows. This is the autoencoder of the first face-swap programs (2017) with a mask beside
the face; the critics are PatchGANs (Isola et al. 2017).
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PEOPLE = ("a", "b")
SLOPE = 0.1  # of the leaky rectifiers


class Enlarging(StrEnum):
    """How a decoder grows: each way leaves traces of its own in the fakes."""

    SHUFFLE = "shuffle"  # sub-pixel convolution (Shi et al. 2016), as face-swap programs do
    NEAREST = "nearest"  # nearest neighbours, then a convolution


@dataclass(frozen=True, kw_only=True)
class SwapSize:
    """The size of all networks. Each width of the encoder halves, each of a decoder doubles."""

    side: int  # pixels of the faces
    encoder: tuple[int, ...]
    dense: int  # values that a face is squeezed into
    decoder: tuple[int, ...]
    critic: tuple[int, ...]
    residual: bool = True  # a block after each doubling: sharper, and half as slow again
    enlarging: Enlarging = Enlarging.SHUFFLE

    def __post_init__(self) -> None:
        """Raises ValueError where a decoder does not end at `side`."""
        if self.side % 2 ** len(self.encoder) or 8 * 2 ** len(self.decoder) != self.side:
            raise ValueError("the encoder must divide the side, and a decoder double 8 up to it")


class Enlarge(nn.Module):
    """(N, before, H, W) -> (N, after, 2 H, 2 W)."""

    def __init__(self, before: int, after: int, how: Enlarging) -> None:
        super().__init__()
        self.shuffle = how is Enlarging.SHUFFLE
        self.convolution = nn.Conv2d(before, after * (4 if self.shuffle else 1), 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if self.shuffle:
            return F.leaky_relu(F.pixel_shuffle(self.convolution(x), 2), SLOPE)
        return F.leaky_relu(self.convolution(F.interpolate(x, scale_factor=2.0)), SLOPE)


class Encoder(nn.Module):
    """(N, 3, S, S) in [-1, 1] -> (N, C / 2, 8, 8), C being the last width."""

    def __init__(self, size: SwapSize) -> None:
        super().__init__()
        widths = (3, *size.encoder)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 5, stride=2, padding=2) for a, b in pairwise(widths)
        )
        last, left = widths[-1], size.side // 2 ** len(size.encoder)
        self.squeeze = nn.Linear(last * left * left, size.dense)
        self.widen = nn.Linear(size.dense, last * 16)
        self.enlarge = Enlarge(last, last // 2, size.enlarging)

    def forward(self, faces: Tensor) -> Tensor:
        x = faces
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), SLOPE)
        x = self.widen(self.squeeze(x.flatten(1))).unflatten(1, (-1, 4, 4))
        code: Tensor = self.enlarge(x)
        return code


class Residual(nn.Module):
    """(N, C, H, W) -> the same, with what two convolutions add."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.second(F.leaky_relu(self.first(x), SLOPE)), SLOPE)


class Decoder(nn.Module):
    """(N, C / 2, 8, 8) -> a face (N, 3, S, S) in [-1, 1] and its mask (N, 1, S, S) in [0, 1]."""

    def __init__(self, size: SwapSize) -> None:
        super().__init__()
        widths = (size.encoder[-1] // 2, *size.decoder)
        steps: list[nn.Module] = []
        for before, after in pairwise(widths):
            steps.append(Enlarge(before, after, size.enlarging))
            # At the full size a block costs more than all the others together.
            if size.residual and len(steps) < 2 * len(size.decoder) - 1:
                steps.append(Residual(after))
        self.grow = nn.Sequential(*steps)
        self.face = nn.Conv2d(widths[-1], 3, 5, padding=2)
        self.mask = nn.Conv2d(widths[-1], 1, 5, padding=2)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        x = self.grow(code)
        return torch.tanh(self.face(x)), torch.sigmoid(self.mask(x))


class SwapNet(nn.Module):
    """The encoder and the decoders of "a" and "b"."""

    def __init__(self, size: SwapSize) -> None:
        super().__init__()
        self.side = size.side
        self.encoder = Encoder(size)
        self.decoders = nn.ModuleDict({person: Decoder(size) for person in PEOPLE})

    def forward(self, faces: Tensor, person: str) -> tuple[Tensor, Tensor]:
        """Whoever's (N, 3, S, S) faces in [-1, 1] -> (`person`'s faces alike, their masks)."""
        face, mask = self.decoders[person](self.encoder(faces))
        return face, mask


class PatchCritic(nn.Module):
    """(N, 4, S, S) of face and mask -> (N, 1, h, w) logits, one for each overlapping patch."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        sizes = (4, *widths)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(sizes)
        )
        self.leave = nn.Conv2d(sizes[-1], 1, 3, padding=1)

    def forward(self, faces: Tensor) -> Tensor:
        x = faces
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), 0.2)
        logits: Tensor = self.leave(x)
        return logits
