"""From a still to the plane of numbers that an analyser reads, and from scores to a heatmap."""

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.media import Media
from unmask.media.sniff import AVIF, HEIC, JPEG, WEBP

Plane = NDArray[np.float32]

# EXIF orientation: transposed first, then the step through rows and through columns.
_TURNS = {
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}
_BAND = 64  # rows: a multiple of the largest JPEG coding unit, 16


def bands(picture: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Thin a picture of more than `pixels` pixels to evenly spaced bands of 64 whole rows.

    Unlike downscaling this keeps every 8 x 8 grid and every noise grain; unlike a crop it still
    covers the picture, so that a map made from the result stretches over the original.
    Raises nothing; a picture wider than `pixels` / 64 keeps one band.
    """
    height, width = picture.shape[:2]
    if height * width <= pixels:
        return picture
    keep = max(1, pixels // (_BAND * width))
    whole = height // _BAND
    if whole <= keep:
        return picture
    starts = np.linspace(0, whole - 1, keep).round().astype(int) * _BAND
    return np.concatenate([picture[y : y + _BAND] for y in starts])


def narrow(picture: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Crop the middle columns (a multiple of 16 from the left) where one band is still too many."""
    height, width = picture.shape[:2]
    if height * width <= pixels:
        return picture
    keep = max(16, pixels // height // 16 * 16)
    left = (width - keep) // 2 // 16 * 16
    return picture[:, left : left + keep]


def gray(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) RGB to (H, W) uint8 luma (Rec. 601)."""
    luma: NDArray[np.uint8] = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return luma


def stored_luma(media: Media) -> NDArray[np.uint8]:
    """(H, W) uint8 luma of a still before rotation and colour conversion: a JPEG's own Y plane.

    `upright` turns a map made from it. Raises MediaError where a JPEG can no longer be decoded.
    """
    if media.format is not JPEG:
        return gray(media.pixels)
    with media.pillow() as image:
        image.draft("L", image.size)
        return np.asarray(image if image.mode == "L" else image.convert("L"), dtype=np.uint8)


def upright(heat: Plane, media: Media) -> Plane:
    """Turn a map of the stored picture as EXIF says that the picture is turned."""
    if media.format is not JPEG:
        return heat  # its map was made from upright pixels
    transpose, rows, columns = _TURNS.get(media.image_info.orientation, (False, 1, 1))
    return np.ascontiguousarray((heat.T if transpose else heat)[::rows, ::columns])


def heatmap(score: NDArray[np.floating], low: float, high: float, side: int = 1024) -> Plane:
    """Scores to [0, 1]: `low` and less to 0, `high` and more to 1; at most `side` cells a side."""
    heat = np.clip((score - low) / max(high - low, 1e-9), 0, 1).astype(np.float32)
    height, width = heat.shape
    shrink = max(height, width) / side
    if shrink > 1:
        size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        heat = cv2.resize(heat, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(heat, dtype=np.float32)


def block_mean(plane: NDArray[np.floating], side: int) -> Plane:
    """(H, W) to (H // side, W // side): the mean of each block, counted from the top left."""
    height, width = (n // side for n in plane.shape[:2])
    whole = np.ascontiguousarray(plane[: height * side, : width * side], dtype=np.float32)
    mean: Plane = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return mean


def flat(plane: NDArray[np.uint8]) -> bool:
    """Whether a picture is one colour or nearly so: no trace can be told from nothing."""
    return float(plane.std()) < 1.5


def drawn(plane: NDArray[np.uint8]) -> bool:
    """Whether a picture has so few grey levels that its regular edges can pass for a grid."""
    return int(np.count_nonzero(np.bincount(plane.ravel(), minlength=256))) < 48


def has_own_blocks(media: Media) -> bool:
    """Whether the file's own compression, other than JPEG's, leaves 8-pixel blocks."""
    if media.format is WEBP:
        return b"VP8L" not in media.data  # the lossless kind has no blocks
    return media.format in (HEIC, AVIF)


def coverage(sample: NDArray[np.uint8], rows: int, columns: int) -> dict[str, list[int]]:
    """Facts that say how much of a large picture was read: [rows, columns]."""
    return {"read": list(sample.shape[:2]), "picture": [rows, columns]}
