"""Figures on arrays and their intervals: by hand, against scikit-learn, and by simulation."""

import math
import time

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from unmask.detect.evaluation import figures, reliability, resampling, selective
from unmask.detect.evaluation.resampling import AP, AUC, EER, Draws, draw, estimate, tpr_at

pytestmark = pytest.mark.filterwarnings("error")
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def planted(seed: int, n: int = 300, shift: float = 1.0, steps: float = 0.0) -> tuple[Mask, Floats]:
    """(2n,) labels and scores N(0, 1) of photographs, N(shift, 1) of fakes; rounded to `steps`."""
    fake = np.arange(2 * n) < n
    scores = np.random.default_rng(seed).normal(size=2 * n) + shift * fake
    return fake, np.round(scores / steps) * steps if steps else scores


@pytest.mark.parametrize("steps", [0.0, 0.5])
def test_figures_are_those_of_scikit_learn(steps: float) -> None:
    fake, scores = planted(0, steps=steps)
    assert figures.auc(fake, scores) == pytest.approx(sk.roc_auc_score(fake, scores), abs=1e-12)
    found = figures.average_precision(fake, scores)
    assert found == pytest.approx(sk.average_precision_score(fake, scores), abs=1e-12)
    tpr, tnr = figures.rates(fake, scores, 0.6)
    assert tpr == sk.recall_score(fake, scores > 0.6)
    assert tnr == sk.recall_score(~fake, scores <= 0.6)
    expected = sk.balanced_accuracy_score(fake, scores > 0.6)
    assert figures.balanced_accuracy(fake, scores, 0.6) == pytest.approx(expected)
    fpr, tprs, _ = sk.roc_curve(fake, scores)
    assert figures.tpr_at_fpr(fake, scores, 0.05) == tprs[fpr <= 0.05].max()
    crossing = np.interp(0, (fpr + tprs - 1), fpr)
    assert figures.equal_error_rate(fake, scores) == pytest.approx(crossing)


def test_auc_of_planted_scores_is_the_known_one() -> None:
    fake, scores = planted(1, n=20_000)
    assert figures.auc(fake, scores) == pytest.approx(norm.cdf(1 / math.sqrt(2)), abs=0.008)
    assert figures.equal_error_rate(fake, scores) == pytest.approx(norm.cdf(-0.5), abs=0.008)
    assert figures.tpr_at_fpr(fake, scores, 0.05) == pytest.approx(
        norm.sf(norm.isf(0.05) - 1), abs=0.02
    )


def test_figures_by_hand() -> None:
    fake, scores = [False, False, True, True], [1, 3, 2, 4]
    assert figures.auc(fake, scores) == 0.75
    assert figures.average_precision(fake, scores) == pytest.approx((1 + 2 / 3) / 2)
    assert figures.rates(fake, scores, 2) == (0.5, 0.5)  # a score at the threshold is not above it
    assert figures.rates(fake, scores, 1.5) == (1.0, 0.5)
    assert figures.oracle(fake, scores) == (0.75, 3.5)  # 3.5 and 1.5 are as good: the higher one
    assert figures.equal_error_rate(fake, scores) == 0.5
    assert figures.equal_error_rate([False] * 3 + [True], [0, 0, 2, 1]) == pytest.approx(1 / 3)


def test_tpr_at_fpr_interpolates_nothing_and_wants_enough_photographs() -> None:
    fake = np.arange(40) < 20
    scores = np.concatenate([np.full(20, 8.5), np.arange(20.0) - 10])  # the top photograph has 9
    assert figures.tpr_at_fpr(fake, scores, 0.05) == 1.0  # one of 20 may be called synthetic
    scores[-2] = 9.0  # tied at the top: both or none
    assert figures.tpr_at_fpr(fake, scores, 0.05) == 0.0
    assert math.isnan(figures.tpr_at_fpr(fake, scores, 0.049))


