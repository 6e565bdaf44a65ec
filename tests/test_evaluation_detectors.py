"""Detectors of every kind, what is done to pictures before they are scored, and where from."""

import json
import math
import mmap
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.encodings import jpeg
from unmask.detect.evaluation import external
from unmask.detect.evaluation.answers import Answer, DetectorError, Picture, read_answer
from unmask.detect.evaluation.detectors import open_detector, read_outcome
from unmask.detect.evaluation.external import read_output
from unmask.detect.evaluation.memory import forget_peak, group_mb, peak_mb
from unmask.detect.evaluation.perturbations import GRIDS, PerturbationError, parse, parse_all
from unmask.detect.evaluation.preparation import (
    LEAST_SIDE,
    Preparation,
    middle,
    parse_base,
    parse_crop,
    sides,
)
from unmask.detect.evaluation.sources import code_files
from unmask.errors import UnknownAnalyserError
from unmask.evidence import Doubt, Failure, Finding, NotApplicable
from unmask.media import open_bytes

SHA = "ab" * 32


@pytest.fixture(autouse=True)
def _import_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What detectors add to the import path must not outlive a test."""
    monkeypatch.setattr(sys, "path", list(sys.path))


def pictures(*greys: int) -> list[Picture]:
    return [
        Picture(pixels=np.full((24, 32, 3), grey, np.uint8), path=Path(f"{grey}.jpg"))
        for grey in greys
    ]


def module(folder: Path, text: str, name: str = "somebodys") -> str:
    """A module that no test before has imported, and its name."""
    name = f"{name}_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(text)
    return name


# --- answers


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


# --- analysers


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


# --- Python callables


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


# --- commands


def command(folder: Path, text: str, *words: str, seconds: float = 20.0) -> external.Command:
    (folder / "score.py").write_text(
        "import sys, json, time, os\nfrom PIL import Image\n"
        "def grey(path):\n    return Image.open(path.strip()).getpixel((0, 0))[0]\n" + text
    )
    line = " ".join([sys.executable, str(folder / "score.py"), *words])
    return external.Command(line, name="command", seconds=seconds)


def test_a_command_for_each_picture(tmp_path: Path) -> None:
    detector = command(tmp_path, "print('loading 5 layers')\nprint(grey(sys.argv[1]))\n", "{}")
    answers = detector.score(pictures(3, 200))
    assert [a.score for a in answers] == [3.0, 200.0]
    assert answers[0].seconds > 0
    if group_mb(os.getpgrp()) is not None:  # an interpreter with Pillow, and not this process
        assert 4 < detector.peak_memory_mb < peak_mb()


def test_a_command_that_reads_paths(tmp_path: Path) -> None:
    detector = command(tmp_path, "for line in sys.stdin:\n    print(line.strip(), grey(line))\n")
    assert [a.score for a in detector.score(pictures(5, 6, 7, 8))] == [5.0, 6.0, 7.0, 8.0]


def test_json_lines_may_come_in_any_order(tmp_path: Path) -> None:
    detector = command(
        tmp_path,
        "for line in reversed(list(sys.stdin)):\n"
        "    print(json.dumps({'path': line.strip(), 'score': grey(line), 'llr': -1}))\n",
    )
    answers = detector.score(pictures(5, 6, 7))
    assert [a.score for a in answers] == [5.0, 6.0, 7.0]
    assert answers[0].llr == -1.0


def test_a_crash_costs_one_picture_alone(tmp_path: Path) -> None:
    detector = command(
        tmp_path,
        "for line in sys.stdin:\n"
        "    if grey(line) == 13:\n        raise RuntimeError('unlucky')\n"
        "    print(grey(line))\n",
    )
    answers = detector.score(pictures(1, 2, 13, 4))
    assert [a.score for a in answers if not a.failure] == [1.0, 2.0, 4.0]
    assert answers[2].failure == "exit status 1: RuntimeError: unlucky"


def test_a_command_that_hangs_is_ended_and_given_up(tmp_path: Path) -> None:
    detector = command(tmp_path, "os.fork()\ntime.sleep(60)\n", seconds=0.3)
    clock = time.perf_counter()
    answers = detector.score(pictures(*range(12)))
    assert time.perf_counter() - clock < 10
    assert answers[0].failure == "not finished after 0.3 seconds"
    assert answers[-1].failure.startswith("given up after 3 failures: not finished")


def test_a_wrong_count_and_what_is_no_number_are_failures(tmp_path: Path) -> None:
    two = command(tmp_path, "print(1)\nprint(2)\n").score(pictures(1))
    assert two[0].failure == "2 lines of scores for 1 pictures"
    words = command(tmp_path, "for n, _ in enumerate(sys.stdin):\n    print(['nan', 'x', 3][n])\n")
    words._worked = True  # so that all three are one batch
    answers = words.score(pictures(1, 2, 3))
    assert answers[0].failure == "the score is nan"
    assert answers[1].failure == "no number in the line 'x'"
    assert answers[2].score == 3.0


def test_an_interrupt_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def interrupted(group: int) -> float:
        started.append(group)
        if len(started) == 3:
            raise KeyboardInterrupt
        return 0.0

    monkeypatch.setattr(external, "group_mb", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command(tmp_path, "time.sleep(60)\n", "{}").score(pictures(1))
    with pytest.raises(ProcessLookupError):
        os.killpg(started[0], 0)


def test_endless_output_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "MOST_OUTPUT", 100_000)
    answers = command(tmp_path, "while True:\n    print('9' * 1000)\n", "{}").score(pictures(1))
    assert "100000 bytes" in answers[0].failure


def test_the_hash_of_a_command_is_over_its_files(tmp_path: Path) -> None:
    one, same = command(tmp_path, "print(1)\n", "{}"), command(tmp_path, "print(1)\n", "{}")
    assert one.hash == same.hash
    assert command(tmp_path, "print(2)\n", "{}").hash != one.hash
    assert command(tmp_path, "print(1)\n", "--fast", "{}").hash != one.hash


@pytest.mark.parametrize("line", ["no-such-command-here {}", "python 'unclosed {}"])
def test_commands_that_cannot_be_run(line: str) -> None:
    with pytest.raises(DetectorError):
        open_detector(line)


def test_output_by_hand() -> None:
    paths = ["/t/000000.png", "/t/000001.png"]

    def scores(text: str) -> list[float]:
        found = read_output(text, paths)
        assert isinstance(found, list)
        return [a.score for a in found]

    assert scores("0.1\n\n-2e-1\n") == [0.1, -0.2]
    assert scores("a.png, score=0.25\nb.png: (7)\n") == [0.25, 7.0]
    assert scores('log\n{"score": 1}\n{"score": 2, "llr": 0.5}\n') == [1.0, 2.0]
    one = read_output(json.dumps({"path": "000001.png", "score": 4}), paths)
    assert isinstance(one, list)
    assert one[0].failure == "no line for this picture"
    assert one[1].score == 4.0
    assert "none of the paths" in str(read_output('{"path": "elsewhere", "score": 1}', paths))
    # The number in a file's name is no score.
    assert read_output("000000.png broken\n1\n", paths)[0].failure  # type: ignore[union-attr]


# --- memory


def test_the_peak_starts_anew() -> None:
    if group_mb(os.getpgrp()) is None:
        pytest.skip("this system tells no peak since a moment")
    forget_peak()
    before = peak_mb()
    # Straight from the system: the allocator may have as much to give that is resident already.
    held = mmap.mmap(-1, 64 * 2**20)
    held.write(b"\1" * len(held))
    assert peak_mb() - before > 50
    held.close()
    forget_peak()
    assert peak_mb() - before < 16


# --- perturbations


def test_every_perturbation_changes_a_picture_and_repeats(photograph: NDArray[np.uint8]) -> None:
    for one in parse_all(["full"]):
        changed = one(photograph, SHA)
        assert changed.dtype == np.uint8, one.name
        assert np.array_equal(changed, one(photograph, SHA)), one.name
        same = changed.shape == photograph.shape and np.array_equal(changed, photograph)
        assert same == (one.spec == "clean"), one.name
        if one.spec != "scale:2":  # and one pixel alone survives it
            assert one(photograph[:1, :1], SHA).size, one.name


def test_chance_differs_by_picture(photograph: NDArray[np.uint8]) -> None:
    grain = parse("noise:5")[0]
    assert not np.array_equal(grain(photograph, SHA), grain(photograph, "cd" * 32))
    spread = (grain(photograph, SHA).astype(float) - photograph).std()
    assert spread == pytest.approx(5, abs=0.3)


def test_perturbations_are_what_they_say(photograph: NDArray[np.uint8]) -> None:
    assert np.array_equal(parse("jpeg:70")[0](photograph, SHA), jpeg(photograph, 70))
    assert parse("scale:0.5")[0](photograph, SHA).shape == (120, 160, 3)
    assert parse("crop:0.5")[0](photograph, SHA).shape == (120, 160, 3)
    assert parse("social")[0](photograph, SHA).shape == (176, 236, 3)
    both = parse("Resize:0.5 + JPEG:70")[0]
    assert (both.spec, both.name) == ("scale:0.5+jpeg:70", "scaled 0.5, JPEG 70")
    assert np.array_equal(both(photograph, SHA), jpeg(parse("scale:0.5")[0](photograph, SHA), 70))


def test_grids_start_clean_and_hold_nothing_twice() -> None:
    names = [p.name for p in parse_all(["standard", "jpeg:70", "clean", "full"])]
    assert names[0] == "clean"
    assert len(names) == len(set(names)) == len({*GRIDS["standard"], *GRIDS["full"]}) + 1
    assert [p.name for p in parse("standard")] == [
        "JPEG 90", "JPEG 70", "JPEG 50", "WebP 80", "scaled 0.5", "scaled 2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jepg:70", "did you mean 'jpeg'"),
        ("jpeg", "jpeg:NUMBER from 1 to 100"),
        ("jpeg:101", "from 1 to 100"),
        ("jpeg:7.5", "whole number"),
        ("blur:nan", "from 0.1"),
        ("social:3", "is not social"),
        ("", "no perturbation"),
    ],
)
def test_perturbations_that_are_none(text: str, message: str) -> None:
    with pytest.raises(PerturbationError, match=message):
        parse(text)


# --- both classes alike


def sample(corpus: str, number: int, *, fake: bool) -> Sample:
    generator = "gan" if fake else CAMERA
    return Sample(
        path=Path(f"{corpus}-{fake}-{number}"), fake=fake, generator=generator, corpus=corpus,
        source=f"{corpus}/{number}", split=Split.TEST,
    )  # fmt: skip


def test_corpora_whose_classes_differ_in_size_are_cut_alike() -> None:
    even = {sample("even", i, fake=bool(i % 2)): (300, 200) for i in range(4)}
    uneven = {sample("uneven", i, fake=bool(i % 2)): (500, 400 - 200 * (i % 2)) for i in range(4)}
    reals = {sample("reals", i, fake=False): (640, 480) for i in range(2)}
    fakes = {sample("fakes", i, fake=True): (512, 512) for i in range(2)}
    cut, warnings = sides(even | uneven | reals | fakes, None)
    assert not set(even) & set(cut)
    assert {cut[s] for s in uneven} == {200}
    assert {cut[s] for s in reals | fakes} == {480}
    assert not warnings
    assert sides(even | uneven, 0) == ({}, [])
    assert set(sides(even | uneven, 96)[0].values()) == {96}


def test_one_tiny_picture_does_not_cut_all_the_others() -> None:
    sizes = {sample("a", 0, fake=True): (40, 40), sample("a", 1, fake=False): (500, 400)}
    cut, warnings = sides(sizes, None)
    assert set(cut.values()) == {LEAST_SIDE}
    assert "1 pictures of a" in warnings[0]


def test_a_picture_is_made_ready(photograph: NDArray[np.uint8]) -> None:
    ready = Preparation(base=parse_base("jpeg:95"), side=64)
    data = ready.encode(photograph)
    assert np.array_equal(open_bytes(data, "x").pixels, jpeg(middle(photograph, 64), 95))
    plain = Preparation(base=parse_base("none"))
    assert np.array_equal(open_bytes(plain.encode(photograph), "x").pixels, photograph)
    assert len({ready.key, plain.key, Preparation(base=parse_base("jpeg:95")).key}) == 3
    assert Image.fromarray(middle(photograph, 1000)).size == (320, 240)


@pytest.mark.parametrize("text", ["png", "jpeg", "jpeg:0", "jpeg:x", "none:3"])
def test_bases_that_are_none(text: str) -> None:
    with pytest.raises(PerturbationError):
        parse_base(text)


def test_crops() -> None:
    assert [parse_crop(t) for t in ("auto", "none", "224")] == [None, 0, 224]
    with pytest.raises(PerturbationError):
        parse_crop("7")
