"""Hand-made features move with what they claim to see; their classifiers compute what they kept."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scenes import scene
from scipy.ndimage import gaussian_filter
from sklearn.ensemble import HistGradientBoostingClassifier

from unmask.datasets.manifest import Sample, Split
from unmask.detect import handmade_train
from unmask.detect.encodings import jpeg
from unmask.detect.handmade import columns, features, named
from unmask.detect.handmade_fit import CANDIDATES, discriminants
from unmask.detect.handmade_model import Linear, Trees, from_boosting, load, save
from unmask.detect.handmade_scene import asymmetric, normalised, shape_of
from unmask.detect.handmade_tiles import corners, cut
from unmask.detect.pair_stream import Pool
from unmask.errors import WeightsError

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture() -> Pixels:
    return scene(256, 256, seed=3)


def moved(before: Pixels, after: Pixels) -> dict[str, float]:
    one, two = named(before), named(after)
    return {name: two[name] - one[name] for name in one}


@pytest.mark.parametrize(
    "size", [(64, 64), (64, 900), (127, 333), (128, 128), (191, 257), (1100, 900)]
)
def test_every_size_gives_the_same_columns(size: tuple[int, int]) -> None:
    found = features(scene(*size))
    assert found.shape == (len(columns()),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_columns_have_names_of_their_own() -> None:
    assert len(set(columns())) == len(columns())
    assert tuple(named(scene(300, 200))) == columns()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_picture_has_finite_features(value: int) -> None:
    assert np.isfinite(features(np.full((90, 140, 3), value, np.uint8))).all()


def test_extremes_have_finite_features() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2, (128, 128, 3), dtype=np.uint8) * np.uint8(255)
    assert np.isfinite(features(noise)).all()


def test_small_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="64 pixels"):
        features(np.zeros((63, 500, 3), np.uint8))


def test_features_repeat(picture: Pixels) -> None:
    assert np.array_equal(features(picture), features(picture.copy()))
    turned = np.asfortranarray(picture)
    assert np.array_equal(features(picture), features(turned))


@pytest.mark.parametrize(
    ("size", "count"),
    [((64, 64), 1), ((300, 20000), 12), ((20000, 70), 4), ((1000, 1003), 16), ((7000, 5000), 16)],
)
def test_tiles_lie_inside_on_the_grid_and_are_few(size: tuple[int, int], count: int) -> None:
    side, found = corners(*size)
    assert len(set(found)) == len(found) == count
    for y, x in found:
        assert y % 8 == x % 8 == 0
        assert 0 <= y <= size[0] - side
        assert 0 <= x <= size[1] - side


def test_tiles_reach_both_ends() -> None:
    _, found = corners(1000, 256)
    assert min(y for y, _ in found) == 0
    assert max(y for y, _ in found) > 1000 - 128 - 8
    assert cut(np.zeros((1000, 256, 3), np.uint8)).luma.shape == (8, 128, 128)


def test_a_checkerboard_raises_its_own_lattice_point(picture: Pixels) -> None:
    board = (np.indices(picture.shape[:2]).sum(0) % 2 * 6 - 3)[..., None]
    change = moved(picture, np.clip(picture + board, 0, 255).astype(np.uint8))
    assert change["lattice.luma.4_4"] > 1
    for other in ("2_2", "0_4", "0_2", "axis_eighths", "off_eighths"):
        assert abs(change[f"lattice.luma.{other}"]) < 0.3
    # All colours alike: between them there is only what their medians differ in.
    assert change["lattice.rg.4_4"] < change["lattice.luma.4_4"] - 0.5
    assert change["block.luma.62"] > 0.5  # the last coefficient holds the finest pattern
    assert change["neighbour.luma.1"] < -0.05


def test_doubling_a_picture_makes_neighbours_alike(picture: Pixels) -> None:
    small = Image.fromarray(picture[:128, :128])
    twice = np.asarray(small.resize((256, 256), Image.Resampling.NEAREST))
    change = moved(picture, twice)
    assert change["neighbour.luma.1"] > 0.05
    assert change["share.first.0.5"] > 0.2


def test_smoothing_empties_the_high_rings(picture: Pixels) -> None:
    soft = gaussian_filter(picture.astype(float), (1, 1, 0)).round().astype(np.uint8)
    change = moved(picture, soft)
    assert change["ring.luma.level"] < -0.5
    rings = [change[f"ring.luma.{i}"] for i in range(22)]
    assert np.mean(rings[10:16]) < np.mean(rings[2:6]) - 0.5
    assert change["block.luma.62"] < -0.3
    assert change["whole.luma.63"] < -0.3
    assert change["share.square5.1"] > 0.2


def test_lines_every_eight_pixels_stand_on_the_axes(picture: Pixels) -> None:
    rows, columns_ = np.indices(picture.shape[:2])
    lines = (((rows % 8 == 0) * 6) + ((columns_ % 8 == 0) * 6))[..., None]
    change = moved(picture, np.clip(picture + lines, 0, 255).astype(np.uint8))
    assert change["lattice.luma.axis_eighths"] > 0.5
    assert change["lattice.luma.axis_eighths"] > change["lattice.luma.off_eighths"] + 0.3


def test_jpeg_empties_the_last_coefficients_on_its_own_grid(picture: Pixels) -> None:
    once = jpeg(picture, 50)
    own, beside = named(once), named(np.ascontiguousarray(once[4:, 4:]))
    assert own["block.luma.62"] < beside["block.luma.62"] - 0.2


def test_shared_grain_ties_the_colours_together() -> None:
    rng = np.random.default_rng(4)
    own = np.clip(rng.normal(128, 5, (128, 128, 3)), 0, 255).astype(np.uint8)
    shared = np.repeat(own[..., :1], 3, axis=2)
    one, two = named(own), named(shared)
    assert abs(one["correlation.red_green"]) < 0.05
    assert two["correlation.red_green"] > 0.95
    equal = sum(two[f"pairs.rg.{i}"] for i in range(13)), two["variance.rg"]
    assert equal[0] == pytest.approx(1)
    assert equal[1] < one["variance.rg"] - 2


def test_pairs_are_shares(picture: Pixels) -> None:
    found = named(picture)
    for name in ("along", "beside", "touching", "diagonal", "rg", "gb", "rb"):
        shares = [v for k, v in found.items() if k.startswith(f"pairs.{name}.")]
        assert len(shares) == (13 if len(name) == 2 else 9)
        assert sum(shares) == pytest.approx(1)
        assert min(shares) >= 0
    steps = [found[f"share.first.{s}"] for s in ("0.5", "1", "2", "4", "8", "16")]
    assert steps == sorted(steps)


@pytest.mark.parametrize(("shape", "draw"), [(2.0, "normal"), (1.0, "laplace")])
def test_the_shape_of_a_known_distribution_is_found(shape: float, draw: str) -> None:
    values = getattr(np.random.default_rng(1), draw)(0, 3, 200_000)
    found = shape_of(float(np.abs(values).mean()), float((values**2).mean()))
    assert found == pytest.approx(shape, rel=0.03)


def test_asymmetry_is_found() -> None:
    rng = np.random.default_rng(2)
    size = np.abs(rng.normal(0, 1, 200_000))
    # Of an asymmetric Gaussian the wider side is drawn as much more often as it is wider.
    right = rng.random(200_000) < 2 / 3
    values = np.where(right, 2 * size, -size).astype(np.float32)
    shape, mean, left_deviation, right_deviation = asymmetric(values)
    assert shape == pytest.approx(2, rel=0.05)
    assert mean == pytest.approx(float(values.mean()), rel=0.05)
    assert (left_deviation, right_deviation) == pytest.approx((1, 2), rel=0.02)


def test_normalised_noise_is_near_gaussian_whatever_its_strength() -> None:
    def noise(strength: float) -> Pixels:
        grain = np.random.default_rng(3).normal(0, strength, (256, 256, 1))
        return np.repeat(np.clip(grain + 128, 0, 255), 3, axis=2).astype(np.uint8)

    found, strong = named(noise(12)), named(noise(24))
    # A pixel is part of its own local deviation, which takes the tails in: a little above 2.
    assert 2 <= found["scene.full.shape"] < 3.2
    assert found["scene.full.shape"] == pytest.approx(strong["scene.full.shape"], rel=0.05)
    values = normalised(cut(noise(12)).luma)
    assert abs(float(values.mean())) < 0.02
    assert 0.5 < float(values.std()) < 1.1
    # Grain whose strength varies within a window has heavier tails.
    rng = np.random.default_rng(4)
    spots = rng.normal(0, 3, (256, 256, 1)) * np.where(rng.random((256, 256, 1)) < 0.1, 8, 1)
    heavy = np.repeat(np.clip(spots + 128, 0, 255), 3, axis=2).astype(np.uint8)
    assert named(heavy)["scene.full.shape"] < found["scene.full.shape"] - 0.8


def toy(count: int = 600) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(5)
    fake = np.arange(count) % 2 == 0
    x = rng.normal(size=(count, 8)).astype(np.float32)
    x[:, 2] += fake * 1.2
    x[:, 5] *= np.where(fake, 2.0, 0.7)  # only a curved boundary sees this
    return x.astype(np.float64), fake


def test_kept_trees_compute_what_scikit_learn_does(tmp_path: Path) -> None:
    x, fake = toy()
    fitted = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=9).fit(x[:400], fake[:400])
    trees = from_boosting(fitted)
    expected = fitted.decision_function(x)
    assert trees.logit(x) == pytest.approx(expected, abs=1e-9)
    assert np.ptp(expected) > 1
    save(trees, ("a",) * 8, tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors", ("a",) * 8)
    assert isinstance(again, Trees)
    assert np.array_equal(again.logit(x), trees.logit(x))


def test_rows_on_a_threshold_go_left_as_in_scikit_learn() -> None:
    x = np.repeat(np.arange(6.0), 40)[:, None]
    fitted = HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=5).fit(x, x[:, 0] > 2)
    trees = from_boosting(fitted)
    edges = np.unique(trees.threshold[trees.feature >= 0])[:, None]
    assert len(edges)
    assert trees.logit(edges) == pytest.approx(fitted.decision_function(edges), abs=1e-9)


@pytest.mark.parametrize("name", CANDIDATES)
def test_candidates_learn_and_survive_storage(name: str, tmp_path: Path) -> None:
    x, fake = toy()
    model = CANDIDATES[name](x[:400], fake[:400], np.ones(400))
    right = (model.logit(x[400:]) > 0) == fake[400:]
    assert right.mean() > 0.65
    save(model, tuple("abcdefgh"), tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors", tuple("abcdefgh"))
    assert np.array_equal(again.logit(x), model.logit(x))


def test_weights_count_in_every_candidate() -> None:
    x, fake = toy()
    heavy = np.where(fake, 10.0, 1.0)
    for fit in (CANDIDATES["boosted trees"], CANDIDATES["ridge logistic regression"]):
        assert fit(x, fake, heavy).logit(x).mean() > fit(x, fake, np.ones(len(x))).logit(x).mean()


def test_a_linear_model_levels_off() -> None:
    x, fake = toy()
    model = discriminants(x, fake, np.ones(len(x)))
    assert isinstance(model, Linear)
    far = np.full((1, 8), 1e9)
    assert model.logit(far) == pytest.approx(model.logit(10 * far))


def test_other_features_and_damage_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    x, fake = toy()
    save(discriminants(x, fake, np.ones(len(x))), tuple("abcdefgh"), path)
    with pytest.raises(WeightsError, match="other features"):
        load(path, tuple("abcdefgx"))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(WeightsError, match="cannot be read"):
        load(path, tuple("abcdefgh"))
    with pytest.raises(WeightsError, match="cannot be read"):
        load(tmp_path / "missing.safetensors", tuple("abcdefgh"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Twenty small photographs and their fakes, which carry a faint checkerboard."""
    root = tmp_path_factory.mktemp("corpus")
    board = (np.indices((128, 128)).sum(0) % 2 * 30 - 15)[..., None]
    found = []
    for i in range(20):
        real = scene(128, 128, seed=i)
        for fake in (False, True):
            pixels = np.clip(real + board * fake, 0, 255).astype(np.uint8)
            path = root / ("board" if fake else "camera") / f"{i}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(path)
            found.append(
                Sample(
                    path=path,
                    fake=fake,
                    generator="board" if fake else "camera",
                    corpus="toy",
                    source=str(i),
                    split=Split.TRAIN,
                )
            )
    return found


