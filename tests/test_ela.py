"""Error levels: a part that was not compressed before stands out, and nothing is concluded."""

import numpy as np
from scenes import decoded, encoded, opened, scene

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.ela import ela, error_levels, recompress


def test_a_pasted_part_glows() -> None:
    picture = decoded(encoded(scene(), quality=60)).copy()
    picture[96:192, 128:224] = scene(seed=1)[96:192, 128:224]
    found = ela(opened(encoded(picture, format="PNG")))
    assert isinstance(found, Finding)
    assert found.heatmap is not None
    inside = np.zeros(found.heatmap.shape, bool)
    inside[12:24, 16:28] = True
    assert np.median(found.heatmap[inside]) > 2 * np.median(found.heatmap[~inside])
    assert not found.notable
    assert not found.claims


def test_an_even_picture_is_even() -> None:
    levels = error_levels(decoded(encoded(scene(), quality=60)))
    left, right = np.median(levels[:, :24]), np.median(levels[:, 24:])
    assert abs(left - right) < 0.3 * max(left, right)


def test_levels_are_the_mean_change_of_each_block() -> None:
    picture = scene(64, 64)
    change = np.abs(picture.astype(float) - recompress(picture, 75))
    assert np.isclose(error_levels(picture, 75)[2, 3], change[16:24, 24:32].mean(), atol=1e-3)


def test_compression_at_the_same_quality_changes_little() -> None:
    once = recompress(scene(), 75)
    assert error_levels(once, 75).mean() < 0.2 * error_levels(scene(), 75).mean()


def test_what_cannot_be_read_says_why() -> None:
    for rgb, code in (
        (np.zeros((8, 8, 3), np.uint8), "too_small"),
        (np.full((64, 64, 3), 90, np.uint8), "flat"),
    ):
        found = ela(opened(encoded(rgb, format="PNG")))
        assert isinstance(found, NotApplicable)
        assert found.code == code


def test_the_heatmap_of_a_wide_strip_is_bounded() -> None:
    found = ela(opened(encoded(scene(64, 9000), quality=80)))
    assert isinstance(found, Finding)
    assert found.heatmap is not None
    assert max(found.heatmap.shape) <= 1024
    assert found.heatmap.dtype == np.float32
