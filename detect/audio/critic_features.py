"""What the critics of our own sound GANs say of a recording: discriminator-derived experts.

GANSynth's critic (`generate.games.notes`) sees a second of log magnitude and instantaneous
frequency at a time; the four of the voice converter (`generate.games.voices`) see 0.64 s of log mel
bands, each relative to the voice that it knows. Of each window the opinion and the activations of a
middle layer are taken: a critic may see on the way what its last layer has no use for.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from unmask.detect.audio.kept_looks import Look
from unmask.generate.audio.mels import analyse, levelled
from unmask.generate.audio.note_nets import NoteCritic
from unmask.generate.audio.spectra import Spectra
from unmask.generate.audio.voice_nets import VoiceCritic
from unmask.generate.games.notes import NoteGame
from unmask.generate.games.voices import Statistics, VoiceGame
from unmask.generate.trained import load_trained
from unmask.sound import Samples

NOTES, VOICES = "notes", "voices"
_NOTE_LAYER, _VOICE_LAYER = 2, 2  # the middle of five convolutions, and of six layers


class _Passing(AbstractContextManager["_Passing"]):
    """Means over places of what leaves a layer, (B, C), in the order of the calls."""

    def __init__(self, layer: nn.Module) -> None:
        self.seen: list[Tensor] = []
        self._handle = layer.register_forward_hook(self._keep)

    def _keep(self, layer: nn.Module, given: Any, made: Tensor) -> None:  # noqa: ARG002
        self.seen.append(made.mean((2, 3)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._handle.remove()


def windows(count: int, length: int) -> list[int]:
    """Where windows of `length` begin in `count` values: side by side, the last one at the end."""
    if count <= length:
        return [0]
    return [*range(0, count - length, length), count - length]


def told(opinions: Tensor, seen: Tensor) -> list[float]:
    """(W,) or (W, ...) opinions and (W, C) activations of W windows -> 4 + C numbers.

    Mean, deviation, least and greatest of the windows' mean opinions, then the mean activations.
    """
    by_window = opinions.flatten(1).mean(1) if opinions.dim() > 1 else opinions
    of_opinions = [by_window.mean(), by_window.std(correction=0), by_window.min(), by_window.max()]
    return [float(v) for v in (*of_opinions, *seen.mean(0))]


@torch.inference_mode()
def note_features(critic: NoteCritic, spectra: Spectra, wave: Samples) -> list[float]:
    """GANSynth's critic on (N,) at `spectra.rate` Hz -> (4 + C,)."""
    places = windows(len(wave), spectra.samples)
    sounds = [torch.from_numpy(np.asarray(wave[i : i + spectra.samples])) for i in places]
    with _Passing(critic.convolutions[_NOTE_LAYER]) as passing:
        # One by one: the critic also compares the sounds of a batch, and each is to stand alone.
        opinions = torch.cat([critic(spectra.analyse(sound[None]))[0] for sound in sounds])
    return told(opinions, torch.cat(passing.seen))


@torch.inference_mode()
def voice_features(
    critics: Iterable[tuple[VoiceCritic, tuple[Tensor, Tensor]]], frames: int, wave: Samples
) -> list[float]:
    """Critics of voices, each with its voice's (mels, 1) mean and deviation, on (N,) at 16 kHz.

    (critics * (4 + C),): one critic after the other. `frames` is what they were trained on.
    """
    mel = analyse(levelled(np.asarray(wave, np.float32))[0])
    mel = np.pad(mel, ((0, 0), (0, max(0, frames - mel.shape[1]))), mode="edge")
    places = windows(mel.shape[1], frames)
    pieces = torch.from_numpy(np.stack([mel[:, i : i + frames] for i in places]))
    found: list[float] = []
    for critic, (mean, deviation) in critics:
        with _Passing(critic.layers[_VOICE_LAYER]) as passing:
            opinions = critic((pieces - mean) / deviation)
        found += told(opinions, torch.cat(passing.seen))
    return found


def note_look() -> Look:
    """GANSynth's critic as it ships, on sounds at 16 kHz. Raises WeightsError."""
    game = cast(NoteGame, load_trained(NOTES).game)
    return lambda wave: note_features(game.critic, game.size.spectra, wave)


def voice_look() -> Look:
    """The voice converter's four critics as they ship. Raises WeightsError."""
    game = cast(VoiceGame, load_trained(VOICES).game)
    statistics = cast(Statistics, game.generator["statistics"])
    critics = [(cast(VoiceCritic, c), statistics.of(n[0])) for n, c in game.critic.items()]
    return lambda wave: voice_features(critics, game.size.frames, wave)


def looks() -> dict[str, Look]:
    """Both, by the names of their games. Raises WeightsError."""
    return {NOTES: note_look(), VOICES: voice_look()}
