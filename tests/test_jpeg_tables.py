"""JPEG tables: libjpeg's own answers, known makers, and a former JPEG in a PNG."""

import numpy as np
import pytest
from scenes import decoded, encoded, opened, scene

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.jpeg_file import Component, luma_coefficients, read_header
from unmask.forensics.jpeg_quality import CHROMA, LUMA, former_quality, match_table, scaled
from unmask.forensics.jpeg_tables import jpeg_tables, subsampling


@pytest.mark.parametrize("quality", range(1, 101))
def test_quality_is_libjpegs(quality: int) -> None:
    header = read_header(encoded(np.zeros((16, 16, 3), np.uint8), quality=quality))
    luma, chroma = header.tables[0], header.tables[1]
    assert np.array_equal(luma, scaled(LUMA, quality))
    assert np.array_equal(chroma, scaled(CHROMA, quality))
    assert (match_table(luma).quality, match_table(luma).exact) == (quality, True)
    assert match_table(chroma, chroma=True).exact


def test_a_changed_table_is_not_exact_but_near() -> None:
    table = scaled(LUMA, 80)
    table[0, 0] += 1
    match = match_table(table)
    assert (match.exact, match.origin) == (False, "non-standard")
    assert abs(match.quality - 80) <= 1


def test_photoshops_tables_are_named() -> None:
    found = jpeg_tables(opened(encoded(scene(), quality="web_high")))
    assert isinstance(found, Finding)
    assert found.facts["table_origin"].startswith("Photoshop")
    assert "Photoshop" in found.summary


@pytest.mark.parametrize(("option", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_subsampling(option: int, name: str) -> None:
    header = read_header(encoded(scene(), subsampling=option))
    assert subsampling(header.components) == name


def test_subsampling_of_one_plane_and_of_nonsense() -> None:
    one = Component(identifier=1, horizontal=2, vertical=2, table=0)
    none = Component(identifier=2, horizontal=0, vertical=0, table=0)
    assert subsampling((one,)) == "none"
    assert subsampling((one, none, none)) == "unusual"


def test_scans_and_restarts_are_counted() -> None:
    plain = read_header(encoded(scene(), quality=85, restart_marker_blocks=4))
    assert (plain.process, plain.scans, plain.restart_interval) == ("baseline", 1, 4)
    progressive = read_header(encoded(scene(), quality=85, progressive=True))
    assert progressive.process == "progressive"
    assert progressive.scans > 5


def test_save_for_web_quality_is_read() -> None:
    data = encoded(scene())
    ducky = b"\xff\xec\x00\x11Ducky\x00\x01\x00\x04\x00\x00\x00\x3c\x00\x00"
    assert read_header(data[:2] + ducky + data[2:]).ducky_quality == 60


@pytest.mark.parametrize("cut", [0, 2, 3, 20, 170, 600, 2000])
def test_a_cut_file_stops_the_walk_quietly(cut: int) -> None:
    header = read_header(encoded(scene())[:cut])
    assert header.scans <= 1


def test_coefficients_agree_with_a_hand_made_block() -> None:
    wave = 127.5 + 60 * np.cos((2 * np.arange(8) + 1) * np.pi / 16)  # the first horizontal basis
    picture = np.tile(wave, (16, 2)).round().astype(np.uint8)
    read = luma_coefficients(encoded(picture, quality=90))
    assert read is not None
    blocks, table = read
    basis = np.cos((2 * np.arange(8) + 1) * np.pi / 16) / 2
    by_hand = 8**0.5 * (picture[0, :8] * basis).sum()  # about 60 * 4 * sqrt(2)
    assert abs(blocks[0, 0, 0, 1] - by_hand / table[0, 1]) < 0.6
    assert not blocks[0, 0, 1:, 1:].any()


@pytest.mark.parametrize("quality", [50, 62, 80, 88])
@pytest.mark.parametrize("offset", [(0, 0), (3, 5)])
def test_a_png_remembers_its_jpeg(quality: int, offset: tuple[int, int]) -> None:
    x, y = offset
    was = decoded(encoded(scene(), quality=quality))[y:, x:]
    found = jpeg_tables(opened(encoded(was, format="PNG")))
    assert isinstance(found, Finding)
    assert found.facts["grid"] == [(-x) % 8, (-y) % 8]
    assert abs(found.facts["former_quality"] - quality) <= 1
    assert ("cropped" in found.summary) == (offset != (0, 0))


def test_a_png_that_never_was_a_jpeg_says_nothing() -> None:
    assert isinstance(jpeg_tables(opened(encoded(scene(), format="PNG"))), NotApplicable)


def test_steps_of_random_numbers_have_no_quality() -> None:
    noise = np.random.default_rng(0).normal(0, 40, (2000, 8, 8)).astype(np.float32)
    assert former_quality(noise) is None


def test_blocks_of_other_origin_are_no_jpeg() -> None:
    checks = np.kron(np.indices((24, 24)).sum(axis=0) % 2, np.ones((16, 16))).astype(np.uint8)
    drawing = np.dstack([checks * 200] * 3)
    for data in (encoded(scene(), format="WEBP", quality=50), encoded(drawing, format="PNG")):
        assert isinstance(jpeg_tables(opened(data)), NotApplicable)
