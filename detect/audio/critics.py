"""Do the critics of our own sound GANs add to the audio detector?

    python -m unmask.detect.audio.critics --data speech --kept runs/critics.jsonl \
      --out detect/audio/critics.json

A logistic regression on what the critics say (`critic_features`) is fitted to TRAIN, its penalty
chosen by families and speakers left out there. VALIDATION judges it: the critics, the shipped
detector, and a fusion of both that was fitted without the family or the speaker it is judged on.
Differences are paired, resampled by source. The test split is not read.
"""

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.manifest import Split
from unmask.datasets.speech_manifest import Utterance, read_speech
from unmask.detect.audio.critic_features import NOTES, VOICES, looks
from unmask.detect.audio.inference import load_audio_detector
from unmask.detect.audio.kept_looks import Floats, as_tables, looked
from unmask.detect.audio.published import ours
from unmask.detect.audio.results import OURS, by_family
from unmask.detect.audio.scoring import group_weights, thinned
from unmask.detect.evaluation.figures import auc
from unmask.detect.evaluation.resampling import (
    AUC,
    Draws,
    difference,
    draw,
    figures_drawn,
    interval,
)
from unmask.detect.evaluation.tables import Estimate
from unmask.detect.fusion import Fusion, fit_fusion

ENCODINGS = ("clean", "phone")
EXPERTS = {"notes critic": (NOTES,), "voice critics": (VOICES,), "both": (NOTES, VOICES)}
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # as scikit-learn's C
FOLDS = 4
EVERY = "all views"  # the gain on these decides
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was made of N recordings under E encodings, (N, E, D) by each name."""

    utterances: tuple[Utterance, ...]
    encodings: tuple[str, ...]
    values: Mapping[str, Floats]

    def of(self, names: Sequence[str]) -> Floats:
        """(N, E, D) of the named ones beside each other."""
        return np.concatenate([self.values[name] for name in names], axis=2)

    @property
    def fake(self) -> Mask:
        """(N,)"""
        return np.array([u.fake for u in self.utterances])

    @property
    def source(self) -> list[str]:
        """(N,)"""
        return [u.source for u in self.utterances]


def fitted(values: Floats, data: Sequence[Utterance], penalty: float = 1.0) -> Fusion:
    """A logistic regression on (N, E, D). Families, corpora and classes count alike.

    Raises ValueError where a class is missing.
    """
    repeats, width = values.shape[1:]
    return fit_fusion(
        tuple(map(str, range(width))), values.reshape(-1, width),
        np.repeat([u.fake for u in data], repeats), np.repeat(group_weights(data), repeats),
        penalty,
    )  # fmt: skip


def folds(data: Sequence[Utterance], count: int = FOLDS) -> list[tuple[Mask, Mask]]:
    """(fit, judge) masks (N,) of each fold: families of fakes and speakers of recordings left out.

    A speaker left out is left out as fakes too. Large speakers come first, so that folds are even.
    """
    size = Counter(u.speaker for u in data if not u.fake)
    place = {name: i % count for i, (name, _) in enumerate(size.most_common())}
    family = {name: i % count for i, name in enumerate(sorted({u.family for u in data if u.fake}))}
    found = []
    for fold in range(count):
        judge = [(family[u.family] if u.fake else place[u.speaker]) == fold for u in data]
        strange = [place.get(u.speaker) != fold for u in data]
        found.append((~np.array(judge) & np.array(strange), np.array(judge)))
    return found


def chosen_penalty(values: Floats, data: Sequence[Utterance]) -> float:
    """The one of PENALTIES with the highest mean AUC over folds of families and speakers.

    Raises ValueError where a class is a single one of these.
    """
    fake = np.array([u.fake for u in data])
    areas = np.zeros(len(PENALTIES))
    for fit, judge in folds(data):
        if len(set(fake[judge].tolist())) < 2:  # fewer speakers than folds
            continue
        rest = [u for u, kept in zip(data, fit, strict=True) if kept]
        for i, penalty in enumerate(PENALTIES):
            said = _said(fitted(values[fit], rest, penalty), values[judge])
            areas[i] += auc(np.repeat(fake[judge], said.shape[1]), said.ravel())
    return PENALTIES[int(areas.argmax())]


def crossed(values: Floats, data: Sequence[Utterance]) -> Floats:
    """(N, E) logits of each family, and each speaker of recordings, by a fusion fitted without it.

    Raises ValueError where a class is a single one of these.
    """
    family = np.array([u.family if u.fake else "" for u in data])
    speaker = np.array([u.speaker for u in data])
    fake = np.array([u.fake for u in data])
    parts = [(family == one, family != one) for one in sorted(set(family[fake].tolist()))]
    parts += [
        (~fake & (speaker == one), speaker != one) for one in sorted(set(speaker[~fake].tolist()))
    ]
    found = np.zeros(values.shape[:2])
    for judge, fit in parts:
        rest = [u for u, kept in zip(data, fit, strict=True) if kept]
        found[judge] = _said(fitted(values[fit], rest), values[judge])
    return found


def _said(model: Fusion, values: Floats) -> Floats:
    """(N, E, D) -> (N, E) logits; above 0 leans to synthetic."""
    return model.logit(values.reshape(-1, values.shape[2])).reshape(values.shape[:2])


def compared(train: Heard, held: Heard) -> dict[str, Any]:
    """The report: the experts alone by family, and what each adds to the detector, on `held`."""
    penalties, alone = {}, {OURS: held.values[OURS]}
    for title, names in EXPERTS.items():
        values = train.of(names)
        penalties[title] = chosen_penalty(values, train.utterances)
        model = fitted(values, train.utterances, penalties[title])
        alone[title] = _said(model, held.of(names))[:, :, None]
    tables = as_tables(alone, held.utterances, held.encodings)
    rows = gains(alone, held)
    return {
        "train": _counts(train),
        "validation": _counts(held),
        "encodings": list(held.encodings),
        "penalties": penalties,
        "alone": by_family(tables, AUC),
        "fused": rows,
        "joins": {title: rows[title][EVERY]["gain"][1] > 0 for title in EXPERTS},
    }


def gains(alone: Mapping[str, Floats], held: Heard) -> dict[str, dict[str, dict[str, list[float]]]]:
    """By expert and view: AUC of its fusion with the detector, and how far that is ahead.

    The detector that it is compared with goes through a fusion of its own in the same way.
    """
    one = crossed(alone[OURS], held.utterances)
    both = {
        title: crossed(np.concatenate([alone[OURS], alone[title]], axis=2), held.utterances)
        for title in EXPERTS
    }
    rows: dict[str, dict[str, dict[str, list[float]]]] = {OURS: {}, **{t: {} for t in EXPERTS}}
    views = {e: slice(i, i + 1) for i, e in enumerate(held.encodings)} | {EVERY: slice(None)}
    for view, columns in views.items():
        repeats = one[:, columns].shape[1]
        drawn = draw(np.repeat(held.fake, repeats), np.repeat(held.source, repeats).tolist())
        least, its = _area(one[:, columns], drawn)
        rows[OURS][view] = {"auc": _numbers(least)}
        for title, scores in both.items():
            area, own = _area(scores[:, columns], drawn)
            gain = difference(area, own, least, its)
            rows[title][view] = {"auc": _numbers(area), "gain": _numbers(gain)}
    return rows


def _area(scores: Floats, drawn: Draws) -> tuple[Estimate, Floats]:
    found = figures_drawn([AUC], scores.ravel(), drawn)[0]
    return interval(auc(drawn.fake, scores.ravel()), found, drawn.trials), found


def _numbers(found: Estimate) -> list[float]:
    return [round(float(v), 4) for v in (found.value, found.low, found.high)]


def _counts(heard: Heard) -> dict[str, int]:
    return {"real": int((~heard.fake).sum()), "fake": int(heard.fake.sum())}


def main(arguments: Sequence[str] | None = None) -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=40, help="recordings of a family or corpus")
    parser.add_argument("--kept", type=Path, required=True, help="what was heard, *.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="report, *.json")
    args = parser.parse_args(arguments)
    data = read_speech(args.data)
    experts, found, detector = looks(), {}, load_audio_detector("cpu")
    for split in (Split.TRAIN, Split.VALIDATION):
        asked = dict(experts)
        if split is Split.VALIDATION:  # on what it learned from it is without error
            asked[OURS] = ours(detector)
        chosen = thinned(data, split, args.most)
        values = looked(asked, chosen, ENCODINGS, args.kept, {OURS: detector.card.sha256})
        found[split] = Heard(utterances=tuple(chosen), encodings=ENCODINGS, values=values)
    report = compared(found[Split.TRAIN], found[Split.VALIDATION])
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
