"""Which stretches of a recording are synthetic, from a log-likelihood ratio of each half second.

All maximal scoring subsequences (Ruzzo and Tompa 1999): the disjoint stretches whose ratios sum to
the most, and that neither an end cut off nor a neighbour joined would raise. A dip inside a stretch
does not break it, as a threshold on single values would.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from unmask.sound import Region

SHORTEST = 1.0  # seconds


def maximal_stretches(values: ArrayLike) -> list[tuple[int, int, float]]:
    """(first, behind last, sum) of each maximal scoring subsequence of (T,), in order."""
    # Each is [first, behind, total before it, total at its end].
    found: list[list[float]] = []
    total = 0.0
    for place, value in enumerate(np.asarray(values, float)):
        before, total = total, total + float(value)
        if value <= 0:
            continue
        new: list[float] = [place, place + 1, before, total]
        while True:
            # The nearest stretch that began at a lower total, and what lies after it.
            at = next((i for i in range(len(found) - 1, -1, -1) if found[i][2] < new[2]), -1)
            if at < 0 or found[at][3] >= new[3]:
                found.append(new)
                break
            new = [found[at][0], new[1], found[at][2], new[3]]
            del found[at:]
    return [(int(a), int(b), end - start) for a, b, start, end in found]


def suspicious_regions(
    times: Sequence[float], llrs: ArrayLike, *, step: float, least: float
) -> tuple[Region, ...]:
    """The stretches that gather at least `least`, at least a second long.

    Neighbouring half seconds hear the same voice in the same room: their ratios are not
    independent, and a stretch must gather more than one value's evidence to be shown.

    `times` (T,) are the middles of the half seconds that `llrs` (T,) were measured in, `step` apart
    where nothing is missing. A longer gap (a pause, or what was not looked at) neither adds nor
    breaks.
    """
    found = []
    for first, behind, gathered in maximal_stretches(llrs):
        region = Region(times[first] - step / 2, times[behind - 1] + step / 2)
        if gathered >= least and region.seconds >= SHORTEST:
            found.append(region)
    return tuple(found)
