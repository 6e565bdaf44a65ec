"""`unmask generate edit` on a generator of one step: its controls, not its faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_generate_command import call, plainly
from test_generate_photographs import with_original


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(0)
    for i in range(4):
        pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{i}.png")
    assert call("train", "faces", "--data", root, "--out", root / "run", "--images", 4,
                "--batch", 4, "--quiet") == 0  # fmt: skip
    return root / "run" / "last.pt"


def edited(run: Path, out: Path, *words: object) -> np.ndarray:
    assert call("edit", "--weights", run, "--out", out, *words, mark=plainly) == 0
    with Image.open(out) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_turning_and_mixing_change_a_face_and_nothing_changes_nothing(
    run: Path, tmp_path: Path
) -> None:
    plain = edited(run, tmp_path / "plain.png", "--seeds", "3")
    assert plain.shape == (64, 64, 3)
    assert (edited(run, tmp_path / "same.png", "--seeds", "3", "--turn", "1=0") == plain).all()
    for name, words in {
        "turn": ("--turn", "0=6", "--turn", "1=-2.5"),
        "mix": ("--mix", "8=coarse"),
        "mean": ("--truncation", "0"),
    }.items():
        assert abs(edited(run, tmp_path / f"{name}.png", "--seeds", "3", *words) - plain).max() > 0
    mean = edited(run, tmp_path / "other.png", "--seeds", "4", "--truncation", "0")
    assert (mean == edited(run, tmp_path / "mean2.png", "--truncation", "0")).all()


def test_portraits_are_edited_as_faces_are_and_named_so(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "portrait.png"
    assert (edited(run, out, "--game", "portraits") == edited(run, tmp_path / "face.png")).all()
    assert b"|portraits: seeds 0" in out.read_bytes()


def test_a_film_goes_from_face_to_face(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.webp"
    assert call("edit", "--weights", run, "--out", out, "--seeds", "1-3", "--frames", "4",
                mark=plainly) == 0  # fmt: skip
    with Image.open(out) as film:
        assert getattr(film, "n_frames", 1) == 9  # 4 from each face to the next, and the last


def test_the_nearest_face_keeps_the_portrait_as_its_original(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portrait, out = tmp_path / "portrait.jpg", tmp_path / "near.png"
    Image.new("RGB", (90, 80), (180, 140, 120)).save(portrait)
    assert call("edit", "--weights", run, "--photo", portrait, "--steps", "2", "--out", out,
                mark=with_original) == 0  # fmt: skip
    assert "grey levels away" in capsys.readouterr().out
    assert out.read_bytes().endswith(f"of {portrait.stat().st_size} bytes".encode())


@pytest.mark.parametrize(
    "words",
    [
        ("--turn", "x=1"), ("--turn", "999=1"), ("--mix", "1=nose"), ("--out", "faces.jpg"),
        ("--photo", "none.jpg"), ("--seeds", "a"), ("--out", "x.webp", "--turn", "0=1"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_edited_is_said(
    words: tuple[str, ...], run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    given = words if "--out" in words else (*words, "--out", "x.png")
    assert call("edit", "--weights", run, *given, mark=plainly) == 2
    assert capsys.readouterr().err.strip()
    assert not list(tmp_path.iterdir())
