"""Pitch, and whether it tells of one voice or of two."""

from pathlib import Path

import numpy as np
import pytest
import tones

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.audio.speech import speech
from unmask.media import open_media
from unmask.sound import Region
from unmask.voices import pitch, voices

RATE = 16000


def buzz(frequency: float, seconds: float = 6.0) -> tones.Samples:
    """A voice that keeps its pitch, but for a slow wave of a semitone."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(frequency * 2 ** (np.sin(2 * np.pi * 0.4 * time) / 12)) / RATE
    whole = sum(np.sin(n * phase) / n for n in range(1, 20))
    return (0.1 * whole + np.random.default_rng(0).normal(size=time.size) * 0.001).astype(
        np.float32
    )


@pytest.mark.parametrize("frequency", [85.0, 120.0, 210.0, 330.0])
def test_pitch_is_measured(frequency: float) -> None:
    track = pitch(buzz(frequency), RATE)
    assert np.isfinite(track).mean() > 0.9
    assert np.nanmedian(track) == pytest.approx(frequency, rel=0.04)


def test_noise_has_no_pitch() -> None:
    assert np.isfinite(pitch(tones.noise(2, level=0.1), RATE)).mean() < 0.1
    assert pitch(tones.noise(0.01), RATE).size == 0


def test_two_voices_in_turns_are_told_and_one_is_not() -> None:
    man, woman = buzz(105), buzz(215)
    found = voices(np.concatenate([man, woman, man]), RATE, [Region(0, 18)])
    assert found.several
    assert found.pitches == pytest.approx((105, 215), rel=0.05)
    assert not voices(np.concatenate([man, man]), RATE, [Region(0, 12)]).several
    assert not voices(man, RATE, [Region(0, 1)]).several
    assert voices(man, RATE, []).pitches == ()


@pytest.mark.shared
def test_real_voices(shared: Path) -> None:
    def samples(name: str) -> tones.Samples:
        wave = open_media(shared / "speech_librispeech" / f"{name}.flac").waveform
        assert wave is not None
        return wave[:, 0]

    man, woman = samples("1034-121119-0000"), samples("1455-134435-0000")
    alone = speech(tones.recording(woman))
    assert isinstance(alone, Finding)
    assert alone.facts["voices_at_least"] == 1
    assert alone.facts["share"] > 0.6
    assert not alone.notable
    assert isinstance(speech(tones.recording(np.concatenate([man, woman]))), Finding)


def test_nothing_said_is_not_applicable() -> None:
    found = speech(tones.recording(tones.chords(8)))
    assert isinstance(found, NotApplicable)
    assert found.code == "music"
