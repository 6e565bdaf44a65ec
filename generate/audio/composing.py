"""Music as MIDI files, and what is measured of a generator of music."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unmask.datasets.chorales import VOICES, read, windows
from unmask.generate.audio.music_measures import copied, measure
from unmask.generate.audio.scores import Event, Score, write_midi
from unmask.generate.evaluating import FIRST_SEED, Measured
from unmask.generate.game import OptionError, Sampling
from unmask.generate.games.chorales import STEPS, ChoraleGame, grids_of
from unmask.generate.outputs import OutputError, write
from unmask.generate.sampling import parts
from unmask.generate.text.outputs import TextMark
from unmask.generate.trained import Trained

TEMPO = 80.0  # quarter notes a minute
CHOIR = 52  # of General MIDI, from 0
_SIXTEENTH = 15 / TEMPO  # seconds
_PAPER, _LINE = (24, 26, 34), (90, 94, 110)
_VOICES = ((245, 189, 80), (236, 112, 99), (93, 173, 226), (130, 224, 170))  # soprano to bass


def chorale_game(trained: Trained) -> ChoraleGame:
    """The game, if it makes music. Raises OptionError."""
    if not isinstance(trained.game, ChoraleGame):
        raise OptionError(f"{trained.entry.name} makes no music.")
    return trained.game


def composed(trained: Trained, asked: Sampling) -> NDArray[np.int16]:
    """(N, 64, 4) MIDI pitches, four bars for each seed, soprano first. Raises OptionError."""
    game = chorale_game(trained)
    return grids_of(torch.cat([game.sample(part).cpu() for part in parts(asked)]))


def score_of_grid(grid: NDArray[np.int16]) -> Score:
    """(steps, 4) as notes: a pitch that stays is held, until it changes."""
    events = []
    for voice in grid.T:
        starts = [0, *(np.flatnonzero(np.diff(voice)) + 1)]
        for a, b in zip(starts, [*starts[1:], len(voice)], strict=True):
            onset, length = float(a * _SIXTEENTH), float((b - a) * _SIXTEENTH)
            events.append(Event(onset=onset, length=length, pitch=int(voice[a])))
    return tuple(sorted(events, key=lambda event: (event.onset, event.pitch)))


def midi_of(grid: NDArray[np.int16]) -> bytes:
    """(steps, 4) as a MIDI file, sung by General MIDI's choir."""
    return write_midi(score_of_grid(grid), program=CHOIR, tempo=TEMPO)


def piano_roll(grid: NDArray[np.int16]) -> NDArray[np.uint8]:
    """(steps, 4) -> (H, W, 3) RGB: time to the right, pitch upwards, a colour for each voice.

    A semitone is 6 pixels, a sixteenth 8; bars are divided by lines.
    """
    lowest, highest = int(grid.min()) - 2, int(grid.max()) + 2
    rows = np.full((highest - lowest + 1, len(grid), 3), _PAPER, np.uint8)
    for voice, colour in zip(grid.T[::-1], _VOICES[::-1], strict=True):  # the soprano on top
        rows[highest - voice, np.arange(len(grid))] = colour
    picture = rows.repeat(6, axis=0).repeat(8, axis=1)
    onsets = np.diff(grid, axis=0, prepend=grid[:1] - 1) != 0
    for step, voice in np.argwhere(onsets):  # a notch where a note begins
        top = (highest - int(grid[step, voice])) * 6
        picture[top : top + 6, step * 8] = _PAPER
    picture[:, :: 16 * 8] = _LINE
    return picture


def keep_music(trained: Trained, asked: Sampling, target: Path, mark: TextMark) -> list[Path]:
    """A folder of MIDI files, four bars each, or one .mid of all phrases in a row.

    A MIDI file can carry no mark that lasts: its provenance lies beside it, in plain words and
    signed, and is written first. Raises OptionError, OutputError.
    """
    grids = composed(trained, asked)
    seeds = asked.seeds
    if target.suffix.lower() == ".mid":
        made = {target: (grids.reshape(-1, VOICES), f"seeds {', '.join(map(str, seeds))}")}
    else:
        made = {
            target / f"{trained.entry.name}-{seed:06d}.mid": (grid, f"seed {seed}")
            for seed, grid in zip(seeds, grids, strict=True)
        }
    for path, (grid, settings) in made.items():
        data = midi_of(grid)
        beside = {path.with_suffix(end): text for end, text in mark(data, settings).items()}
        for place in (path, *beside):
            if place.exists():
                raise OutputError(f"{place} exists already, and nothing is overwritten.")
        for place, text in (*beside.items(), (path, data)):
            write(text, place)
    return list(made)


def measure_music(trained: Trained, data: Path, *, count: int, seed: int = 1) -> Measured:
    """MuseGAN's measures of `count` phrases beside those of pieces it learned from and others.

    Raises OptionError, ChoralesError.
    """
    pieces = read(data)
    rng = np.random.default_rng(seed)
    real = {
        name: rng.permutation(windows(grids, STEPS))[:count]
        for name, grids in (("train", pieces.train), ("held_out", pieces.held_out))
    }
    seeds = tuple(range(FIRST_SEED, FIRST_SEED + count))
    made = composed(trained, Sampling(seeds=seeds))
    found = {name: asdict(measure(grids)) for name, grids in ({"made": made} | real).items()}
    again = {
        name: copied(g, pieces.train)
        for name, g in (("made", made), ("held_out", real["held_out"]))
    }
    one, other = found["made"], found["held_out"]
    words = {
        "pitch_classes": "pitch classes a bar", "qualified_notes": "qualified notes",
        "tonal_distance": "tonal distance", "scale": "in scale", "onsets": "onsets a bar",
    }  # fmt: skip
    summary = (
        "; ".join(f"{text} {one[key]:.2f} ({other[key]:.2f})" for key, text in words.items())
        + f"; copied runs of 8 chords {again['made']:.1%} ({again['held_out']:.1%}); in brackets"
        f" pieces it never heard; n = {count}"
    )
    results = {"summary": summary, "measures": found, "copied": again, "n": count}
    return Measured(summary=summary, results=results)
