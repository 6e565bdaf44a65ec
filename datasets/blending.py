"""Fakes out of a real picture and its reconstruction, so that little but the trace differs.

Mixing in pixels or in frequencies and the real's own JPEG tables follow "Dual Data Alignment" (Chen
et al. 2025), blending a picture with itself follows Shiohara and Yamasaki 2022. Everything takes
and gives (H, W, 3) uint8 RGB; a mask is (H, W) float32, the part that is fake, from 0 to 1.
"""

import io
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin
from scipy import fft

from unmask.errors import MediaError, Reason

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Mask = NDArray[np.float32]  # (H, W) in [0, 1], 1 = fake
BLOCK = 8


@dataclass(frozen=True, kw_only=True)
class Edited:
    """A picture that is fake in part."""

    pixels: Pixels
    mask: Mask


def pixel_blend(real: Pixels, fake: Pixels, weight: float | Mask) -> Pixels:
    """Weight 0 is the real, 1 the fake; a mask weighs each pixel. ValueError if sizes differ."""
    _same_size(real, fake)
    part = np.asarray(weight, np.float64)
    part = part[..., None] if part.ndim == 2 else part
    return _to_pixels((1 - part) * real + part * fake)


def dct_blend(real: Pixels, fake: Pixels, weight: float | NDArray[np.float64]) -> Pixels:
    """Blend 8x8 DCT coefficients: 0 is the real, 1 the fake; an (8, 8) weight goes by frequency.

    The first index of the weight is the vertical frequency. Raises ValueError where sizes differ.
    """
    _same_size(real, fake)
    part = np.broadcast_to(np.asarray(weight, np.float64), (BLOCK, BLOCK))[:, :, None]
    mixed = (1 - part) * _blocks(real) + part * _blocks(fake)
    pixels = fft.idctn(mixed, axes=(2, 3), norm="ortho").swapaxes(1, 2)
    rows, _, columns, _, channels = pixels.shape
    whole = pixels.reshape(rows * BLOCK, columns * BLOCK, channels)
    return _to_pixels(whole[: real.shape[0], : real.shape[1]])


def random_band(rng: np.random.Generator) -> NDArray[np.float64]:
    """An (8, 8) weight for `dct_blend`: the fake's frequencies from a random one up, softly."""
    start, softness = rng.uniform(0, 8), rng.uniform(0.3, 2.0)
    distance = np.hypot(*np.mgrid[:BLOCK, :BLOCK])
    band: NDArray[np.float64] = 1 / (1 + np.exp(-(distance - start) / softness))
    return band


def _blocks(pixels: Pixels) -> NDArray[np.float64]:
    """DCT coefficients, (rows, columns, 8, 8, C); the last blocks are mirrored where cut short."""
    spare = ((0, -pixels.shape[0] % BLOCK), (0, -pixels.shape[1] % BLOCK), (0, 0))
    padded = np.pad(pixels, spare, mode="symmetric").astype(np.float64)
    height, width, channels = padded.shape
    cells = padded.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, channels)
    coefficients: NDArray[np.float64] = fft.dctn(cells.swapaxes(1, 2), axes=(2, 3), norm="ortho")
    return coefficients


def own_quality_jpeg(fake: Pixels, real_file: bytes) -> Pixels:
    """The fake through JPEG with the real's own tables and chroma sampling, and back to pixels.

    A grey JPEG makes it grey. Raises MediaError: UNSUPPORTED where the real is no JPEG.
    """
    with Image.open(io.BytesIO(encode_as(fake, real_file))) as image:
        return np.asarray(image.convert("RGB"))


def encode_as(fake: Pixels, real_file: bytes) -> bytes:
    """The fake as a JPEG file with the real's tables and chroma sampling.

    Raises MediaError: UNSUPPORTED where the real is no JPEG, CORRUPT where it has no usable tables.
    """
    try:
        with Image.open(io.BytesIO(real_file), formats=("JPEG",)) as real:
            if not isinstance(real, JpegImagePlugin.JpegImageFile):
                raise MediaError(Reason.UNSUPPORTED, "The real picture is no JPEG.")
            tables = [list(real.quantization[i]) for i in sorted(real.quantization)]
            sampling = JpegImagePlugin.get_sampling(real)
            grey = real.mode == "L"
    except OSError as error:
        raise MediaError(Reason.UNSUPPORTED, "The real picture is no JPEG.") from error
    if not tables:
        raise MediaError(Reason.CORRUPT, "The real JPEG has no quantisation tables.")
    image = Image.fromarray(fake).convert("L" if grey else "RGB")
    out = io.BytesIO()
    image.save(
        out,
        "JPEG",
        qtables=tables[:1] if grey else tables[:2],
        subsampling=max(0, sampling),  # -1: grey, or one that Pillow cannot write
    )
    return out.getvalue()


