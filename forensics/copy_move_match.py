"""Copy-move in arrays: parts copied within a picture, turned, scaled or mirrored too."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.forensics.planes import Plane

Points = NDArray[np.float32]  # (N, 2): x, y

_KEYPOINTS = 3000
_RATIO = 0.6  # of descriptor distances, Amerini 2011
_APART = 24.0  # pixels between a part and its copy, at least
_CLOSE = 3.0  # pixels by which a match may miss the transform
_WINDOW = 15  # pixels a side over which contents are correlated
MIN_MATCHES = 6


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Two parts of a picture that are the same up to an affine transform."""

    matches: int  # keypoints that agree with the transform
    transform: NDArray[np.float64]  # (2, 3): from one part to the other
    mirrored: bool
    mask: NDArray[np.bool_]  # (H, W): both parts, where contents agree
    grain: float  # correlation of the two parts' grain, in [-1, 1]; 1 = the same pixels
    texture: float  # share of the part, in [0, 1], with contrast to compare
    overlap: float  # share of the part, in [0, 1], that its copy covers: a regular structure


def mirror(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 128) SIFT descriptors of the picture's mirror image, with no second detection.

    Mirroring reverses the four rows of cells and turns each of the 8 orientations around.
    """
    cells = descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
    return np.ascontiguousarray(cells[..., (-np.arange(8)) % 8].reshape(-1, 128))


def similar_pairs(
    queries: NDArray[np.float32], targets: NDArray[np.float32], points: Points
) -> NDArray[np.int64]:
    """(M, 2) indices of keypoints with like surroundings: generalised two-nearest-neighbours.

    Distances are sorted; neighbours count while each is under 0.6 of the next (Amerini et al.
    2011), up to four. Neighbours closer than 24 pixels are no copies.
    """
    squared = 2 - 2 * (queries @ targets.T)
    length = (points**2).sum(1)
    squared[length[:, None] + length[None, :] - 2 * (points @ points.T) < _APART**2] = np.inf
    depth = min(6, len(points) - 1)
    nearest = np.argpartition(squared, depth - 1, axis=1)[:, :depth]
    distance = np.sqrt(np.maximum(np.take_along_axis(squared, nearest, 1), 0))
    order = np.argsort(distance, axis=1)
    nearest = np.take_along_axis(nearest, order, 1)
    distance = np.take_along_axis(distance, order, 1)
    ratio = distance[:, :-1] / np.maximum(distance[:, 1:], 1e-6)
    # The last neighbour before the first clear jump, and all before it.
    jump = ratio[:, :4] < _RATIO
    count = np.where(jump.any(1), jump.argmax(1) + 1, 0)
    rows = np.repeat(np.arange(len(points)), count)
    columns = nearest[np.arange(depth)[None, :] < count[:, None]]
    return np.stack([rows, columns], axis=1)


def keypoints(luma: NDArray[np.uint8]) -> tuple[Points, NDArray[np.float32]]:
    """SIFT keypoints (N, 2) and unit descriptors (N, 128) of (H, W) uint8; N may be 0."""
    found, raw = cv2.SIFT.create(nfeatures=_KEYPOINTS, contrastThreshold=0.01).detectAndCompute(
        luma, None
    )
    if raw is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    points = np.array([k.pt for k in found], dtype=np.float32)
    # One place may carry several orientations: the same pixels, so no second witness.
    _, first = np.unique(points.round().astype(int), axis=0, return_index=True)
    unit = raw[first] / np.maximum(np.linalg.norm(raw[first], axis=1, keepdims=True), 1e-6)
    return points[first], unit


def find_copies(luma: NDArray[np.uint8], most: int = 3) -> list[Copy]:
    """Find parts of (H, W) uint8 luma that were copied within it, the best first.

    Matches by `similar_pairs` (plain and mirrored), one affine transform after another by
    RANSAC, then the parts are warped onto each other and compared.
    """
    points, unit = keypoints(luma)
    if len(points) < 2 * MIN_MATCHES:
        return []
    copies: list[Copy] = []
    for mirrored in (False, True):
        targets = mirror(unit) if mirrored else unit
        pairs = similar_pairs(unit, targets, points)
        while len(copies) < most and len(pairs) >= MIN_MATCHES:
            copy, pairs = _next_copy(luma, points, pairs, mirrored)
            if copy is None:
                break
            copies.append(copy)
    return sorted(copies, key=lambda c: -c.grain)


def _next_copy(
    luma: NDArray[np.uint8], points: Points, pairs: NDArray[np.int64], mirrored: bool
) -> tuple[Copy | None, NDArray[np.int64]]:
    """The transform that most pairs obey, and the pairs that are left; None at the last."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    transform, inlier = cv2.estimateAffine2D(
        points[both[:, 0]], points[both[:, 1]], ransacReprojThreshold=_CLOSE, maxIters=3000,
        confidence=0.995,
    )  # fmt: skip
    if transform is None:
        return None, pairs
    used = both[inlier.ravel() == 1]
    witnesses = len({frozenset(p) for p in used.tolist()})
    if witnesses < MIN_MATCHES or not _plausible(transform, mirrored):
        return None, pairs
    gone = {frozenset(p) for p in used.tolist()}
    left = np.array([p for p in pairs.tolist() if frozenset(p) not in gone]).reshape(-1, 2)
    hull = cv2.convexHull(points[used[:, 0]])
    mask, grain, texture = compare(luma, transform, hull)
    copy = Copy(
        matches=witnesses, transform=transform, mirrored=mirrored, mask=mask, grain=grain,
        texture=texture, overlap=_overlap(hull, transform),
    )  # fmt: skip
    return copy, left.astype(np.int64)


