"""Photographs painted over: flat patches with edges kept, strokes, palettes, and a folder."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from unmask.datasets import painterly
from unmask.datasets.brushwork import (
    Brushes,
    Floats,
    bristles,
    flow_of,
    kuwahara,
    luminance,
    strokes,
)
from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.painterly import HANDS, PaintingError, Recipe, Style, build, paint
from unmask.datasets.pigments import lit, toned, vignette

SIDE = 64


def halves(side: int = SIDE, noise: float = 0.06) -> Floats:
    """A dark half left, a light one right, both with noise."""
    picture = np.full((side, side, 3), 0.25, np.float32)
    picture[:, side // 2 :] = 0.75
    picture += np.random.default_rng(0).normal(0, noise, picture.shape)
    return picture.clip(0, 1).astype(np.float32)


def portrait(side: int = SIDE, noise: float = 12) -> np.ndarray:
    """A light oval with two dark eyes before a blue ground; `noise` in grey levels."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    picture = np.full((side, side, 3), (60, 90, 140), np.float64)
    picture[(x / 0.25) ** 2 + (y / 0.33) ** 2 < 1] = (225, 180, 150)
    for eye in (-0.1, 0.1):
        picture[(x - eye) ** 2 + (y + 0.06) ** 2 < 0.002] = (40, 30, 30)
    picture += np.random.default_rng(1).normal(0, noise, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def step_of(picture: Floats) -> float:
    """How much lighter the four columns right of the middle are than the four left of it."""
    light, middle = luminance(picture), picture.shape[1] // 2
    return float(light[:, middle : middle + 4].mean() - light[:, middle - 4 : middle].mean())


def test_the_filter_takes_the_noise_and_leaves_the_edge() -> None:
    picture = halves()
    found = kuwahara(picture, 3.0)
    assert found.shape == picture.shape
    assert found.dtype == np.float32
    inner = (slice(8, -8), slice(8, 24))
    assert found[inner].var() < 0.1 * picture[inner].var()  # measured: 0.08
    assert step_of(found) > 0.95 * step_of(picture)  # measured: 0.999; a Gaussian of 3 pixels: 0.47
    light = luminance(found)[8:-8]
    widest = np.diff(light, axis=1).max(1)
    assert (
        np.median(widest) > 0.2
    )  # measured: 0.50 of a step of 0.5, in one pixel; a Gaussian: 0.07


def test_a_flat_picture_stays_as_it_is() -> None:
    flat = np.full((20, 30, 3), (0.2, 0.5, 0.8), np.float32)
    assert np.allclose(kuwahara(flat, 2.5), flat, atol=1e-5)


def test_the_flow_runs_along_stripes() -> None:
    for angle in (0.0, 0.5, 2.0):
        y, x = np.mgrid[:SIDE, :SIDE]
        across = np.sin(0.6 * (y * np.cos(angle) - x * np.sin(angle)))
        stripes = np.repeat((0.5 + 0.4 * across)[..., None], 3, 2).astype(np.float32)
        flow = flow_of(stripes, 3.0)
        inner = (slice(10, -10), slice(10, -10))
        off = np.sin(flow.angle - angle)[inner]  # an axis: half a turn is no difference
        assert np.abs(off).max() < 0.1
        assert flow.strength[inner].min() > 0.9
        assert flow_of(np.full_like(stripes, 0.5), 3.0).strength.max() == 0


def test_bristles_run_along_the_flow() -> None:
    stripes = np.repeat(np.sin(np.arange(SIDE) / 3)[:, None], SIDE, 1)
    flow = flow_of(np.repeat(stripes[..., None], 3, 2).astype(np.float32), 2.0)
    hairs = bristles(flow, 6, np.random.default_rng(0))
    assert hairs.std() == pytest.approx(1, abs=0.01)
    along, across = (np.abs(np.diff(hairs, axis=axis)).mean() for axis in (1, 0))
    assert along < 0.5 * across


def test_strokes_cover_a_canvas_in_the_colours_of_the_picture() -> None:
    picture = halves(noise=0.0)
    canvas = np.full_like(picture, (1.0, 0.0, 0.0))
    painted, thick = strokes(
        picture, canvas, Brushes(radii=(4, 2), jitter=0.0), np.random.default_rng(0)
    )
    assert np.abs(painted - picture).mean() < 0.05
    assert (thick > 0).mean() > 0.95
    flat = np.full_like(picture, 0.4)
    done, thin = strokes(flat, flat + 0.01, Brushes(radii=(4, 2)), np.random.default_rng(0))
    assert np.array_equal(done, flat + 0.01)  # near enough for a patient painter
    assert thin.max() == 0


def test_a_coarser_brush_paints_fewer_details() -> None:
    picture = (portrait() / 255).astype(np.float32)
    canvas = np.full_like(picture, 0.5)
    errors = [
        np.abs(strokes(picture, canvas, Brushes(radii=radii), np.random.default_rng(0))[0]
               - picture).mean()
        for radii in ((8,), (8, 4), (8, 4, 1.5))
    ]  # fmt: skip
    assert errors == sorted(errors, reverse=True)


def test_a_palette_draws_darks_and_lights_to_its_own() -> None:
    palette = replace(HANDS[Style.OLD_MASTER].palette, hold=1.0)
    greys = np.repeat(np.linspace(0, 1, 32, dtype=np.float32)[None, :, None], 3, 2)
    found = toned(greys, palette)[0]
    assert (np.diff(found @ np.ones(3)) > 0).all()  # what was lighter stays lighter
    assert found[16, 0] > found[16, 1] > found[16, 2]  # halves are warm
    colours = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    spread = [
        np.ptp(toned(colours, replace(palette, hold=hold)) @ (1, -1, 0)) for hold in (0, 0.5, 1)
    ]
    assert spread == sorted(spread, reverse=True)


def test_light_from_above_and_left_shows_relief_and_a_rim_is_around_the_middle() -> None:
    grey, height = np.full((9, 9, 3), 0.5, np.float32), np.zeros((9, 9), np.float32)
    assert np.array_equal(lit(grey, height, 1.0), grey)
    height[3:6, 3:6] = 0.3
    shown = lit(grey, height, 1.0)[..., 0]
    assert shown[3, 3] > 0.5 > shown[5, 5]
    rim = vignette((40, 30))
    assert rim.shape == (40, 30)
    assert rim[20, 15] == 0
    assert rim[0, 0] > 0.95


@pytest.mark.parametrize("style", Style)
def test_a_painted_portrait_is_flatter_and_keeps_size_and_edges(style: Style) -> None:
    photograph = portrait(noise=50)  # far more than the furrows that a brush leaves
    found = paint(photograph, style, 5)
    assert found.shape == photograph.shape
    assert found.dtype == np.uint8
    assert np.array_equal(found, paint(photograph, style, 5))
    before, after = (luminance((p / 255).astype(np.float32)) for p in (photograph, found))
    cheek = (slice(38, 46), slice(27, 37))  # noise and nothing else
    assert after[cheek].var() < 0.5 * before[cheek].var()
    # Face against ground, eyes against face: at least half of the contrast is left.
    for light, dark in ((cheek, (slice(28, 36), slice(4, 10))), (cheek, (27, slice(24, 27)))):
        contrast = [float(p[light].mean() - p[dark].mean()) for p in (before, after)]
        assert contrast[1] > 0.5 * contrast[0]


def test_styles_and_seeds_differ() -> None:
    photograph = portrait()
    found = [paint(photograph, style, 1).astype(int) for style in Style]
    assert all(np.abs(a - b).mean() > 8 for a, b in itertools.combinations(found, 2))
    other = paint(photograph, Style.LOOSE, 2).astype(int)
    assert 0.5 < np.abs(other - found[list(Style).index(Style.LOOSE)]).mean() < 25


def test_any_size_is_painted_and_kept() -> None:
    for shape in ((16, 16), (40, 25)):
        pixels = np.full((*shape, 3), 128, np.uint8)
        assert paint(pixels, Style.LOOSE).shape == pixels.shape


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((32, 32), np.uint8), np.zeros((32, 32, 4), np.uint8),
        np.zeros((32, 32, 3), np.float32), np.zeros((15, 32, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "small"],
)  # fmt: skip
def test_what_cannot_be_painted_is_said(pixels: np.ndarray) -> None:
    with pytest.raises(PaintingError, match=r"painted|too small"):
        paint(pixels, Style.LOOSE)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    (folder / "deep").mkdir(parents=True)
    for i, name in enumerate(("a.png", "b.jpg", "deep/c.png")):
        Image.fromarray(np.roll(portrait(), i, 1)).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


RECIPE = Recipe(side=32, styles=(Style.LOOSE, Style.WASH))


def painted(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.glob("*.png")}


def test_a_folder_is_painted_the_same_again_whatever_lies_beside(
    photographs: Path, tmp_path: Path
) -> None:
    assert build(photographs, tmp_path / "one", RECIPE) == 3
    one = painted(tmp_path / "one")
    assert sorted(one) == ["a.png.png", "b.jpg.png", "deep__c.png.png"]
    with Image.open(tmp_path / "one" / "a.png.png") as image:
        assert (image.size, image.mode) == ((32, 32), "RGB")
    about = json.loads((tmp_path / "one" / painterly.ABOUT).read_text())
    assert (about["styles"], about["seed"]) == (["loose", "wash"], 0)
    (photographs / "a.png").unlink()
    assert build(photographs, tmp_path / "two", RECIPE) == 2
    assert painted(tmp_path / "two") == {k: one[k] for k in ("b.jpg.png", "deep__c.png.png")}
    build(photographs, tmp_path / "three", replace(RECIPE, seed=1))
    assert painted(tmp_path / "three") != painted(tmp_path / "two")


def test_an_interrupted_folder_is_gone_on_with(photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert build(photographs, out, replace(RECIPE, limit=1)) == 1
    first = (out / "a.png.png").stat().st_mtime_ns
    assert build(photographs, out, RECIPE) == 3
    assert (out / "a.png.png").stat().st_mtime_ns == first
    with pytest.raises(PaintingError, match="other files"):
        build(photographs, out, replace(RECIPE, seed=9))


def test_bad_folders_and_recipes_are_refused(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(PaintingError, match="needed"):
        build(photographs, tmp_path / "out", replace(RECIPE, side=8))
    with pytest.raises(PaintingError, match="other files"):
        build(photographs, photographs, RECIPE)
    (tmp_path / "file").write_text("")
    with pytest.raises(PaintingError, match="cannot be written"):
        build(photographs, tmp_path / "file" / "out", RECIPE)
    with pytest.raises(DatasetError, match="no folder"):
        build(tmp_path / "none", tmp_path / "out", RECIPE)
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_made_and_what_is_wrong(photographs: Path, tmp_path: Path) -> None:
    app = painterly.typer.Typer()
    app.command()(painterly.main)
    words = ["--data", str(photographs), "--out", str(tmp_path / "out"), "--side", "32"]
    done = CliRunner().invoke(app, [*words, "--style", "impression", "--limit", "2"])
    assert (done.exit_code, "2 painted pictures" in done.stderr) == (0, True)
    again = CliRunner().invoke(app, [*words, "--style", "wash"])
    assert (again.exit_code, "other files" in again.stderr) == (2, True)
