"""The networks of GANSynth: a generator that is told the harmonics of its pitch, and its critic."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.generate.audio.spectra import Spectra, wrapped
from unmask.generate.objectives import minibatch_deviation

DOUBLINGS = 5
BANDS = 2  # doublings of the generator's rows: from there on they are bands of eight bins
LOUDEST = -0.5  # log magnitude
_RANGE = -math.log(1e-6)  # of log magnitudes, as `Spectra` has it
_DRIFT = 0.05  # of pi, of a partial's turn from frame to frame
_DEEPEST_LOBE = 1e-5


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


@dataclass(frozen=True, kw_only=True)
class Harmonics:
    """Where a steady note has its partials, on the bins of `Spectra`; each (pitches, bins)."""

    lobe: Tensor  # log magnitude of the nearest partial's window there, 0 at its top
    turn: Tensor  # of that partial's phase from frame to frame, in units of pi
    start: Tensor  # its phase in the first frame, in units of pi


def harmonics(size: NoteSize) -> Harmonics:
    """Of every pitch of the generator."""
    spectra = size.spectra
    if spectra.scale != "linear":
        raise ValueError("harmonics are laid out on linear bins")
    bins = torch.arange(1, spectra.bins + 1, dtype=torch.float64)
    width = spectra.rate / 2 / spectra.bins  # Hz
    pitch = torch.arange(size.lowest, size.highest + 1)
    base = (440 * 2 ** ((pitch - 69) / 12))[:, None]
    partial = (bins * width / base).round().clamp_min(1) * base  # Hz
    away = bins - partial / width
    # The transform of a Hann window; between two of its zeros the sign changes, which nobody hears.
    lobe = (torch.sinc(away) / (1 - away.square())).abs()
    lobe = torch.where((away.abs() - 1).abs() < 1e-6, 0.5, lobe).clamp_min(_DEEPEST_LOBE)
    return Harmonics(
        lobe=lobe.log().float(),
        turn=(wrapped(2 * torch.pi * partial * spectra.hop / spectra.rate) / torch.pi).float(),
        # A partial in the middle of its window: neighbouring bins are half a turn apart.
        start=(wrapped(-torch.pi * away) / torch.pi).float(),
    )


class NoteGenerator(nn.Module):
    """(N, z) noise and (N,) pitches from 0 -> (N, 2, bins, frames): partials and filtered noise.

    As in DDSP (Engel et al. 2020), the network says how loud the partials of the asked pitch and a
    noise are, in bands and from frame to frame, and how far the partials drift. It cannot play out
    of tune, and learns timbre alone. Nearest neighbours, then convolutions; the maps are stretched
    to the bins linearly.
    """

    lobe: Tensor
    turn: Tensor
    start: Tensor
    hiss: Tensor

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
        self.last = nn.Conv2d(channels[-1], channels[-1], 3, padding=1)
        self.leave = nn.Conv2d(channels[-1], 4, 1)
        known = harmonics(size)
        for name in ("lobe", "turn", "start"):
            self.register_buffer(name, getattr(known, name), persistent=False)
        rng = torch.Generator().manual_seed(0)
        shape = (2, size.spectra.bins, size.spectra.frames)
        grain = torch.complex(*torch.randn(shape, generator=rng).unbind(0))
        hiss = torch.stack([grain.abs().clamp_min(1e-3).log(), grain.angle() / torch.pi])
        self.register_buffer("hiss", hiss, persistent=False)  # of noise: log magnitude, turn

    def forward(self, noise: Tensor, pitches: Tensor) -> Tensor:
        known = F.normalize(self.pitches(pitches), dim=1) * self.size.z**0.5
        x = self.enter(torch.cat([_even(noise), known], 1))
        x = self.first(_bent(x.view(len(x), -1, self.rows, self.columns)))
        for i, convolution in enumerate(self.convolutions):
            x = convolution(F.interpolate(_bent(x), scale_factor=(2.0 if i < BANDS else 1.0, 2.0)))
        maps = self.leave(_bent(self.last(_bent(x))))
        maps = F.interpolate(maps, self.hiss.shape[1:], mode="bilinear")
        return self._joined(maps, noise, pitches)

    def _joined(self, maps: Tensor, noise: Tensor, pitches: Tensor) -> Tensor:
        """(N, 4, bins, frames) of the network -> loudness and turn as `Spectra` has them."""
        tones, floor, drift, grain = maps.unbind(1)
        hiss, twist = self._hiss(noise).unbind(1)
        tones = LOUDEST - _RANGE * torch.sigmoid(-tones) + self.lobe[pitches][..., None]
        floor = LOUDEST - _RANGE * torch.sigmoid(-floor) + torch.sigmoid(grain) * hiss
        loudness = torch.logaddexp(tones, floor).clamp(-_RANGE, 0)
        turn = self.turn[pitches][..., None] + _DRIFT * torch.tanh(drift)
        turn = torch.cat([self.start[pitches][..., None], turn[:, :, 1:]], 2)
        share = torch.sigmoid(2 * (tones - floor))  # of the partials' phase
        x, y = (
            share * f(torch.pi * turn) + (1 - share) * f(torch.pi * twist)
            for f in (torch.cos, torch.sin)
        )
        return torch.stack([1 + 2 * loudness / _RANGE, torch.atan2(y, x + 1e-8) / torch.pi], 1)

    def _hiss(self, noise: Tensor) -> Tensor:
        """(N, 2, bins, frames): one noise, begun elsewhere for each note."""
        _, bins, frames = self.hiss.shape
        start = (noise[:, :2].double().abs() * 1e4).long()
        row = (torch.arange(bins, device=noise.device) + start[:, :1]) % bins
        column = (torch.arange(frames, device=noise.device) + start[:, 1:]) % frames
        found = self.hiss[:, row[:, :, None], column[:, None, :]]  # (2, N, bins, frames)
        return found.transpose(0, 1)


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