def _overlap(hull: Points, transform: NDArray[np.float64]) -> float:
    if cv2.contourArea(hull) < 1:
        return 1.0  # all on one line: nothing that was cut out
    moved = cv2.transform(hull, transform).astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(hull, moved)
    return float(shared / max(cv2.contourArea(hull), 1.0))


def _plausible(transform: NDArray[np.float64], mirrored: bool) -> bool:
    """Whether editors make such transforms: scaled by 1/3 to 3, hardly sheared."""
    linear = transform[:, :2]
    large, small = np.linalg.svd(linear, compute_uv=False)
    return bool(
        (np.linalg.det(linear) < 0) == mirrored and small > 1 / 3
        and large < 3 and large < 1.6 * small
    )  # fmt: skip


def compare(
    luma: NDArray[np.uint8], transform: NDArray[np.float64], hull: Points
) -> tuple[NDArray[np.bool_], float, float]:
    """Warp the picture by `transform` and compare it with itself in and around `hull`.

    Returns the mask of both parts where 15 x 15 windows correlate above 0.8; then, over `hull`,
    the lower quartile of the correlation of the grain, and the share of `hull` that has contrast.
    """
    shape = luma.shape
    base = luma.astype(np.float32)
    moved = cv2.warpAffine(
        base, transform, shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=-1
    )
    inside = cv2.fillConvexPoly(np.zeros(shape, np.uint8), hull.round().astype(np.int32), 1)
    near = cv2.dilate(inside, np.ones((_WINDOW * 3, _WINDOW * 3), np.uint8)) > 0
    valid = moved >= 0
    part = (near & valid & (_correlation(base, moved, 1.0) > 0.8)).astype(np.uint8)
    part = cv2.morphologyEx(part, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    copied = cv2.warpAffine(part, transform, shape[::-1])
    within = (inside > 0) & valid
    if within.sum() < 64:
        return np.zeros(shape, bool), 0.0, 0.0
    grain = _correlation(_grain(base), _grain(moved), 0.1)
    contrast = float((np.abs(_grain(base))[within] > 0.5).mean())
    return (part + copied) > 0, float(np.percentile(grain[within], 25)), contrast


def _grain(plane: Plane) -> Plane:
    """The band between Gaussians of 0.7 and 2 pixels: the finest that survives resampling.

    Edges are held down, for copies of one printed sign share them.
    """
    band = cv2.GaussianBlur(plane, (0, 0), 0.7) - cv2.GaussianBlur(plane, (0, 0), 2.0)
    return np.asarray(np.clip(band, -4, 4), dtype=np.float32)


def _correlation(first: Plane, second: Plane, least: float) -> Plane:
    """Correlation of two pictures in the 15 x 15 window around each pixel, in [-1, 1]; 0 where
    the product of their variances is under `least`.
    """

    def mean(plane: Plane) -> Plane:
        out: Plane = cv2.blur(plane, (_WINDOW, _WINDOW))
        return out

    a, b = mean(first), mean(second)
    both = mean(first * second) - a * b
    spread = (mean(first * first) - a * a) * (mean(second * second) - b * b)
    correlation = both / np.sqrt(np.maximum(spread, least))
    return np.asarray(np.where(spread > least, correlation, 0), dtype=np.float32)
