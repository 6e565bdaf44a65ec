"""Every format and mode opens with the right pixels and sound, compared with known values."""

import io
import multiprocessing
import struct
import tempfile
import threading
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.media import Limits, Media, open_bytes
from unmask.media.clip import read_clip
from unmask.media.sniff import WAV

pillow_heif.register_heif_opener()
RED, BLUE, GREEN, DARK = (220, 30, 40), (20, 40, 200), (30, 180, 60), (16, 16, 16)


def quarters(height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """Red and blue above green and dark: no turn or flip of it looks like another."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = BLUE
    picture[height // 2 :, : width // 2] = GREEN
    picture[height // 2 :, width // 2 :] = DARK
    return picture


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def still(data: bytes) -> NDArray[np.int64]:
    return open_bytes(data, "name").pixels.astype(np.int64)


def refused(data: bytes, limits: Limits) -> Reason:
    with pytest.raises(MediaError) as caught:
        open_bytes(data, "name", limits=limits)
    return caught.value.reason


def clip(form: str, video: str = "", audio: str = "", frames: int = 24, side: int = 64) -> bytes:
    """The quarters, growing brighter in the dark one, over a tone of 440 Hz at half volume."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        film = container.add_stream(video, rate=12) if video else None
        sound = container.add_stream(audio, rate=48000, layout="mono") if audio else None
        if film:
            film.width, film.height = side * 3 // 2, side
            film.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
        for i in range(frames if film else 0):
            picture = quarters(side, side * 3 // 2)
            picture[side // 2 :, side * 3 // 4 :] = min(16 + 8 * i, 240)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 12)
            container.mux(film.encode(frame))
        if film:
            container.mux(film.encode())
        if sound:
            tone = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000) * 16384
            wave = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None], "s16", "mono")
            wave.sample_rate, wave.pts = 48000, 0
            size = sound.codec_context.frame_size or None
            fitted = av.AudioResampler(sound.format, sound.layout, sound.rate, size)
            for part in [*fitted.resample(wave), *fitted.resample(None)]:
                container.mux(sound.encode(part))
            container.mux(sound.encode())
    return buffer.getvalue()


# --- stills -----------------------------------------------------------------------------------


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


# --- clips and recordings ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "name", "video", "audio"),
    [
        ("mp4", "mp4", "libx264", "aac"), ("mp4", "mp4", "libx265", ""),
        ("mov", "mov", "mjpeg", "pcm_s16le"), ("webm", "webm", "libvpx", "libopus"),
        ("webm", "webm", "libvpx-vp9", ""), ("matroska", "mkv", "ffv1", "flac"),
        ("avi", "avi", "mpeg4", "libmp3lame"),
    ],
)  # fmt: skip
def test_a_clip_opens_with_its_frames_and_sound(
    form: str, name: str, video: str, audio: str
) -> None:
    media = open_bytes(clip(form, video, audio), "wrong.jpg")
    assert (media.kind, media.format.name) == (Kind.VIDEO, name)
    assert len(media.frames) == Limits().frames
    times = [frame.time for frame in media.frames]
    assert times == sorted(times)
    assert times[0] < 0.2
    assert 1.7 < times[-1] < 2.1
    for frame in media.frames:
        expected = 16 + 8 * round(frame.time * 12 - (form == "avi"))  # avi counts from one
        assert np.abs(frame.pixels[8, 8].astype(int) - RED).max() < 20
        assert np.abs(frame.pixels[56, 88].astype(int) - expected).max() < 20
    assert media.container["packets"]["packets"] == 24
    if audio:
        check_tone(media)


def check_tone(media: Media) -> None:
    assert media.waveform is not None
    assert media.waveform.dtype == np.float32
    assert not media.waveform.flags.writeable
    rate = media.sample_rate
    middle = media.waveform[rate // 4 : 3 * rate // 4, 0]
    assert 0.4 < np.abs(middle).max() < 0.6
    peak = np.argmax(np.abs(np.fft.rfft(middle))) * rate / len(middle)
    assert abs(peak - 440) < 4


@pytest.mark.parametrize(
    ("form", "name", "codec"),
    [
        ("wav", "wav", "pcm_s16le"), ("mp3", "mp3", "libmp3lame"), ("flac", "flac", "flac"),
        ("ogg", "ogg", "libopus"), ("ipod", "m4a", "aac"), ("mp4", "mp4", "aac"),
    ],
)  # fmt: skip
def test_a_recording_opens_with_its_sound(form: str, name: str, codec: str) -> None:
    media = open_bytes(clip(form, "", codec), "wrong.png")
    assert (media.kind, media.format.name, media.frames) == (Kind.AUDIO, name, ())
    check_tone(media)


def patched(data: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(name) + 4 + offset
    return data[:at] + value + data[at + len(value) :]


def test_a_film_is_turned_as_players_turn_it() -> None:
    one = 1 << 16
    phone = struct.pack(">9i", 0, one, 0, -one, 0, 0, 64 << 16, 0, 1 << 30)  # a clockwise quarter
    media = open_bytes(patched(clip("mp4", "libx264"), b"tkhd", 40, phone), "a")
    pixels = media.pixels.astype(int)
    assert pixels.shape == (96, 64, 3)
    assert np.abs(pixels[8, 8] - GREEN).max() < 20
    assert np.abs(pixels[8, 56] - RED).max() < 20
    assert np.abs(pixels[88, 56] - BLUE).max() < 20


def test_the_cover_of_a_recording_makes_no_film_of_it() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        sound = container.add_stream("libmp3lame", rate=48000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 96, 64, "yuvj420p"
        cover.disposition = type(cover.disposition).attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(quarters(), "rgb24")))
        container.mux(cover.encode())
        wave = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.int16), "s16", "mono")
        wave.sample_rate, wave.pts = 48000, 0
        fitted = av.AudioResampler(sound.format, sound.layout, 48000, 1152)
        for part in fitted.resample(wave):
            container.mux(sound.encode(part))
        container.mux(sound.encode())
    media = open_bytes(buffer.getvalue(), "a.mp3")
    assert media.kind is Kind.AUDIO
    assert [s["type"] for s in media.container["streams"]] == ["video", "audio"]


