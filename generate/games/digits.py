"""Handwritten digits out of noise: the GAN of 2014, the DCGAN of 2015, and one that does as asked.

All three work at 32 x 32 pixels, grey, in [-1, 1].
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets.picture_arrays import MNIST, read_digits
from unmask.generate.entry import Entry, Profile, Task
from unmask.generate.examples import Examples
from unmask.generate.game import (
    Batch,
    Batches,
    Game,
    OptionError,
    Sampling,
    Stats,
    noise_of,
)
from unmask.generate.objectives import (
    critic_logistic,
    generator_logistic,
    minibatch_deviation,
)
from unmask.generate.regularisers import gradient_penalty, lazily
from unmask.generate.training import Schedule, TrainConfig

SIDE = 32  # pixels
CLASSES = 10
ROWS = 8  # of a preview, with a digit of each class where classes can be asked for


class NoiseGame(Game):
    """A game of noise to pictures, with the loss of Goodfellow et al. 2014."""

    noise: Tensor

    def __init__(self, generator: nn.Module, critic: nn.Module, z: int) -> None:
        """`z` is the number of values of noise."""
        super().__init__()
        self.generator, self.critic, self.z = generator, critic, z
        fixed = torch.randn(ROWS * CLASSES, z, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", fixed)

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Reals above 0, fakes below."""
        with torch.no_grad():
            fake = self.generator(self.noise.new_empty(len(batch["images"]), self.z).normal_())
        real_logits, fake_logits = self.critic(batch["images"]), self.critic(fake)
        return critic_logistic(real_logits, fake_logits), {
            "real": real_logits.sign(), "fake": fake_logits.sign()
        }  # fmt: skip

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Fakes above 0."""
        fake = self.generator(self.noise.new_empty(len(batch["images"]), self.z).normal_())
        return generator_logistic(self.critic(fake)), {}

    def preview(self, generator: nn.Module) -> Tensor:
        """(80, 1, 32, 32)."""
        images: Tensor = generator(self.noise)
        return images

    @torch.inference_mode()
    def sample(self, asked: Sampling) -> Tensor:
        """(N, 1, 32, 32); no class can be asked for."""
        if asked.labels is not None or asked.truncation is not None:
            raise OptionError("This game takes a seed alone: which digit comes is left to it.")
        images: Tensor = self.generator(noise_of(asked.seeds, self.z).to(self.noise.device))
        return images


def vanilla(width: int = 256, z: int = 64) -> NoiseGame:
    """Two multilayer perceptrons (Goodfellow et al. 2014, "Generative adversarial nets")."""
    generator = nn.Sequential(
        nn.Linear(z, width), nn.ReLU(),
        nn.Linear(width, 2 * width), nn.ReLU(),
        nn.Linear(2 * width, SIDE * SIDE), nn.Tanh(),
        nn.Unflatten(1, (1, SIDE, SIDE)),
    )  # fmt: skip
    critic = nn.Sequential(
        nn.Flatten(),
        nn.Linear(SIDE * SIDE, 2 * width), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(2 * width, width), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(width, 1), nn.Flatten(0),
    )  # fmt: skip
    return NoiseGame(generator, critic, z)


def dcgan(width: int = 32, z: int = 64) -> NoiseGame:
    """Transposed convolutions with batch norm (Radford et al. 2016)."""

    def up(before: int, after: int) -> list[nn.Module]:
        up = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)
        return [up, nn.BatchNorm2d(after), nn.ReLU()]

    def down(before: int, after: int) -> list[nn.Module]:
        down = nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)
        return [down, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]

    generator = nn.Sequential(
        nn.Unflatten(1, (z, 1, 1)),
        nn.ConvTranspose2d(z, 4 * width, 4, bias=False), nn.BatchNorm2d(4 * width), nn.ReLU(),
        *up(4 * width, 2 * width),
        *up(2 * width, width),
        nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1), nn.Tanh(),
    )  # fmt: skip
    critic = nn.Sequential(
        nn.Conv2d(1, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        *down(width, 2 * width),
        *down(2 * width, 4 * width),
        nn.Conv2d(4 * width, 1, 4), nn.Flatten(0),
    )  # fmt: skip
    for module in (*generator.modules(), *critic.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
    return NoiseGame(generator, critic, z)


class DigitGenerator(nn.Module):
    """(N, z) noise and (N,) digits -> (N, 1, 32, 32); up-sampling, then a convolution."""

    def __init__(self, width: int, z: int) -> None:
        super().__init__()
        self.z = z
        self.classes = nn.Embedding(CLASSES, z)
        self.enter = nn.Linear(2 * z, 4 * width * 16)
        sizes = ((4 * width, 4 * width), (4 * width, 2 * width), (2 * width, width))
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in sizes)
        self.leave = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, noise: Tensor, digits: Tensor) -> Tensor:
        known = F.normalize(self.classes(digits), dim=1) * self.z**0.5
        x = self.enter(torch.cat([noise, known], 1)).unflatten(1, (-1, 4, 4))
        for convolution in self.convolutions:
            x = F.interpolate(F.leaky_relu(x, 0.2), scale_factor=2.0)
            x = convolution(x)
        images: Tensor = torch.tanh(self.leave(F.leaky_relu(x, 0.2)))
        return images


class DigitCritic(nn.Module):
    """(N, 1, 32, 32) and (N,) digits -> (N,); the class is projected (Miyato and Koyama 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(1, width, 3, padding=1)
        sizes = ((width, 2 * width), (2 * width, 4 * width), (4 * width, 4 * width))
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in sizes)
        self.last = nn.Conv2d(4 * width + 1, 4 * width, 3, padding=1)
        self.dense = nn.Linear(4 * width * 16, 4 * width)
        self.leave = nn.Linear(4 * width, 1)
        self.classes = nn.Embedding(CLASSES, 4 * width)

    def features(self, images: Tensor) -> Tensor:
        """(N, 4 width)."""
        x = F.leaky_relu(self.enter(images), 0.2)
        for convolution in self.convolutions:
            x = F.avg_pool2d(F.leaky_relu(convolution(x), 0.2), 2)
        x = F.leaky_relu(self.last(minibatch_deviation(x)), 0.2)
        return F.leaky_relu(self.dense(x.flatten(1)), 0.2)

    def forward(self, images: Tensor, digits: Tensor) -> Tensor:
        found = self.features(images)
        asked = (found * self.classes(digits)).sum(1) / found.shape[1] ** 0.5
        logits: Tensor = self.leave(found)[:, 0] + asked
        return logits


