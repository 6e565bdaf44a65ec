"""Voice activity: where somebody speaks, and the reasons for having nothing to judge."""

import time
from pathlib import Path

import numpy as np
import pytest
import tones

from unmask.evidence import NotApplicable
from unmask.media import open_media
from unmask.music import music_share
from unmask.sound import Region, clock, joined, mono, resampled, runs
from unmask.voice import LONGEST, regions_of, speech_or_reason, speech_probability, speech_regions


def speech(shared: Path) -> tuple[tones.Samples, int]:
    media = open_media(shared / "speech_librispeech" / "1034-121119-0000.flac")
    assert media.waveform is not None
    return mono(media.waveform), media.sample_rate


@pytest.mark.parametrize(
    ("samples", "rate", "code"),
    [
        (tones.noise(0.5), 16000, "too_short"),
        (np.zeros(0, np.float32), 16000, "too_short"),
        (np.zeros(48000, np.float32), 16000, "silence"),
        (tones.noise(3, level=1e-4), 16000, "silence"),
        (tones.noise(3), 16000, "no_speech"),
        (tones.noise(3, 44100, level=0.2), 44100, "no_speech"),
        (tones.tone(3, 440), 16000, "no_speech"),
        (tones.chords(8), 16000, "music"),
        (tones.noise(30, 4000), 4000, "low_rate"),
    ],
)
def test_what_is_no_speech_is_named(samples: tones.Samples, rate: int, code: str) -> None:
    answer = speech_or_reason(samples, rate)
    assert isinstance(answer, NotApplicable)
    assert answer.code == code


def test_regions_go_through_what_is_between_the_thresholds() -> None:
    wave = np.full(100, 0.1, np.float32)
    wave[20:60] = 0.9
    wave[30:40] = 0.4  # between the thresholds
    wave[45] = 0.2  # 32 ms: no pause yet
    wave[80:84] = 0.9  # 128 ms: no speech yet
    (only,) = regions_of(wave, 3.2)
    assert only == pytest.approx((20 * 0.032 - 0.03, 60 * 0.032 + 0.03))


def test_the_probability_does_not_depend_on_how_sound_is_cut_into_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = tones.noise(4, level=0.1) * (1 + tones.tone(4, 3, level=0.9))
    whole = speech_probability(samples)
    monkeypatch.setattr("unmask.voice.BLOCK", 17)
    assert whole.shape == (125,)
    np.testing.assert_allclose(speech_probability(samples), whole, atol=1e-5)


def test_tones_that_stay_are_music_and_a_voice_is_none() -> None:
    assert music_share(tones.chords(20), 16000) > 0.8
    assert music_share(tones.voice(20), 16000) == 0
    assert music_share(tones.noise(20), 16000) == 0
    assert music_share(tones.chords(1), 16000) == 0  # too short to tell


@pytest.mark.shared
def test_real_speech_is_found_between_silence(shared: Path) -> None:
    samples, rate = speech(shared)
    silence = tones.noise(5, rate, level=1e-4)
    found = speech_or_reason(np.concatenate([silence, samples, silence]), rate)
    assert not isinstance(found, NotApplicable)
    assert found[0].start > 4.9
    assert found[-1].end < 5.1 + samples.size / rate
    assert sum(one.seconds for one in found) > 3


@pytest.mark.shared
def test_speech_at_other_rates_is_found_where_it_was(shared: Path) -> None:
    samples, rate = speech(shared)
    there = speech_regions(samples, rate)
    for other in (8000, 44100):
        here = speech_regions(resampled(samples, rate, other), other)
        shared_time = sum(
            max(0.0, min(a.end, b.end) - max(a.start, b.start)) for a in there for b in here
        )
        assert shared_time > 0.9 * sum(one.seconds for one in there)


@pytest.mark.shared
def test_every_real_sentence_holds_speech(shared: Path) -> None:
    files = sorted((shared / "speech_librispeech").glob("*.flac"))[:12]
    for file in files:
        media = open_media(file)
        assert media.waveform is not None
        found = speech_or_reason(mono(media.waveform), media.sample_rate)
        assert not isinstance(found, NotApplicable), file.name


def test_long_sound_takes_bounded_time() -> None:
    samples = np.tile(tones.noise(60, 8000, level=0.01), 65)
    assert samples.size / 8000 > 6 * LONGEST
    clock_ = time.perf_counter()
    speech_regions(samples, 8000)
    assert time.perf_counter() - clock_ < 20


def test_channels_that_cancel_are_not_lost() -> None:
    one = tones.tone(1, 300)
    both = mono(np.stack([one, -one], axis=1))
    assert np.abs(both).max() == pytest.approx(0.1, rel=1e-3)
    same = mono(np.stack([one, one], axis=1))
    np.testing.assert_allclose(same, one, atol=1e-7)


def test_stretches_of_time() -> None:
    assert joined([Region(3, 4), Region(0, 1), Region(1.05, 2)], gap=0.1) == (
        Region(0, 2),
        Region(3, 4),
    )
    assert runs(np.array([True, False, True, True])).tolist() == [[0, 1], [2, 4]]
    assert runs(np.zeros(0, bool)).shape == (0, 2)
    assert [clock(t) for t in (0, 7.31, 59.96, 754, 3723)] == [
        "0:00",
        "0:07.3",
        "1:00",
        "12:34",
        "1:02:03",
    ]
