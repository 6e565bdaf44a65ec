"""The tables of the oracle protocol, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
