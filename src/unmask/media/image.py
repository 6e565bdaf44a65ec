"""Stills: from bytes of an allowed format to 8-bit RGB pixels."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from unmask.errors import MediaError, Reason
from unmask.media import tiff
from unmask.media.colour import to_srgb
from unmask.media.limits import Limits
from unmask.media.sniff import HEIC, TIFF, Format
from unmask.media.survey import Survey, survey

# Called by name, never through Image.open: that would try 45 openers (EPS starts Ghostscript),
# and its own cap of 89 MP is below ours.
_OPENERS: dict[str, Callable[..., Any]] = {
    "jpeg": JpegImagePlugin.jpeg_factory,  # or MPO: phones append depth maps and films
    "png": PngImagePlugin.PngImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "heic": pillow_heif.HeifImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
}
# One line for each bad tag, thousands in a hostile file; what matters is raised or in the facts.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
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
    """The file as Pillow opens it, unconverted, by its own format's opener alone.

    Raises MediaError (CORRUPT, TOO_LARGE) for whatever Pillow raises, inside the block too.
    """
    try:
        with _OPENERS[fmt.name](io.BytesIO(data)) as image:
            yield image
    except MediaError:
        raise
    except MemoryError as error:
        raise MediaError(Reason.TOO_LARGE, "The picture does not fit in memory.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(Reason.TOO_LARGE, f"The picture is too large: {error}") from error
    # On damaged files Pillow's openers raise whatever the damage leads to: OSError, SyntaxError,
    # struct.error, zlib.error, KeyError ... A list of them was never complete.
    except Exception as error:
        if "too large" in str(error):  # a text chunk or profile that unpacks to far more
            raise MediaError(Reason.TOO_LARGE, f"Compressed metadata: {error}.") from error
        detail = str(error) or type(error).__name__
        raise MediaError(Reason.CORRUPT, f"The {fmt.name} file is damaged: {detail}.") from error


def read_image(data: bytes, fmt: Format, limits: Limits) -> tuple[NDArray[np.uint8], ImageInfo]:
    """Decode the first frame to (H, W, 3) uint8 sRGB, upright, over white where transparent.

    Raises MediaError: CORRUPT, TOO_LARGE, UNSUPPORTED.
    """
    walked = survey(data, fmt, limits)
    with pillow_image(data, fmt) as image:
        mode, (width, height) = image.mode, image.size
        _check_size(width * height, walked, limits)
        frames = walked.frames if walked.frames is not None else getattr(image, "n_frames", 1)
        image.load()
        if walked.end and _ends_in_gray(image) and _was_cut(data, fmt, walked.end, image):
            raise MediaError(Reason.CORRUPT, "The JPEG was cut short, and given an end.")
        # Asked for after loading: a PNG's EXIF may stand behind its pixels.
        orientation = _orientation(image, fmt, walked)
        if fmt is TIFF and orientation > 4:  # Pillow has turned it already, and its size too
            width, height = height, width
        turn = _TURNS.get(orientation) if fmt is not TIFF else None
        rgb, description, notes = to_srgb(image, turn)
        pixels = np.asarray(rgb, dtype=np.uint8)
    pixels.flags.writeable = False
    if walked.preview:
        notes.append("a raw file's own preview: what the sensor saw is not read")
    if frames > 1:
        notes.append(f"first of {frames} frames")
    info = ImageInfo(
        mode=mode, width=width, height=height, frames=int(frames), orientation=orientation,
        icc_profile=description, notes=tuple(notes),
    )  # fmt: skip
    return pixels, info


def _ends_in_gray(image: Image.Image) -> bool:
    """Whether the last row is what libjpeg puts in place of missing data."""
    last = image.crop((0, image.height - 1, image.width, image.height))
    return image.mode in ("RGB", "L") and bool((np.asarray(last) == 128).all())


def _was_cut(data: bytes, fmt: Format, end: int, image: Image.Image) -> bool:
    """Whether the decoder would have taken more, had there been more before the end marker."""
    with pillow_image(data[:end] + b"\x55" * 4096 + data[end:], fmt) as longer:
        rows = (0, image.height - 1 - image.height // 2, image.width, image.height)
        return not np.array_equal(np.asarray(image.crop(rows)), np.asarray(longer.crop(rows)))


def _check_size(pixels: int, walked: Survey, limits: Limits) -> None:
    if pixels < 1:
        raise MediaError(Reason.CORRUPT, "The picture has no pixels.")
    if pixels > limits.pixels:
        raise MediaError(
            Reason.TOO_LARGE,
            f"The picture has {pixels / 1e6:.0f} megapixels; "
            f"the limit is {limits.pixels / 1e6:.0f}.",
        )
    if pixels * walked.scans > limits.scanned_pixels:
        raise MediaError(Reason.TOO_LARGE, "The JPEG has too many scans for its size.")


def _orientation(image: Image.Image, fmt: Format, walked: Survey) -> int:
    """By EXIF alone, as browsers do. HEIC is turned by its own boxes, which libheif has obeyed."""
    if fmt is TIFF:
        return walked.orientation
    block = image.info.get("exif")
    return tiff.orientation(block) if isinstance(block, bytes) and fmt is not HEIC else 1
