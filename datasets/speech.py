"""Builds a corpus of speech, real and synthesised, to train and test audio detectors on.

    python -m unmask.datasets.speech --out DIR [--data SHARED] [--parts copies --parts engines ...]

Real recordings come from packages that the user's own tools fetch, and from the research folder
where `--data` names it. Every one of them is copied by vocoders that its split may see; engines of
text-to-speech speak besides, and fakes that were published join the originals they were made from.

    DIR/real/*.wav, DIR/<family>__<setting>/*.wav, DIR/<engine>/*.wav    16-bit mono, 16 kHz
    DIR/manifest.csv    what `speech_manifest.read_speech` and `loaders.load` read
    DIR/about.jsonl     a line a file, as soon as it is written: a stopped build goes on

The splits: no speaker of real speech, no family of synthesis and, English apart, no language that
is trained on is also tested (`speech_manifest.FAMILIES`, `speech_sources`; `faults` checks it).

    train        Griffin-Lim, phase vocoder, WORLD, sinusoids, neural with transposed convolutions,
                 GANs of ours with them and by repetition, two published HiFi-GANs; eSpeak NG,
                 Pico, Hibari
    validation   LPC, neural with repetition, another published HiFi-GAN, VITS; Flite
    test         Codec 2, neural with an inverse STFT; Festival, Kokoro; HiFi-GAN, MelGAN,
                 CycleGAN-VC2

What is not as unseen as it looks: CycleGAN-VC2 converts spectra but synthesises by WORLD, which is
trained on. HiFi-GAN and MelGAN of the test are their authors' own files; two HiFi-GANs of other
weights and voices are trained on, one of them by the same authors, and a third one chooses, so that
their architecture is known and what they learned is not. Hibari, which is trained on, learned to
speak from one voice of Kokoro's, which speaks in the test with others. Festival and Flite come from
the same laboratories, though no voice is in both. Codec 2 is speech coding: a parametric vocoder
here, an honest radio elsewhere. Copies of a recording that was once Vorbis or MP3 are copies of
that.

Format says nothing of the class: one container, rate, filter, level and fade for all, fakes keep
the length and band of the real utterance that they copy or that was drawn for them
(`speech_leaks` measures it).
"""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from unmask.datasets.photographs_archive import ArchiveError
from unmask.datasets.photographs_fetch import FetchError, fetch_package
from unmask.datasets.photographs_packages import Package
from unmask.datasets.speech_corpus import (
    add_copies,
    add_published,
    add_real,
    add_spoken,
    real_pieces,
    with_published,
)
from unmask.datasets.speech_engines import ENGINES, Engine, missing
from unmask.datasets.speech_engines_packages import PACKAGED
from unmask.datasets.speech_kokoro import kokoro
from unmask.datasets.speech_manifest import Utterance, faults
from unmask.datasets.speech_published import published
from unmask.datasets.speech_shelf import Shelf
from unmask.datasets.speech_signal import RATE
from unmask.datasets.speech_sources import SOURCES, Source
from unmask.datasets.speech_vits import piper
from unmask.datasets.speech_vocoders import Vocoder, shipped_vocoders
from unmask.errors import UnmaskError


class Part(StrEnum):
    """What a build adds to the real recordings, which it always has."""

    COPIES = "copies"
    ENGINES = "engines"
    PUBLISHED = "published"


@dataclass(frozen=True, kw_only=True)
class Options:
    """How large a corpus becomes."""

    minutes: float | None = None  # of real speech a speaker; None: what each source says
    copies: int = 2  # copy-syntheses of each real utterance
    spoken: int = 60  # texts that each engine says
    seed: int = 0  # of voices and texts
    parts: frozenset[Part] = frozenset(Part)


