"""Contracts that every analyser keeps, ours and others': a new one is tested for free."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from unmask.errors import UnknownAnalyserError
from unmask.evidence import Finding, Kind, NotApplicable
from unmask.media import Media, open_bytes
from unmask.registry import Analyser, analyser, analysers, pick
from unmask.report.clean import json_value

ALL = analysers()


@pytest.fixture(scope="module")
def picture(photograph_jpeg: bytes) -> Media:
    return open_bytes(photograph_jpeg, "picture.jpg")


def image_analysers() -> list[Analyser]:
    return [one for one in ALL if Kind.IMAGE in one.kinds]


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_an_analyser_says_how_to_read_it(one: Analyser) -> None:
    for text in (one.title, one.reads, one.look_for, one.ignore, one.paper):
        assert len(text) > 3
    assert one.kinds
    assert one.name == one.name.lower().strip()


@pytest.mark.parametrize("one", image_analysers(), ids=lambda one: one.name)
def test_an_analyser_answers_by_the_contract(one: Analyser, picture: Media) -> None:
    before = picture.pixels.copy()
    answer = one.analyse(picture)
    assert isinstance(answer, Finding | NotApplicable)
    assert np.array_equal(picture.pixels, before)
    if isinstance(answer, NotApplicable):
        assert answer.code == answer.code.lower()
        assert answer.text.endswith(".")
        return
    assert answer.summary.endswith(".")
    # What JSON cannot hold would be changed by the writer of reports.
    assert json.loads(json.dumps(json_value(answer.facts))) == json_value(answer.facts)
    if answer.llr is not None:
        assert np.isfinite(answer.llr)
    check_heatmap(answer.heatmap)
    for plot in answer.plots:
        assert all(len(y) == len(plot.x) for y in plot.series.values())


def check_heatmap(heat: NDArray[np.float32] | None) -> None:
    if heat is not None:
        assert heat.ndim == 2
        assert heat.dtype == np.float32
        assert np.isfinite(heat).all()
        assert 0 <= heat.min() <= heat.max() <= 1


@pytest.mark.parametrize("one", image_analysers(), ids=lambda one: one.name)
def test_an_analyser_answers_the_same_twice(one: Analyser, picture: Media) -> None:
    first, second = one.analyse(picture), one.analyse(picture)
    assert type(first) is type(second)
    if isinstance(first, Finding) and isinstance(second, Finding):
        assert first.summary == second.summary
        assert first.llr == second.llr


def test_a_wrong_name_gets_the_near_one() -> None:
    name = ALL[0].name
    with pytest.raises(UnknownAnalyserError, match=f"did you mean '{name}'"):
        pick([name + "x"])


def test_a_name_is_taken_once() -> None:
    words = {"title": "t", "reads": "r", "look_for": "l", "ignore": "i", "paper": "p"}
    with pytest.raises(ValueError, match="two analysers"):
        analyser(ALL[0].name, Kind.IMAGE, **words)(lambda _: Finding(summary="."))


def test_both_families_are_found_by_entry_point() -> None:
    homes = {one.analyse.__module__.split(".")[1] for one in ALL}
    assert {"forensics", "detect"} <= homes
