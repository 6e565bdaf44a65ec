"""The loop of SeqGAN: imitate, catch, play. Resumable to the very numbers, as the images' loop is.

It is a loop of its own beside `unmask.generate.training`, since SeqGAN does not fit that one
honestly: there, each step moves both players once by gradients of one batch, the generator's
average is what is shown and shipped, and previews are pictures. Here the players learn alone for
thousands of steps, a round has many updates of the critic for one of the generator, the running
average is the rollout network and no result, and previews are texts. What both share is shared:
checkpoints, the journal, the end by Ctrl-C.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unmask.generate.checkpoint import load, save
from unmask.generate.game import Stats
from unmask.generate.journal import Journal
from unmask.generate.text.critic import score
from unmask.generate.text.lstm import LSTMGenerator
from unmask.generate.text.rollouts import Reward
from unmask.generate.text.seqgan import (
    Phase,
    SeqGan,
    SeqGanConfig,
    critic_loss,
    follow,
    mle_loss,
    policy_loss,
)
from unmask.generate.training import Outcome, TrainingError, until_interrupted

MAX_NORM = 5.0  # of a generator's gradient
# A game's samples (N, T) -> texts to look at.
Show = Callable[[Tensor], Sequence[str]]
Measure = Callable[[SeqGan], Stats]


@dataclass
class State:
    """What changes from step to step."""

    game: SeqGan
    average: LSTMGenerator  # the rollout network
    mle_optimiser: torch.optim.Optimizer
    policy_optimiser: torch.optim.Optimizer
    critic_optimiser: torch.optim.Optimizer
    step: int = 0  # that comes next, from 0

    def parts(self) -> dict[str, Any]:
        """What has a state of its own."""
        return {
            "game": self.game,
            "average": self.average,
            "mle_optimiser": self.mle_optimiser,
            "policy_optimiser": self.policy_optimiser,
            "critic_optimiser": self.critic_optimiser,
        }


def train(
    game: SeqGan,
    sequences: Tensor,
    config: SeqGanConfig,
    out: Path,
    *,
    measure: Measure | None = None,
    reward: Reward | None = None,
    show: Show | None = None,
    device: torch.device | None = None,
    quiet: bool = True,
) -> Outcome:
    """Train on `sequences` (N, T); checkpoint, log and previews go to `out`.

    `measure` adds to the log at each checkpoint. `reward` takes the place of the critic's opinion,
    and then the critic does not learn. Ctrl-C ends it after the step in hand, saved.
    Raises TrainingError for a loss that is not finite, WeightsError for a checkpoint of other
    options or another game.
    """
    device = device or torch.device("cpu")
    with torch.random.fork_rng(), until_interrupted() as interrupted:
        state = begin(game, config, device)
        last = out / "last.pt"
        if last.is_file():
            load(last, state, config)
        data = sequences.to(device)
        with Journal(out, config, state.step, quiet=quiet, unit="sequences") as journal:
            while state.step < config.steps and not interrupted.is_set():
                stats = take_step(state, data, config, reward)
                state.step += 1
                if measure and state.step % config.check_every == 0:
                    stats |= measure(game)
                journal.record(state.step, stats)
                if state.step % config.check_every == 0:
                    save(last, state, config)
                    _preview(state, out, show)
            save(last, state, config)
            _preview(state, out, show)
    return Outcome(checkpoint=last, step=state.step, stopped=state.step < config.steps)


def begin(game: SeqGan, config: SeqGanConfig, device: torch.device) -> State:
    """The state before the first step."""
    game.to(device)
    adam = torch.optim.Adam
    return State(
        game=game,
        average=copy.deepcopy(game.generator).requires_grad_(False).eval(),
        mle_optimiser=adam(game.generator.parameters(), config.lr_mle),
        policy_optimiser=adam(game.generator.parameters(), config.lr_policy),
        critic_optimiser=adam(game.critic.parameters(), config.lr_critic),
    )


def take_step(state: State, data: Tensor, config: SeqGanConfig, reward: Reward | None) -> Stats:
    """One step of the phase that the run is in; all chance comes from the seed and its number."""
    place = config.seed * 1_000_003 + state.step
    torch.manual_seed(place)
    rng = torch.Generator(device=data.device)
    rng.manual_seed(place)
    match config.phase(state.step):
        case Phase.IMITATE:
            stats = _imitate(state, data, config, rng)
            if state.step + 1 == config.mle_steps:
                state.average.load_state_dict(state.game.generator.state_dict())
            return stats
        case Phase.CATCH:
            return {} if reward else _catch(state, data, config, rng)
        case Phase.PLAY:
            return _play(state, data, config, reward, rng)


def _batch(data: Tensor, count: int, rng: torch.Generator) -> Tensor:
    return data[torch.randint(len(data), (count,), generator=rng, device=rng.device)]


def _imitate(state: State, data: Tensor, config: SeqGanConfig, rng: torch.Generator) -> Stats:
    generator = state.game.generator.train()
    truth = config.truth_at(state.step)
    loss = mle_loss(generator, _batch(data, config.batch, rng), truth, rng)
    _descend(loss, state.mle_optimiser, generator, state.step)
    return {"mle_loss": loss.detach()}


def _catch(state: State, data: Tensor, config: SeqGanConfig, rng: torch.Generator) -> Stats:
    critic = state.game.critic.train()
    fake = state.game.sample(config.batch, rng)
    loss = critic_loss(critic, _batch(data, config.batch, rng), fake, config.penalty)
    _descend(loss, state.critic_optimiser, critic, state.step)
    return {"critic_loss": loss.detach()}


def _play(
    state: State, data: Tensor, config: SeqGanConfig, reward: Reward | None, rng: torch.Generator
) -> Stats:
    """The generator moves, the rollout network follows, the critic learns what has changed."""
    game, stats = state.game, Stats()

    def opinion(tokens: Tensor) -> Tensor:
        return score(game.critic, tokens).sigmoid()

    for _ in range(config.policy_updates):
        generator = game.generator.eval()  # dropout would make another policy than the one drawn
        loss, worth = policy_loss(generator, state.average, reward or opinion, config, rng)
        _descend(loss, state.policy_optimiser, generator, state.step)
        stats |= {"policy_loss": loss.detach(), "reward": worth}
    for _ in range(config.mle_updates):
        loss = mle_loss(game.generator.train(), _batch(data, config.batch, rng), 1.0, rng)
        _descend(loss, state.mle_optimiser, game.generator, state.step)
        stats["mle_loss"] = loss.detach()
    follow(state.average, game.generator, config.rollout_keep)
    if reward is None:
        for _ in range(config.critic_updates):
            stats |= _catch(state, data, config, rng)
    return stats


def _descend(loss: Tensor, optimiser: torch.optim.Optimizer, net: nn.Module, step: int) -> None:
    value = loss.item()
    if not math.isfinite(value):
        raise TrainingError(
            f"The loss of the {type(net).__name__} is {value} in step {step + 1}. The last"
            " checkpoint is as it was: begin again with smaller learning rates."
        )
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(net.parameters(), MAX_NORM)
    optimiser.step()


def _preview(state: State, out: Path, show: Show | None) -> None:
    """A few texts, from the same noise each time."""
    if show is None:
        return
    rng = torch.Generator(device=next(state.game.parameters()).device)
    rng.manual_seed(0)
    path = out / "previews" / f"{state.step:07d}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(show(state.game.sample(8, rng))) + "\n", encoding="utf-8")
