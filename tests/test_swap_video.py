"""A clip swapped from end to end: frames, times and sound are kept, and damage has a word."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_alignment import face_at
from tones import mux

from unmask.errors import MediaError, Reason
from unmask.generate.alignment import Face, FaceError, YuNet, moved
from unmask.generate.swap_nets import SwapNet, SwapSize
from unmask.generate.swap_video import (
    FrameTruth,
    SwapOptions,
    Track,
    network_swap,
    swap_clip,
    swap_picture,
)

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 120, 160
FACELESS = (4, 5, 6)  # frames
OPTIONS = SwapOptions(side=32, crf=0, match=False)


def scene(number: int) -> Pixels:
    """Smooth colours, and a white square of 8 pixels where a face stands, if there is one."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([60 + x / 2, 90 + y / 2, 120 + 0 * x], 2).astype(np.uint8)
    if number not in FACELESS:
        picture[:8, :8] = 255
    return picture


def see(pixels: Pixels) -> list[Face]:
    """A detector for scenes: it finds a face in the middle where the white square is."""
    if pixels[:8, :8].mean() < 200:
        return []
    return [Face(landmarks=face_at(0, 16, (70, 60)), box=(50.0, 40.0, 40.0, 50.0), score=0.9)]


def paint(face: Pixels) -> tuple[Pixels, NDArray[np.float32]]:
    """A red face that fills its square."""
    red = np.full_like(face, 30)
    red[..., 0] = 220
    return red, np.ones(face.shape[:2], np.float32)


def times(count: int) -> list[int]:
    """In 1 / 90000 s: of changing distance, and not from 0."""
    return [9000 + 3600 * i + (900 if i % 3 == 1 else 0) for i in range(count)]


def write(
    path: Path, *, sound: str = "aac", count: int = 12, size: tuple[int, int] = (WIDTH, HEIGHT),
    form: str = "yuv420p", tagged: bool = False,
) -> Path:  # fmt: skip
    """A clip of scenes, lossless, over a tone."""
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=25, options={"crf": "0"})
        film.width, film.height = size
        film.pix_fmt = form
        film.codec_context.time_base = Fraction(1, 90000)
        if tagged:
            film.codec_context.colorspace = 1  # BT.709
        tone = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for number, pts in enumerate(times(count)):
            picture = np.ascontiguousarray(scene(number)[: size[1], : size[0]])
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame = frame.reformat(format=form, dst_colorspace=1 if tagged else None)
            frame.pts, frame.time_base = pts, Fraction(1, 90000)
            container.mux(film.encode(frame))
        container.mux(film.encode())
        if tone is not None:
            mux(container, tone, (np.sin(np.arange(24000) / 17) * 9000).astype(np.int16))
    return path


