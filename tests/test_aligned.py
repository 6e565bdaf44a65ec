"""Aligned data: decoders, what they are trained to, reconstructions, simulators and blends."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scenes import decoded, encoded, scene

from unmask.datasets import pairs, reconstruct
from unmask.datasets.decoder_training import DecoderTraining, train
from unmask.datasets.decoder_weights import load_decoder, pack, shipped_decoders
from unmask.datasets.decoders import (
    FAMILIES,
    SPECS,
    Autoencoder,
    Bottleneck,
    DecoderSpec,
    Loss,
    build,
)
from unmask.datasets.loaders import DatasetError, DatasetReason, load
from unmask.datasets.manifest import Sample, Split
from unmask.datasets.reconstruct import ReconstructConfig
from unmask.errors import WeightsError

Pixels = NDArray[np.uint8]
SMALL = DecoderTraining(steps=8, batch=2, crop=32, critic_after=3, save_every=4)
TINY = "pixel-shuffle-d1-plain-l1"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def built(name: str) -> Autoencoder:
    torch.manual_seed(0)
    return build(SPECS[name]).eval()


# Decoders


def test_the_zoo_differs_in_everything_that_leaves_a_trace() -> None:
    assert len(SPECS) >= 24
    kinds = {(s.upsample, s.depth, s.bottleneck, s.loss) for s in SPECS.values()}
    assert len(kinds) == len(SPECS)
    assert {s.depth for s in SPECS.values()} == {1, 2, 3, 4}
    for values in ({s.bottleneck for s in SPECS.values()}, {s.loss for s in SPECS.values()}):
        assert len(values) == 3


def test_a_family_is_on_one_side() -> None:
    assert {s.family for s in SPECS.values()} == set(FAMILIES)
    assert {s.split for s in SPECS.values()} == set(Split)
    for family in FAMILIES:
        assert len({s.split for s in SPECS.values() if s.family == family}) == 1
    kept = {s.upsample for s in SPECS.values() if s.split is Split.TRAIN}
    assert not kept & {s.upsample for s in SPECS.values() if s.split is Split.VALIDATION}
    for spec in SPECS.values():  # a tested family shares its up-sampling or its codes with no other
        if spec.split is Split.TEST:
            assert spec.upsample not in kept or spec.bottleneck is Bottleneck.VQ
        else:
            assert spec.bottleneck is not Bottleneck.VQ


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_every_decoder_keeps_the_size_and_learns_everywhere(spec: DecoderSpec) -> None:
    torch.manual_seed(0)
    net = build(spec)
    assert 70_000 < sum(p.numel() for p in net.parameters()) < 500_000
    images = torch.rand(2, 3, 2 * 2**spec.depth, 3 * 2**spec.depth)
    out, cost = net.penalised(images)
    assert out.shape == images.shape
    ((out - images).abs().mean() + cost).backward()
    still = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still
    inside = net.eval()(images)
    assert 0 <= inside.detach().min() <= inside.detach().max() <= 1
    assert torch.equal(inside, net(images))  # nothing random once it is trained


def test_sides_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        build(SPECS["nearest-d4-plain-l1-gradient"])(torch.rand(1, 3, 32, 40))


def test_codes_are_all_that_passes_a_codebook() -> None:
    book = built("vq-nearest-d2-l1-gradient").bottleneck
    quantised, _ = book(torch.randn(2, 24, 5, 7))
    vectors = quantised.unflatten(1, (3, 4)).movedim(2, -1).reshape(-1, 4)
    assert torch.cdist(vectors, book.codes).min(1).values.max().item() < 1e-3


# Training


def photographs(count: int = 4) -> list[Pixels]:
    return [scene(96, 112, seed) for seed in range(count)]


@pytest.mark.parametrize("name", ["pixel-shuffle-d2-plain-adversarial", "vq-nearest-d1-l1"])
def test_training_that_stops_goes_on_to_the_same_weights(tmp_path: Path, name: str) -> None:
    def stop(step: int, _error: float) -> None:
        if step == 6:  # after the checkpoint of step 4
            raise InterruptedError

    whole = train(SPECS[name], photographs(), SMALL, tmp_path / "whole.pt")
    with pytest.raises(InterruptedError):
        train(SPECS[name], photographs(), SMALL, tmp_path / "parts.pt", stop)
    seen: list[int] = []
    parts = train(
        SPECS[name], photographs(), SMALL, tmp_path / "parts.pt", lambda s, _e: seen.append(s)
    )
    assert seen == [5, 6, 7, 8]
    for key, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[key]), key


def test_training_learns_and_leaves_the_random_state_alone(tmp_path: Path) -> None:
    errors: list[float] = []
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    config = replace(SMALL, steps=40, batch=2, warmup=5)
    train(SPECS[TINY], photographs(), config, tmp_path / "a.pt", lambda _, e: errors.append(e))
    assert np.mean(errors[-10:]) < 0.5 * np.mean(errors[:5])
    assert torch.equal(torch.rand(1), expected)


def test_the_critic_changes_what_is_learned_only_after_its_start(tmp_path: Path) -> None:
    judged = SPECS["nearest-d2-plain-adversarial"]
    alone = replace(judged, loss=Loss.L1)

    def weights(spec: DecoderSpec, steps: int) -> torch.Tensor:
        config = replace(SMALL, steps=steps, critic_after=2)
        net = train(spec, photographs(), config, tmp_path / f"{spec.loss}{steps}.pt")
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    assert torch.equal(weights(judged, 2), weights(alone, 2))
    assert not torch.equal(weights(judged, 4), weights(alone, 4))


def test_checkpoints_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    config = replace(SMALL, steps=1)
    train(SPECS[TINY], photographs(), config, path)
    for spec, options in (
        (SPECS["nearest-d1-plain-l1"], config),
        (SPECS[TINY], replace(config, lr=1.0)),
    ):
        with pytest.raises(DatasetError, match="other options") as caught:
            train(spec, photographs(), options, path)
        assert caught.value.reason is DatasetReason.UNREADABLE
    path.write_bytes(b"no checkpoint")
    with pytest.raises(DatasetError, match="no checkpoint"):
        train(SPECS[TINY], photographs(), config, path)
    with pytest.raises(DatasetError) as caught:
        train(SPECS[TINY], [], config, tmp_path / "none.pt")
    assert caught.value.reason is DatasetReason.EMPTY


# Reconstruction


@pytest.mark.parametrize("shape", [(70, 150), (33, 200), (64, 64), (17, 19)])
def test_tiles_show_no_seam(shape: tuple[int, int]) -> None:
    net = built("bilinear-d1-plain-l1")
    pixels = scene(*shape)
    whole = pairs.reconstruct(net, pixels, tile=512)
    tiled = pairs.reconstruct(net, pixels, tile=64, margin=24)
    assert tiled.shape == pixels.shape
    assert np.abs(whole.astype(int) - tiled).max() <= 1  # rounding alone
    if shape[1] > 100:  # the check can fail: without a margin, it does
        seams = pairs.reconstruct(net, pixels, tile=64, margin=0)
        assert np.abs(whole.astype(int) - seams).max() > 1


def test_the_fake_has_no_frame() -> None:
    net = built("bilinear-d1-plain-l1")
    flat = np.full((40, 40, 3), 180, np.uint8)
    with torch.inference_mode():
        bare = net(torch.full((1, 3, 40, 40), 180 / 255))[0] * 255
    framed = pairs.reconstruct(net, flat).reshape(-1, 3)
    spread = bare.flatten(1).amax(1) - bare.flatten(1).amin(1)
    assert np.ptp(framed, axis=0).max() < 0.4 * spread.max().item()


def tree(root: Path, count: int = 12) -> Path:
    """Photographs alone: JPEG of two qualities and sizes, a grey one, a PNG, one damaged."""
    root.mkdir()
    for i in range(count):
        data = encoded(scene(80 + 8 * (i % 3), 100, i), quality=(90, 70)[i % 2])
        (root / f"p{i}.jpg").write_bytes(data)
    grey = io.BytesIO()
    Image.fromarray(scene(96, 96, 90)).convert("L").save(grey, "JPEG", quality=80)
    (root / "grey.jpg").write_bytes(grey.getvalue())
    (root / "plain.png").write_bytes(encoded(scene(96, 96, 91), format="PNG"))
    (root / "broken.jpg").write_bytes(data[: len(data) // 3])
    (root / "small.png").write_bytes(encoded(scene(40, 96, 92), format="PNG"))
    return root


def test_a_set_of_pairs(tmp_path: Path) -> None:
    names = [TINY, "transposed-k3-d1-kl-l1-gradient", "subpixel-blur-d1-kl-l1-gradient"]
    config = ReconstructConfig(side=64, shares=(0.4, 0.3), training=replace(SMALL, steps=2))
    data, out = [f"real:{tree(tmp_path / 'mine')}"], tmp_path / "out"
    made = reconstruct.make(data, out, [SPECS[n] for n in names], config)

    samples = load(str(out))
    assert samples == made
    fakes = [s for s in samples if s.fake]
    reals = {s.source: s for s in samples if not s.fake}
    assert {s.generator for s in fakes} == set(names)
    assert len(fakes) == len(reals)  # three families of three splits: every photograph once
    assert not {s.path.name.split("-")[0] for s in samples} & {"broken", "small"}
    for fake in fakes:
        real = reals[fake.source]
        assert fake.split is real.split is SPECS[fake.generator].split
        assert fake.corpus == real.corpus == "mine"
        with Image.open(fake.path) as a, Image.open(real.path) as b:
            assert (a.size, a.mode, a.format, a.info) == (b.size, b.mode, b.format, b.info)
            assert a.tobytes() != b.tobytes()
            grey = "grey" in fake.source
            assert (np.ptp(np.asarray(a), axis=2).max() == 0) == grey
    noted = json.loads((out / "decoders.json").read_text())
    assert set(noted) == set(names)
    assert all(5 < n["psnr"] < 60 and n["pictures"] for n in noted.values())


def test_what_tests_gets_every_decoder_of_its_split(tmp_path: Path) -> None:
    names = ["nearest-d1-plain-l1", "subpixel-blur-d1-kl-l1-gradient", "vq-nearest-d1-l1"]
    config = ReconstructConfig(side=64, shares=(0.5, 0.0), part=0.4, shipped=True)
    data = [f"real:{tree(tmp_path / 'mine', 30)}"]
    made = reconstruct.make(data, tmp_path / "out", [SPECS[n] for n in names], config)
    every = reconstruct.photographs(data, limit=None, shares=config.shares)
    count = {split: sum(s.split is split for s in every) for split in Split}
    fakes = [sum(s.generator == name for s in made) for name in names]
    assert 0 < fakes[0] < 0.8 * count[Split.TRAIN]
    assert fakes[1] == fakes[2] >= count[Split.TEST] - 2  # two photographs are unfit


def test_a_set_is_gone_on_with(tmp_path: Path) -> None:
    config = ReconstructConfig(side=64, shares=(0.4, 0.3), training=replace(SMALL, steps=1))
    data, out = [f"real:{tree(tmp_path / 'mine')}"], tmp_path / "out"
    first = reconstruct.make(data, out, [SPECS[TINY]], config)
    fake = next(s for s in first if s.fake)
    before = fake.path.read_bytes()
    written = fake.path.stat().st_mtime_ns

    second = reconstruct.make(data, out, [SPECS["nearest-d1-plain-l1"]], config)
    assert set(first) < set(second)  # what was there stays
    reconstruct.make(data, out, [SPECS[TINY]], config)
    assert fake.path.stat().st_mtime_ns == written  # nor is it made again
    longer = replace(config, training=replace(config.training, steps=4))
    reconstruct.make(data, out, [SPECS[TINY]], longer)
    assert fake.path.read_bytes() != before
    with pytest.raises(DatasetError, match="other options"):
        reconstruct.make(data, out, [SPECS[TINY]], replace(longer, side=80))


def test_photographs_without_a_split_are_not_trained_on(tmp_path: Path) -> None:
    data, names = [f"real:{tree(tmp_path / 'mine')}"], [SPECS[TINY]]
    with pytest.raises(DatasetError, match="--shares") as caught:
        reconstruct.make(data, tmp_path / "out", names, ReconstructConfig(side=64))
    assert caught.value.reason is DatasetReason.EMPTY
    assert not (tmp_path / "out").exists()


def test_the_decoders_that_come_with_unmask_need_no_training(tmp_path: Path) -> None:
    names = ("subpixel-blur-d1-kl-l1-gradient", "vq-nearest-d3-adversarial")
    data = [f"real:{tree(tmp_path / 'mine')}"]
    config = ReconstructConfig(side=64, shipped=True)  # a folder's photographs are of TEST
    made = reconstruct.make(data, tmp_path / "out", [SPECS[n] for n in names], config)
    reals = {s.source: s for s in made if not s.fake}
    error = {}
    for name in names:
        fakes = [s for s in made if s.generator == name]
        assert len(fakes) == len(reals)
        error[name] = np.mean([pairs.psnr(opened(s), opened(reals[s.source])) for s in fakes])
    assert error[names[0]] > error[names[1]] + 2 > 18  # a deeper one loses more
    assert not list((tmp_path / "out").rglob("*.pt"))
    with pytest.raises(WeightsError, match="bicubic-d4-plain-l1"):
        load_decoder(SPECS["bicubic-d4-plain-l1"])


def test_without_names_those_that_come_with_unmask_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = shipped_decoders()
    assert "bicubic-d4-plain-l1" not in packed
    data, out = f"real:{tree(tmp_path / 'mine')}", tmp_path / "out"
    given = ["x", "--data", data, "--out", str(out), "--shipped", "--side", "64", "--limit", "1"]
    monkeypatch.setattr("sys.argv", given)
    reconstruct.main()
    assert list(json.loads((out / "decoders.json").read_text())) == packed


def opened(sample: Sample) -> Pixels:
    with Image.open(sample.path) as image:
        return np.asarray(image.convert("RGB"))


def test_decoders_are_packed_and_read_back(tmp_path: Path) -> None:
    data, run = [f"real:{tree(tmp_path / 'mine')}"], tmp_path / "run"
    config = ReconstructConfig(side=64, shares=(0.4, 0.3), training=replace(SMALL, steps=2))
    reconstruct.make(data, run, [SPECS[TINY]], config)
    target = tmp_path / "decoders.safetensors"
    card = pack([run], target)
    assert set(card.results) == {TINY}
    pixels = scene(1, 64, 64)
    fresh = train(SPECS[TINY], [pixels], config.training, run / "decoders" / f"{TINY}.pt")
    apart = pairs.reconstruct(load_decoder(SPECS[TINY], target), pixels).astype(int)
    assert abs(apart - pairs.reconstruct(fresh, pixels)).max() <= 2  # half precision
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "decoders.json").write_text("{}")
    with pytest.raises(DatasetError, match="no trained decoder"):
        pack([tmp_path / "none"], target)
    target.write_bytes(b"damaged")
    with pytest.raises(WeightsError):
        load_decoder(SPECS[TINY], target)


def test_a_limit_leaves_every_split_its_photographs(tmp_path: Path) -> None:
    data = [f"real:{tree(tmp_path / 'mine', 40)}"]
    found = reconstruct.photographs(data, limit=3, shares=(0.4, 0.3))
    assert [sum(s.split is split for s in found) for split in Split] == [3, 3, 3]


def blockiness(pixels: Pixels) -> float:
    """Steps across the 8-pixel grid over steps beside it; 1 without blocks."""
    steps = np.abs(np.diff(pixels.astype(float).mean(2), axis=1)).mean(0)
    return float(steps[7::8].mean() / steps[3::8].mean())


def test_the_fake_has_the_blocks_of_its_real(tmp_path: Path) -> None:
    data = encoded(scene(200, 232), quality=30)
    net = train(SPECS[TINY], [decoded(data)], replace(SMALL, steps=40), tmp_path / "a.pt")
    real, fake = pairs.pair(net, data, side=160, own_quality=True)
    _, bare = pairs.pair(net, data, side=160, own_quality=False)
    assert blockiness(bare) < blockiness(fake)
    assert real.shape == fake.shape == (160, 160, 3)
    assert blockiness(real) > 1.3  # the cut keeps the grid in its place
    assert blockiness(fake) > 1.2
