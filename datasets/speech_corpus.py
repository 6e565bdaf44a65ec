"""The steps that make a corpus of speech: real utterances, copies, engines, published fakes."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unmask.datasets.manifest import CAMERA, Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_engines import Engine, spoken_text, voices
from unmask.datasets.speech_manifest import FAMILIES, REAL, Utterance
from unmask.datasets.speech_published import Published
from unmask.datasets.speech_shelf import Shelf
from unmask.datasets.speech_signal import (
    LONGEST,
    NARROW,
    RATE,
    SHORTEST,
    at_rate,
    cuts,
    decoded,
    finished,
    spoken,
    tight,
)
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_sources import Clip, Source, clips
from unmask.datasets.speech_vocoders import (
    COPYING,
    GAN_COPYING,
    NARROW_ONLY,
    PUBLISHED_COPYING,
    Vocoder,
)
from unmask.errors import MediaError

_PAUSE = (0.06, 0.2)  # s between words that are joined


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A real utterance before it is finished: what copies are made from."""

    wave: Wave  # 16 kHz
    band: int
    clip: Clip
    source: Source
    name: str  # corpus/clip-number
    start: int  # first sample within the clip at 16 kHz


def seed_of(*names: str) -> int:
    """The seed of a step, by its names: it does not depend on what was done before it."""
    return int.from_bytes(hashlib.sha256("/".join(names).encode()).digest()[:8], "big")


def real_pieces(source: Source, place: Path, minutes: float | None) -> Iterator[Piece]:
    """The utterances of a source, so many minutes of each speaker; files that do not decode are
    left out."""
    left: dict[str, float] = defaultdict(lambda: 60 * (minutes or source.minutes))
    found = _joined(source, place) if source.joined else _decoded(source, place)
    for clip, wave in found:
        if left[clip.speaker] <= 0:
            continue
        rng = np.random.default_rng(seed_of(source.name, clip.name))
        # A third of the tests' wide recordings become narrow ones, for the vocoders of telephony.
        narrow = source.band == NARROW or (
            clip.split is Split.TEST and not _is_published(source) and rng.random() < 1 / 3
        )
        band = NARROW if narrow else source.band
        wave = at_rate(wave, RATE, band)
        aim = float(rng.uniform(3.6, 6.6))
        for n, (first, last) in enumerate(cuts(wave, aim, source.shortest)):
            left[clip.speaker] -= (last - first) / RATE
            name = f"{source.name}/{_plain(clip.name)}-{n}"
            piece = wave[first:last]
            yield Piece(wave=piece, band=band, clip=clip, source=source, name=name, start=first)


def add_real(shelf: Shelf, piece: Piece) -> None:
    """The recording itself."""
    path = shelf.folder / REAL / f"{piece.name.replace('/', '__')}.wav"
    if not shelf.has(path):
        utterance = _of_piece(piece, path, fake=False, generator=CAMERA, family=REAL, engine=REAL)
        shelf.add(finished(piece.wave, piece.band), utterance)


def add_copies(
    shelf: Shelf, piece: Piece, vocoders: Sequence[Vocoder], copies: int, skipped: dict[str, str]
) -> None:
    """Copy-syntheses by so many of the families that its split may see; if any, by GANs besides.

    One is ours, and every published one copies.

    What has published fakes gets no others: a corpus with more fakes would be a label.
    """
    if _is_published(piece.source):
        return
    more = min(copies, 1)
    for family in (
        *_drawn(COPYING, piece, copies),
        *_drawn(GAN_COPYING, piece, more),
        *_drawn(PUBLISHED_COPYING, piece, more * len(PUBLISHED_COPYING)),
    ):
        settings = [v for v in vocoders if v.family == family]
        if not settings:
            continue
        rng = np.random.default_rng(seed_of("setting", family, piece.name))
        vocoder = settings[int(rng.integers(len(settings)))]
        folder = f"{family}__{vocoder.setting}"
        path = shelf.folder / folder / f"{piece.name.replace('/', '__')}.wav"
        if shelf.has(path):
            continue
        try:
            wave = vocoder.vocode(finished(piece.wave, piece.band))
        except MissingEngineError as error:
            skipped[family] = str(error)
            continue
        shelf.add(
            finished(wave, piece.band),
            _of_piece(
                piece,
                path,
                fake=True,
                generator=vocoder.name,
                family=family,
                engine="copy-synthesis",
            ),
        )


def _drawn(families: Sequence[str], piece: Piece, copies: int) -> list[str]:
    """So many of the families that copy this piece, by its name.

    As many of a narrow recording as of a wide one: a band with more fakes would be a label.
    """
    bands = {family: NARROW if family in NARROW_ONLY else None for family in families}
    split = [f for f in families if FAMILIES[f] is piece.clip.split]
    fitting = [f for f in split if bands[f] in (None, piece.band)]
    count = min(copies, sum(bands[f] is None for f in split))
    return sorted(fitting, key=lambda f: seed_of(f, piece.name))[:count]


