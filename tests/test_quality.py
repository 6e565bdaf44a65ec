"""Figures of generators: against direct formulas, and on planted faults that each must see."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import sqrtm
from torch import Tensor, nn

from unmask.generate import distances, extractors
from unmask.generate.distances import (
    Floats,
    QualityError,
    discrepancy,
    frechet,
    kid,
    memory,
    nearest,
    neighbourhoods,
    pyramid,
    sliced_wasserstein,
    spectral,
    spectrum,
)
from unmask.generate.extractors import Extractor, ExtractorError, find
from unmask.generate.quality import Quality, assess, diversity


def normal(n: int, d: int = 4, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, d))


def textures(n: int, seed: int, side: int = 32) -> Tensor:
    """(n, 1, side, side): patterns of 2 to 12 cycles with fine noise, no two alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side * 2 * np.pi
    waves = sum(
        np.sin(x * rng.uniform(-9, 9, (n, 1, 1)) + y * rng.uniform(-9, 9, (n, 1, 1))
               + rng.uniform(0, 6.3, (n, 1, 1)))
        for _ in range(3)
    )  # fmt: skip
    noisy = 0.25 * waves + 0.15 * rng.normal(size=(n, side, side))
    return torch.from_numpy(noisy.clip(-1, 1)[:, None]).float()


def blurred(images: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(images, (1, 1, 1, 1), "replicate"), 3, 1)


def squares(images: Tensor) -> Tensor:
    """(N, 32) the mean of each square of eight pixels, and the root of its mean square."""
    means = [F.avg_pool2d(x, 8).flatten(1) for x in (images, images.square())]
    return torch.cat([means[0], means[1].sqrt()], 1)


SMALL = Extractor(name="squares", network=squares, about="means in squares of eight pixels")


# --- distances on features


def test_frechet_is_what_the_root_of_the_matrix_gives() -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=6) for _ in "ab")
    s, t = np.cov(a.T), np.cov(b.T)
    apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
    expected = apart + np.trace(s + t - 2 * sqrtm(s @ t).real)
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9)


def test_frechet_of_a_set_with_itself_moved_is_the_square_of_the_way() -> None:
    a, b = normal(50, 8), normal(50, 8)[::-1]
    assert frechet(a, b) == pytest.approx(0, abs=1e-9)
    assert frechet(a, b + np.array([3, 4, 0, 0, 0, 0, 0, 0])) == pytest.approx(25)


def test_frechet_stands_covariances_without_an_inverse() -> None:
    few, flat = normal(5, 40), np.ones((5, 40))
    assert frechet(few, few) == pytest.approx(0, abs=1e-9)
    assert frechet(few, flat) == pytest.approx(
        ((few.mean(0) - 1) ** 2).sum() + few.var(0, ddof=1).sum()
    )


def test_the_kernel_distance_is_its_sum_over_all_pairs() -> None:
    a, b = normal(9, 3), normal(7, 3, seed=1) + 0.5

    def pairs(x: Floats, y: Floats, *, apart: bool) -> float:
        values = [
            (np.dot(x[i], y[j]) / 3 + 1) ** 3
            for i in range(len(x))
            for j in range(len(y))
            if i != j or not apart
        ]
        return float(np.mean(values))

    expected = pairs(a, a, apart=True) + pairs(b, b, apart=True) - 2 * pairs(a, b, apart=False)
    assert discrepancy(a, b) == pytest.approx(expected)


def test_the_kernel_distance_of_equal_distributions_is_zero_on_average() -> None:
    rng = np.random.default_rng(2)
    found = [discrepancy(rng.normal(size=(30, 4)), rng.normal(size=(30, 4))) for _ in range(300)]
    assert abs(np.mean(found)) < 4 * np.std(found) / 300**0.5
    assert min(found) < 0
    spread = kid(normal(400), normal(400, seed=1) + 1, rng, size=100)
    whole = discrepancy(normal(400), normal(400, seed=1) + 1)
    assert spread.mean == pytest.approx(whole, abs=spread.deviation)
    assert 0 < spread.deviation < whole


