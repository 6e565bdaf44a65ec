"""The training loop, on a planted case: a generator that must find where the reals are."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unmask.errors import WeightsError
from unmask.generate import averaging
from unmask.generate.checkpoint import learned, read
from unmask.generate.game import Batch, Game, Stats
from unmask.generate.journal import read_log
from unmask.generate.objectives import critic_logistic, generator_logistic
from unmask.generate.pictures import to_pixels
from unmask.generate.training import Outcome, Schedule, TrainConfig, TrainingError, rate_at, train

CONFIG = TrainConfig(
    images=16 * 24, batch=16, lr_generator=2e-3, lr_critic=2e-3, half_life=64, check_every=8
)


class Brightness(Game):
    """Pictures of one brightness: noise must become the brightness of the reals, 0.5."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(4, 16), nn.Unflatten(1, (1, 4, 4)))
        self.critic = nn.Sequential(
            nn.Flatten(), nn.Linear(16, 16), nn.LeakyReLU(), nn.Linear(16, 1)
        )

    def fake(self, batch: Batch) -> Tensor:
        images: Tensor = self.generator(torch.randn(len(batch["images"]), 4))
        return images

    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        with torch.no_grad():
            fake = self.fake(batch)
        logits = self.critic(batch["images"])
        return critic_logistic(logits, self.critic(fake)), {"real": logits.mean()}

    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:  # noqa: ARG002
        return generator_logistic(self.critic(self.fake(batch))), {}

    def preview(self, generator: nn.Module) -> Tensor:
        images: Tensor = generator(torch.linspace(-1, 1, 16).view(4, 4))
        return images


def halves(rng: np.random.Generator, size: int) -> Batch:
    return {"images": torch.full((size, 1, 4, 4), 0.5) + 0.1 * float(rng.normal())}


def built() -> Brightness:
    torch.manual_seed(3)
    return Brightness()


def play(out: Path, config: TrainConfig = CONFIG) -> tuple[Game, Outcome]:
    game = built()
    return game, train(game, halves, config, out)


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_the_generator_learns_where_the_reals_are(tmp_path: Path) -> None:
    game = built()
    before = game.preview(game.generator).mean().item()
    config = replace(CONFIG, images=16 * 600, half_life=16 * 100, lr_critic=8e-3)
    _, outcome = play(tmp_path, config)
    game.generator.load_state_dict(learned(outcome.checkpoint)[0])
    after = game.preview(game.generator).mean().item()
    assert abs(after - 0.5) < 0.25 * abs(before - 0.5)
    assert outcome.step == 600
    assert not outcome.stopped


def test_a_stopped_run_goes_on_to_the_very_numbers(tmp_path: Path) -> None:
    whole, _ = play(tmp_path / "whole")
    play(tmp_path / "parts", replace(CONFIG, images=16 * 11))
    parts, outcome = play(tmp_path / "parts")
    assert outcome.step == CONFIG.steps
    assert equal(whole.state_dict(), parts.state_dict())
    first, second = (read(tmp_path / d / "last.pt") for d in ("whole", "parts"))
    assert equal(first["average"], second["average"])
    logs = [read_log(tmp_path / d / "log.jsonl") for d in ("whole", "parts")]
    assert logs[0][-1]["critic_loss"] == logs[1][-1]["critic_loss"]


def test_what_an_interrupted_run_logged_beyond_its_checkpoint_is_dropped(tmp_path: Path) -> None:
    play(tmp_path)
    log = tmp_path / "log.jsonl"
    log.write_text(log.read_text() + json.dumps({"step": 999, "images": 1}) + "\n")
    play(tmp_path)
    assert [row["step"] for row in read_log(log)] == [20, 24]


def test_the_average_is_not_the_generator(tmp_path: Path) -> None:
    game, outcome = play(tmp_path)
    average, critic, images = learned(outcome.checkpoint)
    assert not equal(average, game.generator.state_dict())
    assert equal(critic, game.critic.state_dict())
    assert images == CONFIG.images


def test_the_average_forgets_half_in_its_half_life() -> None:
    net, other = nn.Linear(1, 1), nn.Linear(1, 1)
    nn.init.zeros_(net.weight)
    nn.init.ones_(other.weight)
    average = averaging.averaged_copy(net)
    averaging.update(average, other, batch=100, seen=10**9, half_life=100)
    assert average.weight.item() == pytest.approx(0.5)
    averaging.update(average, net, batch=10, seen=0, half_life=100)  # the first steps are forgotten
    assert average.weight.item() == pytest.approx(0.0, abs=1e-6)


