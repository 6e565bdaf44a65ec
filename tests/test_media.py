"""Stills of every format: opened with the right pixels, or refused with a reason."""

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from opened import BLUE, RED, quarters, refused
from PIL import Image, ImageCms

from unmask.errors import Reason
from unmask.evidence import Kind
from unmask.media import Limits, open_bytes

pillow_heif.register_heif_opener()


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def still(data: bytes) -> NDArray[np.int64]:
    return open_bytes(data, "name").pixels.astype(np.int64)


@pytest.mark.parametrize(
    ("form", "name", "options", "apart"),
    [
        ("PNG", "png", {}, 0), ("BMP", "bmp", {}, 0), ("TIFF", "tiff", {}, 0),
        ("TIFF", "tiff", {"compression": "tiff_lzw"}, 0),
        ("TIFF", "tiff", {"compression": "tiff_adobe_deflate"}, 0),
        ("TIFF", "tiff", {"compression": "jpeg", "quality": 95}, 8),
        ("WEBP", "webp", {"lossless": True}, 0), ("WEBP", "webp", {"quality": 95}, 12),
        ("GIF", "gif", {}, 0), ("JPEG", "jpeg", {"quality": 95}, 8),
        ("JPEG", "jpeg", {"progressive": True, "quality": 95}, 8),
        ("AVIF", "avif", {"quality": 95}, 12), ("HEIF", "heic", {"quality": 95}, 12),
    ],
)  # fmt: skip
def test_a_format_opens_with_its_pixels(
    form: str, name: str, options: dict[str, object], apart: int
) -> None:
    media = open_bytes(saved(Image.fromarray(quarters()), form, **options), "wrong.name")
    assert (media.kind, media.format.name) == (Kind.IMAGE, name)
    difference = np.abs(media.pixels.astype(int) - quarters())
    assert np.median(difference) <= apart / 3
    assert difference[8:24, 8:40].max() <= apart  # inside a quarter, away from its edges
    assert not media.pixels.flags.writeable
    assert (media.image_info.width, media.image_info.height) == (96, 64)


TURNS = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90,
}  # fmt: skip


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("AVIF", {}),
        ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
    ],
)  # fmt: skip
def test_a_still_is_turned_upright(turn: int, form: str, options: dict[str, object]) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    media = open_bytes(saved(Image.fromarray(quarters()), form, exif=exif, **options), "a")
    expected = TURNS[turn](quarters())
    assert media.pixels.shape == expected.shape
    assert np.median(np.abs(media.pixels.astype(int) - expected)) < 8
    info = media.image_info
    assert (info.orientation, info.width, info.height) == (turn, 96, 64)


def test_heic_is_turned_by_its_own_boxes_once() -> None:
    picture = Image.fromarray(quarters())
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.info["exif"] = exif.tobytes()
    data = saved(picture, "HEIF")
    assert b"irot" in data
    expected = np.rot90(quarters(), -1)
    assert still(data).shape == expected.shape
    assert np.median(np.abs(still(data) - expected)) < 8


def test_sixteen_bits_keep_their_scale() -> None:
    values = np.linspace(0, 65535, 64 * 80).reshape(64, 80).astype(np.uint16)
    for form in ("PNG", "TIFF"):
        media = open_bytes(saved(Image.fromarray(values), form), "a")
        assert np.array_equal(media.pixels[..., 1], (values / 257).round().astype(np.uint8))
        assert {"reduced to 8 bits", "monochrome"} <= set(media.image_info.notes)


def test_sixteen_bit_colour_png() -> None:
    rows = np.zeros((4, 1 + 4 * 6), np.uint8)
    rows[:, 1:] = np.tile(np.array([200, 17, 100, 99, 5, 250], np.uint8), 4)  # big-endian RGB
    head = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b))
        for n, b in ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    )
    assert (still(data) == [200, 100, 5]).all()


def test_floats_are_fitted_whatever_they_hold() -> None:
    values = np.linspace(-3, 5, 40 * 50, dtype=np.float32).reshape(40, 50)
    values[0, :3] = np.nan, np.inf, -np.inf
    pixels = still(saved(Image.fromarray(values), "TIFF"))
    assert (pixels[0, :3] == 0).all()
    assert pixels[39, 49, 0] == 255
    assert abs(pixels[20, 0, 0] - 127) < 3
    whole = np.array([[-100_000, 0], [50_000, 100_000]], np.int32)
    assert still(saved(Image.fromarray(whole), "TIFF"))[..., 0].tolist() == [[0, 128], [191, 255]]


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_transparent_parts_lie_over_white(form: str) -> None:
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[..., :3] = RED
    rgba[:, 16:, 3], rgba[16:, :16, 3] = 255, 128
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    media = open_bytes(saved(Image.fromarray(rgba), form, **options), "a")
    assert (media.pixels[0, 0] == 255).all()
    assert (media.pixels[0, 31] == RED).all()
    half = (255 * 127 + np.array(RED) * 128) / 255
    assert np.abs(media.pixels[31, 0] - half).max() <= 1
    assert "flattened over white" in media.image_info.notes


def test_palettes_and_few_bits() -> None:
    palette = Image.fromarray(quarters()).quantize(4)
    assert np.abs(still(saved(palette, "PNG")) - quarters()).max() <= 1
    index = palette.getpixel((0, 0))
    clear = still(saved(palette, "PNG", transparency=index))
    assert (clear[0, 0] == 255).all()
    assert np.abs(clear[0, 95] - BLUE).max() <= 1
    bits = Image.fromarray(quarters()[..., 2] > 100)
    assert set(np.unique(still(saved(bits, "PNG")))) == {0, 255}
    assert set(np.unique(still(saved(bits, "TIFF", compression="group4")))) == {0, 255}
    gray = np.dstack([np.full((9, 9), 80), np.full((9, 9), 128)]).astype(np.uint8)
    assert np.abs(still(saved(Image.fromarray(gray, "LA"), "PNG")) - 167).max() <= 1


