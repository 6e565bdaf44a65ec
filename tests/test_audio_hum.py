"""Mains hum: a planted hum is tracked, a cut in it shows, sound without it stays quiet."""

import numpy as np
import pytest
import tones

from unmask.evidence import Finding, NotApplicable
from unmask.forensics.audio.mains_hum import hum_of, mains_hum

RATE = 8000


def humming(seconds: float, mains: float = 50.0, drift: float = 0.03) -> tones.Samples:
    """A voice in a room whose mains wander slowly."""
    time = np.arange(round(seconds * RATE)) / RATE
    frequency = mains + drift * np.sin(2 * np.pi * time / 40)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    hum = 0.004 * np.sin(phase) + 0.003 * np.sin(2 * phase + 1)
    return (tones.voice(seconds, RATE) + hum).astype(np.float32)


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_a_hum_is_tracked(mains: float) -> None:
    found = mains_hum(tones.recording(humming(40, mains), RATE))
    assert isinstance(found, Finding)
    assert found.facts["present"]
    assert found.facts["nominal_hz"] == mains
    assert found.facts["phase_jumps"] == []
    assert not found.notable
    hum = hum_of(humming(40, mains), RATE)
    true = mains + 0.03 * np.sin(2 * np.pi * hum.times / 40)
    assert np.nanmedian(np.abs(hum.track - true)) < 0.01


def test_a_cut_makes_the_phase_jump() -> None:
    whole = humming(40)
    cut = np.concatenate([whole[: 18 * RATE], whole[22 * RATE + 70 :]])  # 70: 0.44 of a period
    found = mains_hum(tones.recording(cut, RATE))
    assert isinstance(found, Finding)
    assert found.notable
    assert found.facts["phase_jumps"] == pytest.approx([18], abs=0.6)


def test_no_hum_is_no_evidence() -> None:
    for samples in (tones.voice(20, RATE), tones.noise(20, RATE, 0.1)):
        found = mains_hum(tones.recording(samples, RATE))
        assert isinstance(found, Finding)
        assert not found.facts["present"]
        assert not found.notable


def test_a_short_recording_is_not_judged() -> None:
    found = mains_hum(tones.recording(tones.voice(3, RATE), RATE))
    assert isinstance(found, NotApplicable)
    assert found.code == "too_short"
