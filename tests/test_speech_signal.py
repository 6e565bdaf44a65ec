"""Real and fake speech is cut and finished by one rule, so that the format names no class."""

import io
import wave as pcm_file

import numpy as np
import pytest
from scipy import signal
from voices import RATE, voice, with_silence

from unmask.datasets.speech_signal import (
    NARROW,
    WIDE,
    at_rate,
    cuts,
    decoded,
    finished,
    spoken,
    to_pcm,
)
from unmask.errors import MediaError, Reason


def test_silence_at_the_ends_is_found_to_ten_milliseconds() -> None:
    first, last = spoken(with_silence(voice(1), 0.5, 0.3))
    assert first == pytest.approx(0.5 * RATE, abs=400)
    assert last == pytest.approx(1.5 * RATE, abs=400)
    assert spoken(np.zeros(RATE, np.float32)) == (0, 0)
    assert spoken(np.zeros(0, np.float32)) == (0, 0)


def test_a_long_recording_is_cut_at_its_pause() -> None:
    pause = np.zeros(int(0.3 * RATE), np.float32)
    long = np.concatenate([voice(4.2), pause, voice(4.4, seed=1)])
    (a, b), (c, d) = cuts(long, 4.0)
    assert a < 0.1 * RATE
    assert b == pytest.approx(4.2 * RATE, abs=1000)
    assert c == pytest.approx(4.5 * RATE, abs=1000)
    assert d > 8.7 * RATE
    assert cuts(voice(2), 4.0) == []  # too short for an utterance
    assert cuts(np.zeros(10 * RATE, np.float32), 4.0) == []


def test_finished_speech_has_one_level_no_offset_and_no_rumble() -> None:
    for scale in (0.01, 1.0, 30.0):
        out = finished(voice(2) * scale + 0.1, WIDE)
        assert 10 * np.log10(np.mean(np.square(out))) == pytest.approx(-30, abs=0.01)
        assert abs(float(out.mean())) < 1e-5
        assert out[0] == pytest.approx(0, abs=1e-3)
    assert np.isfinite(finished(np.zeros(RATE, np.float32), WIDE)).all()


@pytest.mark.parametrize(("band", "edge"), [(WIDE, 7600), (NARROW, 4000)])
def test_nothing_is_left_above_the_band(band: int, edge: int) -> None:
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    frequencies, power = signal.welch(finished(noise, band), RATE)
    assert power[frequencies > edge].max() < 1e-4 * power[(frequencies > 500)].max()
    assert power[(frequencies > edge - 600) & (frequencies < edge - 400)].min() > 0.3 * np.median(
        power[(frequencies > 500) & (frequencies < 3000)]
    )


def test_files_are_16_bit_mono_at_16_kilohertz_and_the_same_every_time() -> None:
    out = finished(voice(1), WIDE)
    data = to_pcm(out)
    assert data == to_pcm(out)
    with pcm_file.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
    back, rate = decoded(data, "x.wav")
    assert rate == RATE
    assert np.abs(back - out).max() < 3 / 32768


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(MediaError) as caught:
        decoded(b"not a sound at all", "x.wav")
    assert caught.value.reason is Reason.CORRUPT
    with pytest.raises(MediaError):
        decoded(b"", "empty.wav")


def test_a_narrow_recording_went_through_eight_kilohertz() -> None:
    tone = np.sin(2 * np.pi * 5000 * np.arange(RATE) / RATE).astype(np.float32)
    assert np.abs(at_rate(tone, RATE, NARROW)[1000:-1000]).max() < 0.01
    assert len(at_rate(tone, RATE, NARROW)) == RATE
    assert len(at_rate(tone, 44_100)) == pytest.approx(RATE * RATE / 44_100, abs=1)
