"""Notes of instruments out of noise, at the pitch that is asked for: GANSynth on R3GAN's objective.

unmask generate train notes --profile tiny --data NOTES --out runs/notes

The pitch comes from the label and the timbre from the noise, so that a melody can be played while
the noise wanders from one instrument to another. Beyond the paper, the generator is told where the
harmonics of the asked pitch lie: it then learns timbre alone, which two cores can do.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets import notes as note_files
from unmask.generate.audio.note_examples import NoteExamples
from unmask.generate.audio.spectra import Spectra, wrapped
from unmask.generate.entry import Entry, Profile, Task
from unmask.generate.game import Batch, Batches, Game, OptionError, Sampling, Stats, noise_of
from unmask.generate.objectives import (
    critic_relativistic,
    generator_relativistic,
    minibatch_deviation,
)
from unmask.generate.regularisers import gradient_penalty, lazily
from unmask.generate.training import Schedule, TrainConfig

DOUBLINGS = 5
SHOWN = 8  # timbres in a preview, each at four pitches


@dataclass(frozen=True, kw_only=True)
class NoteSize:
    """How long and how rich the notes are, and how large the networks."""

    spectra: Spectra
    lowest: int  # MIDI pitch
    highest: int  # inclusive
    width: int  # channels at full resolution
    most: int  # channels at the lowest
    z: int = 128  # values of noise

    @property
    def pitches(self) -> int:
        """How many there are."""
        return self.highest - self.lowest + 1

    @property
    def channels(self) -> tuple[int, ...]:
        """From the lowest resolution to the full one."""
        return tuple(min(self.width << (DOUBLINGS - i), self.most) for i in range(DOUBLINGS + 1))


def harmonics(size: NoteSize) -> Tensor:
    """(pitches, 2, bins): how near a bin is to a harmonic, 0 to 1, and how that one's phase turns.

    The turn is from frame to frame, in units of pi, as `Spectra` has it.
    """
    spectra = size.spectra
    hertz = torch.arange(1, spectra.bins + 1) / spectra.bins * spectra.rate / 2
    if spectra.scale != "linear":
        raise ValueError("harmonics are laid out on linear bins")
    pitch = torch.arange(size.lowest, size.highest + 1)
    base = (440 * 2 ** ((pitch - 69) / 12))[:, None]
    nearest = (hertz / base).round().clamp_min(1) * base
    away = (hertz - nearest).abs() / (spectra.rate / 2 / spectra.bins)  # in bins
    turn = wrapped(2 * torch.pi * nearest * spectra.hop / spectra.rate) / torch.pi
    return torch.stack([torch.exp(-away.square()), turn], 1)


class NoteGenerator(nn.Module):
    """(N, z) noise and (N,) pitches from 0 -> (N, 2, bins, frames); nearest, then convolution."""

    comb: Tensor

    def __init__(self, size: NoteSize) -> None:
        super().__init__()
        self.size = size
        channels = size.channels
        self.rows, self.columns = size.spectra.bins >> DOUBLINGS, size.spectra.frames >> DOUBLINGS
        self.pitches = nn.Embedding(size.pitches, size.z)
        self.enter = nn.Linear(2 * size.z, channels[0] * self.rows * self.columns)
        self.first = nn.Conv2d(channels[0], channels[0], 3, padding=1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(channels)
        )
        self.told = nn.ModuleList(nn.Conv2d(2, b, 1, bias=False) for b in channels[1:])
        self.last = nn.Conv2d(channels[-1], channels[-1], 3, padding=1)
        self.leave = nn.Conv2d(channels[-1], 2, 1)
        self.register_buffer("comb", harmonics(size))

    def forward(self, noise: Tensor, pitches: Tensor) -> Tensor:
        known = F.normalize(self.pitches(pitches), dim=1) * self.size.z**0.5
        x = self.enter(torch.cat([_even(noise), known], 1))
        x = self.first(_bent(x.view(len(x), -1, self.rows, self.columns)))
        comb = self.comb[pitches]  # (N, 2, bins)
        for convolution, told in zip(self.convolutions, self.told, strict=True):
            x = convolution(F.interpolate(_bent(x), scale_factor=2.0))
            x = x + told(F.adaptive_max_pool1d(comb, x.shape[2])[..., None])
        loudness, turn = self.leave(_bent(self.last(_bent(x)))).unbind(1)
        # Steady unless it says otherwise; +1 and -1 are the same direction.
        turn = wrapped(torch.pi * (comb[:, 1, :, None] + turn)) / torch.pi
        return torch.stack([torch.tanh(loudness), turn], 1)


class NoteCritic(nn.Module):
    """(N, 2, bins, frames) -> (N,) real or fake, and (N, pitches) logits of the pitch it hears."""

    def __init__(self, size: NoteSize) -> None:
        super().__init__()
        channels = size.channels[::-1]
        self.enter = nn.Conv2d(3, channels[0], 3, padding=1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(channels)
        )
        self.last = nn.Conv2d(channels[-1] + 1, channels[-1], 3, padding=1)
        rest = (size.spectra.bins >> DOUBLINGS) * (size.spectra.frames >> DOUBLINGS)
        self.dense = nn.Linear(channels[-1] * rest, channels[-1])
        self.leave = nn.Linear(channels[-1], 1)
        self.pitch = nn.Linear(channels[-1], size.pitches)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        loudness, turn = pictures.unbind(1)
        # A direction as a point on the circle: its two ends meet.
        x = torch.stack([loudness, (torch.pi * turn).cos(), (torch.pi * turn).sin()], 1)
        x = self.enter(x)
        for convolution in self.convolutions:
            x = F.avg_pool2d(convolution(F.leaky_relu(x, 0.2)), 2)
        x = F.leaky_relu(self.last(minibatch_deviation(F.leaky_relu(x, 0.2))), 0.2)
        found = F.leaky_relu(self.dense(x.flatten(1)), 0.2)
        return self.leave(found)[:, 0], self.pitch(found)


def _bent(x: Tensor) -> Tensor:
    """Leaky rectifier, then every place's features at length one (Karras et al. 2018)."""
    return _even(F.leaky_relu(x, 0.2))


