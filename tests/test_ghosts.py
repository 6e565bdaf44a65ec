"""JPEG ghosts: a part of lower quality is found and placed; a whole picture has none."""

import numpy as np
import pytest
from PIL import Image
from scenes import decoded, encoded, opened, scene

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.ela import recompress
from unmask.forensics.ghosts import QUALITIES, difference_curves, dips, jpeg_ghosts, own_quality


def spliced(first: int, last: int) -> bytes:
    picture = scene().copy()
    picture[96:224, 128:256] = decoded(encoded(picture, quality=first))[96:224, 128:256]
    return encoded(picture, quality=last)


@pytest.mark.parametrize(("first", "last"), [(60, 90), (50, 75), (70, 95)])
def test_a_part_of_lower_quality_is_found(first: int, last: int) -> None:
    found = jpeg_ghosts(opened(spliced(first, last)))
    assert isinstance(found, Finding)
    assert found.notable
    assert found.facts["ghost_quality"] == first
    assert found.heatmap is not None
    inside = np.zeros(found.heatmap.shape, bool)
    inside[7:13, 9:15] = True
    assert found.heatmap[inside].mean() > 3 * found.heatmap[~inside].mean()
    assert 0.05 < found.facts["ghost_share"] < 0.2  # it is 0.13


@pytest.mark.parametrize("quality", [75, 90, 95])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_picture_saved_once_has_none(quality: int, seed: int) -> None:
    found = jpeg_ghosts(opened(encoded(scene(seed=seed), quality=quality)))
    assert isinstance(found, Finding)
    assert not found.notable


def test_an_earlier_save_of_the_whole_is_no_ghost() -> None:
    twice = encoded(decoded(encoded(scene(), quality=60)), quality=90)
    found = jpeg_ghosts(opened(twice))
    assert isinstance(found, Finding)
    assert not found.notable
    assert found.facts["median_dips"]["60"] > 0.4


def test_curves_are_the_log_mean_squared_difference() -> None:
    luma = scene(64, 64)[..., 0]
    curves = difference_curves(luma)
    assert curves.shape == (len(QUALITIES), 4, 4)
    squared = (luma.astype(float) - recompress(luma, 50)) ** 2
    expected = np.log(squared[16:32, 32:48].mean() + 0.3)
    assert np.isclose(curves[QUALITIES.index(50), 1, 2], expected, atol=1e-3)


def test_own_quality_is_the_last_save() -> None:
    luma = scene()[..., 0]
    assert own_quality(dips(difference_curves(recompress(luma, 70)))) == 70
    assert own_quality(dips(difference_curves(luma))) == 101


def test_the_heatmap_turns_with_the_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    picture = decoded(spliced(60, 90))
    upright = jpeg_ghosts(opened(encoded(picture, quality=95)))
    turned = jpeg_ghosts(opened(encoded(picture, quality=95, exif=exif)))
    assert isinstance(upright, Finding)
    assert isinstance(turned, Finding)
    assert upright.heatmap is not None
    assert turned.heatmap is not None
    assert np.array_equal(np.rot90(upright.heatmap, -1), turned.heatmap)


def test_what_cannot_be_read_says_why() -> None:
    small = jpeg_ghosts(opened(encoded(scene(100, 300))))
    plain = jpeg_ghosts(opened(encoded(np.full((200, 200, 3), 90, np.uint8))))
    assert isinstance(small, NotApplicable)
    assert isinstance(plain, NotApplicable)
    assert (small.code, plain.code) == ("too_small", "flat")
