"""The likelihood expert keeps the rules of probability, and trains the same when interrupted."""

import hashlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scenes import scene
from scipy.stats import kstest
from torch import Tensor

from unmask.card import Card, load_card
from unmask.datasets.manifest import Split
from unmask.detect.encodings import Chain
from unmask.detect.likelihood import (
    LEVELS,
    WHOLE,
    Coder,
    Level,
    Mixture,
    Range,
    Surprise,
    load_expert,
    out_of_range,
    pyramid,
    save_expert,
    score,
    surprise,
)
from unmask.detect.likelihood_train import (
    ENCODINGS,
    Crops,
    TrainConfig,
    fit_range,
    photographs,
    publish,
    train,
)
from unmask.errors import WeightsError

TINY = TrainConfig(
    crop=32, batch=2, steps=6, check_every=3, warmup=2, chain=Chain(jpeg=0.5, webp=0, resize=0)
)


@pytest.fixture(scope="module")
def coder() -> Coder:
    torch.manual_seed(0)
    return Coder().eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of small photographs: 4 to learn from, 24 to validate, and fakes of both."""
    root = tmp_path_factory.mktemp("data")
    lines = ["path,label,generator,source,corpus,split"]
    for i in range(28):
        split = "train" if i < 4 else "validation"
        for label in ("real", "fake"):
            picture = Image.fromarray(scene(40, 48, seed=i))
            if label == "fake":
                picture = picture.resize((24, 20)).resize((48, 40))
            picture.save(root / f"{label}{i}.png")
            maker = "camera" if label == "real" else "blurrer"
            lines.append(f"{label}{i}.png,{label},{maker},scene{i},scenes,{split}")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")
    return root


def mixture(mean: float, log_scale: float, seed: int = 0) -> Mixture:
    shape = (1, 3, 3, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    return Mixture(
        logits=torch.randn(shape, generator=generator, dtype=torch.float64),
        means=mean + 9 * torch.randn(shape, generator=generator, dtype=torch.float64),
        log_scales=log_scale + torch.randn(shape, generator=generator, dtype=torch.float64),
    )


def every_value(found: Mixture) -> Tensor:
    """(256, 3) probabilities."""
    bits = [found.cost(torch.full((1, 3, 1, 1), float(v), dtype=torch.float64)) for v in range(256)]
    return 2.0 ** -torch.cat(bits)[:, :, 0, 0]


@pytest.mark.parametrize("mean", [-40.0, 3.0, 128.0, 254.0, 300.0])
@pytest.mark.parametrize("log_scale", [-2.5, 1.0, 5.0])
def test_the_values_of_a_subpixel_have_probability_one(mean: float, log_scale: float) -> None:
    total = every_value(mixture(mean, log_scale)).sum(0)
    assert torch.allclose(total, torch.ones(3, dtype=torch.float64), atol=1e-9)


def test_far_values_cost_much_but_never_infinitely() -> None:
    far = replace(mixture(0, -2.5), means=torch.full((1, 3, 3, 1, 1), -500.0))
    cost = far.cost(torch.full((1, 3, 1, 1), 200.0))
    assert torch.isfinite(cost).all()
    assert (cost > 1000).all()


@pytest.mark.parametrize("mean", [2.0, 128.0])
def test_draws_have_the_distribution_that_is_priced(mean: float) -> None:
    one = mixture(mean, 1.5)
    many = Mixture(
        **{k: getattr(one, k).expand(1, 3, 3, 200, 200) for k in ("logits", "means", "log_scales")}
    )
    drawn = many.draw(torch.Generator().manual_seed(1))
    chances = every_value(one)
    for colour in range(3):
        seen = torch.bincount(drawn[0, colour].flatten().int(), minlength=256) / 40_000
        assert (seen - chances[:, colour]).abs().max() < 0.015
    entropy = -(chances * chances.clamp(min=1e-30).log2()).sum(0)
    assert torch.allclose(many.cost(drawn).mean((0, 2, 3)), entropy, atol=0.04)


def test_a_pixel_is_priced_by_what_was_coded_before_it(coder: Coder) -> None:
    level = coder.levels[0]
    assert isinstance(level, Level)
    generator = torch.Generator().manual_seed(2)
    cells = torch.randint(0, 256, (1, 4, 3, 4, 4), generator=generator).float()
    coarse = cells.mean(1).round()
    before = level(coarse, cells)
    for position, colour in itertools.product(range(4), range(3)):
        other = cells.clone()
        other[:, position, colour] = 255 - other[:, position, colour]
        for at, (one, two) in enumerate(zip(before, level(coarse, other), strict=True)):
            for c in range(3):
                same = torch.equal(one.means[:, :, c], two.means[:, :, c])
                assert same == ((at, c) <= (position, colour))


def test_the_gap_is_nothing_on_the_models_own_pictures(coder: Coder) -> None:
    level, generator = coder.levels[0], torch.Generator().manual_seed(3)
    assert isinstance(level, Level)
    coarse = torch.randint(60, 190, (1, 3, 48, 48), generator=generator).float()
    cells = torch.zeros(1, 4, 3, 48, 48)
    with torch.inference_mode():
        features = level.features(coarse)
        for position, colour in itertools.product(range(3), range(3)):
            found = level.mixture(features, coarse, cells, position)
            cells[:, position, colour] = found.draw(generator)[:, colour]
        mixtures = level(coarse, cells)
        cost = torch.stack([m.cost(cells[:, i]) for i, m in enumerate(mixtures)])
        expected = torch.stack([m.cost(m.draw(generator)) for m in mixtures])
        wrong = torch.stack([m.cost(cells[:, i].flip(-1)) for i, m in enumerate(mixtures)])
    assert abs(cost.mean() - expected.mean()) < 0.04
    assert wrong.mean() - expected.mean() > 1


def test_the_pyramid_holds_every_pixel_once() -> None:
    picture = torch.from_numpy(scene(16, 24).transpose(2, 0, 1)[None].copy()).float()
    levels = pyramid(picture)
    assert [coarse.shape[2:] for coarse, _ in levels] == [(8, 12), (4, 6), (2, 3)]
    coarse, cells = levels[0]
    assert torch.equal(cells[0, :, :, 2, 5].T.reshape(3, 2, 2), picture[0, :, 4:6, 10:12])
    assert torch.equal(coarse, cells.mean(1).round())
    assert torch.equal(levels[1][1].mean(1).round(), levels[1][0])


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (16, 16), (63, 65), (700, 740), (20, 26000)])
def test_every_size_is_looked_at_in_bounded_time(coder: Coder, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = surprise(coder, pixels)
    assert found.gaps.shape == tuple(-(-max(16, n) // 16) for n in size)
    assert len(found.cost) == len(found.expected) == LEVELS
    assert np.isfinite(found.vector).all()
    assert 0 < found.covered <= 1
    assert np.isfinite(found.gaps).sum() * 16 * 16 <= 1.02 * WHOLE


def test_looking_repeats(coder: Coder) -> None:
    one, two = (surprise(coder, scene(64, 64)) for _ in range(2))
    assert one.cost == two.cost
    assert one.expected == two.expected


def test_a_flat_picture_costs_less_than_noise(coder: Coder) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    flat, rough = surprise(coder, np.full_like(noise, 90)), surprise(coder, noise)
    assert all(f < r - 1 for f, r in zip(flat.cost, rough.cost, strict=True))
    assert rough.gap[0] > 1


def test_the_map_points_at_what_is_odd(coder: Coder) -> None:
    pixels = np.full((160, 160, 3), 90, np.uint8)
    pixels[96:128, 32:64] = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    found = surprise(coder, pixels).gaps
    assert found[6:8, 2:4].min() > found[:5].max() + 1


def test_a_run_that_was_stopped_ends_at_the_same_weights(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = photographs([str(folder)], Split.TRAIN)
    assert [s.fake for s in learned] == [False] * 4
    whole = train(learned, tmp_path / "whole", TINY)
    rows = [json.loads(r) for r in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [r["step"] for r in rows] == [3, 6]
    assert sum(rows[1]["bits"]) < sum(rows[0]["bits"])

    batch = Crops.batch

    def stopped(self: Crops, step: int) -> Tensor:
        if step == 4:
            raise KeyboardInterrupt
        return batch(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(Crops, "batch", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(learned, tmp_path / "parts", TINY)
    resumed = train(learned, tmp_path / "parts", TINY)
    other = train(learned, tmp_path / "other", replace(TINY, seed=2))
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name])
    kernels = [c.state_dict()["levels.0.enter.weight"] for c in (whole, other)]
    assert not torch.equal(*kernels)


def test_only_photographs_to_train_on_are_learned_from(folder: Path, tmp_path: Path) -> None:
    real = photographs([str(folder)], Split.TRAIN)
    held = photographs([str(folder)], Split.VALIDATION)
    for wrong in ([*real, replace(real[0], fake=True)], [*real, held[0]], []):
        with pytest.raises(ValueError, match="TRAIN"):
            train(wrong, tmp_path / "refused", TINY)


def found_at(gap: float, vector_rest: tuple[float, ...] = (0, 0, 0, 0)) -> Surprise:
    """A surprise whose vector is (gap, *vector_rest)."""
    one, two, fall, second = vector_rest
    cost = (4.0, 4.0 - fall, 4.0 - fall - second)
    expected = (cost[0] - gap, cost[1] - one, cost[2] - two)
    return Surprise(cost=cost, expected=expected, gaps=np.zeros((1, 1), np.float32), covered=1.0)


def photographs_like(n: int, seed: int) -> list[Surprise]:
    """Gaps and falls that depend on each other."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    x = (common + rng.normal(size=(n, 5))) * [0.1, 0.05, 0.04, 0.5, 0.4]
    return [found_at(float(row[0]), tuple(float(v) for v in row[1:])) for row in x]


