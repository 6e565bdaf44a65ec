"""The learned image detector as an analyser: a ratio, a heatmap, and reasons to hold back."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from unmask.detect.calibration import rarity
from unmask.detect.encodings import jpeg, resize
from unmask.detect.inference import STRIDE, Detector, Scored, load_detector
from unmask.evidence import Doubt, Finding, Kind, NotApplicable
from unmask.media import Media
from unmask.registry import analyser
from unmask.report.words import ratio
from unmask.settings import current

Pixels = NDArray[np.uint8]
LEAST_SIDE = 64  # pixels; below, there is no patch to judge
VIEW_SIDE = 320  # pixels: views are made of the middle of larger pictures
FRAME_SIDE = 416  # pixels: sixteen frames must fit in a few seconds
LUMA_MEAN = 57.625  # of table K.1 of ITU T.81, which libjpeg scales

# What a detector must see through. A finding that turns with one of these is no finding.
VIEWS: dict[str, Callable[[Pixels], Pixels]] = {
    "jpeg 90": lambda pixels: jpeg(pixels, 90),
    "jpeg 70": lambda pixels: jpeg(pixels, 70),
    "scaled 0.75": lambda pixels: resize(pixels, 0.75),
}


def view_llrs(detector: Detector, pixels: Pixels, whole: Scored) -> dict[str, float]:
    """The calibrated ratio of each re-encoded view of the picture, or of its middle."""
    part = middle(pixels, VIEW_SIDE)[0]
    if part.shape == pixels.shape:
        scores = {"as it is": whole.score}
    else:
        scores = {"middle": detector.score(part).score}
    scores |= {name: detector.score(change(part)).score for name, change in VIEWS.items()}
    calibration = detector.calibration["image"]
    return {name: float(calibration.llr(score)) for name, score in scores.items()}


def doubts_of(
    detector: Detector, llr: float, likeness: float, size: tuple[int, int], quality: int | None
) -> list[Doubt]:
    """Reasons to hold back: `size` is (height, width), `quality` a JPEG's or None."""
    at = detector.card.thresholds
    doubts = []
    if min(size) < at["least_side"]:
        text = (
            f"Only {min(size)} pixels on the short side; the detector needs {at['least_side']:.0f}."
        )
        doubts.append(Doubt(code="too_small", text=text))
    if quality is not None and quality < at["least_quality"]:
        text = f"Compressed at JPEG quality {quality}: that wipes out the traces it reads."
        doubts.append(Doubt(code="too_compressed", text=text))
    if likeness < at["likeness"]:
        text = "The picture is unlike the photographs that the detector's range was measured on."
        doubts.append(Doubt(code="out_of_range", text=text))
    if math.log(9) < llr <= at["llr_fpr_1"]:
        text = "More than one photograph in a hundred looks like this to the detector."
        doubts.append(Doubt(code="seen_in_photographs", text=text))
    return doubts


def jpeg_quality(media: Media) -> int | None:
    """Quality 1-100 of a JPEG by the mean step of its luma table; None for other formats.

    libjpeg scales one table for all qualities, so that the mean tells which; other encoders' tables
    get the quality of equal coarseness.
    """
    if media.format.name != "jpeg":
        return None
    with media.pillow() as image:
        tables: dict[int, list[int]] = getattr(image, "quantization", {})
    if 0 not in tables:
        return None
    scale = 100 * float(np.mean(tables[0])) / LUMA_MEAN
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return int(np.clip(round(quality), 1, 100))


def heatmap_of(detector: Detector, scored: Scored) -> NDArray[np.float32]:
    """How synthetic each patch looks, (h, w) in [0, 1]; 0 where no tile was looked at.

    Without the rates of error, which would keep the most camera-like patch from being dark.
    """
    calibration = detector.calibration["image"]
    chance = expit(calibration.slope * scored.patches + calibration.offset)
    heat: NDArray[np.float32] = np.nan_to_num(chance, nan=0.0).astype(np.float32)
    return heat