def test_neighbourhoods_are_those_of_a_search_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "ROWS", 7)  # so that parts are joined
    real, fake = normal(40, 2), normal(30, 2, seed=1) * 0.7 + 0.9

    def inside(points: Floats, x: Floats, k: int) -> Floats:
        """(points, x): whether a point lies no farther from an x than its k-th neighbour."""
        found = []
        for centre in x:
            radius = sorted(float(np.linalg.norm(centre - other)) for other in x)[k]
            found.append([np.linalg.norm(p - centre) <= radius for p in points])
        return np.array(found, float).T

    found = neighbourhoods(real, fake)
    assert found.precision == inside(fake, real, 3).any(1).mean()
    assert found.recall == inside(real, fake, 3).any(1).mean()
    assert found.density == pytest.approx(inside(fake, real, 5).sum() / (5 * 30))
    assert found.coverage == inside(fake, real, 5).any(0).mean()
    assert len({found.precision, found.recall, found.density, found.coverage}) == 4


def test_every_distance_grows_with_the_shift() -> None:
    real, rng = normal(300), np.random.default_rng(3)
    moved = [normal(300, seed=1) + shift for shift in (0, 0.4, 0.8, 1.6)]
    for figure in (lambda x: frechet(real, x), lambda x: kid(real, x, rng).mean):
        found = [figure(x) for x in moved]
        assert found == sorted(found)
        assert found[1] > 3 * abs(found[0])
    near = [neighbourhoods(real, x) for x in moved]
    assert near[0].precision > 0.85
    assert near[0].density == pytest.approx(1, abs=0.15)
    assert near[0].coverage > 0.85
    for name in ("precision", "recall", "density", "coverage"):
        values = [getattr(n, name) for n in near]
        assert values == sorted(values, reverse=True)


def test_dropped_modes_cost_recall_and_coverage_but_no_precision() -> None:
    def modes(n: int, count: int, seed: int) -> Floats:
        return normal(n, 2, seed) + 12 * np.arange(n)[:, None] % (12 * count)

    real, whole, half = modes(400, 4, 0), modes(400, 4, 1), modes(400, 2, 2)
    all_modes, two_modes = neighbourhoods(real, whole), neighbourhoods(real, half)
    assert two_modes.precision > all_modes.precision - 0.05
    assert two_modes.recall < 0.55 < 0.85 < all_modes.recall
    assert two_modes.coverage < 0.55 < 0.85 < all_modes.coverage


@pytest.mark.parametrize("figure", [frechet, discrepancy, neighbourhoods, nearest])
def test_features_that_do_not_compare_are_refused(figure: object) -> None:
    assert callable(figure)
    for a, b, word in (
        (normal(9, 3), normal(9, 4), "cannot be compared"),
        (normal(9), normal(9)[:0], "needed"),
        (normal(9), np.full((9, 4), np.nan), "not finite"),
    ):
        with pytest.raises(QualityError, match=word):
            figure(a, b)


# --- copies of training pictures


def test_copies_are_found_and_fresh_draws_are_not() -> None:
    training, held_out, fresh = normal(500, 6), normal(200, 6, 1), normal(200, 6, 2)
    honest = memory(fresh, held_out, training)
    assert not honest.copied
    assert honest.nearer == pytest.approx(0.5, abs=0.1)
    noise = 0.05 * normal(200, 6, 3)
    copies = memory(training[100:300] + noise, held_out, training)
    assert copies.copied
    assert copies.nearer > 0.98
    assert copies.nearest == tuple(range(100, 300))
    assert copies.distances == pytest.approx(np.linalg.norm(noise, axis=1))


