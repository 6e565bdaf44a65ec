"""Corpora for detectors, out of trained generators: what samples, translations and swaps share.

What is made of a photograph or a clip lies beside it, of the same pixels but for what the generator
did, and both are PNG: neither size nor encoding may stand for the label. All of it goes through
`datasets.corpus`, so that the same command goes on where it was stopped.
"""

from collections import Counter
from enum import StrEnum
from pathlib import Path

from unmask.datasets.corpus import Addition, Maker, write_corpus
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Split
from unmask.generate.game import Sampling
from unmask.generate.pictures import to_pixels
from unmask.generate.sampling import named, parts
from unmask.generate.trained import Trained, fingerprint

WRITTEN, THERE = "written", "there already"


class SplitRule(StrEnum):
    """How a photograph or a clip gets its split."""

    OWN = "own"  # as its data set says; drawn where there is none
    DRAW = "draw"  # by a hash of its source
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


# Parts of train and validation; the rest tests.
DRAWN = (0.8, 0.1)
SHARES = {
    SplitRule.OWN: None,
    SplitRule.DRAW: DRAWN,
    SplitRule.TRAIN: (1.0, 0.0),
    SplitRule.VALIDATION: (0.0, 1.0),
    SplitRule.TEST: (0.0, 0.0),
}


def maker_of(trained: Trained, way: str = "") -> Maker:
    """Who makes the fakes; a `way` such as "to-b" gets a folder of its own."""
    generator = f"unmask-{trained.entry.name}"
    return Maker(
        generator=generator,
        folder=f"{generator}-{way}" if way else generator,
        decoder=trained.entry.decoder,
        licence=trained.card.licence if trained.card else "as of the data that it was trained on",
        weights=fingerprint(trained),
    )


def told(counts: Counter[str]) -> str:
    """ "12 written, 3 there already, 1 without a face"."""
    kinds = dict.fromkeys((WRITTEN, THERE, *counts))
    return ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind] or kind == WRITTEN)


def require_some(counts: Counter[str], what: str) -> None:
    """Raise DatasetError, EMPTY, where not one `what` made a pair."""
    if not (counts[WRITTEN] or counts[THERE]):
        raise DatasetError(DatasetReason.EMPTY, f"Not one {what} made a pair: {told(counts)}.")


def keep_samples(trained: Trained, asked: Sampling, folder: Path, split: Split) -> Counter[str]:
    """Add pictures out of noise to a corpus. Raises OptionError, and as `write_corpus`."""
    maker, counts = maker_of(trained), Counter[str]()
    with write_corpus(folder) as corpus:
        for part in parts(asked):
            wanted = list(named(trained, part))
            there = [corpus.holds(maker, name, settings) for name, settings in wanted]
            counts[THERE] += sum(there)
            if all(there):
                continue
            made = to_pixels(trained.game.sample(part))
            for (name, settings), pixels, held in zip(wanted, made, there, strict=True):
                if held:
                    continue
                source = f"{maker.generator}/{name}"
                one = Addition(
                    name=name, fake=pixels, source=source, split=split, settings=settings
                )
                corpus.add(maker, one)
                counts[WRITTEN] += 1
    return counts
