"""Distances between features of real and generated pictures, and copies among them."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from textures import normal

from unmask.generate import distances
from unmask.generate.distances import (
    Floats,
    QualityError,
    discrepancy,
    frechet,
    kid,
    memory,
    nearest,
    neighbourhoods,
)


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
