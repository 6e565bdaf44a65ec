"""The networks of picture translation: a residual translator, and a critic that judges patches."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 4  # pixels of a picture to one place at the translator's narrowest
LEAST_SIDE = 5  # pixels: below, the translator has nothing to reflect at its narrowest
_FIFTH = 5  # residual block whose output is the last that CUT compares
_COMPARED = 256  # values that CUT compares a place by


def _norm(channels: int) -> nn.InstanceNorm2d:
    """Statistics of the picture at hand alone (Ulyanov et al. 2017): no memory, no batch."""
    return nn.InstanceNorm2d(channels)


def _convolution(before: int, after: int, size: int, *, stride: int = 1) -> nn.Conv2d:
    """Mirrored at the borders; without a bias, which the norm behind it would take away."""
    return nn.Conv2d(
        before, after, size, stride, size // 2, bias=False, padding_mode="reflect"
    )  # fmt: skip


class ResidualBlock(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): what is there, and a correction."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.correct = nn.Sequential(
            _convolution(channels, channels, 3), _norm(channels), nn.ReLU(),
            _convolution(channels, channels, 3), _norm(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        corrected: Tensor = x + self.correct(x)
        return corrected


class Enlarge(nn.Module):
    """(B, C, h, w) -> (B, C', H, W) with h = ceil(H / 2), w = ceil(W / 2)."""

    def __init__(self, before: int, after: int, *, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed
        self.convolution: nn.Conv2d | nn.ConvTranspose2d = (
            nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, bias=False)
            if transposed
            else _convolution(before, after, 3)
        )
        self.norm = _norm(after)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        if self.transposed:
            x = self.convolution(x, output_size=size)
        else:
            x = self.convolution(F.interpolate(x, size))
        return F.relu(self.norm(x))


class ResNetTranslator(nn.Module):
    """(B, 3, H, W) in [-1, 1] -> the same, of any size from 5 pixels a side.

    The network of Johnson et al. 2016 ("Perceptual losses for real-time style transfer") as Zhu et
    al. 2017 (CycleGAN) use it: two strides, residual blocks, two enlargements. These copy pixels
    and then convolve, which leaves no chequerboard (Odena et al. 2016); the paper's transposed
    convolutions are an option, for corpora that want their traces.
    """

    def __init__(self, width: int = 64, blocks: int = 9, *, transposed: bool = False) -> None:
        """`width` channels at full size; `blocks`: 9 for 256 pixels, 6 for 128, 3 for 64."""
        super().__init__()
        self.enter = nn.Sequential(_convolution(3, width, 7), _norm(width), nn.ReLU())
        self.first_down = _convolution(width, 2 * width, 3, stride=2)
        self.second_down = _convolution(2 * width, 4 * width, 3, stride=2)
        self.first_norm, self.second_norm = _norm(2 * width), _norm(4 * width)
        self.blocks = nn.ModuleList(ResidualBlock(4 * width) for _ in range(blocks))
        self.first_up = Enlarge(4 * width, 2 * width, transposed=transposed)
        self.second_up = Enlarge(2 * width, width, transposed=transposed)
        self.leave = nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect")
        # Channels of what `features` returns.
        self.channels = (3, 2 * width, 4 * width, 4 * width, 4 * width)
        _start_small(self)

    def forward(self, images: Tensor) -> Tensor:
        x = self.enter(images)
        full = (x.shape[2], x.shape[3])
        x = F.relu(self.first_norm(self.first_down(x)))
        half = (x.shape[2], x.shape[3])
        x = F.relu(self.second_norm(self.second_down(x)))
        for block in self.blocks:
            x = block(x)
        x = self.second_up(self.first_up(x, half), full)
        translated: Tensor = torch.tanh(self.leave(x))
        return translated

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """What CUT compares (Park et al. 2020), each (B, C, H, W): the pixels, the outputs of both
        strides, of the first residual block and of the fifth, or of the last where there are fewer.
        """
        first = self.first_down(self.enter(images))
        second = self.second_down(F.relu(self.first_norm(first)))
        x = F.relu(self.second_norm(second))
        after = []
        for block in self.blocks[:_FIFTH]:
            x = block(x)
            after.append(x)
        return images, first, second, after[0], after[-1]


class PatchCritic(nn.Sequential):
    """(B, 3, H, W) -> (B, 1, H', W') logits, each of one patch (Isola et al. 2017, "pix2pix").

    A logit sees 16, 34 or 70 pixels a side with 1, 2 or 3 strides. The paper's 70 are for 256
    pixels; a picture of 64 wants 34, or every patch is the whole picture.
    """

    def __init__(self, width: int = 64, strides: int = 3) -> None:
        """`width` channels behind the first stride, eight times as many at most."""
        super().__init__(nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
        before = width
        for i in range(1, strides + 1):
            after = width * min(2**i, 8)
            self.append(nn.Conv2d(before, after, 4, 2 if i < strides else 1, 1, bias=False))
            self.append(_norm(after))
            self.append(nn.LeakyReLU(0.2))
            before = after
        self.append(nn.Conv2d(before, 1, 4, padding=1))
        _start_small(self)


def patch_contrast(queries: Tensor, keys: Tensor, temperature: float = 0.07) -> Tensor:
    """How ill (B, S, C) queries know the key of their own place among those of the picture.

    Cross-entropy, 0 or more, of which Park et al. 2020 ("Contrastive learning for unpaired
    image-to-image translation") make PatchNCE. Both are of unit length.
    """
    alike = queries.float() @ keys.float().transpose(1, 2) / temperature  # (B, S, S)
    own = torch.arange(alike.shape[1], device=alike.device).expand(alike.shape[:2])
    return F.cross_entropy(alike.flatten(0, 1), own.flatten())


class PatchHead(nn.Module):
    """(B, C, H, W) and S places of H W -> (B, S, 256) of unit length."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(channels, _COMPARED), nn.ReLU(), nn.Linear(_COMPARED, _COMPARED)
        )

    def forward(self, features: Tensor, places: Tensor) -> Tensor:
        chosen = features.flatten(2)[:, :, places].transpose(1, 2)
        return F.normalize(self.body(chosen), dim=2)


def _start_small(net: nn.Module) -> None:
    """Weights from a normal distribution of 0.02, as both papers have them."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
