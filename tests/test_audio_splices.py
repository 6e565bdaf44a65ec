"""Levels, noise floor, copies: each finds what was planted, and is quiet about the twin without."""

from pathlib import Path

import numpy as np
import pytest
import tones

from unmask.evidence import Finding
from unmask.forensics.audio.noise_floor import noise_floor
from unmask.forensics.audio.repeated_sound import repeated_sound
from unmask.forensics.audio.sound_levels import levels_of, sound_levels
from unmask.media import open_bytes, open_media
from unmask.registry import Analyse

RATE = 16000


def examined(analyse: Analyse, samples: tones.Samples) -> Finding:
    found = analyse(tones.recording(samples, RATE))
    assert isinstance(found, Finding)
    return found


@pytest.mark.parametrize("analyse", [noise_floor, repeated_sound, sound_levels])
def test_an_untouched_recording_stays_quiet(analyse: Analyse) -> None:
    found = examined(analyse, tones.voice(20, RATE))
    assert not found.notable
    assert found.facts["regions"] == []


def test_exact_silence_in_a_noisy_room_is_found() -> None:
    samples = tones.voice(6, RATE)
    samples[3 * RATE : 3 * RATE + 4000] = 0
    found = examined(sound_levels, samples)
    assert found.notable
    assert found.facts["regions"] == [[3.0, 3.25]]


def test_silence_at_the_ends_and_in_silent_sound_is_ordinary() -> None:
    padded = np.concatenate([np.zeros(RATE, np.float32), tones.voice(3, RATE), np.zeros(RATE)])
    assert not examined(sound_levels, padded.astype(np.float32)).notable
    synthetic = tones.chords(4, RATE)
    synthetic[RATE : RATE + 3000] = 0
    synthetic[: RATE // 2] = 0
    assert examined(sound_levels, synthetic).facts["silences"]


def test_clipping_and_unused_bits_are_told() -> None:
    loud = np.clip(tones.voice(3, RATE) * 6, -0.5, 0.5)
    found = levels_of(loud, RATE)
    assert found.clipped
    assert found.clipped_share > 0.01
    assert not levels_of(tones.voice(3, RATE), RATE).clipped
    coarse = np.round(tones.voice(2, RATE) * 128).astype(np.float32) / 128
    assert levels_of(coarse, RATE).bits == 8
    wide = tones.encoded(tones.voice(2, RATE), RATE, "wav", "pcm_s24le")
    told = sound_levels(open_bytes(wide, "a.wav"))
    assert isinstance(told, Finding)
    assert told.facts["bits_used"] == 16
    assert told.notable


@pytest.mark.parametrize("room", [0.012, 0.0003])
def test_a_part_from_another_room_is_found(room: float) -> None:
    samples = tones.voice(24, RATE)
    part = slice(9 * RATE, 14 * RATE)
    samples[part] = tones.voice(24, RATE, seed=4, room=room)[part]
    found = examined(noise_floor, samples)
    assert found.notable
    ((start, end),) = found.facts["regions"]
    assert start == pytest.approx(9, abs=1.2)
    assert end == pytest.approx(14, abs=1.2)


def test_a_copied_word_is_found() -> None:
    samples = tones.voice(12, RATE) + tones.noise(12, RATE, 0.003, seed=5)
    samples[8 * RATE + 77 : 9 * RATE + 77] = samples[2 * RATE : 3 * RATE]
    found = examined(repeated_sound, samples)
    assert found.notable
    (copy,) = found.facts["copies"]
    assert copy["from"] == pytest.approx(2, abs=0.1)
    assert copy["to"] == pytest.approx(8, abs=0.1)
    assert copy["seconds"] == pytest.approx(1, abs=0.15)


def test_a_copy_survives_an_encoder() -> None:
    samples = tones.voice(12, RATE) + tones.noise(12, RATE, 0.003, seed=5)
    samples[8 * RATE + 77 : 9 * RATE + 77] = samples[2 * RATE : 3 * RATE]
    data = tones.encoded(samples, RATE, "mp3", "libmp3lame", 96_000)
    found = repeated_sound(open_bytes(data, "a.mp3"))
    assert isinstance(found, Finding)
    assert found.notable


@pytest.mark.shared
def test_real_recordings_stay_quiet(shared: Path) -> None:
    for file in sorted((shared / "speech_librispeech").glob("*.flac"))[:6]:
        media = open_media(file)
        for analyse in (repeated_sound, sound_levels, noise_floor):
            found = analyse(media)
            assert not (isinstance(found, Finding) and found.notable), (file.name, found)
