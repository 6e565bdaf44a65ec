"""Neural vocoders of the class of HiFi-GAN: mel bands in, samples out, trained against critics.

A narrow generator after HiFi-GAN (Kong et al. 2020): up-sampling in a few steps, and after each a
mean of residual blocks of several receptive fields. Variants differ in rate, strides and in how
they go up, by transposed convolutions or by repetition.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets.speech_spectra import mel_filters
from unmask.datasets.speech_vocoder_nets import MELS, Up, step_up

_FFT = 1024  # samples of a mel frame's window
_TOP = 8000.0  # Hz: what HiFi-GAN is told of the spectrum ends there
_FLOOR = 1e-4  # of a mel magnitude, before the logarithm
_SLOPE = 0.1


@dataclass(frozen=True, kw_only=True)
class GanSpec:
    """A vocoder of this class."""

    family: str
    setting: str
    up: Up  # TRANSPOSED or NEAREST
    rate: int  # Hz at which it works; copies go there and back
    factors: tuple[int, ...]  # of up-sampling, from frames to samples
    width: int = 128  # channels at the slowest rate
    kernels: tuple[int, ...] = (3, 5, 7)  # of the residual blocks of a step
    dilations: tuple[tuple[int, ...], ...] = ((1, 2), (2, 6), (3, 12))  # of each block

    @property
    def name(self) -> str:
        return f"{self.family}-{self.setting}"

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return prod(self.factors)


_T, _N = Up.TRANSPOSED, Up.NEAREST
_SPECS = (
    GanSpec(family="gan-transposed", setting="22k", up=_T, rate=22_050, factors=(8, 8, 4)),
    GanSpec(family="gan-transposed", setting="16k", up=_T, rate=16_000, factors=(8, 5, 5)),
    GanSpec(family="gan-nearest", setting="24k", up=_N, rate=24_000, factors=(5, 5, 4, 3)),
    GanSpec(family="gan-nearest", setting="16k", up=_N, rate=16_000, factors=(5, 5, 4, 2)),
)
GANS: Mapping[str, GanSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})


class MelBands(nn.Module):
    """Waves (B, N) -> log mel magnitudes (B, 80, N / hop), N a multiple of hop."""

    filters: Tensor
    window: Tensor

    def __init__(self, rate: int, hop: int) -> None:
        super().__init__()
        self.hop = hop
        filters = torch.from_numpy(mel_filters(rate, _FFT, MELS, 0.0, _TOP).copy()).float()
        scaled = filters / filters.sum(1, keepdim=True).clamp(min=1e-6)
        self.register_buffer("filters", scaled, persistent=False)
        self.register_buffer("window", torch.hann_window(_FFT), persistent=False)

    def forward(self, waves: Tensor) -> Tensor:
        spectrum = torch.stft(waves, _FFT, self.hop, window=self.window, return_complex=True)
        size = torch.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-9)
        return torch.log(self.filters @ size[..., :-1] + _FLOOR)


class Branch(nn.Module):
    """A residual block of one receptive field (B, C, T)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2)
            for d in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = x + conv(F.leaky_relu(x, _SLOPE))
        return x


class Generator(nn.Module):
    """Mel bands (B, 80, T) -> waves (B, T * hop) in [-1, 1]."""

    def __init__(self, spec: GanSpec, branch: type[nn.Module] = Branch) -> None:
        """`branch` is made of channels, a kernel and its dilations."""
        super().__init__()
        self.spec = spec
        self.conv_pre = nn.Conv1d(MELS, spec.width, 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        width = spec.width
        for factor in spec.factors:
            steps = step_up(spec.up, factor, width, width // 2)
            # A single one stands for itself, as in HiFi-GAN's own weights.
            self.ups.append(steps[0] if len(steps) == 1 else nn.Sequential(*steps))
            width //= 2
            self.resblocks.extend(
                branch(width, kernel, dilations)
                for kernel, dilations in zip(spec.kernels, spec.dilations, strict=True)
            )
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_pre(x)
        fields = len(self.spec.kernels)
        for number, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, _SLOPE))
            blocks = self.resblocks[number * fields : (number + 1) * fields]
            x = torch.stack([block(x) for block in blocks]).mean(0)
        wave: Tensor = torch.tanh(self.conv_post(F.leaky_relu(x)))
        return wave[:, 0]


class GanVocoder(nn.Module):
    """Waves (B, N) at the spec's rate analysed and made again (B, N); N a multiple of the hop."""

    def __init__(self, spec: GanSpec) -> None:
        super().__init__()
        self.spec = spec
        self.mels = MelBands(spec.rate, spec.hop)
        self.own = Generator(spec)

    def forward(self, waves: Tensor) -> Tensor:
        made: Tensor = self.own(self.mels(waves))
        return made
