"""Fusion of the experts: quality read from pixels, the combiner, groups left out, thresholds."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from scenes import paired_corpus

from unmask.card import load_card, part_of
from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect import fusion_train
from unmask.detect.ablation import SHIPPED, calibration_by_view, compare, subsets
from unmask.detect.encodings import jpeg, resize
from unmask.detect.experts import expert_nets
from unmask.detect.fusion import LIMIT, Fusion, Fusions, fit_fusion
from unmask.detect.fusion_train import (
    MOST,
    SCALE,
    Inputs,
    _nets,
    build,
    calibrated,
    crossed,
    fitted,
    group_weights,
    shipped_coder,
    thinned,
    thresholds_of,
)
from unmask.detect.image_card import describe
from unmask.detect.inference import (
    WEIGHTS,
    Detector,
    load_detector,
    pool,
    shrunk,
)
from unmask.detect.likelihood import Coder, out_of_range, save_expert, surprise
from unmask.detect.likelihood_train import fit_range
from unmask.detect.quality import NAMES, quality
from unmask.detect.scale import Scale
from unmask.detect.train import averaged
from unmask.errors import WeightsError

NETS = ("patchnet", "residual")


def by_name(pixels: NDArray[np.uint8]) -> dict[str, float]:
    return dict(zip(NAMES, map(float, quality(pixels)), strict=True))


def test_blocks_rise_with_compression_wherever_the_grid_lies(
    photograph: NDArray[np.uint8],
) -> None:
    plain = by_name(photograph)["blocks"]
    strong = jpeg(photograph, 20)
    assert by_name(strong)["blocks"] > by_name(jpeg(photograph, 60))["blocks"] > plain - 0.05
    moved = np.ascontiguousarray(strong[3:, 5:])
    assert by_name(moved)["blocks"] == pytest.approx(by_name(strong)["blocks"], abs=0.1)


def test_sharpness_falls_with_blur_and_size_is_the_short_side(
    photograph: NDArray[np.uint8],
) -> None:
    soft = resize(resize(photograph, 0.4), 2.5)
    assert by_name(soft)["sharpness"] < by_name(photograph)["sharpness"] - 0.3
    assert by_name(photograph)["log_side"] == np.log2(min(photograph.shape[:2]))


def test_a_fusion_finds_what_tells_the_classes_apart() -> None:
    rng = np.random.default_rng(0)
    fake = rng.random(2000) < 0.3
    x = np.column_stack([fake + rng.normal(0, 1, 2000), rng.normal(0, 1, 2000)])
    found = fit_fusion(("useful", "noise"), x, fake, np.ones(2000))
    assert found.coefficients[0] > 5 * abs(found.coefficients[1])
    logits = found.logit(x)
    # The classes count alike although there are more photographs.
    assert abs(logits[fake].mean() + logits[~fake].mean()) < 0.2
    again = Fusion.load(found.to_json())
    assert np.allclose(again.logit(x), logits, atol=1e-3)
    assert found.slope("useful") == pytest.approx(found.coefficients[0] / found.scale[0])
    wild = found.logit([[1e9, 0.0]])[0]
    assert wild == pytest.approx(found.logit([[found.centre[0] + LIMIT * found.scale[0], 0.0]])[0])
    with pytest.raises(ValueError, match="both classes"):
        fit_fusion(("a", "b"), x, np.ones(2000, bool), np.ones(2000))


def sample(source: str, generator: str, corpus: str) -> Sample:
    return Sample(
        path=Path(f"{generator}/{source}.png"), fake=generator != CAMERA, generator=generator,
        corpus=corpus, source=source, split=Split.VALIDATION,
    )  # fmt: skip


def made_up(count: int = 60) -> Inputs:
    """Two generators and two corpora; `patchnet` sees both generators, `residual` one of them."""
    rng = np.random.default_rng(3)
    samples, rows = [], []
    for i in range(count):
        for generator, corpus, one, two in (
            (CAMERA, "a", 0, 0), (CAMERA, "b", 0, 0), ("g", "a", 2, 3), ("h", "b", 2, 0),
        ):  # fmt: skip
            samples.append(sample(f"{corpus}{i}", generator, corpus))
            views = [
                [one + rng.normal() - scale, two + rng.normal(), 8, 0, rng.normal(), scale]
                for scale in (0, 1, 2)
            ]
            rows.append(views)
    return Inputs(
        samples=tuple(samples), perturbations=("clean", "x", "y"), names=(*NETS, *NAMES, SCALE),
        values=np.array(rows),
    )  # fmt: skip


def test_a_group_is_judged_by_a_fusion_that_never_saw_it() -> None:
    inputs = made_up()
    without = tuple(s.generator != "g" for s in inputs.samples)
    at = np.array(without)
    kept = Inputs(
        samples=tuple(s for s, k in zip(inputs.samples, without, strict=True) if k),
        perturbations=inputs.perturbations, names=inputs.names, values=inputs.values[at],
    )  # fmt: skip
    fusions = fitted(kept, NETS)
    own = fusions.logit(inputs.flat(NETS), inputs.scales).reshape(len(inputs.samples), -1)
    found = crossed(inputs, NETS)
    assert np.allclose(found[~at], own[~at])
    assert not np.allclose(found[at], own[at])


def test_pictures_of_each_scale_have_a_fusion_of_their_own() -> None:
    """In the made-up pictures the first input is lower by 1 where they are small, by 2 enlarged."""
    inputs = made_up(200)
    fusions = fitted(inputs, NETS[:1])
    x = np.ones((3, 1))
    usual, small, enlarged = fusions.logit(x, list(Scale))
    for scale, found in zip(Scale, (usual, small, enlarged), strict=True):
        assert fusions.by_scale[scale].logit([[1.0]]) == found
    assert fusions.by_scale[Scale.SMALL].logit([[0.0]]) == pytest.approx(usual, abs=0.5)
    assert fusions.by_scale[Scale.ENLARGED].logit([[-1.0]]) == pytest.approx(usual, abs=0.5)
    assert enlarged > small + 0.3 > usual + 0.6
    again = Fusions.load(fusions.to_json())
    assert again.logit(x, list(Scale)) == pytest.approx([usual, small, enlarged], abs=1e-3)


def test_a_scale_without_pictures_of_both_classes_goes_through_the_fusion_of_all() -> None:
    inputs = made_up(20)
    at = inputs.names.index(SCALE)
    inputs.values[:, 1, at] = np.where(inputs.fake, 1, 0)
    inputs.values[:, 2, at] = 0
    fusions = fitted(inputs, NETS[:1])
    small, enlarged = (fusions.by_scale[s].to_json() for s in (Scale.SMALL, Scale.ENLARGED))
    assert small == enlarged != fusions.by_scale[Scale.USUAL].to_json()


def test_inputs_are_kept_as_they_are(tmp_path: Path) -> None:
    inputs = made_up(4)
    inputs.save(tmp_path / "inputs.npz")
    again = Inputs.load(tmp_path / "inputs.npz")
    assert again.samples == inputs.samples
    assert (again.names, again.perturbations) == (inputs.names, inputs.perturbations)
    assert np.array_equal(again.values, inputs.values)


def test_a_group_counts_as_its_pictures_up_to_a_bound() -> None:
    sizes = {"huge": 10 * MOST, "large": MOST, "small": 2}
    samples = [sample(f"{c} {i}", CAMERA, c) for c, n in sizes.items() for i in range(n)]
    weights = group_weights(samples)
    total = {c: sum(w for s, w in zip(samples, weights, strict=True) if s.corpus == c)
             for c in sizes}  # fmt: skip
    assert total == pytest.approx({"huge": MOST, "large": MOST, "small": 2})


def test_a_photograph_beside_several_decoders_counts_once() -> None:
    many = [sample("one", CAMERA, "a")] * 3 + [sample("one", "g", "a"), sample("two", "g", "a")]
    kept = thinned(many, most=10)
    assert sum(not s.fake for s in kept) == 1
    assert len(thinned(many, most=1)) == 2


def test_an_ablation_takes_no_more_photographs_than_fakes() -> None:
    inputs = made_up(200)
    few = inputs.at_most(5)
    for samples, most in ((few.samples, 5), (inputs.samples, 200)):
        assert max(Counter((s.corpus, s.generator) for s in samples).values()) == most
    places = [inputs.samples.index(s) for s in few.samples]
    assert np.array_equal(few.values, inputs.values[places])


def test_more_photographs_than_fakes_may_be_kept() -> None:
    many = [sample(f"{i} {g}", g, "a") for i in range(4) for g in (CAMERA, "g")]
    kept = thinned(many, 1, 3)
    assert (sum(s.fake for s in kept), sum(not s.fake for s in kept)) == (1, 3)


def test_calibration_and_thresholds_hold_for_the_photographs() -> None:
    inputs = made_up(200)
    scores = crossed(inputs, (*NETS, *NAMES))
    llr = calibrated(inputs, scores).llr(scores)
    at = thresholds_of(inputs, llr)
    assert at["llr_fpr_1"] > at["llr_fpr_5"]
    reals = llr[~inputs.fake]
    assert (reals > at["llr_fpr_5"]).mean() <= 0.05
    assert (reals > at["llr_fpr_1"]).mean() <= 0.01
    assert (reals > at["llr_fpr_5"]).mean() >= 0.04  # and not by refusing to answer


def test_an_ablation_tells_a_useful_expert_from_noise() -> None:
    inputs = made_up(120)
    rows = compare(inputs, NETS)
    assert set(rows) == set(subsets(inputs.names, NETS))
    assert "handmade alone" not in rows  # was not measured
    value, low, high = rows["residual alone"]["less_the_shipped"]
    assert low <= value <= high < 0
    assert rows[SHIPPED]["auc"][0] > rows["residual alone"]["auc"][0]


def test_a_calibration_is_good_where_the_groups_are_alike() -> None:
    found = calibration_by_view(made_up(200), NETS)
    assert set(found) == {*made_up(2).perturbations, "all"}
    assert found["all"]["ece"] < 0.08
    assert 0 < found["all"]["cllr"] < 1


def test_maps_shrink_and_pool_over_what_was_seen() -> None:
    patches = np.full((4, 6), np.nan, np.float32)
    patches[:2, :2] = [[1, 1], [1, 9]]
    assert pool(patches, 0.0) == pytest.approx(3.0)
    assert pool(patches, 0.25) == pytest.approx((3.0 + 9.0) / 2)
    coarse = shrunk(patches, 2, (2, 3))
    assert coarse[0, 0] == pytest.approx(3.0)
    assert np.isnan(coarse[1, 1])
    assert shrunk(np.ones((3, 5), np.float32), 2, (2, 3)).shape == (2, 3)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector of untrained experts, joined on toy pictures: everything but its worth is real."""
    root = tmp_path_factory.mktemp("built")
    data = paired_corpus(root / "data", 6, ("one", "two"))
    torch.manual_seed(1)
    for name, net in expert_nets(NETS).items():
        state = {k: v.contiguous() for k, v in net.state_dict().items()}
        save_file(state, root / f"{name}.safetensors")
    rng = np.random.default_rng(0)
    photographs = fit_range(rng.normal(size=(60, 5)), [str(i) for i in range(60)])
    coder = root / "likelihood.safetensors"
    save_expert(Coder(), photographs, coder)
    sha256 = hashlib.sha256(coder.read_bytes()).hexdigest()
    replace(describe({}), name="likelihood", sha256=sha256).save(coder.with_suffix(".json"))
    checkpoints = {name: [root / f"{name}.safetensors"] for name in NETS}
    build(data, checkpoints, coder, root / "detector.safetensors")
    return root