def test_a_few_copies_among_fresh_draws_are_found_by_the_tail_alone() -> None:
    training, held_out, fake = normal(500, 6), normal(200, 6, 1), normal(200, 6, 2)
    fake[:14] = training[:14]
    found = memory(fake, held_out, training)
    assert found.p_nearer > 0.0005 > found.p_close
    assert found.close == pytest.approx(0.07, abs=0.02)
    assert found.copied


def test_false_alarms_of_copying_are_as_rare_as_they_say() -> None:
    rng = np.random.default_rng(4)
    draws = [[rng.normal(size=(n, 3)) for n in (60, 80, 120)] for _ in range(300)]
    found = [memory(*draw) for draw in draws]
    assert sum(m.copied for m in found) <= 2
    for name in ("p_nearer", "p_close"):
        assert np.mean([getattr(m, name) <= 0.05 for m in found]) < 0.09
    assert np.mean([m.p_nearer for m in found]) == pytest.approx(0.5, abs=0.07)


# --- pictures: patches and spectra


def test_a_pyramid_adds_up_to_its_picture() -> None:
    images = torch.rand(2, 3, 64, 70)
    levels = pyramid(images)
    assert [tuple(level.shape[2:]) for level in levels] == [(64, 70), (32, 35), (16, 18)]
    whole = levels[-1]
    for level in levels[-2::-1]:
        spread = torch.zeros_like(level)
        spread[..., ::2, ::2] = whole
        whole = level + distances._blurred(spread, 4)
    assert torch.allclose(whole, images, atol=1e-5)
    flat = pyramid(torch.full((1, 1, 32, 32), 0.5))
    assert flat[0].abs().max() < 1e-6
    assert torch.allclose(flat[1], torch.tensor(0.5))


def test_blur_shows_in_patches_spectrum_and_precision() -> None:
    real, held_out = textures(150, 0), textures(150, 1)
    fake = blurred(held_out)
    floor, blur = (sliced_wasserstein(real, x, np.random.default_rng(1)) for x in (held_out, fake))
    assert list(floor) == [32, 16]
    assert blur[32] > 2 * floor[32]
    assert blur[32] / floor[32] > 1.3 * blur[16] / floor[16]  # it is a matter of the fine level
    assert spectral(real, held_out) < 1 < 8 < spectral(real, fake)
    look = find("randomconv-v1")
    known, new, soft = (look(x) for x in (real, held_out, fake))
    assert neighbourhoods(known, soft).precision < neighbourhoods(known, new).precision - 0.2
    assert frechet(known, soft) > 5 * frechet(known, new)


def test_patches_do_not_care_for_contrast_and_brightness() -> None:
    real = textures(60, 0)
    plain, dull = (
        sliced_wasserstein(real, x, np.random.default_rng(1))
        for x in (textures(60, 1), textures(60, 1) * 0.3 + 0.4)
    )
    assert dull == pytest.approx(plain, rel=1e-3)


def test_a_spectrum_has_its_peak_where_the_waves_are() -> None:
    x = torch.arange(64) / 64 * 2 * torch.pi
    waves = torch.stack([(0.4 * torch.sin(k * x)).expand(1, 64, 64) for k in (10, 10, 10)])
    found = spectrum(waves)
    assert found.shape == (32,)
    assert found.argmax() == 9  # the first is one cycle
    assert spectrum(waves.transpose(2, 3)) == pytest.approx(found)
    assert found[9] - spectrum(waves / 2)[9] == pytest.approx(20 * np.log10(2), abs=0.01)
    blank = spectrum(torch.zeros(1, 3, 20, 16))
    assert blank == pytest.approx(10 * np.log10(distances.ROUNDING) * np.ones(8))


def test_a_checkerboard_of_up_sampling_shows_in_the_spectrum_alone() -> None:
    real, fake = textures(80, 0), textures(80, 1)
    fake = fake + 0.4 * (-1.0) ** torch.arange(32)
    assert spectral(real, fake) > 4 * spectral(real, textures(80, 1))
    assert np.argmax(spectrum(fake) - spectrum(real)) == 15  # the finest there is


