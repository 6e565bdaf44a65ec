"""Train the expert of hand-made features. Read it top to bottom.

    python -m unmask.detect.handmade_train --data DATA --out handmade.safetensors

Every TRAIN picture is seen once as it is and once or more through the random chain of the network's
training, both classes alike. The kind of classifier is chosen by cross-validation on TRAIN alone,
in folds that share no source; VALIDATION is read to report, beside the network and together with
it. TEST is not read. The report goes to `handmade.json` beside the weights.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from unmask.datasets.manifest import Sample, Split, samples
from unmask.detect.encodings import Chain, jpeg, random_chain
from unmask.detect.evaluation.figures import two_classes
from unmask.detect.evaluation.resampling import AUC, difference, draw, estimate, figures_drawn
from unmask.detect.evaluation.tables import Estimate
from unmask.detect.handmade import columns, features
from unmask.detect.handmade_fit import CANDIDATES, Fit
from unmask.detect.handmade_model import Floats, Model, save
from unmask.detect.inference import Detector, load_detector
from unmask.detect.publish import PERTURBATIONS, read, thinned
from unmask.errors import WeightsError

CHOOSE_ON = "ffhq_vs_stylegan"
VIEWS = ("clean", "JPEG 70", "scaled 0.75")  # reported; "clean" is learned from too
FOLDS = 5
CROP = 192  # pixels a side of a random encoding


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Features of N views of pictures."""

    x: Floats  # (N, D)
    samples: tuple[Sample, ...]  # (N,)
    view: NDArray[np.str_]  # (N,) "random", or a name of PERTURBATIONS

    @property
    def fake(self) -> NDArray[np.bool_]:
        return np.array([s.fake for s in self.samples], dtype=bool)

    @property
    def source(self) -> list[str]:
        return [s.source for s in self.samples]

    @property
    def corpus(self) -> NDArray[np.str_]:
        return np.array([s.corpus for s in self.samples], dtype=np.str_)

    def of(self, keep: NDArray[np.bool_]) -> "Rows":
        """The rows that `keep` (N,) holds for."""
        kept = tuple(s for s, k in zip(self.samples, keep, strict=True) if k)
        return replace(self, x=self.x[keep], samples=kept, view=self.view[keep])


def gather(data: Iterable[Sample], views: Iterable[str], random: int, seed: int = 11) -> Rows:
    """Features of every picture under named perturbations and `random` draws of the chain.

    Draws depend on the seed and the picture's source alone, so that no order of files matters.
    """
    x, found, names = [], [], []
    for sample in data:
        original = read(sample)
        once = jpeg(original, 95)  # both classes through the same file format
        shown = [(name, PERTURBATIONS[name](once)) for name in views]
        rng = np.random.default_rng([seed, *sample.source.encode(), sample.fake])
        shown += [("random", random_chain(original, rng, Chain(), CROP)) for _ in range(random)]
        for name, pixels in shown:
            x.append(features(pixels))
            found.append(sample)
            names.append(name)
    return Rows(x=np.array(x, dtype=np.float64), samples=tuple(found), view=np.array(names))


def weights_of(rows: Rows) -> Floats:
    """Classes weigh alike, and a corpus as the square root of its size within its class."""
    weight = np.zeros(len(rows.x))
    for fake in (True, False):
        for corpus in {s.corpus for s in rows.samples}:
            at = (rows.fake == fake) & (rows.corpus == corpus)
            weight[at] = max(1, at.sum()) ** -0.5
        weight[rows.fake == fake] *= len(weight) / 2 / weight[rows.fake == fake].sum()
    return weight


def fitted(fit: Fit, rows: Rows) -> Model:
    """A candidate fitted to the views that may be learned from."""
    learned = rows.of(np.isin(rows.view, ["clean", "random"]))
    return fit(learned.x, learned.fake, weights_of(learned))


def held_out(fit: Fit, rows: Rows) -> Floats:
    """(N,) logits of every row by a model that saw no row of its source."""
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    logits = np.full(len(rows.x), np.nan)
    for train, rest in folds.split(rows.x, rows.fake, rows.source):
        keep = np.zeros(len(rows.x), dtype=bool)
        keep[train] = True
        logits[rest] = fitted(fit, rows.of(keep)).logit(rows.x[rest])
    return logits


def aucs(rows: Rows, logits: Floats) -> dict[str, Estimate]:
    """AUC by view with its interval, and of all views together under "pooled"."""
    shown = {name: rows.view == name for name in VIEWS}
    shown["pooled"] = np.isin(rows.view, VIEWS)
    return {
        name: estimate(rows.fake[at], logits[at], [s.source for s in rows.of(at).samples])
        for name, at in shown.items()
    }


