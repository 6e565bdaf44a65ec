"""Fit how the two witnesses of a picture are joined: traces in its pixels, and what it shows.

    python -m unmask.detect.semantic.joint --shown generated/manifest.csv --data photographs \\
        --data DATA

A synthetic picture is of either sort: one whose pixels bear a decoder's traces, or one that shows
what generators make. The ratio of that mixture, each sort as likely as the other, follows a line
where that is more: silence of both is worth no more than the mixture says, since a generator that
neither knows is silent too. The line is fitted on VALIDATION pictures of both sorts; what it is
worth on corpora and generators that were left out of the fit goes to `combiner.json` beside it.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.datasets.loaders import load
from unmask.datasets.manifest import Sample, Split
from unmask.detect.combine import COMBINER
from unmask.detect.encodings import Pixels, jpeg
from unmask.detect.evaluation.reliability import cllr_costs
from unmask.detect.fusion_train import thinned
from unmask.detect.scorer import ImageDetector
from unmask.detect.semantic.scorer import Shown
from unmask.media import open_media
from unmask.verdict import DECIDE, mixture

MOST = 50  # pictures of a corpus and generator
COUNTS = 20  # of which a group counts as many at most
LARGEST = 1400  # pixels of the longer side that is looked at
SHARE = 0.5  # of synthetic pictures that show what generators make
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """What both say of N pictures."""

    traces: Floats  # (N,) ratios of the image detector
    shown: Floats  # (N,) ratios of the semantic detector
    group: NDArray[np.str_]  # (N,) generator of a fake, corpus of a photograph
    sort: NDArray[np.int64]  # (N,) 0: photograph, 1: told by traces, 2: told by what it shows

    @property
    def fake(self) -> NDArray[np.bool_]:
        """(N,)"""
        return self.sort > 0

    @cached_property
    def mixed(self) -> Floats:
        """(N,) ratios of the mixture, before the line."""
        return np.array(
            [mixture(t, s, SHARE) for t, s in zip(self.traces, self.shown, strict=True)]
        )

    def joined(self, intercept: float, slope: float) -> Floats:
        """(N,) ratios as a verdict has them."""
        return np.maximum(self.mixed, intercept + slope * self.mixed)

    @property
    def weights(self) -> Floats:
        """(N,): classes count alike, and both sorts; a group as at most `COUNTS` of its own."""
        count = Counter(zip(self.sort.tolist(), self.group.tolist(), strict=True))
        keys = zip(self.sort.tolist(), self.group.tolist(), strict=True)
        weights = np.array([min(count[key], COUNTS) / count[key] for key in keys])
        for sort, part in ((0, 1.0), (1, 0.5), (2, 0.5)):
            weights[self.sort == sort] *= part / weights[self.sort == sort].sum()
        return weights


def prepared(sample: Sample) -> Pixels:
    """Through one JPEG 95, all alike, and no larger than it takes."""
    image = Image.fromarray(jpeg(open_media(sample.path).pixels, 95))
    image.thumbnail((LARGEST, LARGEST))
    return np.asarray(image)


def gather(traces: Sequence[Sample], shown: Sequence[Sample]) -> Witnesses:
    """Ask both of every picture; the fakes of `shown` are of the second sort.

    Raises DetectorError, WeightsError and MediaError.
    """
    detectors = ImageDetector(), Shown()
    rows, groups, sorts = [], [], []
    for sort, data in ((1, traces), (2, shown)):
        for sample in data:
            pixels = prepared(sample)
            rows.append([detector(pixels)["llr"] for detector in detectors])
            groups.append(sample.generator if sample.fake else sample.corpus)
            sorts.append(sort if sample.fake else 0)
    values = np.array(rows)
    return Witnesses(
        traces=values[:, 0], shown=values[:, 1], group=np.array(groups), sort=np.array(sorts)
    )


def line(found: Witnesses, kept: NDArray[np.bool_]) -> tuple[float, float]:
    """Intercept and slope that cost least (Cllr) on the pictures that are kept.

    That none of them is on the wrong side does not prove a step: the slope has a log-normal prior
    around 1 that weighs as much as one group.
    """
    from scipy.optimize import minimize

    weights, wrong = found.weights[kept], np.where(found.fake[kept], -1.0, 1.0)
    groups = len(set(found.group[kept].tolist()))

    def cost(p: Floats) -> float:
        joint = found.joined(p[0], float(np.exp(p[1])))[kept]
        loss = weights @ np.logaddexp(0, wrong * joint)
        return float(loss + 0.5 * p[1] ** 2 / groups)

    best = minimize(cost, np.zeros(2), method="Nelder-Mead").x
    return float(best[0]), float(np.exp(best[1]))


def left_out(found: Witnesses) -> Floats:
    """(N,) joint ratios by lines that were fitted without the picture's corpus or generator."""
    joint = np.zeros(len(found.sort))
    for key in set(zip(found.fake.tolist(), found.group.tolist(), strict=True)):
        out = (found.fake == key[0]) & (found.group == key[1])
        intercept, slope = line(found, ~out)
        joint[out] = found.joined(intercept, slope)[out]
    return joint


def report(found: Witnesses) -> dict[str, Any]:
    """Cllr and answers at even odds: of the traces alone, of the plain mixture, and joined."""
    bound = float(np.log(DECIDE / (1 - DECIDE)))
    answers = {"traces alone": found.traces, "mixture": found.mixed, "joint": left_out(found)}
    table: dict[str, Any] = {}
    for name, llr in answers.items():
        called = llr >= bound
        table[name] = {
            "cllr": round(float(found.weights @ cllr_costs(found.fake, llr)) / 2, 4),
            "photographs called synthetic": int(called[found.sort == 0].sum()),
            "found of those told by traces": round(float(called[found.sort == 1].mean()), 4),
            "found of those told by what they show": round(
                float(called[found.sort == 2].mean()), 4
            ),
        }
    counts = Counter(found.sort.tolist())
    return {"n": {"photographs": counts[0], "traces": counts[1], "shown": counts[2]}} | table


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shown", required=True, help="generated/manifest.csv")
    parser.add_argument("--data", action="append", required=True, help="labelled data sets")
    parser.add_argument("--combiner", type=Path, default=COMBINER)
    given = parser.parse_args()
    read = [s for where in given.data for s in load(where, both_classes=False)]
    traces = thinned([s for s in read if s.split is Split.VALIDATION], MOST)
    shown = [s for s in load(given.shown, both_classes=False) if s.split is Split.VALIDATION]
    found = gather(traces, shown)
    intercept, slope = line(found, np.ones(len(found.sort), bool))
    kept = json.loads(given.combiner.read_text())
    kept["image"]["or"] = {
        "analyser": "semantic_detector",
        "share": SHARE,
        "intercept": round(intercept, 3),
        "coefficient": round(slope, 3),
        "ablation": report(found),
        "command": "python -m unmask.detect.semantic.joint --shown generated/manifest.csv"
        " --data photographs --data DATA",
    }
    given.combiner.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