def add_spoken(shelf: Shelf, engine: Engine, count: int, seed: int) -> None:
    """`count` texts said by an engine, as long and of the band as the split's real utterances.

    Raises MissingEngineError.
    """
    split = FAMILIES[engine.name]
    models = sorted(
        (u for u in shelf.utterances.values() if not u.fake and u.split is split),
        key=lambda u: u.path,
    )
    chosen = voices(engine, np.random.default_rng(seed_of(engine.name, str(seed))))
    for n, (language, voice) in zip(range(count if models else 0), chosen, strict=False):
        name = f"{engine.name}/{language}-{re.sub(r'[^A-Za-z0-9-]', '_', voice)}-{n:03d}"
        path = shelf.folder / engine.name / f"{name.split('/')[1]}.wav"
        if shelf.has(path):
            continue
        rng = np.random.default_rng(seed_of(name, str(seed)))
        model = models[int(rng.integers(len(models)))]
        wave = at_rate(spoken_text(engine, language, voice, model.seconds, rng), RATE, model.band)
        if not SHORTEST <= len(wave) / RATE <= LONGEST:
            continue
        utterance = Utterance(
            path=path,
            fake=True,
            generator=f"{engine.name}:{voice}",
            family=engine.name,
            engine="text-to-speech",
            source=name,
            corpus=engine.name,
            speaker=f"{engine.name}-{voice}",
            language=language,
            split=split,
            band=model.band,
            seconds=0.0,
            licence=engine.licence,
            sha256="",
        )
        shelf.add(finished(wave, model.band), utterance)


def with_published(
    piece: Piece, fakes: Iterable[Published]
) -> tuple[Piece, list[tuple[Published, Wave]]]:
    """The piece, and the fakes that others published of it, all cut to where all of them speak.

    Converted speech may begin later or softer than its original; silence must not tell it.
    """
    waves: list[tuple[Published, Wave]] = []
    first, last = 0, len(piece.wave)
    for fake in fakes:
        if fake.original == piece.clip.name:
            wave, rate = decoded(fake.path.read_bytes(), fake.path.name)
            wave = at_rate(wave, rate)[piece.start : piece.start + len(piece.wave)]
            begins, ends = tight(wave)
            first, last = max(first, begins), min(last, ends)
            waves.append((fake, wave))
    # Where the others begin now, the recording may be silent in turn.
    begins, ends = tight(piece.wave[first:last])
    first, last = first + begins, first + ends
    cut = replace(piece, wave=piece.wave[first:last], start=piece.start + first)
    return cut, [(fake, wave[first:last]) for fake, wave in waves]


def add_published(shelf: Shelf, piece: Piece, fakes: Iterable[tuple[Published, Wave]]) -> None:
    """The fakes that `with_published` found, beside their recording."""
    for fake, wave in fakes:
        path = shelf.folder / f"{fake.family}__{fake.setting}"
        path /= f"{piece.name.replace('/', '__')}.wav"
        if shelf.has(path):
            continue
        utterance = _of_piece(
            piece,
            path,
            fake=True,
            generator=f"{fake.family}:{fake.setting}",
            family=fake.family,
            engine=fake.engine,
        )
        shelf.add(finished(wave, piece.band), utterance)


def _decoded(source: Source, place: Path) -> Iterator[tuple[Clip, Wave]]:
    for clip in clips(source, place):
        try:
            wave, rate = decoded(clip.data, clip.name)
        except MediaError:
            continue
        yield clip, at_rate(wave, rate)


def _joined(source: Source, place: Path) -> Iterator[tuple[Clip, Wave]]:
    """Words of a speaker in a drawn order, with short pauses, until they are an utterance."""
    words: dict[str, list[tuple[Clip, Wave]]] = defaultdict(list)
    for clip, wave in _decoded(source, place):
        first, last = spoken(wave)
        words[clip.speaker].append((clip, wave[first:last]))
    for speaker in sorted(words):
        rng = np.random.default_rng(seed_of(source.name, speaker))
        parts: list[Wave] = []
        aim, number = rng.uniform(3.6, 6.6), 0
        for i in rng.permutation(len(words[speaker])):
            pause = np.zeros(int(rng.uniform(*_PAUSE) * RATE), np.float32)
            clip, word = words[speaker][i]
            parts += [word, pause]
            if sum(map(len, parts)) > aim * RATE:
                name = f"{speaker}-{number:03d}"
                joined = replace(clip, name=name, data=b"")
                yield joined, np.concatenate(parts)
                parts, aim, number = [], rng.uniform(3.6, 6.6), number + 1


def _of_piece(
    piece: Piece, path: Path, *, fake: bool, generator: str, family: str, engine: str
) -> Utterance:
    return Utterance(
        path=path,
        fake=fake,
        generator=generator,
        family=family,
        engine=engine,
        source=piece.name,
        corpus=piece.source.name,
        speaker=piece.clip.speaker,
        language=piece.clip.language,
        split=piece.clip.split,
        band=piece.band,
        seconds=0.0,
        licence=piece.source.licence,
        sha256="",
    )


def _is_published(source: Source) -> bool:
    """Whether fakes of its recordings were published: they keep the band that those have."""
    return source.name in {"hifigan-demo", "cyclegan-vc2"}


def _plain(name: str) -> str:
    """A file's name within a corpus: the last parts of the original's, without its suffix."""
    parts = Path(name).with_suffix("").parts
    keep = [p for p in parts if p not in {"wav", "sounds"}][-3:]
    return re.sub(r"[^\w.-]", "_", "_".join(keep))[-80:]
