"""The reader of digits: it learns planted ones, keeps what it learned, and says how sure it is."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save_file

from unmask.card import load_card
from unmask.datasets.picture_arrays import Pictures, read_digits
from unmask.errors import WeightsError
from unmask.generate import digit_reader
from unmask.generate.digit_reader import (
    WEIGHTS,
    DigitReader,
    ReaderConfig,
    distorted,
    load_reader,
    measured,
    save_reader,
    share,
    train,
)
from unmask.generate.distances import QualityError
from unmask.generate.extractors import digits as digit_features
from unmask.generate.pictures import to_tensor
from unmask.generate.quality import conditional_accuracy
from unmask.generate.training import TrainingError

CONFIG = ReaderConfig(images=6000, batch=40, width=8, lr=4e-3)


def printed(n: int, seed: int) -> Pictures:
    """n digits of a printer's font, moved a little, with noise; all ten alike often."""
    rng, font = np.random.default_rng(seed), ImageFont.load_default(24)
    labels = np.arange(n) % 10
    pixels = np.zeros((n, 32, 32, 1), np.uint8)
    for i, label in enumerate(labels):
        page = Image.new("L", (32, 32))
        place = (float(rng.uniform(6, 12)), float(rng.uniform(0, 4)))
        ImageDraw.Draw(page).text(place, str(label), fill=255, font=font)
        noisy = np.asarray(page, np.float64) + rng.normal(0, 10, (32, 32))
        pixels[i, ..., 0] = noisy.clip(0, 255)
    return Pictures(pixels=pixels, labels=labels.astype(np.int64))


@pytest.fixture(scope="module")
def reader() -> DigitReader:
    return train(printed(300, 0), CONFIG)


def test_it_learns_digits_that_it_reads_in_other_pictures(reader: DigitReader) -> None:
    found = measured(reader, printed(200, 1))
    assert found["held-out digits"]["value"] > 0.95
    assert found["held-out digits"]["n"] == 200
    assert {name: part["n"] for name, part in found["by class"].items()} == {
        str(c): 20 for c in range(10)
    }
    untrained = measured(DigitReader(6), printed(200, 1))
    assert untrained["held-out digits"]["value"] < 0.5


