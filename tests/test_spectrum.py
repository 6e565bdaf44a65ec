"""Spectrum: a known power law, planted lattices and peaks, and JPEG blocks that are neither."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scenes import decoded, encoded, opened, scene

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.spectrum import (
    azimuthal_profile,
    find_peaks,
    lattice,
    mean_spectra,
    prominence,
    spectrum,
    tile_side,
)


def lattice_of(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    luma = np.ascontiguousarray(rgb[..., 1])
    return lattice(prominence(mean_spectra(luma, 128)[1]))


def with_lattice(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What transposed convolutions leave: a faint pattern of 8 x 8 pixels, repeated."""
    pattern = np.random.default_rng(9).normal(0, 1.5, (8, 8))
    tiled = np.tile(pattern, (rgb.shape[0] // 8, rgb.shape[1] // 8))
    return np.clip(rgb + tiled[..., None], 0, 255).round().astype(np.uint8)


def test_an_upsampling_lattice_is_found() -> None:
    found = spectrum(opened(encoded(with_lattice(scene()), format="PNG")))
    assert isinstance(found, Finding)
    assert found.notable
    assert found.facts["lattice_off_axes"] > 2
    assert any(p["lattice"] for p in found.facts["peaks"])


def test_an_upsampling_lattice_survives_jpeg() -> None:
    assert lattice_of(decoded(encoded(with_lattice(scene()), quality=90)))[1] > 0.8


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("quality", [None, 95, 75, 50])
def test_photographs_and_jpeg_blocks_have_none(seed: int, quality: int | None) -> None:
    picture = scene(seed=seed)
    if quality:
        picture = decoded(encoded(picture, quality=quality))
    found = spectrum(opened(encoded(picture, format="PNG")))
    assert isinstance(found, Finding)
    assert not found.notable


def test_jpeg_blocks_raise_the_axes_alone() -> None:
    before, after = lattice_of(scene()), lattice_of(decoded(encoded(scene(), quality=50)))
    assert after[0] > before[0] + 0.5
    assert after[1] < 0.8


def test_a_planted_wave_is_a_peak_at_its_frequency() -> None:
    y, x = np.mgrid[0:320, 0:384]
    wave = 2.5 * np.cos(2 * np.pi * (0.3 * x + 0.17 * y))
    picture = np.clip(scene() + wave[..., None], 0, 255).round().astype(np.uint8)
    z = prominence(mean_spectra(np.ascontiguousarray(picture[..., 1]), 128)[1])
    peak = find_peaks(z, 5.0)[0]
    assert abs(peak.x - 0.3) < 0.01
    assert abs(peak.y - 0.17) < 0.01
    assert not peak.lattice


@pytest.mark.parametrize("exponent", [-1.5, -2.0, -3.0])
def test_the_exponent_is_the_planted_one(exponent: float) -> None:
    side = 256
    v, u = np.mgrid[-side // 2 : side // 2, -side // 2 : side // 2] / side
    profile = azimuthal_profile(np.maximum(np.hypot(u, v), 1e-3) ** exponent)
    assert np.isclose(profile.exponent, exponent, atol=0.02)
    assert abs(profile.excess) < 0.02


def test_blur_bends_the_profile_down() -> None:
    image = Image.fromarray(scene(512, 512))
    blurred = np.asarray(image.resize((200, 200)).resize((512, 512)))
    found = spectrum(opened(encoded(blurred, format="PNG")))
    assert isinstance(found, Finding)
    assert found.facts["excess"] < -0.7
    assert "less fine detail" in found.summary


def test_the_plot_is_complete() -> None:
    found = spectrum(opened(encoded(scene(), format="PNG")))
    assert isinstance(found, Finding)
    (plot,) = found.plots
    assert len(plot.series) == 2
    assert all(len(series) == len(plot.x) for series in plot.series.values())


def test_tiles_fit_twice() -> None:
    sides = [tile_side(*shape) for shape in ((127, 900), (128, 128), (256, 300), (900, 512))]
    assert sides == [0, 64, 128, 256]


def test_what_cannot_be_read_says_why() -> None:
    small = spectrum(opened(encoded(scene(100, 300))))
    plain = spectrum(opened(encoded(np.full((200, 200, 3), 90, np.uint8))))
    assert isinstance(small, NotApplicable)
    assert isinstance(plain, NotApplicable)
    assert (small.code, plain.code) == ("too_small", "flat")
