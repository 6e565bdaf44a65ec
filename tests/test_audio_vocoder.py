"""Traces of vocoders: a planted comb and a planted top line are found; real voices have neither."""

from pathlib import Path

import numpy as np
import pytest
import tones

from unmask.evidence import Finding
from unmask.forensics.audio.vocoder_traces import (
    STANDS_OUT,
    TOP,
    comb_of,
    examine,
    vocoder_traces,
)
from unmask.media import open_media

RATE = 22050


def combed(samples: tones.Samples, spacing: float, level: float = 2e-4) -> tones.Samples:
    """The samples with tones at the multiples of `spacing`."""
    time = np.arange(samples.size) / RATE
    lines = sum(
        np.sin(2 * np.pi * spacing * k * time + k) for k in range(1, int(RATE / 2 / spacing))
    )
    return (samples + level * lines).astype(np.float32)


def found_in(samples: tones.Samples) -> Finding:
    found = vocoder_traces(tones.recording(samples, RATE))
    assert isinstance(found, Finding)
    return found


def test_a_comb_is_found_with_its_spacing() -> None:
    found = found_in(combed(tones.voice(8, RATE), RATE / 32))
    assert found.notable
    assert found.facts["comb_hz"] == pytest.approx(RATE / 32, abs=0.01)
    assert found.llr is None
    assert "MP3" in found.summary  # its bands are 22,050 / 32 Hz wide at 44.1 kHz


def test_a_comb_that_no_mp3_leaves_is_a_vocoders() -> None:
    found = found_in(combed(tones.voice(8, RATE), 24000 / 20))
    assert found.facts["comb_hz"] == 1200
    assert "MP3" not in found.summary


def test_a_comb_in_one_part_is_shown_there() -> None:
    samples = tones.voice(30, RATE)
    samples[10 * RATE : 20 * RATE] = combed(samples[10 * RATE : 20 * RATE], RATE / 32, 4e-4)
    found = found_in(samples)
    assert found.notable
    ((start, end),) = found.facts["regions"]
    assert start == pytest.approx(10, abs=3)
    assert end == pytest.approx(20, abs=3)
    assert "from 0:" in found.summary


def test_a_checkerboard_shows_at_the_top() -> None:
    samples = tones.voice(6, RATE)
    samples[::2] += 1e-3
    found = found_in(samples)
    assert found.notable
    assert found.facts["line_at_half_rate"] > TOP
    assert found.facts["comb_hz"] is None


@pytest.mark.parametrize(
    "samples", [tones.voice(6, RATE), tones.noise(6, RATE), tones.chords(6, RATE)]
)
def test_sound_without_stays_quiet(samples: tones.Samples) -> None:
    found = found_in(samples)
    assert not found.notable
    assert found.facts["regions"] == []


def test_one_line_alone_is_no_comb() -> None:
    relief = np.random.default_rng(0).normal(size=2049)
    relief[700] = 60
    for spacing in (RATE / 32, RATE / 16):
        assert comb_of(relief, RATE, spacing, 11000).score < STANDS_OUT


@pytest.mark.shared
def test_melgan_and_hifigan_are_told_from_the_voice_they_copy(shared: Path) -> None:
    root = shared / "speech_hifigan_demo"
    for name, seen in (("real", 0), ("fake_MG", 5), ("fake_HGAN_V1", 5)):
        files = sorted(root.glob(f"ms/{name}/*.wav"))
        assert len(files) == 5
        count = 0
        for file in files:
            media = open_media(file)
            assert media.waveform is not None
            found = examine(media.waveform[:, 0], media.sample_rate)
            assert found.comb is not None
            count += found.comb.score >= STANDS_OUT or found.top >= TOP
        assert count == seen