def choose(rows: Rows) -> tuple[str, dict[str, dict[str, Estimate]]]:
    """The candidate of the highest mean AUC over the views, and every candidate's figures."""
    judged = (rows.corpus == CHOOSE_ON) & np.isin(rows.view, VIEWS)
    found = {
        name: aucs(rows.of(judged), held_out(fit, rows)[judged]) for name, fit in CANDIDATES.items()
    }
    return max(found, key=lambda n: float(np.mean([found[n][v].value for v in VIEWS]))), found


def groups(rows: Rows) -> dict[str, NDArray[np.bool_]]:
    """Validation fakes of each generator against the photographs of their corpus.

    A generator without photographs of its own meets all others; "pooled" is everything.
    """
    found = {}
    for corpus in sorted({s.corpus for s in rows.samples if s.fake}):
        own = rows.corpus == corpus
        reals = own if (own & ~rows.fake).any() else np.ones_like(own)
        name = next(s.generator for s in rows.samples if s.corpus == corpus and s.fake)
        found[name] = (own & rows.fake) | (reals & ~rows.fake)
    strangers = (rows.corpus != CHOOSE_ON) & np.ones(len(rows.x), dtype=bool)
    return found | {"unseen generators, pooled": strangers, "pooled": np.ones_like(strangers)}


def network_logits(detector: Detector, rows: Rows) -> Floats:
    """(N,) raw scores of the network on the same views as `rows`."""
    scores = []
    before: Path | None = None
    for sample, view in zip(rows.samples, rows.view, strict=True):
        if sample.path != before:
            once, before = jpeg(read(sample), 95), sample.path
        scores.append(detector.score(PERTURBATIONS[str(view)](once)).score)
    return np.array(scores)


def compare(rows: Rows, expert: Floats, network: Floats | None) -> dict[str, dict[str, Any]]:
    """AUC of the expert, the network and the mean of both, and what the expert adds, with n.

    Logits are put to mean 0 and deviation 1 over all rows, without their labels.
    """
    scores = {"expert": expert}
    if network is not None:
        both = sum((s - s.mean()) / s.std() for s in (expert, network)) / 2
        scores |= {"network": network, "mean of both": np.asarray(both)}
    report: dict[str, dict[str, Any]] = {}
    for view in VIEWS:
        for name, at in groups(rows).items():
            keep = at & (rows.view == view)
            if two_classes(rows.fake[keep]):
                chosen = {k: values[keep] for k, values in scores.items()}
                report[f"{view} | {name}"] = _row(rows.of(keep), chosen)
    return report


def _row(part: Rows, scores: dict[str, Floats]) -> dict[str, Any]:
    draws = draw(part.fake, part.source)
    found = {k: estimate(part.fake, s, part.source) for k, s in scores.items()}
    row: dict[str, Any] = {"n_fake": int(part.fake.sum()), "n_real": int((~part.fake).sum())}
    row |= {k: _rounded(e) for k, e in found.items()}
    if "network" in scores:
        drawn = {k: figures_drawn([AUC], s, draws)[0] for k, s in scores.items()}
        one, two = "mean of both", "network"
        added = difference(found[one], drawn[one], found[two], drawn[two])
        row["added to the network"] = _rounded(added)
    return row


def _rounded(found: Estimate) -> list[float]:
    return [round(float(v), 4) for v in (found.value, found.low, found.high)]


def train(data: Path, out: Path, random: int) -> dict[str, Any]:
    """Choose, fit and save a classifier, and return the report."""
    everything = thinned(samples(data))
    rows = gather([s for s in everything if s.split is Split.TRAIN], VIEWS, random)
    name, found = choose(rows)
    model = fitted(CANDIDATES[name], rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    save(model, columns(), out)
    held = gather([s for s in everything if s.split is Split.VALIDATION], VIEWS, 0)
    try:
        network = network_logits(load_detector("cpu"), held)
    except WeightsError:
        network = None  # the expert stands alone where the network is not installed
    judged = (rows.corpus == CHOOSE_ON) & (rows.view == "clean")
    report = {
        "chosen": name,
        "features": len(columns()),
        "random_encodings": random,
        "cross_validated_auc": {
            "corpus": CHOOSE_ON,
            "n_fake": int(rows.fake[judged].sum()),
            "n_real": int((~rows.fake[judged]).sum()),
            "candidates": {
                k: {v: _rounded(e) for v, e in views.items()} for k, views in found.items()
            },
        },
        "validation_auc": compare(held, model.logit(held.x), network),
    }
    out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    return report


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--out", type=Path, required=True, help="weights, *.safetensors")
    parser.add_argument("--random", type=int, default=1, help="random encodings of a picture")
    given = parser.parse_args()
    train(given.data, given.out, given.random)


if __name__ == "__main__":
    main()
