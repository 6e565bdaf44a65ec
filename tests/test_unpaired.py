"""Two domains of pictures: both layouts, what is held out, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.unpaired import download, read_domains


def paint(root: Path, folder: str, grey: int, count: int = 3) -> None:
    """Pictures whose brightness says where they come from."""
    (root / folder).mkdir(parents=True)
    for i in range(count):
        Image.new("RGB", (20, 12), (grey, grey, i)).save(root / folder / f"{i:02d}.png")


def greys(pixels: np.ndarray) -> set[int]:
    return {int(p) for p in pixels[:, 0, 0, 0]}


def test_the_cyclegan_sets_have_a_test_part_of_their_own(tmp_path: Path) -> None:
    for folder, grey in (("trainA", 10), ("trainB", 20), ("testA", 30), ("testB", 40)):
        paint(tmp_path, folder, grey)
    found = read_domains(tmp_path, 8)
    assert found.a.pixels.shape == (3, 8, 8, 3)
    assert (greys(found.a.pixels), greys(found.b.pixels)) == ({10}, {20})
    held = read_domains(tmp_path, 8, held_out=True)
    assert (greys(held.a.pixels), greys(held.b.pixels)) == ({30}, {40})
    assert len(held.a.pixels) == 3


def test_any_two_folders_are_two_domains_and_an_eighth_is_held_out(tmp_path: Path) -> None:
    paint(tmp_path, "women", 20, 16)
    paint(tmp_path, "men", 10, 8)
    paint(tmp_path, ".hidden", 30)
    (tmp_path / "SOURCE.txt").write_text("mine")
    found, held = (read_domains(tmp_path, 8, held_out=h) for h in (False, True))
    assert found.names == held.names == ("men", "women")
    assert greys(found.a.pixels) == greys(held.a.pixels) == {10}
    assert [len(d.pixels) for d in (found.a, held.a, found.b, held.b)] == [7, 1, 14, 2]
    assert not set(found.b.names) & set(held.b.names)
    assert held.b.names == ("14.png", "15.png")


def test_a_cache_changes_nothing(tmp_path: Path) -> None:
    paint(tmp_path / "set", "men", 10, 9)
    paint(tmp_path / "set", "women", 20, 9)
    plain, *cached = (
        read_domains(tmp_path / "set", 8, cache=c) for c in (None, tmp_path / "c", tmp_path / "c")
    )
    for found in cached:
        assert np.array_equal(found.a.pixels, plain.a.pixels)
        assert found.b.names == plain.b.names


def test_a_set_that_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cyclegan/datasets/horse2zebra\.zip") as caught:
        read_domains(tmp_path / "nowhere", 8)
    assert caught.value.reason is DatasetReason.NOT_FOUND
    with pytest.raises(DatasetError, match=r"monet2photo\.zip"):
        read_domains(tmp_path / "monet2photo", 8)
    assert download("maps").startswith("curl -LO https://efrosgans.eecs.berkeley.edu/")


def test_broken_pictures_are_left_out(tmp_path: Path) -> None:
    paint(tmp_path, "men", 10)
    paint(tmp_path, "women", 20)
    (tmp_path / "men" / "00.png").write_bytes(b"\x89PNG cut off")
    (tmp_path / "men" / "notes.txt").write_text("no picture")
    found = read_domains(tmp_path, 8)
    assert found.a.names == ("01.png", "02.png")


@pytest.mark.parametrize(
    ("folders", "says"),
    [
        (("men", "women", "others"), "men, others, women"),
        (("men",), "there is men"),
        ((), "there is none"),
        (("trainA", "testB"), "belong together"),
        (("train", "test"), "give .*test"),
    ],
)
def test_what_is_not_two_domains_is_refused(
    tmp_path: Path, folders: tuple[str, ...], says: str
) -> None:
    for folder in folders:
        paint(tmp_path, folder, 10)
    with pytest.raises(DatasetError, match=says) as caught:
        read_domains(tmp_path, 8)
    assert caught.value.reason is DatasetReason.UNRECOGNISED


def test_folders_without_pictures_or_with_too_few_are_refused(tmp_path: Path) -> None:
    paint(tmp_path, "men", 10, 7)
    paint(tmp_path, "women", 20, 0)
    with pytest.raises(DatasetError, match="women") as caught:
        read_domains(tmp_path, 8)
    assert caught.value.reason is DatasetReason.EMPTY
    Image.new("RGB", (9, 9)).save(tmp_path / "women" / "a.png")
    assert len(read_domains(tmp_path, 8).b.pixels) == 1
    with pytest.raises(DatasetError, match="7 pictures") as caught:
        read_domains(tmp_path, 8, held_out=True)
    assert caught.value.reason is DatasetReason.EMPTY
