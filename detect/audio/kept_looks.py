"""What was made of recordings, kept on the disk as it is made: a stopped run goes on.

A line of JSON for each recording, encoding and name. What a look's `versions` names, as the digest
of its weights, is kept apart from what other weights said; a look without holds for one network.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.speech_manifest import Utterance
from unmask.detect.audio.scoring import Table, encoded
from unmask.sound import Samples

Floats = NDArray[np.float64]
Look = Callable[[Samples], Sequence[float]]  # (N,) at 16 kHz -> (D,), the same D for all
_Key = tuple[str, str, str, str]  # SHA-256 of the file, source, encoding, name


def looked(
    looks: Mapping[str, Look], data: Sequence[Utterance], encodings: Sequence[str], path: Path,
    versions: Mapping[str, str] | None = None,
) -> dict[str, Floats]:  # fmt: skip
    """(N, E, D) of each look, at N recordings under E encodings; what `path` lacks is appended.

    Raises ValueError where a line of `path` is not one of this module's.
    """
    held = _read(path)
    called = {n: f"{n} {versions[n]}" if versions and n in versions else n for n in looks}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for one in data:
            keys = {
                e: {n: (one.sha256, one.source, e, kept) for n, kept in called.items()}
                for e in encodings
            }
            missing = [e for e in encodings if any(k not in held for k in keys[e].values())]
            for encoding, wave in zip(missing, encoded(one, missing), strict=True):
                for name, key in keys[encoding].items():
                    if key not in held:
                        held[key] = [float(v) for v in looks[name](wave)]
                        file.write(json.dumps([*key, held[key]]) + "\n")
            file.flush()
    return {
        name: np.array([[held[one.sha256, one.source, e, kept] for e in encodings] for one in data])
        for name, kept in called.items()
    }


def as_tables(
    values: Mapping[str, Floats], data: Sequence[Utterance], encodings: Sequence[str]
) -> dict[str, Table]:
    """Tables of looks that are a single score (D = 1)."""
    return {
        name: Table(utterances=tuple(data), encodings=tuple(encodings), values=found[:, :, 0])
        for name, found in values.items()
    }


def _read(path: Path) -> dict[_Key, list[float]]:
    held: dict[_Key, list[float]] = {}
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        # A stop may have cut the last line, which is then made again.
        whole = lines if not lines or lines[-1].endswith("\n") else lines[:-1]
        if len(whole) < len(lines):
            path.write_text("".join(whole), encoding="utf-8")
        for line in whole:
            digest, source, encoding, name, values = json.loads(line)
            held[digest, source, encoding, name] = values
    return held