def fitted(n: int, seed: int) -> Range:
    views = photographs_like(n, seed)
    return fit_range(np.array([v.vector for v in views]), [f"source{i}" for i in range(n)])


def test_p_values_of_photographs_are_uniform() -> None:
    photographs = fitted(2000, 1)
    p = [out_of_range(v, photographs) for v in photographs_like(1500, 2)]
    assert kstest(p, "uniform").pvalue > 0.01
    assert min(p) > 0
    assert np.mean(np.array(p) < 0.01) < 0.02


def test_too_predictable_and_too_surprising_are_both_odd() -> None:
    photographs = fitted(400, 1)
    smallest = 1 / (1 + len(photographs.distances))
    assert out_of_range(found_at(0), photographs) > 0.5
    assert out_of_range(found_at(-1), photographs) == pytest.approx(smallest)
    assert out_of_range(found_at(1), photographs) == pytest.approx(smallest)
    assert score(found_at(-1), photographs) > 3 > 0 > -3 > score(found_at(1), photographs)


def test_the_score_compares_with_photographs_of_the_same_coarser_levels() -> None:
    photographs = fitted(4000, 1)
    x = np.array([v.vector for v in photographs_like(3000, 3)])
    scores = [score(v, photographs) for v in photographs_like(3000, 3)]
    slopes = np.linalg.lstsq(np.c_[x[:, 1:], np.ones(len(x))], x[:, 0], rcond=None)[0]
    left = x[:, 0] - np.c_[x[:, 1:], np.ones(len(x))] @ slopes
    assert np.corrcoef(scores, left)[0, 1] < -0.98
    assert np.std(scores) == pytest.approx(1, abs=0.1)


