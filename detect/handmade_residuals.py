"""Hand-made features of residuals: histograms, co-occurrences and how colours go together."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.detect.handmade_tiles import Planes, Tiles

_EPS = 1e-3  # grey levels squared
_STEPS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # grey levels
_TRUNCATE = 2  # co-occurrences keep -2 to 2
_VALUES = 2 * _TRUNCATE + 1
# KV of Fridrich and Kodovsky: predicts a pixel from the 24 around it.
_SQUARE5 = np.array(
    [
        [-1, 2, -2, 2, -1],
        [2, -6, 8, -6, 2],
        [-2, 8, -12, 8, -2],
        [2, -6, 8, -6, 2],
        [-1, 2, -2, 2, -1],
    ],
    dtype=np.float32,
) / 12  # fmt: skip


def _second(planes: Planes, axis: int) -> Planes:
    """Half the second difference, of a prediction from both neighbours."""
    return np.diff(planes, 2, axis=axis) / np.float32(2)


def _square3(planes: Planes) -> Planes:
    """KB of Fridrich and Kodovsky: the second difference both ways."""
    return _second(_second(planes, -1), -2)


def histograms(tiles: Tiles) -> dict[str, float]:
    """Shares of small residuals, after a subset of the rich model (Fridrich and Kodovsky 2012).

    Each column is the share of residuals of a magnitude up to 0.5, 1, 2, 4, 8 or 16 grey levels.
    """
    luma = tiles.luma
    across, down = _second(luma, -1)[:, 1:-1], _second(luma, -2)[:, :, 1:-1]
    third = [np.diff(luma, 3, axis=axis) / np.float32(3) for axis in (-1, -2)]
    first = [np.diff(luma, axis=axis) for axis in (-1, -2)]
    kinds: dict[str, list[Planes]] = {
        "first": first,
        "second": [across, down],
        "third": third,
        "least": [np.minimum(np.abs(across), np.abs(down))],
        "most": [np.maximum(np.abs(across), np.abs(down))],
        "square3": [_square3(luma)],
        "square5": [np.stack([cv2.filter2D(t, -1, _SQUARE5)[2:-2, 2:-2] for t in luma])],
        "rg": [_square3(tiles.chroma[0])],
        "bg": [_square3(tiles.chroma[1])],
    }
    found: dict[str, float] = {}
    for kind, planes in kinds.items():
        values = np.concatenate([np.abs(p).ravel() for p in planes])
        for step in _STEPS:
            found[f"share.{kind}.{step:g}"] = np.count_nonzero(values <= step) / values.size
    return found


@cache
def _folded(swap: bool) -> NDArray[np.intp]:
    """Class of each pair: a pair and its negative are one; where `swap`, its reverse too."""
    names: dict[tuple[int, int], int] = {}
    classes = []
    for a in range(-_TRUNCATE, _TRUNCATE + 1):
        for b in range(-_TRUNCATE, _TRUNCATE + 1):
            alike = {(a, b), (-a, -b)} | ({(b, a), (-b, -a)} if swap else set())
            classes.append(names.setdefault(min(alike), len(names)))
    return np.array(classes, dtype=np.intp)


def _quantised(planes: Planes, step: float) -> NDArray[np.int8]:
    whole = np.rint(planes / np.float32(step))
    return np.asarray(np.clip(whole, -_TRUNCATE, _TRUNCATE), dtype=np.int8)


def _pairs(
    name: str, pairs: list[tuple[NDArray[np.int8], NDArray[np.int8]]], *, swap: bool
) -> dict[str, float]:
    """Shares of the classes of value pairs."""
    total = np.zeros(_VALUES**2)
    for one, two in pairs:
        codes = (one + _TRUNCATE) * _VALUES + two + _TRUNCATE
        total += np.bincount(codes.ravel(), minlength=_VALUES**2)
    shares = np.bincount(_folded(swap), total / total.sum())
    return {f"pairs.{name}.{i}": float(share) for i, share in enumerate(shares)}


def co_occurrences(tiles: Tiles) -> dict[str, float]:
    """Pairs of neighbouring residuals, and of two colours at one pixel, truncated to -2...2.

    Within a band after Nataraj et al. (2019), in steps of the band's own mean magnitude, so that
    grain alone changes little; across bands after Barni et al. (2020), in steps of a grey level.
    """
    luma = tiles.luma
    square = _square3(luma)
    across, down = _second(luma, -1), _second(luma, -2)
    fine = _quantised(square, max(0.25, float(np.abs(square).mean())))
    step = max(0.25, float(np.abs(across).mean() + np.abs(down).mean()) / 2)
    x, y = _quantised(across, step), _quantised(down, step)
    along = [(x[..., :-1], x[..., 1:]), (y[:, :-1], y[:, 1:])]
    beside = [(x[:, :-1], x[:, 1:]), (y[..., :-1], y[..., 1:])]
    touching = [(fine[..., :-1], fine[..., 1:]), (fine[:, :-1], fine[:, 1:])]
    diagonal = [(fine[:, :-1, :-1], fine[:, 1:, 1:]), (fine[:, :-1, 1:], fine[:, 1:, :-1])]
    found = _pairs("along", along, swap=True) | _pairs("beside", beside, swap=True)
    found |= _pairs("touching", touching, swap=True) | _pairs("diagonal", diagonal, swap=True)
    red, green, blue = (_quantised(band, 1.0) for band in tiles.residual)
    for name, pair in (("rg", (red, green)), ("gb", (green, blue)), ("rb", (red, blue))):
        found |= _pairs(name, [pair], swap=False)
    return found


def colours(tiles: Tiles) -> dict[str, float]:
    """How the residuals of colours, and of neighbouring pixels, go together.

    Correlations lie in [-1, 1], 0 where a plane is flat; levels are log10 of a variance.
    """
    residual, opponent = tiles.residual, tiles.opponent
    luma, rg, bg = opponent
    red, green, blue = residual
    found = {
        "correlation.red_green": _correlation(red, green),
        "correlation.green_blue": _correlation(green, blue),
        "correlation.red_blue": _correlation(red, blue),
        "correlation.luma_rg": _correlation(luma, rg),
        "correlation.luma_bg": _correlation(luma, bg),
        "correlation.rg_bg": _correlation(rg, bg),
    }
    levels = {name: _level(p) for name, p in (("luma", luma), ("rg", rg), ("bg", bg))}
    found["variance.luma"] = levels["luma"]
    for name in ("rg", "bg"):
        found[f"variance.{name}"] = levels[name] - levels["luma"]
    for name, plane in (("luma", luma), ("rg", rg)):
        for lag in (1, 2, 3, 4):
            straight = _correlation(plane[:, :, lag:], plane[:, :, :-lag])
            straight += _correlation(plane[:, lag:], plane[:, :-lag])
            found[f"neighbour.{name}.{lag}"] = straight / 2
            falling = _correlation(plane[:, lag:, lag:], plane[:, :-lag, :-lag])
            rising = _correlation(plane[:, lag:, :-lag], plane[:, :-lag, lag:])
            found[f"diagonal.{name}.{lag}"] = (falling + rising) / 2
    for name, plane in (("luma", luma), ("rg", rg), ("bg", bg)):
        fourth = float(np.mean(np.square(plane * plane))) + _EPS**2
        found[f"tails.{name}"] = float(np.log10(fourth) - 2 * _level(plane))
    return found


def _level(plane: Planes) -> float:
    return float(np.log10(np.mean(plane**2) + _EPS))


def _correlation(one: Planes, two: Planes) -> float:
    """Pearson's, shrunk to 0 where there is nothing but rounding."""
    a, b = one - one.mean(), two - two.mean()
    spread = np.sqrt((float(np.mean(a**2)) + _EPS) * (float(np.mean(b**2)) + _EPS))
    return float(np.mean(a * b)) / float(spread)
