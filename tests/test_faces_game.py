"""StyleGAN2's networks and the game of faces, on small shapes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from unmask.generate.checkpoint import read
from unmask.generate.game import Batch, OptionError, Sampling
from unmask.generate.games.faces import ENTRIES, FaceGame, Rules, r1_gamma
from unmask.generate.regularisers import gradient_penalty
from unmask.generate.stylegan2 import MOMENTUM, Critic, Generator, Size
from unmask.generate.stylegan2_layers import modulated, smooth
from unmask.generate.training import TrainConfig, TrainingError, train

SMALL = Size(side=16, base=128, most=12, z=8, w=8, mapping=2)
RULES = Rules(gamma=0.5, penalty_every=2, path_every=2)
CONFIG = TrainConfig(images=12, batch=4, lr_generator=2.5e-3, lr_critic=2.5e-3, half_life=8)


def built(rules: Rules = RULES) -> FaceGame:
    torch.manual_seed(2)
    return FaceGame(SMALL, rules)


def squares(rng: np.random.Generator, size: int) -> Batch:
    """Bright squares at random places, on dark."""
    images = torch.full((size, 3, 16, 16), -0.8)
    for image, (x, y) in zip(images, rng.integers(2, 8, (size, 2)), strict=True):
        image[:, y : y + 6, x : x + 6] = 0.8
    return {"images": images}


def by_groups(x: Tensor, weight: Tensor, style: Tensor, *, up: bool) -> Tensor:
    """The paper's own formulation: each example has weights of its own."""
    n, channels, height, width = x.shape
    own = weight[None] * style[:, None, :, None, None]
    own = own * (own.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    joined = x.reshape(1, n * channels, height, width)
    if up:
        turned = own.transpose(1, 2).reshape(n * channels, -1, 3, 3)
        y = F.conv_transpose2d(joined, 4 * turned, stride=2, groups=n)
        return smooth(y.view(n, -1, *y.shape[2:]), padding=1)
    y = F.conv2d(joined, own.reshape(-1, channels, 3, 3), padding=1, groups=n)
    return y.view(n, -1, *y.shape[2:])


@pytest.mark.parametrize("up", [False, True])
def test_scaling_activations_equals_scaling_weights(up: bool) -> None:
    torch.manual_seed(0)
    x, weight, style = torch.randn(3, 5, 8, 8), torch.randn(7, 5, 3, 3), torch.randn(3, 5)
    found = modulated(x, weight, style, up=up)
    assert found.shape == (3, 7, 16, 16) if up else (3, 7, 8, 8)
    assert torch.allclose(found, by_groups(x, weight, style, up=up), atol=1e-4)


def test_demodulation_keeps_the_variance_whatever_the_style() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 16, 64, 64), torch.randn(16, 16, 3, 3)
    style = torch.randn(2, 16).exp() * torch.tensor([[0.01], [100.0]])
    inner = modulated(x, weight, style)[:, :, 1:-1, 1:-1]
    assert torch.allclose(inner.var((1, 2, 3)), torch.ones(2), atol=0.1)
    assert modulated(x, weight, style, demodulate=False)[1].var() > 100


def test_smoothing_keeps_flat_pictures_and_stops_what_would_alias() -> None:
    flat, stripes = torch.ones(1, 2, 8, 8), torch.ones(1, 2, 8, 8)
    stripes[..., ::2] = -1
    assert torch.allclose(smooth(flat, padding=0, stride=2), torch.ones(1, 2, 3, 3))
    assert torch.allclose(smooth(stripes, padding=0), torch.zeros(1, 2, 5, 5), atol=1e-6)


def test_truncation_leads_to_the_mean_face() -> None:
    generator = built().generator
    generator.mapping.mean.normal_()
    styles = generator.mapping(torch.randn(3, SMALL.z), 0.0)
    assert styles.shape == (3, generator.style_layers, SMALL.w)
    assert torch.allclose(styles, generator.mapping.mean.expand_as(styles))
    images = generator(torch.randn(2, SMALL.z), 0.0)
    assert images.shape == (2, 3, 16, 16)
    assert torch.allclose(images[0], images[1], atol=1e-5)
    whole = generator(torch.randn(2, SMALL.z))
    assert not torch.allclose(whole[0], whole[1], atol=1e-2)


