"""What a run says of itself: a line of JSON every few steps, TensorBoard, and a bar."""

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from unmask.generate.checkpoint import Options, options_of
from unmask.generate.game import Stats

EVERY = 20  # steps between two lines


class RunOptions(Options, Protocol):
    """What a journal reads of a run's options."""

    @property
    def steps(self) -> int:
        """Of the whole run."""

    @property
    def batch(self) -> int:
        """Examples a step."""


class Journal:
    """Keeps log.jsonl and config.json in the folder of a run."""

    def __init__(
        self,
        out: Path,
        config: RunOptions,
        step: int,
        *,
        quiet: bool,
        keep: bool = True,
        unit: str = "images",
    ) -> None:
        """`step` is where the run goes on: what an interrupted run logged beyond it is dropped."""
        self.config, self.keep, self.unit = config, keep, unit
        self.path = out / "log.jsonl"
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}  # not every step gives every number
        self.count, self.clock = 0, time.perf_counter()
        self.board: Any = None
        if keep:
            out.mkdir(parents=True, exist_ok=True)
            (out / "config.json").write_text(json.dumps(options_of(config), indent=1) + "\n")
            rows = [r for r in read_log(self.path) if r["step"] <= step]
            self.path.write_text("".join(json.dumps(r) + "\n" for r in rows))
            self.board = _tensorboard(out)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=quiet,
        )
        self.task = self.bar.add_task("steps", total=config.steps, completed=step, speed="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.bar.stop()
        if self.board is not None:
            self.board.close()

    def record(self, step: int, stats: Stats) -> None:
        """Take in the numbers of a step, the first of which is 1."""
        for name, value in stats.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
            self.counts[name] = self.counts.get(name, 0) + 1
        self.count += 1
        if step % EVERY and step != self.config.steps:
            return
        now = time.perf_counter()
        speed = self.count * self.config.batch / max(now - self.clock, 1e-9)
        means = {name: total / self.counts[name] for name, total in self.sums.items()}
        self.bar.update(self.task, completed=step, speed=f"{speed:.0f} {self.unit}/s")
        if self.keep:
            seen = step * self.config.batch
            row = {"step": step, self.unit: seen, f"{self.unit}_per_second": speed}
            with self.path.open("a") as log:
                log.write(json.dumps({**row, **means}) + "\n")
        if self.board is not None:
            for name, mean in means.items():
                self.board.add_scalar(name, mean, step)
        self.sums, self.counts, self.count, self.clock = {}, {}, 0, now


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, oldest first; none where there is no log."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _tensorboard(out: Path) -> Any:
    """A writer where TensorBoard is installed (an extra), else None."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(out / "tensorboard"))
