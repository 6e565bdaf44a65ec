"""Does each expert earn its place? Validation AUC with it and without.

    python -m unmask.detect.ablation --inputs runs/validation_inputs.npz
        --handmade handmade.safetensors --out detect/ablation.json

Every row is a fusion of some inputs, fitted anew without the generator (or the corpus of
photographs) that it is then judged on. Differences to the shipped fusion are paired, resampled by
source. TEST is not read.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from unmask.datasets.manifest import Sample
from unmask.detect.evaluation.perturbations import parse_all
from unmask.detect.evaluation.reliability import cllr, ece
from unmask.detect.evaluation.resampling import AUC, difference, draw, estimate, figures_drawn
from unmask.detect.evaluation.tables import Estimate
from unmask.detect.experts import FORMS
from unmask.detect.fusion_train import GRIDS, SCALE, Inputs, calibrated, crossed, preparer
from unmask.detect.handmade import columns, features
from unmask.detect.handmade_model import load as load_handmade
from unmask.detect.quality import NAMES as QUALITY
from unmask.media import open_bytes

SHIPPED = "shipped"


def subsets(names: Sequence[str], shipped: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What is compared: each expert alone, the shipped ones, these but for one, and with one more.

    `names` are all inputs: what is neither shipped nor a quality covariate is a candidate.
    """
    candidates = [n for n in names if n not in (*shipped, *QUALITY, SCALE)]
    # A single shipped expert is the shipped fusion.
    alone = (*(shipped if len(shipped) > 1 else ()), *candidates)
    found: dict[str, tuple[str, ...]] = {f"{name} alone": (name,) for name in alone}
    for left in shipped:
        if rest := tuple(name for name in shipped if name != left):
            found[f"shipped without {left}"] = rest
    found[SHIPPED] = tuple(shipped)
    for more in candidates:
        found[f"shipped + {more}"] = (*shipped, more)
    if set(QUALITY) <= set(names):
        found["shipped + quality"] = (*shipped, *QUALITY)
    return found


def compare(inputs: Inputs, shipped: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By subset: AUC over all views, and what it has more than the shipped fusion."""
    views = len(inputs.perturbations)
    fake = np.repeat(inputs.fake, views)
    source = [s.source for s in inputs.samples for _ in range(views)]
    drawn = draw(fake, source)
    parts = subsets(inputs.names, shipped)
    scores = {title: crossed(inputs, part).ravel() for title, part in parts.items()}
    areas = {title: estimate(fake, values, source) for title, values in scores.items()}
    samples = {title: figures_drawn([AUC], v, drawn)[0] for title, v in scores.items()}
    rows = {}
    for title, area in areas.items():
        row: dict[str, Any] = {"auc": _rounded(area)}
        if title != SHIPPED:
            more = difference(area, samples[title], areas[SHIPPED], samples[SHIPPED])
            row["less_the_shipped"] = _rounded(more)
        rows[title] = row
    return rows


def _rounded(found: Estimate) -> list[float]:
    return [round(float(v), 4) for v in (found.value, found.low, found.high)]


def run(inputs: Inputs, shipped: Sequence[str], handmade: Path | None) -> Mapping[str, Any]:
    """Compare, with the hand-made expert as a candidate where its weights are given."""
    inputs = inputs.at_most()
    if handmade is not None:
        inputs = with_handmade(inputs, handmade)
    return {
        "n_real": int((~inputs.fake).sum()),
        "n_fake": int(inputs.fake.sum()),
        "views": list(inputs.perturbations),
        "shipped": list(shipped),
        "rows": compare(inputs, shipped),
        "calibration": calibration_by_view(inputs, shipped),
    }


def calibration_by_view(inputs: Inputs, shipped: Sequence[str]) -> dict[str, dict[str, float]]:
    """ECE and Cllr at even odds, of fusions that were fitted without the picture's group."""
    scores = crossed(inputs, shipped)
    llr = calibrated(inputs, scores).llr(scores)
    columns = [*zip(inputs.perturbations, llr.T, strict=True), ("all", llr.ravel())]
    found = {}
    for view, values in columns:
        fake = np.repeat(inputs.fake, len(values) // len(inputs.fake))
        found[view] = {
            "ece": round(ece(fake, expit(values)), 4),
            "cllr": round(cllr(fake, values), 4),
        }
    return found


def with_handmade(inputs: Inputs, weights: Path) -> Inputs:
    """The inputs with one more column, from the same pictures under the same perturbations."""
    model = load_handmade(weights, columns())
    ready, changes = preparer(inputs.samples), parse_all(GRIDS["image"])

    def look(sample: Sample) -> list[float]:
        media = open_bytes(ready(sample), sample.path.name)
        views = [features(change(media.pixels, media.sha256)) for change in changes]
        return [float(logit) for logit in model.logit(np.stack(views))]

    column = np.array([look(sample) for sample in inputs.samples])[:, :, None]
    return replace(
        inputs,
        names=(*inputs.names, "handmade"),
        values=np.concatenate([inputs.values, column], axis=2),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=Path, required=True, help="of `unmask train fusion`")
    parser.add_argument("--shipped", nargs="+", choices=FORMS, default=["patchnet"])
    parser.add_argument("--handmade", type=Path, help="weights of the hand-made expert")
    parser.add_argument("--out", type=Path, required=True, help="report, *.json")
    given = parser.parse_args()
    report = run(Inputs.load(given.inputs), given.shipped, given.handmade)
    given.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
