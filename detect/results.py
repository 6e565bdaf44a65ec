"""Write RESULTS.md, and the results of the card, from what `unmask evaluate` wrote.

    python -m unmask.detect.results --evaluation "Test decoders=runs/decoders/evaluation.json" ...

The tables are read from the evaluations and from `ablation.json`. What they mean is written by hand
in `results_notes.md`, which stands above them.
"""

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unmask.card import load_card
from unmask.detect.evaluation.tables import POOLED, WORST, Estimate, Evaluation, Row
from unmask.detect.evaluation.write_json import read
from unmask.detect.evaluation.write_markdown import escape
from unmask.detect.image_card import COMMAND, WEAKNESSES
from unmask.detect.inference import WEIGHTS
from unmask.detect.peers.recipes import PEERS

PAGE = Path(__file__).with_name("RESULTS.md")
NOTES = Path(__file__).with_name("results_notes.md")
ABLATION = Path(__file__).with_name("ablation.json")
OURS = "image_detector"


def figure(found: Estimate | None) -> str:
    """With its interval."""
    if found is None or math.isnan(found.value):
        return "-"
    if math.isnan(found.low):
        return f"{found.value:.3f}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def share(found: Estimate | float | None) -> str:
    """In percent."""
    value = found.value if isinstance(found, Estimate) else found
    return "-" if value is None or math.isnan(value) else f"{100 * value:.1f}%"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def section(title: str, found: Evaluation) -> list[str]:
    """All tables of one evaluation."""
    detectors = _unique(row.detector for row in found.rows)
    perturbations = _unique(row.perturbation for row in found.rows)
    at = {(r.detector, r.perturbation, r.generator): r for r in found.rows}
    lines = [f"## {title}", "", "```", found.command, "```", ""]
    counts = [
        f"{corpus}: {', '.join(f'{n} {g}' for g, n in by.items())}"
        for corpus, by in found.data.items()
    ]
    lines += ["Pictures: " + escape("; ".join(counts)) + ".", ""]
    if any((d, perturbations[0], POOLED) in at for d in detectors):
        lines += ["AUC, all generators together:", ""]
        lines += table(
            ["", *perturbations],
            (
                [d, *(figure(_auc(at.get((d, p, POOLED)))) for p in perturbations)]
                for d in detectors
            ),
        )
        lines += _worst(detectors, perturbations, at) + _differences(found) + _accuracy(found)
    return lines + _generators(found) + _photographs(found) + _calibration(found) + _speed(found)


def _auc(row: Row | None) -> Estimate | None:
    return None if row is None else row.auc


def _worst(
    detectors: Sequence[str], perturbations: Sequence[str], at: dict[tuple[str, str, str], Row]
) -> list[str]:
    lines = ["AUC on the worst generator of each column:", ""]
    rows = [[d, *(figure(_auc(at.get((d, p, WORST)))) for p in perturbations)] for d in detectors]
    return lines + table(["", *perturbations], rows)


def _differences(found: Evaluation) -> list[str]:
    pooled = [p for p in found.paired if p.generator == POOLED and OURS in (p.first, p.second)]
    if not pooled:
        return []
    perturbations = _unique(p.perturbation for p in pooled)
    gaps: dict[tuple[str, str], Estimate] = {}
    for p in pooled:
        d = p.difference
        if p.first == OURS:
            gaps[p.second, p.perturbation] = d
        else:
            gaps[p.first, p.perturbation] = Estimate(value=-d.value, low=-d.high, high=-d.low)
    lines = [f"What {OURS} has more (AUC, paired):", ""]
    others = _unique(name for name, _ in gaps)
    rows = [[o, *(figure(gaps.get((o, p))) for p in perturbations)] for o in others]
    return lines + table(["less", *perturbations], rows)


def _accuracy(found: Evaluation) -> list[str]:
    rows = [r for r in found.rows if r.generator == POOLED and r.balanced_accuracy]
    if not rows:
        return []
    lines = ["Balanced accuracy at the frozen threshold, beside the best one in hindsight:", ""]
    return lines + table(
        ["detector", "perturbation", "frozen", "oracle", "TPR", "TNR", "left open"],
        (
            [r.detector, r.perturbation, share(r.balanced_accuracy), share(r.oracle_accuracy),
             share(r.tpr), share(r.tnr), share(r.abstained)]
            for r in rows
        ),
    )  # fmt: skip


