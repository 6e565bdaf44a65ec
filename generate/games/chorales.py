"""Four-part music out of noise, in the style of a composer: a MuseGAN on R3GAN's objective.

unmask generate train chorales --profile tiny --data CHORALES --out runs/chorales

One noise is shared by the voices and each has one of its own (MuseGAN's hybrid model). A voice
sings one pitch at a time: the network says how likely each is; the critic hears these likelihoods,
as MuseGAN's does, and who listens hears the likeliest.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.datasets.chorales import (
    BAR,
    HIGHEST,
    LOWEST,
    VOICES,
    ChoralesError,
    in_one_key,
    read,
    windows,
)
from unmask.generate.entry import Entry, Profile, Task
from unmask.generate.game import Batch, Batches, Game, OptionError, Sampling, Stats, noise_of
from unmask.generate.objectives import (
    critic_relativistic,
    generator_relativistic,
    minibatch_deviation,
)
from unmask.generate.regularisers import gradient_penalty, lazily
from unmask.generate.training import Schedule, TrainConfig

BARS = 4
STEPS = BARS * BAR
PITCHES = HIGHEST - LOWEST + 1
SHOWN = 16


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Sizes of the networks."""

    width: int  # channels at full resolution
    most: int  # channels at the lowest
    z: int = 128  # values of the noise that the voices share
    own: int = 32  # values of each voice's own

    @property
    def channels(self) -> tuple[int, ...]:
        """From the lowest resolution, a place a bar and 16 semitones, to the full one."""
        return tuple(min(self.width << (4 - i), self.most) for i in range(5))

    @property
    def noise(self) -> int:
        """Values of noise in all."""
        return self.z + VOICES * self.own


