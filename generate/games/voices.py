"""One voice into another's, without pairs: MaskCycleGAN-VC on log mel spectrograms.

unmask generate train voices --profile tiny --data VOICES --out runs/voices

a is the first folder of the data, b the second. The converter gets a spectrogram with some frames
taken out and is to make the other voice of it with nothing missing: to fill in, it must learn how
frames follow each other (Kaneko et al. 2021, "MaskCycleGAN-VC: Learning non-parallel voice
conversion with filling in frames").
"""

from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.generate.audio.voice_examples import VoiceExamples
from unmask.generate.audio.voice_nets import Converter, VoiceCritic, VoiceSize
from unmask.generate.entry import Entry, Profile, Task
from unmask.generate.game import Batch, Batches, Game, Stats
from unmask.generate.objectives import critic_squares, generator_squares
from unmask.generate.training import Schedule, TrainConfig, TrainingError

SHOWN = 4  # examples of each voice in a preview
WAYS = {"b": "ab", "a": "ba"}  # the converter that leads to a voice


class Statistics(nn.Module):
    """Mean and deviation of each mel band of both voices, which converters work relative to."""

    values: Tensor
    held: Tensor

    def __init__(self, mels: int) -> None:
        super().__init__()
        values = torch.tensor([0.0, 1.0, 0.0, 1.0])[:, None].repeat(1, mels)
        self.register_buffer("values", values)  # (4, mels): mean and deviation of a, then of b
        self.register_buffer("held", torch.tensor(0))

    @torch.no_grad()
    def offer(self, values: Tensor) -> None:
        """Keep the first that come."""
        if int(self.held) == 0:
            self.values.copy_(values)
            self.held += 1

    def of(self, voice: str) -> tuple[Tensor, Tensor]:
        """(mels, 1) mean and deviation of "a" or "b"."""
        mean, deviation = self.values[:2] if voice == "a" else self.values[2:]
        return mean[:, None], deviation[:, None]


def frame_mask(like: Tensor, most: int) -> Tensor:
    """(B, mels, T) of ones, but for up to `most` frames in a row of each example, which are 0.

    How many, and where, is drawn evenly from torch's random numbers on the CPU.
    """
    count, _, frames = like.shape
    lengths = torch.randint(0, most + 1, (count, 1))
    starts = (torch.rand(count, 1) * (frames - lengths + 1)).long()
    places = torch.arange(frames)[None]
    given = ((places < starts) | (places >= starts + lengths)).float().to(like.device)
    return given[:, None].expand_as(like)


