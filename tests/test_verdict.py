"""Weighing: claims and numbers, apart and together."""

import math

import pytest

from unmask.evidence import (
    Basis,
    Claim,
    ClaimKind,
    Doubt,
    Failure,
    Finding,
    Kind,
    NotApplicable,
    Outcome,
)
from unmask.verdict import Origin, Verdict, combiner, weigh


def claim(kind: ClaimKind, basis: Basis) -> Finding:
    text = f"It is {kind}, says {basis}."
    return Finding(summary=text, claims=(Claim(kind=kind, basis=basis, text=text),))


def ruled(llr: float, *codes: str) -> Finding:
    doubts = tuple(Doubt(code=code, text=code) for code in codes)
    return Finding(summary=f"ratio {llr}", llr=llr, doubts=doubts)


def judge(prior: float = 0.5, **outcomes: Outcome) -> Verdict:
    return weigh(outcomes, Kind.IMAGE, prior)


def joint(llr: float) -> float:
    """What the combiner makes of the detector alone."""
    fitted = combiner()["image"]
    return float(fitted["intercept"] + fitted["terms"][0]["coefficient"] * llr)


def test_a_strong_ratio_decides_both_ways() -> None:
    assert judge(image_detector=ruled(6)).origin is Origin.SYNTHETIC
    assert judge(image_detector=ruled(-6)).origin is Origin.CAPTURED


def test_a_weak_ratio_is_inconclusive_and_says_so() -> None:
    found = judge(image_detector=ruled(0.8))
    assert found.origin is Origin.INCONCLUSIVE
    assert [d.code for d in found.doubts] == ["weak_evidence"]


def test_the_probability_is_bayes_rule() -> None:
    found = judge(0.01, image_detector=ruled(3))
    odds = 0.01 / 0.99 * math.exp(joint(3))
    assert found.probability == pytest.approx(odds / (1 + odds))


def test_a_low_prior_keeps_a_moderate_ratio_from_deciding() -> None:
    assert judge(0.5, image_detector=ruled(4)).origin is Origin.SYNTHETIC
    assert judge(0.01, image_detector=ruled(4)).origin is not Origin.SYNTHETIC


@pytest.mark.parametrize("code", ["too_small", "too_compressed", "out_of_range", "views_disagree"])
def test_a_doubtful_ratio_is_not_weighed(code: str) -> None:
    found = judge(image_detector=ruled(6, code))
    assert found.origin is Origin.INCONCLUSIVE
    assert found.probability is None
    assert code in [d.code for d in found.doubts]
    assert found.would_change


def test_nothing_calibrated_is_inconclusive() -> None:
    found = judge(ela=Finding(summary="uneven"))
    assert found.origin is Origin.INCONCLUSIVE
    assert found.probability is None
    assert [d.code for d in found.doubts] == ["no_evidence"]


def test_failure_and_not_applicable_are_no_evidence() -> None:
    quiet = judge(image_detector=ruled(1))
    noisy = judge(
        image_detector=ruled(1),
        ela=Failure(code="error", text="broke"),
        jpeg_ghosts=NotApplicable(code="not_jpeg", text="no JPEG"),
    )
    assert noisy.probability == quiet.probability
    assert noisy.origin is quiet.origin
    assert "failed" in [d.code for d in noisy.doubts]


@pytest.mark.parametrize("basis", list(Basis))
def test_a_file_that_says_it_is_generated_is_believed(basis: Basis) -> None:
    found = judge(c2pa=claim(ClaimKind.SYNTHETIC, basis))
    assert found.origin is Origin.SYNTHETIC
    assert f"It is synthetic, says {basis}." in found.because


def test_a_forgeable_label_against_camera_pixels_is_inconclusive() -> None:
    label = claim(ClaimKind.SYNTHETIC, Basis.METADATA)
    found = judge(metadata=label, image_detector=ruled(-6))
    assert found.origin is Origin.INCONCLUSIVE
    assert "views_disagree" in [d.code for d in found.doubts]


def test_a_trusted_label_against_camera_pixels_stands() -> None:
    label = claim(ClaimKind.SYNTHETIC, Basis.TRUSTED)
    assert judge(c2pa=label, image_detector=ruled(-6)).origin is Origin.SYNTHETIC


def test_a_capture_counts_only_from_a_trusted_signer() -> None:
    assert judge(c2pa=claim(ClaimKind.CAPTURED, Basis.TRUSTED)).origin is Origin.CAPTURED
    for basis in (Basis.SIGNED, Basis.METADATA):
        assert judge(c2pa=claim(ClaimKind.CAPTURED, basis)).origin is Origin.INCONCLUSIVE


def test_a_trusted_capture_against_generated_pixels_is_inconclusive() -> None:
    found = judge(c2pa=claim(ClaimKind.CAPTURED, Basis.TRUSTED), image_detector=ruled(6))
    assert found.origin is Origin.INCONCLUSIVE


def test_alterations_are_manipulation() -> None:
    altered = judge(c2pa=claim(ClaimKind.ALTERED, Basis.MEASURED), image_detector=ruled(-6))
    assert altered.origin is Origin.MANIPULATED
    assert judge(c2pa=claim(ClaimKind.AI_EDITED, Basis.SIGNED)).origin is Origin.MANIPULATED
    # An editor's name in the metadata is no manipulation: newsrooms crop and brighten.
    edited = judge(metadata=claim(ClaimKind.EDITED, Basis.METADATA), image_detector=ruled(-6))
    assert edited.origin is Origin.CAPTURED


def test_a_prior_is_a_probability() -> None:
    with pytest.raises(ValueError, match="probability"):
        judge(1.0, image_detector=ruled(1))


@pytest.mark.parametrize(
    ("kind", "analyser", "made", "taken"),
    [
        (Kind.AUDIO, "audio_detector", "Likely synthetic", "Likely a real recording"),
        (Kind.TEXT, "text_detector", "Likely machine-written", "Likely written by a person"),
    ],
)
def test_sound_and_text_have_words_of_their_own(
    kind: Kind, analyser: str, made: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    term = {"analyser": analyser, "fact": None, "centre": 0.0, "coefficient": 1.0}
    monkeypatch.setitem(combiner(), kind.value, {"intercept": 0.0, "terms": [term]})
    for llr, headline in ((5.0, made), (-5.0, taken)):
        found = weigh({analyser: ruled(llr)}, kind)
        assert found.headline == headline
        for sentence in (found.limits, *found.would_change):
            assert "picture" not in sentence
            assert "camera" not in sentence
    weak = weigh({analyser: ruled(1.0)}, kind)
    assert weak.origin is Origin.INCONCLUSIVE


def test_a_text_without_its_language_model_is_told_of_it() -> None:
    def changers(*codes: str) -> str:
        return " ".join(weigh({"text_detector": ruled(3.0, *codes)}, Kind.TEXT).would_change)

    assert "language model" in changers("no_language_model")
    assert "language model" not in changers("out_of_range")