def test_pictures_that_do_not_compare_are_refused() -> None:
    rng, images = np.random.default_rng(0), textures(8, 0)
    with pytest.raises(QualityError, match="do not compare"):
        sliced_wasserstein(images, images[:4], rng)
    with pytest.raises(QualityError, match="cannot be compared"):
        spectral(images, images.expand(-1, 3, -1, -1))
    with pytest.raises(QualityError, match="finite"):
        spectral(images, images * torch.nan)


# --- extractors


def test_random_features_are_fixed_and_know_grey_from_colour() -> None:
    look = find("randomconv-v1")
    grey = textures(3, 0)
    assert look(grey).shape == (3, 384)
    assert np.array_equal(look(grey), find("randomconv-v1")(grey.expand(-1, 3, -1, -1)))
    # Figures of today and of years to come must be of the same features.
    found = look(torch.full((1, 1, 64, 64), 0.5))[0, 32:36]
    assert found == pytest.approx([1.44763, -0.17391, -0.23191, 1.31455], abs=1e-4)
    tinted = grey.expand(-1, 3, -1, -1) * torch.tensor([1.0, 0.5, 0.2]).view(1, 3, 1, 1)
    assert np.abs(look(tinted) - look(grey)).max() > 0.05
    assert np.array_equal(look(torch.full((1, 1, 8, 8), 3.0)), look(torch.ones(1, 1, 8, 8)))


def test_an_extractor_refuses_what_it_cannot_read_or_say() -> None:
    for network, images, word in (
        (squares, torch.zeros(2, 5, 8, 8), "1 or 3"),
        (squares, torch.zeros(0, 1, 8, 8), "1 or 3"),
        (nn.Identity(), torch.zeros(2, 1, 8, 8), "not \\(N, D\\)"),
        (lambda x: squares(x) / 0, torch.ones(2, 1, 8, 8), "not finite"),
    ):
        with pytest.raises(QualityError, match=word):
            Extractor(name="odd", network=network, about="")(images)


def test_extractors_are_found_by_name() -> None:
    with pytest.raises(ExtractorError, match="did you mean 'clfdigits-v1'"):
        find("clfdigits")
    with pytest.raises(ExtractorError, match="there are clfdigits-v1"):
        find("?")


def test_inception_is_handed_bytes_and_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    class Inception(nn.Module):
        def __init__(self, name: str, features: list[str], path: str | None) -> None:
            super().__init__()
            assert (name, features) == ("inception-v3-compat", ["2048"])
            if path is not None:
                raise OSError("no such file")

        def forward(self, images: Tensor) -> tuple[Tensor]:
            assert images.dtype == torch.uint8
            return (images.float().amax((2, 3)),)

    where = "torch_fidelity.feature_extractor_inceptionv3"
    monkeypatch.setitem(sys.modules, where, None)
    with pytest.raises(ExtractorError, match="pip install torch-fidelity"):
        find("inception-2048")
    module = ModuleType(where)
    module.FeatureExtractorInceptionV3 = Inception  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_fidelity", ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, where, module)
    look = find("inception-2048")
    levels = torch.tensor([-1.0, 0.0, 1.0]).view(3, 1, 1, 1).expand(3, 1, 4, 4)
    assert look(levels).tolist() == [[0] * 3, [128] * 3, [255] * 3]
    with pytest.raises(ExtractorError, match="not to be had"):
        extractors.inception(Path("absent.pth"))


# --- the whole


@pytest.fixture(scope="module")
def assessed() -> Quality:
    fake = (blurred(textures(70, 2)) * 0.8 + 0.1).clamp(-1, 1)
    return assess(textures(120, 0), textures(60, 1), fake, SMALL, np.random.default_rng(5))