def test_what_headers_say_of_length_is_not_believed() -> None:
    long = clip("avi", "mpeg4", frames=60)
    says_one = patched(long, b"avih", 20, struct.pack("<I", 1))
    says_one = patched(says_one, b"strh", 36, struct.pack("<I", 1))
    media = open_bytes(says_one, "a.avi")
    assert len(media.frames) == 16
    assert media.frames[-1].time > 4
    year = patched(clip("matroska", "ffv1"), b"\x44\x89\x88", -1, struct.pack(">d", 3.15e10))
    assert refused(year, Limits()) is Reason.TOO_LARGE


def test_a_long_clip_is_sampled_by_seeking() -> None:
    media = open_bytes(clip("mp4", "libx264", frames=3200, side=16), "a.mp4")
    assert len(media.frames) == 16
    gaps = np.diff([frame.time for frame in media.frames])
    assert 12 < gaps.min() <= gaps.max() < 22  # 267 seconds in 16 parts


def test_floats_in_a_wav_stay_in_range() -> None:
    values = np.array([0.5, np.nan, np.inf, -np.inf, 7, -0.25] * 400, "<f4").tobytes()
    head = struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(values))
    media = open_bytes(b"RIFF" + struct.pack("<I", len(body + values)) + body + values, "a")
    assert media.waveform is not None
    assert media.waveform[:6, 0].tolist() == [0.5, 0, 1, -1, 1, -0.25]


# --- the fence --------------------------------------------------------------------------------


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, so that what is left behind is seen."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(decode_seconds=0.05), Reason.TOO_SLOW),
        (Limits(frame_pixels=1000), Reason.TOO_LARGE),
        (Limits(frame_bytes=1000), Reason.TOO_LARGE),
        (Limits(duration=1.0), Reason.TOO_LARGE),
    ],
)
def test_a_clip_over_a_limit_is_refused(limits: Limits, reason: Reason, scratch: Path) -> None:
    assert refused(clip("mp4", "libx264"), limits) is reason
    assert list(scratch.iterdir()) == []
    assert multiprocessing.active_children() == []


def test_a_decoder_that_eats_memory_is_stopped(scratch: Path) -> None:
    sound = bytes(80_000_000)  # four times that as floats, and a copy to join them
    head = struct.pack("<HHIIHH", 1, 1, 48000, 48000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(sound))
    data = b"RIFF" + struct.pack("<I", len(body) + len(sound)) + body + sound
    limits = Limits(worker_bytes=600 * 2**20, audio_seconds=1e5, audio_bytes=2**40)
    assert refused(data, limits) is Reason.TOO_LARGE
    assert list(scratch.iterdir()) == []


def test_sound_is_cut_at_the_limits(scratch: Path) -> None:
    data = clip("wav", "", "pcm_s16le")
    short = read_clip(data, WAV, Limits(audio_seconds=0.25)).waveform
    small = read_clip(data, WAV, Limits(audio_bytes=40_000)).waveform
    assert short is not None
    assert small is not None
    assert 12_000 <= len(short) < 20_000
    assert 10_000 <= len(small) < 20_000
    assert list(scratch.iterdir()) == []


def test_frames_are_fewer_where_room_is_short() -> None:
    media = open_bytes(clip("mp4", "libx264"), "a", limits=Limits(frame_bytes=5 * 96 * 64 * 3))
    assert 3 <= len(media.frames) <= 5


def test_a_worker_that_hangs_or_dies_is_an_answer(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of the worker: what a decoder does that a hostile file has got the better of."""
    endings = {
        "import time; time.sleep(60)": Reason.TOO_SLOW,
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)": Reason.CORRUPT,
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": Reason.TOO_LARGE,
        "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)": Reason.TOO_SLOW,
        "import sys; sys.exit(3)": Reason.CORRUPT,
        "": Reason.CORRUPT,  # done, and nothing to show for it
    }
    script = scratch.parent / "worker.py"
    monkeypatch.setattr("unmask.media.clip.WORKER", script)
    for code, reason in endings.items():
        script.write_text(code)
        assert refused(clip("wav", "", "pcm_s16le"), Limits(decode_seconds=1.5)) is reason, code
        assert list(scratch.iterdir()) == []


def test_no_room_for_temporary_files_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    assert refused(clip("wav", "", "pcm_s16le"), Limits()) is Reason.UNREADABLE


def test_clips_open_from_threads() -> None:
    data, opened = clip("mp4", "libx264"), []
    threads = [
        threading.Thread(target=lambda: opened.append(open_bytes(data, "a"))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(media.frames) for media in opened] == [16, 16, 16]
