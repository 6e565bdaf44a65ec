"""Figures of texts and speech against scikit-learn and by hand; thresholds by domain as RAID's."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from unmask.datasets.manifest import Split
from unmask.detect.audio.tdcf import Verifier, min_tdcf
from unmask.detect.benchmarks.assess import assess
from unmask.detect.benchmarks.costs import BETA, MIN_DCF, act_dcf, min_tdcf_figure, rates_of
from unmask.detect.benchmarks.decided import Rules
from unmask.detect.benchmarks.fixed_fpr import fixed_fpr, threshold_at, thresholds_drawn
from unmask.detect.benchmarks.groups import groups
from unmask.detect.benchmarks.items import PEOPLE, Item, thinned
from unmask.detect.benchmarks.tables import (
    ATTACK,
    CODEC,
    DECODING,
    DOMAIN,
    GENERATOR,
    POOLED,
    Scored,
)
from unmask.detect.evaluation.resampling import draw, figures_drawn


def item(
    source: object, generator: str = PEOPLE, domain: str = "news", attack: str = "", drawn: str = ""
) -> Item:
    return Item(
        name=str(source), fake=generator != PEOPLE, generator=generator, corpus="raid",
        domain=domain, source=str(source), split=Split.TEST, attack=attack, decoding=drawn,
    )  # fmt: skip


def said(
    score: NDArray[np.float64],
    *,
    llr: NDArray[np.float64] | None = None,
    open_: dict[int, str] | None = None,
) -> Scored:
    known = open_ or {}
    return Scored(
        detector="d",
        score=np.asarray(score, float),
        llr=llr,
        abstained=np.array([i in known for i in range(len(score))]),
        reasons=tuple((known[i],) if i in known else () for i in range(len(score))),
    )


RULES = Rules(stated={}, draws=60)


def test_rows_are_scikit_learns_by_maker_domain_and_attack() -> None:
    rng = np.random.default_rng(0)
    items = [item(i, domain=d) for i in range(60) for d in ("news", "recipes")]
    items += [item(i, "gpt4", d) for i in range(60) for d in ("news", "recipes")]
    items += [item(i, "llama", attack="homoglyph") for i in range(60)]
    score = rng.normal([1.5 * x.fake - (x.attack != "") for x in items], 1)
    found = assess(items, [said(score)], "whole", RULES)
    rows = {(r.by, r.row.generator): r.row for r in found.rows}
    assert set(rows) == {
        (POOLED, POOLED), (GENERATOR, "gpt4"), (DOMAIN, "news"), (DOMAIN, "recipes"),
        (ATTACK, "homoglyph"),
    }  # fmt: skip
    for name, kept in {
        (POOLED, POOLED): [x.attack == "" for x in items],
        (DOMAIN, "news"): [x.attack == "" and x.domain == "news" for x in items],
        (ATTACK, "homoglyph"): [not x.fake or x.attack != "" for x in items],
    }.items():
        at, row = np.array(kept), rows[name]
        fake = np.array([x.fake for x in items])[at]
        assert row.auc is not None
        assert row.auc.value == pytest.approx(roc_auc_score(fake, score[at]))
        assert row.auc.low < row.auc.value < row.auc.high
        assert (row.n_real, row.n_fake) == ((~fake).sum(), fake.sum())
    assert rows[POOLED, POOLED].tpr_at_fpr_1 is not None
    assert rows[DOMAIN, "news"].tpr_at_fpr_1 is None  # 60 texts do not show 1%
    assert found.decisions == ()
    assert found.alarms == ()


def test_a_curve_holds_both_errors_without_attacked_texts() -> None:
    rng = np.random.default_rng(1)
    items = [item(i) for i in range(3000)] + [item(i, "gpt4") for i in range(2000)]
    items += [item(i, "gpt4", attack="homoglyph") for i in range(50)]
    score = rng.normal([1.5 * x.fake for x in items], 1)
    score[-50:] = 1e6  # attacked texts would move the curve
    score[:7] = math.nan
    found = assess(items, [said(score)], "whole", RULES)
    (curve,) = found.curves
    assert (curve.n_real, curve.n_fake) == (2993, 2000)
    assert (curve.points[0], curve.points[-1]) == ((0.0, 1.0), (1.0, 0.0))
    assert len(curve.points) < 700  # of thousands of thresholds
    alarms, misses = np.array(curve.points).T
    assert (np.diff(alarms) >= 0).all()
    assert (np.diff(misses) <= 0).all()
    real, fake = score[7:3000], score[3000:5000]
    for alarm in (0.01, 0.1, 0.5):
        miss = (fake <= np.quantile(real, 1 - alarm)).mean()
        assert np.interp(alarm, alarms, misses) == pytest.approx(miss, abs=0.01)
    eer = next(r.row.eer for r in found.rows if r.by == POOLED)
    assert eer is not None
    assert np.interp(eer.value, alarms, misses) == pytest.approx(eer.value, abs=0.005)


def test_one_class_has_no_curve() -> None:
    items = [item(i) for i in range(5)]
    assert assess(items, [said(np.arange(5.0))], "whole", RULES).curves == ()


def test_decisions_are_those_of_a_verdict() -> None:
    items = [item(i) for i in range(10)] + [item(i, "gpt4", drawn="greedy") for i in range(10)]
    llr = np.array([-3.0] * 7 + [1, 3, 3] + [3.0] * 6 + [1, 1, -1, np.nan])
    one = said(np.where(np.isnan(llr), np.nan, llr), llr=llr, open_={9: "rare", 19: "too_short"})
    found = assess(items, [one], "whole", RULES)
    labels = np.array([x.fake for x in items])
    pooled = {d.rule: d for d in found.decisions if d.by == POOLED}
    even, own = pooled["P > 0.5"], pooled["P ≥ 0.9 and sure"]
    called = np.nan_to_num(llr) > 0
    sure = (np.nan_to_num(llr) >= math.log(9)) & ~one.abstained
    for row, answer in ((even, called), (own, sure)):
        assert row.f1 is not None
        assert row.accuracy is not None
        assert row.f1.value == pytest.approx(f1_score(labels, answer))
        assert row.accuracy.value == pytest.approx(accuracy_score(labels, answer))
    (alarm,) = found.alarms
    assert (alarm.source, alarm.n, alarm.alarms) == ("raid, news", 10, 1)
    assert alarm.rate.low == pytest.approx(0.0025286, abs=1e-6)  # Clopper and Pearson, 1 of 10
    assert alarm.rate.high == pytest.approx(0.4450161, abs=1e-6)
    people, machines = found.abstentions
    assert (people.inconclusive, people.not_applicable, people.reasons) == (1, 0, {"rare": 1})
    assert (machines.inconclusive, machines.not_applicable) == (0, 1)
    assert machines.reasons == {"too_short": 1}
    (reliable,) = found.reliability
    with np.errstate(invalid="ignore"):
        costs = np.logaddexp(0, np.where(labels, -llr, llr)) / math.log(2)
    halves = np.nanmean(costs[labels]) + np.nanmean(costs[~labels])
    assert reliable.cllr.value == pytest.approx(halves / 2)


def test_a_stated_threshold_decides() -> None:
    items = [item(i) for i in range(4)] + [item(i, "gpt4") for i in range(4)]
    rules = Rules(stated={"d": 2.5}, draws=20)
    found = assess(items, [said(np.arange(8.0))], "whole", rules)
    (decision,) = (d for d in found.decisions if d.by == POOLED)
    assert decision.tpr is not None
    assert decision.fpr is not None
    assert (decision.tpr.value, decision.fpr.value) == (1.0, 0.25)


def test_raids_thresholds_are_by_domain() -> None:
    people = [item(i, domain=d) for d in ("news", "recipes") for i in range(40)]
    few = [item(i, domain="poetry") for i in range(5)]
    machines = [item(i, "gpt4", d) for d in ("news", "recipes", "poetry") for i in range(10)]
    attacked = [item(i, "gpt4", "news", attack="misspelling") for i in range(10)]
    items = [*people, *few, *machines, *attacked]
    level = {"news": 0.0, "recipes": 100.0, "poetry": 0.0}
    base = [level[x.domain] for x in items]
    within = [*range(40), *range(40), *range(5), *[37.5] * 4, *[38.5] * 6, *[37.5] * 9, 50,
              *[99] * 10, *[0] * 10]  # fmt: skip
    score = np.array(base) + np.array(within, float)
    rows, levels = fixed_fpr(items, said(score), "whole", list(groups(items)), draws=50)
    at = {one.domain: one.value for one in levels}
    # Of 40 people's texts two may lie above: 38 and 39.
    assert at == {"raid/news": 37.0, "raid/recipes": 137.0, "raid/poetry": None}
    found = {(r.by, r.group): r for r in rows}
    assert found[DOMAIN, "poetry"].tpr is None
    pooled = found[POOLED, POOLED]
    assert pooled.tpr is not None
    assert (pooled.n_real, pooled.n_fake, pooled.tpr.value) == (80, 20, 1.0)
    attack = found[ATTACK, "misspelling"].tpr
    assert attack is not None
    assert attack.value == 0.0
    one_level = float(np.mean(score[85:105] > np.sort(score[:80])[::-1][4]))
    assert one_level == 0.5  # one threshold for both would lose all of the news


def test_a_threshold_drawn_is_that_of_the_drawn_texts() -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(size=50).round(1)
    weights = np.stack([np.bincount(rng.integers(50, size=50), minlength=50) for _ in range(20)])
    drawn = thresholds_drawn(real, weights.astype(np.uint8), 0.05)
    by_hand = [threshold_at(np.repeat(real, w), 0.05) for w in weights]
    assert drawn.tolist() == by_hand
    assert threshold_at(real[:19], 0.05) is None


def test_the_costs_of_speech() -> None:
    rng = np.random.default_rng(2)
    fake = np.arange(80) % 2 == 0
    score = rng.normal(fake * 1.2, 1).round(1)
    picked = draw(fake, draws=25)
    verifier = Verifier(miss=0.05, false_alarm=0.02, spoof_miss=0.4)
    tandem = min_tdcf_figure(verifier)
    brute = min(BETA * (score[~fake] > t).mean() + (score[fake] <= t).mean() for t in [-9, *score])
    assert MIN_DCF.of(fake, score) == pytest.approx(min(brute, 1))
    assert tandem.of(fake, score) == pytest.approx(min_tdcf(fake, score, verifier))
    costs, tandems = figures_drawn([MIN_DCF, tandem], score, picked)
    for number in range(25):
        again = np.repeat(np.arange(80), picked.weights[number])
        assert costs[number] == pytest.approx(MIN_DCF.of(fake[again], score[again]))
        by_hand = min_tdcf(fake[again], score[again], verifier)
        assert tandems[number] == pytest.approx(by_hand)
    found = act_dcf(fake, score, picked)
    assert found is not None
    called = score > math.log(1.9)
    assert found.value == pytest.approx(1.9 * called[~fake].mean() + (~called[fake]).mean())
    assert MIN_DCF.of([True, False], [1, 1]) == 1
    # Of the test of tdcf by hand: C1 .83695, C2 .4, and half of the fakes let in is least.
    known = min_tdcf_figure(Verifier(miss=0.1, false_alarm=0.1, spoof_miss=0.2))
    labels, scores = [False, False, False, False, True, True], [0.0, 1.0, 2.0, 5.0, 4.0, 6.0]
    assert known.of(labels, scores) == pytest.approx(0.2 / 0.4)
    with pytest.raises(ValueError, match="leave no cost"):
        min_tdcf_figure(Verifier(miss=0, false_alarm=0, spoof_miss=1))


def test_rates_drawn_are_those_of_the_drawn_items() -> None:
    fake = np.array([True] * 12 + [False] * 8)
    called = np.arange(20) % 3 == 0
    rates = rates_of(fake, called, draw(fake, draws=400))
    assert rates.f1 is not None
    assert rates.f1.low < rates.f1.value < rates.f1.high
    assert rates.tpr is not None
    assert rates.tpr.value == pytest.approx(4 / 12)
    alone = rates_of(fake[:12], called[:12], draw(fake[:12], draws=10))
    assert alone.accuracy is None
    assert alone.fpr is None


def test_criteria_of_one_value_have_no_rows_and_a_limit_keeps_prompts() -> None:
    items = [item(i, g, drawn="greedy" if g != PEOPLE else "") for i in range(9) for g in
             (PEOPLE, "gpt4")]  # fmt: skip
    assert [(g.by, g.name) for g in groups(items)] == [(POOLED, POOLED), (GENERATOR, "gpt4")]
    mixed = [*items, item(1, "gpt4", drawn="sampling")]
    assert [g.name for g in groups(mixed) if g.by == DECODING] == ["greedy", "sampling"]
    coded = [replace(one, codec=("alaw", "none")[i % 4 > 1]) for i, one in enumerate(items)]
    by_codec = {g.name: g.kept for g in groups(coded) if g.by == CODEC}
    assert list(by_codec) == ["alaw", "none"]
    assert by_codec["alaw"].tolist() == [one.codec == "alaw" for one in coded]
    kept = thinned(items, 3)
    assert len(kept) == 6
    assert {x.source for x in kept if x.fake} == {x.source for x in kept if not x.fake}