def test_the_mean_style_follows_what_the_generator_is_trained_on() -> None:
    game = built()
    mapping = game.generator.mapping
    for _ in range(3):
        mapping.follow(torch.ones(5, SMALL.w))
    assert torch.allclose(mapping.mean, torch.full((SMALL.w,), 1 - MOMENTUM**3))
    before = mapping.mean.clone()
    game.preview(game.generator)
    game.critic_loss(squares(np.random.default_rng(0), 4), 1)
    assert torch.equal(before, mapping.mean)
    game.generator_loss(squares(np.random.default_rng(0), 4), 1)
    assert not torch.equal(before, mapping.mean)


def test_noise_is_fixed_random_or_given() -> None:
    generator = built().generator
    for layer in generator.synthesis.layers:
        torch.nn.init.ones_(layer.strength)
    styles = generator.mapping(torch.randn(2, SMALL.z))
    fixed = generator.synthesis(styles, "fixed")
    assert torch.equal(fixed, generator.synthesis(styles))
    assert not torch.allclose(fixed, generator.synthesis(styles, "random"))
    own = generator.synthesis.noise_maps("fixed", 2)
    assert torch.equal(fixed, generator.synthesis(styles, own))
    for wrong in (own[:-1], "loud"):
        with pytest.raises(TrainingError, match="Noise is"):
            generator.synthesis(styles, wrong)


def test_most_faces_are_mixed_coarse_from_one_and_fine_from_another() -> None:
    game = built(replace(RULES, mixing=0.5))
    torch.manual_seed(0)
    styles = game.random_styles(400)
    changes = (styles[:, 1:] != styles[:, :-1]).any(2).sum(1)
    assert changes.max() == 1
    assert changes.float().mean().item() == pytest.approx(0.5, abs=0.08)


def test_r1_flattens_the_critic_at_reals() -> None:
    lengths = []
    for gamma in (0.0, 20.0):
        game = built(replace(RULES, gamma=gamma, penalty_every=1))
        optimiser = torch.optim.Adam(game.critic.parameters(), 5e-3, betas=(0.0, 0.99))
        rng = np.random.default_rng(0)
        for step in range(15):
            optimiser.zero_grad()
            game.critic_loss(squares(rng, 4), step)[0].backward()
            optimiser.step()
        real = squares(rng, 8)["images"].requires_grad_()
        lengths.append(gradient_penalty(game.critic(real), real).item())
    assert lengths[1] < 0.5 * lengths[0]


def test_the_path_length_is_followed_and_evened_out() -> None:
    game, batch = built(), squares(np.random.default_rng(0), 4)
    _, stats = game.generator_loss(batch, 0)
    first = game.path_mean.item()
    assert first > 0
    assert stats["path"] >= 0
    assert "path" not in game.generator_loss(batch, 1)[1]
    assert game.path_mean.item() == first
    with torch.no_grad():
        for rgb in game.generator.synthesis.rgb:
            rgb.weight *= 10  # pictures move ten times as far
    game.generator_loss(batch, 2)
    assert game.path_mean.item() == pytest.approx(first * (0.99 + 0.01 * 10), rel=0.08)
    assert built(replace(RULES, path_every=0)).generator_loss(batch, 0)[1] == {}


def test_a_critic_that_is_sure_of_reals_has_the_augmentation_rise() -> None:
    game, batch = built(replace(RULES, ramp=100)), squares(np.random.default_rng(0), 4)
    for sign, expected in ((1.0, 0.16), (0.5, 0.0)):
        for step in range(4):
            game.critic_loss(batch, step)
            game.after_step(step, {"real": torch.tensor(sign)})
        assert game.strength.p.item() == pytest.approx(expected, abs=1e-6)


