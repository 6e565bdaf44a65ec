"""Stills: from bytes of an allowed format to 8-bit RGB pixels."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from unmask.errors import MediaError, Reason
from unmask.media.limits import Limits
from unmask.media.sniff import AVIF, HEIC, JPEG, Format

pillow_heif.register_heif_opener()

# Pillow's names. Everything else that Pillow can open (EPS starts Ghostscript) stays shut.
_PILLOW = {
    "jpeg": ("JPEG", "MPO"),  # phones write JPEGs with a depth map appended, which are MPO
    "png": ("PNG",),
    "webp": ("WEBP",),
    "gif": ("GIF",),
    "tiff": ("TIFF",),
    "bmp": ("BMP",),
    "heic": ("HEIF",),
    "avif": ("AVIF", "HEIF"),
}


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What the file says of its picture before anything was converted."""

    mode: str  # Pillow's: RGB, RGBA, L, P, CMYK, I;16 ...
    width: int  # as stored, before the EXIF orientation
    height: int
    frames: int  # 1 unless animated or multi-page
    orientation: int  # EXIF, 1 = as stored
    icc_profile: str  # its description, or ""
    notes: tuple[str, ...]  # conversions that were made


@contextmanager
def pillow_image(data: bytes, fmt: Format) -> Iterator[Image.Image]:
    """The file as Pillow opens it, unconverted: its own format's opener alone, warnings as errors.

    Raises MediaError (CORRUPT, TOO_LARGE) for whatever Pillow raises, inside the block too.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Pillow's own cap would warn at 89 MP: ours (Limits.pixels) is checked by the caller.
            with Image.open(io.BytesIO(data), formats=_PILLOW[fmt.name]) as image:
                yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(Reason.TOO_LARGE, f"The picture is too large: {error}") from error
    except UnidentifiedImageError as error:
        raise MediaError(Reason.CORRUPT, f"Not a readable {fmt.name} file.") from error
    except MemoryError as error:
        raise MediaError(Reason.TOO_LARGE, "The picture does not fit in memory.") from error
    except MediaError:
        raise
    # Pillow's plugins raise all of these on damaged files, and nothing of ours runs in the block.
    except (
        OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, OverflowError,
        AttributeError, RuntimeError, ZeroDivisionError, ArithmeticError,
    ) as error:  # fmt: skip
        raise MediaError(Reason.CORRUPT, f"The {fmt.name} file is damaged: {error}") from error


def read_image(
    data: bytes, fmt: Format, limits: Limits
) -> tuple[NDArray[np.uint8], ImageInfo]:
    """Decode the first frame to (H, W, 3) uint8 sRGB, upright, over white where transparent.

    Raises MediaError: CORRUPT, TOO_LARGE.
    """
    if fmt is JPEG and data.count(b"\xff\xda") > limits.jpeg_scans:
        raise MediaError(Reason.TOO_LARGE, "The JPEG has more scans than any camera writes.")
    with pillow_image(data, fmt) as image:
        width, height = image.size
        if width * height > limits.pixels:
            raise MediaError(
                Reason.TOO_LARGE,
                f"The picture has {width * height / 1e6:.0f} megapixels; "
                f"the limit is {limits.pixels / 1e6:.0f}.",
            )
        if width < 1 or height < 1:
            raise MediaError(Reason.CORRUPT, "The picture has no pixels.")
        mode = image.mode
        orientation = _orientation(image) if fmt not in (HEIC, AVIF) else 1
        frames = int(getattr(image, "n_frames", 1))
        image.load()
        profile, upright = image.info.get("icc_profile"), _transposed(image, orientation)
        rgb, description, notes = _to_srgb(upright, profile)
        pixels = np.array(rgb, dtype=np.uint8)
    pixels.flags.writeable = False
    if frames > 1:
        notes.append(f"first of {frames} frames")
    info = ImageInfo(
        mode=mode, width=width, height=height, frames=frames, orientation=orientation,
        icc_profile=description, notes=tuple(notes),
    )  # fmt: skip
    return pixels, info


def _orientation(image: Image.Image) -> int:
    try:
        value = int(image.getexif().get(0x0112, 1))
    except Exception:  # a broken EXIF block is no reason to refuse the picture
        return 1
    return value if 1 <= value <= 8 else 1


def _transposed(image: Image.Image, orientation: int) -> Image.Image:
    if orientation == 1:
        return image
    turned: Any = ImageOps.exif_transpose(image)
    return turned if isinstance(turned, Image.Image) else image


def _to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str, list[str]]:
    notes: list[str] = []
    if image.mode.startswith(("I", "F")):
        notes.append("reduced to 8 bits")
        image = _to_eight_bits(image)
    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    if transparent:
        notes.append("flattened over white")
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba).convert("RGB")
    description = ""
    if profile:
        image, description = _apply_profile(image, profile, notes)
    if image.mode in ("L", "1"):
        notes.append("monochrome")
    elif image.mode == "CMYK":
        notes.append("CMYK without a usable profile")
    return image.convert("RGB"), description, notes


def _to_eight_bits(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode == "F" or values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        low, high = float(values.min()), float(values.max())
        values = (values - low) / max(high - low, 1e-12) * 255
    elif image.mode.startswith("I;16") or values.max(initial=0) > 255:
        values = values / 257
    return Image.fromarray(values.round().astype(np.uint8))


def _apply_profile(
    image: Image.Image, profile: bytes, notes: list[str]
) -> tuple[Image.Image, str]:
    """Convert to sRGB by the embedded profile; a profile that does not fit is noted, not fatal."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        description = ImageCms.getProfileDescription(source).strip()
        if "srgb" in description.lower() and image.mode == "RGB":
            return image, description
        flat = image if image.mode in ("RGB", "CMYK", "L") else image.convert("RGB")
        converted = ImageCms.profileToProfile(
            flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("unusable colour profile ignored")
        return image, ""
    notes.append(f"converted from {description or 'an unnamed profile'}")
    return converted if converted is not None else image, description
