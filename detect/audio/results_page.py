"""The tables of the audio detector's results as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from unmask.detect.results import table


def figure(numbers: Sequence[float]) -> str:
    """A value with the ends of its interval."""
    value, low, high = numbers
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def page(found: Mapping[str, Any]) -> str:
    """All tables."""
    encodings = found["encodings"]
    counts = ", ".join(f"{n} {family}" for family, n in found["fakes"].items())
    lines = [f"{found['real']} real recordings; fakes: {counts}.", ""]
    for title, key in (("AUC", "auc"), ("EER", "eer")):
        lines += [f"{title} of families that no network was trained or calibrated on:", ""]
        rows = [
            [family, name, *(figure(by[e]) for e in encodings)]
            for family, detectors in found[key].items()
            for name, by in detectors.items()
        ]
        lines += table(["family", "detector", *encodings], rows)
    lines += ["AUC ahead of peers, all families, paired:", ""]
    lines += table(
        ["peer", *encodings],
        [[name, *(figure(by[e]) for e in encodings)] for name, by in found["ahead"].items()],
    )
    lines += ["min t-DCF with an assumed verifier (5% miss, 5% false alarm, 30% of spoofs):", ""]
    lines += table(
        ["detector", *encodings],
        [[name, *(f"{by[e]:.3f}" for e in encodings)] for name, by in found["min_tdcf"].items()],
    )
    lines += ["Called synthetic at P >= 0.9 and above the 1% threshold:", ""]
    lines += table(
        ["", *encodings],
        [[one, *(figure(found["decided"][e][one]) for e in encodings)]
         for one in ("real", "synthetic")],
    )  # fmt: skip
    lines += ["Leak probes, expected 0.5:", ""]
    lines += table(["probe", "AUC"], [[k, figure(v)] for k, v in found["leaks"].items()])
    where = found["located"]
    lines += [
        f"Ten seconds inserted in a minute (n = {where['n']}): mean IoU {where['mean_iou']:.2f},"
        f" IoU >= 0.5 in {figure(where['share_half'])}.",
        "",
        *table(
            ["family", "n", "mean IoU", "IoU >= 0.5"],
            [[k, *map(str, v)] for k, v in where["by_family"].items()],
        ),
    ]
    return "\n".join(lines)