def test_the_oracle_is_the_best_of_all_thresholds() -> None:
    fake, scores = planted(2, n=100, steps=0.25)
    accuracy, threshold = figures.oracle(fake, scores)
    tried = [figures.balanced_accuracy(fake, scores, t) for t in np.linspace(-4, 5, 181)]
    assert accuracy == pytest.approx(max(tried))
    assert figures.balanced_accuracy(fake, scores, threshold) == pytest.approx(accuracy)


def test_thresholds_part_infinite_and_neighbouring_scores() -> None:
    fake = [False, False, True, True]
    tight = [0.0, 1.0, np.nextafter(1.0, 2), 2.0]
    for scores in (tight, [-np.inf, 0.0, np.inf, np.inf], [-np.inf, -np.inf, 0.0, np.inf]):
        accuracy, threshold = figures.oracle(fake, scores)
        assert accuracy == 1.0
        assert figures.balanced_accuracy(fake, scores, threshold) == 1.0
        assert figures.auc(fake, scores) == 1.0


def test_constant_scores_say_nothing() -> None:
    fake, scores = [True, False] * 60, [3.0] * 120
    assert figures.auc(fake, scores) == 0.5
    assert figures.equal_error_rate(fake, scores) == 0.5
    assert figures.oracle(fake, scores)[0] == 0.5
    assert figures.tpr_at_fpr(fake, scores, 0.05) == 0.0
    assert reliability.min_cllr(fake, scores) == pytest.approx(1.0)
    found = estimate(fake, scores, draws=100)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("fake", [[True] * 5, [False] * 5, []])
def test_a_missing_class_gives_nan(fake: list[bool]) -> None:
    scores = np.linspace(0.1, 0.9, len(fake))
    for figure in (
        figures.auc,
        figures.average_precision,
        figures.equal_error_rate,
        reliability.brier,
        reliability.ece,
        reliability.cllr,
        reliability.min_cllr,
    ):
        assert math.isnan(figure(fake, scores))
    assert math.isnan(figures.balanced_accuracy(fake, scores, 0.5))
    assert math.isnan(figures.tpr_at_fpr(fake, scores, 0.5))
    assert all(map(math.isnan, figures.oracle(fake, scores)))
    assert math.isnan(estimate(fake, scores, draws=10).value)
    with pytest.raises(ValueError, match="fakes and photographs"):
        figures.roc(fake, scores)


def test_nan_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        figures.auc([True, False], [math.nan, 1])
    with pytest.raises(ValueError, match="labels are"):
        figures.auc([True, False], [1])


def test_the_conformal_threshold_is_an_order_statistic_that_holds() -> None:
    assert figures.conformal_threshold(np.arange(1, 100), 0.01) == 99
    assert figures.conformal_threshold(np.arange(1, 99), 0.01) == math.inf
    assert figures.conformal_threshold([3, 1, 2, math.nan], 0.5) == 2
    assert figures.conformal_threshold([], 0.5) == math.inf
    rng = np.random.default_rng(3)
    passed = [
        (rng.normal(size=50) > figures.conformal_threshold(rng.normal(size=199), 0.05)).mean()
        for _ in range(400)
    ]
    assert np.mean(passed) == pytest.approx(0.05, abs=0.006)
    with pytest.raises(ValueError, match="rate"):
        figures.conformal_threshold([1], 1.0)


def test_predictive_values_by_hand() -> None:
    ppv, npv = figures.predictive_values(0.9, 0.95, 0.01)
    assert float(ppv) == pytest.approx(0.009 / (0.009 + 0.0495))
    assert float(npv) == pytest.approx(0.9405 / (0.9405 + 0.001))
    never = figures.predictive_values([0.0, 1.0], [1.0, 0.0], 0.1)
    assert np.isnan(never[0]).tolist() == [True, False]
    assert np.isnan(never[1]).tolist() == [False, True]


