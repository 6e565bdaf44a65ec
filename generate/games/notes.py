"""Notes of instruments out of noise, at the pitch that is asked for: GANSynth on R3GAN's objective.

unmask generate train notes --profile tiny --data NOTES --out runs/notes

The pitch comes from the label and the timbre from the noise, so that a melody can be played while
the noise wanders from one instrument to another. Beyond the paper, the generator shapes partials of
the asked pitch and a noise (DDSP): it learns timbre alone, which two cores can do.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets import notes as note_files
from unmask.generate.audio.note_examples import NoteExamples
from unmask.generate.audio.note_nets import NoteCritic, NoteGenerator, NoteSize
from unmask.generate.audio.spectra import Spectra
from unmask.generate.entry import Entry, Profile, Task
from unmask.generate.game import Batch, Batches, Game, OptionError, Sampling, Stats, noise_of
from unmask.generate.objectives import (
    critic_relativistic,
    generator_relativistic,
)
from unmask.generate.regularisers import gradient_penalty, lazily
from unmask.generate.training import Schedule, TrainConfig

SHOWN = 8  # timbres in a preview, each at four pitches


def apart(one: Tensor, other: Tensor, noise: Tensor, others: Tensor) -> Tensor:
    """(N,) how far two pictures' loudness differs, by how far their noises do (Mao et al. 2019)."""
    loudness = (one[:, 0] - other[:, 0]).abs().mean((1, 2))
    return loudness / (noise - others).abs().mean(1).clamp_min(1e-6)


