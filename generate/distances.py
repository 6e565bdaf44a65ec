"""How far apart two sets of pictures are: by features of each, by patches, by spectra.

Features are (N, D), any real numbers; pictures are (N, C, H, W) in [-1, 1]. None of the figures
means anything alone: quality.py sets them beside those of held-out reals and of noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.stats import hypergeom, mannwhitneyu
from torch import Tensor

from unmask.errors import UnmaskError

Floats = NDArray[np.float64]
ROWS = 1024  # of a matrix of distances that is held at once
PATCH = 7  # pixels a side
PATCHES = 128  # of a picture and level, fewer where that makes more than MOST_PATCHES of a set
MOST_PATCHES = 2**17
LEAST_LEVEL = 16  # pixels: the pyramid goes no lower
# Power of the rounding to 8 bits, in a pixel: what lies below is lost in any file.
ROUNDING = (2 / 255) ** 2 / 12


class QualityError(UnmaskError):
    """Pictures or features that cannot be compared."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A mean over subsets, and their standard deviation."""

    mean: float
    deviation: float


@dataclass(frozen=True, kw_only=True)
class Neighbourhoods:
    """Shares in [0, 1], density from 0 up: 1 is as dense as the reals themselves."""

    precision: float  # of the fakes that lie among reals
    recall: float  # of the reals that lie among fakes
    density: float  # of reals' neighbourhoods around a fake, against what is expected
    coverage: float  # of the reals with a fake near by


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Whether fakes lie nearer to training pictures than held-out reals do."""

    nearest: tuple[int, ...]  # of each fake its training picture
    distances: tuple[float, ...]  # to it
    nearer: float  # P(a fake lies nearer than a held-out real); 0.5 for fresh draws
    p_nearer: float  # one-sided, of Mann and Whitney
    close: float  # share of fakes nearer than the nearest 1% of held-out reals
    p_close: float  # one-sided, of the precedence test

    @property
    def copied(self) -> bool:
        """Fresh draws get there once in a thousand times. Poor variety does too: see the pairs."""
        return min(self.p_nearer, self.p_close) < 0.0005


def _checked(a: Floats, b: Floats, least: int) -> None:
    """Two sets of the same features, `least` or more of each, all of them finite."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not a.shape[1]:
        raise QualityError(f"Features of {a.shape} and {b.shape} cannot be compared.")
    if min(len(a), len(b)) < least:
        raise QualityError(f"{least} pictures of each kind are needed, not {min(len(a), len(b))}.")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise QualityError("Some features are not finite numbers.")