def test_a_batch_in_parts_is_the_same_step(tmp_path: Path) -> None:
    class Plain(Brightness):
        def fake(self, batch: Batch) -> Tensor:
            images: Tensor = self.generator(batch["images"][:, 0, 0])  # no noise of its own
            return images

    found = []
    for parts in (1, 4):
        torch.manual_seed(3)
        game = Plain()
        train(game, halves, replace(CONFIG, accumulate=parts, images=160), tmp_path / f"{parts}")
        found.append(torch.cat([p.flatten() for p in game.parameters()]))
    assert torch.allclose(found[0], found[1], atol=1e-5)
    with pytest.raises(TrainingError, match="cannot be shared"):
        play(tmp_path / "odd", replace(CONFIG, accumulate=5))


def test_a_loss_that_is_lost_stops_the_run_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    class Lost(Brightness):
        def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
            loss, stats = super().generator_loss(batch, step)
            return loss * (float("nan") if step == 11 else 1), stats

    torch.manual_seed(3)
    with pytest.raises(TrainingError, match="generator is nan in step 12"):
        train(Lost(), halves, CONFIG, tmp_path)
    held = read(tmp_path / "last.pt")
    assert held["step"] == 8
    assert all(torch.isfinite(v).all() for v in held["game"].values())


def test_control_c_ends_after_the_step_in_hand_and_saves(tmp_path: Path) -> None:
    def interrupted(rng: np.random.Generator, size: int) -> Batch:
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(size)
        return halves(rng, size)

    seen: list[int] = []
    outcome = train(built(), interrupted, CONFIG, tmp_path)
    assert outcome.stopped
    assert outcome.step == read(outcome.checkpoint)["step"] == 6
    whole, _ = play(tmp_path / "whole")
    parts, _ = play(tmp_path)
    assert equal(whole.state_dict(), parts.state_dict())


def test_a_checkpoint_of_other_options_or_another_game_is_refused(tmp_path: Path) -> None:
    play(tmp_path)
    with pytest.raises(WeightsError, match="lr_critic"):
        play(tmp_path, replace(CONFIG, lr_critic=1.0))
    other = built()
    other.critic = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
    with pytest.raises(WeightsError, match="another game"):
        train(other, halves, replace(CONFIG, images=16 * 30), tmp_path)
    (tmp_path / "last.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(WeightsError, match="no checkpoint"):
        play(tmp_path)


def test_previews_stand_close_at_first_and_are_of_the_average(tmp_path: Path) -> None:
    _, outcome = play(tmp_path)
    names = [p.name for p in sorted((tmp_path / "previews").iterdir())]
    assert names == [f"{n:07d}.png" for n in (0, 1, 2, 3, 4, 6, 8, 12, 16, 23, 24)]
    game = built()
    game.generator.load_state_dict(learned(outcome.checkpoint)[0])
    assert to_pixels(game.preview(game.generator)).shape == (4, 4, 4, 3)


def test_learning_rates_fall_as_asked() -> None:
    config = TrainConfig(images=1000, batch=1, floor=0.1)
    linear, cosine = (replace(config, schedule=s) for s in (Schedule.LINEAR, Schedule.COSINE))
    assert [rate_at(s, config) for s in (0, 999)] == [1, 1]
    assert [rate_at(s, linear) for s in (0, 500, 750, 1000)] == pytest.approx([1, 1, 0.55, 0.1])
    assert [rate_at(s, cosine) for s in (0, 500, 1000)] == pytest.approx([1, 0.55, 0.1])


SCRIPT = """
import sys
import torch
from pathlib import Path
from test_generate_training import CONFIG, built, halves
from unmask.generate.training import train
from unmask.generate import processes
rank, world = processes.join()
game = built()
out = train(game, halves, CONFIG, Path(sys.argv[1]))
torch.save(game.state_dict(), Path(sys.argv[1]) / f"rank{rank}.pt")
print(rank, world, out.step)
"""


def test_two_processes_train_one_game(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    call = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
            "--standalone", str(script), str(tmp_path)]  # fmt: skip
    room = {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(call, env=os.environ | room, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    one, two = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    assert equal(one, two)
    assert not equal(one, built().state_dict())
    assert len(read_log(tmp_path / "log.jsonl")) == 2  # of the first process alone
