"""Loaders of the field's speech corpora, in the folders and protocols that they are published in.

The ASVspoof challenges have a module of their own. WaveFake: Frank and Schoenherr, NeurIPS 2021.
In-the-Wild: Mueller et al., "Does audio deepfake detection generalize?", Interspeech 2022.

A sample's source is the speaker where the corpus names one, else the utterance. A real recording's
generator is "camera", which here is a microphone.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from unmask.datasets.loaders_speech_asvspoof import (
    fits_asvspoof5,
    fits_asvspoof2019,
    fits_asvspoof2021,
    read_asvspoof5,
    read_asvspoof2019,
    read_asvspoof2021,
)
from unmask.datasets.loaders_speech_trials import (
    Trial,
    key_of,
    samples_of,
    sounds_below,
    text_of,
)
from unmask.datasets.loaders_tree import SOUNDS, Tree, walk
from unmask.datasets.manifest import CAMERA, Sample, Split

_META = "meta.csv"


def fits_wavefake(tree: Tree) -> bool:
    """Folders such as `ljspeech_melgan` and `jsut_parallel_wavegan`."""
    return any(_generator(parts[-1]) for parts in tree.folders)


def read_wavefake(root: Path) -> Iterator[Sample]:
    """`[generated_audio/]<corpus>_<generator>/<utterance>_gen.wav`, and the originals.

    These are the other recordings below the root, as LJSpeech-1.1/wavs and jsut_ver1.1 have them.
    There is no official split: all is TEST. The source is the utterance, for real and fake.
    """
    for parts in walk(root, SOUNDS):
        folder = next((p for p in parts[:-1] if _generator(p)), "")
        name = re.sub(r"_gen(erated)?$", "", Path(parts[-1]).stem)
        yield Sample(
            path=root.joinpath(*parts),
            fake=bool(folder),
            generator=_generator(folder) or CAMERA,
            corpus="wavefake",
            source=f"wavefake/{name}",
            split=Split.TEST,
        )


def fits_inthewild(tree: Tree) -> bool:
    """`meta.csv` with file, speaker and label, where recordings are."""
    return any(p.name == _META and _is_wild(p) for p in tree.files)


def read_inthewild(root: Path) -> Iterator[Sample]:
    """`[release_in_the_wild/]*.wav` by `meta.csv`, with columns file, speaker, label.

    All is TEST. The fakes' makers are not known. Raises as `read_asvspoof2019` does.
    """
    for path in sorted(p for p in root.rglob(_META) if _is_wild(p)):
        rows = csv.DictReader(io.StringIO(text_of(path), newline=""))
        trials = [
            Trial(
                line=line,
                name=Path(row["file"] or "").stem,
                speaker=(row["speaker"] or "").strip(),
                attack="unknown",
                fake=key_of(path, line, (row["label"] or "").strip()),
                split=Split.TEST,
            )
            for line, row in enumerate(rows, 2)
        ]
        yield from samples_of(path, trials, sounds_below(path.parent, ".*"), "inthewild")


# Name, layout in a line, what recognises it, what reads it: for `loaders.CONVENTIONS`.
SPEECH: tuple[tuple[str, str, Callable[[Tree], bool], Callable[[Path], Iterable[Sample]]], ...] = (
    (
        "asvspoof2019",
        "ASVspoof2019_LA_{train,dev,eval}/flac/* with ASVspoof2019.LA.cm.*.txt",
        fits_asvspoof2019,
        read_asvspoof2019,
    ),
    (
        "asvspoof2021",
        "ASVspoof2021_{LA,DF}_eval/flac/* with keys/{LA,DF}/CM/trial_metadata.txt",
        fits_asvspoof2021,
        read_asvspoof2021,
    ),
    (
        "asvspoof5",
        "flac_{T,D,E_eval}/* with ASVspoof5.{train,dev.track_1,eval.track_1}.tsv",
        fits_asvspoof5,
        read_asvspoof5,
    ),
    (
        "wavefake",
        "<corpus>_<generator>/*_gen.wav with LJSpeech-1.1/wavs/*, jsut_ver1.1/*",
        fits_wavefake,
        read_wavefake,
    ),
    ("inthewild", "*.wav with meta.csv of file, speaker, label", fits_inthewild, read_inthewild),
)


def _generator(folder: str) -> str:
    """The generator of a folder of WaveFake such as "ljspeech_hifiGAN"; "" for another folder."""
    found = re.fullmatch(r"(ljspeech|jsut|common_voices)_(?!ver)(\w+)", folder, re.IGNORECASE)
    return found[2] if found else ""


def _is_wild(path: Path) -> bool:
    head = text_of(path).partition("\n")[0]
    return {"file", "speaker", "label"} <= {c.strip().lower() for c in head.split(",")}
