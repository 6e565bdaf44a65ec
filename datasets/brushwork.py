"""Photographs as brushes would lay them: flat patches along the forms, and strokes one by one.

Pure functions of arrays. Pictures are (H, W, 3) float32 RGB in [0, 1]; lengths are in pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_SECTORS = 8  # of the ellipse that a pixel's neighbours are sorted into
_HARDNESS = 8  # power of the deviations by which the flattest sector wins
_ROUND = 3.125  # how fast the weight falls from the middle of the ellipse to its rim
_CROSSING = 3 * np.pi / 8  # angle at which a sector's weight is 0


@dataclass(frozen=True, kw_only=True)
class Flow:
    """How forms run through a picture."""

    angle: Floats  # (H, W) radians, of the direction in which least changes
    strength: Floats  # (H, W) in [0, 1]: 0 the same all around, 1 an edge


def luminance(picture: Floats) -> Floats:
    """(H, W, 3) -> (H, W)."""
    return picture @ _LUMA


def flow_of(picture: Floats, sigma: float) -> Flow:
    """The flow of a picture from its structure tensor, smoothed by `sigma`."""
    light = luminance(picture)
    # The kernel of Jähne et al. (1999), whose gradients have the same length in all directions.
    x, y = (cv2.Scharr(light, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1)))
    xx, xy, yy = (cv2.GaussianBlur(part, (0, 0), sigma) for part in (x * x, x * y, y * y))
    root = np.hypot(xx - yy, 2 * xy)
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    strength = root / np.maximum(xx + yy, 1e-9)
    return Flow(angle=(across + np.pi / 2).astype(np.float32), strength=strength)


def kuwahara(picture: Floats, radius: float, *, sigma: float = 2.0) -> Floats:
    """Each pixel as the flattest neighbourhood on one side of it: patches that end at edges.

    The anisotropic filter with polynomial weights: an ellipse along the flow, cut into eight
    sectors whose means count the more, the less they vary (Kuwahara 1976; Papari et al. 2007;
    Kyprianidis et al. 2009, "Image and video abstraction by anisotropic Kuwahara filtering", and
    2010). `radius` is that of the ellipse where it is a circle.
    """
    height, width = picture.shape[:2]
    flow = flow_of(picture, sigma)
    longer = 1 + flow.strength
    cos, sin = np.cos(flow.angle), np.sin(flow.angle)
    reach = int(np.ceil(2 * radius))
    padded = np.pad(picture.transpose(2, 0, 1), ((0, 0), (reach, reach), (reach, reach)), "reflect")
    sums = np.zeros((4, _SECTORS, height, width), np.float32)  # of the colours, and of the weights
    squares = np.zeros((_SECTORS, height, width), np.float32)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            along = (cos * dx + sin * dy) / (radius * longer)
            aside = (cos * dy - sin * dx) * longer / radius
            weights = _sector_weights(along, aside, 2 / radius)
            if weights is None:
                continue
            seen = padded[:, reach + dy : reach + dy + height, reach + dx : reach + dx + width]
            for total, colour in zip(sums, seen, strict=False):
                total += weights * colour
            sums[3] += weights
            squares += weights * np.square(seen).sum(0)
    return _flattest(sums, squares)


def _sector_weights(along: Floats, aside: Floats, overlap: float) -> Floats | None:
    """(8, H, W) of a neighbour at that place in the unit disk; None where it is in no pixel's."""
    distance = along**2 + aside**2
    inside = distance <= 1
    if not inside.any():
        return None
    bend = (overlap + np.cos(_CROSSING)) / np.sin(_CROSSING) ** 2
    weights = np.empty((_SECTORS, *along.shape), np.float32)
    diagonal = np.sqrt(0.5) * (along - aside), np.sqrt(0.5) * (along + aside)
    for first, (x, y) in enumerate(((along, aside), diagonal)):
        for i, (ahead, beside) in enumerate(((y, x), (-x, y), (-y, x), (x, y))):
            weights[first + 2 * i] = np.maximum(0, ahead + overlap - bend * beside**2) ** 2
    weights *= inside * np.exp(-_ROUND * distance) / np.maximum(weights.sum(0), 1e-9)
    return weights


def _flattest(sums: Floats, squares: Floats) -> Floats:
    """(4, 8, H, W) and (8, H, W) -> (H, W, 3): the sectors' means, by how little they vary."""
    weights = np.maximum(sums[3], 1e-9)
    means = sums[:3] / weights
    variances = np.abs(squares / weights - np.square(means).sum(0))
    shares = 1 / (1 + (255**2 * variances) ** (_HARDNESS / 2))
    mixed = (shares * means).sum(1) / shares.sum(0)
    return np.ascontiguousarray(mixed.transpose(1, 2, 0), np.float32)


@dataclass(frozen=True, kw_only=True)
class Brushes:
    """What strokes are laid with, from the coarsest to the finest."""

    radii: tuple[float, ...]  # pixels
    shortest: int = 3  # radii that a stroke is long at least
    longest: int = 8
    patience: float = 0.1  # difference in colour, [0, sqrt 3], that a brush leaves as it is
    curved: float = 0.6  # 1: along the form alone; towards 0: as the stroke went before
    opaque: float = 1.0
    jitter: float = 0.02  # deviation of a stroke's colour


