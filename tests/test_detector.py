"""The learned detector: its parts by hand, training on a toy corpus, the weights on real data."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from unmask.card import load_card
from unmask.datasets.manifest import CORPORA, Split, draw, samples
from unmask.detect import image_detector as analysing
from unmask.detect.calibration import Calibration, fit
from unmask.detect.encodings import Chain, jpeg, random_chain, resize
from unmask.detect.evaluation.figures import auc
from unmask.detect.experts import HALVED, MIRRORED, UPSIDE_DOWN, Rescaled, Turned
from unmask.detect.image_detector import doubts_of, jpeg_quality, middle
from unmask.detect.inference import WEIGHTS, load_detector
from unmask.detect.lite import SIZES, SameConv2d
from unmask.detect.patchnet import PatchNet
from unmask.detect.scale import EMPTY, detail, is_enlarged
from unmask.detect.tiles import TILE, Tiles, cut, tile_corners
from unmask.errors import WeightsError
from unmask.evidence import Finding, NotApplicable
from unmask.media import open_bytes
from unmask.registry import pick


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG", quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    options = {"quality": quality} if kind == "JPEG" else {}
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def detect(data: bytes) -> Finding | NotApplicable:
    return pick(["image_detector"])[0].analyse(open_bytes(data, "x"))


def test_calibration_finds_the_error_rates_that_made_the_scores() -> None:
    rng = np.random.default_rng(1)
    missed = rng.random(4000) < 0.3
    fakes = np.where(missed, rng.normal(-2, 1, 4000), rng.normal(3, 1, 4000))
    reals = rng.normal(-2, 1, 4000)
    found = fit(np.repeat([True, False], 4000), np.concatenate([fakes, reals]), np.ones(8000))
    # Among camera-like scores 0.3 of the fakes stand beside all reals: the ratio there is ln 0.3.
    assert float(found.llr(-6.0)) == pytest.approx(np.log(0.3), abs=0.15)
    assert float(found.llr(6.0)) > 3
    steps = found.llr(np.linspace(-10, 10, 200))
    assert (np.diff(steps) >= -1e-9).all()


def test_calibration_promises_little_from_few_pictures() -> None:
    few = fit([True] * 10 + [False] * 10, [5.0] * 10 + [-5.0] * 10, np.ones(20))
    assert abs(float(few.llr(100.0))) < np.log(60)
    assert abs(float(few.llr(-100.0))) < np.log(60)


def test_a_gap_between_the_classes_makes_no_step() -> None:
    """Missed fakes among the photographs, the others far above them: any slope would fit."""
    reals = np.linspace(-4, 0.5, 60)
    fakes = np.concatenate([np.linspace(-4, 0.4, 24), np.linspace(0.6, 5, 36)])
    found = fit(np.repeat([False, True], 60), np.concatenate([reals, fakes]), np.ones(120))
    assert found.slope < 20
    assert float(found.llr(1.0)) > float(found.llr(0.55)) > float(found.llr(0.0)) + 0.1


def test_splits_are_stable_and_never_overlap() -> None:
    assert draw("a", (1.0, 0.0)) is Split.TRAIN
    assert draw("a", (0.0, 1.0)) is Split.VALIDATION
    assert draw("a", (0.0, 0.0)) is Split.TEST
    drawn = [draw(f"x{i}", (0.7, 0.1)) for i in range(2000)]
    assert 0.66 < drawn.count(Split.TRAIN) / 2000 < 0.74
    assert drawn == [draw(f"x{i}", (0.7, 0.1)) for i in range(2000)]


def test_what_trains_does_not_calibrate() -> None:
    trains = {c.generator for c in CORPORA if c.fake and c.shares[0] > 0}
    strangers = {c.generator for c in CORPORA if c.fake and c.shares == (0.0, 0.0)}
    calibrates = {c.generator for c in CORPORA if c.fake and c.shares[0] == 0} - strangers
    assert trains
    assert strangers
    assert calibrates
    assert not trains & (calibrates | strangers)


def test_the_chain_gives_the_size_asked_for(photograph: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(0)
    for pixels in (photograph, photograph[:50, :40]):
        for _ in range(10):
            out = random_chain(pixels, rng, Chain(), 96)
            assert out.shape == (96, 96, 3)
            assert out.dtype == np.uint8


def test_the_chain_repeats_with_its_seed(photograph: NDArray[np.uint8]) -> None:
    one, two = (random_chain(photograph, np.random.default_rng(4), Chain(), 96) for _ in range(2))
    assert np.array_equal(one, two)


def test_patch_logits_are_one_in_sixteen() -> None:
    net = PatchNet().eval()
    with torch.inference_mode():
        assert net(torch.rand(2, 3, 160, 96)).shape == (2, 10, 6)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [7, 8])
def test_same_padding_puts_the_odd_pixel_at_the_end(kernel: int, size: int) -> None:
    conv = SameConv2d(1, 1, kernel, stride=2, bias=False)
    image = torch.rand(1, 1, size, size + 4)
    before = (kernel - 1 - (size % 2 == 0)) // 2  # TensorFlow's SAME, at stride 2
    padded = torch.nn.functional.pad(image, (before, 9, before, 9))
    expected = torch.nn.functional.conv2d(padded, conv.weight, stride=2)
    rows, columns = -(-size // 2), -(-(size + 4) // 2)
    assert torch.allclose(conv(image), expected[..., :rows, :columns], atol=1e-6)


@pytest.mark.parametrize("quality", [30, 50, 75, 90, 95])
def test_jpeg_quality_is_read_from_the_table(quality: int, photograph: NDArray[np.uint8]) -> None:
    found = jpeg_quality(open_bytes(encoded(photograph, "JPEG", quality), "x"))
    assert found is not None
    assert abs(found - quality) <= 1
    assert jpeg_quality(open_bytes(encoded(photograph), "x")) is None


@pytest.mark.parametrize(
    ("size", "count"),
    [((1200, 1000), 9), ((300, 20000), 6), ((200, 20000), 3), ((20000, 300), 6), ((5000, 7000), 9)],
)
def test_tiles_lie_inside_and_are_few(size: tuple[int, int], count: int) -> None:
    corners = tile_corners(*size)
    assert len(set(corners)) == len(corners) == count
    for y, x in corners:
        assert y >= 0
        assert y + min(TILE, size[0]) <= size[0]
        assert x >= 0
        assert x + min(TILE, size[1]) <= size[1]


def test_tiles_go_back_to_where_they_were_cut() -> None:
    pixels = np.zeros((900, 1500, 3), np.uint8)
    pixels[..., 0] = np.arange(1500) // 16
    tiles = cut(pixels)
    assert tiles.pixels.shape == (9, TILE, TILE, 3)
    means = tiles.pixels[..., 0].reshape(9, TILE // 16, 16, TILE // 16, 16).mean((2, 4))
    whole = tiles.assemble(means.astype(np.float32), 16)
    assert whole.shape == (57, 94)
    columns = np.broadcast_to(np.arange(94), whole.shape)
    seen = np.isfinite(whole)
    assert np.array_equal(whole[seen], columns[seen])
    assert seen.sum() == 9 * (TILE // 16) ** 2


def test_a_small_picture_is_mirrored_to_a_size_that_fits() -> None:
    tiles = cut(np.zeros((70, 201, 3), np.uint8))
    assert tiles.pixels.shape == (1, 96, 224, 3)
    assert tiles.assemble(np.zeros((1, 6, 14), np.float32), 16).shape == (5, 13)


def test_the_middle_of_a_frame_keeps_to_the_patch_grid() -> None:
    cut, top, left = middle(np.zeros((720, 1280, 3), np.uint8), 544)
    assert cut.shape == (544, 544, 3)
    assert top % 16 == left % 16 == 0


def test_a_finding_says_what_it_must(photograph: NDArray[np.uint8]) -> None:
    found = detect(encoded(photograph))
    assert isinstance(found, Finding)
    assert found.llr is not None
    assert set(found.facts["llr_by_view"]) == {"as it is", "jpeg 90", "jpeg 70", "scaled 0.75"}
    assert found.heatmap is not None
    assert found.heatmap.shape == (15, 20)


def test_small_and_compressed_pictures_are_doubtful(photograph: NDArray[np.uint8]) -> None:
    assert isinstance(detect(encoded(photograph[:60, :60])), NotApplicable)
    small = detect(encoded(photograph[:80, :80]))
    assert isinstance(small, Finding)
    assert "too_small" in [d.code for d in small.doubts]
    poor = detect(encoded(photograph, "JPEG", 20))
    assert isinstance(poor, Finding)
    assert "too_compressed" in [d.code for d in poor.doubts]


@pytest.mark.parametrize(
    ("llr", "alike", "held_back"),
    [(1.0, "5% or more", False), (2.0, "under 5%", False), (2.5, "under 5%", True),
     (3.5, "under 1%", False)],
)  # fmt: skip
def test_a_ratio_that_photographs_reach_is_not_leaned_on(
    llr: float,
    alike: str,
    held_back: bool,
    photograph: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the verdict's bound (ln 9 = 2.2) and what one photograph in a hundred reaches."""
    real = load_detector("cpu")
    limits = {**real.card.thresholds, "llr_fpr_1": 3.0, "llr_fpr_5": 1.5, "likeness": 0.0}
    stated = SimpleNamespace(
        card=replace(real.card, thresholds=limits),
        score=real.score,
        likeness=real.likeness,
        calibration={"image": SimpleNamespace(slope=1.0, offset=0.0, llr=lambda _: llr)},
    )
    monkeypatch.setattr(analysing, "load_detector", lambda _: stated)
    found = detect(encoded(photograph))
    assert isinstance(found, Finding)
    assert found.facts["photographs_alike"] == alike
    assert ("seen_in_photographs" in [d.code for d in found.doubts]) is held_back
    assert found.notable is (llr == 3.5)


