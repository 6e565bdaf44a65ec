"""Measure the audio detector beside its peers on families that nobody trained on.

    python -m unmask.detect.audio.results --data speech --run runs/audio/last.pt --out results

Writes results.json and results.md into --out, and with --card the figures into the shipped card.
Only the TEST split is scored; the mixtures are fitted to TRAIN. Intervals are 95% bootstraps by
source utterance, differences are paired.
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unmask.card import load_card
from unmask.datasets.manifest import Split
from unmask.datasets.speech_manifest import Utterance, read_speech
from unmask.detect.audio.aasist import aasist_score, load_aasist
from unmask.detect.audio.audio_detector import regions_of
from unmask.detect.audio.fit import nets_of
from unmask.detect.audio.inference import WEIGHTS, AudioDetector, load_audio_detector, pool
from unmask.detect.audio.leaks import leaks, without_quiet
from unmask.detect.audio.localisation import insertions, intersection_over_union, real_minutes
from unmask.detect.audio.pairs import at_level, read_wave
from unmask.detect.audio.peers import COMPONENTS, LfccGmm
from unmask.detect.audio.results_page import page
from unmask.detect.audio.scoring import ENCODINGS, Score, Table, gather, thinned
from unmask.detect.audio.tdcf import Verifier, min_tdcf
from unmask.detect.evaluation.resampling import (
    AUC,
    EER,
    Figure,
    clopper_pearson,
    difference,
    draw,
    figures_drawn,
    interval,
)
from unmask.detect.evaluation.tables import Estimate
from unmask.sound import Samples

DRAWS = 1000
FEWEST = 5  # fakes of a family that has a row of its own
OURS = "audio_detector"
ALL = "all families"
# An assumed verifier: t-DCF weighs a detector's errors by those of what it guards.
VERIFIER = Verifier(miss=0.05, false_alarm=0.05, spoof_miss=0.3)
Rows = dict[str, dict[str, dict[str, list[float]]]]  # family, detector, encoding: value and ends


def scorers(
    data: Sequence[Utterance], run: Path | None, components: int, published: Path | None
) -> dict[str, Score]:
    """Ours, and the peers that can be had: mixtures, the LFCC network of a run, AASIST."""
    ours = load_audio_detector("cpu")
    found: dict[str, Score] = {OURS: lambda wave: ours.score(wave).score}
    found["LFCC-GMM"] = LfccGmm(data, components=components).score
    if run is not None:
        peer = AudioDetector(nets_of([run], ("lfcc",)), ours.card, ours.reals)

        def lcnn(wave: Samples) -> float:
            return pool(peer.frames(wave)["lfcc"])

        found["LFCC-LCNN"] = lcnn
    if published is not None:
        found["AASIST-L"] = partial(aasist_score, load_aasist(published, "AASIST-L"))
    return found


def _figures(
    tables: Mapping[str, Table], figure: Figure
) -> dict[str, dict[str, tuple[Estimate, Any]]]:
    """(estimate, draws) of each detector and encoding, all on the same draws of sources."""
    one = next(iter(tables.values()))
    picked = draw(one.fake, [u.source for u in one.utterances], draws=DRAWS)
    found: dict[str, dict[str, tuple[Estimate, Any]]] = {}
    for name, table in tables.items():
        found[name] = {}
        for column, encoding in enumerate(table.encodings):
            scores = table.values[:, column]
            drawn = figures_drawn([figure], scores, picked)[0]
            value = figure.of(table.fake, scores)
            found[name][encoding] = interval(value, drawn, picked.trials), drawn
    return found


def _numbers(found: Estimate) -> list[float]:
    return [round(float(v), 4) for v in (found.value, found.low, found.high)]


def by_family(tables: Mapping[str, Table], figure: Figure) -> Rows:
    """The figure of each family of fakes against all real recordings, and of all together."""
    one = next(iter(tables.values()))
    count = Counter(u.family for u in one.utterances if u.fake)
    families = sorted(family for family, n in count.items() if n >= FEWEST)
    rows: Rows = {}
    for family in (ALL, *families):
        part = tables
        if family != ALL:
            part = {name: table.of_family(family) for name, table in tables.items()}
        rows[family] = {
            name: {encoding: _numbers(value) for encoding, (value, _) in by.items()}
            for name, by in _figures(part, figure).items()
        }
    return rows


def ahead(tables: Mapping[str, Table], of: str = "") -> dict[str, dict[str, list[float]]]:
    """AUC of ours less that of each peer, all families together, paired by source.

    With `of`: of each other one less that of the one named.
    """
    found = _figures(tables, AUC)
    rows: dict[str, dict[str, list[float]]] = {}
    for name, by in found.items():
        if name != (of or OURS):
            one, other = (by, found[of]) if of else (found[OURS], by)
            rows[name] = {e: _numbers(difference(*one[e], *other[e])) for e in by}
    return rows


def located(detector: AudioDetector, data: Sequence[Utterance], count: int) -> dict[str, Any]:
    """Ten seconds inserted in a minute: IoU, how many are found; and real minutes that show any."""
    overlaps: dict[str, list[float]] = {}
    for one in insertions(data, Split.TEST, count, seed=0):
        found = regions_of(detector, detector.score(one.wave).frames)
        overlaps.setdefault(one.family, []).append(intersection_over_union(found, one.place))
    every = [v for values in overlaps.values() for v in values]
    false = [bool(regions_of(detector, detector.score(wave).frames))
             for wave in real_minutes(data, Split.TEST, count, seed=0)]  # fmt: skip
    half = sum(v >= 0.5 for v in every)
    return {
        "n": len(every),
        "mean_iou": round(float(np.mean(every)), 3),
        "share_half": _numbers(clopper_pearson(half, len(every))),
        "false": _numbers(clopper_pearson(sum(false), len(false))),
        "by_family": {
            k: [len(v), round(float(np.mean(v)), 3), sum(x >= 0.5 for x in v)]
            for k, v in sorted(overlaps.items())
        },
    }


def decided(detector: AudioDetector, table: Table) -> dict[str, dict[str, list[float]]]:
    """Share of real and of synthetic recordings called synthetic at P >= 0.9 and the 1% threshold.

    By encoding; exact binomial intervals, which take recordings as independent.
    """
    bound = max(math.log(9), detector.card.thresholds["llr_fpr_1"])
    llr = detector.calibration["recording"].llr(table.values)
    found: dict[str, dict[str, list[float]]] = {}
    for column, encoding in enumerate(table.encodings):
        called = llr[:, column] > bound
        found[encoding] = {
            name: _numbers(clopper_pearson(int(called[at].sum()), int(at.sum())))
            for name, at in (("real", ~table.fake), ("synthetic", table.fake))
        }
    return found


def without_pauses(score: Score, data: Sequence[Utterance]) -> dict[str, Any]:
    """AUC of each family, and the leak probes, with all that is quiet cut out of every recording.

    Engines pause otherwise than people: this says how much of a detector's figures that is.
    """
    values = np.array([[score(at_level(without_quiet(read_wave(one.path))))] for one in data])
    table = Table(utterances=tuple(data), encodings=("clean",), values=values)
    rows = by_family({OURS: table}, AUC)
    return {
        "auc": {family: by[OURS]["clean"] for family, by in rows.items()},
        "leaks": {name: _numbers(value) for name, value in leaks(data, without_quiet).items()},
    }


def measure(
    data: Sequence[Utterance],
    run: Path | None,
    *,
    most: int,
    count: int,
    components: int,
    published: Path | None = None,
) -> dict[str, Any]:
    """Everything that RESULTS.md says."""
    chosen = thinned(data, Split.TEST, most)
    asked = scorers(data, run, components, published)
    tables = gather(asked, chosen)
    ours, fake = tables[OURS], tables[OURS].fake
    detector = load_audio_detector("cpu")
    return {
        "real": int((~fake).sum()),
        "fakes": {
            f: sum(u.family == f for u in chosen if u.fake)
            for f in sorted({u.family for u in chosen if u.fake})
        },
        "encodings": list(ENCODINGS),
        "auc": by_family(tables, AUC),
        "eer": by_family(tables, EER),
        "ahead": ahead(tables),
        "min_tdcf": {
            name: {
                encoding: round(min_tdcf(fake, table.values[:, column], VERIFIER), 4)
                for column, encoding in enumerate(ENCODINGS)
            }
            for name, table in tables.items()
        },
        "decided": decided(detector, ours),
        "leaks": {name: _numbers(value) for name, value in leaks(chosen).items()},
        "without_pauses": without_pauses(asked[OURS], chosen),
        "located": located(detector, data, count),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--run", type=Path, help="a run with an lfcc network: a peer")
    parser.add_argument("--aasist", type=Path, help="folder of AASIST's published weights")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int, default=40, help="recordings of a family or corpus")
    parser.add_argument("--insertions", type=int, default=42)
    parser.add_argument("--components", type=int, default=COMPONENTS)
    parser.add_argument("--card", action="store_true", help="write the figures into the card")
    args = parser.parse_args(arguments)
    data = [u for where in args.data for u in read_speech(where)]
    found = measure(
        data,
        args.run,
        most=args.most,
        count=args.insertions,
        components=args.components,
        published=args.aasist,
    )
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    (args.out / "results.md").write_text(page(found))
    if args.card:
        card = load_card(WEIGHTS)
        kept = {**card.results, "test": {k: found[k] for k in ("auc", "eer", "ahead", "located")}}
        replace(card, results=kept).save(WEIGHTS.with_suffix(".json"))


if __name__ == "__main__":
    main()
