"""Earlier compression: WAVs that were MP3 or AAC are named, cuts found, clean twins stay quiet."""

from pathlib import Path

import numpy as np
import pytest
import tones

from unmask.evidence import ClaimKind, Finding
from unmask.forensics.audio.earlier_compression import earlier_compression
from unmask.forensics.audio.filterbanks import (
    AAC_KBD,
    AAC_SINE,
    ALL,
    MP3,
    Filterbank,
    magnitudes,
    regular,
)
from unmask.forensics.audio.mpeg_window import prototype
from unmask.media import open_bytes, open_media

RATE = 44100
CODECS = {"mp3": ("mp3", "libmp3lame", 128_000), "aac": ("mp4", "aac", 96_000)}


def passed(samples: tones.Samples, codec: str) -> tones.Samples:
    """The samples after an encoder, as decoded to 16 bits."""
    form, name, rate = CODECS[codec]
    return tones.decoded(tones.encoded(samples, RATE, form, name, rate))[0]


def examined(samples: tones.Samples) -> Finding:
    found = earlier_compression(tones.recording(samples, RATE))
    assert isinstance(found, Finding)
    return found


@pytest.mark.parametrize(("codec", "name"), [("mp3", "MP3"), ("aac", "AAC")])
def test_a_wav_that_was_lossy_is_named(codec: str, name: str) -> None:
    found = examined(passed(tones.voice(5, RATE), codec))
    assert found.notable
    assert found.facts["grids"][0]["codec"] == name
    assert f"was {name} once" in found.summary
    assert found.facts["regions"] == []
    assert not found.claims
    assert found.llr is None


@pytest.mark.parametrize(
    "samples",
    [tones.voice(5, RATE), tones.noise(5, RATE, 0.1), tones.chords(5, RATE), tones.tone(3, 700)],
    ids=["voice", "noise", "chords", "tone"],
)
def test_sound_that_never_was_stays_quiet(samples: tones.Samples) -> None:
    found = examined(samples)
    assert not found.notable
    assert found.facts["grids"] == []


@pytest.mark.parametrize("codec", ["mp3", "aac"])
def test_a_cut_moves_the_grid(codec: str) -> None:
    whole = passed(tones.voice(16, RATE), codec)
    found = examined(np.concatenate([whole[: 9 * RATE], whole[11 * RATE + 317 :]]))
    (claim,) = found.claims
    assert claim.kind is ClaimKind.EDITED
    ((start, end),) = found.facts["regions"]
    # Which of the two parts is "the other" is open: one of them ends where the cut is.
    assert min(abs(start - 9), abs(end - 9)) <= 0.5


def test_a_part_from_elsewhere_lacks_the_trace() -> None:
    samples = passed(tones.voice(12, RATE), "mp3")
    samples = samples.copy()
    samples[4 * RATE : 7 * RATE] = tones.voice(3, RATE, seed=9)
    found = examined(samples)
    assert found.notable
    assert not found.claims
    ((start, end),) = found.facts["regions"]
    assert start == pytest.approx(4, abs=0.5)
    assert end == pytest.approx(7, abs=0.5)


def test_an_mp3_is_not_blamed_for_its_own_frames() -> None:
    for bit_rate in (64_000, 128_000):
        data = tones.encoded(tones.voice(5, RATE), RATE, "mp3", "libmp3lame", bit_rate)
        found = earlier_compression(open_bytes(data, "a.mp3"))
        assert isinstance(found, Finding)
        assert found.facts["grids"] == []


def test_an_mp3_made_of_another_is_named() -> None:
    before = tones.encoded(tones.voice(5, RATE), RATE, "mp3", "libmp3lame", 64_000)
    again = tones.encoded(tones.decoded(before)[0][100:], RATE, "mp3", "libmp3lame", 192_000)
    found = earlier_compression(open_bytes(again, "a.mp3"))
    assert isinstance(found, Finding)
    assert found.facts["grids"][0]["codec"] == "MP3"
    assert found.facts["grids"][0]["offset"] == (48 - 100) % 576


@pytest.mark.shared
def test_real_recordings_stay_quiet(shared: Path) -> None:
    for file in sorted((shared / "speech_librispeech").glob("*.flac"))[:3]:
        found = earlier_compression(open_media(file))
        assert isinstance(found, Finding)
        assert found.facts["grids"] == []


def test_the_bands_are_the_standards() -> None:
    window = prototype()
    assert window.shape == (512,)
    assert window.argmax() == 256
    assert window[256] * 32 == pytest.approx(1.144989, abs=1e-5)  # table B.3's largest
    # A tone in the middle of a band is heard in that band alone, 90 dB above all others.
    tone = np.cos(2 * np.pi * 5.5 / 64 * np.arange(8000)).astype(np.float32)
    values = magnitudes(MP3, tone, np.arange(0, 3000, 7), slice(0, 576)).mean(axis=0)
    assert values[90:108].sum() > 0.97 * values.sum()


@pytest.mark.parametrize("bank", ALL, ids=lambda b: b.name)
def test_a_whole_grid_is_what_single_frames_are(bank: Filterbank) -> None:
    samples = tones.noise(1, 20000)
    lines = slice(40, 200)
    grid = regular(bank, samples, 133, 0, lines)
    starts = np.arange(133, samples.size - bank.span + 1, bank.hop)
    np.testing.assert_allclose(
        grid[: len(starts)], magnitudes(bank, samples, starts, lines)[: len(grid)], atol=2e-5
    )


def test_aac_windows_keep_power() -> None:
    for bank in (AAC_SINE, AAC_KBD):
        found = magnitudes(
            bank, tones.noise(2, 20000, 0.1), np.arange(0, 30000, 1024), slice(0, 1024)
        )
        assert np.sqrt(np.mean(found**2)) == pytest.approx(0.1, rel=0.05)