def planes(path: Path) -> tuple[list[float], list[NDArray[np.uint8]]]:
    """The times of a clip's frames, and their planes as they are stored."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [float(f.time) for f in frames], [f.to_ndarray() for f in frames]


def packets(path: Path) -> list[tuple[float, bytes]]:
    """Of the sound."""
    with av.open(str(path)) as container:
        found = [p for p in container.demux(audio=0) if p.dts is not None]
        return [(float(p.pts * p.time_base), bytes(p)) for p in found]


@pytest.fixture(scope="module")
def swapped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[FrameTruth]]:
    folder = tmp_path_factory.mktemp("swap")
    source, out = write(folder / "source.mp4"), folder / "out.mp4"
    truths = swap_clip(source, out, see, paint, OPTIONS)
    assert sorted(p.name for p in folder.iterdir()) == ["out.mp4", "source.mp4"]
    return source, out, truths


def test_frames_times_and_sound_are_kept(swapped: tuple[Path, Path, list[FrameTruth]]) -> None:
    source, out, truths = swapped
    before, after = planes(source), planes(out)
    assert len(after[1]) == 12
    assert np.allclose(before[0], after[0], atol=1e-4)
    assert np.allclose(after[0], [t.time for t in truths], atol=1e-4)
    assert np.diff(after[0]).std() > 0.005  # the planted distances differ
    assert len(packets(source)) > 10
    assert [data for _, data in packets(out)] == [data for _, data in packets(source)]
    assert np.allclose([t for t, _ in packets(out)], [t for t, _ in packets(source)], atol=1e-3)


def test_a_frame_without_a_face_passes_unchanged(
    swapped: tuple[Path, Path, list[FrameTruth]],
) -> None:
    source, out, truths = swapped
    pairs = zip(planes(source)[1], planes(out)[1], truths, strict=True)
    for number, (before, after, truth) in enumerate(pairs):
        assert (truth.matrix is None) == (number in FACELESS) == np.array_equal(before, after)
        assert (truth.box is None) == (number in FACELESS)


def test_the_truth_says_where_the_new_face_is(
    swapped: tuple[Path, Path, list[FrameTruth]],
) -> None:
    _, out, truths = swapped
    with av.open(str(out)) as container:
        last = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)][-1]
        assert "Synthetic" in container.metadata["comment"]
    truth = truths[-1]
    assert truth.box is not None
    x, y, width, height = truth.box
    changed = np.abs(last.astype(int) - scene(11)).max(2) > 20
    assert changed[y : y + height, x : x + width].mean() > 0.8
    changed[y - 2 : y + height + 2, x - 2 : x + width + 2] = False
    assert not changed[10:].any()  # above, the white square's chroma is halved
    at = moved(face_at(0, 16, (70, 60)), np.array(truth.matrix))
    assert at.min() > 0
    assert at.max() < OPTIONS.side


def test_the_new_face_takes_the_colours_of_the_old_where_asked() -> None:
    where = face_at(0, 16, (70, 60))
    plain, matched = (
        swap_picture(scene(0), where, paint, SwapOptions(side=32, match=match))
        for match in (False, True)
    )
    assert plain.pixels[60, 70].tolist() == [220, 30, 30]
    assert np.abs(matched.pixels[60, 70].astype(int) - scene(0)[60, 70]).max() < 12
    for done in (plain, matched):
        assert np.array_equal(done.pixels[done.mask == 0], scene(0)[done.mask == 0])


def test_odd_sizes_are_cut_and_masks_and_progress_told_as_it_goes(tmp_path: Path) -> None:
    source = write(tmp_path / "source.mkv", sound="libopus", size=(159, 119), form="yuv444p")
    seen: list[tuple[int, int | None]] = []
    masks: list[NDArray[np.float32] | None] = []
    swap_clip(
        source, tmp_path / "out.mkv", see, paint, OPTIONS,
        progress=lambda done, total: seen.append((done, total)),
        keep=lambda _, mask: masks.append(mask),
    )  # fmt: skip
    assert [done for done, _ in seen] == list(range(1, 13))
    assert [m is None for m in masks] == [i in FACELESS for i in range(12)]
    assert {m.shape for m in masks if m is not None} == {(119, 159)}
    assert planes(tmp_path / "out.mkv")[1][0].shape == (118 * 3 // 2, 158)  # halves of chroma


def test_tagged_colours_come_out_as_they_went_in(tmp_path: Path) -> None:
    source = write(tmp_path / "source.mp4", sound="", tagged=True)
    swap_clip(source, tmp_path / "out.mp4", see, paint, OPTIONS)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.colorspace == 1
    before, after = planes(source)[1], planes(tmp_path / "out.mp4")[1]
    assert np.abs(before[0].astype(int) - after[0])[:40, 100:].max() <= 2  # far from the face


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.mp4", Reason.NOT_FOUND), ("text.mp4", Reason.UNSUPPORTED),
        ("empty.mp4", Reason.EMPTY), ("cut.mp4", Reason.CORRUPT), ("sound.mkv", Reason.NO_STREAM),
        ("scrambled.mp4", Reason.CORRUPT),
    ],
)  # fmt: skip
def test_what_is_no_clip_is_an_error_with_a_word(tmp_path: Path, name: str, reason: Reason) -> None:
    (tmp_path / "text.mp4").write_text("only words")
    (tmp_path / "empty.mp4").touch()
    whole = write(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    scrambled = np.frombuffer(whole, np.uint8).copy()
    at = whole.index(b"mdat") + 4
    scrambled[at : at + len(whole) // 3] = 0xFF
    (tmp_path / "scrambled.mp4").write_bytes(scrambled.tobytes())
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        tone = container.add_stream("libopus", rate=48000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), "s16", "mono")
        silence.sample_rate = 48000
        container.mux(tone.encode(silence))
        container.mux(tone.encode())
    with pytest.raises(MediaError) as refused:
        swap_clip(tmp_path / name, tmp_path / "out.mp4", see, paint, OPTIONS)
    assert refused.value.reason is reason
    assert not list(tmp_path.glob("out*"))


def test_sound_that_does_not_fit_is_an_error_with_a_word(tmp_path: Path) -> None:
    source = write(tmp_path / "source.mkv", sound="libopus", count=3)
    with pytest.raises(MediaError, match="sound cannot be copied") as refused:
        swap_clip(source, tmp_path / "out.mov", see, paint, OPTIONS)
    assert refused.value.reason is Reason.UNSUPPORTED
    assert [p.name for p in tmp_path.iterdir()] == ["source.mkv"]


def test_no_face_no_clip(tmp_path: Path) -> None:
    source = write(tmp_path / "source.mp4", count=3)
    with pytest.raises(FaceError, match="3 frames"):
        swap_clip(source, tmp_path / "out.mp4", lambda _: [], paint, OPTIONS)
    with pytest.raises(MediaError, match="written as"):
        swap_clip(source, tmp_path / "out.avi", see, paint, OPTIONS)
    assert [p.name for p in tmp_path.iterdir()] == ["source.mp4"]


def found(at: tuple[float, float], score: float = 0.9, eyes: float = 30) -> Face:
    box = (at[0] - eyes, at[1] - eyes, 2 * eyes, 2.5 * eyes)
    return Face(landmarks=face_at(0, eyes, at), box=box, score=score)


def test_a_still_face_does_not_tremble_and_a_moving_one_is_not_dragged() -> None:
    rng = np.random.default_rng(1)
    track, places = Track(0.8, 0.5), []
    for i in range(50):
        shaken = found((100, 80))
        shaken.landmarks[:] += rng.normal(0, 1, (5, 2))
        places.append(track.follow([shaken], i / 25))
    late = np.array([p for p in places if p is not None][20:])
    assert len(late) == 30
    assert late.std(0).mean() < 0.6
    track = Track(0.8, 0.5)
    for i in range(25):
        place = track.follow([found((100 + 8 * i, 80))], i / 25)
    assert place is not None
    assert abs(place[:, 0].mean() - face_at(0, 30, (292, 80))[:, 0].mean()) < 6


def test_the_track_stays_with_its_face() -> None:
    track = Track(0.8, 0.5)
    assert track.follow([found((100, 80), 0.6)], 0) is None  # not sure enough to begin with
    assert track.follow([found((100, 80))], 0.04) is not None
    both = [found((102, 80), 0.6), found((300, 80), eyes=60)]
    place = track.follow(both, 0.08)
    assert place is not None
    assert place[:, 0].mean() < 110  # enough to go on with, though another is larger and surer
    assert track.follow([], 0.12) is None
    place = track.follow(both, 0.16)
    assert place is not None
    assert place[:, 0].mean() > 250  # lost: begins anew


@pytest.mark.shared
def test_a_real_face_is_found_and_swapped(tmp_path: Path, shared: Path) -> None:
    torch.manual_seed(0)
    size = SwapSize(side=32, encoder=(8, 16), dense=8, decoder=(8, 8), critic=(8,))
    source = tmp_path / "short.mp4"
    with (
        av.open(str(shared / "video_clips/ffpp_519_real.mp4")) as clip,
        av.open(str(source), "w") as cut,
    ):
        film = clip.streams.video[0]
        stream = cut.add_stream_from_template(film)
        for number, packet in enumerate(clip.demux(film)):
            if number == 12:
                break
            packet.stream = stream
            cut.mux(packet)
    model = next((shared / "weights/yunet").glob("*.onnx"))
    swap = network_swap(SwapNet(size).eval(), "b")
    truths = swap_clip(source, tmp_path / "out.mp4", YuNet(model), swap, SwapOptions(side=32))
    assert len(truths) == len(planes(tmp_path / "out.mp4")[1]) >= 10
    boxes = np.array([t.box for t in truths if t.box is not None])
    assert len(boxes) >= 0.9 * len(truths)
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    assert np.abs(centres - (415, 142)).max() < 20  # where the speaker is
    assert ((boxes[:, 2:] > 60) & (boxes[:, 2:] < 130)).all()