def _generators(found: Evaluation) -> list[str]:
    clean = found.rows[0].perturbation if found.rows else ""
    rows = [
        r for r in found.rows
        if r.perturbation == clean and r.generator not in (POOLED, WORST) and r.auc
    ]  # fmt: skip
    if not rows:
        return []
    detectors = _unique(r.detector for r in rows)
    by = {(r.detector, r.generator): r for r in rows}
    lines = [f"AUC by generator, {clean}:", ""]
    names = _unique(r.generator for r in rows)
    return lines + table(
        ["generator", "n", *detectors],
        (
            [name, str(by[detectors[0], name].n_fake),
             *(figure(_auc(by.get((d, name)))) for d in detectors)]
            for name in names
        ),
    )  # fmt: skip


def _photographs(found: Evaluation) -> list[str]:
    rows = [r for r in found.sources if r.detector == OURS]
    if not rows:
        return []
    lines = [f"False positives of {OURS} at the frozen threshold, clean, by source:", ""]
    return lines + table(
        ["source", "n", "called synthetic", "rate"],
        ([r.corpus, str(r.n), str(r.false_positives), figure(r.rate)] for r in rows),
    )


def _calibration(found: Evaluation) -> list[str]:
    lines = []
    if found.reliability:
        lines += ["Calibration, at even priors:", ""]
        lines += table(
            ["detector", "perturbation", "ECE", "Brier", "Cllr"],
            (
                [r.detector, r.perturbation, figure(r.ece), figure(r.brier), figure(r.cllr)]
                for r in found.reliability
            ),
        )
    if found.leaks:
        lines += ["Leak probes, of what must not tell the classes apart:", ""]
        rows = ([leak.probe, figure(leak.auc), str(leak.n)] for leak in found.leaks)
        lines += table(["probe", "AUC", "n"], rows)
    return lines


def _speed(found: Evaluation) -> list[str]:
    if not found.speed:
        return []
    return table(
        ["detector", "pictures timed", "images/s", "peak memory, MB", "processors"],
        (
            [s.detector, str(s.images), f"{s.images_per_second:.2f}", f"{s.peak_memory_mb:.0f}",
             str(s.processors)]
            for s in found.speed
        ),
    )  # fmt: skip


def apart(sets: Sequence[tuple[str, Evaluation]]) -> list[str]:
    """Small sets in a line for each generator, against the photographs of that set alone."""
    if not sets:
        return []
    lines = ["## Small sets, each against photographs of its own", "", "```"]
    lines += [*(found.command for _, found in sets), "```", ""]
    perturbations = _unique(row.perturbation for _, found in sets for row in found.rows)
    rows = []
    for title, found in sets:
        at = {(r.generator, r.perturbation): r for r in found.rows if r.detector == OURS}
        for name in _unique(g for g, _ in at if g not in (POOLED, WORST)):
            first = at[name, perturbations[0]]
            counts = [str(first.n_real), str(first.n_fake)]
            found_at = (figure(_auc(at.get((name, p)))) for p in perturbations)
            rows.append([title, escape(name), *counts, *found_at])
    return lines + table(["set", "generator", "photographs", "fakes", *perturbations], rows)


def ablation(report: dict[str, Any]) -> list[str]:
    """Of the experts, on the validation split."""
    lines = [
        "## What each expert adds (validation)",
        "",
        f"{report['n_real']} photographs and {report['n_fake']} fakes under"
        f" {len(report['views'])} views; each fusion is judged on generators and corpora that it"
        " was not fitted to. Intervals by source, differences paired.",
        "",
    ]
    rows = [
        [name, _bracketed(row["auc"]), _bracketed(row.get("less_the_shipped"))]
        for name, row in report["rows"].items()
    ]
    lines += table(["fusion of", "AUC", "more than the shipped"], rows)
    lines += ["Calibration of the shipped one, at even priors:", ""]
    views = report["calibration"].items()
    return lines + table(
        ["view", "ECE", "Cllr"], [[v, f"{c['ece']:.3f}", f"{c['cllr']:.3f}"] for v, c in views]
    )


def _bracketed(values: Sequence[float] | None) -> str:
    return "-" if values is None else f"{values[0]:.3f} [{values[1]:.3f}, {values[2]:.3f}]"


