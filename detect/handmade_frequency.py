"""Hand-made features of frequency: spectra of the grain, lattices, cosine coefficients.

Logarithms are of base 10. Levels stand apart from shapes, so that contrast moves one column.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, rfft2
from scipy.ndimage import uniform_filter

from unmask.detect.handmade_tiles import Planes, Tiles

Floats = NDArray[np.float64]
_EPS = 1e-2  # of power: far below the rounding of pixels
_RINGS = 22  # of 1/32 cycle a pixel, out to 0.69 in the corners
_NAMES = ("luma", "rg", "bg")


@cache
def _window(side: int) -> Planes:
    hann = np.hanning(side)
    return np.asarray(np.outer(hann, hann), dtype=np.float32)


@cache
def _ring(side: int) -> NDArray[np.intp]:
    """Number of the ring of each bin of a half spectrum; 0 is left out."""
    v, u = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    ring = np.hypot(u, v) * 32
    # The axes carry borders and the JPEG grid.
    return np.where((u == 0) | (v == 0), 0, ring.round()).astype(np.intp)


@cache
def _lattice(side: int) -> dict[str, tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Bins (v, u) of a half spectrum at multiples of 1/8, by what makes power there."""
    kinds: dict[str, list[tuple[int, int]]] = {}
    for v in range(-4, 4):
        for u in range(5):
            size = sorted((abs(v), abs(u)))
            if size == [0, 0] or (u == 0 and v > 0):
                continue
            if any(n % 2 for n in size):
                kind = "off_eighths" if size[0] else "axis_eighths"
            else:
                kind = f"{size[0]}_{size[1]}"  # eighths: 4_4 is a checkerboard
            kinds.setdefault(kind, []).append((v * side // 8, u * side // 8))
    return {k: (np.array(b)[:, 0], np.array(b)[:, 1]) for k, b in kinds.items()}


def spectral(tiles: Tiles) -> dict[str, float]:
    """Mean power of the median residual by ring (Durall et al. 2020), and its lattice peaks.

    Peaks are log power above its surroundings at multiples of 1/8 cycle a pixel, which up-sampling
    by 2, 4, 8 leaves (Zhang et al. 2019); `grain` is of the residual's magnitude, whose period
    shows interpolation too (Gallagher 2005).
    """
    planes = tiles.opponent
    grain = np.abs(planes[0])
    planes = np.concatenate([planes, (grain - grain.mean((1, 2), keepdims=True))[None]])
    side = planes.shape[-1]
    power = (np.abs(rfft2(planes * _window(side))) ** 2).mean(1).astype(np.float64) + _EPS
    ring = _ring(side).ravel()
    counts = np.bincount(ring, minlength=_RINGS + 1)[1 : _RINGS + 1]
    found: dict[str, float] = {}
    for name, spectrum in zip((*_NAMES, "grain"), power, strict=True):
        if name != "grain":
            sums = np.bincount(ring, spectrum.ravel(), _RINGS + 1)[1 : _RINGS + 1]
            found |= _shape(f"ring.{name}", np.log10(sums / counts))
        log = np.log10(spectrum)
        excess = log - uniform_filter(log, 9, mode=("wrap", "mirror"))
        for kind, bins in _lattice(side).items():
            found[f"lattice.{name}.{kind}"] = float(excess[bins].mean())
    return found


def _shape(name: str, logs: Floats) -> dict[str, float]:
    """A level, and what is left of each value."""
    level = float(logs.mean())
    return {f"{name}.level": level} | {
        f"{name}.{i}": float(value) - level for i, value in enumerate(logs.ravel())
    }


@cache
def _diagonal() -> NDArray[np.intp]:
    """u + v of each coefficient of an 8 x 8 block."""
    return np.add.outer(np.arange(8), np.arange(8)).astype(np.intp)


def cosine(tiles: Tiles) -> dict[str, float]:
    """Energy of cosine coefficients by frequency (Frank et al. 2020).

    `block` is of 8 x 8 blocks on the picture's own grid, whole for luma and by u + v for chroma;
    `peaked` is energy above that of as large a mean magnitude; `whole` is of 8 x 8 cells of the
    transform of a whole tile.
    """
    count, side = tiles.luma.shape[:2]
    planes = np.concatenate([tiles.luma[None], tiles.chroma])
    blocks = planes.reshape(3, count, side // 8, 8, side // 8, 8)
    coefficients = dctn(blocks, axes=(3, 5), norm="ortho")
    energy = (coefficients**2).mean((1, 2, 4)).astype(np.float64)
    magnitude = np.abs(coefficients).mean((1, 2, 4)).astype(np.float64)
    logs = np.log10(energy + _EPS)
    peaked = logs[0] - np.log10(magnitude[0] ** 2 + _EPS)
    diagonal = _diagonal()
    found = _shape("block.luma", logs[0].ravel()[1:])
    for name, log in zip(_NAMES[1:], logs[1:], strict=True):
        found |= _shape(f"block.{name}", _by_diagonal(log, diagonal))
    for i, value in enumerate(_by_diagonal(peaked, diagonal)):
        found[f"peaked.luma.{i}"] = float(value)
    whole = dctn(tiles.luma, axes=(1, 2), norm="ortho")
    mean = np.log10((whole**2).mean(0).astype(np.float64) + _EPS)
    return found | _shape("whole.luma", mean.reshape(8, side // 8, 8, side // 8).mean((1, 3)))


def _by_diagonal(values: Floats, diagonal: NDArray[np.intp]) -> Floats:
    """Means over u + v = 1 to 14."""
    sums = np.bincount(diagonal.ravel(), values.ravel())
    return np.asarray((sums / np.bincount(diagonal.ravel()))[1:])
