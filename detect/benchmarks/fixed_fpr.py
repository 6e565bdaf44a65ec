"""The headline of RAID: fakes found at 5% false alarms, with a threshold for each domain.

Dugan et al., "RAID: a shared benchmark for robust evaluation of machine-generated text detectors",
ACL 2024. A domain's threshold is set on its people's texts that nobody attacked.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unmask.detect.benchmarks.groups import Group, Mask
from unmask.detect.benchmarks.items import Item
from unmask.detect.benchmarks.tables import DomainThreshold, FixedFpr, Scored
from unmask.detect.evaluation.figures import Floats, fewest
from unmask.detect.evaluation.resampling import DRAWS, draw, interval

RATE = 0.05
_BLOCK = 1 << 22  # cells at once


def threshold_at(real: Floats, most: float) -> float | None:
    """The lowest of the scores (N,) that at most a share `most` lies above; None with too few."""
    if len(real) < fewest(most):
        return None
    falling = np.sort(real)[::-1]
    return float(falling[math.floor(most * len(real) + 1e-9)])


def thresholds_drawn(real: Floats, weights: NDArray[np.uint8], most: float) -> Floats:
    """(D,) the same of resamplings (D, N) of the scores (N,); infinite where none was drawn."""
    order = np.argsort(-real, kind="stable")
    falling = real[order]
    running = np.cumsum(weights[:, order], axis=1, dtype=np.float64)
    # A score may be the threshold once more than the allowed number lie at it or above it.
    enough = running > most * running[:, -1:] + 1e-9
    at = enough.argmax(axis=1)
    return np.where(enough.any(axis=1), falling[at], math.inf)


def fixed_fpr(
    items: Sequence[Item],
    scored: Scored,
    condition: str,
    parts: Sequence[Group],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[list[FixedFpr], list[DomainThreshold]]:
    """Rows for the groups of items, and the threshold of each domain.

    Intervals are over sources; thresholds are set anew in every resampling.
    """
    known = ~np.isnan(scored.score)
    fake = np.array([one.fake for one in items], dtype=bool)
    attacked = np.array([bool(one.attack) for one in items], dtype=bool)
    domain = np.array([f"{one.corpus}/{one.domain}" for one in items], dtype=str)
    picked = draw(fake, [one.source for one in items], draws=draws, seed=seed)
    called = np.zeros(len(items), dtype=bool)
    usable = np.zeros(len(items), dtype=bool)
    drawn_hits = np.zeros((len(parts), draws))
    drawn_all = np.zeros((len(parts), draws))
    levels = []
    for name in dict.fromkeys(domain.tolist()):
        here = known & (domain == name)
        real = here & ~fake & ~attacked
        value = threshold_at(scored.score[real], RATE)
        levels.append(
            DomainThreshold(
                detector=scored.detector,
                condition=condition,
                domain=name,
                n_real=int(real.sum()),
                value=value,
            )
        )
        if value is None:
            continue
        usable |= here
        called |= here & (scored.score > value)
        limits = thresholds_drawn(scored.score[real], picked.weights[:, real], RATE)
        hits, every = _of_domain(scored.score, here & fake, picked.weights, limits, parts)
        drawn_hits += hits
        drawn_all += every
    rows = [
        _row(scored, condition, part, usable, fake, called, hits, every, picked.source)
        for part, hits, every in zip(parts, drawn_hits, drawn_all, strict=True)
    ]
    return rows, levels


def _of_domain(
    score: Floats, fakes: Mask, weights: NDArray[np.uint8], limits: Floats, parts: Sequence[Group]
) -> tuple[Floats, Floats]:
    """(G, D) fakes called synthetic, and all fakes, of each group in each resampling."""
    member = np.array([part.kept[fakes] for part in parts], dtype=np.float32).T  # (n, G)
    hits, every = np.zeros((2, len(limits), len(parts)))
    values = score[fakes]
    rows = max(1, _BLOCK // max(1, len(values)))
    for start in range(0, len(limits), rows):
        at = slice(start, start + rows)
        times = weights[at][:, fakes].astype(np.float32)
        hits[at] = (times * (values > limits[at, None])) @ member
        every[at] = times @ member
    return hits.T, every.T


def _row(
    scored: Scored,
    condition: str,
    part: Group,
    usable: Mask,
    fake: Mask,
    called: Mask,
    hits: Floats,
    every: Floats,
    source: NDArray[np.intp],
) -> FixedFpr:
    fakes = part.kept & usable & fake
    count = int(fakes.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = hits / every
    tpr = None
    if count:
        tpr = interval(float(called[fakes].mean()), drawn, len(np.unique(source[fakes])))
    return FixedFpr(
        detector=scored.detector,
        condition=condition,
        by=part.by,
        group=part.name,
        n_real=int((part.kept & usable & ~fake).sum()),
        n_fake=count,
        tpr=tpr,
    )