class VoiceGame(Game):
    """Four critics: of each voice, and of each voice that came back from the other."""

    generator: nn.ModuleDict
    critic: nn.ModuleDict
    columns = SHOWN
    shown: Tensor
    held: Tensor

    def __init__(
        self, size: VoiceSize, *, cycle: float = 10.0, identity: float = 5.0,
        identity_steps: int = 10_000,
    ) -> None:  # fmt: skip
        """`cycle` weighs the way back; `identity`, that a voice stays itself, and only during the
        first `identity_steps`. Up to half of the frames are taken out.
        """
        super().__init__()
        self.size, self.cycle, self.identity = size, cycle, identity
        self.identity_steps, self.most = identity_steps, size.frames // 2
        self.generator = nn.ModuleDict(
            {"ab": Converter(size), "ba": Converter(size), "statistics": Statistics(size.mels)}
        )
        # "aba": of what was a, became b and is a again (CycleGAN-VC2's second adversarial loss).
        self.critic = nn.ModuleDict({n: VoiceCritic(size) for n in ("a", "b", "aba", "bab")})
        self.register_buffer("shown", torch.zeros(2, SHOWN, size.mels, size.frames))
        self.register_buffer("held", torch.tensor(0))

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        """Reals at 1; converted voices, and those that came back, at 0."""
        real = self._pair(batch)
        self._remember(batch, real)
        with torch.no_grad():
            fake, back = self._around(real)
        loss, stats = real["a"].new_zeros(()), Stats()
        for name, made in (*fake.items(), ("aba", back["a"]), ("bab", back["b"])):
            true, false = self.critic[name](torch.cat([real[name[0]], made])).float().chunk(2)
            loss = loss + critic_squares(true, false)
            stats |= {f"real_{name}": true.mean(), f"fake_{name}": false.mean()}
        return loss, stats

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """Converted voices and those that came back at 1, the way back where it began; and, in the
        first steps, a voice that is the right one already unchanged.
        """
        real = self._pair(batch)
        fake, back = self._around(real)
        first = self._fooled({"a": fake["a"], "b": fake["b"]})
        second = self._fooled({"aba": back["a"], "bab": back["b"]})
        cycle = F.l1_loss(back["a"], real["a"]) + F.l1_loss(back["b"], real["b"])
        loss = first + second + self.cycle * cycle
        stats = {"adversarial": first / 2, "cycle": cycle / 2}  # of one direction
        if step < self.identity_steps:
            same = self._changed(real)
            loss = loss + self.identity * same
            stats["identity"] = same / 2
        return loss, stats

    def _fooled(self, made: dict[str, Tensor]) -> Tensor:
        """How far each critic is from taking what was made for a recording."""
        opinions = [self.critic[name](mel).float() for name, mel in made.items()]
        return torch.stack([generator_squares(o) for o in opinions]).sum()

    def _changed(self, real: dict[str, Tensor]) -> Tensor:
        """What is done to a voice that is the right one already."""
        losses = []
        for name, mel in real.items():
            losses.append(F.l1_loss(self.generator[WAYS[name]](mel, torch.ones_like(mel)), mel))
        return torch.stack(losses).sum()

    def preview(self, generator: nn.Module) -> Tensor:
        """(24, 1, mels, T), high tones above: rows of a, as b, back again; b, as a, back again."""
        rows = []
        for real, way, other in ((self.shown[0], "ab", "ba"), (self.shown[1], "ba", "ab")):
            given = torch.ones_like(real)
            made = generator.get_submodule(way)(real, given)
            rows += [real, made, generator.get_submodule(other)(made, given)]
        return (torch.cat(rows) / 3).clamp(-1, 1)[:, None].flip(2)

    def _around(self, real: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Both voices as the other, by the voice that they are now, and back as themselves."""
        ab, ba = self.generator["ab"], self.generator["ba"]
        as_b = ab(real["a"], frame_mask(real["a"], self.most))
        as_a = ba(real["b"], frame_mask(real["b"], self.most))
        back = {"a": ba(as_b, torch.ones_like(as_b)), "b": ab(as_a, torch.ones_like(as_a))}
        return {"a": as_a, "b": as_b}, back

    @torch.no_grad()
    def _remember(self, batch: Batch, real: dict[str, Tensor]) -> None:
        """The voices' statistics, and examples to show, of the first batches."""
        statistics = self.generator["statistics"]
        assert isinstance(statistics, Statistics)
        statistics.offer(batch["statistics"][0])
        place = int(self.held)
        for row, name in zip(self.shown, "ab", strict=True):
            part = real[name][: SHOWN - place]
            row[place : place + len(part)] = part
        self.held.fill_(min(SHOWN, place + len(real["a"])))

    def _pair(self, batch: Batch) -> dict[str, Tensor]:
        """The spectrograms of both voices. Raises TrainingError where they are of another size."""
        if not {"a", "b", "statistics"} <= batch.keys():
            raise TrainingError(f"Two voices, a and b, are needed; there is {', '.join(batch)}.")
        expected = (self.size.mels, self.size.frames)
        for name in "ab":
            if batch[name].shape[1:] != expected:
                raise TrainingError(
                    f"This game takes spectrograms of {expected}, not of"
                    f" {tuple(batch[name].shape[1:])}."
                )
        return {name: batch[name] for name in "ab"}


TINY = VoiceSize(width=24, deep=48, flat=96, blocks=3, kernel=3, critic=8, fold=True, adds=True)
FULL = VoiceSize(width=128, deep=256, flat=256, blocks=6, kernel=5, critic=128)


def _load(folder: Path, side: int, cache: Path | None) -> Batches:  # noqa: ARG001
    return VoiceExamples.read(folder, TINY.frames, cache=cache)


_TINY = TrainConfig(
    images=8_000, batch=2, lr_generator=6e-4, lr_critic=3e-4, betas=(0.5, 0.999),
    schedule=Schedule.LINEAR, floor=0.1, half_life=400, check_every=50,
)  # fmt: skip
_FULL = replace(
    _TINY, images=500_000, batch=1, lr_generator=2e-4, lr_critic=1e-4, half_life=1_000,
    check_every=1_000,
)  # fmt: skip
ENTRIES = (
    Entry(
        name="voices",
        title="One voice <-> another",
        task=Task.CONVERT,
        papers=(
            "Kaneko et al. 2021, MaskCycleGAN-VC: Learning non-parallel voice conversion with"
            " filling in frames",
            "Kaneko et al. 2019, CycleGAN-VC2: Improved CycleGAN-based non-parallel voice"
            " conversion",
        ),
        decoder="pixel shuffle, then a vocoder",
        needs="two folders of recordings, one a speaker, such as those of python -m"
        " unmask.datasets.voice_pair --out VOICES",
        load=_load,
        profiles={
            "tiny": Profile(
                build=lambda: VoiceGame(TINY, cycle=2.0, identity_steps=0), config=_TINY,
                side=TINY.mels,
                cost="20 minutes of one core (0.26 s a step); for voices that convince far more",
            ),
            "tiny-paper": Profile(
                build=lambda: VoiceGame(TINY, identity_steps=200), config=_TINY, side=TINY.mels,
                cost="the same: the paper's weights, which hold it to the identity it begins with",
            ),
            "full": Profile(
                build=lambda: VoiceGame(FULL), config=_FULL,
                side=FULL.mels, cost="a day on one GPU (estimate)",
            ),
        },
    ),
)  # fmt: skip
