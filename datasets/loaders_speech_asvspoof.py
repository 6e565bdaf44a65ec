"""Loaders of the ASVspoof challenges, in their published folders and protocols.

2019 LA: Wang et al., "ASVspoof 2019: a large-scale public database of synthesized, converted and
replayed speech", Computer Speech and Language 2020. 2021 LA and DF: Liu et al., IEEE/ACM TASLP
2023. 5: Wang et al., 2024.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from unmask.datasets.loaders_speech_trials import (
    Trial,
    key_of,
    lines_of,
    samples_of,
    sounds_below,
)
from unmask.datasets.loaders_tree import Tree
from unmask.datasets.manifest import Sample, Split

_PARTS_2019 = {"train.trn": "train", "dev.trl": "dev", "eval.trl": "eval"}
_SPLITS = {"train": Split.TRAIN, "dev": Split.VALIDATION, "eval": Split.TEST}
_PHASES = {"eval": Split.TEST, "progress": Split.VALIDATION}


def fits_asvspoof2019(tree: Tree) -> bool:
    """`ASVspoof2019.LA.cm.*.txt`, in a folder of protocols or beside the audio."""
    return any(p.name.startswith("ASVspoof2019.LA.cm.") for p in tree.files)


def read_asvspoof2019(root: Path) -> Iterator[Sample]:
    """`ASVspoof2019_LA_{train,dev,eval}/flac/*.flac` by `ASVspoof2019.LA.cm.{train.trn,...}.txt`.

    A line is `LA_0079 LA_T_1138215 - A01 spoof`: speaker, file, (environment), attack, key. Raises
    DatasetError: BAD_TABLE, BAD_LABEL, DUPLICATE, MISSING_FILE, ENCODING.
    """
    for path in sorted(root.rglob("ASVspoof2019.LA.cm.*.txt")):
        part = next((p for s, p in _PARTS_2019.items() if path.stem.endswith(s)), None)
        if part is None:
            continue
        trials = [
            _trial(path, line, cells, attack=3, split=_SPLITS[part])
            for line, cells in lines_of(path, 5)
        ]
        yield from samples_of(
            path, trials, sounds_below(root, rf"ASVspoof2019_LA_{part}"), "asvspoof2019"
        )


def fits_asvspoof2021(tree: Tree) -> bool:
    """`trial_metadata.txt`, as the archive of keys has it, of LA or DF."""
    return any(_track(p) for p in tree.files)


def read_asvspoof2021(root: Path) -> Iterator[Sample]:
    """`ASVspoof2021_{LA,DF}_eval/flac/*.flac` by `keys/{LA,DF}/CM/trial_metadata.txt`.

    Speaker, file, codec, channel (DF: source), attack, key, trim, phase, and for DF the vocoder's
    kind and more. The phase "eval" tests, "progress" validates; "hidden" is left out, as in the
    field's figures. Raises as `read_asvspoof2019` does.
    """
    for path in sorted(root.rglob("trial_metadata.txt")):
        track = _track(path)
        if not track:
            continue
        trials = [
            _trial(path, line, cells, attack=4, split=_PHASES[cells[7]], codec=cells[2])
            for line, cells in lines_of(path, 8)
            if cells[7] in _PHASES
        ]
        corpus = f"asvspoof2021/{track.lower()}"
        yield from samples_of(
            path, trials, sounds_below(root, rf"ASVspoof2021_{track}_eval.*"), corpus
        )


def fits_asvspoof5(tree: Tree) -> bool:
    """`ASVspoof5.{train,dev.track_1,eval.track_1}.tsv`."""
    return any(_part_5(p) for p in tree.files)


def read_asvspoof5(root: Path) -> Iterator[Sample]:
    """`flac_{T,D,E}*/*.flac` by `ASVspoof5.{train,dev.track_1,eval.track_1}.tsv`.

    Speaker, file, gender, codec, its quality and seed, attack's tag, attack, key, and a column that
    is not used. Raises as `read_asvspoof2019` does.
    """
    for path in sorted(root.rglob("ASVspoof5.*.tsv")):
        part = _part_5(path)
        if not part:
            continue
        trials = [
            _trial(path, line, cells, attack=7, split=_SPLITS[part], codec=cells[3])
            for line, cells in lines_of(path, 9)
        ]
        yield from samples_of(
            path, trials, sounds_below(root, rf"flac_{part[0].upper()}.*"), "asvspoof5"
        )


def _trial(
    path: Path, line: int, cells: Sequence[str], *, attack: int, split: Split, codec: str = ""
) -> Trial:
    """A line of any protocol: speaker, file, ..., the attack in its column, and then the key."""
    return Trial(
        line=line,
        name=cells[1],
        speaker=cells[0],
        attack=cells[attack],
        fake=key_of(path, line, cells[attack + 1]),
        split=split,
        codec="none" if codec == "-" else codec,
    )


def _track(path: Path) -> str:
    """LA or DF, by the first line of a `trial_metadata.txt`; "" for another file."""
    if path.name != "trial_metadata.txt":
        return ""
    first = next((cells for _, cells in lines_of(path, 1)), [])
    found = re.match(r"(LA|DF)_E_", first[1] if len(first) > 1 else "")
    return found[1] if found else ""


def _part_5(path: Path) -> str:
    found = re.fullmatch(r"ASVspoof5\.(train|dev\.track_1|eval\.track_1)\.tsv", path.name)
    return found[1].partition(".")[0] if found else ""
