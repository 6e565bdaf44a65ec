"""Train the expert of hand-made features. Read it top to bottom.

    python -m unmask.detect.handmade_train --data ALIGNED... --out handmade.safetensors

It learns from the pairs that the networks learn from, through the same random chain. The kind of
classifier is chosen on pairs of the VALIDATION split: other photographs, decoders and generators.
TEST is not read. The report goes to `handmade.json` beside the weights.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.loaders import load
from unmask.datasets.manifest import Sample, Split
from unmask.detect.evaluation.resampling import estimate
from unmask.detect.evaluation.tables import Estimate
from unmask.detect.handmade import columns, features
from unmask.detect.handmade_fit import CANDIDATES
from unmask.detect.handmade_model import Floats, Model, save
from unmask.detect.pair_stream import Mixture, Pool, pictures
from unmask.detect.recipe import CHAIN

CROP = 128  # pixels a side
VALIDATION_PAIRS = 240  # of each kind
KINDS = {
    "aligned": Mixture(unpaired=0, simulated=0, edited=0, pixel_blend=0, dct_blend=0, region=0),
    "other": Mixture(unpaired=1, simulated=0, edited=0, pixel_blend=0, dct_blend=0, region=0),
}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Features of N pictures, pairs one after the other: photograph, fake."""

    x: Floats  # (N, D)
    fake: NDArray[np.bool_]  # (N,)
    pair: NDArray[np.int64]  # (N,) which pair a picture is of


def gather(pool: Pool, mixture: Mixture, pairs: int, seed: int) -> Rows:
    """Features of `pairs` pairs, drawn by the seed alone."""
    shown = pictures(pool, mixture, CHAIN, crop=CROP, pairs=pairs, seed=seed)
    return Rows(
        x=np.array([features(one) for one in shown], dtype=np.float64),
        fake=np.array([False, True] * pairs),
        pair=np.repeat(np.arange(pairs), 2),
    )


def figures(model: Model, held: dict[str, Rows]) -> dict[str, Estimate]:
    """AUC of each kind of pair, resampled by pair."""
    return {
        kind: estimate(rows.fake, model.logit(rows.x), [str(p) for p in rows.pair])
        for kind, rows in held.items()
    }


def train(data: Sequence[Sample], out: Path, pairs: int, seed: int = 1) -> dict[str, Any]:
    """Fit every candidate, keep the best on validation, save it, and return the report.

    Raises ValueError where the TRAIN or the VALIDATION split has no pairs.
    """
    rows = gather(Pool([s for s in data if s.split is Split.TRAIN]), Mixture(), pairs, seed)
    strangers = Pool([s for s in data if s.split is Split.VALIDATION])
    there = {"aligned": bool(strangers.paired), "other": bool(strangers.unpaired)}
    held = {
        kind: gather(strangers, mixture, VALIDATION_PAIRS, seed=7)
        for kind, mixture in KINDS.items()
        if there[kind]
    }
    weights = np.ones(len(rows.x))
    models = {name: fit(rows.x, rows.fake, weights) for name, fit in CANDIDATES.items()}
    found = {name: figures(model, held) for name, model in models.items()}
    best = max(found, key=lambda name: float(np.mean([e.value for e in found[name].values()])))
    out.parent.mkdir(parents=True, exist_ok=True)
    save(models[best], columns(), out)
    report = {
        "chosen": best,
        "features": len(columns()),
        "pairs": pairs,
        "validation_pairs": VALIDATION_PAIRS,
        "validation_auc": {
            name: {kind: [round(v, 4) for v in (e.value, e.low, e.high)] for kind, e in row.items()}
            for name, row in found.items()
        },
    }
    out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    return report


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="labelled data sets")
    parser.add_argument("--out", type=Path, required=True, help="weights, *.safetensors")
    parser.add_argument("--pairs", type=int, default=4000)
    given = parser.parse_args()
    train([s for where in given.data for s in load(where)], given.out, given.pairs)


if __name__ == "__main__":
    main()
