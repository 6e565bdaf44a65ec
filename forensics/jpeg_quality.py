"""Quality of a quantisation table, and of a former JPEG from the steps left in its pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.JpegPresets import presets

from unmask.forensics.jpeg_file import Table

# ITU T.81, annex K, tables K.1 and K.2: what libjpeg scales for its qualities 1-100.
LUMA = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
])  # fmt: skip
CHROMA = np.full((8, 8), 99)
CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
# MozJPEG's default for both planes, by N. Robidoux.
ROBIDOUX = np.array([
    [16, 16, 16, 18, 25, 37, 56, 85], [16, 17, 20, 27, 34, 40, 53, 75],
    [16, 20, 24, 31, 43, 62, 91, 135], [18, 27, 31, 40, 53, 74, 106, 156],
    [25, 34, 43, 53, 69, 94, 131, 189], [37, 40, 62, 74, 94, 124, 169, 238],
    [56, 53, 91, 106, 131, 169, 226, 311], [85, 75, 135, 156, 189, 238, 311, 418],
])  # fmt: skip


def scaled(base: NDArray[np.int_], quality: int) -> Table:
    """`base` at libjpeg's quality 1-100, held to 1-255 as baseline files require."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((base * scale + 50) // 100, 1, 255).astype(np.int32)


_FAMILIES = {
    "libjpeg, luma": np.stack([scaled(LUMA, q) for q in range(1, 101)]),
    "libjpeg, chroma": np.stack([scaled(CHROMA, q) for q in range(1, 101)]),
    "MozJPEG": np.stack([scaled(ROBIDOUX, q) for q in range(1, 101)]),
}
_PRESETS: dict[str, Any] = presets
# Pillow ships Photoshop's tables under Photoshop's names, in natural order like ours.
_PHOTOSHOP = {
    name: [np.array(table).reshape(8, 8) for table in preset["quantization"]]
    for name, preset in _PRESETS.items()
}


@dataclass(frozen=True, kw_only=True)
class TableMatch:
    """The libjpeg quality nearest to a table, and whose table it is where that is known."""

    quality: int  # 1-100
    exact: bool  # the table is libjpeg's own at this quality
    origin: str  # "libjpeg", "MozJPEG", "Photoshop (web_high)" or "non-standard"


def match_table(table: Table, chroma: bool = False) -> TableMatch:
    """Compare an (8, 8) quantisation table with known families.

    The quality of an unknown table is that of the libjpeg table with the nearest mean log step.
    """
    family = _FAMILIES["libjpeg, chroma" if chroma else "libjpeg, luma"]
    equal = (family == table).all((1, 2))
    if equal.any():
        return TableMatch(quality=int(equal.argmax()) + 1, exact=True, origin="libjpeg")
    distance = np.abs(np.log(family.clip(1)) - np.log(np.clip(table, 1, None))).mean((1, 2))
    return TableMatch(quality=int(distance.argmin()) + 1, exact=False, origin=_origin(table))


def _origin(table: Table) -> str:
    if (_FAMILIES["MozJPEG"] == table).all((1, 2)).any():
        return "MozJPEG"
    for name, tables in _PHOTOSHOP.items():
        if any((known == table).all() for known in tables):
            return f"Photoshop ({name})"
    return "non-standard"


def former_quality(coefficients: NDArray[np.float32]) -> tuple[int, float] | None:
    """Estimate the quality of a JPEG that was decoded, from (N, 8, 8) DCT of its aligned blocks.

    Returns (libjpeg quality, score); the score is the mean cos(2 pi c / q) of the coefficients
    that were not quantised to zero: about 0 for a picture that never was a JPEG, 1 for perfect
    steps. None where too few coefficients are left or the score is below 0.3. After Fan and
    de Queiroz 2003, with libjpeg's tables as the only candidates.
    """
    # Low frequencies have the most non-zero values; DC is left out, for its spread hides steps.
    where = [(v, u) for v in range(7) for u in range(7) if 0 < v + u < 7]
    total = np.zeros(100)
    count = np.zeros(100)
    for v, u in where:
        values = coefficients[:, v, u][:20000]
        steps, back = np.unique(_FAMILIES["libjpeg, luma"][:, v, u], return_inverse=True)
        for i, step in enumerate(steps):
            kept = values[np.abs(values) > step / 2]
            mine = back == i
            # A step of 1 cannot be told from the rounding of pixels.
            if len(kept) >= 30 and step > 1:
                total[mine] += np.cos(2 * np.pi * kept / step).mean()
                count[mine] += 1
    score = np.where(count >= 4, total / np.maximum(count, 1), 0)
    best = int(score.argmax())
    return (best + 1, float(score[best])) if score[best] >= 0.3 else None
