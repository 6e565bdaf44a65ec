"""Vocoders of the class of HiFi-GAN: they learn to copy, go on where they stopped, are packed."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner
from voices import voice

from unmask.card import load_card
from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.manifest import CAMERA, Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_manifest import FAMILIES, MANIFEST, Utterance, write_speech
from unmask.datasets.speech_signal import RATE, WIDE, finished, to_pcm
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_vocoder_critics import (
    Critics,
    critics_loss,
    fooling_loss,
    matching_loss,
)
from unmask.datasets.speech_vocoder_gan import GANS, GanSpec, GanVocoder, MelBands
from unmask.datasets.speech_vocoder_gan_training import GanTraining, train_gan
from unmask.datasets.speech_vocoder_gans import WEIGHTS, app, copied, load_gan
from unmask.datasets.speech_vocoder_nets import Up
from unmask.datasets.speech_vocoder_packing import distance
from unmask.datasets.speech_vocoders import GAN_COPYING

TINY = GanSpec(
    family="tiny",
    setting="16k",
    up=Up.TRANSPOSED,
    rate=RATE,
    factors=(8, 4),
    width=16,
    kernels=(3, 5),
    dilations=((1, 2), (1, 3)),
)
SHORT = GanTraining(steps=10, batch=1, samples=1600, lr=5e-3, keep_every=4)


@pytest.fixture(scope="module")
def waves() -> list[Wave]:
    return [finished(voice(1.0, seed=n), WIDE) for n in range(2)]


def net(spec: GanSpec) -> GanVocoder:
    torch.manual_seed(0)
    return GanVocoder(spec)


@pytest.mark.parametrize("spec", GANS.values(), ids=GANS)
def test_every_vocoder_gives_as_many_samples_as_it_takes(spec: GanSpec) -> None:
    made = net(spec).eval()
    with torch.no_grad():
        assert made(torch.randn(2, 8 * spec.hop) * 0.1).shape == (2, 8 * spec.hop)
    assert copied(made, np.zeros(1234, np.float32)).shape == (1234,)
    assert spec.family in FAMILIES
    assert MelBands(spec.rate, spec.hop)(torch.zeros(1, 4 * spec.hop)).shape == (1, 80, 4)


def test_training_brings_the_copy_nearer(waves: list[Wave], tmp_path: Path) -> None:
    errors: list[float] = []
    config = dataclasses.replace(SHORT, steps=50, critics_after=1.0)
    train_gan(net(TINY), waves, config, tmp_path / "run.pt", lambda _, e: errors.append(e))
    assert len(errors) == 50
    assert np.mean(errors[-10:]) < 0.9 * np.mean(errors[:10])
    with pytest.raises(DatasetError):
        train_gan(net(TINY), [waves[0][:100]], config, tmp_path / "none.pt")


def test_a_stopped_run_ends_where_a_whole_one_does(waves: list[Wave], tmp_path: Path) -> None:
    def stop(step: int, _: float) -> None:
        if step == 6:
            raise KeyboardInterrupt

    whole = train_gan(net(TINY), waves, SHORT, tmp_path / "whole.pt")
    with pytest.raises(KeyboardInterrupt):
        train_gan(net(TINY), waves, SHORT, tmp_path / "parts.pt", stop)
    seen: list[int] = []
    rest = train_gan(net(TINY), waves, SHORT, tmp_path / "parts.pt", lambda s, _: seen.append(s))
    assert seen[0] == 5  # from the checkpoint of step 4
    for a, b in zip(whole.parameters(), rest.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    with pytest.raises(ValueError, match="other options"):
        train_gan(net(TINY), waves, dataclasses.replace(SHORT, lr=1.0), tmp_path / "parts.pt")


def test_the_critics_learn_to_tell(waves: list[Wave]) -> None:
    torch.manual_seed(1)
    critics = Critics()
    real = torch.from_numpy(np.stack([w[:4096] for w in waves])) * 4
    made = torch.randn_like(real) * real.std()
    assert matching_loss(critics(real), critics(real)).item() == 0
    assert matching_loss(critics(real), critics(made)).item() > 0
    optimiser = torch.optim.Adam(critics.parameters(), 2e-3)
    losses, fooled = [], []
    for _ in range(12):
        said = critics(real), critics(made)
        loss = critics_loss(*said)
        fooled.append(float(fooling_loss(said[1])))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]
    assert fooled[-1] > float(fooling_loss(critics(real)))


def test_the_weights_that_ship_are_those_of_their_card(waves: list[Wave], tmp_path: Path) -> None:
    card = load_card(WEIGHTS)
    assert WEIGHTS.stat().st_size < 3 << 20
    assert {GANS[name].family for name in card.results} <= set(GAN_COPYING)
    for name in card.results:
        trained, untrained = load_gan(name), net(GANS[name]).eval()
        assert distance(partial(copied, trained), waves) < distance(
            partial(copied, untrained), waves
        )
    with pytest.raises(MissingEngineError, match="no weights"):
        load_gan("gan-nearest-16k", tmp_path / "none.safetensors")


def test_the_command_trains_and_packs(
    waves: list[Wave], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmask.datasets.speech_vocoder_gans.GANS", {TINY.name: TINY})
    kept = []
    for split, wave in zip((Split.TRAIN, Split.VALIDATION), waves, strict=True):
        path = tmp_path / "corpus" / f"{split}.wav"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(to_pcm(wave))
        kept.append(
            Utterance(
                path=path,
                fake=False,
                generator=CAMERA,
                family="real",
                engine="real",
                source=f"made/{split}",
                corpus="made",
                speaker=f"{split}",
                language="en",
                split=split,
                band=WIDE,
                seconds=1.0,
                licence="CC0",
                sha256="",
            )
        )
    write_speech(kept, tmp_path / "corpus" / MANIFEST)
    data, runs, out = (str(tmp_path / n) for n in ("corpus", "runs", "out.safetensors"))
    args = ["train", "--data", data, "--out", runs, "--steps", "2", "--batch", "1"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["pack", "--data", data, "--runs", runs, "--out", out])
    assert done.exit_code == 0, done.output
    assert load_card(Path(out)).results[TINY.name]["n"] == 1
    assert load_gan(TINY.name, Path(out)).spec == TINY
    assert CliRunner().invoke(app, [*args, "--name", "nobody"]).exit_code == 2
