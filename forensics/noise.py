"""Noise map: where the grain is stronger or weaker than the picture's own at that brightness."""

from dataclasses import dataclass

import cv2
import numpy as np
import pywt
from numpy.typing import NDArray

from unmask.evidence import Finding, Kind, NotApplicable
from unmask.forensics.planes import (
    Plane,
    bands,
    coverage,
    flat,
    heatmap,
    narrow,
    stored_luma,
    upright,
)
from unmask.media import Media
from unmask.registry import analyser

BLOCK = 16  # pixels a side: 8 x 8 diagonal wavelet coefficients
_PIXELS = 6_000_000
_LEAST = 0.15  # grey levels: below it rounding and compression have removed the grain


@dataclass(frozen=True, kw_only=True)
class NoiseMap:
    """Noise by block, and how far it is from what the block's brightness leads to expect."""

    sigma: Plane  # (H // 16, W // 16), grey levels
    deviation: Plane  # robust standard deviations of ln sigma; > 0 noisier; 0 where unusable
    usable: NDArray[np.bool_]  # neither clipped nor without grain


def block_noise(luma: NDArray[np.uint8]) -> Plane:
    """(H, W) uint8 to (H // 16, W // 16): noise in grey levels, median |HH| / 0.6745.

    HH is the finest diagonal band of a Daubechies-4 (8-tap) wavelet, in which pictures have
    little else. Mahdian and Saic 2009.
    """
    rows, columns = (n // BLOCK for n in luma.shape)
    whole = luma[: rows * BLOCK, : columns * BLOCK].astype(np.float32)
    _, (_, _, diagonal) = pywt.dwt2(whole, "db4", mode="periodization")
    half = BLOCK // 2
    blocks = np.abs(diagonal).reshape(rows, half, columns, half).swapaxes(1, 2)
    return np.asarray(np.median(blocks.reshape(rows, columns, -1), axis=2) / 0.6745, np.float32)


def noise_map(luma: NDArray[np.uint8]) -> NoiseMap:
    """Compare each block's noise with what its brightness leads to expect.

    Detail counts as noise here, so that a deviation upwards can be mere texture.
    """
    sigma = block_noise(luma)
    rows, columns = sigma.shape
    mean = cv2.resize(
        luma[: rows * BLOCK, : columns * BLOCK], (columns, rows), interpolation=cv2.INTER_AREA
    ).astype(np.float32)
    usable = (mean > 12) & (mean < 243) & (sigma > _LEAST)
    log = np.log(np.maximum(sigma, _LEAST))
    deviation = np.zeros_like(log)
    # A parabola needs three levels of brightness, and far more blocks than that.
    if usable.sum() >= 16 and np.ptp(mean[usable]) > 3:
        rest = log - _expected(log, mean, usable)
        spread = 1.4826 * float(np.median(np.abs(rest[usable]))) + 0.05
        deviation[usable] = rest[usable] / spread
    weight = cv2.blur(usable.astype(np.float32), (3, 3))
    deviation = cv2.blur(deviation, (3, 3)) / np.maximum(weight, 1e-3)
    deviation[~usable] = 0
    return NoiseMap(sigma=sigma, deviation=deviation.astype(np.float32), usable=usable)


def _expected(log: Plane, mean: Plane, usable: NDArray[np.bool_]) -> Plane:
    """The log noise that a block's brightness leads to expect: a robust parabola.

    Sensors and tone curves give a smooth curve; a free one would follow the odd object itself.
    """
    x = mean[usable].astype(np.float64) / 128 - 1
    y = log[usable].astype(np.float64)
    weight = np.ones_like(y)
    fit = np.zeros(3)
    for _ in range(6):
        fit = np.polyfit(x, y, 2, w=weight)
        rest = np.abs(y - np.polyval(fit, x))
        scale = 1.4826 * float(np.median(rest)) + 1e-3
        # Squared weights enter the sum of squares: this is Cauchy's, which forgets outliers.
        weight = 1 / np.sqrt(1 + (rest / (2 * scale)) ** 2)
    return np.asarray(np.polyval(fit, mean / 128 - 1), dtype=np.float32)


@analyser(
    "noise",
    Kind.IMAGE,
    title="Noise map",
    reads="The strength of the grain in each block, compared with the picture's own grain at the "
    "same brightness.",
    look_for="An object whose grain is stronger or weaker than that of its surroundings, with "
    "an outline that follows the object: pasted, smoothed or generated parts differ so.",
    ignore="Texture (grass, hair, fabric) reads as strong noise, and sky, blur and out-of-focus "
    "backgrounds as weak. Phones smooth faces and skies by themselves. Strong JPEG compression "
    "removes the grain altogether.",
    paper="Mahdian and Saic 2009",
)
def noise(media: Media) -> Finding | NotApplicable:
    """Map the noise of the picture. It guides the eye and states nothing on its own."""
    luma = stored_luma(media)
    stored = luma.shape
    luma = narrow(bands(luma, _PIXELS), _PIXELS)
    if min(luma.shape) < 4 * BLOCK:
        return NotApplicable(code="too_small", text="The picture is under 64 pixels.")
    if flat(luma):
        return NotApplicable(code="flat", text="The picture has no detail.")
    found = noise_map(luma)
    share = float(found.usable.mean())
    if share < 0.1:
        return NotApplicable(
            code="no_grain", text="Compression or smoothing has left hardly any grain to compare."
        )
    levels = [float(v) for v in np.percentile(found.sigma[found.usable], (10, 50, 90))]
    return Finding(
        summary=f"The grain of the picture is typically {levels[1]:.1f} grey levels; the map shows "
        "where it differs from what the brightness leads to expect. Compare regions of like "
        "texture.",
        facts={
            "noise_p10_p50_p90": [round(v, 3) for v in levels],
            "usable_share": round(share, 3),
            "odd_share": round(float((np.abs(found.deviation) > 3).mean()), 4),
            **coverage(luma, *stored),
        },
        heatmap=upright(heatmap(np.abs(found.deviation), 1.0, 5.0), media),
    )
