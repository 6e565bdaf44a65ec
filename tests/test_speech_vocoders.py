"""Vocoders copy an utterance: same length, same time, same rough spectrum, another waveform."""

import numpy as np
import pytest
from voices import RATE, voice

from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_manifest import FAMILIES
from unmask.datasets.speech_signal import NARROW, WIDE, finished, levels
from unmask.datasets.speech_source_filter import (
    MissingEngineError,
    codec2,
    linear_prediction,
    world,
)
from unmask.datasets.speech_spectra import (
    from_mel,
    griffin_lim,
    istft,
    mel_filters,
    stft,
    stretched,
)
from unmask.datasets.speech_vocoders import CLASSIC, COPYING, GAN_COPYING, Vocoder


@pytest.fixture(scope="module")
def said() -> Wave:
    return finished(voice(1.2, pitch=130), WIDE)


def envelope(wave: Wave) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Levels in dB of mel bands over the whole."""
    filters = mel_filters(RATE, 512, 24, 100, 7000)
    return np.asarray(20 * np.log10((filters @ np.abs(stft(wave, 512, 128))).mean(1) + 1e-9))


@pytest.mark.parametrize(
    "vocoder", [v for v in CLASSIC if v.family not in {"world", "codec2"}], ids=lambda v: v.name
)
def test_a_copy_is_aligned_and_sounds_alike(vocoder: Vocoder, said: Wave) -> None:
    copy = vocoder.vocode(said)
    assert copy.shape == said.shape
    assert np.isfinite(copy).all()
    copy = finished(copy, WIDE)
    assert not np.allclose(copy, said, atol=1e-3)
    assert np.corrcoef(levels(copy), levels(said))[0, 1] > 0.8  # the syllables are where they were
    assert np.corrcoef(envelope(copy), envelope(said))[0, 1] > 0.85


def test_world_copies(said: Wave) -> None:
    for coded in (0, 24):
        copy = finished(world(said, coded=coded), WIDE)
        assert copy.shape == said.shape
        assert np.corrcoef(levels(copy), levels(said))[0, 1] > 0.8
        assert np.corrcoef(envelope(copy), envelope(said))[0, 1] > 0.85


@pytest.mark.program("c2enc", "c2dec")
def test_codec2_copies() -> None:
    narrow = finished(voice(1.5), NARROW)
    copy = finished(codec2(narrow, "3200"), NARROW)
    assert copy.shape == narrow.shape
    assert np.corrcoef(levels(copy), levels(narrow))[0, 1] > 0.6


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, said: Wave) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingEngineError, match="codec2"):
        codec2(said, "3200")


def test_every_family_that_copies_has_a_split() -> None:
    assert {*COPYING, *GAN_COPYING} <= set(FAMILIES)
    assert not any(FAMILIES[f] is Split.TEST for f in GAN_COPYING)  # published ones are the test
    assert {v.family for v in CLASSIC} <= set(COPYING)
    assert len({v.name for v in CLASSIC}) == len(CLASSIC)


def test_the_transform_and_its_inverse(said: Wave) -> None:
    for n_fft, hop in ((1024, 256), (512, 128), (640, 160)):
        back = istft(stft(said, n_fft, hop), n_fft, hop, len(said))
        assert np.abs(back - said).max() < 1e-5


def test_griffin_lim_comes_nearer_with_every_step(said: Wave) -> None:
    size = np.abs(stft(said, 512, 128))

    def off(iterations: int) -> float:
        made = griffin_lim(size, 512, 128, len(said), iterations=iterations)
        return float(np.linalg.norm(np.abs(stft(made, 512, 128)) - size) / np.linalg.norm(size))

    assert off(32) < off(8) < off(1)
    assert off(32) < 0.15


def test_mel_bands_are_kept_by_the_inverse() -> None:
    filters = mel_filters(RATE, 1024, 40, 0.0, RATE / 2)
    size = np.abs(stft(voice(0.5), 1024, 256))
    mel = filters @ size
    again = filters @ from_mel(mel, filters, refine=50)
    assert np.linalg.norm(again - mel) / np.linalg.norm(mel) < 0.02


@pytest.mark.parametrize("factor", [0.8, 1.5])
def test_stretching_changes_the_length_and_not_the_pitch(factor: float) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    out = stretched(tone, factor)
    assert len(out) == int(RATE * factor)
    middle = out[2000:-2000] * np.hanning(len(out) - 4000)
    peak = np.argmax(np.abs(np.fft.rfft(middle, 1 << 16))) * RATE / (1 << 16)
    assert peak == pytest.approx(440, abs=2)


def test_linear_prediction_keeps_the_pitch() -> None:
    time = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * 110 * n * time) for n in range(1, 30)).astype(np.float32) * 0.02
    out = linear_prediction(buzz)[4000:12000]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out))))
    hertz = np.fft.rfftfreq(len(out), 1 / RATE)
    on = [spectrum[np.abs(hertz - 110 * n).argmin()] for n in range(2, 8)]
    between = [spectrum[np.abs(hertz - 110 * (n + 0.5)).argmin()] for n in range(2, 8)]
    assert np.mean(on) > 3 * np.mean(between)


def test_silence_stays_silence() -> None:
    for vocoder in CLASSIC:
        if vocoder.family not in {"world", "codec2"}:
            out = vocoder.vocode(np.zeros(8000, np.float32))
            assert np.isfinite(out).all()
            assert np.abs(out).max() < 0.02, vocoder.name
