"""Training as the command line and the page call it."""

import time
from pathlib import Path

import numpy as np
import torch

from unmask.generate.entry import Entry, Profile
from unmask.generate.game import Batches, OptionError
from unmask.generate.starting import read_start
from unmask.generate.training import Outcome, TrainConfig, step_once, train


def device_of(name: str) -> torch.device:
    """`auto` is CUDA, then Apple's MPS, then the processor. OptionError where it is no device."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise OptionError(f"There is no device {name!r} here.") from error
    return device


def profile_of(entry: Entry, name: str) -> Profile:
    """A profile by its name. Raises OptionError."""
    if name not in entry.profiles:
        raise OptionError(f"{entry.name} has the profiles {', '.join(entry.profiles)}.")
    return entry.profiles[name]


def play(
    profile: Profile,
    batches: Batches,
    config: TrainConfig,
    out: Path,
    *,
    device: str,
    quiet: bool,
    start: Path | None = None,
) -> Outcome:
    """Train a profile from its own beginning, which the seed fixes, or go on with it.

    `start` is another run's last.pt or a weight file to begin from. Raises WeightsError.
    """
    torch.manual_seed(config.seed)
    game = profile.build()
    begun = read_start(start) if start else None
    return train(game, batches, config, out, start=begun, device=device_of(device), quiet=quiet)


def rehearse(
    profile: Profile, batches: Batches, config: TrainConfig, device: str, start: Path | None = None
) -> list[str]:
    """Play three steps without writing anything, and say what the whole run would take."""
    torch.manual_seed(config.seed)
    game = profile.build()
    if start:
        read_start(start).fit(game)
    where = device_of(device)
    times = []
    for step in range(3):
        begun = time.perf_counter()
        step_once(game, batches, config, where, step)
        times.append(time.perf_counter() - begun)
    sizes = [sum(p.numel() for p in net.parameters()) for net in (game.generator, game.critic)]
    rest = config.steps * float(np.median(times))
    return [
        f"generator {sizes[0]:,} parameters, critic {sizes[1]:,}, on {where}",
        f"{config.steps:,} steps of {config.batch} examples, {times[-1]:.2f} s each:"
        f" about {rest / 60:,.0f} minutes",
    ]
