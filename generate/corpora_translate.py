"""Photographs beside their translations, for detectors: `translate --unmarked`."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from unmask.datasets.blending import own_quality_jpeg
from unmask.datasets.corpus import Addition, CorpusWriter, Maker, stem_for, write_corpus
from unmask.datasets.loaders_tree import CLIPS, DatasetError, DatasetReason
from unmask.datasets.manifest import CORPORA, Sample
from unmask.datasets.pairs import middle
from unmask.datasets.reconstruct import LEAST, photographs
from unmask.errors import MediaError, UnmaskError
from unmask.evidence import Kind
from unmask.generate.alignment import FaceError
from unmask.generate.corpora import (
    DRAWN,
    SHARES,
    THERE,
    WRITTEN,
    SplitRule,
    maker_of,
    require_some,
)
from unmask.generate.pictures import Pixels
from unmask.generate.playing import profile_of
from unmask.generate.trained import Trained
from unmask.generate.translate import TranslationError, face_square, reconstruct, translate
from unmask.media import open_media

_LICENCES = {corpus.name: corpus.licence for corpus in CORPORA}


@dataclass(frozen=True, kw_only=True)
class TranslateOptions:
    """What is made of a set of photographs."""

    to: str = "b"
    back: bool = False  # there and back: the same scene, made by the generator
    face: bool = False  # the face alone, as the game was trained on
    face_model: Path | None = None
    side: int = 512  # at most so many pixels a side of the middle, where it is no face
    limit: int | None = None  # photographs of each corpus and split
    split: SplitRule = SplitRule.OWN
    licence: str = ""  # of the photographs


class LeftOutError(UnmaskError):
    """A photograph that makes no pair; the message says why in a few words."""


def keep_translations(
    trained: Trained, where: str, folder: Path, asked: TranslateOptions
) -> Counter[str]:
    """Add the photographs of a data set, each beside its translation, to a corpus.

    `where` is what `loaders.load` takes, or a plain folder of photographs, whose splits are drawn.
    Photographs that make no pair are left out and counted. Raises DatasetError (EMPTY: none made
    one), TranslationError (a way that the game does not hold), WeightsError (no YuNet).
    """
    maker = maker_of(trained, f"back-{asked.to}" if asked.back else f"to-{asked.to}")
    counts = Counter[str]()
    with write_corpus(folder) as corpus:
        for sample in _photographs(where, asked):
            try:
                counts[_translated(corpus, maker, trained, sample, asked)] += 1
            except LeftOutError as why:
                counts[str(why)] += 1
        require_some(counts, "photograph")
    return counts


def _photographs(where: str, asked: TranslateOptions) -> list[Sample]:
    """The photographs; those of a plain folder have no split of their own."""
    shares = SHARES[asked.split]
    if not where.startswith("real:"):
        try:
            return photographs([where], limit=asked.limit, shares=shares)
        except DatasetError as error:
            if error.reason is not DatasetReason.UNRECOGNISED:
                raise
        where = f"real:{where}"
    return photographs([where], limit=asked.limit, shares=shares or DRAWN)


def _translated(
    corpus: CorpusWriter, maker: Maker, trained: Trained, sample: Sample, asked: TranslateOptions
) -> str:
    """What became of a photograph. Raises LeftOutError."""
    side = profile_of(trained.entry, trained.profile).side if asked.face else asked.side
    cut = ("face" if asked.face_model else "square") if asked.face else "middle"
    # Frames of a clip share their source: the file's name keeps them apart.
    identity = f"{sample.source} {sample.path.name}"
    name = f"{stem_for(sample.path.stem, identity)}-{cut}{side}"
    settings = f"to {asked.to}{' and back' if asked.back else ''}, {cut} of {side} pixels"
    if corpus.holds(maker, name, settings):
        return THERE
    real, jpeg = _cut(sample.path, side, asked)
    through = partial(reconstruct, by=asked.to) if asked.back else partial(translate, to=asked.to)
    one = Addition(
        name=name,
        fake=_through_jpeg(through(trained.game.generator, real), jpeg),
        real=real,
        source=sample.source,
        split=sample.split,
        settings=settings,
        licence=asked.licence or _LICENCES.get(sample.corpus, "as of the photograph"),
        notes={"photograph": sample.path.name, "own_jpeg_tables": jpeg is not None},
    )
    corpus.add(maker, one)
    return WRITTEN


def _cut(path: Path, side: int, asked: TranslateOptions) -> tuple[Pixels, bytes | None]:
    """What the network is given of a photograph, and the JPEG whose block grid it still has.

    Raises LeftOutError.
    """
    if path.suffix.lower() in CLIPS:
        raise LeftOutError("no picture")
    try:
        media = open_media(path)
        if media.kind is not Kind.IMAGE:
            raise LeftOutError("no picture")
        if min(media.pixels.shape[:2]) < LEAST:
            raise LeftOutError(f"under {LEAST} pixels a side")
        if asked.face:
            return face_square(media.pixels, side, model=asked.face_model), None
        if media.data[:3] != b"\xff\xd8\xff":
            return middle(media.pixels, side), None
        with media.pillow() as image:
            # As stored, not turned by EXIF: else the grid of the JPEG would lie elsewhere.
            stored = np.asarray(image.convert("RGB"))
        return middle(stored, side), media.data
    except MediaError as error:
        raise LeftOutError("that cannot be read") from error
    except (TranslationError, FaceError) as error:
        raise LeftOutError("without a face") from error


def _through_jpeg(fake: Pixels, photograph: bytes | None) -> Pixels:
    """As its photograph went: the lack of a block grid must not give the fake away."""
    if photograph is None:
        return fake
    try:
        return own_quality_jpeg(fake, photograph)
    except MediaError as error:
        raise LeftOutError("that cannot be read") from error
