"""Trains a neural vocoder of `speech_vocoder_nets` on real speech, in minutes on one core."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_vocoder_nets import GAIN, NeuralSpec, NeuralVocoder

_RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))  # window, hop in samples
_LONGEST = 5.0  # gradient


@dataclass(frozen=True, kw_only=True)
class VocoderTraining:
    """Options of a neural vocoder's training."""

    steps: int = 800
    batch: int = 4
    samples: int = 6400  # of a crop; a multiple of 160
    lr: float = 1e-3
    critic: float = 0.1  # weight of what the critic says
    critic_after: float = 0.5  # share of the steps
    seed: int = 1


class SpectrumCritic(nn.Module):
    """Says of patches of a log spectrogram how real they look (Isola et al. 2017), from (B, N)."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(512), persistent=False)
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, (5, 3), stride=(2, 1), padding=(2, 1)),
            nn.LeakyReLU(0.2),
            nn.Conv2d(16, 32, (5, 3), stride=(2, 2), padding=(2, 1)),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 32, (5, 3), stride=(2, 2), padding=(2, 1)),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 1, 3, padding=1),
        )

    def forward(self, waves: Tensor) -> Tensor:
        spectrum = torch.stft(waves, 512, 128, window=self.window, return_complex=True)
        said: Tensor = self.layers(torch.log(spectrum.abs() + 1e-3)[:, None])
        return said


def spectral_loss(made: Tensor, real: Tensor) -> Tensor:
    """Spectral convergence and log magnitudes at three resolutions (Yamamoto et al. 2020)."""
    loss = made.new_zeros(())
    for size, hop in _RESOLUTIONS:
        window = torch.hann_window(size, device=made.device)
        fake, true = (
            torch.stft(w, size, hop, window=window, return_complex=True).abs() + 1e-4
            for w in (made, real)
        )
        loss = loss + torch.linalg.norm(true - fake) / torch.linalg.norm(true)
        loss = loss + F.l1_loss(torch.log(fake), torch.log(true))
    return loss / len(_RESOLUTIONS)


def train(
    spec: NeuralSpec,
    waves: Sequence[Wave],
    config: VocoderTraining,
    on_step: Callable[[int, float], None] | None = None,
) -> NeuralVocoder:
    """The trained vocoder. Every step draws by the seed and its number.

    Raises DatasetError (EMPTY) without a wave as long as a crop.
    """
    usable = [w for w in waves if len(w) > config.samples]
    if not usable:
        raise DatasetError(DatasetReason.EMPTY, f"{spec.name}: no speech to train on.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        net, critic = NeuralVocoder(spec).train(), SpectrumCritic()
        optimiser = torch.optim.AdamW(net.parameters(), config.lr, betas=(0.8, 0.99))
        critic_optimiser = torch.optim.AdamW(critic.parameters(), 4e-4, betas=(0.5, 0.9))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, config.lr, total_steps=config.steps + 1, pct_start=0.1
        )
        for step in range(config.steps):
            torch.manual_seed(config.seed * 1_000_003 + step)
            rng = np.random.default_rng((config.seed, step))
            real = crops(usable, batch=config.batch, samples=config.samples, rng=rng)
            made = net(real)
            loss = spectral_loss(made, real)
            error = float(loss.detach())
            if not spec.mel:  # the phases are known too
                loss = loss + 10 * F.l1_loss(made, real)
            criticised = step >= config.critic_after * config.steps
            if criticised:
                loss = loss - config.critic * critic(made).mean()
            update(net, optimiser, loss, _LONGEST)
            schedule.step()
            if criticised:
                hinge = F.relu(1 - critic(real)).mean() + F.relu(1 + critic(made.detach())).mean()
                update(critic, critic_optimiser, hinge, _LONGEST)
            if on_step:
                on_step(step + 1, error)
    return net.eval()


def crops(waves: Sequence[Wave], *, batch: int, samples: int, rng: np.random.Generator) -> Tensor:
    """(batch, samples) of waves that are longer, at drawn levels."""
    found = []
    for i in rng.integers(len(waves), size=batch):
        start = int(rng.integers(len(waves[i]) - samples))
        crop = waves[i][start : start + samples] * GAIN * rng.uniform(0.6, 1.5)
        found.append(np.clip(crop, -1, 1))
    return torch.from_numpy(np.stack(found)).float()


def update(net: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor, most: float) -> None:
    """One step of the optimiser, by gradients of length `most` at most."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(net.parameters(), most)
    optimiser.step()
