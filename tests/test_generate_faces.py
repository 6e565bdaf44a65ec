"""`unmask generate edit` on a generator of one step: its controls, not its faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_generate_command import call, plainly
from test_generate_photographs import with_original

from unmask.datasets import face_tracks


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


def test_one_person_walks_through_the_poses_of_others(run: Path, tmp_path: Path) -> None:
    person = ("--seeds", "1-2", "--mix", "8=middle", "--mix", "8=fine", "--turn", "0=2")
    folder, clip = tmp_path / "person", tmp_path / "walk.mp4"
    for out in (folder, clip):
        assert call("edit", "--weights", run, "--out", out, *person, "--frames", "3",
                    mark=plainly) == 0  # fmt: skip
    names = ["faces-000001.png", "faces-000002.png"]
    assert sorted(path.name for path in folder.iterdir()) == names
    ends = [np.asarray(Image.open(folder / name).convert("RGB")).astype(int) for name in names]
    sheet = edited(run, tmp_path / "sheet.png", *person)
    assert (np.concatenate(ends, axis=1) == sheet).all()
    assert (
        b"seed 2, truncation 0.7, turn ['0=2'], mix ['8=middle', '8=fine']"
        in (folder / names[1]).read_bytes()
    )
    frames = np.stack([pixels for _, pixels in face_tracks.pictures_of(clip, 12.0)]).astype(int)
    assert frames.shape == (4, 64, 64, 3)
    # One step of training: faces differ by hardly more than H.264 loses, so the mean is compared.
    for frame, face in ((frames[0], ends[0]), (frames[-1], ends[1])):
        assert abs(frame.mean((0, 1)) - face.mean((0, 1))).max() < 3


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
        ("--photo", "none.jpg"), ("--seeds", "a"), ("--out", "x.webp", "--turn", "x=1"),
        ("--out", "x.mp4", "--photo", __file__), ("--out", "x", "--photo", __file__),
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
