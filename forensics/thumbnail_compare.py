"""A picture against its own small preview: alignment, tone fitted, difference. Pure functions."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_SIDE = 256  # px that both are compared at
MIN_SIDE = 32
SAME_PICTURE = 0.9  # correlation above: the same, but for local changes
LOCAL_CHANGE = 48.0  # grey levels after fitting tone

Grey = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a thumbnail and a picture agree, at the thumbnail's scale."""

    correlation: float  # of the aligned pair, in [-1, 1]
    ssim: float  # mean structural similarity, in [-1, 1]
    difference: Grey  # (h, w) grey levels, after fitting gain and offset
    rest_correlation: float  # the same, outside the regions that changed
    changed_share: float  # of the picture, where the difference is large, in connected regions
    aspect_off: float  # relative difference of the sides' ratios, bars removed
    crop_correlation: float  # of the picture with the best part of the thumbnail
    crop: tuple[float, float, float, float]  # that part: x, y, width, height in shares


def grey(pixels: NDArray[np.uint8]) -> Grey:
    """(h, w) brightness of (h, w, 3) RGB."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), np.float32)


def without_bars(image: Grey) -> Grey:
    """Cut black letterbox bars, at most a quarter from each side."""
    for _ in range(2):
        dark = np.asarray((image < 24).mean(axis=1) > 0.98)
        limit = len(dark) // 4
        top = next((i for i in range(limit) if not dark[i]), limit)
        low = next((i for i in range(limit) if not dark[-1 - i]), limit)
        # Bars come in pairs; a dark sky at the top alone is part of the picture.
        if min(top, low) > 0 and abs(top - low) <= 3 and max(top, low) < limit:
            image = image[top + 1 : len(dark) - low - 1]  # JPEG blurs the border row
        image = image.T
    return image


def correlation(a: Grey, b: Grey) -> float:
    """Pearson's, of two pictures of one size; 0 where one of them is flat."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def compare(picture: Grey, thumb: Grey) -> Comparison:
    """Compare (H, W) and (h, w) brightness, both upright and without bars."""
    scale = min(1.0, MAX_SIDE / max(thumb.shape))
    height, width = (max(8, round(side * scale)) for side in thumb.shape)
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    thumb = cv2.resize(thumb, (width, height), interpolation=cv2.INTER_AREA)
    small, thumb = (cv2.GaussianBlur(x, (0, 0), 1.0) for x in (small, thumb))
    small = _shifted(small, thumb)
    ratio = (picture.shape[1] / picture.shape[0]) / (width / height)
    whole = correlation(small, thumb)
    part, where = _best_part(picture, thumb) if whole < SAME_PICTURE else (whole, (0, 0, 1, 1))
    difference = _difference(small, thumb)
    return Comparison(
        correlation=whole,
        ssim=_ssim(small, thumb),
        difference=difference,
        rest_correlation=_outside(small, thumb, difference),
        changed_share=_changed(difference),
        aspect_off=abs(float(np.log(ratio))),
        crop_correlation=part,
        crop=where,
    )


def _shifted(small: Grey, thumb: Grey) -> Grey:
    """Move `small` by the fraction of a pixel that resizing by other programs leaves."""
    window = cv2.createHanningWindow(small.shape[::-1], cv2.CV_32F)
    (dx, dy), response = cv2.phaseCorrelate(thumb, small, window)
    if response < 0.2 or max(abs(dx), abs(dy)) > 3:
        return small
    move = np.array([[1, 0, -dx], [0, 1, -dy]], np.float32)
    moved = cv2.warpAffine(small, move, small.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved)


def _difference(small: Grey, thumb: Grey) -> Grey:
    """Grey levels by which the picture departs from the thumbnail's tone curve, robustly fitted."""
    kept = np.ones(small.shape, bool)
    gain, offset = 1.0, 0.0
    for _ in range(3):
        if kept.sum() < 16 or thumb[kept].std() < 1e-3:
            break
        gain, offset = np.polyfit(thumb[kept], small[kept], 1)
        rest = np.abs(small - gain * thumb - offset)
        kept = rest <= max(np.median(rest) * 3, 4.0)
    return np.asarray(np.abs(small - gain * thumb - offset), np.float32)


def _changed(difference: Grey) -> float:
    """Share of the picture in regions that changed, thin edges (sharpening, shift) left out."""
    mask = (difference > LOCAL_CHANGE).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return float(mask.mean())


def _outside(small: Grey, thumb: Grey, difference: Grey) -> float:
    """Correlation where nothing changed much; 0 where that is less than half of the picture."""
    kept = difference <= LOCAL_CHANGE / 2
    return correlation(small[kept], thumb[kept]) if kept.mean() >= 0.5 else 0.0


def _ssim(a: Grey, b: Grey) -> float:
    """Mean SSIM with a Gaussian window of 1.5 px (Wang et al. 2004)."""

    def blur(x: Grey) -> Grey:
        return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5))

    ma, mb = blur(a), blur(b)
    va, vb, cov = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * ma * mb + c1) * (2 * cov + c2)
    return float((top / ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean())


def _best_part(picture: Grey, thumb: Grey) -> tuple[float, tuple[float, float, float, float]]:
    """The part of the thumbnail that the picture matches best: a crop leaves a larger thumbnail."""
    height, width = thumb.shape
    best, where = -1.0, (0.0, 0.0, 1.0, 1.0)
    fit = min(width / picture.shape[1], height / picture.shape[0])
    for share in np.arange(1.0, 0.34, -0.05):
        w, h = round(picture.shape[1] * fit * share), round(picture.shape[0] * fit * share)
        if min(w, h) < MIN_SIDE // 2:
            break
        part = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA)
        scores = cv2.matchTemplate(thumb, part, cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(scores)
        if score > best:
            best, where = float(score), (x / width, y / height, w / width, h / height)
    return best, where


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply EXIF orientation 1-8."""
    turned = {
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels, 3),
        7: pixels[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(pixels),
    }
    return np.ascontiguousarray(turned.get(orientation, pixels))


def best_comparison(picture: Grey, thumb: NDArray[np.uint8], orientation: int) -> Comparison:
    """The best of the thumbnail as stored, turned upright, and without bars: programs do either."""
    turned = [grey(_upright(thumb, turn)) for turn in dict.fromkeys((1, orientation))]
    cut = [bare for t in turned if (bare := without_bars(t)).shape != t.shape]
    tried = [compare(picture, t) for t in turned + cut if min(t.shape) >= MIN_SIDE // 2]
    return max(tried, key=lambda c: c.correlation)