def test_a_fake_stands_between_the_floor_and_the_ceiling(assessed: Quality) -> None:
    assert (assessed.extractor, assessed.features, assessed.n) == ("squares", 32, 60)
    assert (assessed.training, assessed.shape) == (120, (1, 32, 32))
    figures = assessed.floor, assessed.fake, assessed.ceiling
    for found in (
        [f.frechet for f in figures],
        [f.kernel.mean for f in figures],
        [-f.neighbourhoods.coverage for f in figures],
    ):
        assert found == sorted(found)
        assert found[1] > found[0]
    floor, fake, ceiling = figures
    assert fake.spectrum > 3 * floor.spectrum
    assert min(fake.patches[32], ceiling.patches[32]) > 1.5 * floor.patches[32]
    assert not assessed.memory.copied


def test_a_quality_is_kept_as_json_and_repeats_with_its_seed(
    assessed: Quality, tmp_path: Path
) -> None:
    assessed.save(tmp_path / "runs" / "quality.json")
    held = json.loads((tmp_path / "runs" / "quality.json").read_text())
    assert held["fake"]["frechet"] == assessed.fake.frechet
    assert held["memory"] == {
        "nearer": assessed.memory.nearer, "p_nearer": assessed.memory.p_nearer,
        "close": assessed.memory.close, "p_close": assessed.memory.p_close, "copied": False,
    }  # fmt: skip
    assert len(held["pairs"]) == 8
    names = [row[0] for row in assessed.rows()]
    assert names[:3] == ["Frechet distance", "kernel distance", "precision"]
    assert {"patches at 32 px", "patches at 16 px", "spectrum, dB"} <= set(names)
    assert float(assessed.rows()[0][1]) == pytest.approx(assessed.fake.frechet, rel=1e-3)
    sets = textures(40, 0), textures(30, 1), textures(30, 2)
    one, other, third = (assess(*sets, SMALL, np.random.default_rng(s)) for s in (1, 1, 2))
    assert one == other
    assert one.fake.patches != third.fake.patches


def test_pairs_name_the_copies_and_their_originals() -> None:
    real, fake = textures(90, 0), textures(60, 2)
    fake[[7, 31]] = real[[80, 3]]
    found = assess(real, textures(40, 1), fake, SMALL, np.random.default_rng(1))
    assert found.n == 40
    drawn = [pair[:2] for pair in found.pairs if pair[2] < 1e-6]
    assert set(drawn) <= {(7, 80), (31, 3)}
    assert drawn
    assert [pair[2] for pair in found.pairs] == sorted(pair[2] for pair in found.pairs)


def test_sets_that_do_not_compare_are_refused() -> None:
    rng, images = np.random.default_rng(0), textures(30, 0)
    with pytest.raises(QualityError, match="do not compare"):
        assess(images, images, images[..., 1:], SMALL, rng)
    with pytest.raises(QualityError, match="At least 20"):
        assess(images, images[:19], images, SMALL, rng)


def test_diversity_sees_classes_that_are_missing_or_all_alike() -> None:
    labels = torch.arange(3).repeat(200)
    real, fake = normal(600), normal(600, seed=1)
    same = diversity(fake, labels, real, labels)
    assert same.present == (0, 1, 2)
    assert same.mean == pytest.approx(1, abs=0.1)
    assert same.evenness == pytest.approx(1)
    ones, kept = (labels == 1).numpy(), (labels != 2).numpy()
    fake[ones] = fake[1] + 0.1 * fake[ones]
    found = diversity(fake[kept], labels[kept], real, labels)
    assert (found.present, found.missing) == ((0, 1), (2,))
    assert found.by_class[1] == pytest.approx(0.1, abs=0.02)
    assert found.by_class[0] == pytest.approx(1, abs=0.15)
    assert found.evenness == pytest.approx(np.log(2) / np.log(3))
    with pytest.raises(QualityError, match="one label"):
        diversity(fake, labels[1:], real, labels)
    with pytest.raises(QualityError, match="two pictures"):
        diversity(fake[:1], labels[:1], real, labels)
