"""Sound as pictures that a convolutional GAN can make: log magnitude and instantaneous frequency.

The phase of a steady partial turns by the same angle from frame to frame, so that the angle is a
flat colour where the phase itself would be noise (Engel et al. 2019, "GANSynth: Adversarial neural
audio synthesis"). Nothing is guessed on the way back: the phase is summed up again and the frames
are overlapped, with no Griffin-Lim.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

_FLOOR = 1e-6  # of a magnitude, where a full-scale sine has 0.5
_DEEPEST = math.log(_FLOOR)
_LEAST_WINDOW = 1e-2  # below this overlap of windows the end of the sound is left to fade


class Scale(StrEnum):
    """How the bins of a picture lie on the frequency axis."""

    LINEAR = "linear"
    MEL = "mel"  # low frequencies wide; the way back is an interpolation, and loses


@dataclass(frozen=True, kw_only=True)
class Spectra:
    """From sound to pictures and back. A picture has `bins` rows, low first, and `frames` columns.

    Windows overlap by three quarters, the silence in front is as long as what overlaps, and the
    direct current is left out, so that rows and columns can be powers of two.
    """

    rate: int  # Hz
    bins: int  # a power of two; the Fourier transform has twice as many points
    frames: int
    scale: Scale = Scale.LINEAR

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return self.bins // 2

    @property
    def samples(self) -> int:
        """Of a sound that fills the picture."""
        return self.frames * self.hop

    @cached_property
    def window(self) -> Tensor:
        """(2 bins,) Hann, of sum 1."""
        hann = torch.hann_window(2 * self.bins, dtype=torch.float64)
        return hann / hann.sum()

    def analyse(self, sound: Tensor) -> Tensor:
        """(N, samples) in [-1, 1] -> (N, 2, bins, frames) in [-1, 1].

        Plane 0 is the log magnitude, -1 at -120 dB and 1 at full scale. Plane 1 is the phase's
        change since the frame before, in units of pi; in frame 0 the phase itself. Shorter sounds
        are filled with silence, longer ones cut.
        """
        short = self.samples - sound.shape[1]
        whole = F.pad(sound.double()[:, : self.samples], (2 * self.bins - self.hop, max(0, short)))
        parts = whole.unfold(1, 2 * self.bins, self.hop) * self.window  # (N, frames, 2 bins)
        spectrum = torch.fft.rfft(parts)[:, :, 1:].transpose(1, 2)  # (N, bins, frames)
        loudness = (spectrum.abs() + _FLOOR).log()
        phase = spectrum.angle()
        turn = torch.diff(phase, dim=2, prepend=torch.zeros_like(phase[:, :, :1]))
        if self.scale is Scale.MEL:
            loudness, turn = (_at(plane, self._mel) for plane in (loudness, wrapped(turn)))
        planes = torch.stack([1 - 2 * loudness / _DEEPEST, wrapped(turn) / math.pi], 1)
        return planes.clamp(-1, 1).float()

    def synthesise(self, pictures: Tensor) -> Tensor:
        """(N, 2, bins, frames) in [-1, 1] -> (N, samples); the inverse of `analyse`."""
        planes = pictures.double()
        loudness, turn = (1 - planes[:, 0]) / 2 * _DEEPEST, planes[:, 1] * math.pi
        if self.scale is Scale.MEL:
            loudness, turn = (_at(plane, self._linear) for plane in (loudness, turn))
        magnitude = (loudness.exp() - _FLOOR).clamp_min(0)
        spectrum = torch.polar(magnitude, turn.cumsum(2)).transpose(1, 2)
        parts = torch.fft.irfft(F.pad(spectrum, (1, 0))) * self.window  # (N, frames, 2 bins)
        sound = self._overlapped(parts) / self._overlap.clamp_min(_LEAST_WINDOW * self._peak)
        return sound[:, 2 * self.bins - self.hop :].float()

    def _overlapped(self, parts: Tensor) -> Tensor:
        """(N, frames, 2 bins) -> (N, samples and the silence in front)."""
        length = (self.frames - 1) * self.hop + 2 * self.bins
        return F.fold(
            parts.transpose(1, 2), (1, length), kernel_size=(1, 2 * self.bins), stride=(1, self.hop)
        )[:, 0, 0]

    @cached_property
    def _overlap(self) -> Tensor:
        return self._overlapped(self.window.square().expand(1, self.frames, -1))[0]

    @property
    def _peak(self) -> float:
        return float(self._overlap.max())

    @cached_property
    def _mel(self) -> Tensor:
        """(bins,) places of the mel rows among the linear ones."""
        top = _mels(torch.tensor(self.rate / 2, dtype=torch.float64))
        mels = torch.arange(1, self.bins + 1, dtype=torch.float64) / self.bins * top
        return _hertz(mels) / (self.rate / 2) * self.bins - 1

    @cached_property
    def _linear(self) -> Tensor:
        """(bins,) places of the linear rows among the mel ones."""
        hertz = torch.arange(1, self.bins + 1, dtype=torch.float64) / self.bins * self.rate / 2
        top = _mels(torch.tensor(self.rate / 2, dtype=torch.float64))
        return _mels(hertz) / top * self.bins - 1


def wrapped(angle: Tensor) -> Tensor:
    """The same direction in [-pi, pi)."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi


def _at(plane: Tensor, places: Tensor) -> Tensor:
    """(N, bins, frames) interpolated between its rows."""
    at = places.to(plane.device).clamp(0, plane.shape[1] - 1)
    low = at.floor().long()
    high = (low + 1).clamp_max(plane.shape[1] - 1)
    return torch.lerp(plane[:, low], plane[:, high], (at - low)[None, :, None].expand_as(plane))


def _mels(hertz: Tensor) -> Tensor:
    return 1127 * torch.log1p(hertz / 700)


def _hertz(mels: Tensor) -> Tensor:
    return 700 * torch.expm1(mels / 1127)
