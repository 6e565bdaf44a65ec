"""Pieces to play: MIDI files, and two preludes of Bach as note data (their notes are free)."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import mido

from unmask.errors import UnmaskError

FOLDER = Path(__file__).with_name("scores")
TEMPO = 66  # quarter notes a minute, of pieces that say nothing
_NOTE = re.compile(r"([A-G])(#|b)?(\d)", re.ASCII)
_TOKEN = re.compile(r"([A-G#b\d+]+)(?::(\d+))?(?:/(\d+))?", re.ASCII)
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MOST_BYTES = 4 << 20
_MOST_NOTES = 50_000
_MOST_SECONDS = 1800.0
_DRUMS = 9  # General MIDI's channel of drums, from 0


class ScoreError(UnmaskError):
    """A piece that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One note of a piece."""

    onset: float  # seconds
    length: float  # seconds
    pitch: int  # MIDI, 60 is middle C
    velocity: int = 90  # 1 to 127


Score = tuple[Event, ...]


def pieces() -> tuple[str, ...]:
    """The names of the pieces that come with unmask."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


def score_of(name: str, tempo: float | None = None) -> Score:
    """A piece by its name, or a MIDI file, in order of its notes.

    `tempo` is in quarter notes a minute; a MIDI file keeps its own without one. Raises ScoreError.
    """
    if name in pieces():
        return parse((FOLDER / f"{name}.txt").read_text(), tempo or TEMPO)
    return read_midi(Path(name), tempo)


def parse(text: str, tempo: float = TEMPO) -> Score:
    """Notes as the files of this package write them: see the head of each. Raises ScoreError."""
    sixteenth = 15 / tempo
    at, events = 0, []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        for token in line.split():
            found = _TOKEN.fullmatch(token)
            if found is None:
                raise ScoreError(f"{token!r} is no note.")
            names, step, sounding = found[1].split("+"), int(found[2] or 1), found[3]
            length = int(sounding or step) * sixteenth
            events += [
                Event(onset=at * sixteenth, length=length, pitch=pitch_of(name)) for name in names
            ]
            at += step
    return tuple(events)


def pitch_of(name: str) -> int:
    """ "C4" is 60. Raises ScoreError."""
    found = _NOTE.fullmatch(name)
    if found is None:
        raise ScoreError(f"{name!r} is no note.")
    return 12 * (int(found[3]) + 1) + _STEPS[found[1]] + {"#": 1, "b": -1, None: 0}[found[2]]


def read_midi(path: Path, tempo: float | None = None) -> Score:
    """`midi_score` of a file. Raises ScoreError."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ScoreError(f"{path.name} is too large for a piece of music.")
        data = path.read_bytes()
    except OSError as error:
        raise ScoreError(f"{path.name} is no MIDI file that can be read.") from error
    return midi_score(data, path.name, tempo)


def midi_score(data: bytes, name: str, tempo: float | None = None) -> Score:
    """The notes of a MIDI file, without its drums; those that never end are left out.

    Raises ScoreError, with the file's name, for a file that is none, has no notes, or has too many.
    """
    if len(data) > _MOST_BYTES:
        raise ScoreError(f"{name} is too large for a piece of music.")
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
        if file.type == 2:
            raise ScoreError(f"{name} holds several pieces; one is played.")
        events = _events(file, tempo)
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ScoreError(f"{name} is no MIDI file that can be read.") from error
    if not events:
        raise ScoreError(f"{name} holds no notes.")
    return tuple(sorted(events, key=lambda e: (e.onset, e.pitch)))


def _events(file: mido.MidiFile, tempo: float | None) -> list[Event]:
    """Note-ons with their note-offs, at the file's tempo or a steady one."""
    now, beat = 0.0, 60 / (tempo or 120)
    held: dict[tuple[int, int], tuple[float, int]] = {}
    events: list[Event] = []
    for message in mido.merge_tracks(file.tracks):
        now += message.time / max(1, file.ticks_per_beat) * beat
        if now > _MOST_SECONDS or len(events) > _MOST_NOTES:
            raise ScoreError("The piece is longer than half an hour, or has over 50,000 notes.")
        if message.type == "set_tempo" and tempo is None:
            beat = message.tempo / 1e6
        if message.type not in ("note_on", "note_off") or message.channel == _DRUMS:
            continue
        key = message.channel, message.note
        if key in held:  # ended, or struck anew
            onset, velocity = held.pop(key)
            if now > onset:
                events.append(
                    Event(onset=onset, length=now - onset, pitch=message.note, velocity=velocity)
                )
        if message.type == "note_on" and message.velocity > 0:
            held[key] = now, message.velocity
    return events


def write_midi(score: Score, *, program: int = 42, tempo: float = TEMPO) -> bytes:
    """The piece as a MIDI file of one track; program 42 is General MIDI's cello."""
    file = mido.MidiFile(type=0, ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo)))
    track.append(mido.Message("program_change", program=program))
    ticks = 480 * tempo / 60
    changes = sorted(
        [(round(e.onset * ticks), 1, e) for e in score]
        + [(round((e.onset + e.length) * ticks), 0, e) for e in score],
        key=lambda change: change[:2],
    )
    now = 0
    for tick, on, event in changes:
        velocity = event.velocity if on else 0
        track.append(mido.Message("note_on", note=event.pitch, velocity=velocity, time=tick - now))
        now = tick
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()
