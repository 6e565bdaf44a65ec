"""From scores to tables: planted detectors, edge cases, thresholds, and fair play."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import norm

from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.evaluation import selective
from unmask.detect.evaluation.assess import Assessment, assess, choose_threshold, sanity
from unmask.detect.evaluation.resampling import clopper_pearson
from unmask.detect.evaluation.tables import POOLED, WORST, Row, Scores, Threshold

pytestmark = pytest.mark.filterwarnings("error")
SHIFTS = {"easy": 3.0, "hard": 0.5, "middling": 1.5}


def sample(name: str, generator: str = CAMERA, **other: object) -> Sample:
    given = {
        "path": Path(name),
        "fake": generator != CAMERA,
        "generator": generator,
        "corpus": "phones",
        "source": name,
        "split": Split.TEST,
    }
    return Sample(**(given | other))  # type: ignore[arg-type]


def pictures(reals: int = 200, fakes: int = 100) -> tuple[Sample, ...]:
    photographs = [
        sample(f"real{i}.jpg", corpus="phones" if i % 4 else "scans") for i in range(reals)
    ]
    return tuple(photographs + [sample(f"{g}{i}.png", g) for g in SHIFTS for i in range(fakes)])


def scores(
    samples: Sequence[Sample],
    values: NDArray[np.float64],
    detector: str = "ours",
    perturbation: str = "clean",
    *,
    llr: NDArray[np.float64] | None = None,
    abstained: NDArray[np.bool_] | None = None,
) -> Scores:
    return Scores(
        detector=detector,
        perturbation=perturbation,
        samples=tuple(samples),
        score=values,
        llr=llr,
        abstained=np.zeros(len(samples), bool) if abstained is None else abstained,
        seconds=np.full(len(samples), 0.1),
    )


def noisy(samples: Sequence[Sample], seed: int = 0, worse: float = 0.0) -> NDArray[np.float64]:
    shift = np.array([SHIFTS.get(s.generator, 0.0) - worse * s.fake for s in samples])
    return np.random.default_rng(seed).normal(size=len(samples)) + shift


def at(value: float, detector: str = "ours") -> Threshold:
    return Threshold(detector=detector, value=value, chosen="stated")


def row(found: Assessment, generator: str, detector: str = "ours", how: str = "clean") -> Row:
    one = [
        r
        for r in found.rows
        if (r.detector, r.perturbation, r.generator) == (detector, how, generator)
    ]
    assert len(one) == 1
    return one[0]


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


@pytest.mark.parametrize(("reals", "fakes"), [(0, 0), (0, 5), (1, 5), (5, 0), (5, 1), (1, 1)])
def test_too_few_pictures_give_none_and_no_exception(reals: int, fakes: int) -> None:
    data = [sample(f"r{i}") for i in range(reals)] + [sample(f"f{i}", "g") for i in range(fakes)]
    values = np.arange(len(data), dtype=float)
    given = [scores(data, values, name, llr=values) for name in ("ours", "theirs")]
    found = assess(given, [at(0.5), at(0.5, "theirs")], draws=20)
    for one in found.rows:
        assert one.auc is None
        assert one.ap is None
        assert one.balanced_accuracy is None
        assert one.oracle_accuracy is None
        assert one.tpr_at_fpr_1 is None
        assert one.eer is None
        assert (one.tpr is None) == (fakes < 2)
        assert (one.tnr is None) == (reals < 2)
        assert one.generator != WORST
    assert found.paired == ()
    assert found.reliability == ()
    assert all(p.ppv is None and p.npv is None for p in found.predictive)


def test_two_pictures_a_class_give_figures_but_not_what_they_cannot_show() -> None:
    data = [sample("a"), sample("b"), sample("c", "g"), sample("d", "g")]
    one = row(assess([scores(data, np.array([0.0, 2, 1, 3]))], [at(0.5)], draws=50), "g")
    assert one.auc is not None
    assert one.auc.value == 0.75
    assert one.tpr_at_fpr_1 is None
    assert one.tpr_at_fpr_5 is None


def test_nothing_scored_and_nothing_given() -> None:
    data = pictures(reals=5, fakes=3)
    found = assess([scores(data, np.full(len(data), math.nan))], [at(0)], draws=20)
    assert all(r.n_real == r.n_fake == 0 and r.auc is None for r in found.rows)
    assert found.sources == found.risk_coverage == ()
    assert assess([], []).rows == ()


def test_constant_and_infinite_scores() -> None:
    data = pictures(reals=40, fakes=20)
    flat = row(assess([scores(data, np.zeros(100))], [at(0)], draws=50), POOLED)
    assert flat.auc is not None
    assert (flat.auc.value, flat.auc.low, flat.auc.high) == (0.5, 0.5, 0.5)
    assert flat.oracle_accuracy == 0.5
    endless = np.where([s.fake for s in data], np.inf, -np.inf)
    sure = row(assess([scores(data, endless, llr=endless)], [at(0)], draws=50), POOLED)
    assert sure.auc is not None
    assert sure.auc.value == 1.0
    assert sure.auc.low < 0.95


def test_the_same_scores_twice_are_refused() -> None:
    data = pictures(reals=3, fakes=1)
    one = scores(data, noisy(data))
    with pytest.raises(ValueError, match="twice"):
        assess([one, one], [])
    with pytest.raises(ValueError, match="samples"):
        assess([replace(one, score=np.zeros(2))], [])


def test_a_threshold_is_chosen_on_validation_data() -> None:
    data = pictures(reals=300)
    values = noisy(data)
    best = choose_threshold(scores(data, values), "validation")
    assert (best.detector, best.chosen) == ("ours", "validation")
    found = row(assess([scores(data, values)], [best], draws=20), POOLED)
    assert found.balanced_accuracy is not None
    assert found.balanced_accuracy.value == pytest.approx(found.oracle_accuracy)
    assert choose_threshold(scores(data, values), "oracle").value == best.value
    held = choose_threshold(scores(data, values), "fpr:0.01")
    assert held.chosen == "fpr:0.01"
    assert held.value == np.sort(values[:300])[298 - 1]
    assert choose_threshold(scores(data, values), "fpr:.001").value == math.inf
    for how in ("fpr:2", "fpr:0", "fpr:0.0", "guess"):
        with pytest.raises(ValueError, match=r"neither|rate"):
            choose_threshold(scores(data, values), how)
    fakes = scores(data[300:], values[300:])
    for how in ("validation", "fpr:0.1"):
        with pytest.raises(ValueError, match="photographs"):
            choose_threshold(fakes, how)


def fair(n: int = 120) -> tuple[list[Sample], dict[Path, str], dict[Path, tuple[int, int]]]:
    data = [sample(f"{g}{i}", g) for g in (CAMERA, "gan") for i in range(n)]
    sides = [256 + 8 * (i % 10) for i in range(n)] * 2
    sizes = {s.path: (side, side) for s, side in zip(data, sides, strict=True)}
    return data, {s.path: f"hash of {s.path}" for s in data}, sizes


def test_a_fair_set_raises_no_doubt() -> None:
    data, hashes, sizes = fair()
    assert sanity(data, hashes, sizes=sizes) == ()


def test_each_unfairness_is_named() -> None:
    data, hashes, sizes = fair()
    hashes[data[0].path] = hashes[data[-1].path]
    assert (
        "both as fake and as photograph: camera0 = gan119" in sanity(data, hashes, sizes=sizes)[0]
    )

    data, hashes, sizes = fair()
    data[1] = replace(data[1], split=Split.TRAIN)
    hashes[data[0].path] = hashes[data[1].path]
    found = sanity(data, hashes, sizes=sizes)
    assert "1 file is there in several splits: camera0 = camera1" in found[0]
    assert "under several names" in found[1]

    data, hashes, sizes = fair()
    data[0] = replace(data[0], source="gan7", split=Split.TRAIN)
    assert "1 source is there in several splits: gan7" in sanity(data, hashes, sizes=sizes)[0]

    data, hashes, sizes = fair()
    sizes |= {s.path: (1024, 1024) for s in data if s.fake}
    (found_size,) = sanity(data, hashes, sizes=sizes)
    assert "differ in size" in found_size
    assert "1024 and 292 pixels" in found_size

    data, hashes, sizes = fair()
    data += [sample("odd", "sd3", corpus="portraits"), sample("shot", fake=True)]
    found = sanity(data, hashes, sizes=sizes)
    assert any(text.startswith("Labels contradict") and "camera" in text for text in found)
    assert any(
        "without photographs of their own corpus" in text and "sd3" in text for text in found
    )
    assert any("Fewer than 100" in text and "sd3 1" in text for text in found)

    data, hashes, sizes = fair()
    photographs = [s for s in data if not s.fake]
    assert "There are no fakes" in sanity(photographs, hashes, sizes=sizes)[0]
    assert sanity([], {}, sizes={}) == ()
    two = [sample("a"), sample("b", "g")]
    found = sanity(two, {}, sizes={two[0].path: (8, 8), two[1].path: (99, 99)})
    assert not any("size" in text for text in found)


def test_sizes_are_read_from_the_files_where_not_given(tmp_path: Path) -> None:
    data = []
    for i in range(240):
        fake, path = i % 2 == 0, tmp_path / f"{i}.png"
        if i > 3:
            Image.new("L", (16, 16) if fake else (8, 8)).save(path)
        elif i > 1:
            path.write_bytes(b"\x89PNG broken")
        data.append(replace(sample(str(path), "gan" if fake else CAMERA), path=path))
    assert "16 and 8 pixels" in sanity(data, {})[0]
