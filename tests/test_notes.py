"""Notes: their spectra, GANSynth's game, pieces and what is played."""

import io
import json
from pathlib import Path

import mido
import numpy as np
import pytest
import torch
from scipy.io import wavfile

from unmask.datasets.notes import Note, NotesError, notes, read
from unmask.generate.audio.note_examples import NoteExamples
from unmask.generate.audio.note_nets import NoteSize, harmonics
from unmask.generate.audio.note_quality import different_bins, timbre
from unmask.generate.audio.render import along, envelope, render, spectrogram, wav
from unmask.generate.audio.scores import (
    Event,
    ScoreError,
    parse,
    pieces,
    read_midi,
    score_of,
    write_midi,
)
from unmask.generate.audio.spectra import Scale, Spectra
from unmask.generate.game import OptionError, Sampling, noise_of
from unmask.generate.games.notes import NoteGame, apart
from unmask.generate.training import TrainConfig, train

RATE = 16_000
SMALL = NoteSize(
    spectra=Spectra(rate=RATE, bins=256, frames=32), lowest=57, highest=60, width=4, most=16, z=8
)


def tone(pitch: float, samples: int, *, parts: int = 8) -> torch.Tensor:
    """A decaying harmonic note."""
    t = torch.arange(samples) / RATE
    base = 440 * 2 ** ((pitch - 69) / 12)
    waves = [torch.sin(2 * torch.pi * base * h * t) / h for h in range(1, parts + 1)]
    return 0.3 * torch.stack(waves).sum(0) * torch.exp(-2 * t)


def signal_to_noise(sound: torch.Tensor, back: torch.Tensor) -> float:
    return float(10 * torch.log10(sound.square().sum() / (sound - back).square().sum()))


def log_spectral_distance(sound: torch.Tensor, back: torch.Tensor) -> float:
    """Root mean square of the difference of log power spectra, in dB, down to -60 dB."""
    window = torch.hann_window(512)
    powers = [
        torch.stft(x, 512, 128, window=window, return_complex=True).abs().square()
        for x in (sound, back)
    ]
    floor = powers[0].max() * 1e-6
    logs = [10 * torch.log10(p + floor) for p in powers]
    return float((logs[0] - logs[1]).square().mean(0).sqrt().mean())


@pytest.mark.parametrize("pitch", [36, 60, 84])
def test_a_note_comes_back_from_its_spectrum(pitch: int) -> None:
    spectra = Spectra(rate=RATE, bins=512, frames=64)
    sound = tone(pitch, spectra.samples)
    back = spectra.synthesise(spectra.analyse(sound[None]))[0]
    before_the_end = slice(-2 * spectra.bins)  # the last window fades
    assert signal_to_noise(sound[before_the_end], back[before_the_end]) > 35
    assert log_spectral_distance(sound, back) < 0.2  # dB


def test_the_mel_scale_keeps_the_sound_but_not_the_wave() -> None:
    spectra = Spectra(rate=RATE, bins=512, frames=64, scale=Scale.MEL)
    sound = tone(60, spectra.samples)
    back = spectra.synthesise(spectra.analyse(sound[None]))[0]
    assert 3 < signal_to_noise(sound, back) < 40
    assert log_spectral_distance(sound, back) < 8


def test_a_steady_partial_turns_evenly() -> None:
    spectra = Spectra(rate=RATE, bins=256, frames=32)
    hertz = 1000.0  # in bin 31, 1000 / 31.25 = 32 counted from the direct current
    sound = torch.sin(2 * torch.pi * hertz * torch.arange(spectra.samples) / RATE)
    planes = spectra.analyse(sound[None])[0]
    turns = planes[1, 31, 8:]  # in units of pi; 1000 Hz for 128 samples is 8 whole turns
    assert torch.allclose(turns, torch.zeros_like(turns), atol=1e-3)
    assert planes[0, 31, 16] == pytest.approx(1 + np.log(0.5) / (-np.log(1e-6) / 2), abs=0.01)


def test_silence_stays_silent_and_long_sounds_are_cut() -> None:
    spectra = Spectra(rate=RATE, bins=256, frames=32)
    assert spectra.synthesise(spectra.analyse(torch.zeros(2, 10))).abs().max() < 1e-5
    assert spectra.analyse(torch.zeros(1, 99_999)).shape == (1, 2, 256, 32)


def test_harmonics_lie_where_the_pitch_says() -> None:
    lobe = harmonics(SMALL).lobe
    assert lobe.shape == (4, 256)
    strongest = lobe[0].topk(4).indices  # A3 is 220 Hz: bins of 31.25 Hz
    at = 220 * torch.arange(1, 37) / 31.25 - 1
    assert all(float((at - int(i)).abs().min()) < 0.5 for i in strongest)


