"""Double JPEG: first steps, the part compressed once, and grids, against known histories."""

import numpy as np
import pytest
from scenes import decoded, encoded, opened, scene

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.double_jpeg import double_jpeg, history
from unmask.forensics.jpeg_grid import (
    foreign_regions,
    grid_votes,
    log10_nfa,
    main_grid,
    zero_counts,
)
from unmask.forensics.jpeg_quality import LUMA, scaled


@pytest.mark.parametrize(("first", "last"), [(60, 85), (75, 90), (70, 95)])
def test_first_steps_are_read(first: int, last: int) -> None:
    past = history(opened(encoded(decoded(encoded(scene(), quality=first)), quality=last)))
    assert len(past.combs) >= 6
    table = scaled(LUMA, first)
    right = [comb.first_step == table[comb.v, comb.u] for comb in past.combs]
    assert np.mean(right) > 0.8
    assert past.region < 0.02


@pytest.mark.parametrize("quality", [60, 75, 90, 95])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_picture_saved_once_has_no_comb(quality: int, seed: int) -> None:
    found = double_jpeg(opened(encoded(scene(seed=seed), quality=quality)))
    assert isinstance(found, Finding)
    assert not found.facts["double_quantised"]
    assert not found.notable


def test_a_pasted_part_lacks_the_first_compression() -> None:
    picture = decoded(encoded(scene(), quality=65)).copy()
    picture[96:192, 128:224] = scene(seed=3)[96:192, 128:224]
    found = double_jpeg(opened(encoded(picture, quality=90)))
    assert isinstance(found, Finding)
    assert found.notable
    low, high = found.facts["first_quality"]
    assert low <= 65 <= high
    assert 0.04 < found.facts["single_region"] < 0.12  # it is 0.075
    assert found.heatmap is not None
    height, width = found.heatmap.shape
    inside = np.zeros(found.heatmap.shape, bool)
    inside[96 * height // 320 : 192 * height // 320, 128 * width // 384 : 224 * width // 384] = True
    assert found.heatmap[inside].mean() > 0.8
    assert found.heatmap[~inside].mean() < 0.1


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (3, 5), (7, 7)])
def test_the_crop_offset_is_exact(x: int, y: int) -> None:
    luma = decoded(encoded(scene(), quality=85))[y:, x:, 1]
    grid = main_grid(grid_votes(np.ascontiguousarray(luma)))
    assert grid is not None
    assert (grid.x, grid.y) == ((-x) % 8, (-y) % 8)


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_that_never_was_a_jpeg_has_no_grid(seed: int) -> None:
    assert main_grid(grid_votes(scene(seed=seed)[..., 1])) is None
    found = double_jpeg(opened(encoded(scene(seed=seed), format="PNG")))
    assert isinstance(found, NotApplicable)


def test_a_part_moved_off_the_grid_is_marked() -> None:
    luma = decoded(encoded(scene(), quality=80))[..., 1].copy()
    assert foreign_regions(grid_votes(luma), main_grid(grid_votes(luma))).max() == 0
    other = decoded(encoded(scene(seed=5), quality=80))[..., 1]
    luma[99:195, 133:229] = other[40:136, 40:136]
    votes = grid_votes(luma)
    marked = foreign_regions(votes, main_grid(votes)) > 0
    truth = np.zeros_like(marked)
    truth[99:195, 133:229] = True
    assert 2 * (marked & truth).sum() / (marked.sum() + truth.sum()) > 0.85


def test_zeros_are_those_of_a_plain_dct() -> None:
    luma = decoded(encoded(scene(40, 48), quality=70))[..., 1]
    counts = zero_counts(luma)
    k, n = np.mgrid[0:8, 0:8]
    basis = np.cos(np.pi * (2 * n + 1) * k / 16) * np.where(k == 0, 8**-0.5, 0.5)
    for y, x in ((0, 0), (8, 16), (3, 5), (32, 40)):
        block = basis @ luma[y : y + 8, x : x + 8].astype(float) @ basis.T
        small = np.abs(block) < 0.5
        small[0, 0] = False
        assert abs(int(counts[y, x]) - int(small.sum())) <= 1  # float32 against float64


def test_the_nfa_is_the_binomial_tail() -> None:
    # Ten blocks of pixels, all voting alike: (1 / 64) ** 10, times the tests.
    assert np.isclose(log10_nfa(640, 640, 1000), 3 - 10 * np.log10(64))
    assert log10_nfa(0, 640, 1000) == 3


def test_what_cannot_be_read_says_why() -> None:
    small = double_jpeg(opened(encoded(scene(40, 300))))
    plain = double_jpeg(opened(encoded(np.full((200, 200, 3), 90, np.uint8))))
    assert isinstance(small, NotApplicable)
    assert isinstance(plain, NotApplicable)
    assert (small.code, plain.code) == ("too_small", "flat")


def test_blocks_of_other_origin_are_no_jpeg() -> None:
    checks = np.kron(np.indices((24, 24)).sum(axis=0) % 2, np.ones((16, 16))).astype(np.uint8)
    drawing = np.dstack([checks * 200] * 3)
    for data in (encoded(scene(), format="WEBP", quality=50), encoded(drawing, format="PNG")):
        assert isinstance(double_jpeg(opened(data)), NotApplicable)
