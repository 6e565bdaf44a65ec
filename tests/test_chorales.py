"""Music in four voices: its grids, its measures, and the game that composes."""

import json
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest
import torch

from unmask.datasets.chorales import ChoralesError, in_one_key, of_midi, read, windows
from unmask.generate.audio.composing import keep_music, score_of_grid
from unmask.generate.audio.music_measures import copied, measure, tonal_distance
from unmask.generate.audio.scores import read_midi
from unmask.generate.catalogue import find
from unmask.generate.game import OptionError, Sampling
from unmask.generate.games.chorales import (
    ChoraleGame,
    Ensemble,
    Phrases,
    grids_of,
    rolls_of,
    sung,
)
from unmask.generate.outputs import OutputError
from unmask.generate.trained import Trained


def chord(*pitches: int) -> np.ndarray:
    return np.tile(np.array(pitches, np.int16), (64, 1))


def scale(length: int = 64) -> np.ndarray:
    """Four voices up G major, a new note on every quarter."""
    notes = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    line = notes[np.arange(length // 4) % 8].repeat(4)
    return np.stack([line + 67, line * 0 + 62, line * 0 + 55, line * 0 + 48], 1).astype(np.int16)


def midi(path: Path, grid: np.ndarray) -> Path:
    """A file with a track for each voice."""
    file = mido.MidiFile(ticks_per_beat=480)
    for voice in grid.T:
        track = mido.MidiTrack()
        file.tracks.append(track)
        starts = [0, *(np.flatnonzero(np.diff(voice)) + 1), len(voice)]
        for a, b in pairwise(starts):
            track.append(mido.Message("note_on", note=int(voice[a]), velocity=80, time=0))
            track.append(mido.Message("note_off", note=int(voice[a]), time=int(b - a) * 120))
    file.save(path)
    return path


def test_a_midi_file_in_four_voices_becomes_its_grid(tmp_path: Path) -> None:
    grid = scale()
    found = of_midi(midi(tmp_path / "a.mid", grid[:, ::-1]))
    assert found is not None
    assert np.array_equal(found[:60], grid[:60])
    assert of_midi(midi(tmp_path / "b.mid", grid[:, :3])) is None
    (tmp_path / "c.mid").write_bytes(b"MThd")
    assert of_midi(tmp_path / "c.mid") is None


def test_json_and_folders_are_read_and_pieces_with_rests_left_out(tmp_path: Path) -> None:
    piece = scale(80).tolist()
    rests = [*piece[:30], [], *piece[30:]]
    low = (scale(80) - 20).tolist()
    (tmp_path / "jsb.json").write_text(json.dumps({"train": [piece, rests, low], "valid": [piece]}))
    pieces = read(tmp_path)
    assert (len(pieces.train), len(pieces.held_out)) == (1, 1)
    assert windows(pieces.train, 64).shape == (2, 64, 4)
    folder = tmp_path / "midi"
    folder.mkdir()
    for i in range(11):
        midi(folder / f"{i:02d}.mid", scale())
    assert len(read(folder).held_out) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"train": 3}', '{"train": [[1, 2]]}', '{"train": []}'])
def test_what_holds_no_chorales_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ChoralesError):
        read(tmp_path)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ChoralesError):
        read(tmp_path)


def test_a_piece_is_moved_to_the_key_of_all() -> None:
    """By as little as fits: from G five semitones up would leave the range, so seven go down."""
    assert np.array_equal(in_one_key(scale()), scale() - 7)
    assert np.array_equal(in_one_key(scale() - 2), scale() - 7)
    assert np.array_equal(in_one_key(scale() - 7), scale() - 7)  # C major stays
    wide = np.stack([scale()[:, 0] + 2, *scale().T[1:3], scale()[:, 3] - 11], 1)
    assert in_one_key(wide) is None  # A major from 37 to 81: 3 up or 9 down, there is no room


def test_the_measures_by_hand() -> None:
    still = measure(chord(72, 67, 64, 60)[None])
    assert still.pitch_classes == 1
    assert still.qualified_notes == 1
    assert still.onsets == 1
    assert still.crossings == 0
    assert still.scale == 1
    moving = measure(scale()[None])
    assert moving.pitch_classes == pytest.approx((4 + 1 + 1 + 1) / 4)
    assert moving.onsets == pytest.approx((4 + 3) / 4)
    assert moving.scale == 1
    assert measure(chord(60, 67, 64, 72)[None]).crossings == pytest.approx(2 / 3)


def test_unisons_are_nearer_than_a_tritone() -> None:
    assert tonal_distance(chord(72, 60)) == pytest.approx(0)
    # Opposite on the circle of fifths and of minor thirds, together on that of major thirds.
    assert tonal_distance(chord(66, 60)) == pytest.approx(2 * np.sqrt(1 + 0 + 0), abs=0.9)
    assert tonal_distance(chord(67, 60)) < tonal_distance(chord(66, 60))


def test_what_was_copied_is_found_in_any_key() -> None:
    known = (scale(),)
    assert copied(scale()[None] + 2, known) == 1
    assert copied(scale()[None, ::-1], known) < 1


