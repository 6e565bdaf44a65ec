"""Frequencies: the fall of power towards fine detail, and the peaks that upsampling leaves."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.evidence import Finding, Kind, NotApplicable, Plot
from unmask.forensics.planes import Plane, flat, gray
from unmask.media import Media
from unmask.registry import analyser

_TILES = 144  # at most, spread over the picture
_SLOW = 0.06  # cycles a pixel: below, the spectrum holds the picture itself
_SHOWN = 5.0
# Chosen in view of 105 photographs (1 at or above), 200 FFHQ faces (0) and 40 Stable Diffusion 3
# portraits saved at JPEG 90 (27). Of files kept apart, 0 of 105 photographs (Clopper-Pearson 95 %:
# 0-3.5 %) and 0 of 350 FFHQ faces (0-1.0 %) reach it; no other portraits were left to test.
_LATTICE = 0.8
_FIT = (0.03, 0.25)  # cycles a pixel: where photographs follow a power law best


@dataclass(frozen=True, kw_only=True)
class Peak:
    """A narrow excess of power at one frequency pair."""

    x: float  # cycles a pixel, 0 to 0.5
    y: float  # -0.5 to 0.5
    z: float  # robust standard deviations above its surroundings
    lattice: bool  # both are multiples of 1/8, as of JPEG blocks and of upsampling by 2, 4, 8


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Mean power by radius, and the power law that the middle of it follows."""

    frequency: NDArray[np.float64]  # cycles a pixel, 0 < f <= 0.5
    power: NDArray[np.float64]  # log10
    expected: NDArray[np.float64]  # log10, by the law
    exponent: float  # of the law: about -2 in photographs
    excess: float  # mean log10 above the law over 0.35-0.5 cycles; negative: too little detail


def tile_side(height: int, width: int) -> int:
    """256, 128 or 64: the largest that fits at least twice into the shorter side; 0 if none."""
    return next((n for n in (256, 128, 64) if min(height, width) >= 2 * n), 0)


