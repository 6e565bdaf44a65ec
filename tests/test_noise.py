"""Noise: levels against a known sigma, and a part with other grain is placed."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.noise import block_noise, noise, noise_map
from unmask.media import Media, open_bytes


def scene(height: int = 320, width: int = 384, seed: int = 0) -> NDArray[np.uint8]:
    """A picture with a photograph's spectrum: 1/f noise, a few shapes, grain; never a JPEG."""
    rng = np.random.default_rng(seed)
    v, u = np.meshgrid(np.fft.fftfreq(height), np.fft.rfftfreq(width), indexing="ij")
    fall = 1 / np.maximum(np.hypot(u, v), 1 / max(height, width)) ** 1.2
    planes = [
        np.fft.irfft2(fall * np.fft.rfft2(rng.normal(size=(height, width))), (height, width))
        for _ in range(2)
    ]
    base = planes[0] / planes[0].std() * 32 + 120
    tint = planes[1] / planes[1].std() * 6
    rgb = np.stack([base + tint, base, base - tint], axis=2)
    for _ in range(5):
        y, x, r = rng.integers(0, height), rng.integers(0, width), rng.integers(15, 45)
        rows, columns = np.mgrid[0:height, 0:width]
        rgb[np.hypot(rows - y, columns - x) < r] += rng.normal(0, 25)
    rgb += rng.normal(0, 2.5, rgb.shape)
    return np.clip(rgb, 0, 255).round().astype(np.uint8)


def encoded(rgb: NDArray[np.uint8], **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, str(options.pop("format", "JPEG")), **options)
    return buffer.getvalue()


def decoded(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def opened(data: bytes) -> Media:
    return open_bytes(data, "picture")


@pytest.mark.parametrize("sigma", [2.0, 5.0, 10.0])
def test_the_level_is_the_planted_one(sigma: float) -> None:
    rng = np.random.default_rng(0)
    slope = np.linspace(60, 180, 512)[None, :] * np.ones((512, 1))
    luma = (slope + rng.normal(0, sigma, (512, 512))).round().astype(np.uint8)
    # The median over 64 values is biased by a percent or two; rounding adds 1 / 12.
    assert np.isclose(block_noise(luma).mean(), sigma, rtol=0.05)


@pytest.mark.parametrize(("extra", "sign"), [(9.0, 1), (0.0, -1)])
def test_a_part_with_other_grain_is_placed(extra: float, sign: int) -> None:
    picture = scene().astype(float)
    part = picture[96:208, 128:240]
    if extra:
        part += np.random.default_rng(1).normal(0, extra, part.shape)
    else:
        part[1:-1, 1:-1] = (part[:-2, 1:-1] + part[2:, 1:-1] + part[1:-1, :-2] + part[1:-1, 2:]) / 4
    picture = np.clip(picture, 0, 255).round().astype(np.uint8)
    found = noise_map(picture[..., 1])
    inside = np.zeros(found.deviation.shape, bool)
    inside[7:12, 9:14] = True
    assert sign * np.median(found.deviation[inside]) > 1.5
    assert abs(np.median(found.deviation[~inside])) < 0.5
    result = noise(opened(encoded(picture, format="PNG")))
    assert isinstance(result, Finding)
    assert result.heatmap is not None
    assert np.median(result.heatmap[inside]) > 0.1 + np.median(result.heatmap[~inside])


def test_grain_that_follows_brightness_is_expected() -> None:
    rng = np.random.default_rng(2)
    slope = np.linspace(30, 220, 512)[None, :] * np.ones((256, 1))
    luma = (slope + rng.normal(0, 1, slope.shape) * (1 + slope / 60)).round()
    found = noise_map(np.clip(luma, 0, 255).astype(np.uint8))
    ratio = np.median(found.sigma[:, -4:]) / np.median(found.sigma[:, :4])
    assert ratio > 2  # the grain differs,
    assert np.abs(np.median(found.deviation, axis=0)).max() < 2  # and is not held against it


def test_an_even_picture_stays_quiet() -> None:
    found = noise(opened(encoded(scene(), format="PNG")))
    assert isinstance(found, Finding)
    assert found.facts["odd_share"] < 0.03
    assert not found.notable


def test_what_cannot_be_read_says_why() -> None:
    small = noise(opened(encoded(scene(40, 300))))
    plain = noise(opened(encoded(np.full((200, 200, 3), 90, np.uint8))))
    smooth = np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[None, :], 256, 0)
    grainless = noise(opened(encoded(np.dstack([smooth] * 3), format="PNG")))
    for found, code in ((small, "too_small"), (plain, "flat"), (grainless, "no_grain")):
        assert isinstance(found, NotApplicable)
        assert found.code == code
