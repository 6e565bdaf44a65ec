"""Two voices of one language, to convert one into the other: the fish of Fish Fillets.

    python -m unmask.datasets.voice_pair --language nl --out VOICES

    VOICES/{train,validation,test}/{large-fish,small-fish}/*.wav    16-bit mono, 16 kHz

The large fish is a male voice and the small one a female one: by the game, and by a median pitch
of 133 and 207 Hz in Dutch, 129 and 274 Hz in Czech (30 lines each); who speaks is not said. They
say different lines. The parts are cut by level of the game, in the order of names, so that no
dialogue is in two of them. The few lines that both fish say word by word in Dutch are in the test
part, under one name in both folders, as sets of parallel recordings have it (VCC 2018); they were
found by comparing the texts of the game.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer
from rich.console import Console

from unmask.datasets.loaders_tree import SOUNDS, SPLIT_NAMES, DatasetError, DatasetReason
from unmask.datasets.manifest import Split, draw
from unmask.datasets.photographs_archive import ArchiveError
from unmask.datasets.photographs_fetch import FetchError, fetch_package
from unmask.datasets.photographs_packages import Package
from unmask.datasets.speech_signal import RATE, WIDE, at_rate, decoded, finished, spoken, to_pcm
from unmask.datasets.speech_sources import SOURCES, Clip, clips
from unmask.errors import MediaError

app = typer.Typer(add_completion=False, help=__doc__)
LANGUAGES = ("nl", "cs")
FISH = {"v": "large-fish", "m": "small-fish"}  # velka, mala: the large and the small one
_SHORTEST = 0.7  # s
_TRAINED, _VALIDATED = 0.7, 0.1  # parts of the levels; the rest tests
_SHARES = (0.75, 0.1)  # of the recordings where a folder has no parts of its own
# Lines with one text: of the large fish, and of the small one.
PARALLEL = {
    "nl": {
        "eindelijk": ("engine/mot-v-konecne0", "engine/mot-m-konecne1"),
        "hoezo": ("cabin1/k1-v-proc", "dump/sm-m-proc"),
        "schildpad": ("turtle/zel-v-tazelva", "turtle/zel-m-tazelva"),
        "wat": ("imprisoned/ncp-v-ceho", "chest/tru-m-co"),
    },
    "cs": {},
}


@dataclass(frozen=True, kw_only=True)
class VoicePair:
    """Recordings of two people; those of one name in both say the same words."""

    names: tuple[str, str]  # of the folders: the first by name is "a"
    a: tuple[Path, ...]
    b: tuple[Path, ...]

    @property
    def parallel(self) -> tuple[tuple[Path, Path], ...]:
        """Recordings of the same words."""
        theirs = {path.stem: path for path in self.b}
        return tuple((path, theirs[path.stem]) for path in self.a if path.stem in theirs)


def read_pair(folder: Path, split: Split) -> VoicePair:
    """The recordings of one part of a set of two voices.

    A set is two folders named after the speakers, or `train`, `validation` and `test` with those
    in them. Without parts they are drawn by the recording's name. Raises DatasetError: NOT_FOUND,
    UNRECOGNISED or EMPTY.
    """
    if not folder.is_dir():
        raise DatasetError(
            DatasetReason.NOT_FOUND,
            f"There is no folder {folder}. Give one with two folders of recordings in it, one a"
            " speaker, or build one: python -m unmask.datasets.voice_pair --out VOICES",
        )
    inner = {SPLIT_NAMES[p.name]: p for p in _folders(folder) if p.name in SPLIT_NAMES}
    if inner and split not in inner:
        raise DatasetError(DatasetReason.EMPTY, f"{folder} has no part for {split}.")
    home = inner.get(split, folder)
    speakers = _folders(home)
    if len(speakers) != 2:
        seen = ", ".join(p.name for p in speakers) or "none"
        raise DatasetError(
            DatasetReason.UNRECOGNISED,
            f"{home} does not hold two voices: two folders were looked for, there is {seen}.",
        )
    a, b = (
        tuple(p for p in _sounds(speaker) if inner or draw(p.stem, _SHARES) is split)
        for speaker in speakers
    )
    if not (a and b):
        raise DatasetError(DatasetReason.EMPTY, f"{home}: a voice without recordings for {split}.")
    return VoicePair(names=(speakers[0].name, speakers[1].name), a=a, b=b)


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _sounds(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SOUNDS)


def build(archive: Path, language: str, out: Path) -> dict[str, int]:
    """Write the set from a package of the game; how many recordings came into each part.

    Lines of less than 0.7 s, or without sound, are left out, and silence at the ends. What is there
    is kept. Raises ArchiveError.
    """
    source = next(s for s in SOURCES if s.name == f"fillets-{language}")
    found = list(clips(source, archive))
    levels = sorted({_level(clip) for clip in found})
    counts: dict[str, int] = {}
    for clip in found:
        place = _place(clip, levels, language)
        try:
            wave = at_rate(*decoded(clip.data, clip.name))
        except MediaError:  # a line of the game that was never recorded is an empty file
            continue
        first, last = spoken(wave)
        if last - first < _SHORTEST * RATE:
            continue
        target = out / place
        counts[str(target.parent.relative_to(out))] = (
            counts.get(str(target.parent.relative_to(out)), 0) + 1
        )
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_suffix(".part")
            unfinished.write_bytes(to_pcm(finished(wave[first:last], WIDE)))
            unfinished.replace(target)
    return counts


def _level(clip: Clip) -> str:
    return PurePosixPath(clip.name).parts[-3]


def _place(clip: Clip, levels: list[str], language: str) -> Path:
    """Part, speaker and name of a line."""
    fish = clip.speaker[-1]
    line = f"{_level(clip)}/{PurePosixPath(clip.name).stem}"
    for text, lines in PARALLEL[language].items():
        if line == lines["vm".index(fish)]:
            return Path(Split.TEST, FISH[fish], f"parallel-{text}.wav")
    part = levels.index(_level(clip)) / len(levels)
    split = Split.TEST
    if part < _TRAINED + _VALIDATED:
        split = Split.TRAIN if part < _TRAINED else Split.VALIDATION
    return Path(split, FISH[fish], line.replace("/", "-") + ".wav")


@app.command()
def main(
    out: Annotated[Path, typer.Option(file_okay=False, help="folder of the set")],
    language: Annotated[str, typer.Option(help="nl or cs")] = "nl",
    downloads: Annotated[Path, typer.Option(file_okay=False, help="keeps the package")] = Path(
        "downloads"
    ),
) -> None:
    """Fetch the package and write the set."""
    console = Console()
    if language not in LANGUAGES:
        console.print(f"There are {' and '.join(LANGUAGES)}, not {language}.")
        raise typer.Exit(2)
    source = next(s for s in SOURCES if s.name == f"fillets-{language}")
    assert isinstance(source.where, Package)
    try:
        folder = downloads / f"{source.where.tool}-{source.where.name}"
        counts = build(fetch_package(source.where, folder), language, out)
    except (FetchError, ArchiveError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    for part, count in sorted(counts.items()):
        console.print(f"{part}: {count}", markup=False)


if __name__ == "__main__":
    app()
