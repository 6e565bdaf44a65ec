"""Fit the joint combiner: does anything add to the learned detector?

    python -m unmask.detect.combine --data DATA...

A logistic combiner over the detector's calibrated ratio and the numbers of training-free analysers
is fitted on the VALIDATION pictures of other generators, and compared with the detector alone by
leaving out one corpus at a time. What does not lower the cost (Cllr) there, with a 95% interval
that excludes zero, stays out of the verdict. The result goes to `combiner.json`.
"""

import argparse
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

import unmask
from unmask.datasets.loaders import load
from unmask.datasets.manifest import Sample, Split
from unmask.detect.evaluation.reliability import cllr
from unmask.detect.fusion_train import preparer, thinned
from unmask.evidence import Finding
from unmask.media import open_bytes
from unmask.registry import pick

# Numbers of analysers that need no training: (analyser, fact).
CANDIDATES = (
    ("spectrum", "lattice_axes"),
    ("spectrum", "lattice_off_axes"),
    ("spectrum", "excess"),
    ("spectrum", "exponent"),
)
MOST = 20  # pictures of a corpus and generator
COMBINER = Path(unmask.__file__).with_name("combiner.json")
Rows = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the analysers said of n labelled pictures; `values` is (n, candidates)."""

    llr: Rows
    values: Rows
    fake: NDArray[np.bool_]
    corpus: NDArray[np.str_]


def gather(data: list[Sample]) -> Evidence:
    """Run the detector and the candidates on every picture, all through the same JPEG 90."""
    ready = preparer(data)
    detector, others = pick(["image_detector"])[0], pick(sorted({a for a, _ in CANDIDATES}))
    llr, values = [], []
    for sample in data:
        buffer = io.BytesIO()
        pixels = open_bytes(ready(sample), sample.path.name).pixels
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
        media = open_bytes(buffer.getvalue(), sample.path.name)
        found = detector.analyse(media)
        facts = {o.name: getattr(o.analyse(media), "facts", {}) for o in others}
        llr.append(found.llr or 0.0 if isinstance(found, Finding) else 0.0)
        values.append([float(facts[a].get(f) or 0.0) for a, f in CANDIDATES])
    return Evidence(
        llr=np.array(llr),
        values=np.array(values),
        fake=np.array([s.fake for s in data]),
        corpus=np.array([s.corpus for s in data]),
    )


def weights_of(evidence: Evidence) -> Rows:
    """Every corpus counts alike within its class, and the classes count alike."""
    weight = np.zeros(len(evidence.llr))
    for fake in (True, False):
        names = {str(c) for c in evidence.corpus[evidence.fake == fake]}
        for name in names:
            at = (evidence.corpus == name) & (evidence.fake == fake)
            weight[at] = 1 / at.sum() / len(names)
    return weight


def fit_joint(x: Rows, fake: NDArray[np.bool_], weight: Rows) -> LogisticRegression:
    """A ridge-penalised logistic combiner; each class weighs half."""
    scaled = weight / weight.mean()
    return LogisticRegression(C=1.0, max_iter=1000).fit(x, fake, sample_weight=scaled)


def leave_one_out(evidence: Evidence) -> dict[str, Any]:
    """Cllr of the detector alone and of the joint combiner on corpora left out of the fit."""
    x = np.column_stack([evidence.llr, standardised(evidence)])
    weight = weights_of(evidence)
    joint = np.zeros(len(x))
    for name in sorted({str(c) for c in evidence.corpus}):
        out = evidence.corpus == name
        model = fit_joint(x[~out], evidence.fake[~out], weight[~out])
        joint[out] = model.decision_function(x[out])
    rng = np.random.default_rng(0)
    drops = []
    for _ in range(1000):
        drawn = rng.integers(len(x), size=len(x))
        if 0 < evidence.fake[drawn].sum() < len(drawn):
            alone = cllr(evidence.fake[drawn], evidence.llr[drawn])
            drops.append(alone - cllr(evidence.fake[drawn], joint[drawn]))
    return {
        "cllr_detector": round(cllr(evidence.fake, evidence.llr), 4),
        "cllr_joint": round(cllr(evidence.fake, joint), 4),
        "drop_95": [round(float(q), 4) for q in np.quantile(drops, [0.025, 0.975])],
        "n": len(x),
    }


def standardised(evidence: Evidence) -> Rows:
    """Candidates with mean 0 and deviation 1."""
    spread = evidence.values.std(0)
    result: Rows = (evidence.values - evidence.values.mean(0)) / np.where(spread > 0, spread, 1)
    return result


def combiner(evidence: Evidence, ablation: dict[str, Any]) -> dict[str, Any]:
    """The content of combiner.json: the joint fit where it earned its place, else the detector."""
    detector = {"analyser": "image_detector", "fact": None, "centre": 0.0, "coefficient": 1.0}
    image: dict[str, Any] = {"intercept": 0.0, "terms": [detector]}
    if ablation["drop_95"][0] > 0:
        x = np.column_stack([evidence.llr, standardised(evidence)])
        model = fit_joint(x, evidence.fake, weights_of(evidence))
        spread = evidence.values.std(0)
        image["intercept"] = float(model.intercept_[0])
        image["terms"] = [detector | {"coefficient": float(model.coef_[0][0])}] + [
            {
                "analyser": analyser,
                "fact": fact,
                "centre": float(evidence.values[:, i].mean()),
                "coefficient": float(model.coef_[0][i + 1] / (spread[i] or 1.0)),
            }
            for i, (analyser, fact) in enumerate(CANDIDATES)
        ]
    video = {"intercept": 0.0, "terms": [detector | {"analyser": "clip_detector"}]}
    return {
        "fitted_on": "validation pictures of " + ", ".join(sorted(set(evidence.corpus.tolist()))),
        "command": "python -m unmask.detect.combine --data DATA...",
        "ablation": ablation | {"candidates": [".".join(c) for c in CANDIDATES]},
        "image": image,
        "video": video,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="labelled data sets")
    found = [s for where in parser.parse_args().data for s in load(where)]
    data = thinned([s for s in found if s.split is Split.VALIDATION], MOST)
    evidence = gather(data)
    fitted = combiner(evidence, leave_one_out(evidence))
    kept = json.loads(COMBINER.read_text())  # sound and text are fitted elsewhere
    COMBINER.write_text(json.dumps(kept | fitted, indent=1) + "\n")


if __name__ == "__main__":
    main()