@analyser(
    "image_detector",
    Kind.IMAGE,
    title="Learned image detector",
    reads="traces that a generator's up-sampling leaves in every patch of the picture",
    look_for="heat all over (a picture generated as a whole) or on one object (a part of it)",
    ignore="single hot patches, lettering, flat sky, borders, heavy retouching and filters",
    paper="Chai et al. 2020; Tan and Le 2019; Frank et al. 2020",
)
def image_detector(media: Media) -> Finding | NotApplicable:
    """Judge a still by the shipped patch detector."""
    pixels = media.pixels
    size = pixels.shape[0], pixels.shape[1]
    if min(size) < LEAST_SIDE:
        return NotApplicable(
            code="too_small", text=f"The picture is {size[1]} x {size[0]}: too small to judge."
        )
    detector = load_detector(current().device)
    scored = detector.score(pixels)
    llr = float(detector.calibration["image"].llr(scored.score))
    quality = jpeg_quality(media)
    likeness = detector.likeness(pixels)
    doubts = doubts_of(detector, llr, likeness, size, quality)
    views = view_llrs(detector, pixels, scored)
    spread = max(views.values()) - min(views.values())
    if spread > detector.card.thresholds["view_spread"]:
        text = "The answer changes when the picture is recompressed or scaled a little."
        doubts.append(Doubt(code="views_disagree", text=text))
    return Finding(
        summary=_sentence(llr, bool(doubts)),
        llr=llr,
        notable=llr > math.log(10) and not doubts,
        doubts=tuple(doubts),
        facts={
            "score": scored.score,
            "llr_by_view": views,
            "photographs_alike": rarity(llr, detector.card.thresholds),
            "experts": dict(scored.logits),
            "likeness": likeness,
            "part_examined": scored.covered,
            "jpeg_quality": quality,
            "weights": detector.card.name,
            "weak_on": list(detector.card.weaknesses),
        },
        heatmap=heatmap_of(detector, scored),
    )


def _sentence(llr: float, doubtful: bool) -> str:
    if doubtful:
        return "The learned detector gives an answer here that should not be leaned on."
    if abs(llr) < 0.5:
        return "The learned detector sees neither a generator's nor a camera's traces."
    return f"To the learned detector the patches are {ratio(llr)}."


@analyser(
    "clip_detector",
    Kind.VIDEO,
    title="Learned detector on sampled frames",
    reads="the image detector's traces in evenly sampled frames, pooled by the median",
    look_for="a timeline that stays high, or that is high for one stretch",
    ignore="single peaks: blurred, dark or heavily compressed frames",
    paper="Chai et al. 2020; Tan and Le 2019; Frank et al. 2020",
)
def clip_detector(media: Media) -> Finding | NotApplicable:
    """Judge a clip by the median over its sampled frames."""
    size = media.frames[0].pixels.shape[:2]
    if min(size) < LEAST_SIDE:
        return NotApplicable(
            code="too_small", text=f"The frames are {size[1]} x {size[0]}: too small to judge."
        )
    detector = load_detector(current().device)
    parts = [middle(frame.pixels, FRAME_SIDE)[0] for frame in media.frames]
    scored = [detector.score(part) for part in parts]
    calibration = detector.calibration["video"]
    by_frame = [float(calibration.llr(s.score)) for s in scored]
    typical = parts[int(np.argsort([s.score for s in scored])[len(scored) // 2])]
    likeness = detector.likeness(typical)
    pooled = float(np.median([s.score for s in scored]))
    llr = float(calibration.llr(pooled))
    doubts = doubts_of(detector, llr, likeness, (size[0], size[1]), None)
    if len(scored) < detector.card.thresholds["least_frames"]:
        text = f"Only {len(scored)} frames could be examined."
        doubts.append(Doubt(code="too_short", text=text))
    spread = float(np.quantile(by_frame, 0.9) - np.quantile(by_frame, 0.1))
    if spread > detector.card.thresholds["view_spread"]:
        text = "Frames of the clip point in different directions."
        doubts.append(Doubt(code="views_disagree", text=text))
    return Finding(
        summary=_sentence(llr, bool(doubts)).replace("the patches", "the frames"),
        llr=llr,
        notable=llr > math.log(10) and not doubts,
        doubts=tuple(doubts),
        facts={
            "frames": len(scored),
            "median_score": pooled,
            "llr_10_to_90_percent": [float(np.quantile(by_frame, q)) for q in (0.1, 0.9)],
            "likeness": likeness,
            "weights": detector.card.name,
            "weak_on": [*detector.card.weaknesses, "face swaps and lip edits in part of a frame"],
        },
        heatmap=frame_heatmap(detector, scored[len(scored) // 2], media.pixels),
        timeline=tuple(zip((f.time for f in media.frames), by_frame, strict=True)),
    )


def middle(pixels: Pixels, side: int) -> tuple[Pixels, int, int]:
    """The middle of a large picture, at most `side` pixels a side, with its top and left."""
    height, width = pixels.shape[:2]
    top, left = (max(0, (n - side) // 2) // STRIDE * STRIDE for n in (height, width))
    cut = pixels[top : top + side, left : left + side]
    return np.ascontiguousarray(cut), top, left


def frame_heatmap(detector: Detector, scored: Scored, pixels: Pixels) -> NDArray[np.float32]:
    """The heatmap of the middle of a frame, placed in a map of the whole frame."""
    height, width = pixels.shape[:2]
    heat = np.zeros((-(-height // STRIDE), -(-width // STRIDE)), np.float32)
    _, top, left = middle(pixels, FRAME_SIDE)
    part = heatmap_of(detector, scored)
    room = heat[top // STRIDE :, left // STRIDE :][: part.shape[0], : part.shape[1]]
    room[:] = part[: room.shape[0], : room.shape[1]]
    return heat