@dataclass(kw_only=True)
class Built:
    """What a build made, and what it went without, with the reason."""

    utterances: list[Utterance] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def build(
    out: Path,
    downloads: Path,
    data: Path | None,
    options: Options,
    *,
    sources: Sequence[Source] = SOURCES,
    engines: Sequence[Engine] | None = None,
    vocoders: Sequence[Vocoder] | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make or grow the corpus at `out`; goes on without what cannot be had, and says so.

    Raises DatasetError where not one utterance could be made, or the folder holds a broken corpus.
    """
    out.mkdir(parents=True, exist_ok=True)
    shelf, built = Shelf(out), Built()
    vocoders = shipped_vocoders(downloads) if vocoders is None else vocoders
    if engines is None:
        engines = (*ENGINES, *PACKAGED, piper(downloads), kokoro(downloads))
    for source in sources:
        with _step(progress, source.name):
            try:
                place = _place(source, downloads, data)
                _add_source(shelf, source, place, data, vocoders, options, built)
            except (FetchError, ArchiveError, FileNotFoundError) as error:
                built.skipped[source.name] = str(error)
    for engine in engines if Part.ENGINES in options.parts else ():
        with _step(progress, engine.name):
            if reason := missing(engine):
                built.skipped[engine.name] = reason
            else:
                add_spoken(shelf, engine, options.spoken, options.seed)
    built.utterances = shelf.close()
    return built


def _place(source: Source, downloads: Path, data: Path | None) -> Path:
    """The archive or the research folder of a source. Raises FetchError, FileNotFoundError."""
    if isinstance(source.where, Package):
        package = source.where
        return fetch_package(package, downloads / f"{package.tool}-{package.slug}")
    if data is None:
        raise FileNotFoundError("it is in the research folder, which --data names")
    return data


def _add_source(
    shelf: Shelf,
    source: Source,
    place: Path,
    data: Path | None,
    vocoders: Sequence[Vocoder],
    options: Options,
    built: Built,
) -> None:
    fakes = list(published(data)) if data and Part.PUBLISHED in options.parts else []
    for whole in real_pieces(source, place, options.minutes):
        piece, found = with_published(whole, fakes)
        if len(piece.wave) < source.shortest * RATE:
            continue
        add_real(shelf, piece)
        if Part.COPIES in options.parts:
            add_copies(shelf, piece, vocoders, options.copies, built.skipped)
        add_published(shelf, piece, found)


@contextmanager
def _step(progress: Progress | None, name: str) -> Iterator[None]:
    task = progress.add_task(name, total=1) if progress else None
    yield
    if progress and task is not None:
        progress.advance(task)


def main(
    out: Annotated[Path, typer.Option(file_okay=False, help="folder to build or to grow")],
    data: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="the research folder")
    ] = None,
    downloads: Annotated[
        Path | None, typer.Option(file_okay=False, help="keeps the fetched packages for next time")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="of real speech a speaker; default: by source")
    ] = None,
    copies: Annotated[int, typer.Option(min=0, help="vocoders for each real utterance")] = 2,
    spoken: Annotated[int, typer.Option(min=0, help="texts that each engine says")] = 60,
    seed: Annotated[int, typer.Option(help="of voices and texts")] = 0,
    parts: Annotated[
        list[Part] | None, typer.Option(help="beside real speech: all by default; may be repeated")
    ] = None,
) -> None:
    """Build a corpus of real and synthesised speech."""
    console = Console(stderr=True)
    options = Options(
        minutes=minutes,
        copies=copies,
        spoken=spoken,
        seed=seed,
        parts=frozenset(parts or Part),
    )
    with tempfile.TemporaryDirectory() as scratch, Progress(console=console) as progress:
        try:
            built = build(out, downloads or Path(scratch), data, options, progress=progress)
        except UnmaskError as error:
            console.print(str(error), markup=False)
            raise typer.Exit(2) from error
    for name, reason in sorted(built.skipped.items()):
        console.print(f"{name}: left out, {reason}", markup=False)
    for line in report(built.utterances):
        console.print(line, markup=False)
    broken = faults(built.utterances)
    for line in broken:
        console.print(line, markup=False)
    raise typer.Exit(1 if broken else 0)


def report(utterances: Sequence[Utterance]) -> list[str]:
    """A line a split and family: how many utterances, how many minutes."""
    count: Counter[tuple[str, str]] = Counter()
    minutes: defaultdict[tuple[str, str], float] = defaultdict(float)
    for u in utterances:
        count[u.split.value, u.family] += 1
        minutes[u.split.value, u.family] += u.seconds / 60
    return [f"{s:10} {f:18} {count[s, f]:4} {minutes[s, f]:6.1f} min" for s, f in sorted(count)]


if __name__ == "__main__":
    typer.run(main)
