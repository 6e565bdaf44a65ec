"""The networks of GANSynth: a generator that is told the harmonics of its pitch, and its critic."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.generate.audio.spectra import Spectra, wrapped
from unmask.generate.objectives import minibatch_deviation

DOUBLINGS = 5


@dataclass(frozen=True, kw_only=True)
class NoteSize:
    """How long and how rich the notes are, and how large the networks."""

    spectra: Spectra
    lowest: int  # MIDI pitch
    highest: int  # inclusive
    width: int  # channels at full resolution
    most: int  # channels at the lowest
    z: int = 128  # values of noise

    @property
    def pitches(self) -> int:
        """How many there are."""
        return self.highest - self.lowest + 1

    @property
    def channels(self) -> tuple[int, ...]:
        """From the lowest resolution to the full one."""
        return tuple(min(self.width << (DOUBLINGS - i), self.most) for i in range(DOUBLINGS + 1))


def harmonics(size: NoteSize) -> Tensor:
    """(pitches, 2, bins): how near a bin is to a harmonic, 0 to 1, and how that one's phase turns.

    The turn is from frame to frame, in units of pi, as `Spectra` has it.
    """
    spectra = size.spectra
    hertz = torch.arange(1, spectra.bins + 1) / spectra.bins * spectra.rate / 2
    if spectra.scale != "linear":
        raise ValueError("harmonics are laid out on linear bins")
    pitch = torch.arange(size.lowest, size.highest + 1)
    base = (440 * 2 ** ((pitch - 69) / 12))[:, None]
    nearest = (hertz / base).round().clamp_min(1) * base
    away = (hertz - nearest).abs() / (spectra.rate / 2 / spectra.bins)  # in bins
    turn = wrapped(2 * torch.pi * nearest * spectra.hop / spectra.rate) / torch.pi
    return torch.stack([torch.exp(-away.square()), turn], 1)


class NoteGenerator(nn.Module):
    """(N, z) noise and (N,) pitches from 0 -> (N, 2, bins, frames); nearest, then convolution."""

    comb: Tensor

    def __init__(self, size: NoteSize) -> None:
        super().__init__()
        self.size = size
        channels = size.channels
        self.rows, self.columns = size.spectra.bins >> DOUBLINGS, size.spectra.frames >> DOUBLINGS
        self.pitches = nn.Embedding(size.pitches, size.z)
        self.enter = nn.Linear(2 * size.z, channels[0] * self.rows * self.columns)
        self.first = nn.Conv2d(channels[0], channels[0], 3, padding=1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(channels)
        )
        self.told = nn.ModuleList(nn.Conv2d(2, b, 1, bias=False) for b in channels[1:])
        self.last = nn.Conv2d(channels[-1], channels[-1], 3, padding=1)
        self.leave = nn.Conv2d(channels[-1], 2, 1)
        self.register_buffer("comb", harmonics(size))

    def forward(self, noise: Tensor, pitches: Tensor) -> Tensor:
        known = F.normalize(self.pitches(pitches), dim=1) * self.size.z**0.5
        x = self.enter(torch.cat([_even(noise), known], 1))
        x = self.first(_bent(x.view(len(x), -1, self.rows, self.columns)))
        comb = self.comb[pitches]  # (N, 2, bins)
        for convolution, told in zip(self.convolutions, self.told, strict=True):
            x = convolution(F.interpolate(_bent(x), scale_factor=2.0))
            x = x + told(F.adaptive_max_pool1d(comb, x.shape[2])[..., None])
        loudness, turn = self.leave(_bent(self.last(_bent(x)))).unbind(1)
        # Steady unless it says otherwise; +1 and -1 are the same direction.
        turn = wrapped(torch.pi * (comb[:, 1, :, None] + turn)) / torch.pi
        return torch.stack([torch.tanh(loudness), turn], 1)


class NoteCritic(nn.Module):
    """(N, 2, bins, frames) -> (N,) real or fake, and (N, pitches) logits of the pitch it hears."""

    def __init__(self, size: NoteSize) -> None:
        super().__init__()
        channels = size.channels[::-1]
        self.enter = nn.Conv2d(3, channels[0], 3, padding=1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(channels)
        )
        self.last = nn.Conv2d(channels[-1] + 1, channels[-1], 3, padding=1)
        rest = (size.spectra.bins >> DOUBLINGS) * (size.spectra.frames >> DOUBLINGS)
        self.dense = nn.Linear(channels[-1] * rest, channels[-1])
        self.leave = nn.Linear(channels[-1], 1)
        self.pitch = nn.Linear(channels[-1], size.pitches)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        loudness, turn = pictures.unbind(1)
        # A direction as a point on the circle: its two ends meet.
        x = torch.stack([loudness, (torch.pi * turn).cos(), (torch.pi * turn).sin()], 1)
        x = self.enter(x)
        for convolution in self.convolutions:
            x = F.avg_pool2d(convolution(F.leaky_relu(x, 0.2)), 2)
        x = F.leaky_relu(self.last(minibatch_deviation(F.leaky_relu(x, 0.2))), 0.2)
        found = F.leaky_relu(self.dense(x.flatten(1)), 0.2)
        return self.leave(found)[:, 0], self.pitch(found)


def _bent(x: Tensor) -> Tensor:
    """Leaky rectifier, then every place's features at length one (Karras et al. 2018)."""
    return _even(F.leaky_relu(x, 0.2))


def _even(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
