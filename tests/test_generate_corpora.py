"""`translate --unmarked` and `swap --unmarked`: from photographs and clips to detectors' pairs."""

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from test_generate_command import call, plainly
from test_swap_video import FACELESS, HEIGHT, WIDTH, see, write
from torch import nn

from unmask.datasets.blending import own_quality_jpeg
from unmask.datasets.loaders import load
from unmask.datasets.manifest import Sample, Split, draw
from unmask.datasets.manifest_file import write_manifest
from unmask.detect.pair_stream import Made, Pool
from unmask.generate import command_photographs, translate
from unmask.generate.alignment import Face, moved
from unmask.generate.catalogue import find
from unmask.generate.corpora import DRAWN
from unmask.generate.outputs import Mark
from unmask.generate.swap_nets import SwapNet, SwapSize
from unmask.generate.trained import Trained

Pixels = NDArray[np.uint8]
SMALL = SwapSize(side=64, encoder=(8, 8, 8, 16), dense=16, decoder=(8, 8, 8), critic=(8,),
                 residual=False)  # fmt: skip
SWAPPED = [i for i in range(12) if i not in FACELESS]


@pytest.fixture(scope="module")
def games() -> dict[str, Trained]:
    """With far smaller networks, that learned nothing."""
    torch.manual_seed(0)
    translator = find("men-women").profiles["tiny"].build()
    ways = {way: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Tanh()) for way in ("ab", "ba")}
    translator.generator = nn.ModuleDict(ways)
    swapper = find("swap").profiles["tiny"].build()
    swapper.generator = SwapNet(SMALL)
    return {
        name: Trained(
            entry=find(name), profile="tiny", game=game.eval().requires_grad_(False), images=0,
            card=None, source=Path("last.pt"),
        )
        for name, game in (("men-women", translator), ("swap", swapper))
    }  # fmt: skip


