"""The only training loop: every game is played here. Read it top to bottom.

    unmask generate train digits --profile tiny --data DIGITS --out runs/digits

Each step draws its examples and its noise from the seed and its own number, so that a run that was
stopped goes on from its checkpoint to the very numbers that it would have had.
"""

import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from unmask.errors import UnmaskError
from unmask.generate import averaging, processes
from unmask.generate.checkpoint import State, load, save
from unmask.generate.game import Batch, Batches, Game, Stats
from unmask.generate.journal import Journal
from unmask.generate.pictures import save_sheet
from unmask.generate.starting import Start


class TrainingError(UnmaskError):
    """A training that cannot begin, or that went astray."""


class Schedule(StrEnum):
    """How the learning rates fall over a run."""

    CONSTANT = "constant"
    LINEAR = "linear"  # constant for the first half, then down to the floor
    COSINE = "cosine"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Options of a run, saved in its checkpoint and as JSON beside it."""

    images: int = 400_000  # real examples that the critic sees in all
    batch: int = 64  # examples a step, over all processes
    accumulate: int = 1  # parts that a batch is taken in, where memory is short
    critic_steps: int = 1  # of the critic for each of the generator
    lr_generator: float = 1e-3
    lr_critic: float = 1e-3
    betas: tuple[float, float] = (0.0, 0.99)  # of Adam
    schedule: Schedule = Schedule.CONSTANT
    floor: float = 0.05  # part of the learning rates that is left at the end
    half_life: float = 5_000  # images, of the generator's running average
    check_every: int = 500  # steps between checkpoints
    seed: int = 1
    start: str = ""  # sha256 of the weights that the run began from; `train` sets it

    @property
    def steps(self) -> int:
        """Of the generator."""
        return -(-self.images // self.batch)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended."""

    checkpoint: Path
    step: int
    stopped: bool  # by Ctrl-C, before its end


def train(
    game: Game,
    batches: Batches,
    config: TrainConfig,
    out: Path,
    *,
    start: Start | None = None,
    device: torch.device | None = None,
    quiet: bool = True,
) -> Outcome:
    """Play until `config.images` were seen; checkpoint, log and previews go to `out`.

    With `start` a run that has no checkpoint yet begins from those networks, else from the game's.

    Ctrl-C ends it after the step in hand, saved. Raises TrainingError: a loss that is not finite
    (the last checkpoint is left as it was) or a batch that cannot be shared out; and WeightsError:
    a checkpoint of other options, among which is its start, or a start that does not fit.
    """
    rank, world = processes.join()
    if config.batch % (world * config.accumulate):
        raise TrainingError(
            f"A batch of {config.batch} cannot be shared by {world} processes in"
            f" {config.accumulate} parts each."
        )
    device = device or torch.device("cpu")
    if start:
        config = replace(config, start=start.sha256)
    with torch.random.fork_rng(), until_interrupted() as interrupted:
        state = _begin(game, config, device)
        last = out / "last.pt"
        if last.is_file():
            load(last, state, config)
        elif start:
            start.fill(state)
        if state.step == 0 and rank == 0:
            _show(state, out)  # noise, or what it begins from
        with Journal(out, config, state.step, quiet=quiet or rank > 0, keep=rank == 0) as journal:
            while state.step < config.steps and not interrupted.is_set():
                stats = _step(state, batches, config, rank, world)
                state.step += 1
                journal.record(state.step, stats)
                if _is_shown(state.step) and rank == 0:
                    _show(state, out)
                if state.step % config.check_every == 0 and rank == 0:
                    save(last, state, config)
            if rank == 0:
                _show(state, out)
                save(last, state, config)
    return Outcome(checkpoint=last, step=state.step, stopped=state.step < config.steps)


def step_once(
    game: Game, batches: Batches, config: TrainConfig, device: torch.device, step: int
) -> Stats:
    """One step alone, to see what it takes."""
    with torch.random.fork_rng():
        state = _begin(game, config, device)
        state.step = step
        return _step(state, batches, config, rank=0, world=1)


def _begin(game: Game, config: TrainConfig, device: torch.device) -> State:
    game.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return State(
        game=game,
        average=averaging.averaged_copy(game.generator),
        generator_optimiser=_adam(game.generator, config.lr_generator, config),
        critic_optimiser=_adam(game.critic, config.lr_critic, config),
    )