def test_calibration_figures_by_hand_and_against_scikit_learn() -> None:
    fake, stated = [True, True, True, False], [0.9, 0.6, 0.6, 0.3]
    expected = ((0.01 + 0.16 + 0.16) / 3 + 0.09) / 2
    assert reliability.brier(fake, stated) == pytest.approx(expected)
    assert reliability.brier_costs(fake, stated) == pytest.approx([0.01, 0.16, 0.16, 0.09])
    # At even priors the photograph weighs as much as the three fakes together.
    assert reliability.ece(fake, stated) == pytest.approx((0.1 + 0.4 + 0.4) / 6 + 0.3 / 2)
    bins = reliability.reliability_bins(fake, stated)
    assert [b.n for b in bins] == [0, 0, 0, 1, 0, 0, 2, 0, 0, 1]
    assert (bins[6].stated, bins[6].found) == (pytest.approx(0.6), 1.0)
    assert math.isnan(bins[0].stated)
    assert math.isnan(bins[0].found)


@pytest.mark.parametrize("equal_mass", [False, True])
def test_bins_are_those_of_scikit_learn_where_classes_are_of_a_size(equal_mass: bool) -> None:
    fake, scores = planted(4)
    stated = reliability.probabilities(2 * scores - 1)
    bins = [b for b in reliability.reliability_bins(fake, stated, equal_mass=equal_mass) if b.n]
    how = "quantile" if equal_mass else "uniform"
    found, mean = calibration_curve(fake, stated, n_bins=10, strategy=how)
    assert [b.found for b in bins] == pytest.approx(list(found))
    assert [b.stated for b in bins] == pytest.approx(list(mean))
    if equal_mass:
        assert {b.n for b in bins} == {60}
    gaps = [b.n / len(fake) * abs(b.found - b.stated) for b in bins]
    assert reliability.ece(fake, stated, equal_mass=equal_mass) == pytest.approx(sum(gaps))
    assert reliability.brier(fake, stated) == pytest.approx(sk.brier_score_loss(fake, stated))


def test_the_mix_of_the_classes_does_not_enter_calibration() -> None:
    fake, scores = planted(5, n=200)
    kept = np.concatenate([np.flatnonzero(fake)] * 3 + [np.flatnonzero(~fake)])
    stated = reliability.probabilities(scores)
    for figure in (reliability.brier, reliability.ece, reliability.cllr, reliability.min_cllr):
        assert figure(fake[kept], stated[kept]) == pytest.approx(figure(fake, stated))


def test_cllr_and_its_minimum() -> None:
    assert reliability.cllr([True, False], [0.0, 0.0]) == pytest.approx(1.0)
    assert reliability.cllr([True, False], [math.log(3), -math.log(3)]) == pytest.approx(
        math.log2(4 / 3)
    )
    assert reliability.cllr([True, False], [-math.inf, 0.0]) == math.inf
    assert reliability.min_cllr([True, False], [5.0, -5.0]) == 0.0
    # 0 1 | 0 1 in rising order: the middle pair is pooled at 1/2, the ends are certain.
    assert reliability.min_cllr([False, True, False, True], [1, 2, 3, 4]) == pytest.approx(0.5)
    fake, scores = planted(6)
    llr = scores - 0.5
    least = reliability.min_cllr(fake, llr)
    assert least < reliability.cllr(fake, llr) < reliability.cllr(fake, 5 * llr)
    assert reliability.min_cllr(fake, 5 * llr + 3) == pytest.approx(least)


def test_risk_falls_with_coverage_as_worked_out_by_hand() -> None:
    curve = selective.risk_coverage([True, False, True, False], [1, 2, 3, 4])
    assert curve.coverage.tolist() == [1.0, 0.75, 0.5, 0.25]
    assert curve.risk.tolist() == pytest.approx([0.5, 1 / 3, 0.5, 0.0])
    assert curve.aurc == pytest.approx((0.5 + 1 / 3 + 0.5 + 0) / 4)
    tied = selective.risk_coverage([True, False], [1, 1])
    assert (tied.coverage.tolist(), tied.risk.tolist(), tied.aurc) == ([1.0], [0.5], 0.5)
    assert math.isnan(selective.risk_coverage([], []).aurc)
    assert selective.thinned(curve, 2) == ((1.0, 0.5), (0.25, 0.0))
    assert selective.thinned(selective.risk_coverage([], []), 2) == ()