def test_stills_and_clips_hold_back_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what a verdict asks for and what one photograph in a hundred reaches."""
    detector = load_detector("cpu")
    limits = {**detector.card.thresholds, "llr_fpr_1": 3.0}
    monkeypatch.setattr(detector, "card", replace(detector.card, thresholds=limits))
    codes = [d.code for d in doubts_of(detector, 2.6, 0.5, (400, 400), None)]
    assert codes == ["seen_in_photographs"]
    assert doubts_of(detector, 5.0, 0.5, (400, 400), None) == []


def test_noise_is_out_of_range() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    found = detect(encoded(noise))
    assert isinstance(found, Finding)
    assert "out_of_range" in [d.code for d in found.doubts]


def test_weights_that_are_not_their_card_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / "image_detector.safetensors"
    copy.write_bytes(WEIGHTS.read_bytes()[:-1] + b"\0\0")
    copy.with_suffix(".json").write_text(WEIGHTS.with_suffix(".json").read_text())
    with pytest.raises(WeightsError, match="not the file"):
        load_card(copy)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_card(tmp_path / "missing.safetensors")


@pytest.mark.shared
@pytest.mark.timeout(300)
def test_the_shipped_weights_hold_on_the_test_split(shared: Path) -> None:
    """A third of the test pictures; the whole table is in detect/RESULTS.md."""
    test = [s for s in samples(shared) if s.corpus == "ffhq_vs_stylegan" and s.split is Split.TEST][
        ::3
    ]
    detector = load_detector("cpu")
    clean = [np.asarray(Image.open(s.path).convert("RGB")) for s in test]
    fake = [s.fake for s in test]
    assert auc(fake, [detector.score(p).score for p in clean]) > 0.94
    assert auc(fake, [detector.score(jpeg(p, 70)).score for p in clean]) > 0.90


def test_a_calibration_survives_its_card() -> None:
    kept = Calibration(slope=0.5, offset=0.1, miss=0.2, alarm=0.05)
    assert Calibration.load(vars(kept)) == kept


def test_a_lite2_is_a_tenth_wider_and_a_fifth_deeper() -> None:
    """As published, in eights of channels; its first and last stage keep their one block."""
    size = SIZES["lite2"]
    assert [size.channels(n) for n in range(7)] == [16, 24, 48, 88, 120, 208, 352]
    assert [size.blocks(n) for n in range(7)] == [1, 3, 3, 4, 4, 5, 1]


def test_a_turned_expert_sees_what_it_would_see_in_the_picture_as_it_is() -> None:
    class Brightness:
        """Each patch' mean, and more the further down it lies: it knows up from down."""

        stride, top = 16, 0.0

        def patches(self, tiles: Tiles) -> NDArray[np.float32]:
            n, h, w, _ = tiles.pixels.shape
            cells = tiles.pixels.reshape(n, h // 16, 16, w // 16, 16, 3).mean((2, 4, 5))
            return (cells + np.arange(h // 16)[:, None]).astype(np.float32)

    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    tiles = cut(pixels)
    both = UPSIDE_DOWN, MIRRORED
    plain, turned = Brightness().patches(tiles), Turned(Brightness(), both).patches(tiles)
    rows = np.arange(4)[:, None]
    assert np.allclose(turned - plain, (3 - 2 * rows) / 3, atol=1e-4)  # once of three upside down
    many = replace(tiles, corners=((0, 0), (0, 0)), pixels=np.repeat(tiles.pixels, 2, 0))
    apart = Turned(Brightness(), both).patches(many) - Brightness().patches(many)
    assert np.allclose(apart[0], (3 - 2 * rows) / 2, atol=1e-4)  # tiles take turns: upside down
    assert np.allclose(apart[1], 0, atol=1e-4)  # and mirrored
    one_way = Turned(Brightness(), (UPSIDE_DOWN,))
    assert np.allclose(one_way.patches(tiles) - plain, (3 - 2 * rows) / 2, atol=1e-4)
    assert np.array_equal(one_way.patches(many), Brightness().patches(many))
    shipped = load_detector("cpu")
    upside_down = np.ascontiguousarray(pixels[::-1])
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    score = shipped.score(pixels).score
    assert shipped.score(upside_down).score == pytest.approx(score, abs=0.5)
    assert shipped.score(mirrored).score == pytest.approx(score, abs=0.5)


class Fineness:
    """Each patch' mean difference of neighbours across: halved where a ramp is stretched."""

    stride, top = 16, 0.0

    def patches(self, tiles: Tiles) -> NDArray[np.float32]:
        n, h, w, _ = tiles.pixels.shape
        steps = np.abs(np.diff(tiles.pixels.astype(np.float32), axis=2, append=0))
        return steps[:, :, :, 0].reshape(n, h // 16, 16, w // 16, 16)[..., :15].mean((2, 4))


def ramp(height: int, width: int) -> NDArray[np.uint8]:
    """A triangle wave that climbs and falls by 4 a pixel."""
    across = 4 * np.abs((np.arange(width) + 32) % 64 - 32) + 40
    return np.broadcast_to(across[None, :, None], (height, width, 3)).astype(np.uint8)


def test_a_small_picture_is_seen_at_double_size_too() -> None:
    small, larger = cut(ramp(128, 192)), cut(ramp(160, 192))
    found = Rescaled(Fineness()).patches(small)
    assert found.shape == Fineness().patches(small).shape == (1, 8, 12)
    assert np.median(found) == pytest.approx((4 + 2) / 2, abs=0.15)  # the mean of both looks
    assert np.array_equal(Rescaled(Fineness()).patches(larger), Fineness().patches(larger))


def test_an_enlarged_picture_is_seen_at_half_size_too(photograph: NDArray[np.uint8]) -> None:
    own, doubled = photograph[:320, :320], resize(photograph[:160, :192], 2)
    assert detail(own) > EMPTY > detail(doubled)
    assert not is_enlarged((320, 320), own[None])
    assert is_enlarged((320, 384), doubled[None])
    assert not is_enlarged((319, 384), doubled[None])  # too small to be looked at at half size
    found = Rescaled(Fineness()).patches(cut(doubled))
    once = Fineness().patches(cut(doubled))
    half = Fineness().patches(cut(resize(doubled, 0.5)))
    assert found.shape == once.shape == (1, 20, 24)
    expected = (1 - HALVED) * once[0, 2:4, 2:4] + HALVED * half[0, 1, 1]
    assert found[0, 2:4, 2:4] == pytest.approx(expected)
    assert np.array_equal(Rescaled(Fineness()).patches(cut(own)), Fineness().patches(cut(own)))


def test_a_picture_can_reach_the_shipped_thresholds() -> None:
    """The rates of error bound the ratio from above: a threshold beyond that would say nothing."""
    detector = load_detector("cpu")
    highest = detector.calibration["image"].llr(1e6)
    for name in ("llr_fpr_1", "llr_fpr_5"):
        assert detector.card.thresholds[name] < highest - 0.5
    assert highest > np.log(9) + 0.5  # P >= 0.9 from even odds