@pytest.fixture(autouse=True)
def untrained(games: dict[str, Trained], monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights are read, and faces are found in the scenes of the swap's tests alone."""
    monkeypatch.setattr(command_photographs, "load_trained", lambda name, *_, **__: games[name])
    monkeypatch.setattr(command_photographs, "YuNet", lambda _: see)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four photographs, one of them a JPEG that EXIF turns, and what is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for i in range(3):
        pixels = rng.integers(256, size=(83, 100 + i, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    smooth = np.asarray(Image.fromarray(pixels[:12, :16]).resize((160, 120), 3))
    Image.fromarray(smooth).save(folder / "phone.jpg", quality=60, exif=turned)
    Image.new("RGB", (40, 200)).save(folder / "narrow.png")
    (folder / "broken.jpg").write_bytes((folder / "phone.jpg").read_bytes()[:700])
    (folder / "film.mp4").write_bytes(b"no film")
    (folder / "notes.txt").write_text("a poem")
    return folder


def make(*words: object, mark: object = None) -> int:
    return call(*words, mark=mark)


def pairs(corpus: Path) -> dict[str, list[Made]]:
    return dict(Pool(load(str(corpus))).paired)


def by_photograph(corpus: Path) -> dict[str, dict[str, object]]:
    rows = [json.loads(line) for line in (corpus / "about.jsonl").read_text().splitlines()]
    return {row["photograph"]: row for row in rows if row["label"] == "fake"}


def test_a_photograph_lies_beside_its_translation(
    photos: Path, tmp_path: Path, games: dict[str, Trained], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "corpus"
    words = ("translate", "men-women", photos, "--unmarked", "--out", out, "--side", 96)
    assert make(*words) == 0
    said = capsys.readouterr().out
    for part in ("4 written", "1 under 64 pixels", "1 that cannot be read", "1 no picture"):
        assert part in said
    made = pairs(out)["unmask-men-women"]
    assert len(made) == 4
    assert all(m.mask is None and m.real.shape == m.fake.shape for m in made)
    rows, net = by_photograph(out), games["men-women"].game.generator
    for name in ("0.png", "phone.jpg"):
        row = rows[name]
        with Image.open(photos / name) as image:
            stored = np.asarray(image.convert("RGB"))
        top, left = ((n - min(96, n // 16 * 16)) // 2 // 16 * 16 for n in stored.shape[:2])
        cut = stored[top : top + min(96, stored.shape[0] // 16 * 16), left : left + 96]
        expected = translate.translate(net, cut, to="b")
        if name == "phone.jpg":  # its block grid is on both sides, or it would tell them apart
            expected = own_quality_jpeg(expected, (photos / name).read_bytes())
        with Image.open(out / str(row["path"])) as fake:
            assert np.array_equal(np.asarray(fake), expected)
        with Image.open(out / "camera" / Path(str(row["path"])).name) as real:
            assert np.array_equal(np.asarray(real), cut)
        assert row["decoder"] == find("men-women").decoder
        assert row["licence"] == "as of the data that it was trained on; photograph: as of the" \
            " photograph"  # fmt: skip
    # A plain folder has no splits: they are drawn by the source, which both of a pair share.
    for sample in load(str(out)):
        assert sample.source.startswith("photos/")
        assert sample.split is draw(sample.source, DRAWN)


def test_the_same_command_goes_on_and_others_share_the_photographs(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "corpus"
    words = ("translate", "men-women", f"real:{photos}", "--unmarked", "--out", out)
    assert make(*words) == 0
    kept = {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    (photos / "9.png").write_bytes((photos / "0.png").read_bytes())
    capsys.readouterr()
    assert make(*words) == 0
    assert "1 written, 4 there already" in capsys.readouterr().out
    assert make(*words, "--back") == 0
    assert make(*words, "--face") == 0  # another cut of the photographs
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}.items()
    made = pairs(out)["unmask-men-women"]
    assert sorted(m.real.shape[0] for m in made) == [64] * 5 + [80] * 8 + [112] * 2
    assert len(list((out / "camera").iterdir())) == 10
    fakes = [s for s in load(str(out)) if s.fake]
    for sample, one in zip(fakes, made, strict=True):  # never with another cut of the photograph
        with Image.open(out / "camera" / sample.path.name) as real:
            assert np.array_equal(np.asarray(real), one.real)


def test_a_photograph_keeps_its_split(photos: Path, tmp_path: Path) -> None:
    given = {
        "0.png": Split.TRAIN, "1.png": Split.VALIDATION, "2.png": Split.TEST,
        "phone.jpg": Split.TRAIN,
    }  # fmt: skip
    samples = [
        Sample(path=photos / name, fake=name == "phone.jpg", corpus="mine", source=f"my/{name}",
               generator="flux" if name == "phone.jpg" else "camera", split=split)
        for name, split in given.items()
    ]  # fmt: skip
    write_manifest(samples, tmp_path / "list.csv")
    words = ("translate", "men-women", tmp_path / "list.csv", "--unmarked", "--out")
    assert make(*words, tmp_path / "own") == 0
    found = load(str(tmp_path / "own"))
    assert len(found) == 6  # the fake is no photograph
    assert {(s.source, s.split) for s in found} == {
        (f"my/{name}", split) for name, split in given.items() if name != "phone.jpg"
    }
    assert make(*words, tmp_path / "test", "--split", "test", "--limit", 2, "--licence", "CC0") == 0
    found = load(str(tmp_path / "test"))
    assert len(found) == 4
    assert {s.split for s in found} == {Split.TEST}
    assert {row["licence"] for row in by_photograph(tmp_path / "test").values()} == {
        "as of the data that it was trained on; photograph: CC0"
    }
    # One source cannot be on two sides of a corpus.
    assert make(*words, tmp_path / "own", "--split", "validation", "--back") == 2
    assert {s.split for s in load(str(tmp_path / "own"))} == set(Split)


def test_faces_that_are_not_there_make_no_corpus(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(translate, "YuNet", lambda *_, **__: lambda _: [])
    (tmp_path / "yunet.onnx").write_bytes(b"model")
    code = make("translate", "men-women", photos, "--unmarked", "--out", tmp_path / "x", "--face",
                "--face-model", tmp_path / "yunet.onnx")  # fmt: skip
    assert code == 2
    assert "4 without a face" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("translate", "men-women", "photos", "--to", "c"), ("translate", "swap", "photos"),
        ("translate", "men-women", "nowhere"), ("translate", "men-women", "empty"),
        ("translate", "men-women", "photos/0.png"), ("translate", "men-women", "photos/notes.txt"),
        ("swap", "clip.mp4", "--person", "c"), ("swap", "photos/0.png", "--person", "a"),
        ("swap", "clip.mp4", "--person", "a", "--masks", "masks"),
        ("translate", "men-women", "photos", "--out", "full"),
        ("swap", "clip.mp4", "--person", "a", "--out", "full"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_makes_no_corpus_is_said(
    words: tuple[str, ...], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(photos.parent)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("mine")
    write(tmp_path / "clip.mp4", count=2)
    where = () if "--out" in words else ("--out", "x")
    model = ("--face-model", "clip.mp4") if words[0] == "swap" else ()
    assert make(*words, *where, *model, "--unmarked") == 2
    said = capsys.readouterr().err
    assert said.strip()
    assert "Traceback" not in said
    assert not (tmp_path / "x").exists()
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["diary.txt"]


@pytest.fixture
def swap(tmp_path: Path) -> Callable[..., int]:
    def run(*words: object, out: str = "corpus", mark: object = None) -> int:
        return make("swap", *words, "--person", "a", "--out", tmp_path / out, "--face-model",
                    tmp_path / "clip.mp4", mark=mark)  # fmt: skip

    write(tmp_path / "clip.mp4")
    return run


def decoded(clip: Path) -> list[Pixels]:
    with av.open(str(clip)) as container:
        return [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]


def test_a_frame_lies_beside_its_swap_with_its_mask(
    swap: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, frames = tmp_path / "corpus", decoded(tmp_path / "clip.mp4")
    assert swap(tmp_path / "clip.mp4", "--unmarked") == 0
    assert "9 written, 3 without a face" in capsys.readouterr().out
    samples = load(str(corpus))
    assert len(samples) == 18
    assert len({s.source for s in samples}) == len({s.split for s in samples}) == 1
    made = pairs(corpus)["unmask-swap"]
    for index, one in zip(SWAPPED, made, strict=True):
        assert np.array_equal(one.real, frames[index])  # lossless, and each beside its own
        assert one.mask is not None
        differ = (one.real != one.fake).any(2)
        assert differ.sum() > 100
        assert not (differ & (one.mask == 0)).any()
        assert differ[one.mask > 0.2].mean() > 0.9
    rows = [json.loads(line) for line in (corpus / "about.jsonl").read_text().splitlines()]
    fakes = [row for row in rows if row["label"] == "fake"]
    assert [row["settings"] for row in fakes] == [f"to person a, frame {i}" for i in SWAPPED]
    for row in fakes:
        with Image.open(corpus / row["mask"]) as mask:
            assert (mask.mode, mask.size) == ("L", (WIDTH, HEIGHT))
        at = moved(see(frames[0])[0].landmarks, np.array(row["matrix"]))
        assert at.min() > 0
        assert at.max() < 64
        assert row["clip"] == "clip.mp4"
        assert row["decoder"] == "sub-pixel convolution"


def test_swaps_go_on_and_bad_clips_are_passed_over(
    swap: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "clip.mp4"
    assert swap(clip, "--unmarked", "--every", 4, "--split", "test") == 0  # frames 0, 4, 8
    assert "2 written, 1 without a face" in capsys.readouterr().out
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "corpus").rglob("*.png")}
    renamed, cut, other = (tmp_path / f"{name}.mp4" for name in ("renamed", "cut", "other"))
    renamed.write_bytes(clip.read_bytes())
    cut.write_bytes(clip.read_bytes()[:3000])
    Image.new("RGB", (64, 64)).save(tmp_path / "picture.png")
    write(other, count=3)
    capsys.readouterr()
    assert swap(renamed, cut, tmp_path / "picture.png", other, "--unmarked", "--every", 2,
                "--split", "test") == 0  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert "4 written, 2 there already" in said  # 2 and 10 of the first, 0 and 2 of the other
    assert "2 clips that cannot be read" in said
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in kept}.items()
    samples = load(str(tmp_path / "corpus"))
    assert len({s.source for s in samples}) == 2
    assert {s.split for s in samples} == {Split.TEST}
    assert len(pairs(tmp_path / "corpus")["unmask-swap"]) == 6


def test_a_clip_without_a_face_makes_no_corpus(
    swap: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    nobody: Callable[[Pixels], list[Face]] = lambda _: []  # noqa: E731
    monkeypatch.setattr(command_photographs, "YuNet", lambda _: nobody)
    assert swap(tmp_path / "clip.mp4", "--unmarked") == 2
    assert "12 without a face" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "corpus").exists()


def test_a_marked_swap_keeps_its_masks_where_asked(
    swap: Callable[..., int], tmp_path: Path
) -> None:
    odd = write(tmp_path / "odd.mkv", sound="", size=(159, 119), form="yuv444p")

    def mark(_game: str) -> Mark:
        return lambda data, _mime, _settings, _original: data

    assert swap(odd, "--masks", tmp_path / "masks", out="x.mp4", mark=mark) == 0
    assert sorted(p.name for p in (tmp_path / "masks").iterdir()) == [
        f"{i:06d}.png" for i in SWAPPED
    ]
    assert decoded(tmp_path / "x.mp4")[0].shape == (118, 158, 3)  # H.264 has even sides
    assert swap(odd, "--unmarked") == 0
    for sample in (s for s in load(str(tmp_path / "corpus")) if s.mask is not None):
        with (
            Image.open(sample.mask) as one,
            Image.open(tmp_path / "masks" / f"{sample.path.stem[-6:]}.png") as two,
        ):
            assert np.array_equal(np.asarray(one)[:118, :158], np.asarray(two))
            assert np.asarray(two).max() > 100
    assert swap(odd, "--masks", tmp_path / "masks", out="y.mp4", mark=mark) == 2
    assert swap(odd, odd, out="y.mp4", mark=plainly) == 2  # several clips make a corpus alone
    assert not (tmp_path / "y.mp4").exists()