class DigitGame(Game):
    """The digit that is asked for: non-saturating logistic loss, R1 every few steps."""

    columns = CLASSES

    noise: Tensor
    digits: Tensor

    def __init__(self, width: int = 32, z: int = 32, *, gamma: float = 0.5, every: int = 4) -> None:
        """`gamma` weighs the penalty that every `every`-th step pays."""
        super().__init__()
        self.generator, self.critic = DigitGenerator(width, z), DigitCritic(width)
        self.z, self.gamma, self.every = z, gamma, every
        fixed = torch.randn(ROWS, 1, z, generator=torch.Generator().manual_seed(0))
        # A row is one noise: the handwriting stays, the digit changes.
        self.register_buffer("noise", fixed.expand(ROWS, CLASSES, z).reshape(-1, z).clone())
        self.register_buffer("digits", torch.arange(CLASSES).repeat(ROWS))

    def _fake(self, digits: Tensor) -> Tensor:
        images: Tensor = self.generator(self.noise.new_empty(len(digits), self.z).normal_(), digits)
        return images

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Reals above 0, fakes below, and a flat critic at reals."""
        digits, real = batch["labels"], batch["images"]
        penalised = step % self.every == 0
        with torch.no_grad():
            fake = self._fake(digits)
        real = real.detach().requires_grad_(penalised)
        real_logits, fake_logits = self.critic(real, digits), self.critic(fake, digits)
        loss = critic_logistic(real_logits, fake_logits)
        stats = {"real": real_logits.sign(), "fake": fake_logits.sign()}
        if penalised:
            penalty = gradient_penalty(real_logits, real)
            loss = loss + lazily(penalty, self.gamma, self.every)
            stats["penalty"] = penalty
        return loss, stats

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Fakes above 0."""
        digits = batch["labels"]
        return generator_logistic(self.critic(self._fake(digits), digits)), {}

    def preview(self, generator: nn.Module) -> Tensor:
        """(80, 1, 32, 32): rows of one handwriting, columns of one digit."""
        images: Tensor = generator(self.noise, self.digits)
        return images

    @torch.inference_mode()
    def sample(self, asked: Sampling) -> Tensor:
        """(N, 1, 32, 32); without labels the digits come in turn."""
        if asked.truncation is not None:
            raise OptionError("Digits are not truncated.")
        labels = tuple(range(CLASSES)) if asked.labels is None else asked.labels
        if not labels or not all(0 <= label < CLASSES for label in labels):
            raise OptionError(f"Digits are 0 to {CLASSES - 1}.")
        chosen = [labels[i % len(labels)] for i in range(len(asked.seeds))]
        digits = torch.tensor(chosen, device=self.digits.device)
        images: Tensor = self.generator(noise_of(asked.seeds, self.z).to(digits.device), digits)
        return images


