"""Translation: networks of any size, the pool, losses at known values, a tint that is learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from unmask.errors import WeightsError
from unmask.generate.alignment import align
from unmask.generate.checkpoint import learned, read
from unmask.generate.game import Batch
from unmask.generate.games.translation import (
    ENTRIES,
    CutGame,
    CycleGame,
    TranslationGame,
    cut,
)
from unmask.generate.image_pool import ImagePool
from unmask.generate.pictures import to_pixels, to_tensor
from unmask.generate.resnet_translator import (
    LEAST_SIDE,
    PatchCritic,
    PatchHead,
    ResNetTranslator,
    patch_contrast,
)
from unmask.generate.training import TrainConfig, TrainingError, train
from unmask.generate.translate import (
    FACE,
    TranslationError,
    face_square,
    reconstruct,
    translate,
)

SIDE = 16
TINT = torch.tensor([0.5, 0.0, -0.5]).view(1, 3, 1, 1)
CONFIG = TrainConfig(images=24, batch=4, betas=(0.5, 0.999), check_every=3)


def pictures(rng: np.random.Generator, size: int) -> Tensor:
    """Soft grey shapes within 0.4 of 0."""
    coarse = torch.from_numpy(rng.uniform(-0.4, 0.4, (size, 1, 4, 4))).float()
    return F.interpolate(coarse, (SIDE, SIDE), mode="bilinear").repeat(1, 3, 1, 1)


def tinted(rng: np.random.Generator, size: int) -> Batch:
    return {"a": pictures(rng, size), "b": pictures(rng, size) + TINT}


def small(seed: int = 0) -> CycleGame:
    torch.manual_seed(seed)
    generator = nn.ModuleDict({way: ResNetTranslator(8, 1) for way in ("ab", "ba")})
    critic = nn.ModuleDict({domain: PatchCritic(8, 1) for domain in ("a", "b")})
    return CycleGame(generator, critic, side=SIDE, identity=0.0, pool=6)


class Constant(nn.Module):
    """A critic of one opinion."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, images: Tensor) -> Tensor:
        return images.new_full((len(images), 1, 2, 2), self.value)


def agreed(value: float = 0.25) -> CycleGame:
    """Translators that change nothing, critics that say one value."""
    generator = nn.ModuleDict({"ab": nn.Identity(), "ba": nn.Identity()})
    critic = nn.ModuleDict({"a": Constant(value), "b": Constant(value)})
    return CycleGame(generator, critic, side=SIDE)


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_translator_takes_pictures_of_any_size(transposed: bool) -> None:
    net = ResNetTranslator(4, 1, transposed=transposed)
    for size in ((16, 16), (17, 23), (LEAST_SIDE, 30), (21, 8)):
        made = net(torch.rand(2, 3, *size))
        assert made.shape == (2, 3, *size)
        assert made.abs().max() <= 1
    kinds = [isinstance(m, nn.ConvTranspose2d) for m in net.modules()]
    assert sum(kinds) == 2 * transposed


def test_a_translation_does_not_depend_on_the_rest_of_the_batch() -> None:
    net, images = ResNetTranslator(4, 2), torch.rand(3, 3, 16, 20)
    assert torch.allclose(net(images)[1:2], net(images[1:2]), atol=1e-5)


def test_a_larger_picture_of_one_pattern_is_translated_alike() -> None:
    torch.manual_seed(0)
    net, tile = ResNetTranslator(4, 1), torch.rand(1, 3, 8, 8)
    # Away from the borders, of which the larger picture has fewer for its area.
    small, large = (
        net(tile.tile(1, 1, n, n))[..., 4 * n : 4 * n + 16, 4 * n : 4 * n + 16] for n in (8, 16)
    )
    alike = torch.corrcoef(torch.stack([small.flatten(), large.flatten()]))[0, 1]
    shifted = torch.corrcoef(torch.stack([small.flatten(), large.roll(3, 3).flatten()]))[0, 1]
    assert alike > 0.95
    assert shifted < 0.8


