"""The manifest file: what a line may say, and what is said about a line that cannot be read."""

import codecs
import json
from dataclasses import replace
from pathlib import Path

import pytest

from unmask.datasets.loaders import DatasetError, DatasetReason, describe, load
from unmask.datasets.manifest import Sample, Split
from unmask.datasets.manifest_file import write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg", "sub/c.mp4", "d, e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def write(folder: Path, content: str | bytes, name: str = "set.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path, reason: DatasetReason) -> str:
    with pytest.raises(DatasetError) as caught:
        load(str(path))
    assert caught.value.reason is reason
    return str(caught.value)


def test_path_and_label_are_enough(folder: Path) -> None:
    path = write(folder, "path,label\na.jpg,real\nb.jpg,fake\nsub/c.mp4,SYNTHETIC \n")
    a, b, c = load(str(path))
    assert (a.path, a.fake, a.generator) == (folder / "a.jpg", False, "camera")
    assert (b.fake, b.generator, b.corpus, b.split) == (True, "unknown", "set", Split.TEST)
    assert c.fake
    assert len({s.source for s in (a, b, c)}) == 3


@pytest.mark.parametrize(
    ("real", "fake"), [("real", "fake"), ("0", "1"), ("camera", "synthetic"), ("0.0", "1.0")]
)
def test_labels(folder: Path, real: str, fake: str) -> None:
    path = write(folder, f"label,path\n{real},a.jpg\n{fake},b.jpg\n")
    assert [s.fake for s in load(str(path))] == [False, True]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_tables_as_table_programs_write_them(folder: Path, delimiter: str, mark: bytes) -> None:
    rows = (
        ("Path", "Label", "Generator", "Source", "Corpus", "Split", "remark"),
        ('"d, e.png"', "real", "", "p", "mine", "val", "ü"),
        ("", "", "", "", "", "", ""),
        ("b.jpg", "fake", "flux", "p", "mine", "Train", ""),
    )
    text = "\r\n".join(delimiter.join(row) for row in rows)
    first, second = load(str(write(folder, mark + text.encode())))
    assert first.path == folder / "d, e.png"
    assert (first.source, first.corpus, first.split) == ("p", "mine", Split.VALIDATION)
    assert (second.generator, second.split) == ("flux", Split.TRAIN)


def test_json_lines(folder: Path) -> None:
    lines = ({"path": "a.jpg", "label": 0}, {"path": "b.jpg", "label": True, "generator": None})
    path = write(folder, "\n\n".join(map(json.dumps, lines)), "set.jsonl")
    assert [(s.fake, s.generator) for s in load(str(path))] == [
        (False, "camera"),
        (True, "unknown"),
    ]


def test_a_folder_with_a_manifest_is_that_manifest(folder: Path) -> None:
    write(folder, "path,label\na.jpg,real\nb.jpg,fake\n", "manifest.csv")
    assert describe(load(str(folder))) == {folder.name: {"camera": 1, "unknown": 1}}


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "new/out.jsonl"])
def test_what_is_written_reads_back_the_same(folder: Path, name: str) -> None:
    made = [
        Sample(
            path=folder / file,
            fake=i > 0,
            generator="flux, dev\n1" if i else "camera",
            corpus='a "b"',
            source=f"s/{i // 2}",
            split=list(Split)[i],
        )
        for i, file in enumerate(("a.jpg", "d, e.png", "sub/c.mp4"))
    ]
    write_manifest(made, folder / name)
    assert load(str(folder / name)) == made
    assert not list(folder.rglob("*.part"))


def test_a_written_manifest_moves_with_its_folder(folder: Path, tmp_path: Path) -> None:
    write(folder, "path,label\na.jpg,real\nsub/c.mp4,fake\n", "manifest.csv")
    write_manifest(load(str(folder)), folder / "manifest.csv")
    moved = folder.rename(tmp_path.with_name(tmp_path.name + "-moved"))
    assert [s.path for s in load(str(moved))] == [moved / "a.jpg", moved / "sub/c.mp4"]


