"""Runs that begin from what another learned, and the portraits that begin from faces."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_faces_game import CONFIG, RULES, SMALL, built, squares
from test_generate_command import call
from torch import Tensor

from unmask.errors import WeightsError
from unmask.generate.averaging import averaged_copy, update
from unmask.generate.catalogue import find
from unmask.generate.checkpoint import learned, options_of, read
from unmask.generate.games import faces
from unmask.generate.games.faces import FaceGame
from unmask.generate.starting import Start, read_start
from unmask.generate.trained import export, load_trained
from unmask.generate.training import TrainConfig, train


def game_of(seed: int, size: faces.Size = SMALL) -> FaceGame:
    torch.manual_seed(seed)
    return FaceGame(size, RULES)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of three steps of a small generator."""
    out = tmp_path_factory.mktemp("source")
    game = built()
    game.strength.p.fill_(0.5)
    return train(game, squares, CONFIG, out).checkpoint


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def play(
    out: Path, start: Start | None, images: int = 12, config: TrainConfig = CONFIG
) -> FaceGame:
    game = game_of(9)
    train(game, squares, replace(config, images=images), out, start=start)
    return game


def preview_of(out: Path, step: int) -> np.ndarray:
    with Image.open(out / "previews" / f"{step:07d}.png") as image:
        return np.asarray(image)


def test_before_its_first_step_a_run_makes_what_its_start_makes(
    source: Path, tmp_path: Path
) -> None:
    start = read_start(source)
    average, critic, _ = learned(source)
    assert equal(start.average, average)
    assert equal(start.critic, critic)
    play(tmp_path / "started", start)
    assert np.array_equal(preview_of(tmp_path / "started", 0), preview_of(source.parent, 3))
    play(tmp_path / "own", None)
    assert not np.array_equal(preview_of(tmp_path / "own", 0), preview_of(source.parent, 3))


def test_networks_are_copied_and_what_belongs_to_a_run_is_not(source: Path) -> None:
    game, held = game_of(9), read(source)["game"]
    read_start(source).fit(game)
    state = game.state_dict()
    networks = [k for k in held if k.startswith(("generator.", "critic."))]
    assert all(torch.equal(state[k], held[k]) for k in networks)
    assert held["strength.p"] > 0
    assert state["strength.p"] == state["path_mean"] == 0
    noise = torch.randn(2, SMALL.z)
    averaged = game_of(8).generator
    averaged.load_state_dict(learned(source)[0])
    assert not torch.equal(averaged(noise), game.generator(noise))  # trained on as it was


def test_a_started_run_that_was_stopped_goes_on_to_the_very_numbers(
    source: Path, tmp_path: Path
) -> None:
    start = read_start(source)
    whole = play(tmp_path / "whole", start).state_dict()
    play(tmp_path / "parts", start, images=8)
    parts = play(tmp_path / "parts", start).state_dict()
    assert equal(whole, parts)
    averages = [learned(tmp_path / name / "last.pt")[0] for name in ("whole", "parts")]
    assert equal(*averages)
    assert not equal(whole, play(tmp_path / "own", None).state_dict())


def test_the_start_is_one_of_a_runs_options(source: Path, tmp_path: Path) -> None:
    start = read_start(source)
    play(tmp_path / "run", start, images=4)
    assert read(tmp_path / "run" / "last.pt")["options"]["start"] == start.sha256
    for other in (None, replace(start, sha256="0" * 64)):
        with pytest.raises(WeightsError, match="other options \\(start\\)"):
            play(tmp_path / "run", other)


def test_a_checkpoint_from_before_an_option_goes_on(tmp_path: Path) -> None:
    play(tmp_path, None, images=4)
    held = read(tmp_path / "last.pt")
    del held["options"]["start"]
    torch.save(held, tmp_path / "last.pt")
    assert "start" in options_of(CONFIG)
    play(tmp_path, None)
    assert read(tmp_path / "last.pt")["step"] == 3


