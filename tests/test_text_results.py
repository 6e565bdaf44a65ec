"""The tables of the text detector: planted scores must come out as they were planted."""

import numpy as np
import pytest

from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import TextSample
from unmask.detect.text import critic, false_alarms, peers
from unmask.detect.text.documents import Document
from unmask.detect.text.evaluate import Cell, Measured, auc, difference, probes, rate
from unmask.detect.text.results import REPORTED, against_peers, by_length, summary
from unmask.detect.text.train import Scored, parted


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


def alone(number: int, split: Split, machine: bool = False) -> TextSample:
    return TextSample(
        text="A text.", machine=machine, generator="m" if machine else "person", domain="prose",
        source=f"prose/{number}", split=split,
    )  # fmt: skip


def test_no_text_is_both_counted_and_learned_from() -> None:
    train = [alone(n, Split.TRAIN) for n in range(300)]
    asked = [alone(n, Split.TRAIN, machine) for n in range(300, 400) for machine in (False, True)]
    test = [alone(n, Split.TEST) for n in range(400, 450)]
    counted, others = parted([*train, *asked, *test])
    assert 200 < len(counted) < 280
    assert set(counted) <= set(train)
    assert set(counted) | set(others) == {*train, *asked, *test}
    assert not set(counted) & set(others)


def test_false_alarms_are_told_by_source_with_exact_intervals() -> None:
    found = {
        "obama": {("smollm", 150): (1, 100), ("ngram", 150): (0, 400)},
        "attic": {("ngram", 150): (2, 50)},
    }
    lines = false_alarms.page(found)
    named = {line.split("|")[1].strip(): line for line in lines if line.startswith("|")}
    assert "1 of 100 [0.0%, 5.4%]" in named["Obama's speeches (2004-2012)"]
    assert "0 of 400 [0.0%, 0.9%]" in named["Obama's speeches (2004-2012)"]
    assert named["attic"].startswith("| attic | - | - | 2 of 50 ")


def read(number: int, machine: bool) -> Scored:
    """A document of 150 words, of which features tell a little."""
    rng = np.random.default_rng([number, machine])
    words = ("we", "the", "people", "of", "this", "nation", "will", "not", "forget", "it")
    text = " ".join(rng.choice(words, 150))
    document = Document(
        parts=(text,), whole=(text,), machine=machine, generator="m", domain="news",
        sources=(f"news/{number}",), split=Split.TEST,
    )  # fmt: skip
    names = ("ngram.a", "smollm.a", "style.a", "characters.logit")
    return Scored(document=document, features={n: machine + 2 * rng.normal() for n in names})


def test_a_critic_that_reads_chance_adds_nothing() -> None:
    made = [read(number, machine) for number in range(40) for machine in (False, True)]
    heard = critic.with_critic(made[:4])
    assert len({one.features["critic.logit"] for one in heard}) == 4
    lines = critic.page(made[:40], made[40:60], made[60:], 0.03)
    rows = [line.split(" | ") for line in lines if "validation" in line or "test" in line]
    assert [row[1] for row in rows] == ["20", "20"]
    for row in rows:
        low, high = row[-1].split("[")[1].split("]")[0].split(", ")
        assert float(low) <= 0 <= float(high)
