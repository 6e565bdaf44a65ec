"""Detectors that are commands: what they are given, what they say, how they are ended, memory."""

import json
import mmap
import os
import sys
import time
from pathlib import Path

import pytest
from greys import pictures

from unmask.detect.evaluation import external
from unmask.detect.evaluation.answers import DetectorError
from unmask.detect.evaluation.detectors import open_detector
from unmask.detect.evaluation.external import read_output
from unmask.detect.evaluation.memory import forget_peak, group_mb, peak_mb


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
    assert two[0].failure == "2 lines of scores for 1 files"
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
    assert one[0].failure == "no line for this file"
    assert one[1].score == 4.0
    assert "none of the paths" in str(read_output('{"path": "elsewhere", "score": 1}', paths))
    # The number in a file's name is no score.
    assert read_output("000000.png broken\n1\n", paths)[0].failure  # type: ignore[union-attr]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a peak since a moment")
def test_the_peak_starts_anew() -> None:
    assert group_mb(os.getpgrp()) is not None
    forget_peak()
    before = peak_mb()
    # Straight from the system: the allocator may have as much to give that is resident already.
    held = mmap.mmap(-1, 64 * 2**20)
    held.write(b"\1" * len(held))
    assert peak_mb() - before > 50
    held.close()
    forget_peak()
    assert peak_mb() - before < 16
