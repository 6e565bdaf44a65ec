"""The folder of a speech corpus while it is built: `Shelf` writes the files and remembers them.

Each file is one utterance, written whole before its line in `about.jsonl`, so that a build that was
stopped goes on where it was.
"""

import json
from dataclasses import fields
from pathlib import Path

from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_manifest import (
    MANIFEST,
    Utterance,
    digest,
    read_speech,
    write_speech,
)
from unmask.datasets.speech_signal import RATE, to_pcm

ABOUT = "about.jsonl"


class Shelf:
    """The folder of a corpus: what is in it, and how more gets into it."""

    def __init__(self, folder: Path) -> None:
        """Takes up what an earlier build wrote; a file that is gone or broken off is made again."""
        self.folder = folder
        self.utterances: dict[Path, Utterance] = {}
        about = folder / ABOUT
        for line in about.read_text(encoding="utf-8").splitlines() if about.is_file() else []:
            found = _utterance(folder, line)
            if found and found.path.is_file():
                self.utterances[found.path] = found
        if about.is_file():  # without the lines that are of no use
            kept = [_line(folder, u) for u in self.utterances.values()]
            about.write_text("".join(kept), encoding="utf-8")

    def has(self, path: Path) -> bool:
        return path in self.utterances

    def add(self, wave: Wave, utterance: Utterance) -> None:
        """Write `wave`, which is finished, and its line; its length and digest are filled in."""
        data = to_pcm(wave)
        path = utterance.path
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(data)
        unfinished.replace(path)
        cells = {f.name: getattr(utterance, f.name) for f in fields(utterance)}
        cells |= {"sha256": digest(data), "seconds": round(len(wave) / RATE, 3)}
        self.utterances[path] = Utterance(**cells)
        with (self.folder / ABOUT).open("a", encoding="utf-8") as about:
            about.write(_line(self.folder, self.utterances[path]))

    def close(self) -> list[Utterance]:
        """Write the manifest and read it back."""
        write_speech(self.utterances.values(), self.folder / MANIFEST)
        return read_speech(self.folder)


def _line(folder: Path, utterance: Utterance) -> str:
    cells = {f.name: getattr(utterance, f.name) for f in fields(utterance)}
    cells["path"] = utterance.path.relative_to(folder).as_posix()
    return json.dumps(cells, ensure_ascii=False) + "\n"


def _utterance(folder: Path, line: str) -> Utterance | None:
    """What a line of about.jsonl says; None where it was broken off."""
    try:
        cells = json.loads(line)
        changed = {"path": folder / cells["path"], "split": Split(cells["split"])}
        return Utterance(**cells | changed)
    except (ValueError, TypeError, KeyError):
        return None
