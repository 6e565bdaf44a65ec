"""Double quantisation: the comb that a first JPEG leaves in the second's coefficients."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from unmask.forensics.jpeg_file import Table
from unmask.forensics.jpeg_quality import LUMA, scaled
from unmask.forensics.planes import Plane

Histogram = NDArray[np.float64]

# The first AC frequencies of the zigzag: later ones are mostly zero.
FREQUENCIES = ((0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0), (4, 0),
               (3, 1), (2, 2), (1, 3), (0, 4))  # fmt: skip
_REACH = 600  # of unquantised coefficients in the histograms
_BINS = 60  # of quantised coefficients on each side of zero
_STEPS = range(2, 61)  # first quantisation steps tried
_ROUNDING = 0.5  # standard deviation that rounding and clipping of pixels add to a coefficient
_FLAWS = 1e-4  # share of coefficients that no model explains
_SHARES = (0.05, 0.3, 0.6)  # of blocks without the first compression, tried in the fit
# Nats a coefficient. 51 photographs, reduced and saved once at 60, 75, 85 or 95, have no comb (0 of
# 204); saved twice with a finer second quality, all have (204 of 204).
MIN_GAIN = 0.1
MIN_FREQUENCIES = 3


@dataclass(frozen=True, kw_only=True)
class Comb:
    """One frequency that was quantised twice."""

    v: int
    u: int
    first_step: int
    second_step: int
    gain: float  # mean log likelihood ratio of twice against once, in nats a coefficient
    log_ratio: NDArray[np.float64]  # ln P(value | twice) / P(value | once), value = -bins .. bins


def _spread(mass: Histogram, centres: Histogram, step: int, bins: int, noise: float) -> Histogram:
    """Quantise noisy values to -bins .. bins steps: (N,) mass at (N,) centres to (2 bins + 1,)."""
    edges = (np.arange(-bins, bins + 2) - 0.5) * step
    used = mass > 1e-9
    cdf = ndtr((edges[None, :] - centres[used, None]) / noise)
    out: Histogram = mass[used] @ np.diff(cdf, axis=1)
    return np.asarray(out / max(out.sum(), 1e-12))


def _smooth_histogram(values: NDArray[np.float32]) -> Histogram:
    index = np.clip(np.round(values) + _REACH, 0, 2 * _REACH).astype(int)
    counts = np.bincount(index, minlength=2 * _REACH + 1).astype(float)
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 1.5) ** 2)
    smooth = np.convolve(counts, kernel / kernel.sum(), "same")
    return np.asarray(smooth / max(smooth.sum(), 1e-12))


def find_comb(
    quantised: NDArray[np.int32], shifted: NDArray[np.float32], step: int, at: tuple[int, int]
) -> Comb | None:
    """Compare one frequency's quantised values with once- and twice-quantised models.

    `shifted` are DCT coefficients of the same frequency from blocks off the grid: they stand in
    for the values before any compression. None where one compression explains the values.
    """
    bins = min(_BINS, _REACH // step)
    kept = quantised[np.abs(quantised) <= bins]
    if kept.size < 200 or np.count_nonzero(kept) < 100:
        return None
    observed = np.bincount(kept.ravel() + bins, minlength=2 * bins + 1) / kept.size
    fine = _smooth_histogram(shifted)
    values = np.arange(-_REACH, _REACH + 1)
    once = _spread(fine, values.astype(float), step, bins, _ROUNDING) + _FLAWS
    base = float(observed @ np.log(once))
    best: tuple[float, int, Histogram] | None = None
    for first in _STEPS:
        if first == step:
            continue
        multiple = np.round(values / first).astype(int)
        top = int(multiple.max())
        mass = np.asarray(np.bincount(multiple + top, weights=fine), dtype=np.float64)
        centres = np.asarray(np.arange(-top, top + 1) * first, dtype=np.float64)
        twice = _spread(mass, centres, step, bins, _ROUNDING) + _FLAWS
        gain = max(float(observed @ np.log((1 - s) * twice + s * once)) for s in _SHARES) - base
        if best is None or gain > best[0]:
            best = (gain, first, twice)
    if best is None or best[0] < MIN_GAIN:
        return None
    return Comb(
        v=at[0], u=at[1], first_step=best[1], second_step=step, gain=best[0],
        log_ratio=np.log(best[2] / once),
    )  # fmt: skip


def find_combs(blocks: NDArray[np.int32], shifted: NDArray[np.float32], table: Table) -> list[Comb]:
    """The twice-quantised frequencies of (N, 8, 8) quantised luma blocks, or [] where too few.

    `shifted`: (M, 8, 8) unquantised DCT of the decoded picture from (4, 4). Models after
    Lin et al. 2009 and Bianchi and Piva 2012. A first compression finer than the second
    (first step below about the second) leaves no comb that is found here.
    """
    found = [
        find_comb(blocks[:, v, u], shifted[:, v, u], max(1, int(table[v, u])), (v, u))
        for v, u in FREQUENCIES
    ]
    combs = [comb for comb in found if comb]
    return combs if len(combs) >= MIN_FREQUENCIES else []


def first_quality(combs: list[Comb]) -> tuple[int, int, float]:
    """The libjpeg qualities nearest to the first steps, lowest and highest (neighbours share
    their low frequencies), and the share of steps, in [0, 1], that equal theirs.
    """
    tables = [scaled(LUMA, q) for q in range(1, 101)]
    steps = np.array([[t[c.v, c.u] for c in combs] for t in tables], dtype=float)
    first = np.array([c.first_step for c in combs], dtype=float)
    agreeing = (steps == first).mean(axis=1)
    rank = agreeing - 0.01 * np.abs(np.log(steps / first)).mean(axis=1)
    best = np.flatnonzero(rank > rank.max() - 1e-9) + 1
    return int(best[0]), int(best[-1]), float(agreeing[best[0] - 1])


def single_map(blocks: NDArray[np.int32], combs: list[Comb], prior: float = 0.05) -> Plane:
    """(rows, columns, 8, 8) quantised blocks to the (rows, columns) probability, in [0, 1], that a
    block went through one compression alone, as a part pasted into a JPEG did.

    Neighbours count too: evidence is averaged over 3 x 3 blocks. Blocks without detail keep the
    prior.
    """
    total = np.zeros(blocks.shape[:2])
    for comb in combs:
        bins = (len(comb.log_ratio) - 1) // 2
        values = np.clip(blocks[:, :, comb.v, comb.u], -bins, bins)
        # One odd coefficient must not decide for a block.
        total += np.clip(comb.log_ratio, -4, 4)[values + bins]
    evidence = cv2.blur(total.astype(np.float32), (3, 3), borderType=cv2.BORDER_REFLECT)
    logit = np.log(prior / (1 - prior)) - evidence
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -40, 40))), dtype=np.float32)