def test_gathering_repeats_with_its_seed(corpus: list[Sample]) -> None:
    pool, plain = Pool(corpus), handmade_train.KINDS["aligned"]
    one, two, other = (handmade_train.gather(pool, plain, 3, seed) for seed in (1, 1, 2))
    assert one.x.shape == (6, len(columns()))
    assert one.fake.tolist() == [False, True] * 3
    assert one.pair.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.array_equal(one.x, two.x)
    assert not np.array_equal(one.x, other.x)


def test_training_never_reads_the_test_split(
    corpus: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = {n: Split.VALIDATION if n >= 14 else Split.TRAIN for n in range(20)}
    data = [replace(s, split=splits[int(s.source)]) for s in corpus]
    absent = replace(corpus[0], split=Split.TEST, path=tmp_path / "absent.png", source="other")
    monkeypatch.setattr(handmade_train, "VALIDATION_PAIRS", 12)
    out = tmp_path / "made" / "handmade.safetensors"
    report = handmade_train.train([*data, absent], out, pairs=60)
    found = report["validation_auc"]
    assert set(found) == set(CANDIDATES)
    assert report["chosen"] == max(found, key=lambda name: found[name]["aligned"][0])
    assert found[report["chosen"]]["aligned"][0] > 0.7
    assert json.loads(out.with_suffix(".json").read_text()) == report
    load(out, columns())
    with pytest.raises(ValueError, match="No fake"):
        handmade_train.train([s for s in data if s.split is Split.TRAIN], out, pairs=2)