@pytest.mark.parametrize(("strides", "seen"), [(1, 16), (2, 34), (3, 70)])
def test_a_critic_sees_patches_of_its_size(strides: int, seen: int) -> None:
    critic = PatchCritic(4, strides)
    for i, module in enumerate(critic):
        if isinstance(module, nn.InstanceNorm2d):
            critic[i] = nn.Identity()  # it sees the whole picture, if only its mean and variance
    images = torch.rand(1, 3, 128, 128, requires_grad=True)
    logits = critic(images)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    assert images.grad is not None
    rows = images.grad.abs().sum((0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == seen


def test_a_pool_gives_the_new_picture_until_full_and_then_half_old_ones() -> None:
    torch.manual_seed(0)
    pool = ImagePool(8, 2)
    numbered = torch.arange(1.0, 409).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    assert torch.equal(pool(numbered[:8]), numbered[:8])
    given = torch.cat([pool(part) for part in numbered[8:].split(4)])
    own = given[:, 0, 0, 0] == numbered[8:, 0, 0, 0]
    assert 0.4 < own.float().mean() < 0.6
    assert (given <= numbered[8:]).all()  # the others are older
    kept = pool.images[:, 0, 0, 0]
    everything = torch.cat([given[:, 0, 0, 0], kept]).sort().values
    assert torch.equal(everything, numbered[:, 0, 0, 0])  # nothing is lost or doubled


def test_a_pool_goes_on_where_it_was_saved() -> None:
    numbered = torch.arange(60.0).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    first, second = ImagePool(5, 2), ImagePool(5, 2)
    torch.manual_seed(0)
    first(numbered[:20])
    second.load_state_dict(first.state_dict())
    found = []
    for pool in (first, second):
        torch.manual_seed(1)
        found.append(pool(numbered[20:]))
    assert torch.equal(found[0], found[1])
    assert (found[0] < 20).any()
    assert torch.equal(ImagePool(0, 2)(numbered), numbered)


def test_losses_at_known_values() -> None:
    game, batch = agreed(0.25), tinted(np.random.default_rng(0), 2)
    loss, stats = game.critic_loss(batch, 0)
    assert loss.item() == pytest.approx(2 * 0.5 * (0.75**2 + 0.25**2))
    assert stats["fake_a"].item() == 0.25
    loss, stats = game.generator_loss(batch, 0)
    assert (stats["cycle"].item(), stats["identity"].item()) == (0, 0)
    assert loss.item() == pytest.approx(2 * 0.75**2)


def test_the_way_back_and_the_identity_weigh_as_asked() -> None:
    class Lighter(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images + 0.1

    game, batch = agreed(1.0), tinted(np.random.default_rng(0), 2)
    game.generator["ab"] = Lighter()
    loss, stats = game.generator_loss(batch, 0)
    assert stats["cycle"].item() == pytest.approx(0.1, abs=1e-6)
    assert stats["identity"].item() == pytest.approx(0.05, abs=1e-6)
    assert loss.item() == pytest.approx(10 * (0.1 + 0.1) + 5 * 0.1, abs=1e-4)


def test_patches_in_their_places_contrast_less_than_shuffled_ones() -> None:
    torch.manual_seed(0)
    features, places = torch.rand(2, 8, 8, 8), torch.randperm(64)[:40]
    found = PatchHead(8)(features, places)
    assert found.norm(dim=2).sub(1).abs().max() < 1e-5
    right = patch_contrast(found, found)
    assert right < patch_contrast(found, found.roll(1, 1)) - 0.1
    same = F.normalize(torch.ones(1, 40, 8), dim=2)
    assert patch_contrast(same, same).item() == pytest.approx(np.log(40), abs=1e-4)
    apart = torch.eye(8)[None]
    expected = np.log(1 + 7 * np.exp(-1 / 0.5))
    assert patch_contrast(apart, apart, 0.5).item() == pytest.approx(expected, abs=1e-5)


def test_cut_knows_places_again_also_when_turned() -> None:
    torch.manual_seed(0)
    game = CutGame(ResNetTranslator(8, 2), PatchCritic(8, 1), side=32, flips=True)
    images = torch.rand(2, 3, 32, 32)
    found = []
    for fake, turned in ((images, False), (images.flip(3), True), (images.flip(3), False)):
        torch.manual_seed(1)
        found.append(game.compared(fake, images, turned=turned).item())
    right, turned_back, wrong = found
    assert right < wrong - 0.1
    assert turned_back < wrong - 0.1


def test_the_heads_of_cut_learn_with_the_generator() -> None:
    torch.manual_seed(0)
    game = cut(32, 4, 2, strides=1)
    batch = {"a": torch.rand(2, 3, 32, 32), "b": torch.rand(2, 3, 32, 32)}
    loss, stats = game.generator_loss(batch, 0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.any() for p in game.generator["heads"].parameters())
    expected = stats["adversarial"] + (stats["contrast"] + stats["identity"]) / 2
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_tint_is_learned_without_pairs(tmp_path: Path) -> None:
    game = small()
    images = pictures(np.random.default_rng(99), 32)

    def gap() -> float:
        with torch.no_grad():
            return F.l1_loss(game.generator["ab"](images), images + TINT).item()

    before, untouched = gap(), TINT.abs().mean().item()
    config = replace(CONFIG, images=8 * 150, batch=8, lr_generator=2e-3, lr_critic=2e-3)
    train(game, tinted, replace(config, check_every=1000), tmp_path)
    after = gap()
    assert after < 0.5 * untouched < before


@pytest.mark.parametrize("kind", ["cycle", "cut"])
def test_a_stopped_run_goes_on_to_the_very_numbers(tmp_path: Path, kind: str) -> None:
    def built() -> TranslationGame:
        if kind == "cycle":
            return small()
        torch.manual_seed(0)
        return cut(SIDE, 4, 1, strides=1, fast=True)

    whole, parts = built(), built()
    train(whole, tinted, CONFIG, tmp_path / "whole")
    train(built(), tinted, replace(CONFIG, images=12), tmp_path / "parts")
    outcome = train(parts, tinted, CONFIG, tmp_path / "parts")
    assert outcome.step == 6
    assert equal(whole.state_dict(), parts.state_dict())
    last = [read(tmp_path / d / "last.pt")["average"] for d in ("whole", "parts")]
    assert equal(last[0], last[1])


def test_pictures_stay_in_the_run_and_out_of_the_weights(tmp_path: Path) -> None:
    game = small()
    outcome = train(game, tinted, CONFIG, tmp_path)
    assert game.shown.held.item() == 6
    assert "shown.a" in read(outcome.checkpoint)["game"]
    generator, critic, _ = learned(outcome.checkpoint)
    assert not [k for k in (*generator, *critic) if "shown" in k or "pool" in k]


def test_a_preview_has_a_row_for_each_example() -> None:
    game = agreed()
    assert game.preview(game.generator).abs().max() == 0  # grey before the first example
    a, b = torch.rand(9, 3, SIDE, SIDE), torch.rand(9, 3, SIDE, SIDE)
    game.show(a, b)
    rows = game.preview(game.generator).unflatten(0, (6, 6))
    assert torch.equal(rows[:, 0], a[:6])
    assert torch.equal(rows[:, 4], b[:6])
    one_way = cut(SIDE, 4, 1, strides=1)
    one_way.show(a, b)
    assert torch.equal(one_way.preview(one_way.generator).unflatten(0, (4, 4))[:, 2], b[:4])


def test_batches_that_do_not_fit_are_refused() -> None:
    game, images = agreed(), torch.rand(2, 3, SIDE, SIDE)
    with pytest.raises(TrainingError, match="Two domains"):
        game.critic_loss({"images": images}, 0)
    with pytest.raises(TrainingError, match="not of"):
        game.generator_loss({"a": images, "b": torch.rand(2, 3, 8, 8)}, 0)


def test_every_entry_can_be_built_small_and_takes_its_size() -> None:
    names = [entry.name for entry in ENTRIES]
    assert names == ["men-women", "horse-zebra", "photo-painting", "cut-men-women"]
    for entry in (ENTRIES[0], ENTRIES[3]):
        profile = entry.profiles["tiny"]
        game, side = profile.build(), profile.side
        images = torch.rand(1, 3, side, side)
        loss, _ = game.critic_loss({"a": images, "b": images}, 0)
        assert torch.isfinite(loss)
    assert "horse2zebra.zip" in ENTRIES[1].needs


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_picture_of_any_size_is_translated() -> None:
    net = small().generator
    for size in ((1, 1), (13, 18), (50, 7)):
        assert translate(net, noise(*size)).shape == (*size, 3)
        assert translate(net, noise(*size), to="a").dtype == np.uint8
    assert not np.array_equal(translate(net, noise(16, 16)), translate(net, noise(16, 16), to="a"))
    whole = noise(16, 24)
    expected = to_pixels(net["ab"](to_tensor(whole[None])))[0]
    assert np.array_equal(translate(net, whole), expected)


class Inverted(nn.Module):
    """What it does to a pixel depends on nothing else, so that tiles must not show."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(-1.0))
        self.sizes: list[tuple[int, int]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.sizes.append((images.shape[2], images.shape[3]))
        return images * self.scale


def test_tiles_cover_the_picture_and_do_not_show() -> None:
    net, pixels = nn.ModuleDict({"ab": Inverted(), "ba": Inverted()}), noise(101, 45)
    assert np.array_equal(translate(net, pixels, tile=32, overlap=8), 255 - pixels)
    assert set(net["ab"].sizes) == {(32, 32)}
    assert np.array_equal(reconstruct(net, pixels, tile=32, overlap=8), pixels)
    assert np.array_equal(reconstruct(net, pixels, by="a"), pixels)


def test_what_cannot_be_translated_is_refused() -> None:
    pixels = noise(16, 16)
    one_way = nn.ModuleDict({"ab": Inverted()})
    with pytest.raises(TranslationError, match="only to b"):
        translate(one_way, pixels, to="a")
    with pytest.raises(TranslationError, match="only to b"):
        reconstruct(one_way, pixels)
    for wrong in (pixels[..., 0], pixels.astype(float), pixels[:0]):
        with pytest.raises(TranslationError, match="of bytes"):
            translate(one_way, wrong)
    for tile, overlap in ((30, 8), (32, 16), (32, 7), (8, 0)):
        with pytest.raises(TranslationError, match="Tiles"):
            translate(one_way, pixels, tile=tile, overlap=overlap)


def test_a_face_is_the_middle_square_or_lies_as_in_the_training_set(tmp_path: Path) -> None:
    assert np.array_equal(face_square(noise(20, 30), 20), noise(20, 30)[:, 5:25])
    with pytest.raises(WeightsError, match="no face detector"):
        face_square(noise(20, 30), 20, model=tmp_path / "none.onnx")
    side, angle = 32, np.exp(0.3j)
    for scale in (0.8, 4.0, 9.0):  # of the face in the picture: the larger ones are shrunk first
        turned = (FACE * side @ (1, 1j)) * scale * angle + (130 + 20j)
        landmarks = np.stack([turned.real, turned.imag], 1)
        pixels = np.zeros((520, 520, 3), np.uint8)
        rows, columns = np.mgrid[:520, :520]
        for channel, (x, y) in enumerate(landmarks[:3]):
            spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (2 * scale) ** 2))
            pixels[..., channel] = (255 * spot).astype(np.uint8)
        made = align(pixels, landmarks, side, FACE).pixels.astype(float)
        for channel, goal in enumerate(FACE[:3] * side):
            weight = made[..., channel] / made[..., channel].sum()
            x, y = (weight.sum(0) * np.arange(side)).sum(), (weight.sum(1) * np.arange(side)).sum()
            assert np.hypot(x - goal[0], y - goal[1]) < 0.8


@pytest.mark.shared
def test_a_face_is_found_where_the_detector_is_there(shared: Path) -> None:
    model = next((shared / "weights" / "yunet").glob("*.onnx"))
    path = sorted((shared / "faces_men_women" / "men").glob("*.jpg"))[0]
    face = np.asarray(Image.open(path).convert("RGB"))
    wide = np.pad(face, [(10, 90), (120, 30), (0, 0)], constant_values=128)
    found = face_square(wide, 128, model=model)
    assert np.abs(found[32:96, 32:96].astype(float) - face[32:96, 32:96]).mean() < 20
    with pytest.raises(TranslationError, match="No face"):
        face_square(np.full((100, 100, 3), 90, np.uint8), 64, model=model)
