"""What the command shows and checks while an evaluation runs."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from unmask.detect.evaluation.selection import EvaluationError
from unmask.detect.evaluation.survey import Progress as Report

err = Console(stderr=True)


def check(out: Path | None) -> None:
    """An hour of scoring must not end at a library that is not there, or at such a folder."""
    if not all(find_spec(name) for name in ("sklearn", "matplotlib")):
        raise EvaluationError("The evaluation needs the extra: pip install 'unmask[evaluate]'")
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise typer.BadParameter(f"{out}: {error.strerror}") from error


@contextmanager
def writing(out: Path | None) -> Iterator[None]:
    """What the disk refuses is said in a line."""
    try:
        yield
    except OSError as error:
        raise EvaluationError(f"{out} cannot be written: {error.strerror}.") from error


def name_written(written: Iterable[Path]) -> None:
    """Say what was written."""
    for path in written:
        err.print(f"Wrote {path}", markup=False, soft_wrap=True)


@contextmanager
def reporting() -> Iterator[Report]:
    """A bar for each stage, on standard error."""
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        tasks = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report
