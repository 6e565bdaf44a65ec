"""Detectors that are commands: `python score.py {}`, or paths on stdin and scores on stdout.

With `{}` the command runs once a file, and its last line is read. Without, it gets paths on
standard input, one a line, and prints a line for each in the same order. A line is a number, ends
in one, or is JSON: {"score": 0.9, "llr": 2.1, "abstained": false, "path": "..."}; only where every
line names its path may the order differ. Pictures are PNG files in a temporary folder whose names
say nothing; logs belong on standard error.

A command that crashes or hangs on a batch is run again on halves of it, so that one picture does
not cost the others their scores.
"""

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2

from unmask.detect.evaluation.answers import Answer, DetectorError, Picture, read_answer
from unmask.detect.evaluation.memory import children_mb, group_mb

BATCH = 32  # pictures a run
MOST_OUTPUT = 64 * 1024**2  # bytes on standard output, from which a command runs wild
PATIENCE = 3  # failures on single pictures in a row before the first success; then it is given up
LATER_PATIENCE = 10  # the same, of a command that has worked
_SLOT = "{}"
_LOOKS = (0.01, 0.1)  # seconds between two looks at a command's memory: at first, and later


class Command:
    """An external command as a detector."""

    decodes = True

    def __init__(self, line: str, *, name: str, seconds: float) -> None:
        """`seconds` is the time limit of a picture. Raises DetectorError."""
        self.name, self._seconds = name, seconds
        try:
            self._words = shlex.split(line)
        except ValueError as error:
            raise DetectorError(f"{line!r} is no command line: {error}.") from error
        if not self._words or shutil.which(self._words[0]) is None:
            raise DetectorError(f"{line!r}: there is no command {self._words[:1] or line!r}.")
        self._each = any(_SLOT in word for word in self._words)
        self.batch = 1 if self._each else BATCH
        self.hash = _hash(self._words)
        self.peak_memory_mb: float = 0.0
        self._worked = False
        self._failed_in_a_row = 0
        self._given_up = ""

    def score(self, pictures: Sequence[Picture]) -> list[Answer]:
        """An answer for each, in their order."""
        with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
            paths = [str(Path(folder, f"{place:06d}.png")) for place in range(len(pictures))]
            for path, picture in zip(paths, pictures, strict=True):
                _write_png(path, picture)
            return self.score_files(paths)

    def score_files(self, paths: list[str]) -> list[Answer]:
        """An answer for each file, whatever it holds, in their order."""
        answers: list[Answer] = []
        # Alone until one has worked: a command that hangs is not waited for a batch long.
        while len(answers) < len(paths) and not (self._worked or self._given_up):
            answers += self._attempt([paths[len(answers)]])
        return answers + self._attempt(paths[len(answers) :])

    def _attempt(self, paths: list[str]) -> list[Answer]:
        if not paths:
            return []
        if self._given_up:
            return [Answer(failure=self._given_up)] * len(paths)
        if self._each and len(paths) > 1:
            return [answer for path in paths for answer in self._attempt([path])]
        answers = self._run(paths)
        if isinstance(answers, list):
            self._worked, self._failed_in_a_row = True, 0
            return answers
        if len(paths) > 1:
            half = len(paths) // 2
            return self._attempt(paths[:half]) + self._attempt(paths[half:])
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= (LATER_PATIENCE if self._worked else PATIENCE):
            self._given_up = f"given up after {self._failed_in_a_row} failures: {answers}"
        return [Answer(failure=answers)]

    def _run(self, paths: list[str]) -> list[Answer] | str:
        """An answer for each, or why the run as a whole gave none."""
        words = [w.replace(_SLOT, paths[0]) for w in self._words] if self._each else self._words
        given = "" if self._each else "".join(f"{path}\n" for path in paths)
        ran = run(words, given, self._seconds * (1 + (len(paths) - 1) / 8))
        self.peak_memory_mb = max(self.peak_memory_mb, ran.peak_mb)
        if ran.failure:
            return ran.failure
        answers = read_output(ran.output, paths, last_line=self._each)
        if isinstance(answers, str):
            return answers
        return [replace(answer, seconds=ran.seconds / len(paths)) for answer in answers]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended."""

    output: str
    failure: str  # "" where it ended well
    seconds: float
    peak_mb: float


def run(words: Sequence[str], given: str, seconds: float) -> Ran:
    """Run a command without a shell; it and what it started are ended after `seconds`."""
    clock = time.perf_counter()
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as sink,
        tempfile.TemporaryFile() as errors,
    ):
        source.write(given.encode())
        source.seek(0)
        try:
            process = subprocess.Popen(
                words, stdin=source, stdout=sink, stderr=errors, start_new_session=True
            )
        except OSError as error:
            return Ran(output="", failure=f"not started: {error}", seconds=0.0, peak_mb=0.0)
        failure, peak = _watch(process, sink.fileno(), seconds)
        elapsed = time.perf_counter() - clock
        if not failure and process.returncode:
            failure = f"exit status {process.returncode}{_last_words(errors)}"
        sink.seek(0)
        output = sink.read(MOST_OUTPUT).decode(errors="replace")
    return Ran(output=output, failure=failure, seconds=elapsed, peak_mb=peak)


def _watch(process: subprocess.Popen[bytes], sink: int, seconds: float) -> tuple[str, float]:
    """(what was wrong with it, its peak memory), once it has ended or was made to."""
    end = time.perf_counter() + seconds
    failure, peak = "", group_mb(process.pid)
    try:
        pause = _LOOKS[0]
        while not failure and not _ended(process, pause):
            pause = min(_LOOKS[1], 1.5 * pause)
            if peak is not None:
                peak = max(peak, group_mb(process.pid) or 0.0)
            if time.perf_counter() > end:
                failure = f"not finished after {seconds:g} seconds"
            elif os.fstat(sink).st_size > MOST_OUTPUT:
                failure = f"more than {MOST_OUTPUT} bytes of output"
    finally:  # also where the user interrupts: it has a session of its own, and hears nothing
        _end_group(process)
    return failure, children_mb() if peak is None else peak


def _ended(process: subprocess.Popen[bytes], pause: float) -> bool:
    try:
        process.wait(timeout=pause)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    # All gone already; macOS says the second of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(errors: Any) -> str:
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - 4096))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""


def read_output(text: str, paths: Sequence[str], *, last_line: bool = False) -> list[Answer] | str:
    """An answer for each path, or why the output as a whole answers for none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    records = [record for record in map(_json_object, lines) if record is not None]
    if records and all("path" in record for record in records):
        by_path = {os.path.basename(str(record["path"])): record for record in records}
        found = [by_path.get(os.path.basename(path)) for path in paths]
        if any(record is not None for record in found):
            return [
                Answer(failure="no line for this file") if r is None else read_answer(r)
                for r in found
            ]
        return "none of the paths printed is one that was given"
    said: list[Any] = records or lines
    if last_line:
        said = said[-1:]
    if len(said) != len(paths):
        return f"{len(said)} lines of scores for {len(paths)} files"
    return [read_answer(one) if isinstance(one, dict) else _read_line(one) for one in said]


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return None
    return value if isinstance(value, dict) and {"score", "llr"} & set(value) else None


def _read_line(line: str) -> Answer:
    for separator in ",;:=[]()\"'":
        line = line.replace(separator, " ")
    for word in reversed(line.split()):
        try:
            return read_answer(float(word))
        except ValueError:
            continue
    return Answer(failure=f"no number in the line {line[:80]!r}")


def _write_png(path: str, picture: Picture) -> None:
    done, data = cv2.imencode(".png", picture.pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise DetectorError(f"{picture.path} could not be written as PNG.")
    Path(path).write_bytes(data.tobytes())


def _hash(words: Sequence[str]) -> str:
    """Of the command line, and of what is in its arguments that are files."""
    digest = hashlib.sha256(json.dumps(list(words)).encode())
    for word in words:
        path = Path(word.partition("=")[2] or word)
        if path.is_file():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
