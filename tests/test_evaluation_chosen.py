"""Thresholds that an evaluation chooses, and when it does not."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from toys import ANY, Heard, config, corpus, heard, toy

from unmask.detect.evaluation.run import evaluate
from unmask.detect.evaluation.selection import EvaluationError
from unmask.detect.evaluation.tables import Scores, Threshold
from unmask.detect.evaluation.thresholds import choose, score_at

__all__ = ["heard", "toy"]  # fixtures


def test_thresholds_are_chosen_in_their_order(
    tmp_path: Path, toy: ModuleType, heard: Heard
) -> None:
    data = corpus(tmp_path / "data", each=4)
    other = corpus(tmp_path / "other", each=4, seed=1)

    def chosen(**more: Any) -> Threshold:
        evaluate(config(data, **more))
        return heard.thresholds[0]

    assert chosen(thresholds={"toy": 3.5}) == Threshold(detector="toy", value=3.5, chosen="stated")
    rated = {"detectors": ("toy=toydetector:rated",)}
    even = chosen(**rated)
    assert even.chosen == "calibrated"
    scores = heard.of()
    assert scores.llr is not None
    assert np.array_equal(scores.score > even.value, scores.llr > 0)
    assert np.array_equal(scores.abstained, scores.score < 6)
    same = {"detectors": ("toy=toydetector:ratio",)}
    assert chosen(**same).value == 0
    assert chosen(**same, decide=0.9).value == pytest.approx(np.log(9))
    toy.CALLS = 0  # type: ignore[attr-defined]
    held = chosen(validation=(str(other),))
    assert held.chosen == "validation"
    assert toy.CALLS == 16


@pytest.mark.usefixtures("toy", "heard")
def test_validation_and_test_must_not_meet(tmp_path: Path) -> None:
    data = corpus(tmp_path / "data", each=3)
    with pytest.raises(EvaluationError, match="6 pictures are validated and tested on"):
        evaluate(config(data, validation=(str(data),)))
    other = corpus(tmp_path / "other", each=3, seed=1)
    copy = other / "real" / "copy.png"
    copy.write_bytes(next((data / "real").iterdir()).read_bytes())
    found = evaluate(config(data, validation=(str(other),)))
    assert any("1 generators are validated and tested on: gan" in w for w in found.warnings)
    alike = [w for w in found.warnings if w.startswith("Validated and tested pictures look alike")]
    assert "1 pairs" in alike[0]
    assert "copy.png" in alike[0]


def test_a_threshold_by_hand() -> None:
    score = np.array([1.0, 2.0, 3.0, np.nan])
    assert score_at(score, np.array([-1.0, 0.5, 2.0, np.nan]), 0.0) == 1.5
    assert score_at(score, np.array([-3.0, -2.0, -1.0, 5.0]), 0.0) == 3.0
    below = score_at(score, np.array([3.0, 2.0, 1.0, 5.0]), 0.0)
    assert below is not None
    assert below < 1
    assert score_at(score, np.array([2.0, -1.0, 1.0, 0.0]), 0.0) is None
    assert score_at(score[:3], score[:3], 1.7) == 1.7


def test_ratios_that_do_not_follow_the_score_set_no_threshold() -> None:
    data = tuple(replace(ANY, fake=bool(i % 2)) for i in range(4))
    scores = Scores(
        detector="d", perturbation="clean", samples=data, score=np.array([1.0, 2.0, 3.0, 4.0]),
        llr=np.array([1.0, -1.0, 1.0, -1.0]), abstained=np.zeros(4, bool), seconds=np.ones(4),
    )  # fmt: skip
    threshold, warning = choose(scores, None, None, 0.5)
    assert threshold is not None
    assert threshold.chosen == "oracle"
    assert warning
    photographs = tuple(replace(s, fake=False) for s in data)
    nothing, warning = choose(replace(scores, samples=photographs, llr=None), None, None, 0.5)
    assert nothing is None
    assert "no threshold" in warning