def test_colour_and_batches_make_no_difference(
    reader: DigitReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = to_tensor(printed(30, 2).pixels)
    read = reader.read(images)
    monkeypatch.setattr(digit_reader, "BATCH", 7)
    assert torch.equal(read, reader.read(images.expand(-1, 3, -1, -1)))
    assert reader.read(images[:0]).shape == (0,)
    assert reader.features(images).shape == (30, 64)
    for odd in (images[..., 1:], images[:, 0], images.expand(-1, 2, -1, -1)):
        with pytest.raises(QualityError, match="32, 32"):
            reader.read(odd)


def test_reading_leaves_a_training_as_it_was() -> None:
    net = DigitReader(4).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.read(to_tensor(printed(10, 0).pixels))
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_training_repeats_and_disturbs_no_other_random_numbers() -> None:
    config, pictures = replace(CONFIG, images=160, width=4), printed(40, 0)
    torch.manual_seed(5)
    one = train(pictures, config)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    two, other = train(pictures, config), train(pictures, replace(config, seed=2))
    assert torch.equal(one.leave.weight, two.leave.weight)
    assert not torch.equal(one.leave.weight, other.leave.weight)


def test_distortions_move_strokes_and_keep_the_range() -> None:
    images = to_tensor(printed(60, 0).pixels)
    rng = torch.Generator().manual_seed(1)
    still = replace(CONFIG, turn=0, shift=0, stretch=0, ripple=0)
    assert torch.allclose(distorted(images, still, rng), images, atol=1e-4)
    for field, value in (("turn", 30), ("shift", 4), ("stretch", 0.3), ("ripple", 2)):
        moved = distorted(images, replace(still, **{field: float(value)}), rng)
        assert moved.min() >= -1 - 1e-5
        assert moved.max() <= 1 + 1e-5
        assert (moved - images).square().mean() > 0.02
        # No ink is lost on the whole: it only lies elsewhere.
        assert (moved + 1).mean() == pytest.approx((images + 1).mean().item(), rel=0.1)


def test_a_shift_is_as_far_as_it_says() -> None:
    dot = -torch.ones(400, 1, 32, 32)
    dot[:, :, 15:17, 15:17] = 1
    moved = distorted(
        dot, replace(CONFIG, turn=0, stretch=0, ripple=0, shift=3), torch.Generator().manual_seed(1)
    )
    ink = (moved + 1)[:, 0]
    centre = (ink.sum(1) * torch.arange(32)).sum(1) / ink.sum((1, 2)) - 15.5
    assert 2.8 < centre.abs().max() <= 3.01
    assert centre.mean().abs() < 0.3


@pytest.mark.parametrize(
    "pictures",
    [
        Pictures(pixels=np.zeros((3, 32, 32, 1), np.uint8)),
        Pictures(pixels=np.zeros((1, 32, 32, 1), np.uint8), labels=np.array([10])),
        Pictures(pixels=np.zeros((1, 28, 28, 1), np.uint8), labels=np.array([1])),
        Pictures(pixels=np.zeros((0, 32, 32, 1), np.uint8), labels=np.zeros(0, np.int64)),
    ],
)
def test_what_it_cannot_learn_from_is_refused(pictures: Pictures) -> None:
    with pytest.raises(TrainingError, match="learns from"):
        train(pictures, CONFIG)


def test_a_loss_that_is_lost_stops_the_training() -> None:
    with pytest.raises(TrainingError, match="in step"):
        train(printed(40, 0), replace(CONFIG, lr=1e30))


def test_weights_come_back_as_their_card_says(reader: DigitReader, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "reader.safetensors"
    card = save_reader(reader, path, printed(100, 3), CONFIG, 300)
    assert load_card(path) == card
    images = to_tensor(printed(50, 4).pixels)
    back = load_reader(path)
    assert torch.allclose(back(images), reader(images), atol=0.05)
    assert card.results == measured(back, printed(100, 3)) | {"options": card.results["options"]}
    assert card.results["options"]["width"] == CONFIG.width
    look = digit_features(path)
    assert look.name == f"clfdigits-{card.sha256[:8]}"
    assert look(images) == pytest.approx(back.features(images).double().numpy(), abs=1e-5)


def test_weights_that_are_not_its_own_are_refused(reader: DigitReader, tmp_path: Path) -> None:
    path = tmp_path / "reader.safetensors"
    card = save_reader(reader, path, printed(20, 3), CONFIG, 300)
    held = path.read_bytes()
    path.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
    with pytest.raises(WeightsError, match="not the file"):
        load_reader(path)
    save_file({"trunk.0.weight": torch.zeros(6, 1, 5, 5)}, path)
    digest = digit_reader.hashlib.sha256(path.read_bytes()).hexdigest()
    replace(card, sha256=digest).save(path.with_suffix(".json"))
    with pytest.raises(WeightsError, match="no digit reader"):
        load_reader(path)
    path.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        load_reader(path)


def test_shares_have_wilsons_interval() -> None:
    found = share(990, 1000)
    assert (found.value, found.low, found.high) == pytest.approx((0.99, 0.98169, 0.99456), abs=2e-5)
    none, every = share(0, 10), share(10, 10)
    assert (none.value, none.low, none.high) == pytest.approx((0, 0, 0.27753), abs=2e-5)
    assert (every.value, every.low, every.high) == pytest.approx((1, 0.72247, 1), abs=2e-5)
    for hits, n in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(QualityError, match="no share"):
            share(hits, n)


def test_conditional_samples_are_held_against_what_was_asked(reader: DigitReader) -> None:
    pictures = printed(100, 5)
    images, asked = to_tensor(pictures.pixels), reader.read(to_tensor(pictures.pixels))
    assert conditional_accuracy(images, asked, reader).all.hits == 100
    wrong = asked.clone()
    wrong[asked == 4] = 7
    fours, sevens = int((asked == 4).sum()), int((asked == 7).sum())
    found = conditional_accuracy(images, wrong, reader)
    assert found.all == share(100 - fours, 100)
    assert found.by_class[7] == share(sevens, sevens + fours)
    assert 4 not in found.by_class
    with pytest.raises(QualityError, match="do not fit"):
        conditional_accuracy(images, asked[1:], reader)
    with pytest.raises(QualityError, match="no share"):
        conditional_accuracy(images[:0], asked[:0], reader)


def idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


def test_the_command_trains_and_writes_weights_with_their_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = printed(80, 0)
    assert pictures.labels is not None
    idx(tmp_path / "images-idx3-ubyte", pictures.pixels[:, 2:30, 2:30, 0])
    idx(tmp_path / "labels-idx1-ubyte", pictures.labels)
    out = tmp_path / "reader.safetensors"
    call = ["digit_reader", "--out", str(out), "--images", "100", "--data"]
    monkeypatch.setattr("sys.argv", [*call, str(tmp_path)])
    digit_reader.main()
    assert load_card(out).results["held-out digits"]["n"] == 10
    assert load_card(out).data[0].endswith(": 70 digits")
    assert '"n": 10' in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", [*call, str(tmp_path / "absent")])
    with pytest.raises(SystemExit, match="2"):
        digit_reader.main()
    assert "Get them" in capsys.readouterr().out


def test_the_shipped_reader_is_small_and_says_how_good_it_is() -> None:
    card = load_card(WEIGHTS)
    assert WEIGHTS.stat().st_size < 1_000_000
    assert card.results["held-out digits"]["value"] >= 0.985
    assert card.results["held-out digits"]["low"] < card.results["held-out digits"]["value"]
    assert digit_features().name == "clfdigits-v1"
    assert sum(p.numel() for p in load_reader().parameters()) == 126_906


@pytest.mark.shared
def test_the_shipped_reader_reads_what_its_card_says(shared: Path) -> None:
    held_out = read_digits(shared / "mnist", held_out=True)
    found = measured(load_reader(), held_out)["held-out digits"]
    claimed = load_card(WEIGHTS).results["held-out digits"]
    assert abs(found["hits"] - claimed["hits"]) <= 1  # another processor may round one over
    assert found["n"] == claimed["n"] == 1000