def written(folder: Path, pitches: list[int]) -> Path:
    """A set of notes in NSynth's layout: a bright and a dull instrument."""
    (folder / "audio").mkdir(parents=True)
    about = {}
    for pitch in pitches:
        for name, parts in (("bright", 10), ("dull", 1)):
            key = f"{name}-{pitch:03d}-100"
            sound = (tone(pitch, SMALL.spectra.samples, parts=parts).numpy() * 32767).astype("<i2")
            wavfile.write(folder / "audio" / f"{key}.wav", RATE, sound)
            about[key] = {
                "pitch": pitch, "velocity": 100, "instrument_str": name,
                "instrument_family_str": "string",
            }  # fmt: skip
    (folder / "examples.json").write_text(json.dumps(about))
    return folder


def test_notes_are_read_in_nsynths_layout(tmp_path: Path) -> None:
    folder = written(tmp_path / "set", [57, 58, 90])
    found = notes(folder, lowest=57, highest=60)
    assert [note.pitch for note in found] == [57, 58, 57, 58]
    assert len(read(found[0], 8000)) == SMALL.spectra.samples // 2
    examples = NoteExamples.read(folder, SMALL.spectra, 57, 60, tmp_path / "cache")
    again = NoteExamples.read(folder, SMALL.spectra, 57, 60, tmp_path / "cache")
    assert examples.pictures.shape == (4, 2, 256, 32)
    assert np.array_equal(examples.pictures, again.pictures)
    batch = examples(np.random.default_rng(0), 3)
    assert batch["images"].shape == (3, 2, 256, 32)
    assert set(batch["labels"].tolist()) <= {0, 1}


def test_sets_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotesError, match=r"examples\.json"):
        notes(tmp_path)
    (tmp_path / "examples.json").write_text("[1]")
    with pytest.raises(NotesError):
        notes(tmp_path)
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    broken = Note(path=tmp_path / "x.wav", pitch=60, velocity=1, instrument="", family="")
    with pytest.raises(NotesError, match=r"x\.wav"):
        read(broken, RATE)


def small_game() -> NoteGame:
    torch.manual_seed(2)
    return NoteGame(SMALL, gamma=1.0)


def level(game: NoteGame) -> float:
    with torch.no_grad():
        return float(game.preview(game.generator).mean())


def test_the_game_learns_how_loud_notes_are(tmp_path: Path) -> None:
    folder = written(tmp_path / "set", [57, 58, 59, 60])
    examples = NoteExamples.read(folder, SMALL.spectra, 57, 60)
    game = small_game()
    real = float(examples.pictures[:, 0].astype(np.float32).mean())
    before = abs(level(game) - real)
    config = TrainConfig(
        images=8 * 130, batch=8, lr_generator=2e-3, lr_critic=2e-3, half_life=16, check_every=130
    )
    outcome = train(game, examples, config, tmp_path / "run")
    assert outcome.step == 130
    after = abs(level(game) - real)
    assert after < before / 2


def test_samples_are_asked_for_by_pitch() -> None:
    game = small_game()
    one = game.sample(Sampling(seeds=(7, 8), labels=(60,)))
    assert one.shape == (2, 2, 256, 32)
    assert one.abs().max() <= 1
    again = game.sample(Sampling(seeds=(7,), labels=(60,)))
    assert torch.allclose(one[0, 0], again[0, 0], atol=1e-5)
    with pytest.raises(OptionError, match="57 to 60"):
        game.sample(Sampling(seeds=(1,), labels=(61,)))
    with pytest.raises(OptionError, match="truncated"):
        game.sample(Sampling(seeds=(1,), truncation=0.5))


def test_the_preludes_are_whole() -> None:
    assert pieces() == ("bwv1007", "bwv846")
    suite, prelude = score_of("bwv1007"), score_of("bwv846")
    sixteenth = 15 / 66
    for piece, bars in ((suite, 42), (prelude, 35)):
        end = max(event.onset + event.length for event in piece)
        assert end == pytest.approx(bars * 16 * sixteenth)
    assert [event.pitch for event in suite[:4]] == [43, 50, 59, 57]
    assert (min(e.pitch for e in suite), max(e.pitch for e in suite)) == (36, 67)
    assert (min(e.pitch for e in prelude), max(e.pitch for e in prelude)) == (36, 81)


