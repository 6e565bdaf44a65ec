"""The page "Generate" for music and texts: played, composed, written, and marked."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import pytest
from scipy.io import wavfile
from test_app_generate import (  # fixtures among them
    _apart,
    _identity,
    downloads,
    opened,
    press,
    quick,
    text,
    untrained,
)

from unmask.app import making_sound
from unmask.app.view_generate import _WAYS
from unmask.datasets.speech_signal import RATE
from unmask.generate.audio.render import wav
from unmask.generate.audio.scores import Event, write_midi
from unmask.generate.catalogue import GAMES
from unmask.generate.game import OptionError
from unmask.generate.text import trained as trained_text
from unmask.generate.text.games import TEXTS

__all__ = ["_apart", "_identity", "downloads", "quick", "untrained"]
SHORT = (Event(onset=0.0, length=0.3, pitch=60), Event(onset=0.3, length=0.3, pitch=64))


def test_a_piece_that_was_brought_is_played_and_marked(
    untrained: Callable[[str], Path], downloads: dict[str, bytes]
) -> None:
    at = opened("notes", untrained("notes"))
    at.file_uploader(key="midi").set_value([("short.mid", write_midi(SHORT), "audio/midi")])
    press(at, "play")
    data = downloads["keep-0"]
    assert b"trainedAlgorithmicMedia" in data
    rate, sound = wavfile.read(io.BytesIO(data))
    assert rate * 0.6 <= len(sound) <= rate * 1.2
    made = at.session_state["made"][1][0]
    assert made.settings == "timbres 0 to 1"
    assert made.drawn.startswith(b"\x89PNG")
    at.file_uploader(key="midi").set_value([("bad.mid", b"MThd", "audio/midi")])
    page = text(press(at, "play"))
    assert page.count('role="alert"') == 1
    assert "no MIDI file" in page


@pytest.mark.usefixtures("quick")
def test_a_recording_is_checked_with_and_without_its_marks(
    untrained: Callable[[str], Path],
) -> None:
    at = opened("notes", untrained("notes"))
    at.file_uploader(key="midi").set_value([("short.mid", write_midi(SHORT), "audio/midi")])
    press(at, "play")
    assert "▲ synthetic" in text(press(at, "check-0"))
    page = text(press(at, "check-plain-0"))
    assert "Without its marks" in page
    assert "▲ synthetic" not in page


def test_the_page_plays_no_endless_piece() -> None:
    long = tuple(Event(onset=i * 0.1, length=0.1, pitch=60) for i in range(2_001))
    with pytest.raises(OptionError, match=r"2,000 notes"):
        making_sound.score("", write_midi(long))
    assert len(making_sound.score("bwv1007", None)) > 600
    assert len(making_sound.score("", write_midi(long[:2_000]))) == 2_000


def test_a_voice_is_converted_with_its_recording_as_parent(
    untrained: Callable[[str], Path], downloads: dict[str, bytes]
) -> None:
    at = opened("voices", untrained("voices"))
    assert "Bring a recording first" in text(press(at, "convert-now"))
    tone = np.sin(np.arange(RATE) * 440 * 2 * np.pi / RATE).astype(np.float32) / 4
    at.file_uploader(key="recording").set_value([("t.wav", wav(tone, RATE), "audio/wav")])
    press(at, "convert-now")
    data = downloads["keep-0"]
    assert b"compositeWithTrainedAlgorithmicMedia" in data
    assert at.session_state["made"][1][0].settings == "to voice b"
    at.file_uploader(key="recording").set_value([("t.wav", b"nothing", "audio/wav")])
    assert text(press(at, "convert-now")).count('role="alert"') == 1


def test_every_task_has_its_page() -> None:
    assert {entry.task for entry in GAMES.values()} == set(_WAYS)


def test_phrases_come_with_their_provenance(
    untrained: Callable[[str], Path], downloads: dict[str, bytes]
) -> None:
    at = opened("chorales", untrained("chorales"))
    at.text_input(key="seeds").set_value("3,4")
    press(at, "make")
    assert set(downloads) == {"keep-0", "keep-1"}
    with zipfile.ZipFile(io.BytesIO(downloads["keep-1"])) as archive:
        names = {f"chorales-000004{end}" for end in (".mid", ".json", ".c2pa")}
        assert set(archive.namelist()) == names
        file = mido.MidiFile(file=io.BytesIO(archive.read("chorales-000004.mid")))
        assert any(message.type == "note_on" for message in file)
        assert b"trainedAlgorithmicMedia" in archive.read("chorales-000004.json")
    assert not any(button.key == "check-0" for button in at.button)  # the checker reads no MIDI
    at.text_input(key="seeds").set_value("0-24")
    assert "24 phrases at once" in text(press(at, "make"))


def test_a_poem_goes_on_from_its_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the shipped weights are meant
    at = opened("quatrains-5")
    at.text_input(key="prompt").set_value("春風")
    press(at, "write-now")
    made = at.session_state["made"][1][0]
    assert made.plain.decode().startswith("春風")
    assert made.plain.decode().strip() in text(at)
    assert made.handed_out()[1] == "quatrains-5-000000.zip"
    assert not any(button.key == "check-plain-0" for button in at.button)  # no marks inside
    at.text_input(key="prompt").set_value("hello")
    assert text(press(at, "write-now")).count('role="alert"') == 1


@pytest.mark.parametrize("name", TEXTS)
def test_a_game_of_texts_without_weights_says_how_to_get_them(name: str) -> None:
    assert trained_text.shipped_text(name) is None
    page = text(opened(name))
    assert f"unmask generate train {name}" in page
    assert "From noise" not in page
