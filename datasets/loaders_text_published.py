"""Published benchmarks of machine-written text, as they are downloaded.

HC3: Guo et al., "How close is ChatGPT to human experts?", 2023; JSON lines with question,
human_answers, chatgpt_answers, and in all.jsonl the source. RAID: Dugan et al., ACL 2024; CSV with
id, source_id, model ("human" for people), attack, domain, generation. M4: Wang et al., EACL 2024;
JSON lines with human_text, machine_text, model, source, source_ID. DetectRL: Wu et al., NeurIPS
2024; JSON lists of text, label ("human" or "llm"), data_type, llm_type.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unmask.datasets.loaders_table import JSON_LINES, Row, fault, read_table, require_columns
from unmask.datasets.loaders_tree import (
    SPLIT_NAMES,
    UNNAMED,
    DatasetError,
    DatasetReason,
    head_of,
    walk,
)
from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import PERSON, TextSample

_RAID_COLUMNS = ("source_id", "model", "domain", "generation")
_NO_ATTACK = frozenset({"", "none"})
_LISTS = frozenset({".json"})


def fits_hc3(files: list[Path]) -> bool:
    """JSON lines with people's and ChatGPT's answers."""
    return any(_mentions(f, "human_answers", "chatgpt_answers") for f in _tables(files))


def fits_raid(files: list[Path]) -> bool:
    """A CSV table with RAID's columns."""
    return any(_mentions(f, *_RAID_COLUMNS) for f in files if f.suffix.lower() == ".csv")


def fits_m4(files: list[Path]) -> bool:
    """JSON lines with a machine's text and where it comes from."""
    return any(_mentions(f, "machine_text", "source_id") for f in _tables(files))


def fits_detectrl(files: list[Path]) -> bool:
    """JSON lists with DetectRL's fields."""
    lists = [f for f in files if f.suffix.lower() in _LISTS]
    return any(_mentions(f, '"label"', '"llm_type"', '"data_type"') for f in lists)


def _tables(files: list[Path]) -> list[Path]:
    return [f for f in files if f.suffix.lower() in JSON_LINES]


def _mentions(path: Path, *words: str) -> bool:
    head = head_of(path).decode("utf-8", errors="replace").lower()
    return all(word in head for word in words)


def _below(root: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    if root.is_file():
        yield root
    else:
        yield from (root.joinpath(*parts) for parts in walk(root, suffixes))


def read_hc3(root: Path) -> Iterator[TextSample]:
    """Each answer is a text; a question is the source of all its answers. Raises DatasetError."""
    for path in _below(root, JSON_LINES):
        for line, value in _objects(path):
            domain = str(value.get("source") or path.stem)
            source = f"{domain}/{line}"
            for column, name in (("human_answers", PERSON), ("chatgpt_answers", "chatgpt")):
                answers = value.get(column)
                if not isinstance(answers, list):
                    raise fault(path, line, DatasetReason.BAD_TABLE, f"no list {column!r}")
                for answer in answers:
                    yield _sample(str(answer), name, domain, source, Split.TEST)


def read_raid(root: Path) -> Iterator[TextSample]:
    """A row is a text; the attack, where there is one, is named with the model.

    train.csv trains, the rest tests. The official test set has no labels and is refused. Raises
    DatasetError.
    """
    for path in _below(root, frozenset({".csv"})):
        rows = read_table(path)
        require_columns(path, rows, _RAID_COLUMNS, frozenset(_RAID_COLUMNS))
        split = SPLIT_NAMES.get(path.stem.lower().split("_")[0], Split.TEST)
        for row in rows:
            yield _of_raid(row, split)


def _of_raid(row: Row, split: Split) -> TextSample:
    model, attack = row.cells["model"], row.cells.get("attack", "none")
    name = PERSON if model == "human" else model
    if attack not in _NO_ATTACK:
        name = f"{name}+{attack}"
    return TextSample(
        text=row.cells["generation"],
        machine=model != "human",
        generator=name,
        domain=row.cells["domain"],
        source=row.cells["source_id"],
        split=split,
        attack="" if attack in _NO_ATTACK else attack,
        decoding=_decoding(row),
    )


def _decoding(row: Row) -> str:
    """How words were drawn, and whether repetition was punished: RAID's settings of a model."""
    drawn = row.cells.get("decoding") or ""
    punished = (row.cells.get("repetition_penalty") or "").lower() in {"yes", "true", "1"}
    return f"{drawn}, repetition penalty" if drawn and punished else drawn


def read_m4(root: Path) -> Iterator[TextSample]:
    """A person's text once a source, however many models rewrote it. Raises DatasetError."""
    seen: set[tuple[str, str]] = set()
    for path in _below(root, JSON_LINES):
        domain = path.stem.partition("_")[0]
        for line, value in _objects(path):
            source = f"{domain}/{value.get('source_ID', line)}"
            human, machine = value.get("human_text"), value.get("machine_text")
            if not isinstance(machine, str) and not isinstance(human, str):
                raise fault(path, line, DatasetReason.BAD_TABLE, "neither human_ nor machine_text")
            if isinstance(human, str) and human.strip() and (source, human) not in seen:
                seen.add((source, human))
                yield _sample(human, PERSON, domain, source, Split.TEST)
            if isinstance(machine, str) and machine.strip():
                model = str(value.get("model") or UNNAMED)
                yield _sample(machine, model, domain, source, Split.TEST)


def read_detectrl(root: Path) -> Iterator[TextSample]:
    """Each entry is a text; its file says whether it trains or tests. Raises DatasetError."""
    for path in _below(root, _LISTS):
        if not fits_detectrl([path]):
            continue
        split = next(
            (SPLIT_NAMES[w] for w in path.stem.lower().split("_") if w in SPLIT_NAMES), Split.TEST
        )
        for number, value in enumerate(_list(path), 1):
            label = str(value.get("label", "")).lower()
            if label not in {"human", "llm"} or not isinstance(value.get("text"), str):
                raise fault(path, number, DatasetReason.BAD_LABEL, f"label {label!r}, or no text")
            name = PERSON if label == "human" else str(value.get("llm_type") or UNNAMED)
            domain = str(value.get("data_type") or path.stem)
            yield _sample(value["text"], name, domain, f"{path.stem}/{number}", split)


def _sample(text: str, name: str, domain: str, source: str, split: Split) -> TextSample:
    return TextSample(
        text=text, machine=name != PERSON, generator=name, domain=domain, source=source, split=split
    )


def _objects(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(line, object) of JSON lines."""
    try:
        with path.open(encoding="utf-8") as file:
            for line, content in enumerate(file, 1):
                if content.strip():
                    value = json.loads(content)
                    if not isinstance(value, dict):
                        raise fault(path, line, DatasetReason.BAD_TABLE, "not a JSON object")
                    yield line, value
    except OSError as error:
        raise DatasetError(DatasetReason.UNREADABLE, f"{path} cannot be read: {error}") from error
    except ValueError as error:  # not JSON, or not UTF-8
        raise DatasetError(DatasetReason.BAD_TABLE, f"{path} is no JSON lines: {error}") from error


def _list(path: Path) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(DatasetReason.UNREADABLE, f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise DatasetError(DatasetReason.BAD_TABLE, f"{path} is no JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise DatasetError(DatasetReason.BAD_TABLE, f"{path} is no list of objects.")
    return found