def test_a_midi_file_comes_back(tmp_path: Path) -> None:
    score = parse("C4 E4:2 G4+C5:4", tempo=60)
    path = tmp_path / "piece.mid"
    path.write_bytes(write_midi(score, tempo=60))
    back = read_midi(path)
    assert [e.pitch for e in back] == [60, 64, 67, 72]
    for ours, theirs in zip(score, back, strict=True):
        assert theirs.onset == pytest.approx(ours.onset, abs=0.01)
        assert theirs.length == pytest.approx(ours.length, abs=0.01)
    assert read_midi(path, tempo=120)[1].onset == pytest.approx(score[1].onset / 2, abs=0.01)


def test_drums_and_endless_notes_are_left_out(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.Message("note_on", channel=9, note=40, velocity=90, time=0))
    track.append(mido.Message("note_on", note=60, velocity=90, time=0))
    track.append(mido.Message("note_on", note=64, velocity=90, time=0))
    track.append(mido.Message("note_off", note=64, time=480))
    track.append(mido.Message("note_off", channel=9, note=40, time=0))
    file.save(tmp_path / "a.mid")
    assert [e.pitch for e in read_midi(tmp_path / "a.mid")] == [64]


@pytest.mark.parametrize(
    "data", [b"", b"MThd", b"MThd\0\0\0\6\0\1\0\1\0\0MTrk\0\0\0\1\xff", b"x" * 99]
)
def test_what_is_no_piece_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.mid"
    path.write_bytes(data)
    with pytest.raises(ScoreError):
        read_midi(path)


@pytest.mark.parametrize("text", ["H4", "C", "C4:x", "C4//2"])
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(ScoreError):
        parse(text)


def test_a_piece_is_played_at_its_time_and_through_its_timbres() -> None:
    game = small_game()
    score = (
        Event(onset=0.0, length=0.1, pitch=57),
        Event(onset=1.0, length=0.1, pitch=60 + 12),
    )
    played = render(game, score, (1, 2))
    assert played.folded == 1
    assert len(played.sound) == round((1.1 + 0.3) * RATE)
    assert np.abs(played.sound).max() == pytest.approx(0.89, abs=1e-4)
    quiet = played.sound[round(0.5 * RATE) : RATE]
    assert np.abs(quiet).max() < 1e-6  # held 0.1 s, released within 0.3
    with pytest.raises(OptionError):
        render(game, (), (1,))
    keys = noise_of((1, 2, 3), 8)
    assert torch.allclose(along(keys, 0.0), keys[0], atol=1e-4)
    assert torch.allclose(along(keys, 0.5), keys[1], atol=1e-4)
    assert torch.allclose(along(keys, 1.0), keys[2], atol=1e-4)


def test_the_envelope_rises_holds_and_falls() -> None:
    shape = envelope(RATE, 0.5, RATE)
    assert shape[0] == 0
    assert shape[round(0.011 * RATE) : round(0.5 * RATE)].min() == 1
    assert shape[round(0.81 * RATE) :].max() == 0


def test_a_recording_and_its_picture() -> None:
    sound = tone(60, RATE).numpy()
    rate, samples = wavfile.read(io.BytesIO(wav(sound, RATE)))
    assert (rate, samples.dtype, len(samples)) == (RATE, np.int16, RATE)
    picture = spectrogram(sound, SMALL.spectra)
    assert picture.shape[0] == 256
    assert picture.shape[2] == 3
    row = int(picture.sum(2)[:, 10:40].mean(1).argmax())  # the fundamental, 261.6 Hz, from below
    assert abs((256 - 1 - row + 1) * 31.25 - 261.6) < 32


def test_other_timbres_fill_other_bins() -> None:
    rng = np.random.default_rng(0)
    pictures = torch.from_numpy(rng.normal(size=(600, 2, 64, 16))).clamp(-1, 1)
    kinds = timbre(pictures)
    assert kinds.shape[0] == 600
    assert different_bins(kinds[:300], kinds[300:], bins=10) <= 0.3
    assert different_bins(kinds[:300], kinds[300:301].repeat(300, 0), bins=10) > 0.8


def test_the_tracker_hears_the_pitch() -> None:
    from unmask.generate.audio.note_quality import pitch_accuracy

    pitches = np.array([45, 60, 76])
    sounds = np.stack([tone(int(p), RATE).numpy() for p in pitches])
    assert pitch_accuracy(sounds, pitches, RATE).exact.hits == 3
    assert pitch_accuracy(sounds, pitches + 1, RATE).exact.hits == 0


def test_timbres_that_are_alike_are_not_apart() -> None:
    noise, others = torch.zeros(2, 4), torch.ones(2, 4)
    one = torch.zeros(2, 2, 8, 8)
    other = one.clone()
    other[1, 0] = 0.5  # the loudness of the second pair
    other[0, 1] = 0.5  # a turn is no timbre
    assert apart(one, other, noise, others).tolist() == [0.0, 0.5]