def test_rolls_and_grids_are_the_same_music() -> None:
    grids = scale()[None]
    rolls = rolls_of(grids)
    assert rolls.shape == (1, 4, 64, 48)
    assert rolls.sum() == 4 * 64
    assert np.array_equal(grids_of(rolls), grids)
    batch = Phrases(grids=grids)(np.random.default_rng(0), 5)["images"]
    assert np.array_equal(grids_of(batch), np.repeat(grids, 5, 0))


def test_each_voice_sings_one_pitch_and_the_gradient_passes() -> None:
    torch.manual_seed(0)
    game = ChoraleGame(Ensemble(width=4, most=16, z=8, own=4), gamma=1.0)
    noise = torch.randn(2, game.size.noise)
    rolls = game.generator(noise)
    assert rolls.shape == (2, 4, 64, 48)
    assert torch.allclose(rolls.sum(3), torch.ones(2, 4, 64), atol=1e-5)
    notes = sung(rolls)
    assert set(notes.unique().tolist()) == {0, 1}
    assert torch.equal(notes.sum(3), torch.ones(2, 4, 64))
    assert torch.equal(notes.argmax(3), rolls.argmax(3))
    (rolls * torch.randn_like(rolls)).sum().backward()
    assert game.generator.enter.weight.grad is not None
    assert game.generator.enter.weight.grad.abs().sum() > 0
    again = game.sample(Sampling(seeds=(5, 6)))
    assert torch.equal(again[:1], game.sample(Sampling(seeds=(5,))))
    with pytest.raises(OptionError):
        game.sample(Sampling(seeds=(1,), labels=(3,)))


class Choirmaster(torch.nn.Module):
    """(N, 4, 64, 48) -> (N,): likes a soprano around 76 and a bass around 43."""

    def __init__(self) -> None:
        super().__init__()
        away = torch.arange(36, 84)[None, :] - torch.tensor([76, 67, 58, 43])[:, None]
        self.away = away[None, :, None, :].abs().float()

    def forward(self, rolls: torch.Tensor) -> torch.Tensor:
        return -(rolls * self.away).sum((1, 2, 3)) / 64


def test_the_composer_learns_from_what_the_listener_likes() -> None:
    game = ChoraleGame(Ensemble(width=4, most=16, z=8, own=4), gamma=0.1)
    before = off(game)
    game.critic = Choirmaster()
    optimiser = torch.optim.Adam(game.generator.parameters(), 4e-3)
    for step in range(60):
        loss, _ = game.generator_loss({"images": rolls_of(planted())[:16]}, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert off(game) < 0.3 * before


def test_the_listener_learns_to_tell_music_from_noise() -> None:
    torch.manual_seed(0)
    game = ChoraleGame(Ensemble(width=4, most=16, z=8, own=4), gamma=0.1)
    optimiser = torch.optim.Adam(game.critic.parameters(), 4e-3)
    losses = []
    for step in range(40):
        loss, stats = game.critic_loss({"images": rolls_of(planted())[:16]}, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])
    assert stats["margin"].mean() > 0.9


def planted() -> np.ndarray:
    """(40, 64, 4): the soprano sings around 76 and the bass around 43."""
    steps = np.random.default_rng(0).integers(-2, 3, size=(40, 16, 4)).repeat(4, axis=1)
    return (steps + np.array([76, 67, 58, 43])).astype(np.int16)


def off(game: ChoraleGame) -> float:
    """How far the voices are from where they belong, in semitones."""
    found = grids_of(game.sample(Sampling(seeds=tuple(range(16)))))
    return float(np.abs(found.mean((0, 1)) - np.array([76, 67, 58, 43])).mean())


def test_music_is_written_with_its_provenance_beside_it(tmp_path: Path) -> None:
    trained = Trained(
        entry=find("chorales"),
        profile="tiny",
        game=ChoraleGame(Ensemble(width=4, most=16, z=8, own=4), gamma=1.0),
        images=0,
        card=None,
        source=tmp_path / "last.pt",
    )
    asked = Sampling(seeds=(3, 4))

    def mark(data: bytes, settings: str) -> dict[str, bytes]:
        assert data.startswith(b"MThd")
        return {".json": settings.encode()}

    paths = keep_music(trained, asked, tmp_path / "out", mark)
    assert [path.name for path in paths] == ["chorales-000003.mid", "chorales-000004.mid"]
    assert paths[0].with_suffix(".json").read_text() == "seed 3"
    grid = of_midi(paths[0])
    assert grid is None or grid.shape[1] == 4
    with pytest.raises(OutputError):
        keep_music(trained, asked, tmp_path / "out", mark)
    (piece,) = keep_music(trained, asked, tmp_path / "piece.mid", mark)
    ends = [event.onset + event.length for event in read_midi(piece)]
    assert max(ends) == pytest.approx(8 * 16 * 15 / 80, abs=0.02)


def test_a_grid_is_the_score_that_it_sounds_like() -> None:
    score = score_of_grid(scale())
    assert len(score) == 16 + 3
    assert score[0].pitch == 48
    assert [event.pitch for event in score if event.pitch > 62] == scale()[::4, 0].tolist()
