"""Small neural vocoders learn to copy, repeat by their seed, and are packed with a card."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner
from voices import RATE, voice

from unmask.card import load_card
from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.manifest import CAMERA, Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_manifest import FAMILIES, MANIFEST, Utterance, write_speech
from unmask.datasets.speech_signal import WIDE, finished, to_pcm
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_vocoder import (
    WEIGHTS,
    app,
    load_vocoder,
    revoice,
)
from unmask.datasets.speech_vocoder_nets import NEURAL, LogMel, NeuralSpec, NeuralVocoder, Up
from unmask.datasets.speech_vocoder_packing import distance
from unmask.datasets.speech_vocoder_training import VocoderTraining, spectral_loss, train

TINY = NeuralSpec(up=Up.TRANSPOSED, mel=False, factors=(2, 2), width=16)
SHORT = VocoderTraining(steps=24, batch=1, samples=1600, lr=8e-3)


@pytest.fixture(scope="module")
def waves() -> list[Wave]:
    return [finished(voice(1.0, seed=n), WIDE) for n in range(2)]


@pytest.mark.parametrize("name", NEURAL)
def test_every_net_gives_as_many_samples_as_it_takes(name: str) -> None:
    net = NeuralVocoder(NEURAL[name]).eval()
    with torch.no_grad():
        assert net(torch.randn(2, 1600) * 0.1).shape == (2, 1600)
    assert revoice(net, np.zeros(1234, np.float32)).shape == (1234,)
    assert NEURAL[name].family in FAMILIES


def test_training_brings_the_copy_nearer_and_repeats(waves: list[Wave]) -> None:
    errors: list[float] = []
    net = train(TINY, waves, SHORT, lambda _, error: errors.append(error))
    assert len(errors) == SHORT.steps
    assert np.mean(errors[-5:]) < 0.8 * np.mean(errors[:5])
    untrained = NeuralVocoder(TINY).eval()
    assert distance(partial(revoice, net), waves) < distance(partial(revoice, untrained), waves)
    again = train(TINY, waves, SHORT)
    for a, b in zip(net.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(DatasetError):
        train(TINY, [waves[0][:100]], SHORT)


def test_the_loss_is_nothing_for_a_perfect_copy(waves: list[Wave]) -> None:
    wave = torch.from_numpy(waves[0])[None]
    assert float(spectral_loss(wave, wave)) == 0
    assert float(spectral_loss(wave * 0.5, wave)) > 0.5


def test_mel_frames_are_ten_milliseconds(waves: list[Wave]) -> None:
    assert LogMel()(torch.from_numpy(waves[0][:RATE])[None]).shape == (1, 80, 100)


def test_the_weights_that_ship_are_those_of_their_card(waves: list[Wave]) -> None:
    card = load_card(WEIGHTS)
    assert WEIGHTS.stat().st_size < 4 << 20
    assert {NEURAL[name].family for name in card.results} == {f for f in FAMILIES if "neural" in f}
    for name in card.results:
        net = load_vocoder(name)
        copy = finished(revoice(net, waves[0]), WIDE)
        assert np.isfinite(copy).all()
        untrained = NeuralVocoder(NEURAL[name]).eval()
        assert distance(partial(revoice, net), waves) < distance(partial(revoice, untrained), waves)


def test_a_net_without_weights_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingEngineError, match="train them"):
        load_vocoder("neural-nearest-mel", tmp_path / "none.safetensors")


def utterance(path: Path, split: Split, wave: Wave) -> Utterance:
    path.write_bytes(to_pcm(wave))
    return Utterance(
        path=path,
        fake=False,
        generator=CAMERA,
        family="real",
        engine="real",
        source=path.stem,
        corpus="made",
        speaker=path.stem,
        language="en",
        split=split,
        band=WIDE,
        seconds=len(wave) / RATE,
        licence="CC0",
        sha256="",
    )


def test_the_commands_train_and_pack(tmp_path: Path, waves: list[Wave]) -> None:
    spoken = [
        utterance(tmp_path / f"{split}.wav", split, wave)
        for split, wave in zip((Split.TRAIN, Split.VALIDATION), waves, strict=True)
    ]
    write_speech(spoken, tmp_path / MANIFEST)
    runs, out = tmp_path / "runs", tmp_path / "packed.safetensors"
    common = ["--data", str(tmp_path)]
    run = CliRunner().invoke
    name = "neural-istft-mel"
    asked = ["train", *common, "--out", str(runs), "--steps", "2", "--name", name]
    assert run(app, asked).exit_code == 0
    before = (runs / f"{name}.safetensors").read_bytes()
    assert run(app, asked).exit_code == 0  # it is there already
    assert (runs / f"{name}.safetensors").read_bytes() == before
    assert run(app, ["pack", *common, "--runs", str(runs), "--out", str(out)]).exit_code == 0
    assert load_card(out).results[name]["n"] == 1
    assert load_vocoder(name, out).spec == NEURAL[name]
    assert run(app, [*asked[:-1], "neural-none"]).exit_code == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(app, ["pack", *common, "--runs", str(empty)]).exit_code == 2


def test_a_file_of_another_net_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "other.safetensors"
    save_file({"neural-istft-mel.x": torch.zeros(1)}, place)
    card = dataclasses.replace(load_card(WEIGHTS), sha256="0" * 64)
    card.save(place.with_suffix(".json"))
    with pytest.raises(MissingEngineError):
        load_vocoder("neural-istft-mel", place)