def _adam(net: nn.Module, lr: float, config: TrainConfig) -> torch.optim.Adam:
    return torch.optim.Adam(net.parameters(), lr, betas=config.betas)


def _step(state: State, batches: Batches, config: TrainConfig, rank: int, world: int) -> Stats:
    """One turn of each player."""
    game, step = state.game, state.step
    place = (config.seed * 1_000_003 + step) * world + rank
    torch.manual_seed(place)
    rng = np.random.default_rng(place)
    rate = rate_at(step, config)
    for optimiser, lr in (
        (state.generator_optimiser, config.lr_generator),
        (state.critic_optimiser, config.lr_critic),
    ):
        for group in optimiser.param_groups:
            group["lr"] = lr * rate
    stats: Stats = {}
    game.train()
    for _ in range(config.critic_steps):
        batch = batches(rng, config.batch // world)
        stats |= _turn(state, batch, config, of_critic=True)
    stats |= _turn(state, batch, config, of_critic=False)
    averaging.update(
        state.average,
        game.generator,
        batch=config.batch,
        seen=None if config.start else step * config.batch,
        half_life=config.half_life,
    )
    stats = {name: processes.mean(value) for name, value in stats.items()}
    game.after_step(step, stats)
    return stats


def _turn(state: State, batch: Batch, config: TrainConfig, *, of_critic: bool) -> Stats:
    """One update of one player, while the other stands still."""
    game = state.game
    who = "critic" if of_critic else "generator"
    net, other = (game.critic, game.generator) if of_critic else (game.generator, game.critic)
    optimiser = state.critic_optimiser if of_critic else state.generator_optimiser
    loss_of = game.critic_loss if of_critic else game.generator_loss
    net.requires_grad_(True)
    other.requires_grad_(False)
    optimiser.zero_grad(set_to_none=True)
    stats: Stats = {}
    total = 0.0
    for part in _parts(batch, config.accumulate, next(net.parameters()).device):
        with torch.autocast(part_device(part), torch.bfloat16, enabled=_half(part)):
            loss, stats = loss_of(part, state.step)
        loss = loss / config.accumulate
        total += loss.item()
        loss.backward()  # type: ignore[no-untyped-call]
    if not math.isfinite(total):
        raise TrainingError(
            f"The loss of the {who} is {total} in step {state.step + 1}. The last checkpoint is"
            " as it was: go on from it with another seed, or begin with smaller learning rates."
        )
    processes.average_gradients(net.parameters())
    optimiser.step()
    other.requires_grad_(True)
    return {f"{who}_loss": torch.tensor(total)} | {
        name: value.detach().float().mean() for name, value in stats.items()
    }


def part_device(batch: Batch) -> str:
    """The type of the device that a batch lies on."""
    return next(iter(batch.values())).device.type


def _half(batch: Batch) -> bool:
    """Whether bfloat16 is worth it: on GPUs that compute with it."""
    return part_device(batch) == "cuda" and torch.cuda.is_bf16_supported()


def _parts(batch: Batch, count: int, device: torch.device) -> Iterator[Batch]:
    cut: dict[str, tuple[Tensor, ...]] = {}
    for name, values in batch.items():
        moved = values.to(device, non_blocking=True)
        if moved.ndim == 4:
            moved = moved.contiguous(memory_format=torch.channels_last)
        cut[name] = moved.chunk(count)
    for i in range(count):
        yield {name: parts[i] for name, parts in cut.items()}


def rate_at(step: int, config: TrainConfig) -> float:
    """Part of the learning rates that is used in a step."""
    done = step / max(1, config.steps)
    match config.schedule:
        case Schedule.CONSTANT:
            return 1.0
        case Schedule.LINEAR:
            return config.floor + (1 - config.floor) * min(1.0, 2 * (1 - done))
        case Schedule.COSINE:
            return config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * done))


def _is_shown(step: int) -> bool:
    """1, 2, 3, 4, 6, 8, 11 ...: close together at first, where most is to be seen."""
    return step < 4 or math.floor(2 * math.log2(step)) > math.floor(2 * math.log2(step - 1))


@torch.no_grad()
def _show(state: State, out: Path) -> None:
    images = state.game.preview(state.average.eval())
    save_sheet(images, out / "previews" / f"{state.step:07d}.png", state.game.columns)


@contextmanager
def until_interrupted() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, in place of an exception in the middle of a step."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
