"""What happens to a picture on its way to us: resized, recompressed, blurred, cropped.

The same random chain goes over real and generated pictures, so that a file format, a size or a
compression can never stand for the label.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
_FILTERS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Probabilities and ranges of the random chain."""

    mirror: float = 0.5
    resize: float = 0.5
    scale: tuple[float, float] = (0.7, 1.3)
    jpeg: float = 0.7
    jpeg_quality: tuple[int, int] = (50, 99)
    webp: float = 0.1
    webp_quality: tuple[int, int] = (50, 99)
    twice: float = 0.2  # a second compression, as after re-posting
    blur: float = 0.05
    blur_sigma: float = 1.0  # pixels
    noise: float = 0.05
    noise_sigma: float = 4.0  # grey levels
    colour: float = 0.5  # light and colour say where a picture was taken, not who made it
    colour_range: float = 0.25  # of brightness, contrast and saturation, each way


def jpeg(pixels: Pixels, quality: int, subsampling: int = 2) -> Pixels:
    """Through JPEG and back; `subsampling` 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0."""
    return _through(pixels, "JPEG", quality=quality, subsampling=subsampling)


def webp(pixels: Pixels, quality: int) -> Pixels:
    """Through lossy WebP and back."""
    return _through(pixels, "WEBP", quality=quality, method=2)


def h264(pixels: Pixels, crf: int = 26) -> Pixels:
    """One frame through x264 and back; sides are cut to even numbers."""
    import av  # a scan of a still, which uses this module too, must not wait for it

    height, width = (n // 2 * 2 for n in pixels.shape[:2])
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer, format="mov") as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"))


def _through(pixels: Pixels, kind: str, *, quality: int, **options: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=quality, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def resize(
    pixels: Pixels, scale: float, how: Image.Resampling = Image.Resampling.BICUBIC
) -> Pixels:
    """By a factor, sides rounded and at least 1 pixel."""
    height, width = pixels.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, how))


def random_chain(pixels: Pixels, rng: np.random.Generator, chain: Chain, crop: int) -> Pixels:
    """Resize, crop to (crop, crop), recolour, disturb and compress at random; any size comes in."""
    if rng.random() < chain.resize:
        low = max(chain.scale[0], crop / min(pixels.shape[:2]))
        scale = rng.uniform(min(low, chain.scale[1]), chain.scale[1])
        pixels = resize(pixels, scale, _FILTERS[rng.integers(len(_FILTERS))])
    pixels = random_crop(pixels, rng, crop)
    if rng.random() < chain.mirror:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    if rng.random() < chain.colour:
        pixels = _recoloured(pixels, rng, chain.colour_range)
    if rng.random() < chain.blur:
        soft = ImageFilter.GaussianBlur(rng.uniform(0.2, chain.blur_sigma))
        pixels = np.asarray(Image.fromarray(pixels).filter(soft))
    if rng.random() < chain.noise:
        grain = rng.normal(0, rng.uniform(0.5, chain.noise_sigma), pixels.shape)
        pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    for _ in range(1 + (rng.random() < chain.twice)):
        pixels = _random_compression(pixels, rng, chain)
    return pixels


def _recoloured(pixels: Pixels, rng: np.random.Generator, most: float) -> Pixels:
    image = Image.fromarray(pixels)
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(rng.uniform(1 - most, 1 + most))
    return np.asarray(image)


def _random_compression(pixels: Pixels, rng: np.random.Generator, chain: Chain) -> Pixels:
    u = rng.random()
    if u < chain.jpeg:
        quality = int(rng.integers(chain.jpeg_quality[0], chain.jpeg_quality[1] + 1))
        return jpeg(pixels, quality, int(rng.choice([0, 2, 2])))
    if u < chain.jpeg + chain.webp:
        return webp(pixels, int(rng.integers(chain.webp_quality[0], chain.webp_quality[1] + 1)))
    return pixels


def random_crop(pixels: Pixels, rng: np.random.Generator, crop: int) -> Pixels:
    """A (crop, crop) window; smaller pictures are mirrored outwards first."""
    height, width = pixels.shape[:2]
    if height < crop or width < crop:
        pad = ((0, max(0, crop - height)), (0, max(0, crop - width)), (0, 0))
        pixels = np.pad(pixels, pad, mode="symmetric")
        height, width = pixels.shape[:2]
    top, left = rng.integers(height - crop + 1), rng.integers(width - crop + 1)
    return np.ascontiguousarray(pixels[top : top + crop, left : left + crop])
