"""The verdict on sound, and on a clip whose voice says something else than its pictures."""

import pytest

from unmask.evidence import Basis, Claim, ClaimKind, Doubt, Finding, Kind
from unmask.verdict import Origin, Verdict, weigh


def ruled(llr: float, *codes: str) -> Finding:
    doubts = tuple(Doubt(code=code, text=code) for code in codes)
    return Finding(summary=f"ratio {llr}", llr=llr, doubts=doubts)


def clip(pictures: float, voice: Finding) -> Verdict:
    outcomes = {"clip_detector": ruled(pictures), "audio_detector": voice}
    return weigh(outcomes, Kind.VIDEO)


def test_sound_is_judged_by_its_detector() -> None:
    assert weigh({"audio_detector": ruled(4.0)}, Kind.AUDIO).headline == "Likely synthetic"
    real = weigh({"audio_detector": ruled(-4.0)}, Kind.AUDIO)
    assert (real.origin, real.headline) == (Origin.CAPTURED, "Likely a real recording")
    doubtful = weigh({"audio_detector": ruled(4.0, "views_disagree")}, Kind.AUDIO)
    assert doubtful.origin is Origin.INCONCLUSIVE


@pytest.mark.parametrize("pictures", [-5.0, 0.0])
def test_a_clip_with_a_synthetic_voice_is_never_from_a_camera(pictures: float) -> None:
    found = clip(pictures, ruled(4.0))
    assert (found.origin, found.headline) == (Origin.MANIPULATED, "Likely a synthetic voice")
    assert found.probability == pytest.approx(0.982, abs=1e-3)
    assert found.llr == 4.0


def test_synthetic_pictures_stay_synthetic_whatever_the_voice() -> None:
    for voice in (4.0, -4.0):
        assert clip(5.0, ruled(voice)).headline == "Likely synthetic"


def test_a_real_or_doubtful_voice_leaves_the_pictures_answer() -> None:
    assert clip(-5.0, ruled(-4.0)).headline == "Likely from a camera"
    assert clip(-5.0, ruled(1.0)).headline == "Likely from a camera"
    assert clip(-5.0, ruled(4.0, "views_disagree")).headline == "Likely from a camera"


def test_a_voice_that_is_synthetic_in_part_takes_the_camera_away() -> None:
    found = clip(-5.0, ruled(-1.0, "partly_synthetic"))
    assert found.origin is Origin.INCONCLUSIVE
    assert "stretch of the voice" in found.doubts[0].text


def test_a_trusted_signer_and_a_synthetic_voice_disagree() -> None:
    taken = Claim(kind=ClaimKind.CAPTURED, basis=Basis.TRUSTED, text="Taken by a camera.")
    signed = Finding(summary="signed", claims=(taken,))
    outcomes = {"content_credentials": signed, "audio_detector": ruled(4.0)}
    found = weigh(outcomes, Kind.VIDEO)
    assert found.origin is Origin.INCONCLUSIVE
    assert "voice" in found.doubts[0].text