def test_rank_confidence_is_least_beside_the_threshold() -> None:
    sure = selective.rank_confidence([-100.0, 0.1, 0.4, 9.0], 0.3)
    assert sure.tolist() == pytest.approx([0.375, 0.125, 0.125, 0.375])
    assert len(set(selective.rank_confidence([2.0] * 3, 1.0).tolist())) == 1


@pytest.mark.parametrize("steps", [0.0, 0.5])
def test_resampled_figures_are_those_of_the_repeated_pictures(steps: float) -> None:
    fake, scores = planted(7, n=150, steps=steps)
    drawn = draw(fake, [str(i // 3) for i in range(len(fake))], draws=20, seed=1)
    wanted = (AUC, AP, EER, tpr_at(0.05), tpr_at(0.01))
    for figure, values in zip(wanted, resampling.figures_drawn(wanted, scores, drawn), strict=True):
        for times, value in zip(drawn.weights, values, strict=True):
            at = np.repeat(np.arange(len(fake)), times)
            assert value == pytest.approx(figure.of(fake[at], scores[at]), abs=1e-7)
    means = resampling.class_means(True, scores, drawn)
    at = np.repeat(np.arange(len(fake)), drawn.weights[3])
    assert means[3] == pytest.approx(scores[at][fake[at]].mean())


def test_resampled_figures_survive_a_draw_without_a_class() -> None:
    weights = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]], np.uint8)
    fake = np.array([True, True, False, False])
    drawn = Draws(fake=fake, source=np.arange(4), weights=weights)
    found = resampling.figures_drawn((AUC, AP, EER, tpr_at(0.5)), np.array([1.0, 2, 0, 1]), drawn)
    for values in found:
        assert np.isnan(values).tolist() == [True, True, False]


def test_sources_are_drawn_whole_and_classes_keep_their_sizes() -> None:
    fake = np.array([True] * 6 + [False] * 6)
    paired = [*"aabbcc", *"aabbcc"]
    together = draw(fake, paired, draws=200).weights
    assert (together[:, :6] == together[:, 6:]).all()
    assert (together.sum(axis=1) == 12).all()
    apart = draw(fake, [*"aabbcc", *"ddeeff"], draws=200).weights
    assert (apart[:, ::2] == apart[:, 1::2]).all()
    assert (apart[:, :6].sum(axis=1) == 6).all()
    assert not (apart[:, :6] == apart[:, 6:]).all()
    assert (
        draw(fake, paired, draws=9, seed=4).weights == draw(fake, paired, draws=9, seed=4).weights
    ).all()
    assert (
        draw(fake, paired, draws=9, seed=4).weights != draw(fake, paired, draws=9, seed=5).weights
    ).any()


def test_a_lone_source_of_its_kind_still_varies() -> None:
    fake = np.array([True] * 3 + [False] * 3)
    times = draw(
        fake, ["a", "a", "b", "b", "c", "d"], draws=100
    ).weights  # b alone has both classes
    assert len(set(times[:, 2].tolist())) > 1


def coverage(make: object, truth: float, *, by_source: bool = True) -> tuple[float, float]:
    """Share of 100 simulated sets whose interval holds the truth, and the mean width."""
    found = []
    for seed in range(100):
        fake, scores, sources = make(seed)  # type: ignore[operator]
        found.append(estimate(fake, scores, sources if by_source else None, draws=300, seed=seed))
    held = np.mean([one.low <= truth <= one.high for one in found])
    return float(held), float(np.mean([one.high - one.low for one in found]))


