"""Scores that are few, constant, infinite, twice or none: figures or None, no exception."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scored import at, noisy, pictures, row, sample, scores

from unmask.detect.evaluation.assess import assess
from unmask.detect.evaluation.tables import POOLED, WORST

pytestmark = pytest.mark.filterwarnings("error")


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
