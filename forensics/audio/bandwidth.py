"""How high the sound reaches, and whether it ends there as if cut with a knife.

Microphones and rooms let high tones fade; a codec or a change of sampling rate cuts them off:
MP3 of 128 kbit/s at 16 kHz, a telephone at 4 kHz, most speech synthesis at 11 or 12 kHz. A file
that claims more than it holds has been something else before (D'Alessandro and Shi 2009).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.evidence import Finding, Kind, NotApplicable, Plot
from unmask.forensics.audio.hearing import Sound, as_facts, heard, spectra
from unmask.media import Media
from unmask.registry import analyser
from unmask.sound import Region, Samples, listed, runs

BAND = 125.0  # Hz
BLOCK = 0.5  # seconds
# (Hz, dB): falls that no room and no microphone makes, of a brick wall and of a soft resampler.
FALLS = ((500.0, 18.0), (3000.0, 32.0))
LOWEST = 2500.0  # Hz; below it voices end by themselves
SHARE = 0.9  # of half the sampling rate: every converter cuts above
LEAST = 1.5  # seconds of another bandwidth that count as a stretch
SPREAD = 0.06  # of its edge: a converter always cuts at the same place, a codec by what it hears
LEAST_RATE = 8000  # Hz


@dataclass(frozen=True, kw_only=True)
class Bandwidth:
    """How high a recording reaches."""

    edge: float  # Hz; half the sampling rate where nothing is cut
    drop: float  # dB at the edge, 0 where nothing is cut
    edges: NDArray[np.float64]  # (blocks,) Hz of each half second, NaN where it is silent
    level: NDArray[np.float64]  # (bands,) dB of each band, over the whole
    other: tuple[Region, ...]  # stretches with another edge than the rest


def band_levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """(blocks, bands): mean power in dB of every half second and 125 Hz."""
    window = 2 ** int(np.ceil(np.log2(rate / BAND * 2)))
    hop = window // 2
    frames = spectra(samples, window, hop)
    per_band = max(1, round(BAND / (rate / window)))
    bands = frames.shape[1] // per_band
    power = 10 ** (frames[:, : bands * per_band].astype(np.float64) / 10)
    power = power.reshape(len(frames), bands, per_band).mean(axis=2)
    per_block = max(1, round(BLOCK * rate / hop))
    starts = np.arange(0, len(power), per_block)
    sums = np.add.reduceat(power, starts, axis=0)
    counts = np.diff(np.append(starts, len(power)))[:, None]
    found: NDArray[np.float64] = 10 * np.log10(sums / counts + 1e-20)
    return found


def edge_of(level: NDArray[np.float64]) -> tuple[int, float]:
    """(band above which nothing is left, dB of the drop); (bands, 0) where nothing is cut.

    The drop is from below the edge to nearly everything above it, so that a dip in a spectrum is
    none; a few bands may stick out, as a resampler's mirror image does.
    """
    bands = level.size
    for span, least in FALLS:
        width = round(span / BAND)
        best, drop = bands, 0.0
        for at in range(max(2 * width, round(LOWEST / BAND)), bands - 2):
            before = float(np.median(level[at - width : at - width // 2]))
            if before - level[at] <= max(least, drop):
                continue
            found = before - float(np.percentile(level[at:], 85))
            if found > max(least, drop):
                best, drop = at, found
        if drop:
            start = best - width
            lower = float(np.median(level[start : start + width // 2])) - 12
            return start + int(np.flatnonzero(level[start:] < lower)[0]), drop
    return bands, 0.0


def bandwidth_of(samples: Samples, rate: int) -> Bandwidth:
    """The bandwidth of (samples,) at `rate` Hz, and where it differs."""
    levels = band_levels(samples, rate)
    half = rate / 2
    active = levels.max(axis=1) > -75
    whole = 10 * np.log10(np.mean(10 ** (levels / 10), axis=0))
    at, drop = edge_of(whole)
    edges = np.full(len(levels), np.nan)
    for block in np.flatnonzero(active):
        edge = edge_of(levels[block])[0]
        edges[block] = min(edge * BAND, half)
    return Bandwidth(
        edge=min(at * BAND, half),
        drop=drop,
        edges=edges,
        level=whole,
        other=_others(edges, len(samples) / rate),
    )


def _others(edges: NDArray[np.float64], seconds: float) -> tuple[Region, ...]:
    """Stretches of 1.5 s or more whose edge lies a quarter off the usual one."""
    known = edges[np.isfinite(edges)]
    if known.size < 6:
        return ()
    usual = float(np.median(known))
    differs = np.isfinite(edges) & (np.abs(np.log(np.maximum(edges, 1) / usual)) > np.log(1.25))
    found = []
    for first, behind in runs(differs):
        part = edges[first:behind]
        even = float(np.ptp(part)) <= SPREAD * float(np.median(part)) + BAND
        if even and (behind - first) * BLOCK >= LEAST:
            found.append(Region(first * BLOCK, min(behind * BLOCK, seconds)))
    # Where half of it is "other" there is no usual one: the music decides, not an editor.
    return tuple(found) if sum(r.seconds for r in found) < 0.5 * seconds else ()


def meaning(edge: float) -> str:
    """What usually cuts at `edge` Hz."""
    for low, high, what in (
        (3000, 4100, "a telephone, or a recording at 8 kHz"),
        (5300, 5700, "a recording at 11 kHz"),
        (6800, 8100, "a recording at 16 kHz, or broadband telephony"),
        (10300, 11200, "a recording or a voice synthesiser at 22 kHz, or MP3 at a low rate"),
        (11200, 12100, "a voice synthesiser or codec at 24 kHz"),
        (14800, 17200, "MP3 or AAC of about 128 kbit/s, or a recording at 32 kHz"),
        (17200, 20600, "MP3 or AAC of 160 kbit/s or more"),
    ):
        if low <= edge <= high:
            return what
    return "a filter, a codec, or a change of the sampling rate"


@analyser(
    "bandwidth",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Bandwidth and cut-off",
    reads="the highest frequency above the floor, over the whole and in every half second",
    look_for="a sharp end far below what the file could hold; a stretch with another end",
    ignore="sharp ends in MP3, AAC and sound tracks of sites: their encoders cut by design",
    paper="D'Alessandro and Shi 2009, MP3 bit rate quality detection through frequency spectrum",
)
def bandwidth(media: Media) -> Finding | NotApplicable:
    """Whether the sound ends below what its sampling rate could hold, and where it differs."""
    sound = heard(media, 1.0)
    if isinstance(sound, NotApplicable):
        return sound
    if sound.rate < LEAST_RATE:
        text = f"Sampled at {sound.rate} Hz: there is no band to miss."
        return NotApplicable(code="low_rate", text=text)
    found = bandwidth_of(sound.samples, sound.rate)
    cut = found.drop > 0 and found.edge < SHARE * sound.rate / 2
    times = np.arange(found.edges.size) * BLOCK + BLOCK / 2
    return Finding(
        summary=_summary(found, cut, sound),
        notable=bool(found.other) or (cut and sound.lossless),
        facts={
            "cutoff_hz": found.edge if cut else None,
            "drop_db": round(found.drop, 1) if cut else None,
            "half_rate_hz": sound.rate / 2,
            "lossless": sound.lossless,
            "regions": as_facts(found.other),
        },
        plots=(
            Plot(
                title="Where the sound ends",
                x_label="Second",
                y_label="Highest frequency (kHz)",
                x=tuple(times.tolist()),
                series={"Every half second": tuple((found.edges / 1000).tolist())},
            ),
            Plot(
                title="Spectrum of the whole",
                x_label="Frequency (kHz)",
                y_label="Power (dB)",
                x=tuple((np.arange(found.level.size) * BAND / 1000).tolist()),
                series={"Mean": tuple(found.level.tolist())},
            ),
        ),
    )


def _summary(found: Bandwidth, cut: bool, sound: Sound) -> str:
    parts = []
    if cut:
        parts.append(
            f"Above {found.edge / 1000:.1f} kHz there is nothing, though the file could hold "
            f"{sound.rate / 2000:.1f} kHz: typical of {meaning(found.edge)}."
        )
        if not sound.lossless:
            parts.append("The file's own lossy codec may have done that.")
    else:
        parts.append("The sound reaches as high as its sampling rate allows, or fades naturally.")
    if found.other:
        parts.append(f"From {listed(found.other)} it ends at another frequency than elsewhere.")
    return " ".join(parts)
