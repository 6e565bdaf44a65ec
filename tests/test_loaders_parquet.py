"""Data sets that come as Parquet: the bytes that they hold, limits, and what is missing."""

import io
from pathlib import Path

import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet
from trees import grow, refused

from unmask.datasets import loaders_parquet
from unmask.datasets.loaders import DatasetReason, describe, load
from unmask.datasets.manifest import Split


def picture(shade: int, form: str) -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 8), shade).save(out, form)
    return out.getvalue()


def shard(path: Path, columns: dict[str, list[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table(columns), path, row_group_size=3)
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def openfake(path: Path, n: int = 8) -> Path:
    pictures = [picture(i, "PNG" if i % 2 else "JPEG") for i in range(n)]
    return shard(
        path,
        {
            "image": [{"bytes": p, "path": None} for p in pictures],
            "label": ["fake" if i % 2 else "real" for i in range(n)],
            "model": ["flux" if i % 2 else "real" for i in range(n)],
        },
    )


def test_openfake_as_parquet_hands_out_the_bytes_that_it_holds(tmp_path: Path, cache: Path) -> None:
    root = tmp_path / "OpenFake"
    openfake(root / "core/test-00000-of-00001.parquet")
    openfake(root / "core/train-00000-of-00001.parquet", 4)
    found = load(str(root))
    assert describe(found) == {"openfake": {"camera": 6, "flux": 6}}
    tested = [s for s in found if s.split is Split.TEST]
    assert [s.path.read_bytes() for s in tested] == [
        picture(i, "PNG" if i % 2 else "JPEG") for i in range(8)
    ]
    assert {s.path.suffix for s in found if s.fake} == {".png"}
    assert {s.path.suffix for s in found if not s.fake} == {".jpg"}
    assert all(s.path.is_relative_to(cache) for s in found)
    before = {p: p.stat().st_mtime_ns for p in cache.rglob("*") if p.is_file()}
    assert load(str(root)) == found
    assert {p: p.stat().st_mtime_ns for p in cache.rglob("*") if p.is_file()} == before


def test_parquet_writes_only_what_the_limit_keeps(tmp_path: Path, cache: Path) -> None:
    path = openfake(tmp_path / "test.parquet", 20)
    found = load(str(path), limit=2)
    assert describe(found) == {"openfake": {"camera": 2, "flux": 2}}
    assert len([p for p in cache.rglob("*") if p.is_file()]) == 4
    more = load(str(path), limit=5)
    assert {s.source for s in found} < {s.source for s in more}


@pytest.mark.usefixtures("cache")
def test_community_forensics(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "image_data": [picture(i, "PNG") for i in range(4)],
        "label": ["1", "0", "1", "0"],
        "model_name": ["a/b", "Real", "c/d", "Real"],
        "real_source": ["LAION", "LAION", "FFHQ", "FFHQ"],
        "split": ["train", "train", "test", "train"],
    }
    shard(tmp_path / "cf/data/systematic/0.parquet", columns)
    shard(tmp_path / "cf/data/publicEval/0.parquet", columns)
    found = load(str(tmp_path / "cf"))
    assert describe(found) == {
        "communityforensics/FFHQ": {"camera": 2, "c/d": 2},
        "communityforensics/LAION": {"camera": 2, "a/b": 2},
    }
    assert len({s.source for s in found}) == 8
    assert sum(s.split is Split.TRAIN for s in found) == 3


def test_parquet_without_pyarrow_without_space_and_broken(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = openfake(tmp_path / "test.parquet")
    with monkeypatch.context() as patched:
        full = type("Usage", (), {"free": 10})
        patched.setattr(loaders_parquet.shutil, "disk_usage", lambda _: full)
        assert "limit" in refused(path, DatasetReason.NO_SPACE)
    assert not [p for p in cache.rglob("*") if p.is_file()]
    with monkeypatch.context() as patched:
        patched.setitem(__import__("sys").modules, "pyarrow.parquet", None)
        assert "pip install pyarrow" in refused(path, DatasetReason.NEEDS_LIBRARY)
    shard(path, {"image": [None], "label": ["fake"], "model": ["x"]})
    assert "row 0" in refused(path, DatasetReason.BAD_TABLE)
    path.write_bytes(b"PAR1 and no more")
    refused(path, DatasetReason.BAD_TABLE)
    grow(tmp_path, ("0_real/1.png", "1_fake/1.png"))  # a stray table does not hide the rest
    assert len(load(str(tmp_path))) == 2
