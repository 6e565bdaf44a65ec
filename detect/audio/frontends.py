"""What a network or a mixture sees of a recording: time-frequency pictures of its waveform.

Every front end is a pure function of mono sound at 16 kHz, (B, N) float32, and gives (B, F, T)
float32: F rows from low to high, T frames. Sound is brought to one level first, and what lies 60 dB
below it is the floor: how silent silence is says more of a file's history than of a voice.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

RATE = 16_000  # Hz
HOP = 240  # samples between two frames: 15 ms
FLOOR = 1e-6  # of the power of the loud parts: -60 dB
_LEVEL_FRAME = 320  # samples: 20 ms
_LOUD = 0.9  # quantile of the frames' power that counts as the level


def levelled(wave: Tensor) -> Tensor:
    """(B, N) scaled so that its loud frames have mean power 1; silence stays silence."""
    frames = wave[:, : wave.shape[1] // _LEVEL_FRAME * _LEVEL_FRAME]
    if not frames.shape[1]:
        return wave
    power = frames.reshape(len(wave), -1, _LEVEL_FRAME).square().mean(2)
    loud = torch.quantile(power, _LOUD, dim=1, keepdim=True)
    return wave / torch.sqrt(torch.where(loud > 1e-12, loud, torch.ones_like(loud)))


def power_spectrum(wave: Tensor, *, window: int, hop: int, n_fft: int) -> Tensor:
    """(B, N) -> (B, n_fft / 2 + 1, N // hop + 1): power of Hann-windowed frames around each hop.

    Scaled by the window's energy, so that white noise of variance v has v in every bin.
    """
    shape = _hann(window, str(wave.device))
    spectrum = torch.stft(
        wave, n_fft, hop, window, shape, center=True, pad_mode="constant", return_complex=True
    )
    power: Tensor = (spectrum.real.square() + spectrum.imag.square()) / shape.square().sum()
    return power


def log_power(power: Tensor) -> Tensor:
    """Natural logarithm over the floor: 0 there, about 14 at the level of the loud parts."""
    return torch.log(power + FLOOR) - math.log(FLOOR)


def linear_filters(count: int, n_fft: int) -> Tensor:
    """(count, n_fft / 2 + 1) overlapping triangles of equal width from 0 to 8 kHz."""
    edges = torch.linspace(0, RATE / 2, count + 2, dtype=torch.float64)
    return _triangles(edges, n_fft)


def log_filters(per_octave: int, lowest: float, n_fft: int) -> Tensor:
    """(count, n_fft / 2 + 1) triangles a constant ratio apart, from `lowest` Hz to 8 kHz."""
    count = int(per_octave * math.log2(RATE / 2 / lowest))
    steps = torch.arange(-1, count + 1, dtype=torch.float64)
    return _triangles(lowest * 2 ** (steps / per_octave), n_fft)


def _triangles(edges: Tensor, n_fft: int) -> Tensor:
    """Triangles of area 1 that rise from edge i to i + 1 and fall to i + 2.

    One that is narrower than a bin reads the line between its two neighbouring bins.
    """
    step = RATE / n_fft
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * step
    low, top, high = (edges[i : len(edges) - 2 + i, None] for i in range(3))
    low, high = torch.minimum(low, top - step), torch.maximum(high, top + step)
    rising, falling = (bins - low) / (top - low), (high - bins) / (high - top)
    shape = torch.minimum(rising, falling).clamp_min(0)
    return (shape / shape.sum(1, keepdim=True)).float()


def dct_matrix(kept: int, size: int) -> Tensor:
    """(kept, size) orthonormal DCT-II."""
    k, n = torch.arange(kept).double()[:, None], torch.arange(size).double()
    matrix = torch.cos(math.pi / size * (n + 0.5) * k) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def deltas(features: Tensor, reach: int = 2) -> Tensor:
    """(B, F, T) slope over time by regression over `reach` frames to each side (Furui 1986)."""
    padded = F.pad(features, (reach, reach), mode="replicate")
    length = features.shape[2]
    total = torch.zeros_like(features)
    for n in range(1, reach + 1):
        ahead, behind = (padded[:, :, reach + s * n : reach + s * n + length] for s in (1, -1))
        total += n * (ahead - behind)
    return total / (2 * sum(n * n for n in range(1, reach + 1)))


def lfcc(wave: Tensor) -> Tensor:
    """Linear frequency cepstral coefficients, (B, 60, T): 20, their slopes, and theirs in turn.

    30 ms windows each 15 ms, 1,024 points, 70 filters: the baseline of ASVspoof 2021 (Sahidullah
    et al. 2015, "A comparison of features for synthetic speech detection").
    """
    power = power_spectrum(levelled(wave), window=480, hop=HOP, n_fft=1024)
    bands = log_power(_filters("linear", str(wave.device)) @ power)
    static = dct_matrix(20, bands.shape[1]).to(wave.device) @ bands
    slope = deltas(static)
    return torch.cat([static, slope, deltas(slope)], 1)


def log_linear(wave: Tensor) -> Tensor:
    """Log power in 80 bands of equal width, (B, 80, T): 25 ms windows each 15 ms.

    High bands keep the detail that mel bands merge, where vocoders err most.
    """
    power = power_spectrum(levelled(wave), window=400, hop=HOP, n_fft=512)
    return log_power(_filters("bands", str(wave.device)) @ power)


def constant_q(wave: Tensor) -> Tensor:
    """Log power in bands of nearly constant Q, (B, 75, T), each 15 ms: 12 an octave from 100 Hz.

    Windows of 128 ms below 600 Hz, 64 ms below 2.4 kHz and 32 ms above, in place of one for each
    band (Brown 1991; Todisco et al. 2017, "Constant Q cepstral coefficients").
    """
    level = levelled(wave)
    parts, device = [], str(wave.device)
    for window, (low, high) in _RANGES.items():
        power = power_spectrum(level, window=window, hop=HOP, n_fft=window)
        parts.append(_octave_filters(window, low, high, device) @ power)
    return log_power(torch.cat(parts, 1))


def fine_structure(wave: Tensor) -> Tensor:
    """What the envelope leaves of the spectrum, (B, 128, T): each bin of 31 Hz, 0.5 to 4.5 kHz.

    Log power less its own mean over 250 Hz to each side, 32 ms windows each 15 ms. A vocoder is
    told the envelope and gets it right; harmonics and the grain of noise it has to make up. Both
    lie below what telephones cut.
    """
    power = power_spectrum(levelled(wave), window=512, hop=HOP, n_fft=512)
    log = log_power(power)
    reach = _ENVELOPE // 2
    # (B, F, T): the mean over frequencies of each frame
    mean = F.avg_pool1d(log.transpose(1, 2), _ENVELOPE, 1, reach, count_include_pad=False)
    return (log - mean.transpose(1, 2))[:, _FINE]


def complex_spectrum(wave: Tensor) -> Tensor:
    """Real and imaginary parts of 161 bins in turn, (B, 322, N // 160 + 1), each 10 ms.

    Magnitudes are compressed to their power of 0.3 (20 ms windows); what lies under the floor is
    not raised. The level is about that of speech whose peak is 1.
    """
    level = levelled(wave) * _PEAKED
    shape = _hann(320, str(wave.device))
    spectrum = torch.stft(level, 320, 160, window=shape, return_complex=True, pad_mode="constant")
    parts = torch.view_as_real(spectrum)
    floor = FLOOR * _PEAKED**2 * shape.square().sum()
    compressed = parts * (parts.square().sum(-1, keepdim=True) + floor) ** -0.35
    return compressed.transpose(2, 3).flatten(1, 2)


_PEAKED = 0.2  # mean of loud frames where peaks reach 1
_ENVELOPE = 17  # bins of 31.25 Hz
_FINE = slice(16, 144)
_LOWEST, _PER_OCTAVE = 100.0, 12
_RANGES = {2048: (0.0, 600.0), 1024: (600.0, 2400.0), 512: (2400.0, RATE / 2)}  # window: Hz


@cache
def _hann(window: int, device: str) -> Tensor:
    return torch.hann_window(window, device=device)


@cache
def _filters(name: str, device: str) -> Tensor:
    wanted = {"linear": (70, 1024), "bands": (80, 512)}[name]
    return linear_filters(*wanted).to(device)


@cache
def _octave_filters(window: int, low: float, high: float, device: str) -> Tensor:
    """The filters whose tops lie in [low, high) Hz."""
    filters = log_filters(_PER_OCTAVE, _LOWEST, window)
    tops = _LOWEST * 2 ** (torch.arange(len(filters)) / _PER_OCTAVE)
    return filters[(tops >= low) & (tops < high)].to(device)


@dataclass(frozen=True, kw_only=True)
class FrontEnd:
    """A front end, and what a network must know of its pictures."""

    name: str
    features: Callable[[Tensor], Tensor]  # (B, N) -> (B, rows, N // hop + 1)
    rows: int
    hop: int = HOP  # samples between two frames


FRONT_ENDS = {
    front.name: front
    for front in (
        FrontEnd(name="lfcc", features=lfcc, rows=60),
        FrontEnd(name="linear", features=log_linear, rows=80),
        FrontEnd(name="constant_q", features=constant_q, rows=75),
        FrontEnd(name="fine", features=fine_structure, rows=128),
        FrontEnd(name="complex", features=complex_spectrum, rows=322, hop=160),
    )
}
