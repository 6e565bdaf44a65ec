"""A piece played by a generator of notes, its timbre wandering from one instrument to another.

Each note is made out of a point on the arc between two noises, as far along as its onset is in the
piece (Engel et al. 2019, "GANSynth", section 5.4).
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import wavfile
from torch import Tensor

from unmask.generate.audio.scores import Event, Score
from unmask.generate.audio.spectra import Spectra
from unmask.generate.controls import slerp
from unmask.generate.game import OptionError, noise_of
from unmask.generate.games.notes import NoteGame

Sound = NDArray[np.float32]  # (samples,) in [-1, 1]
ATTACK = 0.010  # seconds
RELEASE = 0.300  # seconds
PEAK = 0.89
_AT_ONCE = 16
_WIDEST = 4096  # pixels of a spectrogram


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A piece as sound."""

    sound: Sound
    rate: int  # Hz
    folded: int  # notes that were moved by octaves into the generator's range


def render(game: NoteGame, score: Score, seeds: Sequence[int]) -> Rendered:
    """Play the piece; its timbre goes through those of the seeds, evenly over its length.

    One seed is one timbre. Notes beyond the generator's range are moved by octaves, notes longer
    than it makes die away. Raises OptionError without seeds or notes.
    """
    if not seeds or not score:
        raise OptionError("A piece needs a note, and a seed for its timbre.")
    spectra, size = game.size.spectra, game.size
    keys = noise_of(seeds, size.z)
    end = max(event.onset + event.length for event in score) + RELEASE
    sound = np.zeros(round(end * spectra.rate) + spectra.samples, np.float32)
    folded = 0
    last = max(event.onset for event in score) or 1.0
    for part in _parts(score):
        pitches = [_folded(event.pitch, size.lowest, size.highest) for event in part]
        folded += sum(p != e.pitch for p, e in zip(pitches, part, strict=True))
        noise = torch.stack([along(keys, event.onset / last) for event in part])
        notes = spectra.synthesise(game.played(noise, pitches).cpu()).numpy()
        for event, note in zip(part, notes, strict=True):
            start = round(event.onset * spectra.rate)
            shaped = note * envelope(len(note), event.length, spectra.rate)
            sound[start : start + len(note)] += shaped * (event.velocity / 127)
    sound = sound[: round(end * spectra.rate)]
    peak = float(np.abs(sound).max())
    loud = sound * (PEAK / peak) if peak > 0 else sound
    return Rendered(sound=np.asarray(loud, np.float32), rate=spectra.rate, folded=folded)


def _parts(score: Score) -> Iterator[Score]:
    for at in range(0, len(score), _AT_ONCE):
        yield score[at : at + _AT_ONCE]


def along(keys: Tensor, t: float) -> Tensor:
    """(K, z) timbres -> (z,), 0 the first and 1 the last, on the arcs between neighbours."""
    place = t * (len(keys) - 1)
    first = min(int(place), max(0, len(keys) - 2))
    return keys[0] if len(keys) == 1 else slerp(keys[first], keys[first + 1], place - first)


def envelope(samples: int, length: float, rate: int) -> Sound:
    """(samples,) from 0 to 1: a short rise, `length` seconds held, and a fall at the end."""
    seconds = np.arange(samples) / rate
    rise = np.clip(seconds / ATTACK, 0, 1)
    fall = np.clip(1 - (seconds - length) / RELEASE, 0, 1)
    return np.asarray(rise * fall, np.float32)


def _folded(pitch: int, lowest: int, highest: int) -> int:
    while pitch < lowest:
        pitch += 12
    while pitch > highest:
        pitch -= 12
    return pitch


def wav(sound: Sound, rate: int) -> bytes:
    """A file of 16 bits."""
    out = io.BytesIO()
    wavfile.write(out, rate, (np.clip(sound, -1, 1) * 32767).round().astype(np.int16))
    return out.getvalue()


def spectrogram(sound: Sound, spectra: Spectra) -> NDArray[np.uint8]:
    """(bins, frames, 3) RGB, high tones above; a long piece is drawn narrower."""
    frames = -(-len(sound) // spectra.hop)
    long = Spectra(rate=spectra.rate, bins=spectra.bins, frames=frames)
    grey = (long.analyse(torch.from_numpy(sound)[None])[0, 0] + 1) * 127.5
    picture = np.asarray(grey.flip(0).numpy().round(), np.uint8)
    if frames > _WIDEST:
        picture = cv2.resize(picture, (_WIDEST, spectra.bins), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.applyColorMap(picture, cv2.COLORMAP_MAGMA)[:, :, ::-1], np.uint8)


def one_note(game: NoteGame, pitch: int, seed: int) -> Sound:
    """A single note as the generator makes it, at the piece's peak."""
    event = Event(onset=0.0, length=game.size.spectra.samples / game.size.spectra.rate, pitch=pitch)
    return render(game, (event,), (seed,)).sound
