"""Bandwidth: a planted cut is found where it is; sound that is not cut stays quiet."""

from pathlib import Path

import numpy as np
import pytest
import tones

from unmask.evidence import Finding
from unmask.forensics.audio.bandwidth import bandwidth, edge_of
from unmask.media import open_bytes, open_media
from unmask.sound import resampled


def upsampled(seconds: float, low: int, high: int, seed: int = 0) -> tones.Samples:
    return resampled(tones.voice(seconds, low, seed=seed), low, high)


@pytest.mark.parametrize("low", [8000, 16000, 22050])
def test_upsampled_sound_is_named(low: int) -> None:
    finding = bandwidth(tones.recording(upsampled(4, low, 44100), 44100))
    assert isinstance(finding, Finding)
    assert finding.notable
    assert finding.facts["cutoff_hz"] == pytest.approx(low / 2, rel=0.12)  # it is soft


def test_an_mp3_in_a_lossless_file_is_named_by_its_shelf() -> None:
    samples = tones.voice(5, 44100)
    wave, rate = tones.decoded(tones.encoded(samples, 44100, "mp3", "libmp3lame", 64000))
    finding = bandwidth(tones.recording(wave, rate))
    assert isinstance(finding, Finding)
    assert finding.notable
    assert 13000 < finding.facts["cutoff_hz"] < 17500
    twin = bandwidth(tones.recording(samples, 44100))
    assert isinstance(twin, Finding)
    assert not twin.notable
    assert twin.facts["cutoff_hz"] is None


def test_a_lossy_file_is_not_blamed_for_its_own_codec() -> None:
    data = tones.encoded(tones.voice(4, 44100), 44100, "mp3", "libmp3lame", 64000)
    finding = bandwidth(open_bytes(data, "a.mp3"))
    assert isinstance(finding, Finding)
    assert finding.facts["cutoff_hz"]
    assert not finding.notable


def test_a_stretch_of_telephone_is_found() -> None:
    samples = tones.voice(20, 44100)
    samples[6 * 44100 : 10 * 44100] = upsampled(4, 8000, 44100, seed=3)
    finding = bandwidth(tones.recording(samples, 44100))
    assert isinstance(finding, Finding)
    assert finding.notable
    ((start, end),) = finding.facts["regions"]
    assert start == pytest.approx(6, abs=0.6)
    assert end == pytest.approx(10, abs=0.6)


def test_a_spectrum_that_fades_has_no_edge() -> None:
    fading = np.linspace(-20, -110, 176)
    assert edge_of(fading) == (176, 0)
    dip = fading.copy()
    dip[60:64] -= 40
    assert edge_of(dip) == (176, 0)
    cut = fading.copy()
    cut[100:] = -120
    assert edge_of(cut)[0] == pytest.approx(100, abs=3)


@pytest.mark.shared
def test_real_recordings_hold_no_other_stretch(shared: Path) -> None:
    for file in sorted((shared / "speech_librispeech").glob("*.flac"))[:8]:
        finding = bandwidth(open_media(file))
        assert isinstance(finding, Finding)
        assert finding.facts["regions"] == []
