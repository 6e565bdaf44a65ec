"""Where texts go: a file with its provenance beside it, or an unmarked corpus for detectors.

A text itself can carry nothing that lasts. So NAME.txt gets NAME.json, which says in plain words
that a program wrote it, and NAME.c2pa, signed Content Credentials over its bytes.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Sample, Split
from unmask.datasets.manifest_file import read_manifest, write_manifest
from unmask.generate.outputs import OutputError, write
from unmask.generate.text.trained import TrainedText

# A text's bytes and the settings that it was made with -> what lies beside it, by ending.
TextMark = Callable[[bytes, str], Mapping[str, bytes]]
MANIFEST, ABOUT = "manifest.csv", "about.jsonl"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A text that a generator wrote."""

    name: str  # of its file, without a suffix
    text: str
    settings: str  # "seed 7, temperature 0.8"

    @property
    def data(self) -> bytes:
        """As a file holds it."""
        return f"{self.text}\n".encode()


def keep_marked_texts(made: Sequence[Written], target: Path, mark: TextMark) -> list[Path]:
    """One text where `target` ends in .txt, else a folder of them, each with its marks beside it.

    The marks are written before the text: no text lies there without them. Raises OutputError
    where a file exists already, or several texts are to go into one.
    """
    single = target.suffix.lower() == ".txt"
    if single and len(made) != 1:
        raise OutputError(f"{target} is one file for {len(made)} texts; name a folder.")
    paths = []
    for one in made:
        path = target if single else target / f"{one.name}.txt"
        beside = {path.with_suffix(end): data for end, data in mark(one.data, one.settings).items()}
        for place in (path, *beside):
            if place.exists():
                raise OutputError(f"{place} exists already, and nothing is overwritten.")
        for place, data in beside.items():
            write(data, place)
        paths.append(write(one.data, path))
    return paths


def keep_corpus(trained: TrainedText, made: Sequence[Written], folder: Path, split: Split) -> int:
    """Add texts without marks to a corpus for detectors, with its manifest; how many are new.

    Equal names are equal texts, or it raises DatasetError (DUPLICATE). UNREADABLE: the folder holds
    something else, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise DatasetError(
            DatasetReason.UNREADABLE, f"{folder} holds something else than a corpus of texts."
        )
    samples = read_manifest(folder / MANIFEST) if (folder / MANIFEST).is_file() else []
    generator = f"unmask-{trained.entry.name}"
    new = 0
    try:
        for one in made:
            path = folder / generator / f"{one.name}.txt"
            if path.is_file():
                if path.read_bytes() != one.data:
                    raise DatasetError(DatasetReason.DUPLICATE, f"{path} is another text.")
                continue
            write(one.data, path)
            _note(trained, one, path, folder)
            samples.append(
                Sample(
                    path=path, fake=True, generator=generator, corpus=folder.absolute().name,
                    source=f"{generator}/{one.name}", split=split,
                )
            )  # fmt: skip
            new += 1
        write_manifest(samples, folder / MANIFEST)
    except OSError as error:
        raise DatasetError(
            DatasetReason.UNREADABLE, f"{folder} cannot be written: {error}"
        ) from error
    return new


def _note(trained: TrainedText, one: Written, path: Path, folder: Path) -> None:
    """A line with all that is known of a text."""
    row = {
        "path": path.relative_to(folder).as_posix(),
        "label": "fake",
        "generator": f"unmask-{trained.entry.name}",
        "settings": one.settings,
        "licence": trained.card.licence if trained.card else "as of the data it was trained on",
        "weights": trained.card.sha256[:16] if trained.card else "",
        "sha256": hashlib.sha256(one.data).hexdigest(),
    }
    with (folder / ABOUT).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
