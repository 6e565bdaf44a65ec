"""Figures of detectors on made-up scores: what was planted is found, within its interval."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from scored import SHIFTS, at, noisy, pictures, row, sample, scores

from unmask.detect.evaluation import selective
from unmask.detect.evaluation.assess import assess
from unmask.detect.evaluation.resampling import clopper_pearson
from unmask.detect.evaluation.tables import POOLED, WORST

pytestmark = pytest.mark.filterwarnings("error")


def test_each_generator_gets_the_auc_that_was_planted() -> None:
    data = pictures()
    found = assess([scores(data, noisy(data))], [at(0.75)], draws=300)
    assert [r.generator for r in found.rows] == [POOLED, WORST, *SHIFTS]
    for generator, shift in SHIFTS.items():
        one = row(found, generator)
        assert (one.n_real, one.n_fake) == (200, 100)
        truth = norm.cdf(shift / math.sqrt(2))
        assert one.auc is not None
        assert one.auc.low - 0.01 < truth < one.auc.high + 0.01
        assert one.tpr is not None
        assert one.tpr.value == pytest.approx(norm.sf(0.75 - shift), abs=0.1)
        assert one.tnr is not None
        assert one.tnr == row(found, POOLED).tnr
        assert one.balanced_accuracy is not None
        assert one.balanced_accuracy.value == pytest.approx((one.tpr.value + one.tnr.value) / 2)
        assert one.oracle_accuracy is not None
        assert one.oracle_accuracy >= one.balanced_accuracy.value - 1e-12
    assert row(found, WORST) == replace(row(found, "hard"), generator=WORST)
    pooled = row(found, POOLED)
    assert (pooled.n_real, pooled.n_fake) == (200, 300)
    assert pooled.auc is not None
    mean = np.mean([row(found, g).auc.value for g in SHIFTS])  # type: ignore[union-attr]
    assert pooled.auc.value == pytest.approx(mean)


def test_every_figure_lies_in_its_interval_and_repeats_with_the_seed() -> None:
    data = pictures()
    given = [scores(data, noisy(data))]
    found = assess(given, [at(0.75)], draws=200)
    for one in found.rows:
        for name in ("auc", "ap", "balanced_accuracy", "tpr", "tnr", "tpr_at_fpr_1", "eer"):
            figure = getattr(one, name)
            assert 0 <= figure.low <= figure.value <= figure.high <= 1, (one.generator, name)
    assert assess(given, [at(0.75)], draws=200) == found
    assert assess(given, [at(0.75)], draws=200, seed=1).rows != found.rows


def test_false_positives_are_counted_by_corpus_of_photographs() -> None:
    data = pictures(reals=40)
    values = noisy(data)
    values[:40] = -9.0
    values[[0, 4, 1]] = 9.0  # two scans, a phone
    found = assess([scores(data, values), scores(data, values, how := "ours", "JPEG 70")], [at(0)])
    assert how == "ours"
    assert [(s.corpus, s.n, s.false_positives) for s in found.sources] == [
        ("phones", 30, 1),
        ("scans", 10, 2),
    ]
    assert found.sources[1].rate == clopper_pearson(2, 10)


def test_pairs_of_detectors_are_compared_on_the_same_draws() -> None:
    data = pictures()
    ours, theirs = noisy(data), noisy(data, worse=0.4)
    given = [
        scores(data, values, name, how)
        for how in ("clean", "JPEG 70")
        for name, values in (("ours", ours), ("theirs", theirs), ("twin", ours))
    ]
    found = assess(given, [], draws=300)
    assert len(found.paired) == 3 * 2 * (1 + len(SHIFTS))
    pairs = {(p.first, p.second, p.perturbation, p.generator): p.difference for p in found.paired}
    gain = pairs["ours", "theirs", "clean", "hard"]
    assert gain.low > 0
    first, second = row(found, "hard").auc, row(found, "hard", "theirs").auc
    assert first is not None
    assert second is not None
    assert gain.value == pytest.approx(first.value - second.value)
    # The two share their noise, so their difference is known better than either.
    assert gain.high - gain.low < 0.7 * (first.high - first.low)
    assert pairs["ours", "twin", "JPEG 70", POOLED] == type(gain)(value=0.0, low=0.0, high=0.0)


def test_a_pair_is_compared_on_what_both_scored() -> None:
    data = pictures()
    ours, theirs = noisy(data), noisy(data)
    theirs[:150] = math.nan  # fails on most photographs
    rng = np.random.default_rng(1)
    ours[150:200] = rng.normal(2, 1, 50)  # where ours is bad
    found = assess([scores(data, ours), scores(data, theirs, "theirs")], [], draws=100)
    pooled = next(p for p in found.paired if p.generator == POOLED)
    whole = row(found, POOLED).auc
    other = row(found, POOLED, "theirs").auc
    assert whole is not None
    assert other is not None
    assert pooled.difference.value < whole.value - other.value - 0.1
    assert row(found, POOLED, "theirs").n_real == 50


def test_detectors_may_see_different_pictures_in_any_order() -> None:
    data = pictures()
    values = noisy(data)
    order = np.random.default_rng(2).permutation(len(data))[:400]
    part = scores([data[i] for i in order], values[order], "theirs")
    found = assess([scores(data, values), part], [], draws=100)
    alone = assess([scores([data[i] for i in sorted(order)], values[np.sort(order)])], [], draws=9)
    one, two = row(found, "hard", "theirs").auc, row(alone, "hard").auc
    assert one is not None
    assert two is not None
    assert one.value == two.value
    pooled = next(p for p in found.paired if p.generator == POOLED)
    assert pooled.difference.value == pytest.approx(0)
    assert found.warnings == ()


def test_failures_are_left_out_and_counted() -> None:
    data = pictures(reals=50, fakes=20)
    values = noisy(data)
    values[:10] = math.nan
    values[55] = math.nan
    found = assess([scores(data, values)], [at(0)], draws=100)
    kept = ~np.isnan(values)
    clean = assess(
        [scores([s for s, k in zip(data, kept, strict=True) if k], values[kept])],
        [at(0)],
        draws=100,
    )
    assert row(found, POOLED).n_real == 40
    assert row(found, POOLED).n_fake == 59
    one, two = row(found, POOLED).auc, row(clean, POOLED).auc
    assert one is not None
    assert two is not None
    assert one.value == two.value
    assert found.warnings == (
        "ours, clean: 10 of 50 photographs and 1 of 60 fakes have no score and are left out of its"
        " figures.",
    )


def test_calibrated_ratios_are_held_to_their_word() -> None:
    data = pictures(reals=1000, fakes=400)
    fake = np.array([s.fake for s in data])
    values = np.random.default_rng(3).normal(size=len(data)) + 2 * fake
    honest, boastful = 2 * values - 2, 6 * values - 6
    given = [
        scores(data, honest, "honest", llr=honest),
        scores(data, boastful, "boastful", llr=boastful),
        scores(data, values, "silent"),
    ]
    found = assess(given, [], draws=200)
    one, two = found.reliability
    assert (one.detector, two.detector) == ("honest", "boastful")
    assert one.ece.value < 0.03
    assert two.ece.low > 0.05
    assert one.cllr.high < two.cllr.low
    assert one.brier.low < one.brier.value < one.brier.high
    assert sum(b.n for b in one.bins) == len(data)
    for part in one.bins:
        assert part.found == pytest.approx(part.stated, abs=0.12)


def test_an_infinite_ratio_costs_without_end_and_breaks_nothing() -> None:
    data = pictures(reals=30, fakes=10)
    llr = noisy(data)
    llr[0] = math.inf  # sure of a photograph that it is fake
    llr[1] = math.nan
    found = assess([scores(data, np.nan_to_num(llr), llr=llr)], [at(0)], draws=50)
    assert found.reliability[0].cllr.value == math.inf
    assert math.isnan(found.reliability[0].cllr.low)
    assert found.reliability[0].brier.low < found.reliability[0].brier.high
    assert sum(b.n for b in found.reliability[0].bins) == 59


def test_risk_falls_as_the_unsure_are_left_out() -> None:
    data = pictures(reals=500)
    values = noisy(data)
    abstained = np.abs(values - 0.75) < 0.5
    given = [
        scores(data, values, "rated", llr=2 * (values - 0.75), abstained=abstained),
        scores(data, values, "unrated", abstained=abstained),
        scores(data, values, "boundless"),
    ]
    found = assess(
        given, [at(0.75, "rated"), at(0.75, "unrated"), at(math.nan, "boundless")], draws=50
    )
    assert [r.detector for r in found.risk_coverage] == ["rated", "unrated"]
    wrong = (values > 0.75) != np.array([s.fake for s in data])
    for one in found.risk_coverage:
        assert len(one.points) == 200
        assert one.points[0] == (1.0, pytest.approx(wrong.mean()))
        coverage = [p[0] for p in one.points]
        assert coverage == sorted(coverage, reverse=True)
        assert one.aurc < 0.7 * wrong.mean()
        assert one.own[0] == pytest.approx(1 - abstained.mean())
        assert one.own[1] == pytest.approx(wrong[~abstained].mean())
    surest = selective.risk_coverage(wrong, np.abs(values - 0.75))
    assert found.risk_coverage[0].aurc == pytest.approx(surest.aurc)
    assert found.risk_coverage[1].aurc != pytest.approx(surest.aurc)  # ranks are not ratios
    assert row(found, POOLED, "rated").abstained == pytest.approx(abstained.mean())
    assert row(found, POOLED, "boundless").tpr is None
    assert row(found, POOLED, "boundless").balanced_accuracy is None
    assert row(found, POOLED, "boundless").auc is not None


def test_predictive_values_follow_bayes_and_never_promise_certainty() -> None:
    data = pictures(reals=400)
    values = noisy(data)
    found = assess([scores(data, values)], [at(0.75)], draws=200, prevalences=(0.01, 0.5))
    assert [p.prevalence for p in found.predictive] == [0.01, 0.5]
    rare = found.predictive[0]
    pooled = row(found, POOLED)
    assert pooled.tpr is not None
    assert pooled.tnr is not None
    true, false = 0.01 * pooled.tpr.value, 0.99 * (1 - pooled.tnr.value)
    assert rare.ppv is not None
    assert rare.ppv.value == pytest.approx(true / (true + false))
    assert rare.ppv.low < rare.ppv.value < rare.ppv.high
    never = assess([scores(data, values)], [at(99.0)], draws=50).predictive[0]
    assert never.ppv is None
    assert never.npv is not None
    quiet = assess([scores(data, values)], [at(float(values[:400].max()))], draws=50)
    ppv = quiet.predictive[0].ppv  # no false positive among 400: worth less than it looks
    assert ppv is not None
    assert ppv.value == 1.0
    assert ppv.low < 0.2


def test_sources_with_a_photograph_and_its_fakes_are_one() -> None:
    rng = np.random.default_rng(4)
    names = [f"s{i}" for i in range(60)]
    data = [sample(f"{n}.jpg", source=n) for n in names] + [
        sample(f"{n}-{k}.png", "g", source=n) for n in names for k in range(5)
    ]
    shared = dict(zip(names, rng.normal(size=60), strict=True))
    values = np.array([2 * shared[s.source] + s.fake + 0.3 * rng.normal() for s in data])
    found = row(assess([scores(data, values)], [], draws=400), "g").auc
    alone = [replace(s, source=str(s.path)) for s in data]
    loose = row(assess([scores(alone, values)], [], draws=400), "g").auc
    assert found is not None
    assert loose is not None
    # What makes a photograph score high raises its fakes as well: together they say more.
    assert found.value == loose.value
    assert found.high - found.low < 0.8 * (loose.high - loose.low)
