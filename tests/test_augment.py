"""Augmentation: each change by itself, its derivatives, and when it grows stronger."""

import math

import pytest
import torch

from unmask.generate import augment as changes
from unmask.generate.augment import Strength, augment, warp
from unmask.generate.training import TrainingError


def pictures(n: int = 2, side: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def each(value: float, n: int = 2) -> torch.Tensor:
    return torch.full((n,), value)


def test_without_strength_nothing_changes_and_with_it_everything_does() -> None:
    images = pictures()
    assert torch.equal(augment(images, 0.0), images)
    torch.manual_seed(0)
    strong = augment(images, 1.0)
    assert strong.shape == images.shape
    assert ((strong - images).abs().mean((1, 2, 3)) > 0.1).all()


def test_a_translation_by_whole_pixels_is_exact() -> None:
    images = pictures()
    moved = warp(images, changes.translated(each(2 * 3 / 16), each(-2 * 2 / 16)))
    assert torch.allclose(moved[:, :, :-2, 3:], images[:, :, 2:, :-3], atol=1e-5)


def test_flips_and_quarter_turns_are_exact() -> None:
    images = pictures()
    flipped = warp(images, changes.scaled(each(-1.0), each(1.0)))
    assert torch.allclose(flipped, images.flip(3), atol=1e-5)
    turned = warp(images, changes.rotated(each(math.pi / 2)))
    assert torch.allclose(turned, torch.rot90(images, -1, (2, 3)), atol=1e-5)


def test_what_is_enlarged_is_larger() -> None:
    disc = -torch.ones(1, 3, 32, 32)
    disc[:, :, 12:20, 12:20] = 1
    larger = warp(disc, changes.scaled(each(2.0, 1), each(1.0, 1)))
    assert (larger > 0).sum() == 2 * (disc > 0).sum()


def test_changes_happen_as_often_as_asked() -> None:
    torch.manual_seed(0)
    unit = torch.eye(3)
    for p in (0.1, 0.6):
        drawn = changes._maybe(changes.rotated(torch.ones(4000)), p)
        share = 1 - (drawn == unit).all(2).all(1).float().mean().item()
        assert share == pytest.approx(p, abs=0.03)
    still = changes.random_places(4000, 64, 0.1) == unit
    # Seven of the changes move something (a flip half the time, a turn three times in four).
    expected = 0.95 * 0.925 * 0.9**5
    assert still.all(2).all(1).float().mean().item() == pytest.approx(expected, abs=0.04)


def test_colours_leave_grey_grey_and_move_the_others() -> None:
    torch.manual_seed(0)
    grey = pictures(64, 8)[:, :1].expand(-1, 3, -1, -1)
    found = changes.coloured(grey, changes.random_colours(64, 1.0))
    assert torch.allclose(found[:, 0], found[:, 1], atol=1e-5)
    assert torch.allclose(found[:, 0], found[:, 2], atol=1e-5)
    images = pictures(64, 8)
    found = changes.coloured(images, changes.random_colours(64, 1.0))
    assert ((found - images).abs().mean((1, 2, 3)) > 0.01).all()


def test_hue_turns_about_grey_and_keeps_the_luma(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_normal", lambda n, deviation: torch.zeros(n))  # noqa: ARG005
    monkeypatch.setattr(torch, "randint", lambda high, size: torch.zeros(size))  # noqa: ARG005
    torch.manual_seed(0)
    images = pictures(8, 4)
    found = changes.coloured(images, changes.random_colours(8, 1.0))  # hue alone
    assert torch.allclose(found.mean(1), images.mean(1), atol=1e-5)
    assert torch.allclose(found.norm(dim=1), images.norm(dim=1), atol=1e-5)
    assert (found - images).abs().mean() > 0.1


def test_first_and_second_derivatives_are_right() -> None:
    torch.manual_seed(0)
    places = changes.random_places(2, 4, 1.0).double()
    images = torch.rand(2, 1, 4, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: warp(x, places), images, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: warp(x, places).tanh(), images, fast_mode=True)


def test_a_penalty_on_the_gradient_reaches_the_critic_through_the_changes() -> None:
    torch.manual_seed(0)
    critic = torch.nn.Conv2d(3, 1, 3)
    images = pictures().requires_grad_()
    logits = critic(augment(images, 0.9)).tanh().sum()
    (gradient,) = torch.autograd.grad(logits, images, create_graph=True)
    gradient.square().sum().backward()
    assert critic.weight.grad is not None
    assert critic.weight.grad.abs().sum() > 0


def test_strength_rises_while_the_critic_is_sure_and_else_falls() -> None:
    strength = Strength(target=0.6, ramp=1000, every=4)

    def play(sign: float, steps: int) -> float:
        for _ in range(steps):
            strength.count(25)
            strength.adapt(torch.tensor(sign))
        return float(strength.p)

    assert play(0.9, 3) == 0
    assert play(0.9, 1) == pytest.approx(0.1)  # 4 steps of 25 images, of 1000
    assert play(0.9, 4) == pytest.approx(0.2)
    assert play(0.3, 4) == pytest.approx(0.1)
    assert play(0.3, 12) == 0  # never below
    assert play(1.0, 80) == pytest.approx(0.8)  # never above
    # The mean of the steps decides, not the last of them.
    play(1.0, 3)
    assert play(0.0, 1) == pytest.approx(0.8)


def test_two_processes_count_twice_the_images() -> None:
    strength = Strength(ramp=1000, every=1)
    strength.count(25)
    strength.adapt(torch.tensor(1.0), processes=2)
    assert float(strength.p) == pytest.approx(0.05)


@pytest.mark.parametrize("shape", [(2, 3, 8, 4), (2, 1, 8, 8), (3, 8, 8)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(TrainingError, match="square RGB"):
        augment(torch.zeros(shape), 0.5)
