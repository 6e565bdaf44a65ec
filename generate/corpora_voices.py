"""Converted voices beside their recordings, for detectors: `convert --unmarked`.

They join a corpus that `python -m unmask.datasets.speech` built, as a family of its own.
"""

from dataclasses import replace
from pathlib import Path

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.speech_manifest import FAMILIES, read_speech
from unmask.datasets.speech_shelf import Shelf
from unmask.datasets.speech_signal import decoded, finished
from unmask.generate.audio.converting import SHORTEST, convert, voice_game
from unmask.generate.trained import Trained, fingerprint

FAMILY = "maskcyclegan-vc"


def keep_conversions(trained: Trained, corpus: Path, to: str, speaker: str) -> int:
    """Add a fake to a corpus for every recording of `speaker`, in the voice `to`; how many.

    Only what the split of the family may hold, and that is not there yet; length, band, level and
    fades are those of the recording. Raises DatasetError (EMPTY: the corpus has no such recording)
    and OptionError.
    """
    game, setting = voice_game(trained), f"to-{to}-{fingerprint(trained)[:8]}"
    real = [
        u
        for u in read_speech(corpus)
        if not u.fake and u.speaker == speaker and u.split is FAMILIES[FAMILY]
    ]
    if not real:
        raise DatasetError(
            DatasetReason.EMPTY,
            f"{corpus} has no recording of {speaker} for {FAMILIES[FAMILY]}, which conversions are"
            " in.",
        )
    shelf, added = Shelf(corpus), 0
    for one in real:
        path = corpus / f"{FAMILY}__{setting}" / one.path.name
        if shelf.has(path) or one.seconds < SHORTEST:
            continue
        made = convert(game, decoded(one.path.read_bytes(), one.path.name)[0], to)
        fake = replace(
            one, path=path, fake=True, generator=f"{FAMILY}:{setting}", family=FAMILY,
            engine="voice-conversion",
        )  # fmt: skip
        shelf.add(finished(made, one.band), fake)
        added += 1
    shelf.close()
    return added
