"""The expert that asks a GAN's own critic."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unmask.detect.critic_net import DEVIATIONS, CriticNet, _joined, _split, blank
from unmask.detect.experts import FORMS, as_experts
from unmask.detect.recipes import RECIPES
from unmask.detect.tiles import cut
from unmask.errors import WeightsError
from unmask.generate import trained
from unmask.generate.stylegan2 import Critic, Size


@pytest.fixture(scope="module")
def net() -> CriticNet:
    torch.manual_seed(3)
    size = Size(side=32, base=256, most=16, z=8, w=8, mapping=1)
    return CriticNet(Critic(size), side=32).eval()


def test_windows_are_put_back_where_they_came_from() -> None:
    images = torch.rand(2, 3, 64, 96)
    windows = _split(images, 32)
    assert torch.equal(windows[4], images[0, :, 32:, 32:64])
    assert torch.equal(_joined(windows, 2, 3), images)


def test_the_gradient_is_the_critics(net: CriticNet) -> None:
    """By finite differences, in a direction at random."""
    torch.manual_seed(4)
    window, way = torch.rand(1, 3, 32, 32) * 2 - 1, torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        gradient, seen = net.look(window)

    def said(x: torch.Tensor) -> torch.Tensor:
        critic = net.critic.double()
        last = F.pad(critic.maps(x.double())[-1], (0, 0, 0, 0, 0, 1))
        hidden = F.leaky_relu(critic.last(last), 0.2) * 2**0.5
        dense = F.leaky_relu(critic.dense(hidden.flatten(1)), 0.2) * 2**0.5
        return critic.leave(dense).sum()

    step = 1e-4
    slope = (said(window + step * way) - said(window - step * way)) / (2 * step)
    net.critic.float()
    assert float((gradient * way).sum()) == pytest.approx(float(slope), rel=1e-3)
    assert seen.shape[2:] == (2, 2)


def test_each_picture_is_judged_by_itself(net: CriticNet) -> None:
    images = torch.rand(3, 3, 64, 80)
    with torch.inference_mode():
        together, alone = net(images), net(images[1:2])
    assert together.shape == (3, 4, 5)
    assert torch.allclose(together[1:2], alone, atol=1e-4)


def test_the_critic_is_heard_and_stays_as_it_is(net: CriticNet) -> None:
    images = torch.rand(2, 3, 32, 32)
    net.zero_grad()
    net(images).sum().backward()
    assert all(p.grad is None for p in net.critic.parameters())
    assert net.trunk.stem[0].weight.grad.abs().max() > 0
    with torch.inference_mode():
        before = net(images)
        weight = net.critic.blocks[0].first.weight
        kept = weight.clone()
        weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
        after = net(images)
        weight.copy_(kept)
    assert (before - after).abs().max() > 1e-3


def test_the_gradients_length_does_not_matter(net: CriticNet) -> None:
    """A surer critic has longer gradients, of which only the shape is judged."""
    seen: list[torch.Tensor] = []
    hook = net.trunk.stem.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    images = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        net(images)
        net.critic.leave.weight.mul_(7)
        net(images)
        net.critic.leave.weight.div_(7)
    hook.remove()
    assert torch.allclose(seen[0], seen[1], atol=1e-4)
    grey = seen[0] * net.trunk.std + net.trunk.mean
    assert float(grey.std()) == pytest.approx(1 / (2 * DEVIATIONS), rel=0.1)


def test_it_plugs_into_the_detector_as_any_expert() -> None:
    expert = as_experts({"critic": blank()})["critic"]
    tiles = cut(np.random.default_rng(0).integers(0, 256, (100, 140, 3), dtype=np.uint8))
    assert expert.patches(tiles).shape == (1, 128 // 16, 160 // 16)
    assert FORMS["critic"].stride == expert.stride == 16


def test_it_is_built_around_faces_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "shipped", lambda name: None)  # noqa: ARG005
    with pytest.raises(WeightsError, match="No weights of faces"):
        RECIPES["critic"].build()
