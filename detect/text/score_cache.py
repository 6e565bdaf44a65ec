"""Token scores on the disk: a model takes an hour over a corpus, its statistics seconds."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from unmask.detect.text.language_model import LanguageModel, TokenScores

_FIELDS = ("starts", "ends", "log_prob", "rank", "entropy", "variance")
SHARD = 50  # texts a file: what a stopped run loses at most


class ScoreCache:
    """Scores of texts by one model, kept in a folder as they are made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, TokenScores] = {}
        self._new: dict[str, TokenScores] = {}
        for path in sorted(folder.glob("*.npz")):
            self._held |= dict(_read(path))

    def get(self, text: str) -> TokenScores | None:
        """The scores of a normalised text, or None where it was not scored yet."""
        return self._held.get(_key(text))

    def fill(self, model: LanguageModel, texts: Iterable[str]) -> int:
        """Score what is not there yet; how many texts that were."""
        count = 0
        for text in texts:
            key = _key(text)
            if key in self._held:
                continue
            self._held[key] = self._new[key] = model.score(text)
            count += 1
            if len(self._new) >= SHARD:
                self._write()
        self._write()
        return count

    def _write(self) -> None:
        if not self._new:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        new = list(self._new.values())
        path = self._folder / f"{next(iter(self._new))[:16]}.npz"
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez(
                file,
                keys=np.array(list(self._new)),
                lengths=np.array([len(s) for s in new], np.int32),
                starts=np.concatenate([s.starts for s in new]),
                ends=np.concatenate([s.ends for s in new]),
                log_prob=np.concatenate([s.log_prob for s in new]),
                rank=np.concatenate([s.rank for s in new]),
                entropy=np.concatenate([s.entropy for s in new]),
                variance=np.concatenate([s.variance for s in new]),
            )
        unfinished.replace(path)
        self._new = {}


def _read(path: Path) -> Iterator[tuple[str, TokenScores]]:
    with np.load(path, allow_pickle=False) as found:
        columns = {name: found[name] for name in _FIELDS}
        ends = np.cumsum(found["lengths"])
        for key, end, length in zip(found["keys"], ends, found["lengths"], strict=True):
            part = slice(int(end - length), int(end))
            yield str(key), TokenScores(**{name: columns[name][part] for name in _FIELDS})


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
