"""Hand-made features of a picture: what generators are known to leave, as named numbers.

Spectra and lattices of the grain (Durall et al. 2020), cosine coefficients (Frank et al. 2020),
co-occurrences within and across colours (Nataraj et al. 2019, Barni et al. 2020), residual
histograms (Fridrich and Kodovsky 2012), natural-scene statistics (Mittal et al. 2012) and colour
correlations of the grain, from at most 16 tiles at the picture's own resolution.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask.detect.handmade_frequency import cosine, spectral
from unmask.detect.handmade_residuals import co_occurrences, colours, histograms
from unmask.detect.handmade_scene import scene
from unmask.detect.handmade_tiles import LEAST, Pixels, cut

_GROUPS = (spectral, cosine, histograms, co_occurrences, colours, scene)


def named(pixels: Pixels) -> dict[str, float]:
    """Features of a picture (H, W, 3) by name. ValueError where a side is under 64 pixels."""
    tiles = cut(pixels)
    found: dict[str, float] = {}
    for group in _GROUPS:
        found |= group(tiles)
    return found


@cache
def columns() -> tuple[str, ...]:
    """Names of the features, the same for every picture, in order."""
    return tuple(named(np.zeros((LEAST, LEAST, 3), np.uint8)))


def features(pixels: Pixels) -> NDArray[np.float32]:
    """`named` as a vector (len(columns()),), all finite. ValueError as there."""
    return np.fromiter(named(pixels).values(), np.float32)