def clustered(seed: int) -> tuple[Mask, Floats, list[str]]:
    """40 sources a class of 5 pictures each that share most of their score."""
    rng = np.random.default_rng(seed)
    fake = np.repeat(np.arange(80) < 40, 5)
    shared = np.repeat(rng.normal(size=80), 5)
    scores = np.sqrt(0.6) * shared + np.sqrt(0.4) * rng.normal(size=400) + fake
    return fake, scores, [str(i // 5) for i in range(400)]


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    truth = float(norm.cdf(1 / math.sqrt(2)))
    held, _ = coverage(lambda seed: (*planted(seed, n=100), None), truth)
    assert 0.88 <= held <= 0.995


def test_clustered_sources_widen_the_interval_to_what_is_true() -> None:
    truth = float(norm.cdf(1 / math.sqrt(2)))
    held, width = coverage(clustered, truth)
    too_sure, narrow = coverage(clustered, truth, by_source=False)
    assert held >= 0.88
    assert too_sure < 0.85
    assert width > 1.4 * narrow


def test_the_paired_interval_of_like_detectors_is_narrower() -> None:
    fake, one = planted(8, n=200)
    two = one + np.random.default_rng(9).normal(0, 0.3, len(one))
    drawn = draw(fake, draws=500)
    first, second = (resampling.figures_drawn([AUC], s, drawn)[0] for s in (one, two))
    both = [resampling.interval(AUC.of(fake, s), d, 200) for s, d in ((one, first), (two, second))]
    found = resampling.difference(both[0], first, both[1], second)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(AUC.of(fake, one) - AUC.of(fake, two))
    other = resampling.figures_drawn([AUC], two, draw(fake, draws=500, seed=1))[0]
    unpaired = np.ptp(np.quantile(first - other, [0.025, 0.975]))
    assert found.high - found.low < 0.6 * unpaired
    same = resampling.difference(both[0], first, both[0], first)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_detector_without_errors_is_not_certain() -> None:
    fake = np.arange(40) < 20
    found = estimate(fake, fake.astype(float), draws=100)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 20))
    assert estimate(fake, fake.astype(float), figure=EER, draws=100).high == pytest.approx(
        1 - 0.025 ** (1 / 20)
    )
    drawn = resampling.figures_drawn([AUC], fake.astype(float), draw(fake, draws=100))[0]
    tie = resampling.difference(found, drawn, found, drawn)
    assert tie.low == pytest.approx(found.low - 1)
    assert tie.high == pytest.approx(1 - found.low)


def test_one_source_of_a_class_gives_no_interval() -> None:
    fake, scores = planted(10, n=20)
    found = estimate(fake, scores, ["clip"] * 20 + [str(i) for i in range(20)], draws=50)
    assert 0.5 < found.value < 1
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_the_interval_of_a_calibration_error_takes_off_what_chance_adds() -> None:
    drawn = np.linspace(0.05, 0.09, 401)  # resampling has raised 0.05 by 0.02
    found = resampling.pivotal(0.05, drawn, 100)
    assert found.low == pytest.approx(0.011)
    assert found.high == pytest.approx(0.05)
    assert resampling.pivotal(0.01, drawn, 100).low == 0.0


def test_clopper_pearson_by_known_values() -> None:
    none = resampling.clopper_pearson(0, 100)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.03622, abs=1e-5)
    some = resampling.clopper_pearson(8, 20)
    assert (some.low, some.high) == pytest.approx((0.19119, 0.63946), abs=1e-5)
    assert resampling.clopper_pearson(5, 5).high == 1.0


def test_thousands_of_draws_of_thousands_of_pictures_are_fast() -> None:
    fake, scores = planted(11, n=1500)
    started = time.process_time()
    estimate(fake, scores, draws=2000)
    assert time.process_time() - started < 5  # about 0.2 s where this was written