def test_views_of_a_source_stay_on_one_side_of_the_range() -> None:
    vectors = np.random.default_rng(0).normal(size=(300, 5))
    sources = [f"source{i // 3}" for i in range(300)]
    assert len(fit_range(vectors, sources).distances) % 3 == 0
    with pytest.raises(ValueError, match="too few"):
        fit_range(vectors, ["one"] * 300)


def test_weights_and_card_are_read_again(folder: Path, tmp_path: Path, coder: Coder) -> None:
    path = publish(coder, [str(folder)], tmp_path, TINY, [str(folder)])
    again, photographs = load_expert(path)
    pixels = scene(64, 64, seed=50)
    assert surprise(again, pixels).cost == pytest.approx(surprise(coder, pixels).cost, abs=1e-5)
    assert path.stat().st_size < 100_000
    card = load_card(path)
    shares = card.results["validation photographs out of range, and views"]
    assert shares["all"][1] == sum(shares[e][1] for e in ENCODINGS)
    row = card.results[folder.name]["JPEG 70 | blurrer"]
    assert row["n"] == [24, 24]
    assert row["score"][1] <= row["score"][0] <= row["score"][2]
    assert 0 < out_of_range(surprise(again, pixels), photographs) <= 1


def test_damaged_weights_are_refused(tmp_path: Path, coder: Coder) -> None:
    path = tmp_path / "likelihood.safetensors"
    with pytest.raises(WeightsError):
        load_expert(path)
    save_expert(coder, fitted(200, 1), path)
    with pytest.raises(WeightsError, match="card"):
        load_expert(path)
    path.write_bytes(path.read_bytes()[:-10])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    empty: dict[str, str] = {}
    card = Card(
        name="", sha256=digest, task="", architecture="", papers=(), data=(), licence="",
        command="", calibration=empty, thresholds={}, results=empty, weaknesses=(),
    )  # fmt: skip
    card.save(path.with_suffix(".json"))
    with pytest.raises(WeightsError, match="cannot be read"):
        load_expert(path)
