"""All that a run needs to go on: networks, average, optimisers, and how far it was."""

import json
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from unmask.errors import WeightsError
from unmask.generate.game import Game

# Options that may change from one run to its continuation.
FREE = ("images", "catch_steps", "rounds", "check_every")


class Options(Protocol):
    """A run's options: any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Resumable(Protocol):
    """What a checkpoint holds of a run: images' and texts' loops keep different things."""

    step: int  # that comes next, from 0

    def parts(self) -> dict[str, Any]:
        """What has a state of its own."""


@dataclass
class State:
    """What changes from step to step."""

    game: Game
    average: nn.Module  # of the generator
    generator_optimiser: torch.optim.Optimizer
    critic_optimiser: torch.optim.Optimizer
    step: int = 0  # that comes next, from 0

    def parts(self) -> dict[str, Any]:
        """What has a state of its own."""
        return {
            "game": self.game,
            "average": self.average,
            "generator_optimiser": self.generator_optimiser,
            "critic_optimiser": self.critic_optimiser,
        }


def options_of(config: Options) -> dict[str, Any]:
    """As JSON holds them."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain


def save(path: Path, state: Resumable, config: Options) -> None:
    """Written beside and then moved, so that an interruption leaves the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {name: part.state_dict() for name, part in state.parts().items()}
    unfinished = path.with_name(path.name + ".part")
    torch.save(held | {"step": state.step, "options": options_of(config)}, unfinished)
    unfinished.replace(path)


def load(path: Path, state: Resumable, config: Options) -> None:
    """Go on from a checkpoint. Raises WeightsError where it is of another game or options."""
    held = read(path)
    # An option that came later had its default when the checkpoint was made.
    ours, theirs = options_of(config), options_of(type(config)()) | held["options"]
    differing = [k for k in ours if k not in FREE and ours[k] != theirs[k]]
    if differing:
        raise WeightsError(
            f"{path} was made with other options ({', '.join(differing)}); write elsewhere."
        )
    try:
        for name, part in state.parts().items():
            part.load_state_dict(held[name])
    except (KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} is a checkpoint of another game.") from error
    state.step = int(held["step"])


def read(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, without running anything in it. Raises WeightsError."""
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} is no checkpoint that can be read.") from error
    if not isinstance(held, dict) or not {"average", "game", "options", "step"} <= held.keys():
        raise WeightsError(f"{path} is no checkpoint of a game.")
    return held


def learned(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor], int]:
    """The averaged generator's state, the critic's, and the images seen, of a checkpoint."""
    held = read(path)
    critic = {
        name.removeprefix("critic."): value
        for name, value in held["game"].items()
        if name.startswith("critic.")
    }
    return held["average"], critic, held["step"] * int(held["options"]["batch"])
