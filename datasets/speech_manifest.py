"""A corpus of speech: its manifest, and which family of synthesis may train, select or test.

The file is a manifest as `unmask.datasets.manifest_file` reads it, so `loaders.load` takes it too,
with more columns. A real recording has the generator "camera", which here is a microphone.
Whoever trains reads it by `read_speech`.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from unmask.datasets.loaders_table import fault, read_table, require_columns
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Split
from unmask.datasets.manifest_file import COLUMNS, samples_from

MANIFEST = "manifest.csv"
EXTRA = ("family", "engine", "speaker", "language", "band", "seconds", "licence", "sha256")
REAL = "real"  # family and engine of a recording

# A family is on one side of the splits as a whole, whatever its settings.
FAMILIES: Mapping[str, Split] = MappingProxyType(
    {
        "griffin-lim": Split.TRAIN,
        "phase-vocoder": Split.TRAIN,
        "world": Split.TRAIN,
        "sinusoidal": Split.TRAIN,
        "neural-transposed": Split.TRAIN,  # up-sampling by transposed convolution
        "gan-transposed": Split.TRAIN,  # of the class of HiFi-GAN, ours
        "gan-nearest": Split.TRAIN,  # the same, by repetition and convolution
        "hifi-gan-16k": Split.TRAIN,  # HiFi-GAN, published: weights and voices of its own
        "hifi-gan-universal": Split.TRAIN,  # HiFi-GAN of its authors, for any voice
        "espeak-ng": Split.TRAIN,
        "pico": Split.TRAIN,
        "hibari": Split.TRAIN,  # a small network that learned to speak from a voice of Kokoro's
        "maskcyclegan-vc": Split.TRAIN,  # ours, of the Dutch fish (`unmask generate convert`)
        "lpc": Split.VALIDATION,
        "neural-nearest": Split.VALIDATION,  # by repetition and convolution
        # Published ones, here because small ones of ours are all heard alike and choose nothing.
        "vits": Split.VALIDATION,
        "hifi-gan-french": Split.VALIDATION,  # HiFi-GAN, published: a smaller one at 22 kHz
        "flite": Split.VALIDATION,
        "codec2": Split.TEST,
        "neural-istft": Split.TEST,  # none: an inverse STFT is the last layer
        "festival": Split.TEST,
        "kokoro": Split.TEST,
        "hifi-gan": Split.TEST,
        "melgan": Split.TEST,
        "cyclegan-vc2": Split.TEST,
    }
)


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """A labelled recording of 3 to 8 seconds, 16-bit mono WAV at 16 kHz."""

    path: Path
    fake: bool
    generator: str  # family with its setting, such as "griffin-lim:mel80-16"; "camera" if real
    family: str  # of FAMILIES; "real"
    engine: str  # "copy-synthesis", "text-to-speech", "voice-conversion"; "real"
    source: str  # the utterance: a copy-synthesis carries the name of its real one
    corpus: str
    speaker: str
    language: str  # ISO 639-1
    split: Split
    band: int  # Hz: 16000, or 8000 where nothing is above 4 kHz
    seconds: float
    licence: str
    sha256: str  # of the file


def read_speech(path: Path) -> list[Utterance]:
    """The utterances of a manifest (or of the folder that holds it), in its order.

    Raises DatasetError as `read_manifest` does, and BAD_TABLE where a column of speech is missing.
    """
    path = path / MANIFEST if path.is_dir() else path
    rows = read_table(path)
    require_columns(path, rows, (*COLUMNS, *EXTRA), frozenset({*COLUMNS, *EXTRA}))
    found = []
    for row, sample in zip(rows, samples_from(path, rows, corpus=path.parent.name), strict=True):
        cells = row.cells
        try:
            band, seconds = int(cells["band"]), float(cells["seconds"])
        except ValueError as error:
            raise fault(path, row.line, DatasetReason.BAD_TABLE, str(error)) from error
        found.append(
            Utterance(
                path=sample.path,
                fake=sample.fake,
                generator=sample.generator,
                family=cells["family"],
                engine=cells["engine"],
                source=sample.source,
                corpus=sample.corpus,
                speaker=cells["speaker"],
                language=cells["language"],
                split=sample.split,
                band=band,
                seconds=seconds,
                licence=cells["licence"],
                sha256=cells["sha256"],
            )
        )
    return found


def write_speech(utterances: Iterable[Utterance], path: Path) -> None:
    """Write a manifest whose paths are relative to its folder, whole or not at all.

    Raises DatasetError (EMPTY); ValueError where a path is not below the folder.
    """
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow((*COLUMNS, *EXTRA))
    count = 0
    for u in sorted(utterances, key=lambda u: u.path.as_posix()):
        label = "fake" if u.fake else "real"
        place = u.path.relative_to(path.parent).as_posix()
        cells = [place, label, u.generator, u.source, u.corpus, u.split.value, u.family, u.engine]
        table.writerow(
            [*cells, u.speaker, u.language, u.band, f"{u.seconds:.3f}", u.licence, u.sha256]
        )
        count += 1
    if not count:
        raise DatasetError(DatasetReason.EMPTY, f"{path}: no utterances to write.")
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(out.getvalue(), encoding="utf-8")
    unfinished.replace(path)


def faults(utterances: Iterable[Utterance]) -> list[str]:
    """What breaks the rules of a corpus, in sentences; an empty list for a sound one.

    A speaker or a source of real speech in two splits, a family outside its split, a copy without
    its real recording in the same split, a language that is trained on and tested (English may be).
    """
    kept = list(utterances)
    said = []
    for what in ("speaker", "source"):
        splits: dict[str, set[Split]] = {}
        for u in kept:
            splits.setdefault(getattr(u, what), set()).add(u.split)
        said += [f"{what} {name} is in two splits" for name, s in splits.items() if len(s) > 1]
    for family in sorted({(u.family, u.split) for u in kept if u.fake}):
        if FAMILIES.get(family[0]) is not family[1]:
            said.append(f"family {family[0]} is in {family[1].value}")
    real = {(u.source, u.split) for u in kept if not u.fake}
    said += [
        f"{u.path.name} has no real counterpart"
        for u in kept
        if u.engine == "copy-synthesis" and (u.source, u.split) not in real
    ]
    trained = {u.language for u in kept if u.split is Split.TRAIN} - {"en"}
    tested = {u.language for u in kept if u.split is Split.TEST and not u.fake}
    return said + [f"language {name} is trained on and tested" for name in sorted(trained & tested)]


def digest(data: bytes) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