class Composer(nn.Module):
    """(N, noise) -> (N, 4, 64, 48): of each voice and sixteenth, how likely each pitch is."""

    def __init__(self, size: Ensemble) -> None:
        super().__init__()
        self.size = size
        channels = size.channels
        self.enter = nn.Linear(size.z, channels[0] * BARS * (PITCHES // BAR))
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels[max(0, i - 1)], channels[i], 3, padding=1) for i in range(5)
        )
        self.told = nn.ModuleList(nn.Linear(size.z, c) for c in channels)
        parts = VOICES * channels[-1]
        self.own = nn.Linear(size.own, channels[-1] * BARS)
        self.shared = nn.Conv2d(channels[-1], parts, 3, padding=1)
        self.voices = nn.Conv2d(parts, parts, 5, padding=2, groups=VOICES)
        self.leave = nn.Conv2d(parts, VOICES, 3, padding=1, groups=VOICES)
        # Where a voice sings is known before it sings anything.
        self.range = nn.Parameter(torch.zeros(VOICES, PITCHES))

    def logits(self, noise: Tensor) -> Tensor:
        """(N, 4, 64, 48)."""
        shared, own = noise[:, : self.size.z], noise[:, self.size.z :]
        x = self.enter(shared).view(len(noise), -1, BARS, PITCHES // BAR)
        for i, (convolution, told) in enumerate(zip(self.convolutions, self.told, strict=True)):
            if i:
                x = F.interpolate(x, scale_factor=2.0)
            x = F.leaky_relu(convolution(x) + told(shared)[:, :, None, None], 0.2)
        # A voice's own noise says something else in each bar, and nothing of the pitch.
        each = self.own(own.reshape(len(own), VOICES, -1)).view(len(own), -1, BARS)
        each = each.repeat_interleave(BAR, 2)[..., None]
        x = F.leaky_relu(self.shared(x) + each, 0.2)
        x = F.leaky_relu(self.voices(x), 0.2)
        found: Tensor = self.leave(x) + self.range[None, :, None, :]
        return found

    def forward(self, noise: Tensor) -> Tensor:
        """(N, 4, 64, 48): how likely each voice sings each pitch.

        The critic hears these, and not notes of 0 and 1 with their gradient (straight-through).
        """
        return self.logits(noise).softmax(3)


def sung(likely: Tensor) -> Tensor:
    """(..., 48) -> the same of 0 and 1: the likeliest pitch."""
    return F.one_hot(likely.argmax(-1), PITCHES).to(likely.dtype)


class Listener(nn.Module):
    """(N, 4, 64, 48) -> (N,); hears what begins, and which pitch classes sound together."""

    def __init__(self, size: Ensemble) -> None:
        super().__init__()
        channels = size.channels[::-1]
        self.enter = nn.Conv2d(2 * VOICES, channels[0], 3, padding=1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, padding=1) for i in range(4)
        )
        self.chroma = nn.Conv2d(VOICES, channels[1], (3, 12))
        self.harmony = nn.Conv2d(channels[1], channels[-1], (BAR, 1), stride=(BAR, 1))
        self.last = nn.Conv2d(channels[-1] + 1, channels[-1], 3, padding=1)
        self.dense = nn.Linear(channels[-1] * BARS * (PITCHES // BAR + 1), channels[-1])
        self.leave = nn.Linear(channels[-1], 1)

    def forward(self, rolls: Tensor) -> Tensor:
        begun = F.relu(rolls[:, :, 1:] - rolls[:, :, :-1])
        x = self.enter(torch.cat([rolls, F.pad(begun, (0, 0, 1, 0))], 1))
        for convolution in self.convolutions:
            x = F.avg_pool2d(convolution(F.leaky_relu(x, 0.2)), 2)
        classes = rolls.reshape(*rolls.shape[:3], -1, 12).sum(3)  # (N, 4, 64, 12)
        heard = F.leaky_relu(self.chroma(F.pad(classes, (0, 0, 1, 1))), 0.2)
        heard = self.harmony(heard)  # (N, C, 4, 1)
        x = torch.cat([x, heard], 3)
        x = F.leaky_relu(self.last(minibatch_deviation(F.leaky_relu(x, 0.2))), 0.2)
        logits: Tensor = self.leave(F.leaky_relu(self.dense(x.flatten(1)), 0.2))[:, 0]
        return logits


def rolls_of(grids: NDArray[np.int16]) -> Tensor:
    """(N, 64, 4) MIDI pitches -> (N, 4, 64, 48)."""
    numbers = torch.from_numpy(grids.astype(np.int64) - LOWEST).transpose(1, 2)
    return F.one_hot(numbers, PITCHES).float()


def grids_of(rolls: Tensor) -> NDArray[np.int16]:
    """(N, 4, 64, 48) -> (N, 64, 4) MIDI pitches."""
    return np.asarray((rolls.argmax(3).transpose(1, 2) + LOWEST).cpu().numpy(), np.int16)


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """Four bars of a piece."""

    grids: NDArray[np.int16]  # (N, 64, 4)

    def __call__(self, rng: np.random.Generator, size: int) -> Batch:
        """{"images": (size, 4, 64, 48)}."""
        return {"images": rolls_of(self.grids[rng.integers(len(self.grids), size=size)])}


class ChoraleGame(Game):
    """Relativistic loss with R1 and R2 (Huang et al. 2024)."""

    generator: Composer
    columns = 4
    noise: Tensor

    def __init__(self, size: Ensemble, *, gamma: float, every: int = 4) -> None:
        """`gamma` weighs the penalties that every `every`-th step pays."""
        super().__init__()
        self.size, self.gamma, self.every = size, gamma, every
        self.generator, self.critic = Composer(size), Listener(size)
        fixed = torch.randn(SHOWN, size.noise, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", fixed)

    def _fake(self, count: int) -> Tensor:
        rolls: Tensor = self.generator(self.noise.new_empty(count, self.size.noise).normal_())
        return rolls

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Each real above its fake, and a flat critic at both."""
        penalised = step % self.every == 0
        with torch.no_grad():
            fake = self._fake(len(batch["images"]))
        real = batch["images"].detach().requires_grad_(penalised)
        fake = fake.requires_grad_(penalised)
        real_logits, fake_logits = self.critic(real), self.critic(fake)
        loss = critic_relativistic(real_logits, fake_logits)
        stats = {"margin": (real_logits - fake_logits).sign()}
        if penalised:
            penalty = gradient_penalty(real_logits, real) + gradient_penalty(fake_logits, fake)
            loss = loss + lazily(penalty, self.gamma, self.every)
            stats["penalty"] = penalty
        return loss, stats

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Each fake above its real."""
        with torch.no_grad():
            real_logits = self.critic(batch["images"])
        fake_logits = self.critic(self._fake(len(batch["images"])))
        return generator_relativistic(real_logits, fake_logits), {}

    def preview(self, generator: nn.Module) -> Tensor:
        """(16, 3, 48, 64): piano rolls, high above; a colour for soprano, middle and bass."""
        rolls = sung(generator(self.noise)).transpose(2, 3).flip(2)
        middle = rolls[:, 1:3].amax(1)
        return 2 * torch.stack([rolls[:, 0], middle, rolls[:, 3]], 1).clamp(0, 1) - 1

    @torch.inference_mode()
    def sample(self, asked: Sampling) -> Tensor:
        """(N, 4, 64, 48) of 0 and 1, four bars for each seed."""
        if asked.labels is not None or asked.truncation is not None:
            raise OptionError("Music takes a seed alone.")
        noise = noise_of(asked.seeds, self.size.noise)
        return sung(self.generator(noise.to(self.noise.device)))


def _load(folder: Path, side: int, cache: Path | None) -> Batches:  # noqa: ARG001
    try:
        # A small network learns harmony in one key; in twelve it learned that any note will do.
        pieces = [moved for piece in read(folder).train if (moved := in_one_key(piece)) is not None]
        return Phrases(grids=windows(tuple(pieces), STEPS))
    except OSError as error:
        raise ChoralesError(f"{folder} cannot be read.") from error


ENTRIES = (
    Entry(
        name="chorales",
        title="Four bars in four voices, in the style of a composer",
        task=Task.MUSIC,
        papers=(
            "Dong et al. 2018, MuseGAN",
            "Huang et al. 2024, The GAN is dead; long live the GAN! (R3GAN)",
        ),
        decoder="nearest + convolution, one pitch a voice",
        needs="the JSB chorales as JSON, or a folder of MIDI files in four voices",
        load=_load,
        profiles={
            "tiny": Profile(
                build=lambda: ChoraleGame(Ensemble(width=16, most=128), gamma=10.0),
                config=TrainConfig(
                    images=120_000, batch=32, lr_generator=1e-3, lr_critic=1e-3,
                    schedule=Schedule.COSINE, half_life=2_000,
                ),
                side=PITCHES,
                cost="an hour of one core (estimate)",
            ),
            "full": Profile(
                build=lambda: ChoraleGame(Ensemble(width=48, most=384), gamma=10.0),
                config=TrainConfig(
                    images=2_000_000, batch=64, lr_generator=5e-4, lr_critic=5e-4,
                    schedule=Schedule.COSINE,
                ),
                side=PITCHES,
                cost="three hours on one GPU (estimate)",
            ),
        },
    ),
)  # fmt: skip
