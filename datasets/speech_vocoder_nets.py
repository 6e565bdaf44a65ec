"""Small neural vocoders that differ in how a slow sequence becomes a fast one.

Two inputs: 80 mel bands (as HiFi-GAN, Kong et al. 2020), or the wave itself through a narrow
bottleneck (as SoundStream, Zeghidour et al. 2021). Three ways up: transposed convolutions,
repetition with convolutions (Pons et al. 2021), and none, where an inverse STFT makes the wave from
frames (Vocos, Siuzdak 2023). Their traces are what a detector is to know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets.speech_signal import RATE
from unmask.datasets.speech_spectra import mel_filters

MELS = 80
GAIN = 4.0  # a corpus is at -30 dB of full scale; the nets work at -18
_FFT, _HOP = 640, 160  # samples: 40 ms, 10 ms
_FLOOR = 1e-4  # of a mel magnitude, before the logarithm


class Up(StrEnum):
    """How a net goes from frames to samples."""

    TRANSPOSED = "transposed"
    NEAREST = "nearest"
    ISTFT = "istft"


@dataclass(frozen=True, kw_only=True)
class NeuralSpec:
    """A neural vocoder."""

    up: Up
    mel: bool  # input: mel bands; else the wave through a bottleneck
    factors: tuple[int, ...]  # of up-sampling, from frames to samples; with ISTFT: to its frames
    width: int  # channels at the slowest rate

    @property
    def family(self) -> str:
        return f"neural-{self.up}"

    @property
    def setting(self) -> str:
        return "mel" if self.mel else "wave"

    @property
    def name(self) -> str:
        return f"{self.family}-{self.setting}"


NEURAL: Mapping[str, NeuralSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            NeuralSpec(up=Up.TRANSPOSED, mel=True, factors=(5, 4, 4, 2), width=128),
            NeuralSpec(up=Up.TRANSPOSED, mel=False, factors=(4, 4, 2), width=64),
            NeuralSpec(up=Up.NEAREST, mel=True, factors=(5, 4, 4, 2), width=128),
            NeuralSpec(up=Up.ISTFT, mel=True, factors=(), width=160),
        )
    }
)


class LogMel(nn.Module):
    """Waves (B, N) -> log mel magnitudes (B, 80, N / 160), N a multiple of 160."""

    filters: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        filters = torch.from_numpy(mel_filters(RATE, _FFT, MELS, 20.0, RATE / 2).copy()).float()
        self.register_buffer("filters", filters / filters.sum(1, keepdim=True), persistent=False)
        self.register_buffer("window", torch.hann_window(_FFT), persistent=False)

    def forward(self, waves: Tensor) -> Tensor:
        spectrum = torch.stft(waves, _FFT, _HOP, window=self.window, return_complex=True)
        return torch.log(self.filters @ spectrum.abs()[..., :-1] + _FLOOR)


class Residual(nn.Module):
    """Dilated convolutions around a shortcut (B, C, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, padding=d, dilation=d) for d in (1, 3, 9)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + layer(F.leaky_relu(x, 0.1))
        return x


def step_up(up: Up, factor: int, wide: int, narrow: int) -> list[nn.Module]:
    """(B, wide, T) -> (B, narrow, T * factor)."""
    if up is Up.NEAREST:
        return [
            nn.Upsample(scale_factor=factor, mode="nearest"),
            nn.Conv1d(wide, narrow, 2 * (factor // 2) + 1, padding=factor // 2),
        ]
    return [
        nn.ConvTranspose1d(
            wide,
            narrow,
            2 * factor,
            stride=factor,
            padding=(factor + 1) // 2,
            output_padding=factor % 2,
        )
    ]


class Climb(nn.Module):
    """(B, C, T) -> (B, T * product of the factors), halving the channels at every step."""

    def __init__(self, spec: NeuralSpec) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = spec.width
        for factor in spec.factors:
            narrow = max(16, width // 2)
            layers.append(nn.LeakyReLU(0.1))
            layers += step_up(spec.up, factor, width, narrow)
            layers.append(Residual(narrow))
            width = narrow
        layers += [nn.LeakyReLU(0.1), nn.Conv1d(width, 1, 7, padding=3)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        wave: Tensor = self.layers(x)
        return torch.tanh(wave[:, 0])


class InverseStft(nn.Module):
    """(B, C, T) -> (B, T * 160): magnitudes and phases of frames, and their inverse STFT."""

    window: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*(Residual(width) for _ in range(3)))
        self.head = nn.Conv1d(width, 2 * (_FFT // 2 + 1), 1)
        self.register_buffer("window", torch.hann_window(_FFT), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        size, angle = self.head(self.body(x)).chunk(2, dim=1)
        spectrum = torch.polar(torch.exp(size.clamp(max=6.0)), angle)
        # One frame more than there is: the inverse takes half a window off at each end.
        spectrum = torch.cat([spectrum, spectrum[..., -1:]], dim=-1)
        wave: Tensor = torch.istft(spectrum, _FFT, _HOP, window=self.window)
        return wave


class NeuralVocoder(nn.Module):
    """Waves (B, N) in [-1, 1] analysed and made again (B, N); N a multiple of `step`."""

    def __init__(self, spec: NeuralSpec) -> None:
        super().__init__()
        self.spec = spec
        self.step = _HOP
        if spec.mel:
            self.analysis: nn.Module = nn.Sequential(
                LogMel(), nn.Conv1d(MELS, spec.width, 5, padding=2), Residual(spec.width)
            )
        else:
            self.analysis = _bottleneck(spec)
        self.synthesis = InverseStft(spec.width) if spec.up is Up.ISTFT else Climb(spec)

    def forward(self, waves: Tensor) -> Tensor:
        made: Tensor = self.synthesis(self.analysis(waves if self.spec.mel else waves[:, None]))
        return made


class Noisy(nn.Module):
    """A code in [-1, 1] with the noise of a quantiser, in training and after."""

    def forward(self, code: Tensor) -> Tensor:
        levels = 16.0
        bounded = torch.tanh(code)
        if self.training:
            return bounded + (torch.rand_like(bounded) - 0.5) / levels
        return torch.round(bounded * levels) / levels


def _bottleneck(spec: NeuralSpec) -> nn.Module:
    """(B, 1, N) -> (B, width, N / product of the factors), through 12 quantised channels."""
    layers: list[nn.Module] = [nn.Conv1d(1, 16, 7, padding=3)]
    width = 16
    for factor in reversed(spec.factors):
        wide = min(spec.width, width * 2)
        layers += [
            nn.LeakyReLU(0.1),
            nn.Conv1d(width, wide, 2 * factor + 1, stride=factor, padding=factor),
        ]
        width = wide
    layers += [nn.LeakyReLU(0.1), nn.Conv1d(width, 12, 3, padding=1), Noisy()]
    layers += [nn.Conv1d(12, spec.width, 3, padding=1), Residual(spec.width)]
    return nn.Sequential(*layers)
