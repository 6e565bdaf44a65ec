"""How many of n, with an interval."""

import math
from dataclasses import dataclass

from unmask.generate.distances import QualityError


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of n with its Wilson interval of 95% (Wilson 1927)."""

    hits: int
    n: int
    value: float
    low: float
    high: float


def share(hits: int, n: int) -> Share:
    """`hits` of `n`. Raises QualityError where there is nothing to count."""
    if n < 1 or not 0 <= hits <= n:
        raise QualityError(f"{hits} of {n} is no share.")
    z, p = 1.959964, hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At 0 and n the bound is the share itself, which rounding would miss.
    low, high = min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half))
    return Share(hits=hits, n=n, value=p, low=low, high=high)
