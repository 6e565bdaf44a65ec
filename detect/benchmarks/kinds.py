"""Whether data are pictures, texts or speech, and which options make sense of which."""

import difflib
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from unmask.datasets import loaders
from unmask.datasets.loaders_speech import SPEECH
from unmask.datasets.loaders_text import TEXT_CONVENTIONS, text_convention_of
from unmask.datasets.loaders_tree import SOUNDS, DatasetError, DatasetReason
from unmask.detect.benchmarks.items import Medium
from unmask.detect.evaluation.selection import EvaluationError

_SPEECH = frozenset(name for name, *_ in SPEECH)
_OPTIONS = {  # parameter of the command -> (how it is written, of which data it is)
    "perturb": ("--perturb", {Medium.PICTURES}),
    "base": ("--base", {Medium.PICTURES}),
    "crop": ("--crop", {Medium.PICTURES}),
    "validation": ("--validation", {Medium.PICTURES}),
    "words": ("--words", {Medium.TEXTS}),
    "encode": ("--encode", {Medium.SPEECH}),
    "asv": ("--asv", {Medium.SPEECH}),
}


def medium_of(places: Sequence[str]) -> Medium:
    """What the data are. Raises EvaluationError where they are of several kinds, DatasetError."""
    found = {place: _medium(place) for place in places}
    if len(set(found.values())) > 1:
        said = ", ".join(f"{medium} ({place})" for place, medium in found.items())
        raise EvaluationError(f"One evaluation is of one kind of data; here are {said}.")
    return next(iter(found.values()), Medium.PICTURES)


def _medium(place: str) -> Medium:
    _refuse_unknown(place)
    texts = text_convention_of(place)
    try:
        convention = loaders.convention_of(place)
    except DatasetError as error:
        if texts:
            return Medium.TEXTS
        if error.reason is DatasetReason.UNRECOGNISED:
            names = ", ".join(c.name for c in TEXT_CONVENTIONS)
            message = f"{error}\nTexts are known as {names}."
            raise DatasetError(error.reason, message) from error
        raise
    if texts:
        raise EvaluationError(
            f"{place} holds texts and more: say {texts}:{place} for the texts, or "
            f"{convention}:{place} for the others."
        )
    if convention in _SPEECH:
        return Medium.SPEECH
    return _of_manifest(place) if convention == "manifest" else Medium.PICTURES


def _refuse_unknown(place: str) -> None:
    """A prefix that no loader has, of pictures, speech or texts."""
    prefix, colon, _ = place.partition(":")
    known = [*(c.name for c in loaders.CONVENTIONS), *(c.name for c in TEXT_CONVENTIONS)]
    name = re.sub(r"[^a-z0-9]", "", prefix.lower())
    if (
        not colon
        or name in known
        or Path(place).exists()
        or not re.fullmatch(r"[\w+-]{2,}", prefix)
    ):
        return
    near = difflib.get_close_matches(name, [c.name for c in TEXT_CONVENTIONS], n=1)
    if near:
        raise DatasetError(
            DatasetReason.UNKNOWN_CONVENTION,
            f"no convention {prefix!r}; did you mean {near[0]!r}? (there are {', '.join(known)})",
        )


def _of_manifest(place: str) -> Medium:
    samples = loaders.load(place, both_classes=False)
    sounds = sum(s.path.suffix.lower() in SOUNDS for s in samples)
    if 0 < sounds < len(samples):
        raise EvaluationError(
            f"{place} has {sounds} recordings and {len(samples) - sounds} other files: one "
            "evaluation is of one kind of data."
        )
    return Medium.SPEECH if sounds else Medium.PICTURES


def refuse_options(medium: Medium, given: Collection[str]) -> None:
    """Raises EvaluationError for an option, by its parameter's name, that means nothing here."""
    for name in given:
        written, media = _OPTIONS.get(name, ("", set(Medium)))
        if medium not in media:
            (of,) = media
            raise EvaluationError(f"{written} is for {of}, and the data are {medium}.")
