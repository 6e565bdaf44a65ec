"""Labelled texts to train and measure on, and who may see which when."""

import hashlib
from dataclasses import dataclass

from unmask.datasets.manifest import Split

PERSON = "person"


@dataclass(frozen=True, kw_only=True)
class TextSample:
    """A labelled text."""

    text: str
    machine: bool
    generator: str  # "person" for what a person wrote
    domain: str  # news, essays, ...: where people's texts come from
    source: str  # names the prompt or the document: splits are drawn by it
    split: Split
    attack: str = ""  # what was done to the text so that detectors miss it: "homoglyph"
    decoding: str = ""  # how the model was asked for words: "greedy", "sampling"


def share_of(source: str) -> float:
    """A number in [0, 1) that belongs to a source for ever."""
    return int(hashlib.sha256(source.encode()).hexdigest()[:12], 16) / 16**12


def split_of(source: str, train: float, validation: float) -> Split:
    """By the name alone: these shares train and validate, the rest tests."""
    at = share_of(source)
    if at < train:
        return Split.TRAIN
    return Split.VALIDATION if at < train + validation else Split.TEST
