"""What the page "Generate" makes to be heard: pieces played, new music, voices converted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unmask.app.generating import MOST, Made
from unmask.datasets.speech_signal import RATE
from unmask.generate.audio.composing import composed, midi_of, piano_roll
from unmask.generate.audio.converting import convert, speech_of, voice_game
from unmask.generate.audio.render import render, spectrogram, wav
from unmask.generate.audio.scores import Score, midi_score, score_of
from unmask.generate.audio.sounding import note_game
from unmask.generate.game import OptionError, Sampling
from unmask.generate.outputs import Mark
from unmask.generate.pictures import png
from unmask.generate.text.outputs import TextMark
from unmask.generate.trained import Trained
from unmask.media import DEFAULT_LIMITS, open_bytes

MOST_NOTES = 2_000  # of a piece that the page plays
MOST_SECONDS = 300.0
MOST_MB = 4  # of a MIDI file
MOST_RECORDING_MB = 50
LIMITS = replace(DEFAULT_LIMITS, bytes=MOST_RECORDING_MB * 1024**2, duration=MOST_SECONDS, frames=2)


def score(name: str, data: bytes | None) -> Score:
    """A piece that comes with unmask, or the MIDI file that was brought. Raises ScoreError.

    OptionError: the piece is longer than the page plays.
    """
    found = score_of(name) if data is None else midi_score(data, "The file")
    if len(found) > MOST_NOTES or max(e.onset + e.length for e in found) > MOST_SECONDS:
        raise OptionError(
            f"The page plays {MOST_NOTES:,} notes and {MOST_SECONDS / 60:g} minutes at most;"
            " `unmask generate render` has no such bound."
        )
    return found


def played(trained: Trained, piece: Score, seeds: Sequence[int], mark: Mark) -> Made:
    """The piece as sound, its timbre going through those of the seeds. Raises OptionError."""
    game = note_game(trained)
    found = render(game, piece, seeds)
    settings = f"timbres {' to '.join(map(str, seeds))}"
    if found.folded:
        settings += f"; {found.folded} notes moved by octaves into its range"
    plain = wav(found.sound, found.rate)
    return Made(
        name="-".join([trained.entry.name, *map(str, seeds)]),
        settings=settings,
        marked=mark(plain, "audio/wav", settings, None),
        plain=plain,
        mime="audio/wav",
        drawn=png(spectrogram(found.sound, game.size.spectra)),
    )


def music(trained: Trained, seeds: Sequence[int], mark: TextMark) -> list[Made]:
    """Four bars for each seed, as MIDI with its provenance beside it. Raises OptionError."""
    if len(seeds) > MOST:
        raise OptionError(f"The page makes {MOST} phrases at once, not {len(seeds)}.")
    made = []
    for seed, grid in zip(seeds, composed(trained, Sampling(seeds=tuple(seeds))), strict=True):
        name, settings, data = f"{trained.entry.name}-{seed:06d}", f"seed {seed}", midi_of(grid)
        beside = {str(Path(name).with_suffix(end)): b for end, b in mark(data, settings).items()}
        made.append(
            Made(
                name=name, settings=settings, marked=data, plain=data, mime="audio/midi",
                drawn=png(piano_roll(grid)), beside=beside,
            )
        )  # fmt: skip
    return made


def converted(trained: Trained, data: bytes, voice: str, mark: Mark) -> Made:
    """What is said in a recording or clip, in the voice a or b. Raises MediaError, OptionError."""
    media = open_bytes(data, "the recording", limits=LIMITS)
    settings = f"to voice {voice}"
    speech = speech_of(media, "This file")
    plain = wav(convert(voice_game(trained), speech, voice), RATE)
    return Made(
        name=f"{trained.entry.name}-{voice}",
        settings=settings,
        marked=mark(plain, "audio/wav", settings, data),
        plain=plain,
        mime="audio/wav",
    )
