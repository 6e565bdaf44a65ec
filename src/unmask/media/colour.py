"""From any of Pillow's modes to 8-bit sRGB, with a note of every conversion."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")


def to_srgb(
    image: Image.Image, turn: Image.Transpose | None = None
) -> tuple[Image.Image, str, list[str]]:
    """(picture in mode RGB, description of its colour profile or "", notes), after `turn`.

    Transparent parts are laid over white. A profile that cannot be used is noted, never fatal.
    """
    notes: list[str] = []
    profile = image.info.get("icc_profile")
    transparent = image.mode in _ALPHA or "transparency" in image.info
    if image.mode.startswith(("I", "F")):
        notes.append("reduced to 8 bits")
        image, transparent = eight_bits(image), False
    if turn is not None:
        image = image.transpose(turn)
    if transparent:
        notes.append("flattened over white")
        image = _over_white(image)
    description = ""
    if profile:
        image, description = _apply_profile(image, profile, notes)
    if image.mode in ("L", "1"):
        notes.append("monochrome")
    elif image.mode == "CMYK":
        notes.append("CMYK without a usable profile")
    elif image.mode == "LAB":
        image = _from_lab(image)
    # convert() would copy even where there is nothing to convert.
    return (image if image.mode == "RGB" else image.convert("RGB")), description, notes


def eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or of floats, to mode L; 16 bits keep their scale, others are fitted.

    Floats are fitted between their least and greatest finite value; what is not finite is black.
    """
    values: Any = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.arange(65536) / 257).round().astype(np.uint8)[values])
    if image.mode == "I" and values.size and values.min() >= 0 and values.max() <= 65535:
        scale = 257 if values.max() > 255 else 1
        return Image.fromarray((values / scale).round().astype(np.uint8))
    finite = np.isfinite(values)
    known = values[finite].astype(np.float64)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    fitted = np.zeros(values.shape, np.uint8)
    fitted[finite] = ((known - low) / max(high - low, 1e-12) * 255).round()
    return Image.fromarray(fitted)


def _over_white(image: Image.Image) -> Image.Image:
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    canvas = Image.new("RGB", rgba.size, "white")
    canvas.paste(rgba, mask=rgba)
    return canvas


def _from_lab(image: Image.Image) -> Image.Image:
    made: Any = ImageCms.profileToProfile(
        image,
        ImageCms.createProfile("LAB"),
        ImageCms.createProfile("sRGB"),
        outputMode="RGB",
    )
    return made  # type: ignore[no-any-return]


def _apply_profile(image: Image.Image, profile: bytes, notes: list[str]) -> tuple[Image.Image, str]:
    """Convert to sRGB by the embedded profile."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        description = ImageCms.getProfileDescription(source).strip()
        if "srgb" in description.lower() and image.mode == "RGB":
            return image, description
        flat = image if image.mode in ("RGB", "CMYK", "L", "LAB") else image.convert("RGB")
        converted: Any = ImageCms.profileToProfile(
            flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except MemoryError:
        raise
    except Exception:  # LittleCMS and its binding answer a forged profile in many ways
        notes.append("unusable colour profile ignored")
        return image, ""
    notes.append(f"converted from {description or 'an unnamed profile'}")
    return converted, description
