"""Train the semantic detector: a linear probe on CLIP's features. Read it top to bottom.

    unmask train semantic --data generated/manifest.csv --data generated/photographs.csv \\
        --kept runs/semantic.safetensors --out detect/weights/semantic_detector.safetensors

The probe learns from the TRAIN split (Ojha et al. 2023, "Towards universal fake image detectors
that generalize across generative models"); VALIDATION, of other generators and other sources of
photographs, chooses how much it is held back, calibrates it, and says how rare its answers are
among photographs. TEST is not read.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from safetensors.numpy import load_file, save_file

from unmask.card import Card
from unmask.datasets.manifest import Sample, Split
from unmask.detect.calibration import bounded, fit
from unmask.detect.evaluation.figures import conformal_threshold
from unmask.detect.evaluation.perturbations import parse_all
from unmask.detect.evaluation.resampling import estimate
from unmask.detect.fusion_train import group_weights
from unmask.detect.likelihood import Range
from unmask.detect.semantic.card import describe
from unmask.detect.semantic.encoder import SHA256, Encoder
from unmask.detect.semantic.inference import Head
from unmask.errors import UnmaskError
from unmask.media import open_media

ENCODINGS = ("clean", "jpeg:60", "scale:0.5")
STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)  # scikit-learn's C: the smaller, the more held back
AXES = 32  # directions that say what an odd picture is
# Least rates, whatever the number of groups: of seven in ten strangers it may have no idea.
ALARM, MISS = 0.05, 0.3
FALSE_POSITIVES = {"llr_fpr_1": 0.01, "llr_fpr_5": 0.05}
_EVERY = 100  # pictures between two savings
Floats = NDArray[np.float64]


class TrainingError(UnmaskError):
    """Data that a probe cannot be trained on."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """N pictures and what the encoder sees of them: (N, E, WIDTH) under E encodings."""

    samples: tuple[Sample, ...]
    features: NDArray[np.float32]

    @property
    def fake(self) -> NDArray[np.bool_]:
        """(N,)"""
        return np.array([sample.fake for sample in self.samples])

    @property
    def weights(self) -> Floats:
        """(N,): no generator and no corpus outweighs the others, and the classes count alike."""
        weights = group_weights(self.samples)
        for cls in (True, False):
            weights[self.fake == cls] /= weights[self.fake == cls].sum()
        return weights * len(weights) / 2

    def of(self, split: Split) -> "Looked":
        """Those of one split. Raises TrainingError where it has not both classes."""
        at = np.array([sample.split is split for sample in self.samples])
        found = replace(
            self,
            samples=tuple(s for s, here in zip(self.samples, at, strict=True) if here),
            features=self.features[at],
        )
        if len(set(found.fake.tolist())) < 2:
            raise TrainingError(f"The data have not both classes in the split {split}.")
        return found


def look(encoder: Encoder, data: Sequence[Sample], kept: Path) -> Looked:
    """The features of every picture that is not for testing; `kept` is where a stopped run goes on.

    Raises OSError and MediaError.
    """
    changes = parse_all(ENCODINGS)
    known: dict[str, NDArray[Any]] = {}
    if kept.is_file():
        known = load_file(kept)
    chosen = tuple(sample for sample in data if sample.split is not Split.TEST)
    rows = []
    for number, sample in enumerate(track(chosen, "Looking", console=Console(stderr=True))):
        media = open_media(sample.path)
        key = hashlib.sha256(f"{media.sha256} {SHA256} {ENCODINGS}".encode()).hexdigest()
        if key not in known:
            seen = [encoder.features(change(media.pixels, media.sha256)) for change in changes]
            known[key] = np.stack(seen)
            if number % _EVERY == 0:
                _save(known, kept)
        rows.append(known[key])
    _save(known, kept)
    return Looked(samples=chosen, features=np.stack(rows))


def _save(known: dict[str, NDArray[Any]], kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".part")
    save_file(known, unfinished)
    unfinished.replace(kept)


def plane(train: Looked, strength: float) -> tuple[Floats, float]:
    """Weights (WIDTH,) and offset of a logistic regression on standardised features."""
    from sklearn.linear_model import LogisticRegression  # of an extra, which a scan does without

    repeats = train.features.shape[1]
    x = train.features.reshape(-1, train.features.shape[2]).astype(float)
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=2000).fit(
        (x - mean) / deviation,
        np.repeat(train.fake, repeats),
        sample_weight=np.repeat(train.weights, repeats),
    )
    weights = model.coef_[0] / deviation
    return weights, float(model.intercept_[0] - mean @ weights)


def scores(found: Looked, weights: Floats, offset: float) -> Floats:
    """(N, E) logits."""
    return np.asarray(found.features @ weights + offset, float)


def usual(train: Looked, others: Looked) -> tuple[Floats, Range]:
    """The axes (AXES, WIDTH) along which training pictures differ most, and who lies where.

    Middle and spread are of the training pictures, real and made, the distances of the
    photographs among `others`.
    """
    x = train.features.reshape(-1, train.features.shape[2]).astype(float)
    axes = np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:AXES]
    places = x @ axes.T
    found = Range(
        mean=places.mean(0),
        precision=np.linalg.inv(np.cov(places, rowvar=False)),
        distances=np.zeros(0),
    )
    real = others.features[~others.fake].reshape(-1, x.shape[1]) @ axes.T
    return axes, replace(found, distances=np.array([found.distance(row) for row in real]))


def chosen_plane(train: Looked, held: Looked) -> tuple[Floats, float, dict[str, float]]:
    """The plane that tells VALIDATION best, and the AUC of each strength there."""
    planes = {strength: plane(train, strength) for strength in STRENGTHS}
    weights = held.weights
    by_strength = {
        strength: float(np.mean([_auc(held.fake, s, weights) for s in scores(held, *found).T]))
        for strength, found in planes.items()
    }
    best = max(by_strength, key=lambda strength: by_strength[strength])
    told = {f"C = {strength:g}": round(auc, 4) for strength, auc in by_strength.items()}
    return *planes[best], told


def _auc(fake: NDArray[np.bool_], score: Floats, weights: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(fake, score, sample_weight=weights))


def fit_all(held: Looked, found: Floats) -> dict[str, dict[str, Any]]:
    """Calibration and conformal thresholds of (N, E) logits of the VALIDATION pictures."""
    repeats = found.shape[1]
    plain = fit(
        np.repeat(held.fake, repeats), found.ravel(), np.repeat(held.weights, repeats)
    )  # fmt: skip
    generators = {s.generator for s in held.samples if s.fake}
    corpora = {s.corpus for s in held.samples if not s.fake}
    calibration = bounded(
        plain, fakes=len(generators), reals=len(corpora), least_miss=MISS, least_alarm=ALARM
    )
    llr = calibration.llr(found)[~held.fake].ravel()
    return {
        "calibration": {
            "picture": vars(calibration),
            "fitted_on": sorted(generators) + sorted(corpora),
            "encodings": list(ENCODINGS),
            "n_real": int((~held.fake).sum()),
            "n_fake": int(held.fake.sum()),
        },
        "thresholds": {
            name: conformal_threshold(llr, rate) for name, rate in FALSE_POSITIVES.items()
        },
    }


def ablation(held: Looked, found: Floats) -> dict[str, list[float]]:
    """AUC [value, low, high] under each encoding."""
    sources = [sample.source for sample in held.samples]
    table = {}
    for column, encoding in enumerate(ENCODINGS):
        one = estimate(held.fake, found[:, column], sources, draws=500)
        table[encoding] = [round(v, 4) for v in (one.value, one.low, one.high)]
    return table


def build(looked: Looked, weights: Path) -> Card:
    """Train, calibrate, and write weights and card. Raises TrainingError."""
    train, held = looked.of(Split.TRAIN), looked.of(Split.VALIDATION)
    normal, offset, strengths = chosen_plane(train, held)
    found = scores(held, normal, offset)
    axes, places = usual(train, held)
    head = Head(weights=normal, offset=offset, axes=axes, usual=places)
    weights.parent.mkdir(parents=True, exist_ok=True)
    save_file(head.tensors(), weights)
    card = describe(fit_all(held, found), sorted({s.generator for s in train.samples if s.fake}))
    card = replace(
        card,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        results={"validation_auc": ablation(held, found), "held_back": strengths},
    )
    card.save(weights.with_suffix(".json"))
    return card