def soft_mask(shape: tuple[int, int], rng: np.random.Generator) -> Mask:
    """A random blob, 1 inside with a soft edge, that covers about 3 to 40% of (H, W)."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0.2, 0.8) * height, rng.uniform(0.2, 0.8) * width
    ry, rx = rng.uniform(0.12, 0.38) * height, rng.uniform(0.12, 0.38) * width
    angle = np.arctan2((y - cy) / ry, (x - cx) / rx)
    radius = np.hypot((y - cy) / ry, (x - cx) / rx)
    border = np.ones_like(radius)
    for lobe in range(2, 6):  # dents and bulges: an ellipse would be learned as such
        border += rng.normal(0, 0.25 / lobe) * np.cos(lobe * angle + rng.uniform(0, 2 * np.pi))
    softness = rng.uniform(0.06, 0.3)
    mask: Mask = np.clip((border - radius) / softness + 0.5, 0, 1).astype(np.float32)
    return mask


def self_blend(pixels: Pixels, rng: np.random.Generator) -> Edited:
    """The picture blended into itself: a copy, recoloured, sharpened or softened, slightly moved.

    The copy or the surroundings are changed, by chance, as the fake is not always the odd part.
    """
    mask = soft_mask((pixels.shape[0], pixels.shape[1]), rng)
    changed = _retouched(pixels, rng)
    inside, outside = (changed, pixels) if rng.random() < 0.5 else (pixels, changed)
    inside = _moved(inside, rng)
    mask *= np.float32(rng.choice((0.5, 0.75, 1.0, 1.0, 1.0)))
    return Edited(pixels=pixel_blend(outside, inside, mask), mask=mask)


def replace_region(real: Pixels, fake: Pixels, rng: np.random.Generator) -> Edited:
    """A region of the real replaced by the same region of its fake, as inpainting does."""
    mask = soft_mask((real.shape[0], real.shape[1]), rng)
    if rng.random() < 0.5:
        mask = (mask > 0.5).astype(np.float32)  # pasted hard, as most tools do
    return Edited(pixels=pixel_blend(real, fake, mask), mask=mask)


def fill_hole(pixels: Pixels, rng: np.random.Generator) -> Edited:
    """A small region filled from its border (Telea 2004): an object removed without a generator."""
    height, width = pixels.shape[:2]
    scale = min(1.0, 96 / max(height, width))  # filling costs with the area of the hole
    hole = soft_mask((max(1, round(height * scale)), max(1, round(width * scale))), rng) > 0.5
    mask = np.zeros((height, width), np.uint8)
    top = rng.integers(height - hole.shape[0] + 1)
    left = rng.integers(width - hole.shape[1] + 1)
    mask[top : top + hole.shape[0], left : left + hole.shape[1]] = hole
    if not mask.any() or mask.all():
        # OpenCV never returns where there is no border to fill from.
        return Edited(pixels=pixels.copy(), mask=np.zeros((height, width), np.float32))
    filled = cv2.inpaint(pixels, mask, 3, cv2.INPAINT_TELEA)
    return Edited(pixels=filled.astype(np.uint8), mask=mask.astype(np.float32))


def _retouched(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    image = pixels.astype(np.float64)
    image = image * rng.uniform(0.88, 1.12) + rng.uniform(-12, 12, size=3)
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5))
    image = soft if rng.random() < 0.5 else image + rng.uniform(0.3, 1.0) * (image - soft)
    return _to_pixels(image)


def _moved(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Turned by up to 2 degrees, scaled by up to 5% and shifted by up to 3% about the centre."""
    height, width = pixels.shape[:2]
    centre = (width / 2, height / 2)
    matrix = cv2.getRotationMatrix2D(centre, rng.uniform(-2, 2), rng.uniform(0.95, 1.05))
    matrix[:, 2] += rng.uniform(-0.03, 0.03, size=2) * (width, height)
    # Mirrored borders never return from OpenCV where a side is one pixel long.
    moved = cv2.warpAffine(
        pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


def _same_size(real: Pixels, fake: Pixels) -> None:
    if real.shape != fake.shape:
        raise ValueError(f"sizes differ: {real.shape} and {fake.shape}")


def _to_pixels(image: NDArray[np.float64]) -> Pixels:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
