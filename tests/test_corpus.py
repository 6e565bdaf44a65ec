"""A corpus of fakes: pairs and masks as they were made; it grows, and is never broken."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask.datasets.corpus import Addition, Maker, stem_for, write_corpus
from unmask.datasets.loaders import load
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.manifest import Split
from unmask.detect.pair_stream import Pool

MAKER = Maker(generator="gan", folder="gan-to-b", decoder="nearest", licence="MIT", weights="w1")
Pixels = NDArray[np.uint8]


def noise(seed: int, side: int = 64) -> Pixels:
    return np.random.default_rng(seed).integers(256, size=(side, side + 8, 3), dtype=np.uint8)


def pair(number: int = 0, *, source: str = "", split: Split = Split.TRAIN) -> Addition:
    real, mask = noise(number), np.zeros((64, 72), np.float32)
    mask[5:20, 10:30], mask[20, 10:30] = 1, 0.001
    fake = np.where(mask[..., None] > 0, real ^ 255, real).astype(np.uint8)
    return Addition(
        name=f"photo-{number}", fake=fake, real=real, mask=mask, source=source or f"photo/{number}",
        split=split, settings="to b", licence="CC0", notes={"matrix": [[1, 0, 2], [0, 1, 3]]},
    )  # fmt: skip


def refused(folder: Path, *additions: Addition, maker: Maker = MAKER) -> DatasetReason:
    with pytest.raises(DatasetError) as caught, write_corpus(folder) as corpus:  # noqa: PT012
        for one in additions:
            corpus.add(maker, one)
    return caught.value.reason


def about(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "about.jsonl").read_text().splitlines()]


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written_loads_as_pairs_with_masks(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with write_corpus(folder) as corpus:
        for number in range(3):
            corpus.add(MAKER, pair(number))
    samples = load(str(folder))
    assert [(s.fake, s.generator) for s in samples] == [(False, "camera"), (True, "gan")] * 3
    assert {s.corpus for s in samples} == {"set"}
    (pairs,) = Pool(samples).paired.values()
    for number, made in enumerate(pairs):
        asked = pair(number)
        assert np.array_equal(made.real, noise(number))
        assert np.array_equal(made.fake, asked.fake)
        assert made.mask is not None
        assert np.array_equal(made.mask > 0, (made.real != made.fake).any(2))  # also where it fades
        assert made.mask[5:20, 10:30].min() == 1
    rows = about(folder)
    assert len(rows) == 6
    for row in rows:
        data = (folder / str(row["path"])).read_bytes()
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["split"] == "train"
    assert rows[1] | {"sha256": ""} == {
        "path": "gan-to-b/photo-0.png", "label": "fake", "generator": "gan", "decoder": "nearest",
        "weights": "w1", "settings": "to b", "source": "photo/0", "split": "train",
        "licence": "MIT; photograph: CC0", "mask": "masks/gan-to-b/photo-0.png", "sha256": "",
        "matrix": [[1, 0, 2], [0, 1, 3]],
    }  # fmt: skip
    assert rows[0]["licence"] == "CC0"


def test_another_generator_shares_the_photograph(tmp_path: Path) -> None:
    other = replace(MAKER, generator="vae", folder="vae")
    with write_corpus(tmp_path) as corpus:
        corpus.add(MAKER, pair())
    with write_corpus(tmp_path) as corpus:
        corpus.add(other, pair())
    samples = load(str(tmp_path))
    assert sorted(s.generator for s in samples) == ["camera", "gan", "vae"]
    assert {name: len(pairs) for name, pairs in Pool(samples).paired.items()} == {
        "gan": 1, "vae": 1
    }  # fmt: skip


def test_a_second_run_writes_what_is_missing_alone(tmp_path: Path) -> None:
    with write_corpus(tmp_path) as corpus:
        corpus.add(MAKER, pair(0))
    before = snapshot(tmp_path / "gan-to-b")
    with write_corpus(tmp_path) as corpus:
        assert corpus.holds(MAKER, "photo-0", "to b")
        assert not corpus.holds(MAKER, "photo-1", "to b")
        corpus.add(MAKER, replace(pair(0), fake=noise(9)))  # held: passed over
        corpus.add(MAKER, pair(1))
    assert before.items() <= snapshot(tmp_path / "gan-to-b").items()
    assert len(load(str(tmp_path))) == len(about(tmp_path)) == 4


def test_a_run_that_was_killed_is_taken_up(tmp_path: Path) -> None:
    with write_corpus(tmp_path) as corpus:
        corpus.add(MAKER, pair(0))
    manifest = (tmp_path / "manifest.csv").read_bytes()
    with write_corpus(tmp_path) as corpus:
        corpus.add(MAKER, pair(1))
    whole = (tmp_path / "manifest.csv").read_bytes()
    (tmp_path / "manifest.csv").write_bytes(manifest)  # the second run never came to its end
    with (tmp_path / "about.jsonl").open("a") as file:
        file.write('{"path": "gan-to-b/pho')  # and broke off in a line, with half of a pair
    Image.fromarray(noise(7)).save(tmp_path / "camera" / "photo-2.png")
    with write_corpus(tmp_path) as corpus:
        pass
    assert (tmp_path / "manifest.csv").read_bytes() == whole
    with write_corpus(tmp_path) as corpus:
        corpus.add(MAKER, pair(2))
    assert len(load(str(tmp_path))) == len(about(tmp_path)) == 6
    assert sum(map(len, Pool(load(str(tmp_path))).paired.values())) == 3


def test_an_error_on_the_way_leaves_a_whole_manifest(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), write_corpus(tmp_path) as corpus:  # noqa: PT012
        corpus.add(MAKER, pair(0))
        raise KeyboardInterrupt
    assert len(load(str(tmp_path))) == 2
    assert not list(tmp_path.rglob("*.part"))


def test_a_source_is_on_one_side_alone(tmp_path: Path) -> None:
    first = pair(0, source="clip")
    second = pair(1, source="clip", split=Split.TEST)
    assert refused(tmp_path, first, second) is DatasetReason.MIXED_SPLITS
    assert refused(tmp_path, second) is DatasetReason.MIXED_SPLITS  # in a later run as well
    assert {s.split for s in load(str(tmp_path))} == {Split.TRAIN}


@pytest.mark.parametrize(
    ("other", "maker"),
    [
        (replace(pair(), settings="to a"), MAKER),
        (pair(), replace(MAKER, weights="w2")),
        (replace(pair(), real=noise(5)), replace(MAKER, folder="other")),
    ],
    ids=["settings", "weights", "photograph"],
)
def test_nothing_is_overwritten(other: Addition, maker: Maker, tmp_path: Path) -> None:
    with write_corpus(tmp_path) as corpus:
        corpus.add(MAKER, pair())
    before = snapshot(tmp_path)
    assert refused(tmp_path, other, maker=maker) is DatasetReason.DUPLICATE
    assert snapshot(tmp_path) == before


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,label,licence\n")
    assert refused(tmp_path, pair()) is DatasetReason.UNREADABLE
    assert [p.name for p in tmp_path.iterdir()] == ["manifest.csv"]
    assert refused(tmp_path / "manifest.csv", pair()) is DatasetReason.UNREADABLE
    assert refused(tmp_path / "manifest.csv" / "x", pair()) is DatasetReason.UNREADABLE


@pytest.mark.parametrize(
    "line", ["no JSON", "[1]", '{"path": "a.png"}', '{"path": "a.png", "split": "later"}']
)
def test_a_damaged_list_is_said(line: str, tmp_path: Path) -> None:
    (tmp_path / "about.jsonl").write_text(line + "\n")
    assert refused(tmp_path, pair()) is DatasetReason.BAD_TABLE
    assert not (tmp_path / "manifest.csv").exists()


def test_nothing_appears_before_the_first_picture(tmp_path: Path) -> None:
    with write_corpus(tmp_path / "set"):
        pass
    assert not (tmp_path / "set").exists()
    with pytest.raises(ValueError, match="sizes"), write_corpus(tmp_path / "set") as corpus:
        corpus.add(MAKER, replace(pair(), real=noise(0, 32)))
    assert not (tmp_path / "set").exists()


def test_names_that_are_no_unicode_are_refused_with_a_word(tmp_path: Path) -> None:
    assert refused(tmp_path, pair(0), pair(1, source="photo/\udce4")) is DatasetReason.ENCODING
    assert len(load(str(tmp_path))) == 2
    assert stem_for("a b/ü", "x") != stem_for("a b/ü", "y")
    assert stem_for("\udce4", "\udce4").isprintable()
