"""The small preview that a camera or editor stored, against the picture itself.

Programs that change a picture sometimes leave the old thumbnail in place; then it shows what the
picture was. Aspect, black bars and the EXIF orientation are allowed for, and the comparison is of
brightness alone after fitting gain and offset, so that tone edits count for little.

Measured on the 37 thumbnails that unaltered or merely toned web photographs and C2PA samples carry:
correlation at least 0.978, changed share at most 0.0005, no claim.
"""

import io
import warnings
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from unmask.errors import MediaError
from unmask.evidence import Basis, Claim, ClaimKind, Finding, Kind, NotApplicable
from unmask.forensics.carriers import blocks_of
from unmask.forensics.fields import parse_exif, resources
from unmask.forensics.thumbnail_compare import (
    MIN_SIDE,
    SAME_PICTURE,
    Comparison,
    Grey,
    best_comparison,
    grey,
)
from unmask.media import Media
from unmask.registry import analyser

OTHER_PICTURE = 0.6  # correlation below: another picture
LOCAL_SHARE = 0.01  # of the picture
MIN_CONTRAST = 8.0  # grey levels, standard deviation: a flat thumbnail matches anything
CROP_GAIN = 0.1  # rise in correlation by which a part of the thumbnail fits better than the whole


def thumbnails(data: bytes, format_name: str) -> dict[str, bytes]:
    """Encoded previews by where they stand: EXIF's IFD1, Photoshop's resource 1036."""
    blocks = blocks_of(data, format_name) if format_name in ("jpeg", "png", "webp") else None
    found: dict[str, bytes] = {}
    if blocks is None:
        return found
    exif = parse_exif(blocks.exif) if blocks.exif else None
    if exif is not None:
        try:
            first = exif.get_ifd(ExifTags.IFD.IFD1)
            start, size = int(first.get(0x201, 0)), int(first.get(0x202, 0))
        except Exception:  # Pillow raises whatever the damage leads to
            start = size = 0
        if start > 0 and 100 < size < 4 * 1024**2:
            found["EXIF"] = blocks.exif[start : start + size]
    for number, body in resources(blocks.photoshop):
        if number == 1036 and len(body) > 128:
            found["Photoshop"] = body[28:]
    return {k: v for k, v in found.items() if v.startswith(b"\xff\xd8")}


def decode_thumbnail(data: bytes) -> NDArray[np.uint8] | None:
    """(h, w, 3) RGB of a small JPEG; None where it is damaged, huge or tiny."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
                if max(image.size) > 4096 or min(image.size) < MIN_SIDE:
                    return None
                return np.array(image.convert("RGB"))
    except Exception:  # as for any picture of a stranger's: Pillow's plugins raise many kinds
        return None


def judge(found: Comparison, contrast: float) -> tuple[str, str]:
    """(code, sentence): agrees, flat, cropped, other, changed, unclear."""
    if contrast < MIN_CONTRAST:
        return "flat", "The thumbnail has too little contrast to be compared."
    if found.correlation < SAME_PICTURE and found.crop_correlation >= max(
        SAME_PICTURE, found.correlation + CROP_GAIN
    ):
        return "cropped", "The thumbnail shows more than the picture, which was cropped after it."
    if found.rest_correlation >= SAME_PICTURE and found.changed_share >= LOCAL_SHARE:
        share = max(1, round(found.changed_share * 100))
        return "changed", f"The thumbnail and the picture differ in about {share}% of the area."
    if found.correlation < OTHER_PICTURE:
        return "other", "The thumbnail shows another picture than the file does."
    if found.correlation >= SAME_PICTURE:
        return "agrees", "The thumbnail shows the same picture."
    return "unclear", "The thumbnail resembles the picture, but tone or framing were changed."


_KINDS = {
    "cropped": ClaimKind.EDITED,
    "other": ClaimKind.ALTERED,
    "changed": ClaimKind.ALTERED,
}


@analyser(
    "thumbnail",
    Kind.IMAGE,
    title="Embedded thumbnail",
    reads="the preview that EXIF or Photoshop keeps beside the picture",
    look_for="a preview that shows something else, or more, than the picture",
    ignore="tone and colour differences; thin bright edges in the map, which sharpening leaves",
    paper="Kee and Farid 2010, Digital image authentication from thumbnails",
)
def thumbnail(media: Media) -> Finding | NotApplicable:
    """Whether the stored preview and the picture show the same."""
    stored = thumbnails(media.data, media.format.name)
    decoded = {k: t for k, v in stored.items() if (t := decode_thumbnail(v)) is not None}
    if not decoded:
        text = "The file holds no thumbnail that can be compared."
        return NotApplicable(code="no_thumbnail", text=text)
    try:
        orientation = media.image_info.orientation
        picture = _reduced(media.pixels)
    except (MediaError, cv2.error):
        return NotApplicable(code="too_small", text="The picture is too small to be compared.")
    if min(picture.shape) < MIN_SIDE:
        return NotApplicable(code="too_small", text="The picture is too small to be compared.")
    judged = []
    for where, thumb in decoded.items():
        result = best_comparison(picture, thumb, orientation)
        judged.append((where, thumb, result, *judge(result, float(grey(thumb).std()))))
    worst = min(judged, key=lambda j: (j[3] not in _KINDS, j[2].correlation))
    facts: dict[str, Any] = {"thumbnails": [_facts(w, t, c, code) for w, t, c, code, _ in judged]}
    claims = tuple(
        Claim(kind=_KINDS[code], basis=Basis.MEASURED, text=f"{text} ({where})")
        for where, _, _, code, text in judged
        if code in _KINDS
    )
    return Finding(
        summary=worst[4],
        notable=bool(claims) or worst[2].aspect_off > 0.05,
        claims=claims,
        facts=facts,
        heatmap=np.clip(worst[2].difference / 128.0, 0, 1).astype(np.float32),
    )


def _reduced(pixels: NDArray[np.uint8]) -> Grey:
    """At most about 1024 px a side, so that the comparison's cost does not grow with the file."""
    step = max(1, max(pixels.shape[:2]) // 2048)
    small = grey(pixels[::step, ::step])
    scale = 1024 / max(small.shape)
    if scale >= 1:
        return small
    size = max(1, round(small.shape[1] * scale)), max(1, round(small.shape[0] * scale))
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA))


def _facts(where: str, thumb: NDArray[np.uint8], found: Comparison, code: str) -> dict[str, Any]:
    return {
        "where": where,
        "width": thumb.shape[1],
        "height": thumb.shape[0],
        "result": code,
        "correlation": round(found.correlation, 4),
        "correlation_outside_changes": round(found.rest_correlation, 4),
        "ssim": round(found.ssim, 4),
        "changed_share": round(found.changed_share, 4),
        "aspect_difference": round(found.aspect_off, 4),
        "best_part_correlation": round(found.crop_correlation, 4),
        "best_part": [round(float(x), 3) for x in found.crop],
    }
