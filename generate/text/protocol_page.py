"""The tables of the oracle protocol, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Row = Mapping[str, Any]
FIGURES = ("nll_oracle", "test_nll", "self_bleu_2")


def page(rows: Sequence[Row]) -> Iterator[str]:
    """A table over methods and seeds, and one over temperatures."""
    seeds = sorted({row["seed"] for row in rows})
    methods = list(dict.fromkeys(row["method"] for row in rows))
    found = {(row["method"], row["seed"]): row for row in rows}
    yield (
        "| learned by | "
        + " | ".join(f"NLL_oracle, seed {s} | test NLL | Self-BLEU-2" for s in seeds)
        + " |"
    )
    yield "|---" * (1 + 3 * len(seeds)) + "|"
    for method in methods:
        cells = [
            f"{found[method, seed][figure]:.3f}" if (method, seed) in found else "-"
            for seed in seeds
            for figure in FIGURES
        ]
        yield f"| {method} | " + " | ".join(cells) + " |"
    yield ""
    yield "| learned by | temperature | NLL_oracle | test NLL | Self-BLEU-2 | seeds |"
    yield "|---|---|---|---|---|---|"
    for method in methods:
        sweeps = [row["sweep"] for row in rows if row["method"] == method and "sweep" in row]
        for at in zip(*sweeps, strict=True):
            means = [sum(one[f] for one in at) / len(at) for f in FIGURES]
            figures = " | ".join(f"{value:.3f}" for value in means)
            yield f"| {method} | {at[0]['temperature']:g} | {figures} | {len(at)} |"
    yield ""
    yield from pairs(rows, "relgan", "seqgan")
    yield ""
    yield from colder(rows, ("seqgan", "relgan"), "mle")


def pairs(rows: Sequence[Row], ours: str, theirs: str) -> Iterator[str]:
    """A table of differences at temperature 1, a seed each, with their mean."""
    found = {(row["method"], row["seed"]): row for row in rows}
    seeds = sorted(s for m, s in found if m == ours and (theirs, s) in found)
    apart = [[found[ours, s][f] - found[theirs, s][f] for f in FIGURES] for s in seeds]
    yield f"| {ours} minus {theirs} | NLL_oracle | test NLL | Self-BLEU-2 |"
    yield "|---|---|---|---|"
    for seed, values in zip(seeds, apart, strict=True):
        yield f"| seed {seed} | " + " | ".join(f"{v:+.3f}" for v in values) + " |"
    if apart:
        yield "| mean | " + " | ".join(f"{v:+.3f}" for v in np.mean(apart, 0)) + " |"


def colder(rows: Sequence[Row], methods: Sequence[str], plain: str) -> Iterator[str]:
    """A table: each method beside the plain one drawn as cold as gives the same NLL_oracle.

    Between the temperatures of its sweep, the plain one's figures are those of straight lines.
    """
    yield (
        f"| learned by, at 1 | seed | NLL_oracle | test NLL | {plain} as cold | Self-BLEU-2"
        f" | {plain} as cold |"
    )
    yield "|---|---|---|---|---|---|---|"
    sweeps = {row["seed"]: row["sweep"] for row in rows if row["method"] == plain}
    for row in rows:
        if row["method"] not in methods or row["seed"] not in sweeps:
            continue
        sweep = sorted(sweeps[row["seed"]], key=lambda one: one["nll_oracle"])
        at = [one["nll_oracle"] for one in sweep]
        cells = [f"{row['nll_oracle']:.3f}"]
        for figure in FIGURES[1:]:
            values = [one[figure] for one in sweep]
            same = np.interp(row["nll_oracle"], at, values, left=np.nan, right=np.nan)
            cells += [f"{row[figure]:.3f}", "-" if np.isnan(same) else f"{same:.3f}"]
        yield f"| {row['method']} | {row['seed']} | " + " | ".join(cells) + " |"
