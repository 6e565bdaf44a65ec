"""The networks of MaskCycleGAN-VC (Kaneko et al. 2021), smaller.

A mel spectrogram is a picture of `mels` rows and any number of columns, a multiple of four. The
outer layers see it as one; the inner ones as a sequence of frames, since a voice differs in its
whole spectrum at once (CycleGAN-VC2, Kaneko et al. 2019). Gated linear units and instance norms
throughout; up-sampling by pixel shuffle. With `fold` the picture is first folded to half its rows
and columns, four values a place, and unfolded at the end: a quarter of the work.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 4  # frames, and mel bands, to one of the inner layers


@dataclass(frozen=True, kw_only=True)
class VoiceSize:
    """How large the networks are."""

    mels: int = 80
    frames: int = 64  # of a training example
    width: int  # channels of the outer layers
    deep: int  # channels of the inner two-dimensional layers
    flat: int  # channels of the sequence in the middle
    blocks: int
    kernel: int  # of the inner two-dimensional convolutions
    critic: int  # channels of the critics' first layer
    fold: bool = False  # work at half the resolution
    adds: bool = False  # to what is given, beginning with nothing


class Gated2d(nn.Module):
    """Convolution, instance norm where there is one, and a gated linear unit: half the channels."""

    def __init__(
        self, a: int, b: int, kernel: tuple[int, int], *, stride: int = 1, norm: bool = True
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convolution = nn.Conv2d(a, 2 * b, kernel, stride, padding)
        self.norm = nn.InstanceNorm2d(2 * b, affine=True) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.glu(self.norm(self.convolution(x)), 1)


class Gated1d(nn.Module):
    """A residual block of a sequence (B, C, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, 2 * channels, 3, padding=1)
        self.first_norm = nn.InstanceNorm1d(2 * channels, affine=True)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)
        self.second_norm = nn.InstanceNorm1d(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        y = F.glu(self.first_norm(self.first(x)), 1)
        added: Tensor = x + self.second_norm(self.second(y))
        return added


class Enlarge(nn.Module):
    """Twice the rows and columns: convolution, pixel shuffle, instance norm, gate."""

    def __init__(self, a: int, b: int, kernel: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(a, 8 * b, kernel, padding=kernel // 2)
        self.norm = nn.InstanceNorm2d(2 * b, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        return F.glu(self.norm(F.pixel_shuffle(self.convolution(x), 2)), 1)


class Converter(nn.Module):
    """(B, mels, T) log mel bands and (B, mels, T) mask, 1: given, 0: to fill in -> (B, mels, T).

    Where it `adds`, which is beyond the paper, it begins with the identity: relative to the mean
    and deviation of each voice that is a poor conversion, but one to start from.
    """

    def __init__(self, size: VoiceSize) -> None:
        super().__init__()
        kernel = (size.kernel, size.kernel)
        rows = size.mels // STRIDE
        self.fold = 2 if size.fold else 1
        outer = (3, 7) if size.fold else (5, 15)
        self.enter = Gated2d(2 * self.fold**2, size.width, outer, norm=False)
        self.down = nn.Sequential(Gated2d(size.width, size.deep, kernel, stride=2))
        self.up = nn.Sequential(Enlarge(size.deep, size.width, size.kernel))
        if not size.fold:
            self.down.append(Gated2d(size.deep, size.deep, kernel, stride=2))
            self.up.insert(0, Enlarge(size.deep, size.deep, size.kernel))
        self.flatten = nn.Sequential(
            nn.Conv1d(size.deep * rows, size.flat, 1), nn.InstanceNorm1d(size.flat, affine=True)
        )
        self.blocks = nn.Sequential(*(Gated1d(size.flat) for _ in range(size.blocks)))
        self.unflatten = nn.Sequential(
            nn.Conv1d(size.flat, size.deep * rows, 1),
            nn.InstanceNorm1d(size.deep * rows, affine=True),
        )
        padding = (outer[0] // 2, outer[1] // 2)
        self.leave = nn.Conv2d(size.width, self.fold**2, outer, padding=padding)
        self.rows, self.adds = rows, size.adds
        if self.adds:
            nn.init.zeros_(self.leave.weight)
            nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]  # which it has

    def forward(self, mel: Tensor, mask: Tensor) -> Tensor:
        given = F.pixel_unshuffle(torch.stack([mel * mask, mask], 1), self.fold)
        x = self.down(self.enter(given))
        flat = self.blocks(self.flatten(x.flatten(1, 2)))
        x = self.unflatten(flat).unflatten(1, (-1, self.rows))
        made: Tensor = F.pixel_shuffle(self.leave(self.up(x)), self.fold)[:, 0]
        return mel * mask + made if self.adds else made


class VoiceCritic(nn.Module):
    """(B, mels, T) -> (B, 1, rows, columns) opinions of patches, without a sigmoid."""

    def __init__(self, size: VoiceSize) -> None:
        super().__init__()
        w = size.critic
        self.layers = nn.Sequential(
            Gated2d(1, w, (3, 3), stride=2 if size.fold else 1, norm=False),
            Gated2d(w, 2 * w, (3, 3), stride=2),
            Gated2d(2 * w, 4 * w, (3, 3), stride=2),
            Gated2d(4 * w, 4 * w, (3, 3), stride=1 if size.fold else 2),
            Gated2d(4 * w, 4 * w, (1, 5)),
            nn.Conv2d(4 * w, 1, (1, 3), padding=(0, 1)),
        )

    def forward(self, mel: Tensor) -> Tensor:
        opinions: Tensor = self.layers(mel[:, None])
        return opinions
