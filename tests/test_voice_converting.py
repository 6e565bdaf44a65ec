"""Recordings in another voice: chunks, levels, what is refused, measures, marks, a corpus."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from test_generate_command import call
from voices import voice

from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.manifest import Split
from unmask.datasets.speech_manifest import Utterance, faults, read_speech
from unmask.datasets.speech_shelf import Shelf
from unmask.datasets.speech_signal import RATE, finished, to_pcm
from unmask.generate.audio import voices_measured
from unmask.generate.audio.converting import (
    ConversionError,
    convert,
    converted_mel,
    copied,
    shifted,
)
from unmask.generate.audio.mels import HOP, analyse, levelled, synthesise
from unmask.generate.audio.speaker_embedding import centre, embedding
from unmask.generate.audio.voice_quality import (
    cepstra,
    cepstral_distance,
    mean_of,
    pitch_and_cepstra,
    warping,
)
from unmask.generate.catalogue import find
from unmask.generate.corpora_voices import keep_conversions
from unmask.generate.distances import QualityError
from unmask.generate.game import OptionError
from unmask.generate.games.voices import VoiceGame
from unmask.generate.outputs import Mark
from unmask.generate.trained import Trained, export, load_trained


def game() -> VoiceGame:
    """Untrained: the identity, between a voice of quiet high bands and one of loud ones."""
    torch.manual_seed(0)
    built = find("voices").profiles["tiny"].build()
    assert isinstance(built, VoiceGame)
    values = torch.tensor([-5.0, 1.0, -5.0, 1.0])[:, None].repeat(1, 80)
    values[2, 40:] += 2
    built.generator["statistics"].offer(values)
    return built.eval()


def trained(tmp_path: Path) -> Trained:
    built = Trained(
        entry=find("voices"), profile="tiny", game=game(), images=0, card=None, source=Path("x")
    )
    target = tmp_path / "weights" / "voices.safetensors"
    export(built, target, data=("a test",), licence="none", command="none", results={},
           weaknesses=("untrained",))  # fmt: skip
    assert target.stat().st_size < 5e6
    return load_trained("voices", target)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square in dB between the mel bands of two recordings."""
    return float(np.sqrt(np.mean(np.square(analyse(one) - analyse(other)))) * 20 / np.log(10))


