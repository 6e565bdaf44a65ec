"""Faces out of noise: StyleGAN2 with adaptive augmentation, on one GPU or on two processor cores.

unmask generate train faces --profile tiny --data FACES --out runs/faces
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from unmask.datasets.picture_arrays import read_folder
from unmask.generate import processes
from unmask.generate.augment import Strength, augment
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
from unmask.generate.objectives import critic_logistic, generator_logistic
from unmask.generate.regularisers import gradient_penalty, lazily, path_lengths
from unmask.generate.stylegan2 import Critic, Generator, Size
from unmask.generate.training import TrainConfig

SHOWN = 64  # faces in a preview


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the players are held to. The lazy terms come in the same step as the loss that they are
    added to, so that Adam needs no other settings for them."""

    gamma: float  # of R1
    penalty_every: int = 16  # steps
    path_every: int = 4  # steps; 0: never
    path_weight: float = 2.0
    path_decay: float = 0.01  # how fast the mean path length follows
    mixing: float = 0.9  # part of the faces that are made of two styles
    target: float = 0.6  # mean sign of the logits on reals that augmentation aims at
    ramp: int = 500_000  # images over which augmentation could rise from 0 to 1


def r1_gamma(side: int, batch: int) -> float:
    """The weight of R1 that suits a side in pixels and a batch (Karras et al. 2020, ADA)."""
    return 0.0002 * side**2 / batch


class FaceGame(Game):
    """Non-saturating logistic loss, lazy R1, lazy path length, adaptive augmentation."""

    generator: Generator
    noise: Tensor
    path_mean: Tensor

    def __init__(self, size: Size, rules: Rules) -> None:
        super().__init__()
        self.rules = rules
        self.generator, self.critic = Generator(size), Critic(size)
        self.strength = Strength(target=rules.target, ramp=rules.ramp)
        fixed = torch.randn(SHOWN, size.z, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", fixed)
        self.register_buffer("path_mean", torch.zeros(()))

    def random_styles(self, n: int) -> Tensor:
        """(n, L, W); most of them of one face down to some layer and of another below it."""
        layers = self.generator.style_layers
        z = torch.randn(2 * n, self.noise.shape[1], device=self.noise.device)
        one, other = self.generator.mapping(z).chunk(2)
        cut = torch.randint(1, layers, (n, 1), device=z.device)
        mixed = torch.rand(n, 1, device=z.device) < self.rules.mixing
        from_other = mixed & (torch.arange(layers, device=z.device) >= cut)
        return torch.where(from_other[..., None], other, one)

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Reals above 0, fakes below, and a flat critic at reals."""
        rules, images = self.rules, batch["images"]
        penalised = step % rules.penalty_every == 0
        self.strength.count(len(images))
        p = float(self.strength.p)
        with torch.no_grad():
            fake = self.generator.synthesis(self.random_styles(len(images)), "random")
        real = images.detach().requires_grad_(penalised)
        real_logits = self.critic(augment(real, p))
        fake_logits = self.critic(augment(fake, p))
        loss = critic_logistic(real_logits, fake_logits)
        stats = {"real": real_logits.sign(), "fake": fake_logits.sign(), "p": self.strength.p}
        if penalised:
            penalty = gradient_penalty(real_logits, real)
            loss = loss + lazily(penalty, rules.gamma, rules.penalty_every)
            stats["penalty"] = penalty
        return loss, stats

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Fakes above 0, and steps in style that move the picture equally far everywhere."""
        n, every = len(batch["images"]), self.rules.path_every
        styles = self.random_styles(n)
        self.generator.mapping.follow(styles[:, 0])
        fake = self.generator.synthesis(styles, "random")
        loss = generator_logistic(self.critic(augment(fake, float(self.strength.p))))
        if not every or step % every:
            return loss, {}
        penalty, length = self._path_penalty(max(1, n // 2))
        return loss + self.rules.path_weight * every * penalty, {
            "path": penalty, "path_length": length
        }  # fmt: skip

    def _path_penalty(self, n: int) -> tuple[Tensor, Tensor]:
        """How much the path lengths of n new faces differ from their running mean, and that."""
        styles = self.random_styles(n)
        lengths = path_lengths(self.generator.synthesis(styles, "random"), styles)
        now = lengths.mean().detach()
        # From the first length rather than from 0, which a short training would not get away from.
        before = torch.where(self.path_mean == 0, now, self.path_mean)
        self.path_mean.copy_(torch.lerp(before, now, self.rules.path_decay))
        return (lengths - self.path_mean).square().mean(), self.path_mean

    @torch.inference_mode()
    def sample(self, asked: Sampling) -> Tensor:
        """(N, 3, S, S), with the noise of the layers that belongs to the network."""
        if asked.labels is not None:
            raise OptionError("Faces have no classes: directions change them.")
        noise = noise_of(asked.seeds, self.noise.shape[1]).to(self.noise.device)
        truncation = 1.0 if asked.truncation is None else asked.truncation
        return cast(Tensor, self.generator(noise, truncation))

    def after_step(self, step: int, stats: Stats) -> None:  # noqa: ARG002
        """Adapt the augmentation to how sure the critic is of reals."""
        self.strength.adapt(stats["real"], processes.join()[1])

    def preview(self, generator: nn.Module) -> Tensor:
        """(64, 3, H, W): as they come, neither truncated nor chosen."""
        return cast(Tensor, generator(self.noise))


def _load(folder: Path, side: int, cache: Path | None) -> Batches:
    return Examples(pictures=read_folder(folder, side, cache=cache), mirror=True)


def _profile(size: Size, rules: Rules, config: TrainConfig, cost: str) -> Profile:
    return Profile(build=lambda: FaceGame(size, rules), config=config, side=size.side, cost=cost)


def _rates(batch: int, images: int) -> TrainConfig:
    """The paper's learning rates; the average's half-life grows with the batch as ADA's does."""
    return TrainConfig(
        images=images, batch=batch, lr_generator=2.5e-3, lr_critic=2.5e-3, betas=(0.0, 0.99),
        half_life=batch * 10_000 / 32,
    )  # fmt: skip


TINY = Size(side=64, base=1024, most=96, z=128, w=128, mapping=2)
_NEEDS = (
    "a folder of aligned photographs of faces, in any sub-folders; of each the middle square is"
    " taken. CelebA: img_align_celeba.zip from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html;"
    " FFHQ: thumbnails128x128 from https://github.com/NVlabs/ffhq-dataset"
)

ENTRIES = (
    Entry(
        name="faces",
        title="Faces by a StyleGAN2",
        task=Task.SAMPLE,
        papers=(
            "Karras et al. 2020, Analyzing and improving the image quality of StyleGAN",
            "Karras et al. 2020, Training generative adversarial networks with limited data",
        ),
        decoder="transposed convolution k3 + filter [1, 3, 3, 1]",
        needs=_NEEDS,
        load=_load,
        profiles={
            # R1 at four times the formula (0.05), for few reals and small batches: a choice that
            # was not compared with others.
            "tiny": _profile(
                TINY,
                Rules(gamma=4 * r1_gamma(64, 16), path_every=8, ramp=100_000),
                _rates(16, 200_000),
                "an hour on two idle cores (estimate from 63 images a second)",
            ),
            "full": _profile(
                Size(side=128),
                Rules(gamma=r1_gamma(128, 64)),
                _rates(64, 2_000_000),
                "3 hours on one GPU (estimate)",
            ),
            "full-256": _profile(
                Size(side=256),
                Rules(gamma=r1_gamma(256, 32)),
                _rates(32, 5_000_000),
                "a day on one GPU (estimate)",
            ),
        },
    ),
)
