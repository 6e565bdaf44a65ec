"""Controls, directions and projection, on small generators without training."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unmask.generate import directions
from unmask.generate.controls import (
    Band,
    Way,
    between,
    film_frames,
    layers_of,
    mixed,
    seeded,
    slerp,
    styles_of,
    truncated,
)
from unmask.generate.directions import Direction, apart, from_labels, moved, principal, rise, sefa
from unmask.generate.game import OptionError
from unmask.generate.projection import ProjectionConfig, project, rate_at, unevenness
from unmask.generate.stylegan2 import Critic, Generator, Size

SIZE = Size(side=16, base=256, most=16, z=16, w=16, mapping=2)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(4)
    made = Generator(SIZE).eval()
    made.mapping.mean.normal_()
    return made


def test_a_seed_is_a_face_in_any_company(generator: Generator) -> None:
    styles = styles_of(generator, [3, 7])
    assert torch.allclose(styles[1], styles_of(generator, [7])[0], atol=1e-6)
    assert not torch.allclose(styles[0], styles[1])
    assert torch.allclose(styles_of(generator, [3], 0.0)[0, 0], generator.mapping.mean)
    for wrong in ([], [-1], [2**64]):
        with pytest.raises(OptionError, match="Seeds"):
            seeded(generator, wrong)


def test_truncation_of_some_layers_leaves_the_others(generator: Generator) -> None:
    styles, mean = styles_of(generator, [1, 2]), generator.mapping.mean
    drawn = truncated(styles, mean, 0.5, range(3))
    assert torch.equal(drawn[:, 3:], styles[:, 3:])
    assert torch.allclose(drawn[:, :3], (styles[:, :3] + mean) / 2)
    assert torch.allclose(truncated(styles, mean, 0.5), styles_of(generator, [1, 2], 0.5))


def test_mixing_takes_layers_from_one_face_or_the_other(generator: Generator) -> None:
    one = styles_of(generator, [1]).clone().requires_grad_()
    other = styles_of(generator, [2]).clone().requires_grad_()
    last = range(3, generator.style_layers)
    image = generator.synthesis(mixed(one, other, last))
    image.square().sum().backward()
    of_one, of_other = (x.grad.abs().sum((0, 2)) for x in (one, other) if x.grad is not None)
    assert (of_one[:3] > 0).all()
    assert (of_one[3:] == 0).all()
    assert (of_other[:3] == 0).all()
    assert (of_other[3:] > 0).all()
    with pytest.raises(OptionError, match="layers 0 to 5"):
        mixed(one, other, [6])
    with pytest.raises(OptionError, match="do not fit"):
        mixed(one, other[:, :3], [1])


def test_bands_share_all_layers() -> None:
    for count in (4, 6, 10, 14):
        joined = [i for band in Band for i in layers_of(band, count)]
        assert joined == list(range(count))


def test_a_spherical_way_keeps_its_length_and_a_line_does_not() -> None:
    a, b = torch.eye(2)
    assert slerp(a, b, 0.0).tolist() == pytest.approx([1, 0])
    assert slerp(a, b, 1 / 3).tolist() == pytest.approx([3**0.5 / 2, 0.5])
    assert slerp(a, 3 * b, 0.5).norm().item() == pytest.approx(2)
    assert slerp(a, a, 0.5).tolist() == pytest.approx([1, 0])
    assert torch.isfinite(slerp(a, -a, 0.5)).all()
    path = between(torch.eye(3), 4, Way.LINEAR)
    assert path.shape == (9, 3)
    assert path[2].tolist() == pytest.approx([0.5, 0.5, 0])
    round_trip = between(torch.eye(3), 4, Way.SPHERICAL, closed=True)
    assert round_trip.shape == (12, 3)
    assert torch.allclose(round_trip.norm(dim=1), torch.ones(12))
    with pytest.raises(OptionError, match="from one face to another"):
        between(torch.eye(1), 4, Way.LINEAR)


@pytest.mark.parametrize("way", list(Way))
def test_a_film_goes_evenly_from_face_to_face(generator: Generator, way: Way) -> None:
    frames = film_frames(generator, [1, 2], frames=6, way=way, batch=4)
    assert [f.shape for f in frames] == [(16, 16, 3)] * 7
    assert np.array_equal(frames[0], film_frames(generator, [1, 5], frames=1, way=way)[0])
    steps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(frames)]
    assert max(steps) < np.abs(frames[0].astype(int) - frames[-1]).mean()


def test_sefa_finds_what_the_layers_answer_to(generator: Generator) -> None:
    factors = sefa(generator, 5)
    assert torch.allclose(factors.vectors @ factors.vectors.T, torch.eye(5), atol=1e-5)
    assert (factors.values.diff() <= 0).all()
    planted = nn.functional.normalize(torch.randn(SIZE.w), dim=0)
    with torch.no_grad():
        layer = generator.synthesis.layers[2].affine
        layer.weight += 30 * torch.randn(layer.weight.shape[0], 1) * planted
    assert abs(float(sefa(generator, 1).vectors[0] @ planted)) > 0.98
    assert abs(float(sefa(generator, 1, [0, 1]).vectors[0] @ planted)) < 0.9
    for count, layers in ((0, None), (17, None), (1, [5])):
        with pytest.raises(OptionError, match="There are"):
            sefa(generator, count, layers)


def test_principal_directions_are_where_styles_vary(generator: Generator) -> None:
    factors = principal(generator, 3, samples=500)
    styles = directions.random_styles(generator, 500, 0)
    along = (styles @ factors.vectors.T).var(0)
    assert torch.allclose(along, factors.values, rtol=1e-3)
    assert (factors.values.diff() <= 0).all()


class Written(nn.Module):
    """A synthesis whose pictures are as bright as styles lie far along a direction."""

    def __init__(self, vector: Tensor) -> None:
        super().__init__()
        self.vector = vector

    def forward(self, styles: Tensor, noise: str = "fixed") -> Tensor:  # noqa: ARG002
        return (styles.mean(1) @ self.vector)[:, None, None, None].expand(-1, 3, 4, 4)


def brightness(images: Tensor) -> Tensor:
    return images.mean((1, 2, 3))


@pytest.mark.parametrize("by", ["svm", "logistic"])
def test_a_planted_attribute_is_recovered_and_rises(generator: Generator, by: str) -> None:
    planted = nn.functional.normalize(torch.randn(SIZE.w), dim=0)
    generator.synthesis = Written(planted)
    found = from_labels(generator, brightness, "bright", samples=3000, tail=0.2, by=by)
    assert float(found.vector @ planted) > 0.9
    assert found.vector.norm().item() == pytest.approx(1, abs=1e-5)
    assert found.accuracy is not None
    assert found.accuracy > 0.95
    up = rise(generator, brightness, found, [1, -1, 0], range(8))
    assert up.amounts == (-1, 0, 1)
    assert up.rising == 1
    assert up.monotonic
    back = replace(found, vector=-found.vector)
    assert not rise(generator, brightness, back, [0, 1], range(8)).monotonic
    with pytest.raises(OptionError, match="two amounts"):
        rise(generator, brightness, found, [1, 1], range(8))


def test_bad_classifiers_are_refused(generator: Generator) -> None:
    with pytest.raises(OptionError, match="no difference"):
        from_labels(generator, lambda x: torch.zeros(len(x)), "nothing", samples=200)
    with pytest.raises(OptionError, match="too few"):
        from_labels(generator, brightness, "bright", samples=50)
    for wrong in (lambda x: x, lambda x: x.mean((1, 2, 3)) * float("nan")):
        with pytest.raises(OptionError, match="one finite score"):
            from_labels(generator, wrong, "odd", samples=200)


def test_a_direction_apart_from_others_leaves_them_as_they_are() -> None:
    one, two, three = (
        Direction(name=n, vector=nn.functional.normalize(torch.randn(8), dim=0)) for n in "abc"
    )
    free = apart(one, [two, three])
    assert free.vector.norm().item() == pytest.approx(1, abs=1e-5)
    assert abs(float(free.vector @ two.vector)) < 1e-5
    assert abs(float(free.vector @ three.vector)) < 1e-5
    assert float(free.vector @ one.vector) > 0
    assert apart(one, []) is one
    with pytest.raises(OptionError, match="nothing is left"):
        apart(one, [replace(one, vector=-one.vector)])


def test_moving_changes_the_layers_that_were_asked_for() -> None:
    styles, vector = torch.zeros(2, 6, 4), torch.eye(4)[1]
    some = moved(styles, Direction(name="x", vector=vector, layers=(0, 2)), 3.0)
    assert torch.equal(some.sum((0, 2)), torch.tensor([6.0, 0, 6, 0, 0, 0]))
    assert torch.equal(moved(styles, Direction(name="x", vector=vector), -1.0)[0, 5], -vector)
    assert not styles.any()


@pytest.mark.parametrize("each_layer", [True, False])
def test_a_picture_of_the_generator_is_found_again(each_layer: bool) -> None:
    torch.manual_seed(6)
    generator, critic = Generator(SIZE).eval(), Critic(SIZE)
    noise = seeded(generator, [11, 12])
    with torch.no_grad():
        widest = generator(noise).abs().max()
        for rgb in generator.synthesis.rgb:
            rgb.weight /= widest
        target = generator(noise)
    config = ProjectionConfig(steps=100, each_layer=each_layer)
    found = project(generator, critic, target, config)
    mean = directions.random_styles(generator, 2000, 0).mean(0)
    far = (generator.synthesis(mean.expand(2, 6, -1)) - target).abs().mean((1, 2, 3)) * 127.5
    assert found.styles.shape == (2, 6, 16)
    assert (found.error < 0.1 * far).all()
    assert torch.equal(generator.synthesis(found.styles, found.noise), found.images)
    assert all(p.grad is None for p in (*generator.parameters(), *critic.parameters()))
    if not each_layer:
        assert torch.equal(found.styles[:, :1].expand_as(found.styles), found.styles)
    assert torch.equal(project(generator, critic, target, config).styles, found.styles)


def test_noise_that_holds_a_picture_is_uneven() -> None:
    torch.manual_seed(0)
    white = torch.randn(1, 1, 32, 32)
    smooth = nn.functional.avg_pool2d(torch.randn(1, 1, 34, 34), 3, 1) * 3
    assert unevenness(smooth) > 20 * unevenness(white)


def test_the_rate_of_a_projection_rises_and_falls() -> None:
    config = ProjectionConfig(steps=100, rate=1.0)
    rates = [rate_at(step / 100, config) for step in (0, 4, 50, 75, 99)]
    assert rates[:4] == pytest.approx([0.2, 1, 1, 1])
    assert rates[4] < 0.01


def test_what_cannot_be_projected_is_refused(generator: Generator) -> None:
    for shape in ((1, 3, 8, 8), (0, 3, 16, 16)):
        with pytest.raises(OptionError, match="can be projected"):
            project(generator, Critic(SIZE), torch.zeros(shape))
    with pytest.raises(OptionError, match="a step"):
        ProjectionConfig(steps=0)
