"""Notes as the training loop draws them: spectra made once, in half precision."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unmask.datasets.notes import notes, read
from unmask.generate.audio.spectra import Spectra
from unmask.generate.game import Batch

_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class NoteExamples:
    """N notes of one length."""

    pictures: NDArray[np.float16]  # (N, 2, bins, frames) in [-1, 1], perhaps mapped from a file
    pitches: NDArray[np.int64]  # (N,) from 0, which is the lowest
    instruments: tuple[str, ...]  # (N,)

    @classmethod
    def read(
        cls, folder: Path, spectra: Spectra, lowest: int, highest: int, cache: Path | None = None
    ) -> "NoteExamples":
        """The notes of a folder in NSynth's layout. Raises NotesError."""
        found = notes(folder, lowest=lowest, highest=highest)
        pitches = np.array([note.pitch - lowest for note in found])
        instruments = tuple(note.instrument for note in found)
        shape = (len(found), 2, spectra.bins, spectra.frames)
        kept = None
        if cache:
            told = [(n.path.name, n.path.stat().st_size) for n in found]
            key = hashlib.sha256(repr((str(folder.resolve()), spectra, told)).encode()).hexdigest()
            kept = cache / f"{key[:24]}.npy"
            if kept.is_file():
                held = np.load(kept, mmap_mode="r")
                return cls(pictures=held, pitches=pitches, instruments=instruments)
        pictures = np.empty(shape, np.float16)
        for at in range(0, len(found), _AT_ONCE):
            part = found[at : at + _AT_ONCE]
            sounds = torch.zeros(len(part), spectra.samples)
            for row, note in zip(sounds, part, strict=True):
                sound = torch.from_numpy(read(note, spectra.rate))[: spectra.samples]
                row[: len(sound)] = sound
            pictures[at : at + len(part)] = spectra.analyse(sounds).numpy()
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            unfinished = kept.with_name(kept.name + ".part.npy")
            np.save(unfinished, pictures)
            unfinished.replace(kept)
        return cls(pictures=pictures, pitches=pitches, instruments=instruments)

    def __call__(self, rng: np.random.Generator, size: int) -> Batch:
        """{"images": (size, 2, bins, frames), "labels": (size,)}."""
        chosen = rng.integers(len(self.pictures), size=size)
        return {
            "images": torch.from_numpy(self.pictures[chosen].astype(np.float32)),
            "labels": torch.from_numpy(self.pitches[chosen]),
        }
