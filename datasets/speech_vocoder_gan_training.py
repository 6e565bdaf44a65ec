"""Trains a vocoder of `speech_vocoder_gan` on real speech, in minutes on one core.

First by spectra alone, then against the critics as well. A run that was stopped goes on from its
checkpoint.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_vocoder_critics import (
    Critics,
    critics_loss,
    fooling_loss,
    matching_loss,
)
from unmask.datasets.speech_vocoder_gan import GanVocoder
from unmask.datasets.speech_vocoder_training import crops, spectral_loss, update

_LONGEST = 10.0  # gradient


@dataclass(frozen=True, kw_only=True)
class GanTraining:
    """Options of a run; the weights of the losses are those of HiFi-GAN."""

    steps: int = 1500
    batch: int = 8
    samples: int = 8192  # of a crop, rounded down to whole frames
    lr: float = 8e-4
    critic_lr: float = 4e-4
    mel: float = 45.0
    spectra: float = 10.0
    matching: float = 2.0
    critics_after: float = 0.4  # share of the steps
    keep_every: int = 100  # steps
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class _Run:
    """All that a checkpoint holds."""

    net: GanVocoder
    critics: Critics
    optimiser: torch.optim.Optimizer
    critic_optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    @staticmethod
    def begin(net: GanVocoder, config: GanTraining) -> "_Run":
        critics = Critics()
        taught = [p for p in net.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(taught, config.lr, betas=(0.8, 0.99))
        return _Run(
            net=net,
            critics=critics,
            optimiser=optimiser,
            critic_optimiser=torch.optim.AdamW(
                critics.parameters(), config.critic_lr, betas=(0.8, 0.99)
            ),
            schedule=torch.optim.lr_scheduler.OneCycleLR(
                optimiser, config.lr, total_steps=config.steps + 1, pct_start=0.05
            ),
        )

    def state(self) -> dict[str, Any]:
        return {k: getattr(self, k).state_dict() for k in self.__dataclass_fields__}

    def load(self, state: dict[str, Any]) -> None:
        for key in self.__dataclass_fields__:
            getattr(self, key).load_state_dict(state[key])


def train_gan(
    net: GanVocoder,
    waves: Sequence[Wave],
    config: GanTraining,
    checkpoint: Path,
    on_step: Callable[[int, float], None] | None = None,
) -> GanVocoder:
    """The vocoder, trained on `waves` (N,) at its rate. A step draws by the seed and its number.

    Raises DatasetError (EMPTY) without a wave as long as a crop; ValueError where the checkpoint is
    one of other options.
    """
    hop = net.spec.hop
    samples = config.samples // hop * hop
    usable = [w for w in waves if len(w) > samples]
    if not usable:
        raise DatasetError(DatasetReason.EMPTY, f"{net.spec.name}: no speech to train on.")
    run = _Run.begin(net.train(), config)
    done = 0
    if checkpoint.is_file():
        kept = torch.load(checkpoint, weights_only=True)
        if kept["options"] != asdict(config):
            raise ValueError(f"{checkpoint} is of other options")
        run.load(kept["run"])
        done = int(kept["step"])
    for step in range(done, config.steps):
        rng = np.random.default_rng((config.seed, step))
        real = crops(usable, batch=config.batch, samples=samples, rng=rng)
        error = _step(run, real, config, criticised=step >= config.critics_after * config.steps)
        if on_step:
            on_step(step + 1, error)
        if (step + 1) % config.keep_every == 0 or step + 1 == config.steps:
            checkpoint.parent.mkdir(parents=True, exist_ok=True)
            part = checkpoint.with_suffix(".part")
            torch.save({"options": asdict(config), "step": step + 1, "run": run.state()}, part)
            part.replace(checkpoint)
    return net.eval()


def _step(run: _Run, real: Tensor, config: GanTraining, *, criticised: bool) -> float:
    """One step of both players; returns the distance of mel bands, in nepers."""
    made = run.net(real)
    mel = F.l1_loss(run.net.mels(made), run.net.mels(real))
    loss = config.mel * mel + config.spectra * spectral_loss(made, real)
    if criticised:
        hinge = critics_loss(run.critics(real), run.critics(made.detach()))
        update(run.critics, run.critic_optimiser, hinge, _LONGEST)
        run.critics.requires_grad_(False)
        seen = run.critics(made)
        loss = loss + fooling_loss(seen)
        loss = loss + config.matching * matching_loss(run.critics(real), seen)
        run.critics.requires_grad_(True)
    update(run.net, run.optimiser, loss, _LONGEST)
    run.schedule.step()
    return float(mel.detach())
