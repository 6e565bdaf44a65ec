"""The light CNN, its stretches of time, and the tandem cost."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from unmask.detect.audio.lcnn import Lcnn, MaxFeatureMap, pooled
from unmask.detect.audio.nets import STEP, Nets, features_of
from unmask.detect.audio.segments import maximal_stretches, suspicious_regions
from unmask.detect.audio.tdcf import Costs, Verifier, min_tdcf
from unmask.errors import WeightsError
from unmask.sound import Region


def test_the_larger_half_of_the_channels_comes_out() -> None:
    x = torch.tensor([[1.0, 5.0, 3.0, 2.0]])[:, :, None]
    assert MaxFeatureMap()(x).flatten().tolist() == [3.0, 5.0]


def test_pooling_by_hand() -> None:
    frames = torch.tensor([[0.0, 0.0, 0.0, 8.0]])
    assert float(pooled(frames, 0.25)) == pytest.approx((2 + 8) / 2)


def test_a_network_gives_a_logit_each_eight_frames_and_is_small() -> None:
    net = Lcnn(80, pools=3)
    assert net(torch.zeros(2, 80, 161)).shape == (2, 20)
    assert sum(p.numel() for p in net.parameters()) * 2 < 1_000_000  # bytes in half precision


def test_a_network_hears_only_its_neighbourhood() -> None:
    net = Lcnn(80, pools=3).eval()
    with torch.inference_mode():
        quiet = torch.zeros(1, 80, 400)
        loud = quiet.clone()
        loud[:, :, 200:] = 5
        first, second = net(quiet)[0], net(loud)[0]
    assert torch.allclose(first[:15], second[:15])
    assert not torch.allclose(first[25:], second[25:])


def test_nets_take_the_features_of_their_front_ends() -> None:
    nets = Nets(["linear", "constant_q"])
    waves = torch.randn(2, 12 * STEP)
    found = nets(features_of(tuple(nets), waves))
    assert {name: logits.shape for name, logits in found.items()} == {
        "linear": (2, 12), "constant_q": (2, 12),
    }  # fmt: skip
    with pytest.raises(WeightsError, match="mel"):
        Nets(["mel"])


def by_force(values: list[float]) -> tuple[int, int]:
    sums = {
        (a, b): sum(values[a:b]) for a in range(len(values)) for b in range(a + 1, len(values) + 1)
    }
    return max(sums, key=lambda k: sums[k])


def test_the_best_stretch_is_found_as_by_trying_all() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        values = rng.normal(-0.2, 1, 20).tolist()
        found = maximal_stretches(values)
        if max(values) > 0:
            best = max(found, key=lambda one: one[2])
            assert best[:2] == by_force(values)
            assert best[2] == pytest.approx(sum(values[best[0] : best[1]]))
        assert all(a[1] <= b[0] for a, b in pairwise(found))


def test_ruzzo_and_tompas_own_example() -> None:
    values = [4, -5, 3, -3, 1, 2, -2, 2, -2, 1, 5]
    assert [(a, b) for a, b, _ in maximal_stretches(values)] == [(0, 1), (2, 3), (4, 11)]


def test_a_dip_does_not_break_a_region_and_a_peak_makes_none() -> None:
    llrs = np.full(120, -1.5)
    llrs[40:60] = 2.0
    llrs[50] = -1.0
    llrs[90] = 3.0
    times = [(i + 0.5) * 0.5 for i in range(120)]
    assert suspicious_regions(times, llrs, step=0.5, least=12) == (Region(20.0, 30.0),)
    assert suspicious_regions(times, np.full(120, -1.0), step=0.5, least=12) == ()
    assert suspicious_regions([], [], step=0.5, least=12) == ()


def test_tdcf_by_hand() -> None:
    # C1 = .9405 * (1 - .1) - .0095 * 10 * .1 = .83695; C2 = 10 * .05 * (1 - .2) = .4
    verifier = Verifier(miss=0.1, false_alarm=0.1, spoof_miss=0.2)
    labels = [False, False, False, False, True, True]
    scores = [0.0, 1.0, 2.0, 5.0, 4.0, 6.0]
    # Called synthetic above 2: a quarter of the reals, all fakes found: .83695 / 4 = .2092.
    # Above 5: no real, half of the fakes let in: .4 / 2 = .2, which is less.
    assert min_tdcf(labels, scores, verifier) == pytest.approx(0.2 / 0.4)
    dear = Costs(false_cm=20.0)  # C2 = .8: now .2092 is less
    assert min_tdcf(labels, scores, verifier, dear) == pytest.approx(0.83695 / 4 / 0.8)


def test_tdcf_of_the_perfect_and_of_the_useless() -> None:
    verifier = Verifier(miss=0.05, false_alarm=0.05, spoof_miss=0.3)
    assert min_tdcf([False, False, True, True], [0, 1, 2, 3], verifier) == 0
    assert min_tdcf([False, True], [1, 1], verifier) == pytest.approx(1)
    with pytest.raises(ValueError, match="real and synthetic"):
        min_tdcf([True, True], [0, 1], verifier)
    with pytest.raises(ValueError, match="leave no cost"):
        min_tdcf([True, False], [0, 1], Verifier(miss=0, false_alarm=0, spoof_miss=1))
