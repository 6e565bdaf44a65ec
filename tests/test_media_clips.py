"""Clips and recordings: opened with frames and sound, sampled, and fenced in."""

import io
import multiprocessing
import struct
import tempfile
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from opened import BLUE, GREEN, RED, quarters, refused
from tones import mux

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.media import Limits, Media, open_bytes
from unmask.media.clip import read_clip
from unmask.media.sniff import WAV


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
            mux(container, sound, tone.astype(np.int16))
    return buffer.getvalue()


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
        mux(container, sound, np.zeros(48000, np.int16))
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


def test_a_clip_that_is_too_long_is_told_the_bound() -> None:
    with pytest.raises(MediaError, match=r"lasts 2\.0 seconds, and 1\.5 are the most"):
        open_bytes(clip("mp4", "libx264"), "clip.mp4", limits=Limits(duration=1.5))


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