class NoteGame(Game):
    """Relativistic loss with R1 and R2 (Huang et al. 2024), and the pitch that the critic hears."""

    generator: NoteGenerator
    critic: NoteCritic
    columns = SHOWN
    noise: Tensor
    shown: Tensor

    def __init__(
        self,
        size: NoteSize,
        *,
        gamma: float,
        every: int = 4,
        hearing: float = 1.0,
        seeking: float = 0.1,
    ) -> None:
        """`gamma` weighs the penalties of every `every`-th step, `hearing` the pitch's loss.

        `seeking` is what it is worth that two timbres differ: without it, the tiny profile plays
        one timbre whatever its noise is.
        """
        super().__init__()
        self.size, self.gamma, self.every, self.hearing = size, gamma, every, hearing
        self.seeking = seeking
        self.generator, self.critic = NoteGenerator(size), NoteCritic(size)
        fixed = torch.randn(1, SHOWN, size.z, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", fixed.expand(4, SHOWN, size.z).reshape(-1, size.z).clone())
        rows = torch.linspace(0, size.pitches - 1, 4).long()
        self.register_buffer("shown", rows.repeat_interleave(SHOWN))

    def _fake(self, pitches: Tensor) -> Tensor:
        noise = self.noise.new_empty(len(pitches), self.size.z).normal_()
        pictures: Tensor = self.generator(noise, pitches)
        return pictures

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Each real above its fake, the pitch of reals heard, and a flat critic at both."""
        pitches = batch["labels"]
        penalised = step % self.every == 0
        with torch.no_grad():
            fake = self._fake(pitches)
        real = batch["images"].detach().requires_grad_(penalised)
        fake = fake.requires_grad_(penalised)
        (real_logits, heard), (fake_logits, _) = self.critic(real), self.critic(fake)
        heard_loss = F.cross_entropy(heard, pitches)
        loss = critic_relativistic(real_logits, fake_logits) + self.hearing * heard_loss
        stats = {
            "margin": (real_logits - fake_logits).sign(),
            "heard": (heard.argmax(1) == pitches).float(),
        }
        if penalised:
            penalty = gradient_penalty(real_logits, real) + gradient_penalty(fake_logits, fake)
            loss = loss + lazily(penalty, self.gamma, self.every)
            stats["penalty"] = penalty
        return loss, stats

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Each fake above its real, heard at the pitch that was asked for, and no two alike.

        Half of the batch's pitches are played twice, with two timbres that have to differ.
        """
        half = -(-len(batch["labels"]) // 2)
        pitches = batch["labels"][:half].repeat(2)
        with torch.no_grad():
            real_logits = self.critic(batch["images"][:half])[0].repeat(2)
        noise = self.noise.new_empty(len(pitches), self.size.z).normal_()
        fake = self.generator(noise, pitches)
        fake_logits, heard = self.critic(fake)
        loss = generator_relativistic(real_logits, fake_logits)
        loss = loss + self.hearing * F.cross_entropy(heard, pitches)
        variety = apart(fake[:half], fake[half:], noise[:half], noise[half:])
        return loss + self.seeking / (variety + 1e-5).mean(), {
            "fake_heard": (heard.argmax(1) == pitches).float(),
            "variety": variety,
        }

    def preview(self, generator: nn.Module) -> Tensor:
        """(32, 1, bins, frames) log magnitudes, high tones above: a column is one timbre."""
        pictures: Tensor = generator(self.noise, self.shown)
        return pictures[:, :1].flip(2)

    @torch.inference_mode()
    def sample(self, asked: Sampling) -> Tensor:
        """(N, 2, bins, frames); labels are MIDI pitches, by default all in turn."""
        if asked.truncation is not None:
            raise OptionError("Notes are not truncated.")
        labels = asked.labels or tuple(range(self.size.lowest, self.size.highest + 1))
        noise = noise_of(asked.seeds, self.size.z)
        return self.played(noise, [labels[i % len(labels)] for i in range(len(noise))])

    @torch.inference_mode()
    def played(self, noise: Tensor, pitches: list[int]) -> Tensor:
        """(N, z) timbres at N MIDI pitches -> (N, 2, bins, frames). Raises OptionError."""
        if outside := [p for p in pitches if not self.size.lowest <= p <= self.size.highest]:
            raise OptionError(
                f"Notes are pitches {self.size.lowest} to {self.size.highest}, not {outside[0]}."
            )
        numbers = torch.tensor(pitches) - self.size.lowest
        device = self.noise.device
        pictures: Tensor = self.generator(noise.to(device), numbers.to(device))
        return pictures


def _size(bins: int, frames: int, lowest: int, highest: int, width: int, most: int) -> NoteSize:
    return NoteSize(
        spectra=Spectra(rate=16_000, bins=bins, frames=frames),
        lowest=lowest, highest=highest, width=width, most=most,
    )  # fmt: skip


TINY = _size(512, 64, 36, note_files.HIGHEST, 8, 128)
FULL = _size(1024, 128, note_files.LOWEST, note_files.HIGHEST, 32, 256)


def _load(size: NoteSize, folder: Path, cache: Path | None) -> Batches:
    return NoteExamples.read(folder, size.spectra, size.lowest, size.highest, cache)


ENTRIES = (
    Entry(
        name="notes",
        title="Notes of instruments, at the pitch that is asked for",
        task=Task.SOUND,
        papers=(
            "Engel et al. 2019, GANSynth: Adversarial neural audio synthesis",
            "Huang et al. 2024, The GAN is dead; long live the GAN! (R3GAN)",
            "Mao et al. 2019, Mode seeking generative adversarial networks",
            "Engel et al. 2020, DDSP: Differentiable digital signal processing",
        ),
        decoder="partials and filtered noise, in bands by nearest + convolution",
        needs="notes in NSynth's layout: python -m unmask.datasets.notes, or NSynth itself",
        load=lambda folder, side, cache: _load(
            TINY if side == TINY.spectra.bins else FULL, folder, cache
        ),
        profiles={
            "tiny": Profile(
                build=lambda: NoteGame(TINY, gamma=1.0),
                config=TrainConfig(
                    images=24_000, batch=16, lr_generator=1e-3, lr_critic=1e-3,
                    schedule=Schedule.COSINE, half_life=2_000,
                ),
                side=TINY.spectra.bins,
                cost="half an hour of one core",
            ),
            "full": Profile(
                build=lambda: NoteGame(FULL, gamma=1.0),
                config=TrainConfig(
                    images=2_000_000, batch=64, lr_generator=5e-4, lr_critic=5e-4,
                    schedule=Schedule.COSINE,
                ),
                side=FULL.spectra.bins,
                cost="a day on one GPU (estimate)",
            ),
        },
    ),
)  # fmt: skip
