"""Watermarks: an embedder of the test's own plants them; photographs carry none."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask.evidence import Basis, ClaimKind, Finding, NotApplicable
from unmask.forensics.watermark import (
    MESSAGES,
    MIN_PEAK,
    MIN_Z,
    Message,
    aligned_score,
    block_bits,
    find_marks,
    u_channel,
    watermark,
)
from unmask.media import open_bytes

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
Pixels = NDArray[np.uint8]
IDS = ["sd1", "sd2", "sdxl", "sdxl-swapped", "flux"]


def photo(seed: int = 0, height: int = 400, width: int = 440) -> Pixels:
    """Coloured structure at many scales with sensor-like noise."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cells in (5, 11, 24, 60):
        coarse = rng.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / cells**0.4
    total = 128 + 40 * total + rng.normal(0, 2, total.shape)
    return np.clip(total, 10, 245).astype(np.uint8)


def embed(pixels: Pixels, message: Message) -> Pixels:
    """Straight from the description of the format, block by block with OpenCV's own DCT."""
    bgr = pixels if message.swapped else pixels[..., ::-1]
    yuv = cv2.cvtColor(np.ascontiguousarray(bgr), cv2.COLOR_BGR2YUV).astype(np.float32)
    u = yuv[..., 1]
    columns = u.shape[1] // 8
    for number in range(u.shape[0] // 8 * columns):
        y, x = number // columns * 8, number % columns * 8
        cell = u[y : y + 8, x : x + 8]
        ll = (cell[0::2, 0::2] + cell[1::2, 0::2] + cell[0::2, 1::2] + cell[1::2, 1::2]) / 2
        dct = cv2.dct(ll)
        at = np.unravel_index(np.abs(dct).ravel()[1:].argmax() + 1, (4, 4))
        bit = message.bits[number % len(message.bits)]
        moved = (abs(dct[at]) // 36 + 0.25 + 0.5 * bit) * 36
        dct[at] = moved if dct[at] >= 0 else -moved
        change = (cv2.idct(dct) - ll) / 2
        u[y : y + 8, x : x + 8] += np.kron(change, np.ones((2, 2), np.float32))
    out = cv2.cvtColor(np.clip(yuv.round(), 0, 255).astype(np.uint8), cv2.COLOR_YUV2BGR)
    return np.ascontiguousarray(out if message.swapped else out[..., ::-1])


def through_jpeg(pixels: Pixels, quality: int) -> Pixels:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return np.array(Image.open(out))


def png(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


@pytest.mark.parametrize("number", range(len(MESSAGES)), ids=IDS)
def test_each_message_is_found_and_named(number: int) -> None:
    marks = find_marks(embed(photo(), MESSAGES[number]))
    assert marks[number].z >= MIN_Z
    assert marks[number].agreement > 0.95
    assert marks[number].found
    others = {m.name for m in marks if m.found} - {MESSAGES[number].name}
    assert others == set()


@pytest.mark.parametrize("number", [0, 2, 4], ids=["sd1", "sdxl", "flux"])
@pytest.mark.parametrize("quality", [95, 90])
def test_mild_jpeg_is_survived(number: int, quality: int) -> None:
    marks = find_marks(through_jpeg(embed(photo(), MESSAGES[number]), quality))
    assert marks[number].found


@pytest.mark.parametrize("number", [1, 4], ids=["sd2", "flux"])
def test_a_crop_is_found_by_the_search_alone(number: int) -> None:
    cropped = np.ascontiguousarray(embed(photo(), MESSAGES[number])[13:, 22:])
    mark = find_marks(cropped)[number]
    assert mark.z < MIN_Z
    assert mark.peak >= MIN_PEAK


def test_unmarked_pictures_are_not_accused() -> None:
    for seed in range(2):
        marks = find_marks(photo(seed))
        assert not any(m.found for m in marks)
        assert max(abs(m.z) for m in marks) < 4


def test_the_z_score_is_that_of_permutations() -> None:
    rng = np.random.default_rng(5)
    message = MESSAGES[2].bits
    bits = rng.random((60, 64)) < 0.5
    z, _ = aligned_score(bits, message)
    means = bits.reshape(-1)[: 3840 // 48 * 48].reshape(-1, 48).mean(axis=0)
    gaps = []
    for _ in range(4000):
        shuffled = rng.permutation(message)
        gaps.append(means[shuffled == 1].mean() - means[shuffled == 0].mean())
    gap = means[message == 1].mean() - means[message == 0].mean()
    assert z == pytest.approx(gap / np.std(gaps), abs=0.1)


def test_the_finding_claims_by_measurement() -> None:
    found = watermark(open_bytes(png(embed(photo(), MESSAGES[2])), "x.png"))
    assert isinstance(found, Finding)
    assert [(c.kind, c.basis) for c in found.claims] == [(ClaimKind.SYNTHETIC, Basis.MEASURED)]
    assert "Stable Diffusion XL" in found.summary
    clean = watermark(open_bytes(png(photo()), "x.png"))
    assert isinstance(clean, Finding)
    assert clean.claims == ()
    assert clean.llr is None
    assert "SynthID" in clean.summary


@pytest.mark.parametrize("shape", [(1, 1), (7, 9000), (100, 100)])
def test_small_pictures_are_not_applicable(shape: tuple[int, int]) -> None:
    found = watermark(open_bytes(png(np.zeros((*shape, 3), np.uint8)), "x.png"))
    assert isinstance(found, NotApplicable)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_pictures_carry_none(value: int) -> None:
    marks = find_marks(np.full((64, 20_000, 3), value, np.uint8))
    assert not any(m.found for m in marks)


def test_blocks_are_read_as_a_hand_calculation_reads_them() -> None:
    pixels = photo(3, 16, 16)
    u = u_channel(pixels)
    bgr = pixels[..., ::-1].astype(np.float32)
    assert u[5, 6] == pytest.approx(
        0.492 * (bgr[5, 6, 0] - np.dot(bgr[5, 6], (0.114, 0.587, 0.299))), abs=1e-3
    )
    cell = u[8:, :8]
    ll = (cell[0::2, 0::2] + cell[1::2, 0::2] + cell[0::2, 1::2] + cell[1::2, 1::2]) / 2
    strongest = np.abs(cv2.dct(ll).ravel()[1:]).max()
    assert block_bits(u)[1, 0] == (strongest % 36 > 18)


@pytest.mark.shared
def test_photographs_carry_none() -> None:
    files = sorted((SHARED / "photos_imagenet_sample").glob("*.JPEG"))[::35]
    assert len(files) >= 6
    for file in files:
        marks = find_marks(np.array(Image.open(file).convert("RGB")))
        assert not any(m.found for m in marks), file.name
