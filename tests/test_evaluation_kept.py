"""Scores that are kept: found again, torn, written at once; a run that goes on."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from toys import SIDE, Heard, config, corpus, heard, scene, toy

from unmask.detect.evaluation.cache import Cache, CacheError, Table, default_folder
from unmask.detect.evaluation.run import evaluate

__all__ = ["heard", "toy"]  # fixtures


def test_scores_are_kept_by_file_detector_and_perturbation(
    tmp_path: Path, toy: ModuleType, heard: Heard
) -> None:
    data = corpus(tmp_path / "data", each=4)
    first = evaluate(config(data, cache=tmp_path / "cache"))
    fresh = heard.of()
    assert toy.CALLS == 8
    again = evaluate(config(data, cache=tmp_path / "cache"))
    assert toy.CALLS == 8
    assert np.array_equal(heard.of().score, fresh.score)
    assert np.isnan(heard.of().seconds).all()
    assert not again.speed
    assert first.leaks == again.leaks
    evaluate(config(data, cache=tmp_path / "cache", perturb=("jpeg:60",)))
    assert toy.CALLS == 16
    evaluate(config(data, cache=tmp_path / "cache", base="jpeg:90"))
    assert toy.CALLS == 24
    path = next((data / "real").iterdir())
    Image.fromarray(scene(np.random.default_rng(99))).save(path)
    evaluate(config(data, cache=tmp_path / "cache"))
    assert toy.CALLS == 25
    source = tmp_path / "toydetector.py"
    source.write_text(source.read_text() + "\n# another\n")
    evaluate(config(data, cache=tmp_path / "cache"))
    assert toy.CALLS == 33


def test_an_interrupted_run_goes_on(tmp_path: Path, toy: ModuleType, heard: Heard) -> None:
    data = corpus(tmp_path / "data", each=5)
    toy.STOP = 7  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        evaluate(config(data, cache=tmp_path / "cache"))
    toy.STOP = None  # type: ignore[attr-defined]
    evaluate(config(data, cache=tmp_path / "cache"))
    assert toy.CALLS == 7 + 4  # six were kept
    assert np.isfinite(heard.of().score).all()


def test_a_failure_is_tried_again(tmp_path: Path, toy: ModuleType, heard: Heard) -> None:
    data = corpus(tmp_path / "data", each=2)
    Image.new("RGB", (SIDE, SIDE), "white").save(data / "real" / "white.png")
    toy.BREAK = "out of memory"  # type: ignore[attr-defined]
    evaluate(config(data, cache=tmp_path / "cache"))
    assert len(heard.of().failures) == 1
    toy.BREAK = ""  # type: ignore[attr-defined]
    evaluate(config(data, cache=tmp_path / "cache"))
    assert not heard.of().failures
    assert toy.CALLS == 5 + 1


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    Table(path).put([(("a",), {"score": 1.0}), (("b",), {"score": 2.0})])
    text = path.read_bytes()
    for length in range(len(text)):  # killed at any point
        path.write_bytes(text[:length])
        torn = Table(path)
        assert len(torn) <= 2
        torn.put([(("c",), 3)])
        back = Table(path)
        assert back.get(("c",)) == 3
        assert len(back) == len(torn)
    path.write_bytes(b"\xff\xfe{[\n42\nnull\n" + text)
    assert Table(path).get(("b",)) == {"score": 2.0}


def test_two_runs_may_write_at_once(tmp_path: Path) -> None:
    one, two = Table(tmp_path / "t.jsonl"), Table(tmp_path / "t.jsonl")
    for i in range(50):
        one.put([(("one", str(i)), i)])
        two.put([(("two", str(i)), i)])
    assert len(Table(tmp_path / "t.jsonl")) == 100


def test_the_cache_has_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "unmask" / "scores"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache" / "unmask" / "scores"
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError):
        Cache(tmp_path / "file").table("x")
