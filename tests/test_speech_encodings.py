"""Encodings of speech keep length and timing, and do what their names say."""

import numpy as np
import pytest
from scipy import signal

from unmask.datasets.speech_encodings import (
    GRID,
    EncodingError,
    Wave,
    aligned,
    companded,
    draw_chain,
    encode,
    parse,
    with_noise,
)

RATE = 16_000


@pytest.fixture(scope="module")
def voice() -> Wave:
    """A second of something like a vowel that rises and falls, then a consonant's noise."""
    time = np.arange(RATE) / RATE
    pitch = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 2 * time)) / RATE
    vowel = sum(np.sin(n * pitch) / n for n in range(1, 30)) * np.hanning(RATE)
    noise = np.random.default_rng(3).standard_normal(RATE) * (time > 0.8) * 0.2
    return np.asarray((vowel + noise) * 0.1, np.float32)


@pytest.mark.parametrize("name", GRID)
def test_an_encoding_keeps_length_and_timing(voice: Wave, name: str) -> None:
    out = encode(voice, RATE, name)
    assert out.shape == voice.shape
    assert out.dtype == np.float32
    lag = np.argmax(np.abs(signal.correlate(out, voice, method="fft"))) - (RATE - 1)
    assert abs(lag) <= 8  # half a millisecond


@pytest.mark.parametrize("codec", ["mp3", "aac", "opus"])
def test_fewer_bits_do_more_harm(voice: Wave, codec: str) -> None:
    much, little = (
        float(np.mean(np.square(encode(voice, RATE, f"{codec}:{rate}") - voice)))
        for rate in (96, 12)
    )
    assert 0 < much < little
    assert little < float(np.mean(np.square(voice)))  # it is still the same voice


def test_the_telephone_takes_away_what_is_above_four_kilohertz(voice: Wave) -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    frequencies, power = signal.welch(encode(noise, RATE, "phone"), RATE)
    inside = power[(frequencies > 500) & (frequencies < 3000)].mean()
    assert power[frequencies > 4500].max() < inside * 1e-3
    assert power[frequencies < 100].max() < inside * 1e-2
    assert not np.array_equal(encode(voice, RATE, "phone"), voice)


def test_noise_has_its_level(voice: Wave) -> None:
    for snr in (0.0, 20.0):
        added = with_noise(voice, snr, np.random.default_rng(1)) - voice
        found = 10 * np.log10(np.mean(np.square(voice)) / np.mean(np.square(added)))
        assert found == pytest.approx(snr, abs=0.1)


def test_a_room_keeps_the_level_and_rings_as_long_as_it_says() -> None:
    click = np.zeros(RATE, np.float32)
    click[100] = 0.5
    out = encode(click, RATE, "room:400", seed=3)
    assert np.mean(np.square(out)) == pytest.approx(np.mean(np.square(click)), rel=0.01)
    early = np.mean(np.square(out[110:910]))  # 50 ms
    late = np.mean(np.square(out[110 + 3200 : 910 + 3200]))  # 200 ms later: half of RT60
    assert 10 * np.log10(early / late) == pytest.approx(30, abs=3)


def test_gain_clips_and_mu_law_has_255_steps() -> None:
    ramp = np.linspace(-1, 1, 100_001, dtype=np.float32)
    assert np.abs(encode(ramp, RATE, "gain:6")).max() == 1
    assert len(np.unique(companded(ramp))) == 255
    assert np.abs(companded(ramp) - ramp).max() < 0.025


def test_a_delay_is_taken_out(voice: Wave) -> None:
    late = np.concatenate([np.zeros(1105, np.float32), voice])
    assert np.allclose(aligned(late, voice), voice, atol=1e-6)
    assert np.allclose(aligned(voice[300:], voice)[300:], voice[300:], atol=1e-6)


@pytest.mark.parametrize(
    "name", ["mp4:64", "mp3", "phone:8", "mp3:x", "mp3:1", "noise:nan", "", "mp3:64+"]
)
def test_what_is_no_encoding_is_refused(name: str) -> None:
    with pytest.raises(EncodingError, match="there are clean, mp3:<8 to 320>"):
        parse(name)


def test_an_empty_wave_is_refused_and_a_short_one_is_not() -> None:
    with pytest.raises(EncodingError):
        encode(np.zeros(0, np.float32), RATE, "clean")
    for name in GRID:
        assert len(encode(np.full(5, 0.1, np.float32), RATE, name)) == 5


def test_drawn_chains_can_be_parsed_and_repeat_by_the_seed() -> None:
    drawn = [draw_chain(np.random.default_rng(i)) for i in range(200)]
    assert drawn == [draw_chain(np.random.default_rng(i)) for i in range(200)]
    kinds = {kind for name in drawn for kind, _ in parse(name)}
    assert kinds == {"clean", "mp3", "aac", "opus", "phone", "noise", "room", "gain", "resample"}
