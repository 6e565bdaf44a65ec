"""Train an autoencoder of `decoders` on photographs, in minutes on one core.

Every step draws its batch and its noise from the seed and its own number, so that a run that was
stopped goes on from its checkpoint to the very weights that it would have had.
"""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.datasets.decoders import Autoencoder, DecoderSpec, Loss, build
from unmask.datasets.loaders_tree import DatasetError, DatasetReason

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
OnStep = Callable[[int, float], None]  # number of the step, from 1, and its mean absolute error


@dataclass(frozen=True, kw_only=True)
class DecoderTraining:
    """Options of a decoder's training, saved in its checkpoint."""

    steps: int = 1000
    batch: int = 6
    crop: int = 64  # pixels a side, at native resolution; a multiple of 16
    lr: float = 2e-3
    warmup: int = 30  # steps
    gradient: float = 1.0  # weight of the neighbours' differences
    critic: float = 0.02  # weight of what the critic says
    critic_after: int = 200  # steps; before, pictures are too poor to be worth a critic
    save_every: int = 200  # steps
    seed: int = 1


class Critic(nn.Module):
    """Says of every patch of 22 pixels how real it looks (Isola et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 24, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(24, 48, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(48, 48, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(48, 1, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(2 * images - 1)
        return logits


@dataclass
class _Run:
    """What a training changes from step to step."""

    net: Autoencoder
    critic: Critic
    optimiser: torch.optim.Optimizer
    critic_optimiser: torch.optim.Optimizer
    step: int = 0

    def state(self) -> dict[str, Any]:
        parts = (self.net, self.critic, self.optimiser, self.critic_optimiser)
        return {"step": self.step, "parts": [part.state_dict() for part in parts]}

    def restore(self, state: dict[str, Any]) -> None:
        net, critic, optimiser, critic_optimiser = state["parts"]
        self.net.load_state_dict(net)
        self.critic.load_state_dict(critic)
        self.optimiser.load_state_dict(optimiser)
        self.critic_optimiser.load_state_dict(critic_optimiser)
        self.step = state["step"]


def train(
    spec: DecoderSpec,
    photographs: Sequence[Pixels],
    config: DecoderTraining,
    checkpoint: Path,
    on_step: OnStep | None = None,
) -> Autoencoder:
    """The trained autoencoder, ready to reconstruct; goes on from `checkpoint` where it is there.

    Raises DatasetError: EMPTY (no photograph), UNREADABLE (a checkpoint of another decoder or
    of other options; more steps alone are no other options).
    """
    if not photographs:
        raise DatasetError(DatasetReason.EMPTY, f"{spec.name}: no photograph to train on.")
    with torch.random.fork_rng(devices=[]):
        run = _start(spec, config)
        if checkpoint.is_file():
            run.restore(_load(checkpoint, spec, config))
        while run.step < config.steps:
            error = _step(run, spec, photographs, config)
            run.step += 1
            if on_step:
                on_step(run.step, error)
            if run.step % config.save_every == 0 or run.step == config.steps:
                _save(run, checkpoint, spec, config)
    return run.net.eval()


def trained_steps(checkpoint: Path) -> int:
    """How many steps the decoder in a checkpoint has seen; 0 where there is none."""
    return int(_read(checkpoint)["step"]) if checkpoint.is_file() else 0


def checkpoint_state(checkpoint: Path) -> dict[str, Tensor]:
    """The weights of the decoder in a checkpoint. Raises DatasetError, UNREADABLE."""
    state: dict[str, Tensor] = _read(checkpoint)["parts"][0]
    return state


def _start(spec: DecoderSpec, config: DecoderTraining) -> _Run:
    torch.manual_seed(config.seed)
    # Channels last: a quarter faster on a processor.
    net = build(spec).train().to(memory_format=torch.channels_last)
    critic = Critic()
    return _Run(
        net=net,
        critic=critic,
        optimiser=torch.optim.Adam(net.parameters(), config.lr, betas=(0.9, 0.98)),
        critic_optimiser=torch.optim.Adam(critic.parameters(), 4e-4, betas=(0.5, 0.9)),
    )


def _step(
    run: _Run, spec: DecoderSpec, photographs: Sequence[Pixels], config: DecoderTraining
) -> float:
    torch.manual_seed(config.seed * 1_000_003 + run.step)
    real = _batch(photographs, config, run.step)
    fake, cost = run.net.penalised(real)
    loss = F.l1_loss(fake, real)
    error = float(loss.detach())
    loss = loss + cost
    if spec.loss is Loss.L1_GRADIENT:
        loss = loss + config.gradient * _gradient_loss(fake, real)
    criticised = spec.loss is Loss.ADVERSARIAL and run.step >= config.critic_after
    if criticised:
        run.critic.requires_grad_(False)
        loss = loss - config.critic * run.critic(fake).mean()
        run.critic.requires_grad_(True)
    for group in run.optimiser.param_groups:
        group["lr"] = config.lr * _schedule(run.step, config)
    _update(run.net, run.optimiser, loss)
    if criticised:  # hinge: enough is enough once a patch is beyond the margin
        says_real, says_fake = run.critic(real), run.critic(fake.detach())
        hinge = F.relu(1 - says_real).mean() + F.relu(1 + says_fake).mean()
        _update(run.critic, run.critic_optimiser, hinge)
    return error


def _update(net: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()


def _schedule(step: int, config: DecoderTraining) -> float:
    """Up in the warm-up, down to nearly nothing along a half cosine."""
    up = min(1.0, (step + 1) / config.warmup)
    down = 0.5 * (1 + np.cos(np.pi * min(1.0, step / max(1, config.steps))))
    return float(up * (0.02 + 0.98 * down))


def _gradient_loss(fake: Tensor, real: Tensor) -> Tensor:
    difference = fake - real
    return difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()


def _batch(photographs: Sequence[Pixels], config: DecoderTraining, step: int) -> Tensor:
    """(B, 3, crop, crop) in [0, 1]: windows at native resolution, half of them mirrored."""
    rng = np.random.default_rng((config.seed, step))
    crops = []
    for i in rng.integers(len(photographs), size=config.batch):
        pixels = photographs[i]
        height, width = (max(0, side - config.crop) for side in pixels.shape[:2])
        top, left = rng.integers(height + 1), rng.integers(width + 1)
        crop = pixels[top : top + config.crop, left : left + config.crop]
        missing = [(0, config.crop - side) for side in crop.shape[:2]]
        crop = np.pad(crop, (*missing, (0, 0)), mode="symmetric")
        crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
    # Transposed, not copied: the channels stay last in memory.
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255


def _identity(spec: DecoderSpec, config: DecoderTraining) -> dict[str, Any]:
    """What two checkpoints must share for one to go on where the other stopped."""
    options = asdict(config)
    free = ("steps", "save_every")
    # Plain strings: a checkpoint is read back without running anything in it.
    chosen = {f.name: str(getattr(spec, f.name)) for f in fields(spec)}
    return chosen | {name: value for name, value in options.items() if name not in free}


def _save(run: _Run, path: Path, spec: DecoderSpec, config: DecoderTraining) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    torch.save({**run.state(), "made_with": _identity(spec, config)}, unfinished)
    unfinished.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise DatasetError(
            DatasetReason.UNREADABLE, f"{path} is no checkpoint of a decoder; delete it."
        ) from error
    return state


def _load(path: Path, spec: DecoderSpec, config: DecoderTraining) -> dict[str, Any]:
    state = _read(path)
    ours, theirs = _identity(spec, config), state["made_with"]
    differing = [name for name in ours if ours[name] != theirs.get(name)]
    if differing:
        raise DatasetError(
            DatasetReason.UNREADABLE,
            f"{path} was trained with other options ({', '.join(differing)}):"
            " delete it or write somewhere else.",
        )
    return state
