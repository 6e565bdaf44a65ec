"""Notes as files, and what is measured of a generator of notes."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unmask.generate.audio.note_examples import NoteExamples
from unmask.generate.audio.note_quality import different_bins, pitch_accuracy, timbre
from unmask.generate.audio.render import one_note, wav
from unmask.generate.evaluating import FIRST_SEED, Measured
from unmask.generate.game import OptionError, Sampling
from unmask.generate.games.notes import NoteGame
from unmask.generate.outputs import Mark, write
from unmask.generate.sampling import parts
from unmask.generate.trained import Trained

_HEARD = 400  # notes that the tracker listens to


def note_game(trained: Trained) -> NoteGame:
    """The game, if it makes notes. Raises OptionError."""
    if not isinstance(trained.game, NoteGame):
        raise OptionError(f"{trained.entry.name} makes no notes.")
    return trained.game


def examples_of(trained: Trained, data: Path, cache: Path | None) -> NoteExamples:
    """The notes of a folder as the game reads them. Raises OptionError, NotesError."""
    size = note_game(trained).size
    return NoteExamples.read(data, size.spectra, size.lowest, size.highest, cache)


def keep_notes(trained: Trained, asked: Sampling, folder: Path, mark: Mark) -> Iterator[Path]:
    """One marked WAV for each seed; labels are MIDI pitches. Raises OptionError, OutputError."""
    game = note_game(trained)
    if folder.suffix:
        raise OptionError("Notes go to a folder, one WAV each.")
    labels = asked.labels or (60,)
    for i, seed in enumerate(asked.seeds):
        pitch = labels[i % len(labels)]
        data = wav(one_note(game, pitch, seed), game.size.spectra.rate)
        settings = f"seed {seed}, pitch {pitch}"
        name = f"{trained.entry.name}-{seed:06d}-{pitch:03d}.wav"
        yield write(mark(data, "audio/wav", settings, None), folder / name)


def measure(trained: Trained, real: NoteExamples, *, count: int, seed: int = 1) -> Measured:
    """Pitch and variety of `count` notes, beside as many real ones.

    Half of the reals make the bins that fakes are counted in, the other half say what reals
    that are held out from the bins would get. Raises OptionError, TrackerError.
    """
    game = note_game(trained)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(real.pictures))
    pitches = real.pitches[order[:count]]
    labels = tuple(int(p) + game.size.lowest for p in pitches)
    seeds = tuple(range(FIRST_SEED, FIRST_SEED + len(labels)))
    asked = Sampling(seeds=seeds, labels=labels)
    made = torch.cat([game.sample(part).cpu() for part in parts(asked)])
    listened = np.array(labels[:_HEARD])
    heard = {
        "notes": _heard(game, made[: len(listened)], listened),
        "real": _heard(game, _pictures(real, order[: len(listened)]), listened),
    }
    half = len(order) // 2
    known, other = timbre(_pictures(real, order[:half])), timbre(_pictures(real, order[half:]))
    bins = {
        "notes": different_bins(known, timbre(made)),
        "real": different_bins(known, other[:count]),
    }
    exact, reals = heard["notes"]["exact"], heard["real"]["exact"]
    summary = (
        f"{exact['value']:.1%} [{exact['low']:.1%}, {exact['high']:.1%}] at the pitch asked for, of"
        f" {exact['n']} (real notes {reals['value']:.1%}); NDB/K {bins['notes']:.2f} (held-out"
        f" reals {bins['real']:.2f})"
    )
    results = {"summary": summary, "pitch": heard, "different_bins": bins}
    return Measured(summary=summary, results=results)


def _heard(
    game: NoteGame, pictures: Tensor, pitches: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    sounds = game.size.spectra.synthesise(pictures).numpy()
    return asdict(pitch_accuracy(sounds, pitches, game.size.spectra.rate))


def _pictures(real: NoteExamples, chosen: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(real.pictures[chosen].astype(np.float32))
