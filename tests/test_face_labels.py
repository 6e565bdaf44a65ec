"""Faces sorted into two folders: by networks' ends, by lists, in equal parts of every kind."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from test_face_networks import package
from typer.testing import CliRunner

from unmask.datasets import face_labels
from unmask.datasets.face_labels import (
    FOLDERS,
    By,
    Reader,
    Readings,
    Sorted,
    cells,
    ends,
    listed,
    matched,
    sort,
    write,
)
from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.picture_arrays import Pictures, read_folder


def readings(count: int, seed: int = 0) -> Readings:
    """Men are older, and the old smile less."""
    rng = np.random.default_rng(seed)
    man = rng.uniform(size=count)
    age = 25 + 20 * man + rng.normal(0, 8, count)
    return Readings(smile=1 / (1 + np.exp((age - 35) / 10 + rng.normal(size=count))),
                    age=age, man=man)  # fmt: skip


def share_of_men(read: Readings, places: NDArray[np.int64]) -> float:
    return float((read.man[places] > 0.5).mean())


def test_the_ends_of_a_score_hold_men_and_women_in_equal_parts() -> None:
    read = readings(1000)
    plain = ends(read.age, np.zeros(1000, np.int64), 0.25)
    assert share_of_men(read, plain.having) > share_of_men(read, plain.without) + 0.3
    found = ends(read.age, cells(read, with_age=False), 0.25)
    assert abs(share_of_men(read, found.having) - share_of_men(read, found.without)) < 0.01
    assert read.age[found.having].mean() > read.age[found.without].mean() + 10
    assert not set(found.having) & set(found.without)


def test_kinds_are_two_genders_by_three_bands_of_equally_many_faces() -> None:
    read = readings(900)
    kinds = cells(read, with_age=True)
    assert set(kinds) == set(range(6))
    for band in range(3):
        assert ((kinds % 3) == band).sum() == pytest.approx(300, abs=2)
        assert read.age[kinds % 3 == band].mean() == pytest.approx(
            np.sort(read.age)[band * 300 : (band + 1) * 300].mean(), abs=0.5
        )


def test_matching_leaves_every_kind_the_same_part_in_both() -> None:
    kinds = np.repeat([0, 1, 2], [100, 60, 10])
    without = np.r_[0:80, 100:130]  # 80 of kind 0, 30 of kind 1, none of kind 2
    having = np.r_[80:100, 130:160, 160:170]  # 20, 30 and 10
    found = matched(Sorted(without=without, having=having), kinds)
    for places in (found.without, found.having):
        assert (kinds[places] == 0).sum() * 30 == (kinds[places] == 1).sum() * 20
        assert not (kinds[places] == 2).any()
    assert set(found.without) <= set(without)
    assert set(found.having) <= set(having)
    rich = np.r_[0:80, 100:160]
    twice = matched(Sorted(without=rich, having=np.arange(80, 100)), kinds)
    assert len(twice.having) == 20
    assert len(twice.without) == 80  # four times as many
    nothing = matched(Sorted(without=without[:0], having=having), kinds)
    assert not len(nothing.without)
    assert not len(nothing.having)


@pytest.mark.parametrize("by", [By.GLASSES, By.HAIR])
def test_lists_made_by_eye_name_files_once(by: By) -> None:
    without, having = listed(by)
    assert len(having) >= 200
    assert len(without) > len(having)
    assert not without & having
    assert all(name[:-4].isdigit() and len(name) == 10 for name in without | having)


def test_a_listed_attribute_is_sorted_by_file_name() -> None:
    without, having = listed(By.GLASSES)
    names = (*sorted(having)[:60], *sorted(without)[:90], "other.jpg")
    pictures = Pictures(pixels=np.zeros((len(names), 8, 8, 3), np.uint8), names=names)
    # All of one kind: two genders and three ages would take more faces than a test has.
    same = Readings(smile=np.zeros(151), age=np.full(151, 30.0), man=np.zeros(151))
    found = sort(pictures, same, By.GLASSES, 0.25)
    assert {names[i] for i in found.having} == set(names[:60])
    assert {names[i] for i in found.without} <= set(names[60:150])
    assert len(found.without) == 60
    with pytest.raises(DatasetError, match=r"0 \| 0 faces"):
        sort(Pictures(pixels=pictures.pixels, names=("x.jpg",) * 151), same, By.HAIR, 0.25)


def photographs(folder: Path, count: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(3)
    for i in range(count):
        base = (
            rng.uniform(20, 235, (1, 1, 3))
            + 20 * np.sin(np.arange(24) * rng.uniform(0.1, 1))[:, None, None]
        )
        Image.fromarray(np.uint8(np.clip(base + np.zeros((24, 24, 3)), 0, 255))).save(
            folder / f"{i:06d}.png"
        )
    return folder


def test_the_command_copies_the_ends_and_says_what_is_in_them(tmp_path: Path) -> None:
    source = photographs(tmp_path / "faces", 90)
    archive = package(tmp_path / "face-api.tgz")
    import typer

    app = typer.Typer()
    app.command()(face_labels.main)
    words = [str(source), "--by", "age", "--package", str(archive), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words, "--part", "0.3"])
    assert done.exit_code == 0, done.output
    young, old = (sorted((tmp_path / "out" / name).iterdir()) for name in FOLDERS[By.AGE])
    assert len(young) == len(old) >= 25
    assert '"mean age"' in done.output
    read = Reader(archive).read(read_folder(source, 128).pixels)
    ages = dict(zip(sorted(p.name for p in source.iterdir()), read.age, strict=True))
    kinds = dict(zip(ages, cells(read, with_age=False), strict=True))
    for kind in set(kinds.values()):
        below = [ages[p.name] for p in young if kinds[p.name] == kind]
        above = [ages[p.name] for p in old if kinds[p.name] == kind]
        assert not below or max(below) <= min(above)
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2
    assert "there already" in again.output
    few = CliRunner().invoke(app, [*words[:-1], str(tmp_path / "few"), "--part", "0.05"])
    assert few.exit_code == 2
    assert "20 of either" in few.output


def test_pictures_of_folders_below_are_copied_under_one_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    photographs(tmp_path / "a" / "b", 2)
    pictures = read_folder(tmp_path / "a", 24)
    found = Sorted(without=np.array([0]), having=np.array([1]))
    write(tmp_path / "a", pictures, found, By.SMILE, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out" / "serious").iterdir()] == ["b-000000.png"]
    assert [p.name for p in (tmp_path / "out" / "smiling").iterdir()] == ["b-000001.png"]