def frechet(a: Floats, b: Floats) -> float:
    """Frechet distance of two normal distributions fitted to features (Heusel et al. 2017), >= 0.

    tr (S T)^0.5 is taken as the singular values of the product of the covariances' roots: no root
    of a matrix that may be singular, and none of its imaginary parts. Fewer pictures than a few
    times D bias it upwards. Raises QualityError.
    """
    _checked(a, b, 2)
    centred = [(x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (a, b)]
    roots = [np.asarray(np.linalg.qr(x, mode="r"), np.float64) for x in centred]
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    apart = np.square(a.mean(0) - b.mean(0)).sum()
    return max(0.0, float(apart + sum(np.square(x).sum() for x in centred) - 2 * shared))


def discrepancy(a: Floats, b: Floats) -> float:
    """Unbiased squared MMD with the kernel (x y / D + 1)^3 (Binkowski et al. 2018); may be < 0."""
    _checked(a, b, 2)

    def kernel(x: Floats, y: Floats) -> Floats:
        cubes: Floats = (x @ y.T / x.shape[1] + 1) ** 3
        return cubes

    def within(x: Floats) -> float:
        k = kernel(x, x)
        return float((k.sum() - np.trace(k)) / (len(x) * (len(x) - 1)))

    return within(a) + within(b) - 2 * float(kernel(a, b).mean())


def kid(
    a: Floats, b: Floats, rng: np.random.Generator, *, subsets: int = 50, size: int = 1000
) -> Spread:
    """Kernel distance (Binkowski et al. 2018) over `subsets` of at most `size` and half of a set.

    Raises QualityError for fewer than 4 pictures of a kind.
    """
    _checked(a, b, 4)
    size = min(size, len(a) // 2, len(b) // 2)
    found = [
        discrepancy(*(x[rng.choice(len(x), size, replace=False)] for x in (a, b)))
        for _ in range(subsets)
    ]
    return Spread(mean=float(np.mean(found)), deviation=float(np.std(found)))


def distance_rows(a: Floats, b: Floats) -> Iterator[tuple[int, Floats]]:
    """Euclidean distances (rows, len(b)) of ROWS of `a` at a time, with the first row's number."""
    middle = b.mean(0)  # taken off, for what large numbers would lose of small differences
    a, b = a - middle, b - middle
    lengths = np.square(b).sum(1)
    for start in range(0, len(a), ROWS):
        part = a[start : start + ROWS]
        squares = np.square(part).sum(1)[:, None] + lengths - 2 * part @ b.T
        yield start, np.sqrt(np.maximum(squares, 0))


def radii(x: Floats, ks: tuple[int, ...]) -> list[Floats]:
    """(N,) the distance of each to its k-th neighbour in the set, for each k."""
    rows = [np.partition(d, ks, axis=1)[:, ks] for _, d in distance_rows(x, x)]
    return list(np.concatenate(rows).T)  # a point is its own neighbour of order 0


def neighbourhoods(real: Floats, fake: Floats, *, k: int = 3, k_density: int = 5) -> Neighbourhoods:
    """Precision and recall with `k` neighbours, density and coverage with `k_density`.

    Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing generative
    models"; Naeem et al. 2020, "Reliable fidelity and diversity metrics". Raises QualityError.
    """
    _checked(real, fake, max(k, k_density) + 1)
    near, wide = radii(real, (k, k_density))
    (near_fake,) = radii(fake, (k,))
    precise, dense = 0, 0
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for start, d in distance_rows(fake, real):
        precise += int((d <= near).any(1).sum())
        dense += int((d <= wide).sum())
        recalled |= (d <= near_fake[start : start + len(d), None]).any(0)
        covered |= (d <= wide).any(0)
    return Neighbourhoods(
        precision=precise / len(fake),
        recall=float(recalled.mean()),
        density=dense / (k_density * len(fake)),
        coverage=float(covered.mean()),
    )


def nearest(queries: Floats, among: Floats) -> tuple[NDArray[np.int64], Floats]:
    """(N,) the number of each query's nearest neighbour, and (N,) how far it is."""
    _checked(queries, among, 1)
    rows = [(d.argmin(1), d.min(1)) for _, d in distance_rows(queries, among)]
    return np.concatenate([r[0] for r in rows]), np.concatenate([r[1] for r in rows])


def memory(fake: Floats, held_out: Floats, training: Floats) -> Memory:
    """Are fakes suspiciously near to what was learned from? (Meehan et al. 2020, "A non-parametric
    test to detect data-copying in generative models".)

    Mann and Whitney's test sees a tendency of all; the precedence test (Nelson 1963) counts how
    many fakes come before the nearest 1% of held-out reals, and so sees a few copies among many
    fresh pictures. Raises QualityError.
    """
    which, distances = nearest(fake, training)
    _, expected = nearest(held_out, training)
    test = mannwhitneyu(distances, expected, alternative="less")
    n, m = len(fake), len(held_out)
    order = -(-m // 100)
    before = int((distances < np.sort(expected)[order - 1]).sum())
    # That many before the order-th held-out: among the first before + order - 1 of all, no fewer.
    chance = hypergeom.sf(before - 1, n + m, n, before + order - 1)
    return Memory(
        nearest=tuple(which.tolist()),
        distances=tuple(distances.tolist()),
        nearer=1 - float(test.statistic) / (n * m),
        p_nearer=float(test.pvalue),
        close=before / n,
        p_close=float(chance),
    )


def pyramid(images: Tensor) -> list[Tensor]:
    """Laplacian pyramid (Burt and Adelson 1983), finest first; the last level is what is left."""
    levels, rest = [], images.float()
    while min(rest.shape[2:]) >= 2 * LEAST_LEVEL:
        coarse = _blurred(rest, 1)[..., ::2, ::2]
        spread = torch.zeros_like(rest)
        spread[..., ::2, ::2] = coarse
        levels.append(rest - _blurred(spread, 4))
        rest = coarse
    return [*levels, rest]


def _blurred(images: Tensor, gain: float) -> Tensor:
    channels = images.shape[1]
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=images.device) / 16
    kernel = (gain * torch.outer(line, line)).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(images, (2, 2, 2, 2), "reflect"), kernel, groups=channels)


def descriptors(level: Tensor, rng: np.random.Generator) -> NDArray[np.float32]:
    """(patches, C * 49) at random places of (N, C, H, W), each channel at mean 0, deviation 1."""
    n, _, height, width = level.shape
    each = max(1, min(PATCHES, MOST_PATCHES // n))
    windows = level.cpu().unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # (N, C, H - 6, W - 6, 7, 7)
    places = [rng.integers(size - PATCH + 1, size=n * each) for size in (height, width)]
    y, x = (torch.from_numpy(place) for place in places)
    found = windows[torch.arange(n).repeat_interleave(each), :, y, x]  # (patches, C, 7, 7)
    deviation, mean = torch.std_mean(found, (0, 2, 3), correction=0, keepdim=True)
    plain: NDArray[np.float32] = ((found - mean) / (deviation + 1e-8)).flatten(1).numpy()
    return plain


def sliced_wasserstein(
    a: Tensor, b: Tensor, rng: np.random.Generator, *, directions: int = 512
) -> dict[int, float]:
    """Side of a level in pixels -> distance of its 7 x 7 patches, times 1000 as in the paper.

    Karras et al. 2018, "Progressive growing of GANs": 1-D Wasserstein distances along random
    directions. Equal numbers of pictures; 7 pixels a side or more. Raises QualityError.
    """
    _alike(a, b)
    if len(a) != len(b) or min(a.shape[2:]) < PATCH:
        raise QualityError(f"Patches of {tuple(a.shape)} and {tuple(b.shape)} do not compare.")
    found = {}
    for ours, theirs in zip(pyramid(a), pyramid(b), strict=True):
        patches = [descriptors(level, rng) for level in (ours, theirs)]
        axes = rng.standard_normal((patches[0].shape[1], directions)).astype(np.float32)
        axes /= np.linalg.norm(axes, axis=0)
        total = 0.0
        for part in np.array_split(axes, -(-directions // 64), axis=1):
            one, other = (np.sort(part.T @ p.T, axis=1) for p in patches)
            total += float(np.abs(one - other).mean(1).sum())
        found[min(ours.shape[2:])] = 1000 * total / directions
    return found


def spectrum(images: Tensor) -> Floats:
    """(side // 2,) mean log power in dB at 1, 2 ... cycles a side, around the circle; grey.

    Durall et al. 2020, "Watch your up-convolution"; a Hann window keeps the borders out of it. Of
    what is not square, the middle.
    """
    side = min(images.shape[2:])
    top, left = ((n - side) // 2 for n in images.shape[2:])
    line = torch.hann_window(side, dtype=torch.float64)
    window = torch.outer(line, line)
    cycles = np.fft.fftfreq(side) * side
    ring = np.rint(np.hypot(*np.meshgrid(cycles, cycles))).astype(int).ravel()
    counts = np.bincount(ring)
    total = np.zeros(side // 2)
    for image in images[..., top : top + side, left : left + side]:
        grey = image.double().mean(0).cpu()
        power = torch.fft.fft2((grey - grey.mean()) * window).abs().square() / window.square().sum()
        means = np.bincount(ring, power.flatten().numpy()) / counts
        total += 10 * np.log10(means[1 : side // 2 + 1] + ROUNDING)
    return total / len(images)


def spectral(a: Tensor, b: Tensor) -> float:
    """Root mean square difference of two sets' spectra, dB. Raises QualityError."""
    _alike(a, b)
    return float(np.sqrt(np.square(spectrum(a) - spectrum(b)).mean()))


def _alike(a: Tensor, b: Tensor) -> None:
    if a.ndim != 4 or a.shape[1:] != b.shape[1:] or not len(a) or not len(b):
        raise QualityError(f"Pictures of {tuple(a.shape)} and {tuple(b.shape)} cannot be compared.")
    if min(a.shape[2:]) < 4 or not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise QualityError("Pictures of 4 pixels a side or more, with finite values, are needed.")
