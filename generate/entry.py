"""What the catalogue knows of a game: how it is built, what it learns from, what it costs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from unmask.generate.game import Batches, Game
from unmask.generate.training import TrainConfig

PHOTOGRAPHS = "photographs"  # a kind, of `Entry.kinds`


class Task(StrEnum):
    """What a trained generator does."""

    SAMPLE = "sample"  # pictures out of noise
    TRANSLATE = "translate"  # a picture of one kind into one of another
    SWAP = "swap"  # a face into another person's
    SOUND = "sound"  # notes out of noise
    CONVERT = "convert"  # a voice into another
    MUSIC = "music"  # a score out of noise


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One size of a game."""

    build: Callable[[], Game]  # untrained, from torch's random numbers
    config: TrainConfig
    side: int  # pixels a side of the pictures; of sounds, the bins of their spectra
    cost: str  # "6 minutes on two cores": measured, or said to be an estimate


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A game in the catalogue."""

    name: str  # on the command line
    title: str  # a few words for people
    task: Task
    papers: tuple[str, ...]
    decoder: str  # how it makes large pictures from small ones: what detectors tell generators by
    needs: str  # what a folder of data must hold, and how to get it
    load: Callable[[Path, int, Path | None], Batches]  # folder, side, cache of decoded pictures
    profiles: Mapping[str, Profile]  # "tiny": in minutes on two cores; "full": one GPU
    kinds: tuple[str, str] = ("a", "b")  # what the domains a and b of a translator show
