"""The noise of the room under everything else, and stretches where it is another one.

What was recorded elsewhere brings its own noise along (Pan, Zhang and Lyu 2012). The noise is
estimated by minimum statistics (Martin 2001): the quietest moments of every band and half second.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter

from unmask.evidence import Finding, Kind, NotApplicable, Plot
from unmask.forensics.audio.hearing import as_facts, heard, spectra
from unmask.media import Media
from unmask.registry import analyser
from unmask.sound import Region, Samples, joined, listed, runs

LEAST = 8.0  # seconds
STEP = 0.25  # seconds
REACH = 1.5  # seconds around a moment in which its quietest instants are sought: pauses are shorter
BANDS = 12
LOWEST = 150.0  # Hz
APART = 7.0  # dB, averaged over the bands, by which a stretch must differ
TIMES = 5.0  # its usual wandering
EDGE = 0.6  # of the difference that must come about within EDGE_SECONDS
EDGE_SECONDS = 1.5
SILENT = -140.0  # dB, mean of the bins of a frame
GAP = 2.0  # seconds within a stretch in which a voice hides its noise
SHORTEST, LONGEST = 1.5, 0.5  # seconds; share of the whole


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The noise floor of a recording."""

    times: NDArray[np.float64]  # (n,) seconds
    level: NDArray[np.float64]  # (n,) dB of full scale, mean over the bands
    apart: NDArray[np.float64]  # (n,) dB from the usual floor, mean over the bands
    threshold: float  # dB
    stretches: tuple[Region, ...]


def band_floor(samples: Samples, rate: int) -> tuple[NDArray[np.float64], float]:
    """((n, bands) dB of the quietest instants around every quarter second, seconds of a step)."""
    window = 2 ** int(np.ceil(np.log2(0.032 * rate)))
    hop = window // 2
    frames = spectra(samples, window, hop)
    top = 0.45 * rate
    edges = np.geomspace(LOWEST, top, BANDS + 1) / (rate / window)
    cuts = np.unique(np.round(edges).astype(int))
    bands = np.stack([frames[:, a:b].mean(axis=1) for a, b in pairwise(cuts.tolist())], 1)
    bands[bands.mean(axis=1) < SILENT] = np.inf  # no noise at all: sound_levels tells of that
    per = max(1, round(STEP * rate / hop))
    count = len(bands) // per
    quiet = np.percentile(bands[: count * per].reshape(count, per, -1), 10, axis=1)
    size = max(3, round(REACH / STEP) | 1)
    low = percentile_filter(quiet, 15, size=(size, 1), mode="nearest")
    known = np.isfinite(low)
    usual = np.median(low[known.all(axis=1)], axis=0) if known.all(axis=1).any() else -100.0
    return np.where(known, low, usual), per * hop / rate


def floor_of(samples: Samples, rate: int) -> Floor:
    """The noise floor of (samples,) and where it is another one."""
    bands, step = band_floor(samples, rate)
    away = np.abs(bands - np.median(bands, axis=0)).mean(axis=1)
    threshold = max(APART, TIMES * float(np.median(away)))
    found = []
    far = [Region(a * step, b * step) for a, b in runs(away > threshold).tolist()]
    for region in joined(far, GAP):
        first, behind = (round(edge / step) for edge in region)
        if not SHORTEST <= region.seconds <= LONGEST * len(away) * step:
            continue
        if _sudden(bands, first, step) or _sudden(bands, behind, step):
            found.append(region)
    return Floor(
        times=np.asarray(np.arange(len(away)) * step + step / 2, np.float64),
        level=bands.mean(axis=1),
        apart=away,
        threshold=threshold,
        stretches=tuple(found),
    )


def _sudden(bands: NDArray[np.float64], at: int, step: float) -> bool:
    """Whether the floor changes at once around step `at`, and not bit by bit."""
    near, far = round(EDGE_SECONDS / step), round(3 * EDGE_SECONDS / step)
    if at - near < 0 or at + near >= len(bands):
        return False
    fast = np.abs(bands[at + near] - bands[at - near]).mean()
    slow = np.abs(bands[min(at + far, len(bands) - 1)] - bands[max(at - far, 0)]).mean()
    return bool(fast >= APART * EDGE and fast >= EDGE * slow)


@analyser(
    "noise_floor",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Noise floor over time",
    reads="the quietest instants of every band: the room and the microphone under the voices",
    look_for="a stretch with another noise that begins or ends at once",
    ignore="doors, cars, applause, music; a microphone that turns itself down; noise reduction",
    paper="Pan, Zhang and Lyu 2012; Martin 2001 (minimum statistics)",
)
def noise_floor(media: Media) -> Finding | NotApplicable:
    """Where the noise under the sound is another one than elsewhere."""
    sound = heard(media, LEAST)
    if isinstance(sound, NotApplicable):
        return sound
    if sound.rate < 4000:
        return NotApplicable(code="low_rate", text=f"Sampled at {sound.rate} Hz: too coarse.")
    found = floor_of(sound.samples, sound.rate)
    text = "The noise under the sound is much the same throughout."
    if found.stretches:
        text = (
            f"From {listed(found.stretches)} the noise under the sound is another one and changes "
            "at once: perhaps a part recorded elsewhere."
        )
    x = tuple(found.times.tolist())
    return Finding(
        summary=text,
        notable=bool(found.stretches),
        facts={
            "level_db": round(float(np.median(found.level)), 1),
            "wandering_db": round(float(np.median(found.apart)), 2),
            "largest_db": round(float(found.apart.max()), 1),
            "threshold_db": round(found.threshold, 1),
            "regions": as_facts(found.stretches),
        },
        plots=(
            Plot(
                title="Noise under the sound",
                x_label="Second",
                y_label="Distance from the usual (dB)",
                x=x,
                series={
                    "Distance": tuple(found.apart.tolist()),
                    "Counts from here": (found.threshold,) * len(x),
                },
            ),
        ),
    )
