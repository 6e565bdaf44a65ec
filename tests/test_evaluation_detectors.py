"""Detectors that are analysers or Python callables: opened, asked, and refused."""

import math
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from greys import pictures
from numpy.typing import NDArray

from unmask.detect.evaluation.answers import Answer, DetectorError, Picture, read_answer
from unmask.detect.evaluation.detectors import open_detector, read_outcome
from unmask.detect.evaluation.sources import code_files
from unmask.errors import UnknownAnalyserError
from unmask.evidence import Doubt, Failure, Finding, NotApplicable


@pytest.fixture(autouse=True)
def _import_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What detectors add to the import path must not outlive a test."""
    monkeypatch.setattr(sys, "path", list(sys.path))


def module(folder: Path, text: str, name: str = "somebodys") -> str:
    """A module that no test before has imported, and its name."""
    name = f"{name}_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(text)
    return name


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (0.5, Answer(score=0.5)),
        (np.float32(2), Answer(score=2.0)),
        (np.array([3.0]), Answer(score=3.0)),
        ((1, -2), Answer(score=1.0, llr=-2.0)),
        ({"score": 1, "llr": 2.5, "abstained": True}, Answer(score=1.0, llr=2.5, abstained=True)),
        ({"llr": 2.5}, Answer(score=2.5, llr=2.5)),
    ],
)
def test_an_answer_is_read_whatever_its_shape(said: object, answer: Answer) -> None:
    found = read_answer(said)
    assert (found.score, found.llr, found.abstained) == (answer.score, answer.llr, answer.abstained)
    assert not found.failure


@pytest.mark.parametrize(
    "said", [None, "0.5", True, math.nan, math.inf, [1, 2, 3], {}, {"p": 1}, (1.0, math.nan)]
)
def test_what_is_no_score_is_a_failure(said: object) -> None:
    assert read_answer(said).failure
    assert math.isnan(read_answer(said).score)


def test_the_ratio_of_a_finding_is_its_score() -> None:
    doubt = Doubt(code="too_small", text="")
    found = read_outcome(Finding(summary="", llr=1.5, doubts=(doubt,), facts={"score": 9.0}))
    assert (found.score, found.llr, found.abstained) == (1.5, 1.5, True)
    assert read_outcome(Finding(summary="", facts={"score": 9.0})).score == 9.0
    assert "neither" in read_outcome(Finding(summary="")).failure
    assert read_outcome(Failure(code="timeout", text="late")).failure == "late"
    silent = read_outcome(NotApplicable(code="too_small", text=""))
    assert silent.abstained
    assert not silent.failure


def test_an_analyser_is_a_detector(photograph: NDArray[np.uint8]) -> None:
    detector = open_detector("image_detector", device="cpu")
    tiny = np.zeros((16, 16, 3), np.uint8)
    whole, small = detector.score(
        [Picture(pixels=p, path=Path("x.jpg")) for p in (photograph, tiny)]
    )
    assert whole.llr == whole.score
    assert whole.seconds > 0
    assert small.abstained
    assert math.isnan(small.score)
    assert detector.hash == open_detector("image_detector", device="cpu").hash


def test_an_interrupted_analyser_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = open_detector("image_detector", device="cpu")
    ended: list[float] = []

    def interrupted(*_: object) -> None:
        def work() -> None:
            time.sleep(0.2)
            ended.append(time.perf_counter())

        threading.Thread(target=work, daemon=True, name="unmask-image_detector").start()
        raise KeyboardInterrupt

    monkeypatch.setattr("unmask.detect.evaluation.detectors.run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        detector.score(pictures(1))
    assert ended


def test_the_hash_of_an_analyser_is_over_its_code_and_weights() -> None:
    names = {path.name for path in code_files("unmask.detect.image_detector")}
    assert {"image_detector.py", "inference.py", "patchnet.py", "encodings.py"} <= names
    assert not {"train.py", "run.py", "cli.py"} & names


def test_names_that_are_none() -> None:
    with pytest.raises(UnknownAnalyserError, match="did you mean 'image_detector'"):
        open_detector("image_detektor")
    with pytest.raises(DetectorError, match="does not read pictures"):
        open_detector("clip_detector")
    with pytest.raises(DetectorError, match="neither a ratio nor a score"):
        open_detector("spectrum")


def test_a_callable_gets_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = module(
        tmp_path,
        "def score(pixels):\n"
        "    if pixels.mean() > 200:\n"
        "        raise ValueError('too bright')\n"
        "    pixels[:] = 0\n"  # its own copy
        "    return float(pixels.shape[1])\n",
    )
    monkeypatch.chdir(tmp_path)
    detector = open_detector(f"{name}:score")
    given = pictures(10, 250)
    dark, bright = detector.score(given)
    assert dark.score == 32.0
    assert bright.failure == "ValueError: too bright"
    assert given[0].pixels.mean() == 10


def test_a_class_is_made_once_and_may_want_a_path(tmp_path: Path) -> None:
    path = tmp_path / "random.py"  # as a library is called
    path.write_text(
        "from pathlib import Path\nfrom PIL import Image\n"
        "class Model:\n"
        "    made = 0\n"
        "    def __init__(self):\n        Model.made += 1\n"
        "    def __call__(self, picture: Path):\n"
        "        assert 'jpg' not in str(picture)\n"
        "        return {'score': Image.open(picture).getpixel((0, 0))[0], 'llr': Model.made}\n"
    )
    detector = open_detector(f"mine={path}:Model")
    assert detector.name == "mine"
    assert [(a.score, a.llr) for a in detector.score(pictures(7, 9))] == [(7.0, 1.0), (9.0, 1.0)]


def test_takes_says_path_too(tmp_path: Path) -> None:
    path = tmp_path / "taking.py"
    path.write_text("def score(given):\n    return len(given.name)\nscore.takes = 'path'\n")
    assert open_detector(f"{path}:score").score(pictures(1))[0].score == len("picture.png")


def test_another_source_is_another_detector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trunk.py").write_text("def layers():\n    return 1\n")
    path = tmp_path / "net.py"
    path.write_text("import trunk\ndef score(pixels):\n    return trunk.layers()\n")
    first = open_detector(f"{path}:score").hash
    assert open_detector(f"{path}:score").hash == first
    (tmp_path / "trunk.py").write_text("def layers():\n    return 2\n")
    second = open_detector(f"{path}:score").hash
    assert second != first
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "net.pt").write_bytes(b"1")
    assert open_detector(f"{path}:score").hash not in (first, second)


def test_weights_that_a_callable_names_count(tmp_path: Path) -> None:
    path, weights = tmp_path / "named.py", tmp_path / "net.pt"
    path.write_text(f"def score(pixels):\n    return 1\nscore.weights = {str(weights)!r}\n")
    weights.write_bytes(b"1")
    first = open_detector(f"{path}:score").hash
    weights.write_bytes(b"2")
    assert open_detector(f"{path}:score").hash != first


@pytest.mark.parametrize(
    ("text", "attribute", "message"),
    [
        ("import no_such_library_at_all\n", "score", "no_such_library_at_all"),
        ("def score(:\n", "score", "SyntaxError"),
        ("raise SystemExit(3)\n", "score", "SystemExit"),
        ("def score(pixels):\n    return 1\n", "scor", "did you mean 'score'"),
        ("score = 3\n", "score", "cannot be called"),
        ("class Net:\n    def __init__(self, x):\n        pass\n", "Net", "TypeError"),
    ],
)
def test_python_that_cannot_be_used_says_why(
    text: str, attribute: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DetectorError, match=message):
        open_detector(f"{module(tmp_path, text)}:{attribute}")


def test_modules_that_are_not_there() -> None:
    with pytest.raises(DetectorError, match="no module 'nowhere_to_be_found'"):
        open_detector("nowhere_to_be_found:score")
    with pytest.raises(DetectorError, match=r"no file missing\.py"):
        open_detector("missing.py:score")
