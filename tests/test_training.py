"""Training of the detector: residual inputs, pairs, and a run that learns, stops and goes on."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scenes import paired_corpus

from unmask.datasets.manifest import Sample, Split
from unmask.detect import train as training
from unmask.detect.encodings import Chain
from unmask.detect.pair_stream import Made, Mixture, PairStream, Pool, pictures
from unmask.detect.recipe import Recipe
from unmask.detect.recipes import RECIPES
from unmask.detect.residual_net import STRIDE, ResidualNet, pooled
from unmask.detect.residuals import (
    CHANNELS,
    diagonal_detail,
    median_difference,
    neighbour_residual,
    residuals,
    rich_model,
)

CALM = Chain(mirror=0, resize=0, jpeg=0, webp=0, blur=0, noise=0, colour=0)
PLAIN = Mixture(unpaired=0, simulated=0, edited=0, pixel_blend=0, dct_blend=0, region=0)
Pixels = NDArray[np.uint8]


def test_the_median_network_is_the_median() -> None:
    images = torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(1))
    around = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    cells = around.unfold(2, 3, 1).unfold(3, 3, 1).flatten(4)  # (B, 3, H, W, 9)
    neighbours = cells[..., [0, 1, 2, 3, 5, 6, 7, 8]].sort(-1).values
    expected = images - (neighbours[..., 3] + neighbours[..., 4]) / 2
    assert torch.allclose(median_difference(images), expected, atol=1e-6)


def test_residuals_are_blind_to_flat_areas_and_slopes() -> None:
    flat = torch.full((1, 3, 32, 32), 0.4)
    assert residuals(flat).abs().max() < 1e-6
    ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    for blind in (rich_model, diagonal_detail, median_difference):
        assert blind(ramp)[inner].abs().max() < 1e-5


def test_the_neighbour_residual_of_doubled_pixels_is_nothing() -> None:
    small = torch.rand(1, 3, 9, 7)
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert neighbour_residual(large).abs().max() == 0
    assert neighbour_residual(large[:, :, 1:, 1:]).abs().max() > 0.1  # off the grid it shows
    assert residuals(large[:, :, :17, :13]).shape == (1, CHANNELS, 17, 13)  # odd sides


def test_a_residual_net_judges_every_eight_pixels() -> None:
    net = ResidualNet().eval()
    with torch.inference_mode():
        assert net(torch.rand(2, 3, 96, 64)).shape == (2, 96 // STRIDE, 64 // STRIDE)


def test_a_picture_is_its_mean_and_its_highest_patches() -> None:
    logits = torch.zeros(1, 10, 10)
    logits[0, :2, :5] = 10.0  # a tenth of the picture
    assert pooled(logits).item() == pytest.approx(1.0)
    assert pooled(logits, top=0.1).item() == pytest.approx((1.0 + 10.0) / 2)


def test_a_fake_is_paired_with_its_own_photograph(tmp_path: Path) -> None:
    pool = Pool([s for s in paired_corpus(tmp_path, 4) if s.split is Split.TRAIN])
    assert {k: len(v) for k, v in pool.paired.items()} == {"decoder": 4}
    assert {k: len(v) for k, v in pool.unpaired.items()} == {"toy": 4}
    rng = np.random.default_rng(0)
    board = (np.indices((96, 96)).sum(0) % 2 * 60)[..., None]
    for _ in range(8):
        made = pool.pair(rng, PLAIN)
        assert np.array_equal(made.fake, made.real + board)


def in_part(root: Path, frames: int = 3) -> list[Sample]:
    """Frames of one clip, of one source, each beside its swap with a mask: all differ."""
    rng = np.random.default_rng(8)
    found = []
    for i in range(frames):
        real = rng.integers(60, 120, (160, 200, 3), dtype=np.uint8)
        mask = np.zeros((160, 200), np.uint8)
        mask[20 + 10 * i : 60, 90:150] = 255
        fake = np.where(mask[..., None] > 0, 250, real).astype(np.uint8)
        paths = [root / "swaps" / name / f"clip-{i}.png" for name in ("camera", "swap", "masks")]
        for path, pixels in zip(paths, (real, fake, mask), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
        for path, fake_mask in zip(paths[:2], (None, paths[2]), strict=True):
            found.append(
                Sample(path=path, fake=fake_mask is not None, generator=path.parent.name,
                       corpus="swaps", source="clip", split=Split.TRAIN, mask=fake_mask)
            )  # fmt: skip
    return found


def test_frames_of_one_clip_are_paired_one_by_one_with_their_masks(tmp_path: Path) -> None:
    pool = Pool(in_part(tmp_path))
    assert {name: len(pairs) for name, pairs in pool.paired.items()} == {"swap": 3}
    assert not pool.unpaired
    for made in pool.paired["swap"]:
        assert made.mask is not None
        assert np.array_equal(made.mask > 0, (made.real != made.fake).any(2))
    blends = Mixture(unpaired=0, simulated=0, edited=0, pixel_blend=0.4, dct_blend=0.3, region=0.3)
    stream = PairStream(pool, CALM, blends, crop=64, seed=1, start=0)
    for images, targets in islice(stream, 20):
        changed = (images[1] - images[0]).abs().amax(0) > 0.2  # the encoding may ring
        cells = changed.float().view(8, 8, 8, 8).mean((1, 3))
        assert targets[0].max() == 0
        assert targets[1].max() > 0
        assert (cells[targets[1] == 1] > 0.9).all()
        assert (cells[targets[1] == 0] < 0.3).all()


def test_a_small_part_of_a_large_picture_is_seen(tmp_path: Path) -> None:
    stream = PairStream(Pool(paired_corpus(tmp_path, 2)), CALM, PLAIN, crop=64, seed=1, start=0)
    real, mask = np.full((900, 1200, 3), 90, np.uint8), np.zeros((900, 1200), np.float32)
    mask[-20:, 300:320] = 1
    made = Made(
        real=real, fake=np.where(mask[..., None] > 0, 200, real).astype(np.uint8), mask=mask
    )
    for seed in range(10):
        _, targets = stream.encoded(made, np.random.default_rng(seed))
        assert targets[1].max() > 0


def test_fakes_in_part_are_kept_from_those_who_judge_the_whole(tmp_path: Path) -> None:
    swaps, whole = in_part(tmp_path), paired_corpus(tmp_path, 4)
    shown = list(pictures(Pool([*swaps, *whole]), PLAIN, CALM, crop=96, pairs=12, seed=1))
    board = (np.indices((96, 96)).sum(0) % 2 * 60)[..., None]
    for real, fake in zip(shown[::2], shown[1::2], strict=True):
        assert np.array_equal(fake, real + board)
    with pytest.raises(ValueError, match="only a part"):
        next(pictures(Pool(swaps), PLAIN, CALM, crop=96, pairs=1, seed=1))


def test_a_fake_in_part_without_its_photograph_is_no_whole_fake(tmp_path: Path) -> None:
    lone = [replace(s, source="other") if s.fake else s for s in in_part(tmp_path)]
    with pytest.raises(ValueError, match="No fake"):
        Pool(lone)
    wrong = in_part(tmp_path)
    Image.new("L", (10, 10)).save(tmp_path / "swaps" / "masks" / "clip-1.png")
    with pytest.raises(ValueError, match="size"):
        Pool(wrong)


def test_a_class_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No fake"):
        Pool([s for s in paired_corpus(tmp_path, 2) if not s.fake])


def test_both_of_a_pair_meet_the_same_chance(tmp_path: Path) -> None:
    """The same picture on both sides stays the same: crop, scale, colour, noise, compression."""
    pool = Pool(paired_corpus(tmp_path, 3))
    stream = PairStream(pool, Chain(noise=1.0), PLAIN, crop=64, seed=1, start=0)
    rng = np.random.default_rng(5)
    pixels = pool.reals["toy"][0]
    for _ in range(12):
        images, targets = stream.encoded(Made(real=pixels, fake=pixels), rng)
        assert torch.equal(images[0], images[1])
        assert targets[0].max() == 0
        assert targets[1].min() == 1


def test_a_fake_part_is_where_the_target_says(tmp_path: Path) -> None:
    stream = PairStream(Pool(paired_corpus(tmp_path, 3)), CALM, PLAIN, crop=64, seed=1, start=0)
    real = np.full((128, 160, 3), 90, np.uint8)
    mask = np.zeros((128, 160), np.float32)
    mask[30:90, 40:110] = 1
    fake = np.where(mask[..., None] > 0, 200, real).astype(np.uint8)
    for seed in range(6):
        images, targets = stream.encoded(
            Made(real=real, fake=fake, mask=mask), np.random.default_rng(seed)
        )
        changed = (images[1] - images[0]).abs().amax(0) > 0.05  # the encoding may ring a little
        cells = changed.float().view(8, 8, 8, 8).mean((1, 3))
        assert targets[1].max() > 0
        assert (cells[targets[1] == 1] > 0.9).all()
        assert (cells[targets[1] == 0] < 0.5).all()


def test_the_stream_repeats_with_its_seed_and_not_otherwise(tmp_path: Path) -> None:
    pool = Pool(paired_corpus(tmp_path, 4))

    def first(seed: int, start: int = 0) -> torch.Tensor:
        stream = PairStream(pool, Chain(), Mixture(), crop=64, seed=seed, start=start)
        return next(iter(stream))[0]

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
    assert not torch.equal(first(1), first(1, start=100))  # a resumed run sees other pictures
    with pytest.raises(ValueError, match="multiple"):
        PairStream(pool, Chain(), Mixture(), crop=65, seed=1, start=0)


@pytest.mark.parametrize("name", ["patchnet", "residual"])
def test_training_learns_a_planted_trace_and_goes_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = paired_corpus(tmp_path / "data")
    monkeypatch.setattr(training, "VALIDATION_PAIRS", 10)
    ours = RECIPES[name]
    recipe = Recipe(
        name=name, build=ours.build, paper="", crop=64, batch=8, lr=2e-3, top=ours.top, chain=CALM
    )
    config = training.TrainConfig(steps=60, warmup=2, check_every=20, ema=0.5, workers=0)
    out, calls, loss_of = tmp_path / "run", iter(range(1000)), training.loss_of

    def interrupted(*given: object) -> torch.Tensor:
        if next(calls) == 25:
            raise KeyboardInterrupt
        return loss_of(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "loss_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.train(recipe, data, out, config)
    last = training.train(recipe, data, out, config)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [20, 40, 60]
    assert log[-1]["loss"] < log[0]["loss"]
    assert log[-1]["auc_aligned"] > 0.9
    with pytest.raises(ValueError, match="other options"):
        training.train(recipe, data, out, replace(config, seed=2))
    net = recipe.build()
    net.load_state_dict(training.averaged(last))
