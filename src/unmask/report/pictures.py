"""Pictures for reports: heatmaps in colour, overlays, data addresses."""

import base64
import io
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

# A path through CIELAB: from dark blue over magenta to pale yellow. Its lightness rises all the
# way, so that the order survives colour blindness and a black-and-white printer.
_LIGHTNESS = (10.0, 93.0)
_HUE = (295.0, 452.0)  # degrees, through 360
_CHROMA = (25.0, 55.0, 64.0, 64.0, 42.0)  # within sRGB all along


@cache
def colours() -> NDArray[np.uint8]:
    """(256, 3) RGB of the heat scale, 255 = most suspicious; equal steps look equally large."""
    t = np.linspace(0, 1, 4096)
    lightness, hue = np.interp(t, (0, 1), _LIGHTNESS), np.radians(np.interp(t, (0, 1), _HUE))
    chroma = np.interp(t, np.linspace(0, 1, len(_CHROMA)), _CHROMA)
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    even = np.linspace(0, length[-1], 256)
    path = np.stack([np.interp(even, length, lab[:, i]) for i in range(3)], axis=1)
    rgb = cv2.cvtColor(path[None].astype(np.float32), cv2.COLOR_Lab2RGB)[0]
    table: NDArray[np.uint8] = np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def levels(heatmap: NDArray[np.float32], largest: int = 1024) -> NDArray[np.uint8]:
    """A heatmap (h, w) in [0, 1] as 0 to 255, at most `largest` pixels a side; NaN becomes 0.

    Raises ValueError where the heatmap is not two-dimensional or has no cell.
    """
    if heatmap.ndim != 2 or heatmap.size == 0:
        raise ValueError(f"a heatmap is (h, w) with cells in it, not {heatmap.shape}")
    clean = np.clip(np.nan_to_num(heatmap.astype(np.float32), nan=0, posinf=1, neginf=0), 0, 1)
    scale = largest / max(clean.shape)
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in clean.shape)
        clean = cv2.resize(clean, (width, height), interpolation=cv2.INTER_AREA)
    return np.round(clean * 255).astype(np.uint8)


def overlay(
    preview: NDArray[np.uint8], heatmap: NDArray[np.float32], opacity: float = 0.6
) -> NDArray[np.uint8]:
    """(h, w, 3) RGB of `preview` (h, w, 3) under `heatmap` in [0, 1], of any size.

    `opacity` in [0, 1]: 0 shows the picture alone, 1 the heatmap alone. The picture loses its
    own colours by as much, so that colour means suspicion. Raises ValueError as `levels` does.
    """
    opacity = min(max(opacity, 0.0), 1.0)
    height, width = preview.shape[:2]
    heat = cv2.resize(levels(heatmap), (width, height), interpolation=cv2.INTER_LINEAR)
    colour = colours()[heat].astype(np.float32)
    picture = preview.astype(np.float32)
    grey = cv2.cvtColor(preview, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    base = picture + (grey - picture) * opacity
    blended: NDArray[np.uint8] = np.round(base + (colour - base) * opacity).astype(np.uint8)
    return blended


def png_bytes(array: NDArray[np.uint8]) -> bytes:
    """PNG of (h, w) grey or (h, w, 3) RGB."""
    return _encoded(Image.fromarray(array), "PNG")


def png_data_uri(array: NDArray[np.uint8]) -> str:
    """`png_bytes` as an address that holds the picture itself."""
    return data_uri(png_bytes(array), "image/png")


def heatmap_data_uri(heatmap: NDArray[np.float32]) -> str:
    """A heatmap in colour as a PNG address. Raises ValueError as `levels` does."""
    image = Image.fromarray(levels(heatmap))
    image.putpalette(colours().tobytes())  # a third of the size of RGB
    return data_uri(_encoded(image, "PNG"), "image/png")


def jpeg_data_uri(array: NDArray[np.uint8], quality: int = 88) -> str:
    """(h, w, 3) RGB as a JPEG address: for orientation, a tenth of a PNG's size."""
    image = Image.fromarray(array)
    return data_uri(_encoded(image, "JPEG", quality=quality), "image/jpeg")


def _encoded(image: Image.Image, form: str, quality: int = 75) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, optimize=True, quality=quality)
    return buffer.getvalue()


def data_uri(data: bytes, mime: str) -> str:
    """An address that holds `data` itself."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
