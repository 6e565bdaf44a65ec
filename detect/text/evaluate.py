"""Measure the text detector and its peers on texts that nothing was fitted to."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import TextSample
from unmask.detect.evaluation.figures import Floats
from unmask.detect.evaluation.resampling import (
    AUC,
    Figure,
    clopper_pearson,
    draw,
    estimate,
    figures_drawn,
    interval,
)
from unmask.detect.evaluation.tables import Estimate
from unmask.detect.text import peers
from unmask.detect.text.detector import TextDetector
from unmask.detect.text.documents import documents
from unmask.detect.text.features import MODES, of_groups, unlike_prose
from unmask.detect.text.fusion import fit_fusion
from unmask.detect.text.score_cache import ScoreCache
from unmask.detect.text.train import Scored, balanced, measured

REPORTED = (50, 100, 150, 300)  # words


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Machine texts of some families and domains against people's of the same domains."""

    name: str
    families: frozenset[str]
    domains: frozenset[str]

    def of(self, scored: Iterable[Scored]) -> list[Scored]:
        """The documents of the cell."""
        return [
            one
            for one in scored
            if one.document.domain in self.domains
            and (not one.document.machine or one.document.generator in self.families)
        ]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Scores of every detector for every test document of each length."""

    scored: Mapping[int, Sequence[Scored]]
    detectors: Mapping[str, peers.Scorer]

    def scores(self, detector: str, cell: Sequence[Scored]) -> Floats:
        """Of a detector; more is a machine."""
        return np.array([self.detectors[detector](one) for one in cell])


def test_documents(
    samples: Sequence[TextSample], caches: Mapping[str, ScoreCache], detector: TextDetector
) -> dict[int, list[Scored]]:
    """The test split at every reported length."""
    kept = [s for s in samples if s.split is Split.TEST]
    return {n: measured(documents(kept, n), caches, detector.characters) for n in REPORTED}


def scorers(detector: TextDetector, train: Sequence[Scored]) -> dict[str, peers.Scorer]:
    """Ours and the peers, by name."""

    def ours(mode: str) -> peers.Scorer:
        return lambda one: detector.fusions[mode].score(one.features)

    names = {peers.OURS: "smollm", peers.PLAIN: "ngram"}
    found = {name: ours(mode) for name, mode in names.items() if mode in detector.fusions}
    return {
        **found,
        "TF-IDF + LR": peers.tfidf([one.document for one in train]),
        "GLTR + LR (SmolLM2)": peers.gltr(train),
        **peers.untrained(),
    }


def auc(cell: Sequence[Scored], scores: Floats, figure: Figure = AUC) -> Estimate:
    """With its interval over sources."""
    return estimate(labels(cell), scores, sources(cell), figure=figure)


def labels(cell: Sequence[Scored]) -> list[bool]:
    """True for machines."""
    return [one.document.machine for one in cell]


def sources(cell: Sequence[Scored]) -> list[str]:
    """The prompt that a document begins with: its texts are drawn together."""
    return [one.document.sources[0] for one in cell]


def difference(cell: Sequence[Scored], first: Floats, second: Floats) -> Estimate:
    """AUC of one minus that of the other on the same documents and the same draws."""
    draws = draw(labels(cell), sources(cell))
    value = AUC.of(draws.fake, first) - AUC.of(draws.fake, second)
    drawn = figures_drawn([AUC], first, draws)[0] - figures_drawn([AUC], second, draws)[0]
    return interval(value, drawn, draws.trials)


def called(detector: TextDetector, mode: str, scored: Sequence[Scored], words: int) -> int:
    """How many are called a machine's at the shipped thresholds and even odds.

    None is ever called a person's: `lengths.FLOOR`.
    """
    calibration, fusion = detector.calibrations[mode], detector.fusions[mode]
    count = 0
    for one in scored:
        llr = calibration.llr(fusion.score(one.features), words)
        within = not unlike_prose(one.features, detector.card.thresholds)
        count += within and llr >= math.log(9) and llr > calibration.alarm
    return count


def rate(count: int, of: int) -> Estimate:
    """A share with its exact binomial interval."""
    return clopper_pearson(count, of)


def ablation(
    train: Sequence[Scored], cell: Sequence[Scored], strength: float
) -> dict[str, tuple[Estimate, Estimate]]:
    """The fusion without each of its groups, fitted anew: AUC, and what the group brings."""
    whole = MODES["smollm"]
    full = refitted(train, cell, whole, strength)
    found = {}
    for group in whole:
        rest = tuple(g for g in whole if g != group)
        scores = refitted(train, cell, rest, strength)
        found[group] = auc(cell, scores), difference(cell, full, scores)
    return found


def refitted(
    train: Sequence[Scored], cell: Sequence[Scored], groups: Sequence[str], strength: float
) -> Floats:
    """Scores of a cell by a fusion of some groups of features, fitted anew."""
    fusion = fit_fusion(
        [of_groups(one.features, groups) for one in train],
        labels(train),
        balanced([one.document for one in train]),
        strength,
    )
    return np.array([fusion.score(one.features) for one in cell])


def probes(cell: Sequence[Scored]) -> dict[str, Estimate]:
    """What must tell nothing: the length, and how texts begin and end."""
    texts = [one.document.text for one in cell]
    found = {
        "words": [float(len(text.split())) for text in texts],
        "ends with a full stop": [float(text.endswith((".", "!", "?", '"'))) for text in texts],
        "begins with a capital": [float(text[0].isupper()) for text in texts],
        "begins with a letter": [float(text[0].isalpha()) for text in texts],
        "characters beyond ASCII": [float(sum(not c.isascii() for c in text)) for text in texts],
    }
    return {name: auc(cell, np.array(values)) for name, values in found.items()}