def test_nothing_is_not_written(folder: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        write_manifest([], folder / "out.csv")
    assert caught.value.reason is DatasetReason.EMPTY
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        ("path,label\na.jpg,fale\n", DatasetReason.BAD_LABEL, ["line 2", "did you mean 'fake'"]),
        ("path,label\na.jpg,\n", DatasetReason.BAD_LABEL, ["line 2", "real, 0, camera"]),
        ("path,lable\na.jpg,real\n", DatasetReason.BAD_TABLE, ["no column 'label'", "'lable'"]),
        ("path,label,generater\na.jpg,real,x\n", DatasetReason.BAD_TABLE, ["mean 'generator'"]),
        ("path,label\n,real\n", DatasetReason.BAD_TABLE, ["line 2", "no path"]),
        ("path,label\na.jpg,real,3\n", DatasetReason.BAD_TABLE, ["line 2", "3 cells", "has 2"]),
        ('path,label\n"a.jpg,real\n', DatasetReason.BAD_TABLE, ["line 2"]),
        (
            'path,label,source\na.jpg,real,"two\nlines"\nb.jpg,fak,\n',
            DatasetReason.BAD_LABEL,
            ["line 4"],
        ),
        (
            "path,label,split\na.jpg,real,trian\n",
            DatasetReason.BAD_TABLE,
            ["line 2", "did you mean 'train'"],
        ),
        ("path,label,generator\na.jpg,real,flux\n", DatasetReason.BAD_LABEL, ["line 2", "flux"]),
        ("path,label,generator\na.jpg,1,camera\n", DatasetReason.BAD_LABEL, ["line 2", "camera"]),
        (
            "path,label\na.jpg,real\n\nx.jpg,fake\ny.jpg,fake\n",
            DatasetReason.MISSING_FILE,
            ["2 files", "line 4: x.jpg", "line 5: y.jpg"],
        ),
        (
            "path,label\na.jpg,real\nb.jpg,fake\nsub/../a.jpg,fake\n",
            DatasetReason.DUPLICATE,
            ["line 4", "on line 2 already"],
        ),
        ("path,label\n", DatasetReason.EMPTY, ["no rows"]),
        ("", DatasetReason.EMPTY, ["no rows"]),
        ("path,label\na.jpg,real\nb.jpg,0\n", DatasetReason.ONE_CLASS, ["all 2 samples are real"]),
        (b"path,label\na.jpg,real\n\xe4.jpg,fake\n", DatasetReason.ENCODING, ["line 3", "UTF-8"]),
        ("path,label\na.jpg,real\n".encode("utf-16"), DatasetReason.ENCODING, ["UTF-16"]),
    ],
)
def test_a_bad_table_says_which_line_and_why(
    folder: Path, content: str | bytes, reason: DatasetReason, said: list[str]
) -> None:
    message = refused(write(folder, content), reason)
    assert all(part in message for part in ["set.csv", *said]), message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"path": "a.jpg", "label": 0}\n{"path": \n', "line 2: not JSON"),
        ('["a.jpg", 0]\n', "line 1: not a JSON object"),
        ('{"path": "a.jpg", "label": 0}\n{"path": "b.jpg"}\n', "line 2: no column 'label'"),
    ],
)
def test_bad_json_lines(folder: Path, content: str, said: str) -> None:
    assert said in refused(write(folder, content, "set.jsonl"), DatasetReason.BAD_TABLE)


def test_a_mask_comes_back_and_must_be_there(folder: Path) -> None:
    real = Sample(path=folder / "a.jpg", fake=False, generator="camera", corpus="x", source="a",
                  split=Split.TRAIN)  # fmt: skip
    fake = replace(real, path=folder / "b.jpg", fake=True, generator="swap")
    masked = replace(fake, mask=folder / "sub" / "m.png")
    (folder / "sub" / "m.png").write_bytes(b"x")
    for name in ("manifest.csv", "manifest.jsonl"):
        write_manifest([real, masked], folder / name)
        assert load(str(folder / name)) == [real, masked]
        write_manifest([real, fake], folder / f"plain-{name}")
        assert "mask" not in (folder / f"plain-{name}").read_text()
    (folder / "sub" / "m.png").unlink()
    assert "line 3: sub/m.png" in refused(folder / "manifest.csv", DatasetReason.MISSING_FILE)