TRAIN_PEERS = f"""\
for PEER in {" ".join(PEERS)}: unmask train detector --recipe PEER --steps 500 \
--data aligned --data DATA --out runs/peers/PEER
python -m unmask.detect.peers.linear_train --data aligned --out runs/peers
export UNMASK_PEERS=runs/peers"""


# Peer, paper, what it published, what differs here: those that no recipe trains.
OTHERS = (
    (
        "durall", "Durall et al. 2019",
        "100% accuracy on Faces-HQ and on CelebA, 91% on FaceForensics++",
        "Pictures of all sizes: rings of 1/256 cycle a pixel, as logarithms.",
    ),
    (
        "frank", "Frank et al. 2020",
        "78.9% mean accuracy on 8 sets of ForenSynths, trained on ProGAN, in Liu et al. 2024",
        "The mean of up to nine tiles of 128 pixels in place of a whole picture of one size.",
    ),
    (
        "FerretNet-S", "Liang et al. 2025",
        "97.1% mean accuracy on four sets of 22 generators, trained on ProGAN",
        "Its authors' weights, as they come.",
    ),
    ("sahu65", "-", "AUC 0.82, in its own card", "The package, as it comes."),
)  # fmt: skip


def peers() -> list[str]:
    """How they were trained, and published figures: of other data, so not comparable."""
    lines = ["## Peers", ""]
    lines += ["Networks learned from the pairs that ours learned from, linear models from those"]
    lines += ["that the expert of spectra learned from:", "", "```", TRAIN_PEERS, "```", ""]
    lines += ["The published figures are of other data and **not comparable**.", ""]
    rows = [[p.name, p.paper, p.published or "-", p.note or "-"] for p in PEERS.values()]
    rows += [list(other) for other in OTHERS]
    return lines + table(["peer", "paper", "published", "what differs here"], rows)


def for_card(evaluations: Iterable[tuple[str, Evaluation]]) -> dict[str, Any]:
    """By evaluation, encoding and generator: n, AUC, and rates at the frozen threshold."""
    return {
        title: {
            f"{row.perturbation} | {row.generator}": {
                "n_real": row.n_real,
                "n_fake": row.n_fake,
                "auc": _values(row.auc),
                "tpr": _values(row.tpr),
                "tnr": _values(row.tnr),
            }
            for row in found.rows
            if row.detector == OURS
        }
        for title, found in evaluations
    }


def _values(found: Estimate | None) -> list[float | None] | None:
    if found is None:
        return None
    values = (found.value, found.low, found.high)
    return [round(v, 4) if math.isfinite(v) else None for v in values]


def page(
    notes: str,
    evaluations: Iterable[tuple[str, Evaluation]],
    report: Path | None,
    small: Sequence[tuple[str, Evaluation]] = (),
) -> str:
    """The whole page."""
    lines = [notes.rstrip(), ""]
    for title, found in evaluations:
        lines += section(title, found)
    lines += apart(small)
    if report is not None:
        lines += ablation(json.loads(report.read_text()))
    return "\n".join([*lines, *peers()]).rstrip() + "\n"


def _read_all(named: Iterable[str]) -> list[tuple[str, Evaluation]]:
    """Of TITLE=JSON each."""
    parts = (text.partition("=") for text in named)
    return [(title, read(Path(where))) for title, _, where in parts]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--evaluation", action="append", default=[], metavar="TITLE=JSON")
    parser.add_argument(
        "--apart", action="append", default=[], metavar="TITLE=JSON", help="a small set, in a line"
    )
    parser.add_argument("--ablation", type=Path, default=ABLATION)
    parser.add_argument("--notes", type=Path, default=NOTES, help="what stands above the tables")
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="whose card gets the results")
    given = parser.parse_args()
    evaluations, small = _read_all(given.evaluation), _read_all(given.apart)
    given.out.write_text(page(given.notes.read_text(), evaluations, given.ablation, small))
    # Weaknesses too: what an evaluation has shown since the weights were made belongs to them.
    card = replace(
        load_card(given.weights),
        results=for_card([*evaluations, *small]),
        weaknesses=WEAKNESSES,
        command=COMMAND,
    )
    card.save(given.weights.with_suffix(".json"))


if __name__ == "__main__":
    main()
