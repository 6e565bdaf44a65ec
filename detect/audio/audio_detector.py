"""The learned audio detector as an analyser: a ratio, a timeline, and reasons to hold back."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from unmask.datasets.speech_encodings import encode
from unmask.detect.audio.frontends import RATE
from unmask.detect.audio.inference import (
    HALF,
    AudioDetector,
    Floats,
    Scored,
    half_seconds,
    load_audio_detector,
)
from unmask.detect.audio.segments import suspicious_regions
from unmask.detect.calibration import rarity
from unmask.evidence import Doubt, Finding, Kind, NotApplicable
from unmask.media import Media
from unmask.registry import analyser
from unmask.report.words import ratio
from unmask.settings import current
from unmask.sound import Region, Samples, listed, mono, resampled
from unmask.voice import speech_or_reason

MOSTLY = 0.8  # part of the speech from which a recording is synthetic as a whole, not in part
OWN_SECONDS = 20.0  # of speech, below which a recording has no level of its own
VIEW_SECONDS = 8.0  # of speech that views are made of
_WINDOW, _QUIET = 512, 1e-6  # of the spectrum that tells the bandwidth: points, power over the peak

# What a detector must see through. A finding that turns with one of these is no finding.
VIEWS: Mapping[str, Callable[[Samples], Samples]] = {
    "mp3 64": lambda wave: encode(wave, RATE, "mp3:64"),
    "8 kHz": lambda wave: encode(wave, RATE, "resample:8000"),
}


def speech_of(wave: Samples, regions: Sequence[Region], seconds: float) -> Samples:
    """The first `seconds` of the speech in (N,) at 16 kHz, its stretches joined."""
    parts, left = [], round(seconds * RATE)
    for one in regions:
        part = wave[round(one.start * RATE) : round(one.end * RATE)][:left]
        parts.append(part)
        left -= len(part)
        if left <= 0:
            break
    return np.concatenate(parts) if parts else wave[: round(seconds * RATE)]


def view_llrs(detector: AudioDetector, speech: Samples) -> dict[str, float]:
    """The calibrated ratio of (N,) speech as it is and of each re-encoded view of it."""
    waves = {"as it is": speech} | {name: change(speech) for name, change in VIEWS.items()}
    calibration = detector.calibration["recording"]
    return {name: float(calibration.llr(detector.score(w).score)) for name, w in waves.items()}


def bandwidth(wave: Samples) -> float:
    """Hz up to which (N,) at 16 kHz has power above a millionth of its strongest band."""
    frames = wave[: len(wave) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    if not len(frames):
        return 0.0
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) ** 2
    mean = spectrum.mean(0)
    heard = np.flatnonzero(mean > _QUIET * mean.max())
    return float((heard[-1] + 1) * RATE / _WINDOW) if heard.size and mean.max() > 0 else 0.0


def timeline_of(detector: AudioDetector, frames: Floats) -> tuple[tuple[float, float], ...]:
    """(second, llr) of each half second in which somebody speaks and the detector looked."""
    values = half_seconds(frames)
    llr = detector.calibration["half_second"].llr(values)
    return tuple(
        ((number + 0.5) * HALF, float(value))
        for number, value in enumerate(llr)
        if math.isfinite(value)
    )


def regions_of(detector: AudioDetector, frames: Floats) -> list[Region]:
    """Stretches whose half seconds together speak for a synthetic voice, beside the rest.

    A recording has a level of its own: a studio's is lower than a living room's. Where most of it
    sounds recorded, its half seconds are moved so that their median is one that all recordings
    share.
    """
    values = half_seconds(frames)
    times = (np.arange(len(values)) + 0.5) * HALF
    known = np.isfinite(values)
    at, calibration = detector.card.thresholds, detector.calibration["half_second"]
    moved = values[known]
    if len(moved) * HALF >= OWN_SECONDS and calibration.llr(level := np.median(moved)) < 0:
        moved = moved - level + at["shared_level"]
    llrs = calibration.llr(moved)
    return list(
        suspicious_regions(times[known].tolist(), llrs, step=HALF, least=at["region_evidence"])
    )


def doubts_of(
    detector: AudioDetector,
    llr: float,
    speech: Samples,
    likeness: float,
    views: Mapping[str, float],
) -> list[Doubt]:
    """Reasons to hold back."""
    at = detector.card.thresholds
    doubts = []
    if len(speech) < at["least_speech"] * RATE:
        heard, needed = len(speech) / RATE, at["least_speech"]
        text = f"Only {heard:.1f} s of speech; the detector needs {needed:.0f}."
        doubts.append(Doubt(code="too_short", text=text))
    if (width := bandwidth(speech)) < at["least_bandwidth"]:
        text = f"Nothing is left above {width:.0f} Hz: the traces that it reads lie higher."
        doubts.append(Doubt(code="too_compressed", text=text))
    if likeness < at["likeness"]:
        text = "The recording is unlike the speech that the detector's range was measured on."
        doubts.append(Doubt(code="out_of_range", text=text))
    if max(views.values()) - min(views.values()) > at["view_spread"]:
        text = "The answer changes when the sound is compressed or taken to telephone quality."
        doubts.append(Doubt(code="views_disagree", text=text))
    if math.log(9) < llr <= at["llr_fpr_1"]:
        text = "More than one real recording in a hundred sounds like this to the detector."
        doubts.append(Doubt(code="seen_in_recordings", text=text))
    return doubts


@analyser(
    "audio_detector",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Learned detector of synthetic speech",
    reads="traces that a vocoder or a synthesiser leaves in the short-time spectrum of speech",
    look_for="a timeline that is high throughout, or for one stretch of several seconds",
    ignore="single peaks, music behind the voice, telephone lines, heavy noise suppression",
    paper="Lavrentyeva et al. 2019; Wang and Yamagishi 2023",
)
def audio_detector(media: Media) -> Finding | NotApplicable:
    """Judge the speech of a recording, or of a clip's sound track."""
    if media.waveform is None:
        return NotApplicable(code="no_sound", text="The clip has no sound track.")
    samples = mono(media.waveform)
    regions = speech_or_reason(samples, media.sample_rate)
    if isinstance(regions, NotApplicable):
        return regions
    wave = np.ascontiguousarray(resampled(samples, media.sample_rate, RATE))
    detector = load_audio_detector(current().device)
    return judged(detector, wave, regions)


