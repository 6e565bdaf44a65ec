"""The tables of the text detector: planted scores must come out as they were planted."""

import numpy as np
import pytest

from unmask.datasets.manifest import Split
from unmask.detect.text import peers
from unmask.detect.text.documents import Document
from unmask.detect.text.evaluate import Cell, Measured, auc, difference, probes, rate
from unmask.detect.text.results import REPORTED, against_peers, by_length, summary
from unmask.detect.text.train import Scored


def scored(machine: bool, number: int, domain: str) -> Scored:
    document = Document(
        parts=("The same words end here.",), whole=("The same words end here.",), machine=machine,
        generator="gpt-neox-20b" if machine else "person", domain=domain,
        sources=(f"{domain}/{number}",), split=Split.TEST,
    )  # fmt: skip
    rng = np.random.default_rng([number, machine])
    return Scored(document=document, features={"good": machine + rng.normal(), "bad": rng.normal()})


def measured() -> Measured:
    made = [
        scored(machine, number, domain)
        for domain in ("xsum", "squad", "writing")
        for number in range(60)
        for machine in (False, True)
    ]
    return Measured(
        scored=dict.fromkeys(REPORTED, made),
        detectors={
            peers.OURS: peers.alone("good", 1),
            peers.PLAIN: peers.alone("bad", 1),
            "turned": peers.alone("good", -1),
        },
    )


def test_figures_follow_the_scores() -> None:
    found = measured()
    kept = Cell(name="c", families=frozenset({"gpt-neox-20b"}), domains=frozenset({"xsum"})).of(
        found.scored[150]
    )
    assert len(kept) == 120
    good, turned = found.scores(peers.OURS, kept), found.scores("turned", kept)
    value = auc(kept, good)
    assert 0.65 < value.low < value.value < value.high < 0.9
    assert auc(kept, turned).value == pytest.approx(1 - value.value)
    apart = difference(kept, good, found.scores(peers.PLAIN, kept))
    assert apart.low > 0
    assert rate(0, 100).high < 0.04


def test_what_is_alike_in_both_classes_tells_nothing() -> None:
    kept = measured().scored[150]
    assert {round(value.value, 6) for value in probes(kept).values()} == {0.5}


def test_the_tables_name_every_detector_and_length() -> None:
    found = measured()
    lengths = "\n".join(by_length(found))
    assert all(f"{words} words" in lengths for words in REPORTED)
    assert "(60 + 60)" in lengths
    assert "SeqGAN, captions joined | - (0 + 0)" in lengths
    table = "\n".join(against_peers(found, 150))
    assert "| turned |" in table
    results = summary(found)["smollm"]
    assert results["unseen family, news (xsum)"]["n"] == 120
