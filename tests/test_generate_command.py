"""`unmask generate`: train, sample, film, list, from the command line's words to files."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from unmask.card import load_card
from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.manifest import Split
from unmask.datasets.manifest_file import read_manifest
from unmask.errors import WeightsError
from unmask.generate import trained as trained_module
from unmask.generate.command import main
from unmask.generate.corpora import keep_samples
from unmask.generate.game import OptionError, Sampling
from unmask.generate.outputs import Mark
from unmask.generate.sampling import numbers
from unmask.generate.trained import export, load_trained

MNIST_PARTS = ("images-idx3-ubyte", "labels-idx1-ubyte")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MNIST's files with noise in place of digits."""
    from test_digits_game import idx

    folder = tmp_path_factory.mktemp("mnist")
    rng = np.random.default_rng(0)
    (folder / MNIST_PARTS[0]).write_bytes(idx(rng.integers(256, size=(64, 28, 28), dtype=np.uint8)))
    (folder / MNIST_PARTS[1]).write_bytes(idx(rng.integers(10, size=64, dtype=np.uint8)))
    return folder


@pytest.fixture(scope="module")
def run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps."""
    out = tmp_path_factory.mktemp("runs") / "dcgan"
    code = call("train", "digits-dcgan", "--data", digits, "--out", out, "--images", 32,
                "--batch", 8, "--quiet")  # fmt: skip
    assert code == 0
    return out


def plainly(game: str) -> Mark:
    def mark(data: bytes, mime: str, settings: str, original: bytes | None) -> bytes:
        assert mime in ("image/png", "image/webp", "video/mp4")
        assert original is None
        return data + f"|{game}: {settings}".encode()

    return mark


def call(*words: object, mark: object = plainly) -> int:
    """The exit code."""
    try:
        main([str(w) for w in words], mark)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_dry_run_says_what_a_run_would_take_and_writes_nothing(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert call("train", "digits-2014", "--data", digits, "--out", out, "--dry-run",
                "--batch", 8, "--images", 800) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert re.search(r"generator [\d,]+ parameters, critic [\d,]+, on \w+", said)
    assert "100 steps of 8 examples" in said
    assert not out.exists()


def test_pictures_of_a_run_are_marked_and_the_same_again(run: Path, tmp_path: Path) -> None:
    words = ("sample", "digits-dcgan", "--weights", run / "last.pt", "--seeds", "3-5,9")
    for name in ("one", "two"):
        assert call(*words, "--out", tmp_path / name) == 0
    paths = sorted((tmp_path / "one").iterdir())
    assert [p.name for p in paths] == [f"digits-dcgan-{n:06d}.png" for n in (3, 4, 5, 9)]
    for path in paths:
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
        assert path.read_bytes().endswith(b"|digits-dcgan: seed %d" % int(path.stem[-1]))
        with Image.open(path) as image:
            assert image.size == (32, 32)
    assert call(*words, "--out", tmp_path / "one") == 2  # nothing is overwritten


def test_a_sheet_holds_every_picture(run: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    assert call("sample", "digits-dcgan", "--weights", run / "last.pt", "--seeds", "0-11",
                "--columns", 6, "--out", sheet) == 0  # fmt: skip
    with Image.open(io.BytesIO(sheet.read_bytes())) as image:
        assert image.size == (6 * 64, 2 * 64)  # enlarged to be seen
    assert sheet.read_bytes().endswith(b"seeds 0 to 11")


def test_unmarked_pictures_leave_into_a_corpus_alone(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("sample", "digits-dcgan", "--weights", run / "last.pt", "--unmarked",
             "--split", "validation", "--out", tmp_path / "corpus")  # fmt: skip
    assert call(*words, "--seeds", "0-4", mark=None) == 0
    assert call(*words, "--seeds", "5", mark=None) == 0
    capsys.readouterr()
    samples = read_manifest(tmp_path / "corpus" / "manifest.csv")
    assert len(samples) == 6
    assert {(s.fake, s.generator, s.split) for s in samples} == {
        (True, "unmask-digits-dcgan", Split.VALIDATION)
    }
    about = [json.loads(line) for line in (tmp_path / "corpus" / "about.jsonl").open()]
    assert len({row["sha256"] for row in about}) == 6
    assert {row["decoder"] for row in about} == {"transposed convolution k4"}
    assert b"tEXt" not in samples[0].path.read_bytes()
    assert call(*words, "--seeds", "4-6", mark=None) == 0  # goes on: what is there stays
    assert "1 written, 2 there already" in " ".join(capsys.readouterr().out.split())
    again = read_manifest(tmp_path / "corpus" / "manifest.csv")
    assert again[:6] == samples
    assert len(again) == 7
    # The same name, made in another way: neither overwritten nor passed over in silence.
    trained = load_trained("digits-dcgan", run / "last.pt")
    with torch.no_grad():
        next(trained.game.generator.parameters()).add_(1)
    with pytest.raises(DatasetError, match="other weights"):
        keep_samples(trained, Sampling(seeds=(5,)), tmp_path / "corpus", Split.VALIDATION)


def test_no_picture_leaves_without_marks(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("sample", "digits-dcgan", "--weights", run / "last.pt", "--out", tmp_path / "x")
    assert call(*words, mark=None) == 2
    assert "marks" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_film_of_a_run_begins_with_noise(run: Path, tmp_path: Path) -> None:
    shown = sorted((run / "previews").iterdir())
    assert [int(path.stem) for path in shown] == [0, 1, 2, 3, 4]
    for i, path in enumerate(shown):  # few steps change little: make every frame its own
        Image.new("RGB", (300, 280), (50 * i, 0, 0)).save(path)
    assert call("film", run, "--out", tmp_path / "film.webp") == 0
    with Image.open(tmp_path / "film.webp") as film:
        assert getattr(film, "n_frames", 1) == 5
        first = film.convert("RGB").getpixel((0, 0))
    assert first == (0, 0, 0)
    assert call("film", run, "--out", tmp_path / "strip.png") == 0
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.size == (5 * 256, 256)
        assert strip.getpixel((4 * 256, 0)) == (200, 0, 0)
    assert (tmp_path / "strip.png").read_bytes().endswith(b"5 previews of a training")
    assert call("film", run, "--out", tmp_path / "film.mp3") == 2
    assert call("film", tmp_path, "--out", tmp_path / "other.webp") == 2


@pytest.mark.parametrize(
    "words",
    [
        ("sample", "digits-dcgan", "--seeds", "a-b"),
        ("sample", "digits-dcgan", "--seeds", "1-999999999"),
        ("sample", "digits-dcgan", "--labels", "3"),
        ("sample", "digits-dcgan", "--profile", "huge"),
        ("sample", "digits-dcgan", "--device", "warp"),
        ("sample", "digits-2014"),
        ("sample", "nothing"),
    ],
    ids=lambda words: " ".join(words[1:]),
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    words: tuple[str, ...], run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x"
    assert call(*words, "--weights", run / "last.pt", "--out", out) == 2
    said = capsys.readouterr().err
    assert said.strip()
    assert "Traceback" not in said
    assert not out.exists()


def test_numbers_are_read_as_people_write_them() -> None:
    assert numbers("7") == (7,)
    assert numbers("0-3, 9") == (0, 1, 2, 3, 9)
    for wrong in ("", "3-1", "1;2", "-4", "1-", "٣"):
        with pytest.raises(OptionError):
            numbers(wrong)


@pytest.mark.parametrize("eight_bits", [False, True])
def test_what_is_exported_is_loaded_by_its_card(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], *, eight_bits: bool,
) -> None:  # fmt: skip
    trained = load_trained("digits-dcgan", run / "last.pt")
    target = tmp_path / "digits-dcgan.safetensors"
    export(
        trained, target, data=("noise",), licence="none", command="unmask generate train ...",
        results={"summary": "FID 300"}, weaknesses=("noise",), eight_bits=eight_bits,
    )  # fmt: skip
    held = load_file(target)
    assert any(tensor.dtype is torch.int8 for tensor in held.values()) is eight_bits
    monkeypatch.setattr(trained_module, "WEIGHTS", tmp_path)
    again = load_trained("digits-dcgan")
    assert again.images == trained.images == 32
    assert again.card == load_card(target)
    for one, two in zip(trained.game.parameters(), again.game.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-3)
    assert call("list") == 0
    said = capsys.readouterr().out
    for line in ("learned from  noise", "images seen   32", "measured      FID 300"):
        assert line in said
    assert "train it yourself" in said  # the other games
    target.write_bytes(target.read_bytes() + b"x")
    with pytest.raises(WeightsError):
        load_trained("digits-dcgan")
    with pytest.raises(WeightsError, match="No weights of digits-2014"):
        load_trained("digits-2014")
    with pytest.raises(WeightsError, match="another game or profile"):
        load_trained("digits-dcgan", run / "last.pt", profile="full")
