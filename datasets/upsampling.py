"""The spectral trace of up-sampling, put into a photograph without any trained generator.

A decoder's last steps put few samples where many belong. What is between them comes from zeros and
a kernel, from copies or from a blend, and each leaves copies of the spectrum around the multiples
of 1/factor cycles a pixel (Zhang, Karaman and Chang 2019, "Detecting and Simulating Artifacts in
GAN Fake Images"). A picture is shrunk and enlarged in one of these ways, in full or in part.
"""

from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Kernel = NDArray[np.float64]  # (k, k)
FACTORS = (2, 4)


class Interpolation(StrEnum):
    """How the missing samples are made."""

    ZERO = "zero"  # zeros, then a small random kernel: every phase gets its own gain
    NEAREST = "nearest"
    BILINEAR = "bilinear"
    TRANSPOSED = "transposed"  # a stride-2 window of 3, which overlaps itself unevenly


def simulate_upsampling(
    pixels: Pixels,
    rng: np.random.Generator,
    *,
    how: Interpolation,
    factor: int = 2,
    blend: float = 1.0,
    strength: float | None = None,
) -> Pixels:
    """The picture shrunk by `factor` (2 or 4), enlarged again, and mixed in by `blend` in [0, 1].

    `strength` is how uneven a random kernel or overlap is, from 0 (none: bilinear) to 1; drawn
    log-uniformly from 0.02 to 0.5 where it is None. Raises ValueError for other factors or blends.
    """
    if factor not in FACTORS:
        raise ValueError(f"factor {factor} is not one of {FACTORS}")
    if not 0 <= blend <= 1:
        raise ValueError(f"blend {blend} is not in [0, 1]")
    height, width = pixels.shape[:2]
    if strength is None:
        strength = float(np.exp(rng.uniform(np.log(0.02), np.log(0.5))))
    spare = ((0, -height % factor), (0, -width % factor), (0, 0))
    real = np.pad(pixels, spare, mode="symmetric").astype(np.float64)
    small = shrink(real, factor)
    if how is Interpolation.TRANSPOSED:
        large = small
        for _ in range(factor // 2):
            large = insert_zeros(large, 2, uneven_overlap(strength))
    elif how is Interpolation.ZERO:
        large = insert_zeros(small, factor, random_kernel(rng, factor, strength))
    elif how is Interpolation.NEAREST:
        large = small.repeat(factor, axis=0).repeat(factor, axis=1)
    else:
        large = insert_zeros(small, factor, tent(factor))
    mixed = (1 - blend) * pixels + blend * large[:height, :width]
    return _to_pixels(mixed)


def random_simulation(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One of the simulations at random: any way, either factor, half of them in part."""
    ways = tuple(Interpolation)
    return simulate_upsampling(
        pixels,
        rng,
        how=ways[rng.integers(len(ways))],
        factor=int(rng.choice(FACTORS, p=(0.7, 0.3))),
        blend=1.0 if rng.random() < 0.5 else float(rng.uniform(0.3, 1.0)),
    )


def shrink(image: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """(H, W, C) to (H / factor, W / factor, C) by the mean of each cell; sides are multiples."""
    height, width, channels = image.shape
    cells = image.reshape(height // factor, factor, width // factor, factor, channels)
    means: NDArray[np.float64] = cells.mean(axis=(1, 3))
    return means


def insert_zeros(image: NDArray[np.float64], factor: int, kernel: Kernel) -> NDArray[np.float64]:
    """(H, W, C) to (factor H, factor W, C): zeros between the samples, then the kernel.

    The kernel's sum should be factor², which keeps the mean. Edges are mirrored.
    """
    margin = kernel.shape[0]
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    sparse = np.zeros((padded.shape[0] * factor, padded.shape[1] * factor, padded.shape[2]))
    sparse[::factor, ::factor] = padded
    filtered = np.atleast_3d(cv2.filter2D(sparse, -1, kernel, borderType=cv2.BORDER_CONSTANT))
    cut = margin * factor
    inner: NDArray[np.float64] = filtered[cut:-cut, cut:-cut].reshape(
        image.shape[0] * factor, image.shape[1] * factor, image.shape[2]
    )
    return inner


def tent(factor: int) -> Kernel:
    """The kernel of bilinear interpolation, (2 factor - 1) a side: every phase has the gain 1."""
    line = 1 - np.abs(np.arange(1 - factor, factor)) / factor
    return np.outer(line, line)


def random_kernel(rng: np.random.Generator, factor: int, strength: float) -> Kernel:
    """A tent with every weight disturbed by up to `strength` of the largest; its sum is kept.

    The phases' gains differ, so that flat areas get a pattern that repeats every `factor` pixels.
    """
    smooth = tent(factor)
    disturbed = smooth + strength * rng.uniform(-1, 1, smooth.shape)
    total = float(disturbed.sum())
    if total < 0.25 * smooth.sum():  # scaled back, it would be nearly all disturbance
        return smooth
    kernel: Kernel = disturbed * (smooth.sum() / total)
    return kernel


def uneven_overlap(strength: float) -> Kernel:
    """A transposed convolution's window of 3 at stride 2: between a tent (0) and a flat one (1).

    In a flat window two taps fall on odd places and one on even ones: Odena, Dumoulin and Olah
    2016, "Deconvolution and Checkerboard Artifacts".
    """
    side = 0.5 * (1 - strength) + (2 / 3) * strength
    line = np.array([side, 2 - 2 * side, side])
    return np.outer(line, line)


def spectral_peaks(image: NDArray[np.float64], factor: int) -> dict[tuple[float, float], float]:
    """How far each multiple of 1/factor cycles a pixel stands out, by (vertical, horizontal).

    The power at that frequency over the median power around it; 1 is not at all. Takes (H, W),
    which is cut to multiples of `factor`; windowed, so that edges do not pose as peaks.
    """
    height, width = (side - side % factor for side in image.shape)
    window = np.outer(np.hanning(height), np.hanning(width))
    centred = image[:height, :width] - image[:height, :width].mean()
    power = np.abs(np.fft.fft2(centred * window)) ** 2
    peaks = {}
    for i in range(factor):
        for j in range(factor):
            if i or j:
                y, x = i * height // factor, j * width // factor
                rows = np.arange(y - 6, y + 7) % height
                columns = np.arange(x - 6, x + 7) % width
                around = power[np.ix_(rows, columns)]
                peaks[i / factor, j / factor] = float(power[y, x] / np.median(around))
    return peaks


def _to_pixels(image: NDArray[np.float64]) -> Pixels:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
