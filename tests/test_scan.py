"""Scanning: outcomes kept apart, broken and slow analysers survived, many files at once."""

import threading
from pathlib import Path

import pytest

from unmask import registry
from unmask.batch import Unread, files_below, scan_many
from unmask.evidence import Failure, Finding, Kind, NotApplicable
from unmask.media import Media, open_bytes
from unmask.registry import Analyse
from unmask.scan import Report, scan
from unmask.settings import Settings, current

WORDS = {"title": "t", "reads": "r", "look_for": "l", "ignore": "i", "paper": "p"}


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Analysers that are registered in a test live no longer than it."""
    registry.analysers()  # ours are there before, else they would go with the test's
    monkeypatch.setattr(registry, "_analysers", dict(registry._analysers))


def register(name: str, function: Analyse, *kinds: Kind) -> str:
    registry.analyser(name, *(kinds or (Kind.IMAGE,)), **WORDS)(function)
    return name


@pytest.fixture(scope="module")
def picture(photograph_jpeg: bytes) -> Media:
    return open_bytes(photograph_jpeg, "picture.jpg")


@pytest.mark.usefixtures("plant")
def test_a_broken_analyser_is_a_failure_and_the_rest_goes_on(picture: Media) -> None:
    def broken(_: Media) -> Finding:
        raise ZeroDivisionError("oh")

    names = [register("broken", broken), register("sound", lambda _: Finding(summary="Fine."))]
    outcomes = {r.analyser.name: r.outcome for r in scan(picture, names).results}
    assert outcomes["broken"] == Failure(code="error", text="ZeroDivisionError: oh")
    assert outcomes["sound"] == Finding(summary="Fine.")


@pytest.mark.usefixtures("plant")
def test_a_slow_analyser_is_a_failure(picture: Media) -> None:
    gate = threading.Event()

    def slow(_: Media) -> Finding:
        gate.wait(20)
        return Finding(summary="late")

    report = scan(picture, [register("slow", slow)], Settings(analyser_seconds=0.2))
    gate.set()
    outcome = report.results[0].outcome
    assert isinstance(outcome, Failure)
    assert outcome.code == "timeout"
    assert report.seconds < 5


@pytest.mark.usefixtures("plant")
def test_an_analyser_of_another_kind_is_not_applicable(picture: Media) -> None:
    name = register("sound_only", lambda _: Finding(summary="!"), Kind.AUDIO)
    outcome = scan(picture, [name]).results[0].outcome
    assert isinstance(outcome, NotApplicable)
    assert outcome.code == "other_kind"


@pytest.mark.usefixtures("plant")
def test_settings_reach_the_analysers(picture: Media) -> None:
    seen = []
    name = register("nosy", lambda _: seen.append(current().prior) or Finding(summary="."))
    scan(picture, [name], Settings(prior=0.25))
    assert seen == [0.25]
    assert current().prior == 0.5


def test_the_report_keeps_the_chain_of_custody(picture: Media, photograph_jpeg: bytes) -> None:
    import hashlib

    report = scan(picture, ["image_detector"])
    assert report.sha256 == hashlib.sha256(photograph_jpeg).hexdigest()
    assert report.size == len(photograph_jpeg)
    assert report.facts["width"] == 320
    assert report.started.tzinfo is not None
    assert set(report.weights) >= {"image_detector.safetensors"}
    assert {"numpy", "torch", "c2pa-python"} <= set(report.libraries)


def test_the_chain_of_custody_names_the_weights_of_this_file_alone(photograph_jpeg: bytes) -> None:
    """The image detector's are still in memory when the text comes."""
    assert set(scan(open_bytes(photograph_jpeg, "a.jpg")).weights) == {"image_detector.safetensors"}
    assert scan(open_bytes(b"Too few words to judge.", "a.txt")).weights == {}


def test_a_folder_is_scanned_in_spite_of_a_broken_file(
    tmp_path: Path, photograph_jpeg: bytes
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.jpg").write_bytes(photograph_jpeg)
    (tmp_path / "inner" / "b.jpg").write_bytes(photograph_jpeg)
    (tmp_path / "broken.jpg").write_bytes(photograph_jpeg[:400])
    (tmp_path / ".hidden").write_bytes(photograph_jpeg)
    paths = files_below(tmp_path)
    assert [p.name for p in paths] == ["a.jpg", "broken.jpg", "b.jpg"]
    answers = dict(scan_many(paths, ["metadata"], jobs=2))
    assert isinstance(answers[tmp_path / "a.jpg"], Report)
    assert isinstance(answers[tmp_path / "inner" / "b.jpg"], Report)
    broken = answers[tmp_path / "broken.jpg"]
    assert isinstance(broken, Unread)
    assert broken.reason == "corrupt"
