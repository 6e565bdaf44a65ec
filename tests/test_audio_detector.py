"""The audio detector as an analyser: what it refuses, what it shows, what it finds."""

import io
import math
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from unmask.datasets.speech_source_filter import linear_prediction
from unmask.detect.audio.audio_detector import (
    audio_detector,
    bandwidth,
    covered_part,
    judged,
    regions_of,
    speech_of,
    timeline_of,
)
from unmask.detect.audio.frontends import RATE
from unmask.detect.audio.inference import (
    CHUNK,
    MOST_CHUNKS,
    WEIGHTS,
    chunk_starts,
    half_seconds,
    load_audio_detector,
    pool,
    spoken,
)
from unmask.detect.audio.lcnn import pooled
from unmask.detect.audio.localisation import intersection_over_union
from unmask.detect.audio.nets import STEP
from unmask.detect.audio.pairs import at_level, read_wave
from unmask.detect.audio.range import SpeechRange
from unmask.evidence import Finding, Kind, NotApplicable
from unmask.media import open_bytes
from unmask.registry import pick
from unmask.sound import Region, clock


def wav(samples: NDArray[np.float32], rate: int = RATE) -> bytes:
    """(N,) as a WAV file."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as out:
        stream = out.add_stream("pcm_s16le", rate=rate, layout="mono")
        pcm = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return buffer.getvalue()


NOISE = np.random.default_rng(0).normal(0, 0.1, 4 * RATE).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "codes"),
    [
        (NOISE[:4000], {"too_short"}),
        (np.zeros(4 * RATE, np.float32), {"silence"}),
        (NOISE, {"no_speech", "little_speech"}),
        (np.sin(np.arange(4 * RATE) * 0.17).astype(np.float32) / 3, {"no_speech", "music"}),
    ],
    ids=["too short", "silent", "noise", "a tone"],
)
def test_what_is_no_speech_gets_a_reason_and_no_number(
    samples: NDArray[np.float32], codes: set[str]
) -> None:
    found = audio_detector(open_bytes(wav(samples), "a.wav"))
    assert isinstance(found, NotApplicable)
    assert found.code in codes


def test_it_is_registered_for_sound_and_clips() -> None:
    assert pick(["audio_detector"])[0].kinds == {Kind.AUDIO, Kind.VIDEO}


def test_weights_are_small_and_their_card_names_weaknesses() -> None:
    detector = load_audio_detector("cpu")
    assert WEIGHTS.stat().st_size < 5_000_000
    assert detector.card.weaknesses
    assert set(detector.calibration) == {"recording", "half_second"}


def test_of_a_long_recording_the_slow_network_hears_every_second_stretch() -> None:
    detector = load_audio_detector("cpu")
    wave = np.random.default_rng(2).normal(0, 0.1, 6 * CHUNK).astype(np.float32)
    frames = detector.frames(wave)
    stretches = np.isfinite(frames["complex"]).reshape(6, -1)
    assert stretches.all(1).tolist() == [True, False] * 3
    assert not stretches[1::2].any()
    mean, left_out = detector.mean(frames), ~stretches.ravel()
    np.testing.assert_allclose(
        mean[left_out], (frames["constant_q"] + frames["fine"])[left_out] / 2, rtol=1e-5
    )
    assert np.isfinite(mean).all()


@pytest.mark.parametrize("length", [STEP - 1, STEP, CHUNK, CHUNK + 1, 3 * CHUNK + 5000])
def test_every_frame_of_a_recording_is_looked_at(length: int) -> None:
    detector = load_audio_detector("cpu")
    wave = np.random.default_rng(1).normal(0, 0.1, length).astype(np.float32)
    for frames in detector.frames(wave).values():
        assert len(frames) == max(1, length // STEP)
        # The last chunk ends at a whole step: at most one frame is left.
        assert np.isfinite(frames).sum() >= len(frames) - 1


def test_a_long_recording_costs_no_more_than_the_bound() -> None:
    starts = chunk_starts(4 * 3600 * RATE)
    assert len(starts) == MOST_CHUNKS
    assert starts[0] == 0
    assert starts[-1] > 4 * 3600 * RATE - 2 * CHUNK
    assert all(s % STEP == 0 for s in starts)


def test_pooling_is_the_networks_own() -> None:
    import torch

    frames = np.random.default_rng(2).normal(size=40).astype(np.float32)
    assert pool(frames) == pytest.approx(float(pooled(torch.from_numpy(frames)[None])))
    holes = np.concatenate([frames, [np.nan] * 5]).astype(np.float32)
    assert pool(holes) == pytest.approx(pool(frames))
    assert math.isnan(pool(holes[40:]))


def test_half_seconds_by_hand() -> None:
    frames = np.arange(10, dtype=np.float32)  # middles at 0.06, 0.18, ... 1.14 s
    frames[9] = np.nan
    found = half_seconds(frames)
    assert found[0] == pytest.approx(np.mean([0, 1, 2, 3]))
    assert found[1] == pytest.approx(np.mean([4, 5, 6, 7]))
    assert found[2] == 8


def test_speech_is_where_the_regions_are() -> None:
    regions = [Region(0.1, 0.4), Region(1.0, 1.2)]
    assert spoken(10, regions).nonzero()[0].tolist() == [1, 2, 8, 9]
    assert len(speech_of(NOISE, regions, 10)) == round(0.5 * RATE)
    assert len(speech_of(NOISE, regions, 0.35)) == round(0.35 * RATE)


def test_bandwidth_of_a_telephone_is_that_of_a_telephone() -> None:
    spectrum = np.fft.rfft(NOISE)
    spectrum[np.fft.rfftfreq(len(NOISE), 1 / RATE) > 3400] = 0
    narrow = np.fft.irfft(spectrum, len(NOISE)).astype(np.float32)
    assert bandwidth(narrow) == pytest.approx(3400, abs=200)
    assert bandwidth(NOISE) == pytest.approx(8000, abs=50)
    assert bandwidth(np.zeros(9000, np.float32)) == 0


def test_overlap_by_hand() -> None:
    wanted = Region(10, 20)
    assert intersection_over_union([Region(12, 22)], wanted) == pytest.approx(8 / 12)
    assert intersection_over_union([Region(10, 20), Region(40, 50)], wanted) == pytest.approx(0.5)
    assert intersection_over_union([], wanted) == 0
    assert covered_part([Region(0, 1)], [(0.25, 0.0), (0.75, 0.0), (1.25, 0.0)]) == 2 / 3


def test_what_is_odd_is_out_of_range() -> None:
    rng = np.random.default_rng(4)
    usual = SpeechRange.fit(rng.normal(size=(300, 5)), rng.normal(size=(99, 5)))
    assert usual.likeness(np.zeros(5)) > 0.5
    assert usual.likeness(np.full(5, 6.0)) == pytest.approx(0.01)
    again = SpeechRange.of(usual.tensors())
    assert again.distance(np.ones(5)) == pytest.approx(usual.distance(np.ones(5)))


def real_speech(shared: Path, count: int) -> list[NDArray[np.float32]]:
    paths = sorted((shared / "speech_librispeech").rglob("*.flac"))[:count]
    return [at_level(read_wave(path)) for path in paths]


@pytest.mark.shared
def test_a_scan_of_real_speech_shows_all_that_was_asked(shared: Path) -> None:
    path = sorted((shared / "speech_librispeech").rglob("*.flac"))[0]
    found = audio_detector(open_bytes(path.read_bytes(), path.name))
    assert isinstance(found, Finding)
    assert found.llr is not None
    assert math.isfinite(found.llr)
    assert len(found.timeline) >= 4
    assert set(found.facts["llr_by_view"]) == {"as it is", "mp3 64", "8 kHz"}
    assert found.facts["seconds_of_speech"] > 2
    assert found.facts["weak_on"]


def test_a_stretch_is_found_above_its_recording_and_a_level_alone_is_none() -> None:
    detector = load_audio_detector("cpu")
    steps = 500  # frames of 0.12 s: a minute
    for level in (-5.0, -3.0, -2.0):
        frames = np.full(steps, level, np.float32)
        assert regions_of(detector, frames) == []
        frames[steps // 3 : steps // 2] = level + 3.5
        (found,) = regions_of(detector, frames)
        place = Region(steps // 3 * 0.12, steps // 2 * 0.12)
        assert intersection_over_union([found], place) > 0.8
    assert regions_of(detector, np.zeros(0, np.float32)) == []


def test_what_has_no_recorded_level_is_not_moved() -> None:
    detector = load_audio_detector("cpu")
    synthetic = np.full(500, 3.0, np.float32)
    (whole,) = regions_of(detector, synthetic)
    assert whole.seconds > 55
    short = np.full(150, -4.5, np.float32)  # 18 s: too little to have a level of its own
    short[50:100] = -1.0
    assert regions_of(detector, short) == []


@pytest.mark.shared
def test_a_synthetic_stretch_shows_in_the_timeline(shared: Path) -> None:
    """Ten seconds of linear prediction (no training family) in forty of one real voice."""
    sentences = real_speech(shared, 6)
    wave = np.concatenate(sentences)[: 40 * RATE]
    stretch = slice(12 * RATE, 22 * RATE)
    mixed = wave.copy()
    mixed[stretch] = at_level(linear_prediction(wave[stretch]))
    detector = load_audio_detector("cpu")
    timeline = timeline_of(detector, detector.score(mixed).frames)
    inside = [llr for t, llr in timeline if 12.5 < t < 21.5]
    outside = [llr for t, llr in timeline if not 11 < t < 23]
    assert np.median(inside) > np.median(outside) + 1
    found = judged(detector, mixed, [Region(0, len(mixed) / RATE)])
    regions = [Region(*ends) for ends in found.facts["regions"]]
    assert intersection_over_union(regions, Region(12, 22)) >= 0.5
    (doubt,) = (d for d in found.doubts if d.code == "partly_synthetic")
    assert clock(regions[0].start) in doubt.text