def test_the_critic_sees_at_every_resolution() -> None:
    critic = built().critic
    assert isinstance(critic, Critic)
    images = torch.randn(4, 3, 16, 16)
    assert [m.shape[1:] for m in critic.maps(images)] == [(8, 16, 16), (12, 8, 8), (12, 4, 4)]
    assert critic.features(images).shape == (4, 12)
    assert critic(images).shape == (4,)


def test_three_steps_stopped_after_two_are_three_steps(tmp_path: Path) -> None:
    def play(out: Path, images: int) -> FaceGame:
        game = built()
        game.strength.p.fill_(0.5)
        train(game, squares, replace(CONFIG, images=images), out)
        return game

    whole = play(tmp_path / "whole", 12).state_dict()
    play(tmp_path / "parts", 8)
    parts = play(tmp_path / "parts", 12).state_dict()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    held = [read(tmp_path / d / "last.pt") for d in ("whole", "parts")]
    average = held[0]["average"]
    assert all(torch.equal(average[name], held[1]["average"][name]) for name in average)
    assert torch.equal(average["mapping.mean"], whole["generator.mapping.mean"])
    name = "synthesis.start"
    assert not torch.equal(average[name], whole[f"generator.{name}"])
    untrained = built().state_dict()
    learning = [n for n, _ in built().named_parameters() if torch.equal(untrained[n], whole[n])]
    assert learning == []


def test_samples_are_as_asked() -> None:
    game = built()
    game.generator.mapping.mean.normal_()
    faces = game.sample(Sampling(seeds=(5, 6)))
    assert faces.shape == (2, 3, 16, 16)
    assert torch.allclose(faces[1:], game.sample(Sampling(seeds=(6,))), atol=1e-5)
    near, far = (game.sample(Sampling(seeds=(5, 6), truncation=t)) for t in (0.2, 1.0))
    assert (near[0] - near[1]).abs().mean() < (far[0] - far[1]).abs().mean()
    with pytest.raises(OptionError, match="no classes"):
        game.sample(Sampling(seeds=(1,), labels=(1,)))


def test_bad_sizes_are_refused() -> None:
    for side in (4, 48, 2048):
        with pytest.raises(TrainingError, match="powers of two"):
            Size(side=side)
    with pytest.raises(TrainingError, match="channel"):
        replace(SMALL, base=8)


def test_the_catalogue_entry_builds_and_reads_a_folder(tmp_path: Path) -> None:
    (entry,) = ENTRIES
    tiny = entry.profiles["tiny"]
    for i in range(3):
        Image.fromarray(np.full((80, 70, 3), 40 * i, np.uint8)).save(tmp_path / f"{i}.png")
    batch = entry.load(tmp_path, tiny.side, None)(np.random.default_rng(0), 2)
    assert batch["images"].shape == (2, 3, 64, 64)
    game = tiny.build()
    for loss_of in (game.critic_loss, game.generator_loss):
        assert torch.isfinite(loss_of(batch, 1)[0])
    assert {p.side for p in entry.profiles.values()} == {64, 128, 256}


def test_the_full_profiles_have_the_widths_and_the_penalty_of_the_paper() -> None:
    full = Size(side=256)
    assert [full.channels(s) for s in full.sides] == [512, 512, 512, 512, 256, 128, 64]
    assert (full.style_layers, full.mapping, full.z, full.w) == (14, 8, 512, 512)
    assert r1_gamma(256, 64) == pytest.approx(0.2048)


def test_a_generator_needs_no_more_than_its_state(tmp_path: Path) -> None:
    one, noise = built().generator, torch.randn(2, SMALL.z)
    torch.save(one.state_dict(), tmp_path / "g.pt")
    torch.manual_seed(9)
    other = Generator(SMALL)
    other.load_state_dict(torch.load(tmp_path / "g.pt"))
    assert torch.equal(one(noise), other(noise))
