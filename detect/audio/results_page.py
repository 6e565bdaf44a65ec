"""The audio detector's results as Markdown.

    python -m unmask.detect.audio.results_page

joins what is written by hand (results_notes.md) with the tables of the reports that lie beside it,
and writes RESULTS.md: results.json of `unmask.detect.audio.results`, published.json of
`unmask.detect.audio.published` and critics.json of `unmask.detect.audio.critics`.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unmask.detect.results import table

HERE = Path(__file__).parent


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
    cut = found["without_pauses"]
    lines += [
        "Leak probes, expected 0.5, and with all that is quiet cut out of every recording:",
        "",
    ]
    lines += table(
        ["probe", "AUC", "without pauses"],
        [[k, figure(v), figure(cut["leaks"][k])] for k, v in found["leaks"].items()],
    )
    lines += ["AUC of the detector on recordings without pauses:", ""]
    lines += table(["family", "AUC"], [[k, figure(v)] for k, v in cut["auc"].items()])
    where = found["located"]
    lines += [
        f"Ten seconds inserted in a minute (n = {where['n']}): mean IoU {where['mean_iou']:.2f},"
        f" IoU >= 0.5 in {figure(where['share_half'])}. Real minutes that show a stretch:"
        f" {figure(where['false'])}.",
        "",
        *table(
            ["family", "n", "mean IoU", "IoU >= 0.5"],
            [[k, *map(str, v)] for k, v in where["by_family"].items()],
        ),
    ]
    return "\n".join(lines)


def published(found: Mapping[str, Any]) -> str:
    """Peers as they were published: by family, and how far the shipped detector is ahead."""
    encodings = found["encodings"]
    lines = [
        f"{found['real']} real recordings, {found['fakes']} fakes, those of the next section.",
        "",
    ]
    for title, key in (("AUC", "auc"), ("EER", "eer")):
        lines += [f"{title}:", ""]
        rows = [
            [family, name, *(figure(by[e]) for e in encodings)]
            for family, detectors in found[key].items()
            for name, by in detectors.items()
        ]
        lines += table(["family", "detector", *encodings], rows)
    lines += ["AUC of the shipped detector ahead of theirs, all families, paired:", ""]
    ahead = [[name, *(figure(by[e]) for e in encodings)] for name, by in found["ahead"].items()]
    return "\n".join([*lines, *table(["peer", *encodings], ahead)])


def critics(found: Mapping[str, Any]) -> str:
    """What critics of sound GANs add to the detector, on the validation split."""
    held, learned = found["validation"], found["train"]
    encodings = found["encodings"]
    lines = [
        f"Fitted to {learned['real']} real recordings and {learned['fake']} fakes of the training"
        f" split, judged on {held['real']} and {held['fake']} of the validation split. AUC alone:",
        "",
    ]
    rows = [
        [family, name, *(figure(by[e]) for e in encodings)]
        for family, experts in found["alone"].items()
        for name, by in experts.items()
    ]
    lines += table(["family", "expert", *encodings], rows)
    lines += ["Through a fusion that knows neither the family nor the speaker it is judged on:", ""]
    views = list(next(iter(found["fused"].values())))
    rows = []
    for name, by in found["fused"].items():
        first = "gain" not in by[views[0]]
        rows.append([name if first else f"with {name}", *(figure(by[v]["auc"]) for v in views)])
        if not first:
            rows.append([f"gain by {name}", *(_signed(by[v]["gain"]) for v in views)])
    return "\n".join([*lines, *table(["audio_detector and critics", *views], rows)])


def _signed(numbers: Sequence[float]) -> str:
    value, low, high = numbers
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def whole(notes: str, reports: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole page; `reports` by their files' names. What was not measured has no section."""
    parts = [notes.rstrip()]
    for name, (title, section) in SECTIONS.items():
        if name in reports:
            parts += [f"## {title}", section(reports[name]).rstrip()]
    return "\n\n".join(parts) + "\n"


def read_reports(home: Path) -> dict[str, dict[str, Any]]:
    """The reports that lie in a folder."""
    paths = {name: home / f"{name}.json" for name in SECTIONS}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.is_file()}


SECTIONS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "critics": ("Critics of our own GANs as experts (validation)", critics),
    "published": ("AASIST as published (test split)", published),
    "results": ("Test split", page),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, default=HERE, help="where notes and reports lie")
    home = parser.parse_args(arguments).home
    notes = (home / "results_notes.md").read_text()
    (home / "RESULTS.md").write_text(whole(notes, read_reports(home)))


if __name__ == "__main__":
    main()
