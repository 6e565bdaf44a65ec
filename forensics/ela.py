"""Error-level map: how much each part of a picture changes when it is saved as a JPEG again."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.evidence import Finding, Kind, NotApplicable
from unmask.forensics.planes import Plane, bands, block_mean, coverage, flat, gray, heatmap
from unmask.media import Media
from unmask.registry import analyser

QUALITY = 90
_PIXELS = 12_000_000  # read at most; more is thinned to bands


def recompress(rgb: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """(H, W, 3) or (H, W) uint8, saved as a JPEG of `quality` (no chroma subsampling) and read."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=0)
    with Image.open(buffer, formats=["JPEG"]) as image:
        return np.asarray(image)


def error_levels(rgb: NDArray[np.uint8], quality: int = QUALITY) -> Plane:
    """(H, W, 3) uint8 to (H // 8, W // 8): mean absolute change of each block, in grey levels.

    Krawetz 2007. Higher where a block was compressed less often or less hard before, and
    wherever there is detail.
    """
    return block_mean(cv2.absdiff(rgb, recompress(rgb, quality)).mean(axis=2), 8)


@analyser(
    "ela",
    Kind.IMAGE,
    title="Error levels",
    reads=f"How much each block changes when the picture is saved again at JPEG quality {QUALITY}.",
    look_for="A region that is brighter or darker than others with the same amount of detail: "
    "an object that glows while equally sharp objects around it do not.",
    ignore="Edges, text, foliage and saturated colours always glow, and sky, blur and flat walls "
    "are always dark. Resizing, sharpening and social networks level the map. This map guides "
    "the eye and proves nothing.",
    paper="Krawetz 2007",
)
def ela(media: Media) -> Finding | NotApplicable:
    """Map the error levels. An enhancer, never a verdict: it makes no statement on its own."""
    pixels = media.pixels
    height, width = pixels.shape[:2]
    if min(height, width) < 32:
        return NotApplicable(code="too_small", text="The picture is under 32 pixels.")
    if max(height, width) > 65500 or (height * width > _PIXELS and width * 64 > _PIXELS):
        return NotApplicable(code="too_large", text="The picture is wider than a JPEG can be.")
    sample = bands(pixels, _PIXELS)
    if flat(gray(sample)):
        return NotApplicable(code="flat", text="The picture has no detail to compress.")
    levels = error_levels(np.ascontiguousarray(sample))
    middle, top = (float(v) for v in np.percentile(levels, (50, 99.5)))
    return Finding(
        summary="The error-level map shows how unevenly parts of the picture compress; compare "
        "regions of like detail in it, and conclude nothing from it alone.",
        facts={
            "quality": QUALITY,
            "median_level": round(middle, 3),
            "p99_5_level": round(top, 3),
            **coverage(sample, height, width),
        },
        heatmap=heatmap(levels, 0.0, max(top, 1.0)),
    )
