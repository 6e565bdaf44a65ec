"""The page "Generate", for clips: swapped within bounds, marked, and put to the checker."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_app_generate import (
    FAST,
    _apart,
    _identity,
    downloads,
    jpeg,
    opened,
    press,
    quick,
    text,
    untrained,
)
from test_swap_video import planes, see, write

from unmask.app import swapping, view_swap
from unmask.generate import trained
from unmask.media import open_bytes
from unmask.scan import scan
from unmask.verdict import Origin

SHIPPED = trained.WEIGHTS  # before the fixtures hide them
__all__ = ["_apart", "_identity", "downloads", "quick", "untrained"]  # fixtures


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a detector that finds the planted face."""
    monkeypatch.setattr(view_swap, "YuNet", lambda _: see)
    return "face_detection_yunet.onnx"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """12 frames, half a second."""
    return write(tmp_path_factory.mktemp("clips") / "clip.mp4").read_bytes()


def asked(
    untrained: Callable[[str], Path], model: str, data: bytes | None, person: str = "b"
) -> AppTest:
    """The page after the button was pressed."""
    at = opened("swap", untrained("swap"))
    at.text_input(key="face-model").set_value(model)
    at.selectbox(key="person").set_value(person)
    if data is not None:
        at.file_uploader(key="clip").set_value([("c.mp4", data, "video/mp4")])
    return press(at, "swap-now")


def test_without_weights_the_section_says_so() -> None:
    page = text(opened("swap"))
    assert "No weights of this game come with unmask" in page
    assert "unmask generate train swap" in page
    assert "face_detection_yunet" in page  # what its data is made with
    assert "Truth or lie" not in page


def test_the_section_says_whom_the_weights_know(
    untrained: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "two people, a and b" in text(opened("swap", untrained("swap")))
    monkeypatch.setattr(trained, "WEIGHTS", SHIPPED)
    page = text(opened("swap"))
    assert "two people who do not exist, a and b" in page
    assert "Truth or lie" not in page


@pytest.mark.usefixtures("quick")
def test_a_clip_is_swapped_marked_and_checked(
    untrained: Callable[[str], Path], detector: str, clip: bytes, downloads: dict[str, bytes],
    tmp_path: Path,
) -> None:  # fmt: skip
    at = asked(untrained, detector, clip)
    assert 'role="alert"' not in text(at)
    made = at.session_state["made"][1][0]
    assert (made.file_name, made.settings) == ("swap-b.mp4", "to person b")
    assert len(at.get("video")) == 1
    data = downloads["keep-0"]
    assert data == made.marked
    assert b"compositeWithTrainedAlgorithmicMedia" in data
    assert b"Synthetic" not in made.plain
    assert b"compositeWithTrainedAlgorithmicMedia" not in made.plain
    kept, given = tmp_path / "kept.mp4", tmp_path / "given.mp4"
    kept.write_bytes(data)
    given.write_bytes(clip)
    assert len(planes(kept)[1]) == 12
    assert any((a != b).any() for a, b in zip(planes(kept)[1], planes(given)[1], strict=True))
    assert scan(open_bytes(data, "c.mp4"), FAST).verdict.origin in (
        Origin.SYNTHETIC, Origin.MANIPULATED
    )  # fmt: skip
    page = text(press(at, "check-0"))
    assert "With its marks" in page
    assert "Verdict" in page
    assert "Without its marks" in text(press(at, "check-plain-0"))


def test_what_is_missing_is_asked_for(
    untrained: Callable[[str], Path], detector: str, clip: bytes
) -> None:
    assert "Bring a clip first" in text(asked(untrained, detector, None))
    assert "YuNet" in text(asked(untrained, "", clip))


def test_a_detector_that_is_not_there_gets_one_sentence(
    untrained: Callable[[str], Path], clip: bytes
) -> None:
    page = text(asked(untrained, "/nowhere/yunet.onnx", clip))
    assert page.count('role="alert"') == 1
    assert "There is no face detector" in page


@pytest.mark.parametrize("data", [b"no clip", b"", jpeg()], ids=["words", "empty", "picture"])
def test_what_is_no_clip_gets_one_sentence(
    untrained: Callable[[str], Path], detector: str, data: bytes
) -> None:
    at = asked(untrained, detector, data)
    assert text(at).count('role="alert"') == 1
    assert "made" not in at.session_state


@pytest.mark.parametrize(
    "bound", [{"bytes": 1000}, {"duration": 0.1}, {"frame_pixels": 1000}], ids=str
)
def test_clips_beyond_the_bounds_are_refused(
    untrained: Callable[[str], Path], detector: str, clip: bytes, bound: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(swapping, "LIMITS", replace(swapping.LIMITS, **bound))
    at = asked(untrained, detector, clip)
    assert text(at).count('role="alert"') == 1
    assert "made" not in at.session_state


@pytest.mark.parametrize(("name", "word"), [("MOST_FRAMES", "frames at most"), ("LONGEST", "done")])
def test_what_a_container_hides_is_counted(
    untrained: Callable[[str], Path], detector: str, clip: bytes, name: str, word: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(swapping, name, 0)
    page = text(asked(untrained, detector, clip))
    assert page.count('role="alert"') == 1
    assert word in page


def test_a_clip_without_a_face_gets_one_sentence(
    untrained: Callable[[str], Path], clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_swap, "YuNet", lambda _: lambda _: [])
    page = text(asked(untrained, "yunet.onnx", clip))
    assert page.count('role="alert"') == 1
    assert "No face was found" in page