def test_cmyk_of_photoshop_is_not_inverted() -> None:
    ink = np.zeros((32, 32, 4), np.uint8)
    ink[..., 1] = ink[..., 2] = 255  # magenta and yellow: red
    cmyk = Image.frombytes("CMYK", (32, 32), ink.tobytes())
    for data in (saved(cmyk, "JPEG", quality=98), saved(cmyk, "TIFF")):
        media = open_bytes(data, "a")
        assert np.abs(media.pixels[16, 16].astype(int) - (255, 0, 0)).max() < 8
        assert media.image_info.mode == "CMYK"
        assert "CMYK without a usable profile" in media.image_info.notes


def test_lab_and_ycbcr_tiff() -> None:
    lab = Image.new("LAB", (8, 8), (255, 128, 128))
    assert (still(saved(lab, "TIFF")) > 250).all()
    ycbcr = Image.fromarray(quarters()).convert("YCbCr")
    assert np.median(np.abs(still(saved(ycbcr, "TIFF")) - quarters())) < 3


def wide_gamut_profile() -> bytes:
    """sRGB's profile with the red and green primaries exchanged: a conversion shows at once."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    tags = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    text = int.from_bytes(profile[tags[b"desc"] + 4 : tags[b"desc"] + 8], "big")
    return bytes(profile[:text]) + bytes(profile[text:]).replace(b"s\0R\0G\0B", b"t\0E\0S\0T")


def test_a_colour_profile_is_applied() -> None:
    picture = Image.fromarray(quarters())
    for form, options in (("PNG", {}), ("JPEG", {"quality": 98}), ("TIFF", {})):
        media = open_bytes(saved(picture, form, icc_profile=wide_gamut_profile(), **options), "a")
        expected = np.array(RED)[[1, 0, 2]]
        assert np.abs(media.pixels[10, 10].astype(int) - expected).max() < 8, form
        assert any("converted from" in note for note in media.image_info.notes)


@pytest.mark.parametrize("profile", [b"x", b"\0" * 500, wide_gamut_profile()[:300]])
def test_a_broken_colour_profile_is_ignored(profile: bytes) -> None:
    media = open_bytes(saved(Image.fromarray(quarters()), "PNG", icc_profile=profile), "a")
    assert np.array_equal(media.pixels, quarters())
    assert "unusable colour profile ignored" in media.image_info.notes
    assert media.image_info.icc_profile == ""


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "MPO", "AVIF"])
def test_the_first_of_several_frames_is_taken(form: str) -> None:
    first, second = Image.fromarray(quarters()), Image.fromarray(quarters()[::-1])
    options = {"lossless": True} if form == "WEBP" else {}
    data = saved(first, form, save_all=True, append_images=[second, first], **options)
    media = open_bytes(data, "a")
    assert media.image_info.frames == 3
    assert "first of 3 frames" in media.image_info.notes
    assert np.median(np.abs(media.pixels.astype(int) - quarters())) < 8


def test_pixels_are_limited_by_us_and_not_by_pillow() -> None:
    black = saved(Image.new("1", (10_000, 9_500)), "PNG")  # above the cap of 89 that Pillow has
    assert open_bytes(black, "a").pixels.shape == (9500, 10_000, 3)
    assert refused(black, Limits(pixels=94_000_000)) is Reason.TOO_LARGE
    assert refused(black, Limits(bytes=1000)) is Reason.TOO_LARGE
    jpeg = saved(Image.fromarray(quarters()), "JPEG", progressive=True)
    assert refused(jpeg, Limits(jpeg_scans=3)) is Reason.TOO_LARGE
    assert refused(jpeg, Limits(scanned_pixels=20_000)) is Reason.TOO_LARGE


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_that_was_cut_and_given_an_end_is_damaged(mode: str) -> None:
    rng = np.random.default_rng(2)
    noisy = Image.fromarray(rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)).convert(mode)
    data = saved(noisy, "JPEG")
    assert refused(data[: len(data) // 2] + b"\xff\xd9", Limits()) is Reason.CORRUPT
    assert refused(data[: len(data) // 2] + bytes(len(data) // 2), Limits()) is Reason.CORRUPT


def test_a_jpeg_may_end_in_gray() -> None:
    picture = quarters()
    picture[40:] = 128
    for shown in (picture, np.full((64, 64), 128, np.uint8)):
        assert (still(saved(Image.fromarray(shown), "JPEG"))[-1] == 128).all()


def test_a_raw_file_says_that_its_preview_was_taken() -> None:
    tags = {0x00FE: 1, 0x014A: 8, 0xC612: b"\1\4\0\0"}  # thumbnail, others below, DNG
    data = saved(Image.fromarray(quarters()), "TIFF", tiffinfo=tags)
    assert any("preview" in note for note in open_bytes(data, "a.dng").image_info.notes)
    plain = open_bytes(saved(Image.fromarray(quarters()), "TIFF"), "a.tif")
    assert plain.image_info.notes == ()


def test_pillow_hands_out_the_file_as_it_is() -> None:
    rgba = Image.fromarray(np.dstack([quarters(), np.full((64, 96), 7, np.uint8)]))
    media = open_bytes(saved(rgba, "PNG"), "a")
    with media.pillow() as image:
        assert (image.mode, image.getpixel((0, 0))) == ("RGBA", (*RED, 7))
    with pytest.raises(TypeError):
        _ = media.text
