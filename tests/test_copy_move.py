"""Copy-move: planted copies are found and placed; likeness without equal grain is not claimed."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scenes import encoded, opened, scene

from unmask.evidence import Basis, ClaimKind, Finding, NotApplicable
from unmask.forensics.copy_move import copy_move
from unmask.forensics.copy_move_match import find_copies, keypoints, mirror

PART = np.s_[40:152, 30:142]  # 112 x 112


def textured(seed: int = 0) -> NDArray[np.uint8]:
    """A scene with enough small things for keypoints."""
    rng = np.random.default_rng(seed)
    picture = scene(seed=seed).copy()
    for _ in range(500):
        centre = tuple(int(v) for v in rng.integers((0, 0), (384, 320)))
        colour = tuple(int(v) for v in rng.integers(20, 235, 3))
        cv2.circle(picture, centre, int(rng.integers(2, 7)), colour, -1, cv2.LINE_AA)
    grain = np.random.default_rng(seed + 100).normal(0, 3, picture.shape)
    return np.clip(picture + grain, 0, 255).round().astype(np.uint8)


def planted(change: str) -> NDArray[np.uint8]:
    picture = textured().copy()
    part = picture[PART]
    if change == "mirrored":
        part = part[:, ::-1]
    elif change == "turned":
        part = np.asarray(Image.fromarray(part).rotate(15, Image.Resampling.BICUBIC))[
            13:-13, 13:-13
        ]
    elif change == "enlarged":
        part = np.asarray(Image.fromarray(part).resize((134, 134), Image.Resampling.BICUBIC))
    height, width = part.shape[:2]
    picture[170 : 170 + height, 230 : 230 + width] = part
    return picture


@pytest.mark.parametrize("change", ["moved", "mirrored", "turned", "enlarged"])
def test_a_copy_is_found_placed_and_claimed(change: str) -> None:
    found = copy_move(opened(encoded(planted(change), quality=92)))
    assert isinstance(found, Finding)
    assert found.notable
    assert [(c.kind, c.basis) for c in found.claims] == [(ClaimKind.ALTERED, Basis.MEASURED)]
    best = found.facts["copies"][0]
    assert best["mirrored"] == (change == "mirrored")
    assert found.heatmap is not None
    inside = np.zeros(found.heatmap.shape, bool)
    inside[55:137, 45:127] = inside[185:240, 245:300] = True
    far = np.zeros(found.heatmap.shape, bool)
    far[:, 160:215] = True
    assert found.heatmap[inside].mean() > 0.6
    assert found.heatmap[far].mean() < 0.05


def test_the_shift_is_exact() -> None:
    (best,) = find_copies(planted("moved")[..., 1])[:1]
    shift = best.transform[:, 2]
    assert np.allclose(np.abs(shift), [200, 130], atol=2)
    assert best.grain > 0.95


@pytest.mark.parametrize("seed", range(4))
def test_the_same_picture_without_a_copy_stays_quiet(seed: int) -> None:
    found = copy_move(opened(encoded(textured(seed), quality=92)))
    assert isinstance(found, Finding)
    assert not found.notable
    assert not found.claims


def test_windows_of_a_facade_are_no_copies() -> None:
    window = np.full((64, 64, 3), 170, np.uint8)
    cv2.rectangle(window, (14, 10), (50, 56), (60, 70, 90), -1)
    cv2.line(window, (32, 10), (32, 56), (220, 220, 220), 2)
    cv2.line(window, (14, 30), (50, 30), (220, 220, 220), 2)
    facade = np.tile(window, (5, 6, 1)).astype(float)
    grain = np.random.default_rng(0).normal(0, 4, facade.shape)
    picture = np.clip(facade + grain, 0, 255).round().astype(np.uint8)
    found = copy_move(opened(encoded(picture, quality=92)))
    assert isinstance(found, Finding)
    assert found.facts["copies"]  # they are seen to be alike,
    assert not found.claims  # and not claimed to be copies


def test_mirrored_descriptors_are_those_of_the_mirrored_picture() -> None:
    luma = textured()[..., 1]
    points, unit = keypoints(luma)
    flipped, theirs = keypoints(np.ascontiguousarray(luma[:, ::-1]))
    flipped[:, 0] = luma.shape[1] - 1 - flipped[:, 0]
    gap = np.hypot(*(points[:, None] - flipped[None]).transpose(2, 0, 1))
    same = gap.min(axis=1) < 0.5
    alike = (mirror(unit)[same] * theirs[gap.argmin(axis=1)[same]]).sum(axis=1)
    assert same.sum() > 100
    assert np.median(alike) > 0.95


def test_the_answer_does_not_change_from_run_to_run() -> None:
    media = opened(encoded(planted("turned"), quality=85))
    first, second = copy_move(media), copy_move(media)
    assert isinstance(first, Finding)
    assert isinstance(second, Finding)
    assert first.facts == second.facts


def test_what_cannot_be_read_says_why() -> None:
    small = copy_move(opened(encoded(scene(40, 300))))
    plain = copy_move(opened(encoded(np.full((200, 200, 3), 90, np.uint8))))
    assert isinstance(small, NotApplicable)
    assert isinstance(plain, NotApplicable)
    assert (small.code, plain.code) == ("too_small", "flat")