def _even(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class NoteGame(Game):
    """Relativistic loss with R1 and R2 (Huang et al. 2024), and the pitch that the critic hears."""

    generator: NoteGenerator
    critic: NoteCritic
    columns = SHOWN
    noise: Tensor
    shown: Tensor

    def __init__(
        self, size: NoteSize, *, gamma: float, every: int = 4, hearing: float = 1.0
    ) -> None:
        """`gamma` weighs the penalties of every `every`-th step, `hearing` the pitch's loss."""
        super().__init__()
        self.size, self.gamma, self.every, self.hearing = size, gamma, every, hearing
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
        """Each fake above its real, and heard at the pitch that was asked for."""
        pitches = batch["labels"]
        with torch.no_grad():
            real_logits, _ = self.critic(batch["images"])
        fake_logits, heard = self.critic(self._fake(pitches))
        loss = generator_relativistic(real_logits, fake_logits)
        return loss + self.hearing * F.cross_entropy(heard, pitches), {
            "fake_heard": (heard.argmax(1) == pitches).float()
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
        ),
        decoder="nearest + convolution",
        needs="notes in NSynth's layout: python -m unmask.datasets.notes, or NSynth itself",
        load=lambda folder, side, cache: _load(
            TINY if side == TINY.spectra.bins else FULL, folder, cache
        ),
        profiles={
            "tiny": Profile(
                build=lambda: NoteGame(TINY, gamma=1.0),
                config=TrainConfig(
                    images=60_000, batch=16, lr_generator=1e-3, lr_critic=1e-3,
                    schedule=Schedule.COSINE, half_life=2_000,
                ),
                side=TINY.spectra.bins,
                cost="two hours of one core (estimate)",
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