def _load(folder: Path, side: int, cache: Path | None) -> Batches:  # noqa: ARG001
    return Examples(pictures=read_digits(folder, side))


_NEEDS = "MNIST's IDX files: " + MNIST
_PLAIN = TrainConfig(images=200_000, lr_generator=2e-4, lr_critic=2e-4, betas=(0.5, 0.999))
_GOODFELLOW = 'Goodfellow et al. 2014, "Generative adversarial nets"'


def _historical(
    name: str, title: str, papers: tuple[str, ...], decoder: str, cost: str,
    tiny: Callable[[], Game], full: Callable[[], Game],
) -> Entry:  # fmt: skip
    """A game of noise to whatever digit comes."""
    larger = replace(_PLAIN, images=5_000_000, batch=256)
    return Entry(
        name=name, title=title, task=Task.SAMPLE, papers=papers, decoder=decoder, needs=_NEEDS,
        load=_load,
        profiles={
            "tiny": Profile(build=tiny, config=_PLAIN, side=SIDE, cost="minutes (estimate)"),
            "full": Profile(build=full, config=larger, side=SIDE, cost=cost),
        },
    )  # fmt: skip


ENTRIES = (
    _historical(
        "digits-2014", "Digits by the GAN of 2014", (_GOODFELLOW,), "none: all pixels at once",
        "10 minutes on one GPU (estimate)", vanilla, lambda: vanilla(1024, 128),
    ),
    _historical(
        "digits-dcgan", "Digits by a DCGAN", ("Radford et al. 2016, DCGAN", _GOODFELLOW),
        "transposed convolution k4", "15 minutes on one GPU (estimate)",
        dcgan, lambda: dcgan(64, 100),
    ),
    Entry(
        name="digits",
        title="The digit that is asked for",
        task=Task.SAMPLE,
        papers=(
            "Mescheder et al. 2018, Which training methods for GANs do actually converge?",
            "Miyato and Koyama 2018, cGANs with projection discriminator",
        ),
        decoder="nearest + convolution",
        needs=_NEEDS,
        load=_load,
        profiles={
            "tiny": Profile(
                build=lambda: DigitGame(24),
                config=TrainConfig(images=120_000, schedule=Schedule.COSINE),
                side=SIDE,
                cost="10 minutes of one core",
            ),
            "full": Profile(
                build=lambda: DigitGame(96, 64),
                config=TrainConfig(
                    images=3_000_000, batch=256, lr_generator=2e-4, lr_critic=2e-4,
                    schedule=Schedule.COSINE, floor=0.25,
                ),
                side=SIDE,
                cost="15 minutes on one GPU (estimate)",
            ),
        },
    ),
)  # fmt: skip