def judged(detector: AudioDetector, wave: Samples, regions: Sequence[Region]) -> Finding:
    """What the detector says of (N,) at 16 kHz in which somebody speaks in `regions`."""
    scored = detector.score(wave, regions)
    llr = float(detector.calibration["recording"].llr(scored.score))
    speech = speech_of(wave, regions, VIEW_SECONDS)
    views = view_llrs(detector, speech)
    likeness = detector.likeness(speech)
    doubts = doubts_of(detector, llr, speech, likeness, views)
    timeline = timeline_of(detector, scored.frames)
    found = regions_of(detector, scored.frames)
    partly = bool(found) and covered_part(found, timeline) < MOSTLY
    if partly and llr < math.log(9):
        text = f"Synthetic in part, by its sound: {listed(found)}; not as a whole."
        doubts.append(Doubt(code="partly_synthetic", text=text))
    return Finding(
        summary=_sentence(llr, doubts, found if partly else ()),
        llr=llr,
        notable=(llr > detector.card.thresholds["llr_fpr_1"] or partly) and not _others(doubts),
        doubts=tuple(doubts),
        facts=_facts(detector, scored, llr, views, likeness, regions, found),
        timeline=timeline,
    )


def _facts(
    detector: AudioDetector, scored: Scored, llr: float, views: Mapping[str, float],
    likeness: float, regions: Sequence[Region], found: Sequence[Region],
) -> dict[str, object]:  # fmt: skip
    return {
        "score": scored.score,
        "logits": dict(scored.logits),
        "llr_by_view": dict(views),
        "recordings_alike": rarity(llr, detector.card.thresholds),
        "likeness": likeness,
        "seconds_of_speech": sum(one.seconds for one in regions),
        "part_examined": scored.covered,
        "regions": [[one.start, one.end] for one in found],
        "weights": detector.card.name,
        "weak_on": list(detector.card.weaknesses),
    }


def covered_part(found: Sequence[Region], timeline: Sequence[tuple[float, float]]) -> float:
    """Part of the half seconds of a timeline that lie in the regions."""
    inside = sum(any(one.start <= t < one.end for one in found) for t, _ in timeline)
    return inside / max(1, len(timeline))


def _others(doubts: Sequence[Doubt]) -> list[Doubt]:
    """Doubts of the detector's own answer; that only a part is synthetic is none."""
    return [doubt for doubt in doubts if doubt.code != "partly_synthetic"]


def _sentence(llr: float, doubts: Sequence[Doubt], parts: Sequence[Region]) -> str:
    if _others(doubts):
        return "The learned detector of speech gives an answer here that should not be leaned on."
    if parts:
        return f"To the learned detector the voice sounds synthetic in part: {listed(parts)}."
    if abs(llr) < 0.5:
        return "The learned detector hears neither a synthesiser's nor a microphone's traces."
    return f"To the learned detector the voice is {ratio(llr, Kind.AUDIO)}."