def strokes(
    picture: Floats, canvas: Floats, brushes: Brushes, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """(the canvas painted over after `picture`, (H, W) how thick the paint lies, in [0, 1]).

    Curved strokes of several sizes: each brush paints where the canvas still differs, along the
    lines on which brightness stays (Hertzmann 1998, "Painterly rendering with curved brush strokes
    of multiple sizes").
    """
    painted, thick = canvas.copy(), np.zeros(canvas.shape[:2], np.float32)
    for radius in brushes.radii:
        goal = cv2.GaussianBlur(picture, (0, 0), max(0.5, radius / 2))
        starts = _starts(goal, painted, radius, brushes.patience)
        if not len(starts):
            continue
        starts = starts[rng.permutation(len(starts))]
        paths, lengths = _paths(goal, painted, starts, radius, brushes)
        colours = goal[starts[:, 1], starts[:, 0]]
        colours = colours + rng.normal(0, brushes.jitter, colours.shape)
        layer, height = painted.copy(), thick.copy()
        for path, colour in zip(_cut(paths, lengths), colours.clip(0, 1).tolist(), strict=True):
            _lay(layer, path, colour, radius)
            _lay(height, path, [float(rng.uniform(0.3, 1.0))], radius)
        painted += brushes.opaque * (layer - painted)
        thick = height
    return painted, thick


def _starts(goal: Floats, painted: Floats, radius: float, patience: float) -> NDArray[np.intp]:
    """(N, 2) x, y: of each cell of a grid that differs enough, the place that differs most."""
    cell = max(1, round(radius))
    wrong = np.linalg.norm(goal - painted, axis=2)
    rows, columns = (n // cell for n in wrong.shape)
    cells = wrong[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    cells = cells.transpose(0, 2, 1, 3).reshape(rows, columns, cell * cell)
    row, column = np.nonzero(cells.mean(2) > patience)
    y, x = np.divmod(cells[row, column].argmax(1), cell)
    return np.column_stack([column * cell + x, row * cell + y])


def _paths(
    goal: Floats, painted: Floats, starts: NDArray[np.intp], radius: float, brushes: Brushes
) -> tuple[Floats, NDArray[np.intp]]:
    """((N, L, 2) points of all strokes, (N,) how many of them each stroke has), step by step."""
    height, width = goal.shape[:2]
    flow = flow_of(goal, max(1.0, radius / 2))
    colours = goal[starts[:, 1], starts[:, 0]]
    points = [starts.astype(np.float32)]
    heading = np.zeros_like(points[0])
    lengths, alive = np.ones(len(starts), np.intp), np.ones(len(starts), bool)
    for step in range(1, brushes.longest + 1):
        x, y = np.rint(points[-1]).astype(int).T.clip(0, [[width - 1], [height - 1]])
        away = np.linalg.norm(goal[y, x] - colours, axis=1)
        left = np.linalg.norm(goal[y, x] - painted[y, x], axis=1)
        alive &= (step <= brushes.shortest) | (left >= away)
        way = np.column_stack([np.cos(flow.angle[y, x]), np.sin(flow.angle[y, x])])
        # A form has no direction: it is followed onwards, not back.
        way *= np.where((way * heading).sum(1) < 0, -1, 1)[:, None]
        heading = brushes.curved * way + (1 - brushes.curved) * heading
        heading /= np.maximum(np.linalg.norm(heading, axis=1, keepdims=True), 1e-6)
        points.append((points[-1] + radius * heading).astype(np.float32))
        lengths += alive
    return np.stack(points, 1), lengths


def _cut(paths: Floats, lengths: NDArray[np.intp]) -> Iterator[Floats]:
    for path, length in zip(paths, lengths, strict=True):
        yield path[:length]


def _lay(canvas: Floats, path: Floats, colour: Sequence[float], radius: float) -> None:
    """One stroke onto (H, W) or (H, W, 3), in place. The path is in sixteenths of a pixel."""
    points = [np.rint(path * 16).astype(np.int32)]
    cv2.polylines(canvas, points, False, colour, max(1, round(2 * radius)), cv2.LINE_8, 4)


def bristles(flow: Flow, length: int, rng: np.random.Generator) -> Floats:
    """(H, W) about 0 with deviation 1: the furrows that hairs of a brush leave along the flow.

    White noise smeared along its lines (Cabral and Leedom 1993, "Imaging vector fields using line
    integral convolution"), `length` pixels either way.
    """
    height, width = flow.angle.shape
    noise = rng.standard_normal((height, width)).astype(np.float32)
    total = noise.copy()
    for sign in (1.0, -1.0):
        y, x = np.mgrid[:height, :width].astype(np.float32)
        before_x, before_y = np.cos(flow.angle) * sign, np.sin(flow.angle) * sign
        for _ in range(length):
            angle = cv2.remap(flow.angle, x, y, cv2.INTER_NEAREST, None, cv2.BORDER_REFLECT_101)
            step_x, step_y = np.cos(angle), np.sin(angle)
            turn = np.where(step_x * before_x + step_y * before_y < 0, -1, 1).astype(np.float32)
            before_x, before_y = step_x * turn, step_y * turn
            x, y = x + before_x, y + before_y
            total += cv2.remap(noise, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT_101)
    total -= total.mean()
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)
