"""The games of digits on planted digits: bright squares whose place is their class."""

import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.datasets.picture_arrays import Pictures, read_digits, read_folder, read_idx
from unmask.generate.catalogue import GAMES, UnknownGameError, find
from unmask.generate.examples import Examples
from unmask.generate.game import Game, OptionError, Sampling
from unmask.generate.games.digits import DigitGame, dcgan, vanilla
from unmask.generate.training import TrainConfig, train


def idx(array: NDArray[np.uint8]) -> bytes:
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def squares(count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Grey pictures of 28 x 28 with a bright square in the row that is their class."""
    rng = np.random.default_rng(0)
    labels = rng.integers(10, size=count).astype(np.uint8)
    pictures = np.zeros((count, 28, 28), np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        left = rng.integers(2, 18)
        picture[2 * label + 2 : 2 * label + 6, left : left + 8] = 255
    return pictures, labels


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    pictures, labels = squares(160)
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / "images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pictures)))
    (folder / "labels-idx1-ubyte").write_bytes(idx(labels))
    return folder


def test_digits_are_read_and_the_last_eighth_is_held_out(mnist: Path) -> None:
    pictures, labels = squares(160)
    seen, held_out = read_digits(mnist), read_digits(mnist, held_out=True)
    assert seen.pixels.shape == (140, 32, 32, 1)
    assert held_out.labels is not None
    assert held_out.labels.tolist() == labels[140:].tolist()
    assert np.array_equal(held_out.pixels[:, 2:30, 2:30, 0], pictures[140:])
    assert held_out.pixels[:, :2].max() == 0


def test_a_test_set_of_its_own_is_what_is_held_out(mnist: Path) -> None:
    pictures, labels = squares(30)
    (mnist / "t10k-images-idx3-ubyte").write_bytes(idx(pictures))
    (mnist / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    assert len(read_digits(mnist).pixels) == 160
    assert len(read_digits(mnist, held_out=True).pixels) == 30


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no IDX"),
        (b"\x00\x00\x08", "no IDX"),
        (struct.pack(">HBB3I", 0, 8, 3, 9, 28, 28) + b"short", "no IDX file of bytes"),
        (struct.pack(">HBB1I", 0, 13, 1, 2) + b"12345678", "no IDX file of bytes"),
        (gzip.compress(b"\x00\x00\x08\x01\x00\x00\x00\x05hello")[:-12], "no IDX"),
        (b"\x00\x00\x08\xff" + b"\xff" * 1020, "no IDX"),
    ],
    ids=["empty", "cut", "short", "doubles", "gzip cut", "absurd shape"],
)  # fmt: skip
def test_a_damaged_idx_file_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=reason) as caught:
        read_idx(path)
    assert caught.value.reason is DatasetReason.UNREADABLE


def test_a_folder_without_digits_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="curl"):
        read_digits(tmp_path)


def test_a_folder_is_decoded_once_and_broken_pictures_are_left_out(tmp_path: Path) -> None:
    from PIL import Image

    folder, cache = tmp_path / "pictures", tmp_path / "cache"
    (folder / "below").mkdir(parents=True)
    Image.new("RGB", (40, 20), (10, 200, 30)).save(folder / "below" / "a.png")
    Image.new("L", (8, 8), 99).save(folder / "b.jpg")
    (folder / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    (folder / "notes.txt").write_text("no picture")
    first = read_folder(folder, 16, cache=cache)
    assert first.names == ("b.jpg", "below/a.png")
    assert first.pixels.shape == (2, 16, 16, 3)
    assert abs(first.pixels[1].astype(int) - (10, 200, 30)).max() <= 1
    second = read_folder(folder, 16, cache=cache)
    assert isinstance(second.pixels, np.memmap)
    assert np.array_equal(first.pixels, second.pixels)
    Image.new("RGB", (9, 9)).save(folder / "d.png")
    assert len(read_folder(folder, 16, cache=cache).pixels) == 3
    with pytest.raises(DatasetError, match="no folder"):
        read_folder(tmp_path / "none", 16)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no picture"):
        read_folder(tmp_path / "empty", 16)


def test_examples_are_in_range_mirrored_and_drawn_from_the_rng_alone() -> None:
    pixels = np.zeros((3, 2, 2, 1), np.uint8)
    pixels[:, :, 0] = 255
    examples = Examples(pictures=Pictures(pixels=pixels, labels=np.arange(3)), mirror=True)
    first, second = (examples(np.random.default_rng(5), 64) for _ in range(2))
    assert torch.equal(first["images"], second["images"])
    assert torch.equal(first["labels"], second["labels"])
    assert set(first["images"].unique().tolist()) == {-1.0, 1.0}
    turned = first["images"][:, 0, 0, 0] < 0
    assert 16 < turned.sum() < 48


@pytest.fixture
def examples() -> Examples:
    pictures, labels = squares(512)
    padded = np.pad(pictures, ((0, 0), (2, 2), (2, 2)))[..., None]
    return Examples(pictures=Pictures(pixels=padded, labels=labels.astype(np.int64)))


@pytest.mark.parametrize("build", [vanilla, dcgan, lambda: DigitGame(8)])
def test_every_game_plays_and_makes_the_same_picture_of_a_seed(
    build: type[Game], examples: Examples, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    game = build()
    before = game.preview(game.generator).detach().clone()
    config = TrainConfig(images=16 * 6, batch=16, check_every=3)
    train(game, examples, config, tmp_path)
    game.eval()
    assert game.preview(game.generator).shape == (80, 1, 32, 32)
    assert not torch.allclose(game.preview(game.generator), before)
    two = game.sample(Sampling(seeds=(7, 8)))
    one = game.sample(Sampling(seeds=(7,)))
    assert torch.allclose(one[0], two[0], atol=1e-5)
    assert (two[0] - two[1]).abs().max() > 1e-3
    with pytest.raises(OptionError):
        game.sample(Sampling(seeds=(7,), truncation=0.5))


def test_the_digit_that_is_asked_for_comes(examples: Examples, tmp_path: Path) -> None:
    torch.manual_seed(1)
    game = DigitGame(6, 16)
    config = TrainConfig(images=32 * 100, batch=32, half_life=300, check_every=1000,
                         lr_generator=4e-3, lr_critic=4e-3)  # fmt: skip
    train(game, examples, config, tmp_path)
    game.eval()
    asked = Sampling(seeds=tuple(range(60)), labels=tuple(range(10)))
    made = (game.sample(asked)[:, 0] + 1) / 2
    rows = torch.arange(32.0)
    height = (made.sum(2) * rows).sum(1) / made.sum((1, 2)).clamp(min=1e-3)
    wanted = torch.arange(60) % 10 * 2 + 5.5  # rows of the squares' middles
    correlation = torch.corrcoef(torch.stack([height, wanted]))[0, 1]
    assert correlation > 0.8
    with pytest.raises(OptionError, match="0 to 9"):
        game.sample(replace(asked, labels=(10,)))


def test_every_name_is_found_and_a_wrong_one_gets_the_near_one() -> None:
    assert all(find(name).name == name for name in GAMES)
    with pytest.raises(UnknownGameError, match="'digits'"):
        find("digit")


def test_every_game_has_both_profiles_and_says_what_it_needs() -> None:
    for entry in GAMES.values():
        assert {"tiny", "full"} <= entry.profiles.keys()
        assert all(profile.cost for profile in entry.profiles.values())
        assert all(len(text) > 3 for text in (entry.title, entry.needs, entry.decoder))
        assert entry.papers
