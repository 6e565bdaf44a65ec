"""Recordings of two voices as the training loop draws them: log mel spectrograms, made once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unmask.datasets.manifest import Split
from unmask.datasets.speech_signal import at_rate, decoded
from unmask.datasets.voice_pair import read_pair
from unmask.generate.audio.mels import analyse, levelled
from unmask.generate.game import Batch
from unmask.generate.training import TrainingError

Mels = NDArray[np.float32]  # (mels, frames), logarithms


@dataclass(frozen=True, kw_only=True)
class Voice:
    """All recordings of a voice in a row, and where each begins."""

    mel: NDArray[np.float16]  # (mels, all frames)
    starts: NDArray[np.int64]  # (N,) first frames of the recordings
    lengths: NDArray[np.int64]  # (N,)

    @property
    def mean(self) -> NDArray[np.float32]:
        """(mels,)"""
        return np.asarray(self.mel.mean(1, dtype=np.float64), np.float32)

    @property
    def deviation(self) -> NDArray[np.float32]:
        """(mels,), not below a hundredth: bands that were filtered away hardly move."""
        spread = self.mel.astype(np.float32).std(1, dtype=np.float64)
        return np.asarray(np.maximum(spread, 0.01), np.float32)

    def draw(self, rng: np.random.Generator, size: int, frames: int) -> Mels:
        """(size, mels, frames), each from anywhere in a recording: longer ones come more often."""
        room = self.lengths - frames + 1
        chosen = rng.choice(len(room), size, p=room / room.sum())
        at = self.starts[chosen] + rng.integers(0, room[chosen])
        return np.stack([self.mel[:, i : i + frames] for i in at]).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class VoiceExamples:
    """Batches of two voices that say different things."""

    a: Voice
    b: Voice
    frames: int

    @classmethod
    def read(cls, folder: Path, frames: int, *, cache: Path | None = None) -> "VoiceExamples":
        """The training part of a set of two voices. Recordings that are too short are left out.

        Raises DatasetError, MediaError, and TrainingError where none is long enough.
        """
        pair = read_pair(folder, Split.TRAIN)
        return cls(a=_voice(pair.a, frames, cache), b=_voice(pair.b, frames, cache), frames=frames)

    def __call__(self, rng: np.random.Generator, size: int) -> Batch:
        """{"a": (size, mels, frames), "b": the same, "statistics": (size, 4, mels)}.

        Spectrograms have mean 0 and deviation 1 in each band of their voice; the statistics are
        mean and deviation of a, then of b.
        """
        batch, statistics = {}, []
        for name, voice in (("a", self.a), ("b", self.b)):
            mean, deviation = voice.mean, voice.deviation
            drawn = (voice.draw(rng, size, self.frames) - mean[:, None]) / deviation[:, None]
            batch[name] = torch.from_numpy(drawn)
            statistics += [mean, deviation]
        held = torch.from_numpy(np.stack(statistics))
        return batch | {"statistics": held.expand(size, *held.shape).clone()}


def _voice(paths: tuple[Path, ...], frames: int, cache: Path | None) -> Voice:
    told = [(str(p.resolve()), p.stat().st_size) for p in paths]
    key = hashlib.sha256(repr((told, frames)).encode()).hexdigest()[:24]
    kept = cache / f"voice-{key}.npz" if cache else None
    if kept and kept.is_file():
        held = np.load(kept)
        return Voice(mel=held["mel"], starts=held["starts"], lengths=held["lengths"])
    found = [analyse(levelled(at_rate(*decoded(p.read_bytes(), p.name)))[0]) for p in paths]
    long = [mel for mel in found if mel.shape[1] >= frames]
    if not long:
        raise TrainingError(f"{paths[0].parent}: no recording is {frames / 100:.2f} s long.")
    lengths = np.array([mel.shape[1] for mel in long])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    voice = Voice(mel=np.concatenate(long, 1).astype(np.float16), starts=starts, lengths=lengths)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_name(kept.stem + ".part.npz")
        np.savez(unfinished, mel=voice.mel, starts=voice.starts, lengths=voice.lengths)
        unfinished.replace(kept)
    return voice