def test_the_average_of_a_start_is_not_soon_forgotten() -> None:
    net = torch.nn.Linear(1, 1)
    kept, forgotten = averaged_copy(net), averaged_copy(net)
    before = net.weight.clone()
    torch.nn.init.constant_(net.weight, 5.0)
    update(kept, net, batch=4, seen=None, half_life=4)
    update(forgotten, net, batch=4, seen=0, half_life=4)
    assert torch.allclose(kept.weight, (before + 5) / 2)
    assert torch.allclose(forgotten.weight, net.weight)


def test_other_networks_are_refused(
    source: Path, tmp_path: Path, any_weights: Callable[[], Path]
) -> None:
    start = read_start(source)
    for size in (replace(SMALL, most=10), replace(SMALL, side=32)):
        with pytest.raises(WeightsError, match=r"last\.pt holds another game"):
            train(game_of(1, size), squares, CONFIG, tmp_path / "run", start=start)
    assert not (tmp_path / "run" / "last.pt").exists()
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError, match="no checkpoint"):
        read_start(broken)
    weights = any_weights()
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(WeightsError):
        read_start(weights)


@pytest.fixture
def any_weights(run: Path, tmp_path: Path) -> Callable[[], Path]:
    """Writes the weight file of a run of faces, with its card."""

    def write() -> Path:
        target = tmp_path / "weights" / "faces.safetensors"
        export(
            load_trained("faces", run), target, data=("noise",), licence="none", command="test",
            results={}, weaknesses=("all",),
        )  # fmt: skip
        return target

    return write


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(4):
        Image.fromarray(rng.integers(256, size=(64, 64, 3), dtype=np.uint8)).save(root / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faces")
    assert call("train", "faces", "--data", pictures, "--out", out, "--images", 4,
                "--batch", 4, "--quiet") == 0  # fmt: skip
    return out / "last.pt"


def test_portraits_begin_from_faces_and_from_a_weight_file(
    run: Path, pictures: Path, tmp_path: Path, any_weights: Callable[[], Path]
) -> None:
    words = ("train", "portraits", "--data", pictures, "--batch", 2, "--quiet")
    out = tmp_path / "portraits"
    assert call(*words, "--out", out, "--images", 4, "--start", run) == 0
    assert np.array_equal(preview_of(out, 0), preview_of(run.parent, 1))
    assert learned(out / "last.pt")[2] == 4
    assert load_trained("portraits", out / "last.pt").entry.name == "portraits"
    other = tmp_path / "other"
    assert call(*words, "--out", other, "--images", 2, "--start", any_weights()) == 0
    apart = np.abs(preview_of(other, 0).astype(int) - preview_of(run.parent, 1))
    assert apart.max() <= 2  # half precision
    assert call(*words, "--out", other, "--images", 4) == 2  # begun otherwise


def test_a_dry_run_says_that_a_start_does_not_fit(
    run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", "portraits", "--data", pictures, "--out", tmp_path / "out", "--batch", 2,
             "--start", run, "--dry-run", "--profile", "full")  # fmt: skip
    assert call(*words) == 2
    assert "another game or profile" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_portraits_are_the_game_of_faces_and_say_what_they_learn_from() -> None:
    portraits, of_faces = find("portraits"), find("faces")
    assert portraits.profiles.keys() == of_faces.profiles.keys()
    tiny = portraits.profiles["tiny"]
    assert tiny.side == 64
    assert tiny.build is of_faces.profiles["tiny"].build
    assert tiny.config.images < of_faces.profiles["tiny"].config.images
    for word in ("public domain", "unmask.datasets.painterly", "no paintings", "--start"):
        assert word in portraits.needs
    paintings = find("photo-painting")
    assert "monet2photo.zip" in paintings.needs
    assert "unmask.datasets.painterly" in paintings.needs
    assert paintings.profiles["tiny"].build().identity == 0.5