def mean_spectra(
    luma: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(H, W) uint8 to two (side, side) mean power spectra, zero centred, of half-overlapping
    tiles: of the picture itself, and of its residual.
    """
    height, width = luma.shape
    corners = [
        (y, x)
        for y in range(0, height - side + 1, side // 2)
        for x in range(0, width - side + 1, side // 2)
    ]
    chosen = np.linspace(0, len(corners) - 1, min(_TILES, len(corners))).round().astype(int)
    window = np.outer(np.hanning(side), np.hanning(side))
    total = np.zeros((2, side, side))
    for i in chosen:
        y, x = corners[i]
        tile = luma[y : y + side, x : x + side]
        for k, plane in enumerate((tile.astype(np.float32), residual(tile))):
            total[k] += np.abs(np.fft.fft2((plane - plane.mean()) * window)) ** 2
    raw, rest = np.fft.fftshift(total / len(chosen), axes=(1, 2))
    return raw, rest


def residual(luma: NDArray[np.uint8]) -> Plane:
    """What a 3 x 3 median takes away: grain and fine periodic traces, few edges."""
    fine = luma.astype(np.float32) - cv2.medianBlur(np.ascontiguousarray(luma), 3)
    # An edge must not drown the grain of a tile.
    return np.asarray(np.clip(fine, -12, 12), dtype=np.float32)


def azimuthal_profile(power: NDArray[np.float64]) -> Profile:
    """Average a zero-centred spectrum over directions (Durall et al. 2020), and fit the law."""
    side = power.shape[0]
    v, u = np.mgrid[-side // 2 : side // 2, -side // 2 : side // 2]
    # The axes carry the picture's borders and the JPEG grid.
    ring = np.where((u == 0) | (v == 0), 0, np.hypot(u, v).round().astype(int))
    sums = np.bincount(ring.ravel(), weights=power.ravel(), minlength=side)
    counts = np.bincount(ring.ravel(), minlength=side)
    radius = np.arange(2, side // 2 + 1)
    mean = np.log10(sums[radius] / np.maximum(counts[radius], 1) + 1e-9)
    frequency = radius / side
    middle = (frequency >= _FIT[0]) & (frequency <= _FIT[1])
    slope, offset = np.polyfit(np.log10(frequency[middle]), mean[middle], 1)
    expected = slope * np.log10(frequency) + offset
    fine = frequency >= 0.35
    return Profile(
        frequency=frequency, power=mean, expected=expected, exponent=float(slope),
        excess=float((mean - expected)[fine].mean()),
    )  # fmt: skip


def prominence(power: NDArray[np.float64]) -> NDArray[np.float32]:
    """How far each frequency of a (N, N) zero-centred spectrum stands above the median of
    36 around it, within 5 bins: in robust standard deviations of the log power.
    """
    log = np.log(power + 1e-9).astype(np.float32)
    side = log.shape[0]
    wrapped = cv2.copyMakeBorder(log, 5, 5, 5, 5, cv2.BORDER_WRAP)
    windows = np.lib.stride_tricks.sliding_window_view(wrapped, (11, 11))[:, :, ::2, ::2]
    excess = log - np.median(windows.reshape(side, side, 36), axis=2)
    outer = _radius(side) > _SLOW
    spread = 1.4826 * float(np.median(np.abs(excess[outer]))) + 1e-6
    return np.where(outer, excess / spread, 0).astype(np.float32)


def _radius(side: int) -> NDArray[np.float64]:
    v, u = np.mgrid[-side // 2 : side // 2, -side // 2 : side // 2] / side
    return np.asarray(np.hypot(u, v))


def find_peaks(z: NDArray[np.float32], least: float) -> list[Peak]:
    """The local maxima of `prominence` of `least` or more, strongest first, at most 64.

    One of each pair of opposite frequencies.
    """
    side = z.shape[0]
    v, u = np.mgrid[-side // 2 : side // 2, -side // 2 : side // 2] / side
    local = cv2.dilate(z, np.ones((5, 5), np.uint8)) <= z
    half = (u < 0) | ((u == 0) & (v <= 0))
    where = np.argwhere(local & half & (z >= least))
    where = where[np.argsort(-z[tuple(where.T)])][:64]
    return [_peak(float(u[i, j]), float(v[i, j]), float(z[i, j])) for i, j in where]


def _peak(u: float, v: float, z: float) -> Peak:
    on_lattice = all(abs(f * 8 - round(f * 8)) < 0.02 for f in (u, v))
    return Peak(x=-u + 0.0, y=-v + 0.0, z=z, lattice=on_lattice)


def lattice(z: NDArray[np.float32]) -> tuple[float, float]:
    """Mean `prominence` at the multiples of 1/8 cycle a pixel: (on the axes, off the axes).

    JPEG blocks raise the axes: their borders run straight through. Upsampling by 2, 4 or 8
    repeats a pattern in both directions at once and raises the rest too.
    """
    centre, step = z.shape[0] // 2, z.shape[0] // 8
    at = centre + step * np.arange(-4, 4)
    grid = z[np.ix_(at, at)]
    axes = np.concatenate([grid[4, :4], grid[:4, 4]])
    off = grid[np.ix_([0, 1, 2, 3, 5, 6, 7], [0, 1, 2, 3, 5, 6, 7])]
    return float(axes.mean()), float(off.mean())


@analyser(
    "spectrum",
    Kind.IMAGE,
    title="Frequency spectrum",
    reads="The mean spectrum of the picture and of its grain: how power falls towards fine "
    "detail, and narrow peaks.",
    look_for="Peaks at multiples of 1/8 cycle a pixel off the axes, which the upsampling of many "
    "generators leaves, and a curve that bends away from the straight line at high frequencies.",
    ignore="Peaks at multiples of 1/8 on the axes come from JPEG blocks. Fabric, meshes, screens "
    "and printed halftone make peaks anywhere. Resizing and blur bend the curve and remove a "
    "generator's peaks, so their absence means nothing.",
    paper="Durall et al. 2020; Zhang et al. 2019",
)
def spectrum(media: Media) -> Finding | NotApplicable:
    """Measure the fall of the spectrum, its peaks, and the lattice that upsampling leaves."""
    luma = gray(media.pixels)
    side = tile_side(*luma.shape)
    if not side:
        return NotApplicable(code="too_small", text="The picture is under 128 pixels.")
    if flat(luma):
        return NotApplicable(code="flat", text="The picture has no detail.")
    raw, fine = mean_spectra(luma, side)
    profile, z = azimuthal_profile(raw), prominence(fine)
    axes, off = lattice(z)
    peaks = find_peaks(z, _SHOWN)
    return Finding(
        summary=_sentence(off, profile),
        notable=off >= _LATTICE,
        facts={
            "tile": side,
            "lattice_axes": round(axes, 3),
            "lattice_off_axes": round(off, 3),
            "exponent": round(profile.exponent, 3),
            "excess": round(profile.excess, 3),
            "peaks": [
                {"x": round(p.x, 4), "y": round(p.y, 4), "z": round(p.z, 1), "lattice": p.lattice}
                for p in peaks[:16]
            ],
        },
        plots=(_plot(profile),),
    )


def _plot(profile: Profile) -> Plot:
    return Plot(
        title="Power by frequency",
        x_label="cycles per pixel",
        y_label="log10 power",
        x=tuple(round(float(v), 5) for v in profile.frequency),
        series={
            "this picture": tuple(round(float(v), 4) for v in profile.power),
            "power law of its middle frequencies": tuple(
                round(float(v), 4) for v in profile.expected
            ),
        },
    )


def _sentence(off: float, profile: Profile) -> str:
    if off >= _LATTICE:
        return (
            "The grain of the picture repeats every few pixels in both directions, as the "
            "upsampling of many image generators makes it; JPEG compression alone does not."
        )
    bend = ""
    if abs(profile.excess) > 0.7:
        bend = (
            " It has less fine detail than its coarser detail suggests: blur, enlargement or "
            "smoothing." if profile.excess < 0 else
            " It has more fine detail than its coarser detail suggests: noise or sharpening."
        )  # fmt: skip
    return "The spectrum shows no lattice such as the upsampling of image generators leaves." + bend
