"""`unmask generate translate`, `swap` and `evaluate`: from words to marked files and figures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_generate_command import call

from unmask.card import load_card
from unmask.generate.catalogue import GAMES
from unmask.generate.outputs import Mark
from unmask.generate.translate import TranslationError, domain_of


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two kinds of pictures: dark ones and bright ones."""
    root = tmp_path_factory.mktemp("domains")
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 128)):
        (root / name).mkdir()
        for i in range(6):
            pixels = rng.integers(low, low + 128, (70, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def translator(domains: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step."""
    out = tmp_path_factory.mktemp("run")
    assert call("train", "men-women", "--data", domains, "--out", out, "--images", 2,
                "--batch", 2, "--quiet") == 0  # fmt: skip
    return out / "last.pt"


def with_original(game: str) -> Mark:
    def mark(data: bytes, mime: str, settings: str, original: bytes | None) -> bytes:
        assert mime == "image/png"
        assert original is not None
        return data + f"|{game}: {settings}, of {len(original)} bytes".encode()

    return mark


@pytest.mark.parametrize("options", [(), ("--to", "a"), ("--back",), ("--face",)])
def test_a_photograph_is_translated_and_marked_with_its_original(
    options: tuple[str, ...], translator: Path, domains: Path, tmp_path: Path
) -> None:
    photograph, out = domains / "dark" / "0.png", tmp_path / "out.png"
    words = ("translate", "men-women", photograph, "--weights", translator, "--out", out, *options)
    assert call(*words, mark=with_original) == 0
    with Image.open(out) as image:
        assert image.size == ((64, 64) if "--face" in options else (64, 70))
        assert np.asarray(image).std() > 0
    size = photograph.stat().st_size
    assert out.read_bytes().endswith(f"of {size} bytes".encode())
    assert call(*words, mark=with_original) == 2  # nothing is overwritten


def test_kinds_are_named_and_photographs_are_what_people_bring() -> None:
    games = {name: GAMES[name] for name in ("men-women", "photo-painting", "horse-zebra")}
    assert {name: domain_of(entry, "") for name, entry in games.items()} == {
        "men-women": "b", "photo-painting": "a", "horse-zebra": "b",
    }  # fmt: skip
    assert [domain_of(games["men-women"], way) for way in ("men", "women", "a", "b")] == [*"abab"]
    assert domain_of(games["photo-painting"], "photographs") == "b"
    with pytest.raises(TranslationError, match="only to horses and zebras"):
        domain_of(games["horse-zebra"], "women")


@pytest.mark.parametrize(
    "words",
    [
        ("translate", "men-women", "none.png"),
        ("translate", "men-women", "notes.txt"),
        ("translate", "swap", "0.png"),
        ("translate", "men-women", "0.png", "--to", "c"),
    ],
    ids=lambda words: " ".join(words[1:]),
)
def test_what_cannot_be_translated_is_said(
    words: tuple[str, ...], translator: Path, domains: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (domains / "dark" / "notes.txt").write_text("a poem")
    command, game, name, *rest = words
    out = tmp_path / "x.png"
    code = call(command, game, domains / "dark" / name, *rest, "--weights", translator,
                "--out", out, mark=with_original)  # fmt: skip
    assert code == 2
    assert capsys.readouterr().err.strip()
    assert not out.exists()


@pytest.mark.parametrize(
    ("out", "person"), [("x.avi", "a"), ("x.mp4", "c"), ("there.mp4", "a")]
)  # fmt: skip
def test_a_wrong_swap_is_refused_before_any_work(
    out: str, person: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("clip.mp4", "model.onnx", "there.mp4"):
        (tmp_path / name).write_bytes(b"nothing")
    code = call("swap", tmp_path / "clip.mp4", "--out", tmp_path / out, "--person", person,
                "--face-model", tmp_path / "model.onnx")  # fmt: skip
    assert code == 2
    assert "Traceback" not in capsys.readouterr().err
    assert (tmp_path / "there.mp4").read_bytes() == b"nothing"


def test_a_game_is_measured_and_shipped_with_its_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from test_digits_game import idx, squares

    pictures, labels = squares(400)
    data = tmp_path / "mnist"
    data.mkdir()
    (data / "images-idx3-ubyte").write_bytes(idx(pictures))
    (data / "labels-idx1-ubyte").write_bytes(idx(labels))
    torch.manual_seed(0)
    run, target = tmp_path / "run", tmp_path / "shipped" / "digits.safetensors"
    assert call("train", "digits", "--data", data, "--out", run, "--images", 32, "--batch", 16,
                "--quiet") == 0  # fmt: skip
    words = ("evaluate", "digits", "--data", data, "--weights", run / "last.pt", "--count", 100,
             "--export", target)  # fmt: skip
    assert call(*words) == 2  # a card is not left empty
    few = [99 if word == 100 else word for word in words]
    assert call(*few, "--source", "squares", "--licence", "none", "--trained-by", "this test",
                "--weakness", "two steps") == 2  # fmt: skip
    assert call(*words, "--source", "squares", "--licence", "none", "--trained-by", "this test",
                "--weakness", "two steps") == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "read as asked" in said
    card = load_card(target)
    assert card.game == {"name": "digits", "profile": "tiny", "images": 32}
    assert card.results["summary"] in " ".join(said.split())
    # After two steps it makes noise: the figures must say so.
    found = card.results["quality"]
    assert found["fake"]["frechet"] > 5 * found["floor"]["frechet"]
    assert card.results["conditional"]["all"]["high"] < 0.5
    assert json.dumps(card.results)
    assert call("sample", "digits", "--weights", target, "--seeds", "1", "--out",
                tmp_path / "out") == 0  # fmt: skip
