"""Thumbnails: honest ones agree whatever their form, dishonest ones are told."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask.evidence import Basis, ClaimKind, Finding, NotApplicable
from unmask.forensics.thumbnail import decode_thumbnail, thumbnail
from unmask.forensics.thumbnail_compare import grey, without_bars
from unmask.media import open_bytes

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
Pixels = NDArray[np.uint8]


def scene(seed: int = 0, width: int = 600, height: int = 400) -> Pixels:
    """A smooth random scene with structure at many scales."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cells in (4, 9, 20, 45):
        coarse = rng.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / cells**0.3
    return np.clip(128 + 45 * total, 0, 255).astype(np.uint8)


def small(pixels: Pixels, width: int = 160, height: int = 107) -> Pixels:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def encode(pixels: Pixels, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88, **options)
    return out.getvalue()


def with_thumbnail(picture: Pixels, thumb: bytes, orientation: int = 1) -> bytes:
    """A JPEG whose EXIF holds a main directory and a thumbnail directory."""
    entry = lambda tag, kind, value: (  # noqa: E731
        tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + (1).to_bytes(4, "little")
        + value.to_bytes(4, "little")
    )  # fmt: skip
    first = (1).to_bytes(2, "little") + entry(0x112, 3, orientation) + (26).to_bytes(4, "little")
    start = 26 + 2 + 24 + 4
    second = (2).to_bytes(2, "little") + entry(0x201, 4, start) + entry(0x202, 4, len(thumb))
    block = b"II*\0" + (8).to_bytes(4, "little") + first + second + b"\0\0\0\0" + thumb
    payload = b"Exif\0\0" + block
    data = encode(picture)
    return data[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + data[2:]


def look(picture: Pixels, thumb: Pixels, orientation: int = 1) -> Finding:
    found = thumbnail(open_bytes(with_thumbnail(picture, encode(thumb), orientation), "x.jpg"))
    assert isinstance(found, Finding)
    return found


def barred(pixels: Pixels) -> Pixels:
    out = np.zeros((120, 160, 3), np.uint8)
    out[7:114] = small(pixels)
    return out


HONEST: list[tuple[str, Pixels]] = [
    ("plain", small(scene())),
    ("bars", barred(scene())),
    ("brighter", np.clip(small(scene()).astype(np.int16) * 0.8 + 40, 0, 255).astype(np.uint8)),
    ("tiny", small(scene(), 64, 43)),
]


@pytest.mark.parametrize(("name", "thumb"), HONEST, ids=[h[0] for h in HONEST])
def test_honest_thumbnails_agree(name: str, thumb: Pixels) -> None:
    found = look(scene(), thumb)
    assert found.facts["thumbnails"][0]["result"] == "agrees", name
    assert found.claims == ()
    assert not found.notable


def test_orientation_is_allowed_for() -> None:
    for orientation in range(1, 9):
        found = look(scene(), small(scene()), orientation)
        assert found.facts["thumbnails"][0]["result"] == "agrees", orientation


def test_another_picture_is_altered() -> None:
    found = look(scene(0), small(scene(1)))
    assert [(c.kind, c.basis) for c in found.claims] == [(ClaimKind.ALTERED, Basis.MEASURED)]
    assert found.notable
    assert found.facts["thumbnails"][0]["result"] == "other"


def test_a_removed_object_is_found_where_it_stood() -> None:
    original = scene()
    original[120:260, 330:480] = (250, 250, 20)
    found = look(scene(), small(original))
    assert [c.kind for c in found.claims] == [ClaimKind.ALTERED]
    assert found.heatmap is not None
    rows, columns = np.unravel_index(found.heatmap.argmax(), found.heatmap.shape)
    height, width = found.heatmap.shape
    assert 0.3 <= rows / height <= 0.65
    assert 0.55 <= columns / width <= 0.8
    assert 0 <= found.heatmap.min() <= found.heatmap.max() <= 1


def test_a_crop_is_an_edit_and_its_place_is_told() -> None:
    whole = scene()
    found = look(np.ascontiguousarray(whole[100:340, 200:560]), small(whole))
    assert [c.kind for c in found.claims] == [ClaimKind.EDITED]
    x, y, width, height = found.facts["thumbnails"][0]["best_part"]
    assert abs(x - 200 / 600) < 0.04
    assert abs(y - 100 / 400) < 0.05
    assert abs(width - 0.6) < 0.06
    assert abs(height - 0.6) < 0.06


def test_a_flat_thumbnail_says_nothing() -> None:
    found = look(scene(), np.full((107, 160, 3), 90, np.uint8))
    assert found.claims == ()
    assert found.facts["thumbnails"][0]["result"] == "flat"


def test_bars_are_cut_and_dark_pictures_are_not() -> None:
    assert abs(without_bars(grey(barred(scene()))).shape[0] - 105) <= 2
    dark_sky = small(scene())
    dark_sky[:20] = 0
    assert without_bars(grey(dark_sky)).shape == (107, 160)


@pytest.mark.parametrize("thumb", [b"", b"\xff\xd8\xff", b"\xff\xd8" + b"x" * 500])
def test_broken_thumbnails_are_not_applicable(thumb: bytes) -> None:
    assert decode_thumbnail(thumb) is None
    found = thumbnail(open_bytes(with_thumbnail(scene(), thumb), "x.jpg"))
    assert isinstance(found, NotApplicable)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 20)])
def test_odd_pictures_are_survived(size: tuple[int, int]) -> None:
    picture = np.zeros((*size, 3), np.uint8)
    thumbnail(open_bytes(with_thumbnail(picture, encode(small(scene()))), "x.jpg"))


@pytest.mark.shared
def test_thumbnails_of_real_photographs_agree() -> None:
    files = sorted((SHARED / "photos_imagenet_sample").glob("*.JPEG"))
    files += sorted((SHARED / "c2pa").glob("*/*.jpg"))
    seen = 0
    for file in files:
        found = thumbnail(open_bytes(file.read_bytes(), file.name))
        if isinstance(found, Finding):
            seen += 1
            assert found.claims == (), file.name
    assert seen >= 15
