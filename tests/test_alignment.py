"""Alignment: what is planted is found, what is laid back fits, what is outside stays."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unmask.errors import WeightsError
from unmask.generate.alignment import (
    CANONICAL,
    Face,
    FaceError,
    YuNet,
    align,
    blend,
    box_of,
    crop_largest,
    ellipse_mask,
    feathered,
    match_colour,
    moved,
    similarity,
)

Pixels = NDArray[np.uint8]
SIDE = 64


def planted(turn: float, scale: float, shift: tuple[float, float]) -> NDArray[np.float64]:
    """A similarity as a (2, 3) matrix; `turn` in degrees."""
    c, s = scale * np.cos(np.deg2rad(turn)), scale * np.sin(np.deg2rad(turn))
    return np.array([(c, -s, shift[0]), (s, c, shift[1])])


def face_at(turn: float, eyes: float, middle: tuple[float, float]) -> NDArray[np.float64]:
    """(5, 2) landmarks of a face of that size, `eyes` pixels between them."""
    scale = eyes / 0.3
    matrix = planted(turn, scale, (0, 0))
    matrix[:, 2] = np.array(middle) - moved(np.array([(0.5, 0.55)]), matrix)[0]
    return moved(CANONICAL, matrix)


LANDMARKS = face_at(12, 30, (150, 120))


@pytest.mark.parametrize("turn", [0, 30, -170])
def test_a_planted_similarity_is_found(turn: float) -> None:
    truth = planted(turn, 2.5, (-7, 40))
    points = np.random.default_rng(1).normal(size=(5, 2))
    assert np.allclose(similarity(points, moved(points, truth)), truth, atol=1e-10)


def test_a_mirrored_face_is_not_answered_by_a_mirror() -> None:
    found = similarity(CANONICAL, CANONICAL * (-1, 1))
    assert np.linalg.det(found[:, :2]) > 0


@pytest.mark.parametrize("points", [np.ones((5, 2)), np.full((5, 2), np.nan)])
def test_landmarks_that_no_face_has_are_refused(points: NDArray[np.float64]) -> None:
    with pytest.raises(FaceError):
        similarity(points, CANONICAL)


def test_landmarks_come_to_lie_at_their_canonical_places(photograph: Pixels) -> None:
    face = align(photograph, LANDMARKS, SIDE)
    assert face.pixels.shape == (SIDE, SIDE, 3)
    assert np.allclose(face.landmarks, CANONICAL * SIDE - 0.5)
    assert np.allclose(moved(LANDMARKS, face.matrix), face.landmarks)


def test_a_face_outside_of_the_picture_is_refused(photograph: Pixels) -> None:
    with pytest.raises(FaceError, match="outside"):
        align(photograph, LANDMARKS + 5000, SIDE)


def test_what_is_aligned_and_laid_back_is_the_picture(photograph: Pixels) -> None:
    smooth = cv2.GaussianBlur(photograph, (0, 0), 3)
    face = align(smooth, LANDMARKS, 128)
    out, mask = blend(smooth, face.pixels, ellipse_mask(face.landmarks, 128), face.matrix)
    inside = mask > 0.5
    assert inside.sum() > 2000
    assert np.abs(out.astype(int) - smooth)[inside].mean() < 0.6
    # The same a pixel aside is far off: the comparison can fail.
    aside = blend(
        np.roll(smooth, 2, 1), face.pixels, ellipse_mask(face.landmarks, 128), face.matrix
    )
    assert np.abs(aside[0].astype(int) - np.roll(smooth, 2, 1))[inside].mean() > 1.2


@pytest.mark.parametrize("middle", [(150, 120), (5, 236)])
def test_outside_of_the_mask_nothing_changes(
    photograph: Pixels, middle: tuple[float, float]
) -> None:
    face = align(photograph, face_at(-20, 40, middle), SIDE)
    mask = feathered(np.ones((SIDE, SIDE), np.float32))
    out, whole = blend(photograph, 255 - face.pixels, mask, face.matrix)
    assert np.array_equal(out[whole == 0], photograph[whole == 0])
    assert 0.05 < (out != photograph).any(2).mean() < 0.6
    assert whole.min() == 0
    assert whole.max() == 1
    x, y, width, height = box_of(whole) or (0, 0, 0, 0)
    outside = whole.copy()
    outside[y : y + height, x : x + width] = 0
    assert outside.max() < 0.5


def test_an_empty_mask_changes_nothing_and_has_no_box(photograph: Pixels) -> None:
    face = align(photograph, LANDMARKS, SIDE)
    out, whole = blend(
        photograph, 255 - face.pixels, np.zeros((SIDE, SIDE), np.float32), face.matrix
    )
    assert np.array_equal(out, photograph)
    assert box_of(whole) is None


def test_the_mask_covers_the_face_and_fades_before_the_rim() -> None:
    landmarks = CANONICAL * SIDE - 0.5
    mask = ellipse_mask(landmarks, SIDE)
    at = landmarks.round().astype(int)
    assert mask[at[:, 1], at[:, 0]].min() > 0.9
    assert max(mask[0].max(), mask[:, 0].max(), mask[:, -1].max()) == 0
    steps = np.abs(np.diff(mask, axis=0)).max(), np.abs(np.diff(mask, axis=1)).max()
    assert max(steps) < 0.35
    soft = feathered(np.ones((SIDE, SIDE), np.float32))
    assert soft[SIDE // 2, SIDE // 2] == pytest.approx(1)
    assert max(soft[0].max(), soft[-1].max(), soft[:, 0].max(), soft[:, -1].max()) == 0


def test_colours_move_to_those_of_the_target() -> None:
    rng = np.random.default_rng(2)
    face = np.clip(rng.normal((150, 90, 80), 12, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    target = np.clip(rng.normal((110, 120, 140), 20, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    mask = ellipse_mask(CANONICAL * SIDE, SIDE)
    out = match_colour(face, target, mask)
    found, wanted = (
        cv2.cvtColor(p.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[mask > 0.99]
        for p in (out, target)
    )
    assert np.abs(found.mean(0) - wanted.mean(0)).max() < 1
    assert np.allclose(found.std(0), wanted.std(0), rtol=0.1)
    assert np.array_equal(match_colour(face, target, np.zeros_like(mask)), face)


def test_the_largest_sure_face_is_cropped(photograph: Pixels) -> None:
    def face(eyes: float, score: float) -> Face:
        box = (0.0, 0.0, 3 * eyes, 4 * eyes)
        return Face(landmarks=face_at(0, eyes, (150, 120)), box=box, score=score)

    faces = [face(14, 0.9), face(30, 0.95), face(60, 0.6)]
    found = crop_largest(photograph, lambda _: faces, SIDE)
    assert found is not None
    assert np.allclose(found.matrix, align(photograph, faces[1].landmarks, SIDE).matrix)
    assert crop_largest(photograph, lambda _: [face(8, 0.9)], SIDE) is None  # too small
    assert crop_largest(photograph, lambda _: [], SIDE) is None


def test_a_model_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no face detector"):
        YuNet(tmp_path / "absent.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(WeightsError, match="no YuNet"):
        YuNet(tmp_path / "bad.onnx")
