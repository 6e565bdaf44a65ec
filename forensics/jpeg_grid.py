"""The 8 x 8 grid that JPEG compression leaves in pixels: where it lies, and where it is broken."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.special import betainc

from unmask.forensics.planes import Plane

NO_VOTE = -1


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A JPEG grid of the pixels: blocks begin at columns x + 8 i and rows y + 8 j."""

    x: int  # 0-7
    y: int  # 0-7
    log10_nfa: float  # of the number of false alarms; below 0 the grid is no chance


def zero_counts(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) to (H - 7, W - 7): for the block beginning at each pixel, how many of its 63 AC
    DCT coefficients are below 0.5 in size; 0 where a block is constant along a row or column,
    since such blocks have zeros on any grid.
    """
    image = luma.astype(np.float32)
    height, width = luma.shape
    basis = _dct_basis()
    zeros = np.zeros((height - 7, width - 7), np.uint8)
    across, down = np.zeros_like(zeros, dtype=np.float32), np.zeros_like(zeros, dtype=np.float32)
    for u in range(8):
        rows = _correlate(image, basis[u][None, :])[:, : width - 7]
        for v in range(8):
            size = np.abs(_correlate(rows, basis[v][:, None])[: height - 7])
            if u:
                np.maximum(across, size, out=across)
            if v:
                np.maximum(down, size, out=down)
            if u or v:
                zeros += size < 0.5
    zeros[(across < 0.5) | (down < 0.5)] = 0
    return zeros


def _dct_basis() -> NDArray[np.float32]:
    k, n = np.mgrid[0:8, 0:8]
    basis = np.cos(np.pi * (2 * n + 1) * k / 16) * np.where(k == 0, 8**-0.5, 0.5)
    return np.asarray(basis, dtype=np.float32)


def _correlate(image: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    out: NDArray[np.float32] = cv2.filter2D(
        image, cv2.CV_32F, kernel, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE
    )
    return out


def grid_votes(luma: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Each pixel's vote, 8 * y + x, for the grid of the block with the most zeros around it.

    (H, W) uint8 to (H, W) int16, -1 where blocks of several grids tie or none has zeros.
    Nikoukhah et al. 2019 (ZERO), written from the paper.
    """
    zeros = zero_counts(luma)
    height, width = zeros.shape
    row, column = np.mgrid[0:height, 0:width]
    grid = ((row % 8) * 8 + column % 8).astype(np.uint16)
    window = np.ones((8, 8), np.uint8)
    # Two maxima, ties broken by the largest and by the smallest grid: equal means no tie.
    ranked = [zeros.astype(np.uint16) * 64 + g for g in (grid, 63 - grid)]
    padded = [cv2.copyMakeBorder(r, 7, 7, 7, 7, cv2.BORDER_CONSTANT, value=0) for r in ranked]
    high, low = (
        cv2.dilate(p, window, anchor=(0, 0))[: luma.shape[0], : luma.shape[1]] for p in padded
    )
    winner, loser = high % 64, 63 - low % 64
    valid = (winner == loser) & (high >= 64)
    return np.where(valid, winner, NO_VOTE).astype(np.int16)


def log10_nfa(votes: float, pixels: float, tests: float) -> float:
    """log10 of the expected number of grids with so many of `pixels` votes, if votes were random.

    Votes within a block go together, hence both counts are divided by 64 (Nikoukhah 2019).
    """
    n, k = int(pixels // 64), int(votes // 64)
    if k <= 0:
        return float(np.log10(tests))
    # P(X >= k) of a binomial X; scipy.stats says the same, and takes as long to import as all this.
    with np.errstate(divide="ignore"):  # a chance too small for a float: -inf
        return float(np.log10(tests) + np.log10(betainc(k, n - k + 1, 1 / 64)))


def main_grid(votes: NDArray[np.int16]) -> Grid | None:
    """The grid that most pixels vote for, or None where chance explains it (NFA >= 1)."""
    cast = np.bincount(votes[votes >= 0], minlength=64)
    best = int(cast.argmax())
    nfa = log10_nfa(cast[best], votes.size, 64 * votes.size**0.5)
    return Grid(x=best % 8, y=best // 8, log10_nfa=nfa) if nfa < 0 else None


def foreign_regions(votes: NDArray[np.int16], main: Grid | None, reach: int = 12) -> Plane:
    """Mark where connected pixels vote together for a grid other than the main one.

    Votes of one grid are joined over `reach` pixels; a region stays where its NFA within its
    bounding box is below 1. Returns (H, W) float32, 0 or 1. With no main grid every
    significant region is marked.
    """
    marked = np.zeros(votes.shape, np.float32)
    tests = 64.0 * votes.size * votes.size**0.5
    kernel = np.ones((reach, reach), np.uint8)
    for grid in range(64):
        if main and grid == main.y * 8 + main.x:
            continue
        mask = (votes == grid).astype(np.uint8)
        if int(mask.sum()) < 8 * 64:
            continue
        joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        for label in range(1, count):
            left, top, width, height, area = stats[label]
            if area < 8 * 64:
                continue
            box = np.s_[top : top + height, left : left + width]
            region = labels[box] == label
            if log10_nfa(float(mask[box][region].sum()), float(width * height), tests) < 0:
                marked[box][region] = 1
    return marked


def aligned_dct(luma: NDArray[np.uint8], x: int, y: int) -> NDArray[np.float32]:
    """(N, 8, 8) orthonormal DCT, [v, u], of the blocks of the grid that begins at (x, y)."""
    rows, columns = (luma.shape[0] - y) // 8, (luma.shape[1] - x) // 8
    part = luma[y : y + rows * 8, x : x + columns * 8].astype(np.float32) - 128
    blocks = part.reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    return np.asarray(dctn(blocks, axes=(1, 2), norm="ortho"), dtype=np.float32)
