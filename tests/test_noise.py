"""Noise: levels against a known sigma, and a part with other grain is placed."""

import numpy as np
import pytest
from scenes import encoded, opened, scene

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.noise import block_noise, noise, noise_map


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
