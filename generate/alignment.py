"""From a face in a picture to a canonical square, and back: found, aligned, matched, blended.

Everything is pure but the detector, which is YuNet (Wu et al. 2023, "YuNet: a tiny
millisecond-level face detector") run by OpenCV from a model file that the user names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.datasets.face_tracks import AlignedFace
from unmask.errors import UnmaskError, WeightsError

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float64]
Mask = NDArray[np.float32]  # (H, W) in [0, 1]: 1 where the new face stands alone
Box = tuple[int, int, int, int]  # x, y, width, height

# Eyes, nose and corners of the mouth, from left to right in the picture, as parts of the square's
# side: forehead and chin are in it. Proportions of an average face that looks ahead.
CANONICAL = np.array([(0.35, 0.38), (0.65, 0.38), (0.5, 0.552), (0.376, 0.727), (0.624, 0.727)])


class FaceError(UnmaskError):
    """No face where one is needed, or landmarks that no face can have."""


@dataclass(frozen=True, kw_only=True)
class Face:
    """A face that was found."""

    landmarks: Floats  # (5, 2) x, y in pixels, in the order of CANONICAL
    box: tuple[float, float, float, float]  # x, y, width, height
    score: float  # in [0, 1]


class FaceDetector(Protocol):
    """Whatever finds faces with their five landmarks."""

    def __call__(self, pixels: Pixels) -> Sequence[Face]:
        """The faces of an RGB picture, none or many."""
        ...


class YuNet:
    """The detector of OpenCV, from face_detection_yunet_*.onnx of its model zoo."""

    def __init__(self, model: Path, *, least_score: float = 0.5, longest: int = 640) -> None:
        """Pictures are searched at `longest` pixels a side or less. Raises WeightsError."""
        if not model.is_file():
            raise WeightsError(f"There is no face detector {model}.")
        try:
            self._net = cv2.FaceDetectorYN.create(str(model), "", (longest, longest), least_score)
        except cv2.error as error:
            raise WeightsError(f"{model} is no YuNet model.") from error
        self._longest = longest

    def __call__(self, pixels: Pixels) -> list[Face]:
        height, width = pixels.shape[:2]
        scale = min(1.0, self._longest / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        self._net.setInputSize(size)
        try:
            _, rows = self._net.detect(np.ascontiguousarray(small[:, :, ::-1]))
        except cv2.error as error:
            raise WeightsError("The face detector's model does not run as YuNet does.") from error
        ratio = np.array([width / size[0], height / size[1]])
        return [_face(row, ratio) for row in (rows if rows is not None else [])]


def _face(row: NDArray[np.float32], ratio: Floats) -> Face:
    x, y, width, height = (row[:4].astype(float).reshape(2, 2) * ratio).ravel().tolist()
    landmarks = row[4:14].astype(float).reshape(5, 2) * ratio
    return Face(landmarks=landmarks, box=(x, y, width, height), score=float(row[14]))


def similarity(source: Floats, target: Floats) -> Floats:
    """(2, 3): the rotation, scale and shift that bring (N, 2) points nearest to others.

    Least squares (Umeyama 1991), never a mirror image. Raises FaceError where the points are not
    finite or coincide.
    """
    from_mean, to_mean = source.mean(0), target.mean(0)
    centred = source - from_mean
    spread = float((centred**2).sum(1).mean())
    if not np.isfinite([source, target]).all() or spread < 1e-9:
        raise FaceError("The landmarks of a face coincide.")
    u, d, vt = np.linalg.svd((target - to_mean).T @ centred / len(source))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    turn = (u * sign) @ vt * (float(d @ sign) / spread)
    return np.column_stack([turn, to_mean - turn @ from_mean])


def moved(points: Floats, matrix: Floats) -> Floats:
    """(N, 2) points by a (2, 3) matrix."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def align(pixels: Pixels, landmarks: Floats, side: int, places: Floats = CANONICAL) -> AlignedFace:
    """The face in a square of `side` pixels, its landmarks at (5, 2) `places`, parts of the side.

    Raises FaceError.
    """
    # Pixel centres lie at whole numbers: the square goes from -0.5 to side - 0.5.
    matrix = similarity(landmarks, places * side - 0.5)
    x, y, width, height = square_in(pixels.shape, matrix, side)
    if not width or not height:
        raise FaceError("The face lies outside of the picture.")
    part = _smoothed(pixels[y : y + height, x : x + width], 1 / scale_of(matrix))
    local = np.column_stack([matrix[:, :2], moved(np.array([[x, y]]), matrix)[0]])
    square = cv2.warpAffine(
        part, local, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return AlignedFace(pixels=square, landmarks=moved(landmarks, matrix), matrix=matrix)


def scale_of(matrix: Floats) -> float:
    """Pixels of the square for each of the picture."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def _smoothed(pixels: Pixels, ratio: float) -> Pixels:
    """What is about to be shrunk `ratio` times, without what would alias."""
    if ratio <= 1.2:
        return np.ascontiguousarray(pixels)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.4 * ratio))


def square_in(shape: Sequence[int], matrix: Floats, side: int, rim: int = 2) -> Box:
    """The part of an (H, W, ...) picture that holds the square; empty where none of it does."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = moved(np.array([(0, 0), (side, 0), (side, side), (0, side)]) - 0.5, inverse)
    room = shape[1::-1]
    x0, y0 = (
        int(np.clip(v, 0, n)) for v, n in zip(np.floor(corners.min(0)) - rim, room, strict=True)
    )
    x1, y1 = (
        int(np.clip(v, 0, n)) for v, n in zip(np.ceil(corners.max(0)) + rim, room, strict=True)
    )
    return x0, y0, x1 - x0, y1 - y0


def crop_largest(
    pixels: Pixels, detector: FaceDetector, side: int, *,
    least_score: float = 0.8, least_eyes: float = 12.0,
) -> AlignedFace | None:  # fmt: skip
    """The largest face, aligned; None without one whose eyes are `least_eyes` pixels apart."""
    sure = [face for face in detector(pixels) if face.score >= least_score]
    if not sure:
        return None
    face = max(sure, key=lambda f: f.box[2] * f.box[3])
    if np.linalg.norm(face.landmarks[1] - face.landmarks[0]) < least_eyes:
        return None
    return align(pixels, face.landmarks, side)


def ellipse_mask(landmarks: Floats, side: int, soft: float = 0.25) -> Mask:
    """(side, side): from the brows to the chin of a face with (5, 2) landmarks in the square.

    It is 1 in the middle and falls to 0 over the outer `soft` of the radius.
    """
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    long = float(np.linalg.norm(mouth - eyes))
    if long < 1e-6:
        raise FaceError("The landmarks of a face coincide.")
    down = (mouth - eyes) / long
    across = np.array([down[1], -down[0]])
    wide = float(abs((landmarks[1] - landmarks[0]) @ across))
    y, x = np.mgrid[:side, :side]
    away = np.stack([x, y], 2) - (0.47 * eyes + 0.53 * mouth)
    # A face that looks aside has its eyes close together, and is still as wide as it is long.
    radii = max(wide, 0.8 * long), 1.05 * long
    r = np.hypot(away @ across / radii[0], away @ down / radii[1])
    ramp = np.clip((1 - r) / soft, 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def feathered(mask: Mask, part: float = 0.04) -> Mask:
    """A mask of a square, blurred by `part` of its side, that ends before the square does."""
    reach = max(1, round(part * len(mask)))
    hard = np.pad(mask[2 * reach : -2 * reach, 2 * reach : -2 * reach], 2 * reach)
    soft = cv2.GaussianBlur(hard, (4 * reach + 1,) * 2, reach, borderType=cv2.BORDER_CONSTANT)
    soft[[0, -1]] = soft[:, [0, -1]] = 0
    return np.asarray(np.clip(soft, 0, 1), np.float32)


def match_colour(face: Pixels, target: Pixels, mask: Mask) -> Pixels:
    """`face` with the mean and deviation of `target` in each channel of Lab, under the mask.

    After Reinhard et al. 2001, "Color transfer between images". An empty mask changes nothing.
    """
    total = float(mask.sum())
    if total < 1.0:
        return face
    ours, theirs = (
        cv2.cvtColor(p.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for p in (face, target)
    )
    (mean, spread), (to_mean, to_spread) = (_moments(lab, mask / total) for lab in (ours, theirs))
    # A flat face is not stretched: there would be nothing but its noise to stretch.
    gain = np.clip(to_spread / np.maximum(spread, 1e-3), 0.25, 4)
    lab = ((ours - mean) * gain + to_mean).astype(np.float32)
    rgb = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255, 0, 255)
    return np.asarray(rgb.round(), np.uint8)


def _moments(values: NDArray[np.float32], weights: Mask) -> tuple[Floats, Floats]:
    mean = (values * weights[..., None]).sum((0, 1), dtype=np.float64)
    square = ((values - mean) ** 2 * weights[..., None]).sum((0, 1), dtype=np.float64)
    return mean, np.sqrt(square)


def blend(picture: Pixels, face: Pixels, mask: Mask, matrix: Floats) -> tuple[Pixels, Mask]:
    """(`picture` with the square `face` laid over it, the mask in the picture).

    `matrix` (2, 3) leads from the picture to the square. Where the mask is 0, the picture stays
    bit for bit.
    """
    x, y, width, height = square_in(picture.shape, matrix, len(face))
    out, whole = picture.copy(), np.zeros(picture.shape[:2], np.float32)
    if not width or not height:
        return out, whole
    local = np.column_stack([matrix[:, :2], moved(np.array([[x, y]]), matrix)[0]])
    back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP  # the matrix leads the other way
    laid = cv2.warpAffine(
        _smoothed(face, scale_of(matrix)), local, (width, height),
        flags=back, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    weight = cv2.warpAffine(mask, local, (width, height), flags=back, borderValue=0)
    part = out[y : y + height, x : x + width]
    mixed = part + weight[..., None] * (laid.astype(np.float32) - part)
    part[weight > 0] = np.clip(mixed.round(), 0, 255).astype(np.uint8)[weight > 0]
    whole[y : y + height, x : x + width] = weight
    return out, whole


def box_of(mask: Mask, least: float = 0.5) -> Box | None:
    """The box around what a mask covers by `least` or more; None where it covers nothing."""
    rows, columns = np.flatnonzero((mask >= least).any(1)), np.flatnonzero((mask >= least).any(0))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y