def test_a_spectrogram_becomes_the_sound_again() -> None:
    wave = levelled(voice(2.0))[0]
    mel = analyse(wave)
    assert mel.shape == (80, len(wave) // HOP)
    made = synthesise(mel, len(wave))
    assert made.shape == wave.shape
    assert distance(wave, made) < 4
    assert len(synthesise(mel, len(wave) + 500)) == len(wave) + 500


def test_long_sounds_are_made_in_pieces_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    from unmask.generate.audio import mels

    wave = levelled(voice(2.0))[0]
    monkeypatch.setattr(mels, "_PIECE", 70)
    made = synthesise(analyse(wave), len(wave))
    assert distance(wave, made) < 4.5


def test_chunks_of_what_does_nothing_do_not_show() -> None:
    mel = analyse(levelled(voice(4.0))[0])[:, :333]
    whole = converted_mel(game(), mel, "b", chunk=336)
    parts = converted_mel(game(), mel, "b", chunk=64, overlap=16)
    assert np.abs(whole - parts).max() < 1e-3
    assert np.abs(whole[:40] - mel[:40]).max() < 1e-3  # the identity
    assert np.abs(whole[40:] - mel[40:] - 2).max() < 1e-3  # by the voices' statistics
    back = converted_mel(game(), whole, "a")
    assert np.abs(back - mel).max() < 1e-3


def test_a_recording_keeps_its_length_and_level() -> None:
    wave = 0.3 * voice(1.37, pitch=150)
    for made in (convert(game(), wave, "b"), copied(wave)):
        assert made.shape == wave.shape
        assert np.sqrt(np.mean(made**2)) == pytest.approx(np.sqrt(np.mean(wave**2)), rel=0.05)
    untrained = shifted(game(), wave, "b")
    assert distance(untrained, convert(game(), wave, "b")) < 1  # dB: the network does nothing yet
    bright = [np.square(np.diff(w)).mean() / np.square(w).mean() for w in (copied(wave), untrained)]
    assert bright[1] > 1.5 * bright[0]


def test_what_is_no_voice_is_refused() -> None:
    for wave in (np.zeros(RATE), voice(0.5), np.full(RATE, np.nan), np.zeros((RATE, 2))):
        with pytest.raises(ConversionError):
            convert(game(), wave.astype(np.float32), "b")
    with pytest.raises(OptionError, match="a and b"):
        convert(game(), voice(1.0), "c")
    with pytest.raises(OptionError, match="multiple"):
        converted_mel(game(), np.zeros((80, 100), np.float32), "b", chunk=60)


def test_warping_finds_what_was_said_more_slowly() -> None:
    rng = np.random.default_rng(0)
    one = np.cumsum(rng.normal(size=(40, 4)), 0)
    slow = np.repeat(one, 2, axis=0)
    away = np.linalg.norm(one[:, None] - slow[None], axis=2)
    path = warping(away)
    assert path[0] == (0, 0)
    assert path[-1] == (39, 79)
    assert cepstral_distance(one, slow, warped=True) == pytest.approx(0, abs=1e-3)
    assert cepstral_distance(one, slow, warped=False) > 1


def test_the_cepstral_distance_is_that_of_the_envelopes() -> None:
    flat = np.ones((10, 513))
    assert np.abs(cepstra(flat)).max() < 1e-9
    assert cepstral_distance(cepstra(flat), cepstra(100 * flat), warped=False) < 1e-9  # no level
    mels = 2595 * np.log10(1 + np.linspace(0, 8000, 513) / 700)
    top = 2595 * np.log10(1 + 7000 / 700)
    ripple = 6.0 * np.cos(5 * np.pi * mels / top)  # dB
    rippled = flat * 10 ** (ripple / 10)
    expected = 6.0 / np.sqrt(2)  # the root of its mean square
    found = cepstral_distance(cepstra(flat), cepstra(rippled), warped=False)
    assert found == pytest.approx(expected, rel=0.02)


def test_means_have_intervals() -> None:
    found = mean_of(np.array([1.0, 2.0, 3.0, np.nan]))
    assert (found.n, found.value) == (3, 2.0)
    assert found.high - found.value == pytest.approx(4.303 / np.sqrt(3), rel=1e-3)
    with pytest.raises(QualityError):
        mean_of(np.array([1.0, np.nan]))


def test_pitch_is_heard() -> None:
    for hertz in (110.0, 220.0):
        pitch, found = pitch_and_cepstra(voice(1.5, pitch=hertz))
        assert pitch == pytest.approx(12 * np.log2(hertz / 55), abs=1.5)
        assert found.shape[1] == 24


@pytest.mark.shared
@pytest.mark.package("resemblyzer")
def test_speakers_are_told_apart(shared: Path) -> None:
    from unmask.datasets.speech_signal import decoded

    pairs = []  # the beginning and the end of what a speaker reads
    for path in sorted((shared / "speech_librispeech").glob("*.flac"))[:5]:
        wave = decoded(path.read_bytes(), path.name)[0]
        pairs.append((embedding(wave[: 4 * RATE]), embedding(wave[-4 * RATE :])))
    own = [float(a @ b) for a, b in pairs]
    others = [float(p[0] @ q[1]) for p in pairs for q in pairs if p is not q]
    assert min(own) > max(others)
    assert np.linalg.norm(centre(np.stack(pairs[0]))) == pytest.approx(1)


def plainly(name: str) -> Mark:
    def mark(data: bytes, mime: str, settings: str, original: bytes | None) -> bytes:
        assert mime == "audio/wav"
        assert original is not None
        return data + f"|{name}: {settings}".encode()

    return mark


def test_the_command_marks_what_it_makes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = trained(tmp_path).source
    given, made = tmp_path / "in.wav", tmp_path / "out.wav"
    given.write_bytes(to_pcm(voice(1.2)))
    words = ("convert", given, "--weights", weights)
    assert call(*words, "--to", "b", "--out", made, mark=plainly) == 0
    data = made.read_bytes()
    assert data.endswith(b"|voices: to voice b")
    rate, samples = wavfile.read(io.BytesIO(data.split(b"|voices")[0]))
    assert (rate, samples.dtype, len(samples)) == (RATE, np.int16, round(1.2 * RATE))
    capsys.readouterr()
    for wrong, said in (
        (("--to", "b", "--out", made), "overwritten"),
        (("--to", "c", "--out", tmp_path / "c.wav"), "a and b"),
        (("--to", "b", "--out", tmp_path / "c.mp3"), ".wav"),
        (("--to", "b"), "--unmarked"),
        (("--to", "b", "--out", tmp_path / "c.wav", "--unmarked"), "--unmarked"),
    ):
        assert call(*words, *wrong, mark=plainly) == 2
        assert said in capsys.readouterr().err
    assert call(*words, "--to", "b", "--out", tmp_path / "d.wav", mark=None) == 2
    assert not (tmp_path / "d.wav").exists()
    given.write_bytes(to_pcm(voice(0.3)))
    assert call(*words, "--to", "b", "--out", tmp_path / "e.wav", mark=plainly) == 2
    given.write_bytes(b"no sound")
    assert call(*words, "--to", "b", "--out", tmp_path / "e.wav", mark=plainly) == 2


def corpus(folder: Path) -> Path:
    shelf = Shelf(folder)
    for name, split in (("v", Split.TRAIN), ("m", Split.TEST)):
        shelf.add(
            finished(voice(3.1), 16_000),
            Utterance(
                path=folder / "real" / f"{name}.wav", fake=False, generator="camera",
                family="real", engine="real", source=f"set/{name}", corpus="set",
                speaker=f"set-{name}", language="nl", split=split, band=16_000, seconds=0.0,
                licence="none", sha256="",
            ),
        )  # fmt: skip
    shelf.close()
    return folder


def test_conversions_join_a_corpus_unmarked(tmp_path: Path) -> None:
    folder, player = corpus(tmp_path / "corpus"), trained(tmp_path)
    assert keep_conversions(player, folder, "b", "set-v") == 1
    assert keep_conversions(player, folder, "b", "set-v") == 0  # it is there
    fakes = [u for u in read_speech(folder) if u.fake]
    assert [(u.family, u.engine, u.split, u.source) for u in fakes] == [
        ("maskcyclegan-vc", "voice-conversion", Split.TRAIN, "set/v")
    ]
    assert fakes[0].seconds == pytest.approx(3.1, abs=0.01)
    assert not [f for f in faults(read_speech(folder)) if "language" not in f]
    with pytest.raises(DatasetError, match="set-m"):  # of the test part
        keep_conversions(player, folder, "b", "set-m")


def test_an_untrained_converter_is_measured_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_voice_game import written

    def bands(wave: np.ndarray) -> np.ndarray:
        mean = analyse(levelled(wave)[0]).mean(1)
        return np.asarray((mean - mean.mean()) / np.linalg.norm(mean - mean.mean()))

    monkeypatch.setattr(voices_measured, "embedding", bands)
    monkeypatch.setattr(voices_measured, "_LONG", 0.9)
    player = Trained(
        entry=find("voices"), profile="tiny", game=game(), images=0, card=None, source=Path("x")
    )
    found = voices_measured.measure(player, written(tmp_path / "set"), count=2)
    way = found.results["a_to_b"]
    near = way["similarity_to_target"]
    assert near["converted"]["value"] == pytest.approx(near["bands_moved"]["value"], abs=1e-2)
    assert near["converted"]["value"] != pytest.approx(near["copy"]["value"], abs=1e-2)
    assert way["pitch_semitones"]["other"]["value"] == pytest.approx(12, abs=1.5)
    distances = way["cepstral_distance_to_the_recording_db"]
    assert distances["there_and_back"]["value"] == pytest.approx(
        distances["copy"]["value"], rel=0.1
    )
    assert [row["line"] for row in found.results["parallel"]] == ["same", "same"]
    assert "ben as anna" in found.summary