def test_a_built_detector_loads_and_says_what_its_experts_said(built: Path) -> None:
    detector = load_detector("cpu", built / "detector.safetensors")
    inputs = Inputs.load(built / "validation_inputs.npz")
    assert all(s.split is Split.VALIDATION for s in inputs.samples)
    assert {s.generator for s in inputs.samples} == {CAMERA, "decoder", "gan"}
    pixels = np.asarray(Image.open(inputs.samples[0].path))
    scored = detector.score(jpeg(pixels, 95))
    assert list(scored.logits.values()) == pytest.approx(inputs.values[0, 0, :2], rel=1e-3)
    assert set(detector.calibration) == {"image", "video"}
    assert detector.card.thresholds["llr_fpr_1"] >= detector.card.thresholds["llr_fpr_5"]
    # The map lies around the score: patches are weighed as the picture is.
    small = detector.score(np.ascontiguousarray(pixels[:64, :64]))
    assert small.patches.shape == (4, 4)
    assert 0 <= detector.likeness(pixels) <= 1


def test_a_fusion_is_fitted_again_without_scoring_again(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(fusion_train, "GRIDS", {"image": ("standard",), "video": ("clean",)})
    gather = fusion_train.gather

    def spy(detector: Detector, data: list[Sample], grid: tuple[str, ...]) -> Inputs:
        seen.append(grid)
        return gather(detector, data, grid)

    monkeypatch.setattr(fusion_train, "gather", spy)
    again = build(
        paired_corpus(built / "data", 6, ("one", "two")),
        {name: [built / f"{name}.safetensors"] for name in NETS},
        built / "likelihood.safetensors",
        built / "again.safetensors",
        built / "validation_inputs.npz",
    )
    assert seen == [("clean",)]  # the stills were not scored again
    first = load_card(built / "detector.safetensors")
    assert again.calibration["fusion"] == first.calibration["fusion"]
    assert again.sha256 == first.sha256


def test_an_expert_that_is_no_expert_is_named(built: Path) -> None:
    with pytest.raises(WeightsError, match="oracle"):
        build([], {"oracle": []}, None, built / "x.safetensors")


def test_what_has_no_run_stays_as_it_is_shipped() -> None:
    shipped = load_detector("cpu")
    nets = _nets({"patchnet": []})
    held = part_of(averaged(WEIGHTS), "patchnet")
    for name, tensor in nets["patchnet"].state_dict().items():
        assert torch.equal(tensor, held[name]), name
    coder, photographs = shipped_coder()
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    found = out_of_range(surprise(coder, pixels), photographs)
    assert found == pytest.approx(shipped.likeness(pixels), abs=0.02)


def test_one_corpus_of_photographs_is_too_few_to_leave_one_out() -> None:
    inputs = made_up(5)
    alone = replace(inputs, samples=tuple(replace(s, corpus="a") for s in inputs.samples))
    with pytest.raises(ValueError, match="two corpora of photographs"):
        crossed(alone, NETS)
