"""Levels that no microphone makes: runs of exact silence, clipped peaks, unused bits."""

from dataclasses import dataclass

import numpy as np

from unmask.evidence import Finding, Kind, NotApplicable
from unmask.forensics.audio.hearing import as_facts, heard
from unmask.media import Media
from unmask.registry import analyser
from unmask.sound import Region, Samples, joined, listed, runs

LEAST = 0.25  # seconds of recording
STEP_16 = 1 / 32768  # one step of 16 bits
SILENT = 0.1  # seconds of no sound at all that count as a run
FLOOR = 10 ** (-75 / 20)  # RMS of the quietest tenth: above it, the rest has a noise floor
PEAK = 0.25  # of full scale: below it nothing clips
CLIPPED = 1e-4  # share of all samples, below which a few flat peaks are not worth a word
FLAT = 3  # samples at the very peak, one after the other, that count as clipped


@dataclass(frozen=True, kw_only=True)
class Levels:
    """What the samples' values say."""

    peak: float  # of full scale
    rms: float
    floor: float  # RMS of the quietest tenth of all 20 ms that are not digitally silent
    offset: float  # mean
    silences: tuple[Region, ...]  # exact, inside the sound, not at its ends
    clipped: tuple[Region, ...]
    clipped_share: float  # of all samples
    bits: int  # that the samples use, 16 at least as far as can be told; 0 where they are not whole


def levels_of(samples: Samples, rate: int) -> Levels:
    """Levels of (samples,) in [-1, 1] at `rate` Hz."""
    size = max(1, round(0.02 * rate))
    frames = samples[: samples.size // size * size].reshape(-1, size).astype(np.float64)
    power = np.sqrt(np.mean(frames**2, axis=1))
    alive = power[power > STEP_16]
    peak = float(np.abs(samples).max())
    clipped = _clipped(samples, peak)
    width = 1 / rate
    return Levels(
        peak=peak,
        rms=float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))),
        floor=float(np.percentile(alive, 10)) if alive.size else 0.0,
        offset=float(samples.mean(dtype=np.float64)),
        silences=_silences(samples, rate),
        clipped=joined((Region(a * width, b * width) for a, b in clipped.tolist()), 0.2),
        clipped_share=float((clipped[:, 1] - clipped[:, 0]).sum() / samples.size),
        bits=_bits(samples),
    )


def _silences(samples: Samples, rate: int) -> tuple[Region, ...]:
    """Runs of samples that do not move by more than a step of 16 bits around zero."""
    found = runs(np.abs(samples) <= STEP_16 * 1.01)
    long = found[found[:, 1] - found[:, 0] >= SILENT * rate]
    inside = long[(long[:, 0] > 0) & (long[:, 1] < samples.size)]
    return tuple(Region(a / rate, b / rate) for a, b in inside.tolist())


def _clipped(samples: Samples, peak: float) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    """(n, 2) runs of three samples or more at the very peak, up or down."""
    if peak < PEAK:
        return np.zeros((0, 2), np.intp)
    at_peak = [runs(side >= peak - STEP_16 / 2) for side in (samples, -samples)]
    found = np.concatenate(at_peak)
    return found[found[:, 1] - found[:, 0] >= FLAT]


def _bits(samples: Samples) -> int:
    """The fewest bits that hold every sample exactly; 0 where 24 do not."""
    part = samples[:: max(1, samples.size // 500_000)].astype(np.float64)
    for bits in range(4, 25):
        scaled = part * 2.0 ** (bits - 1)
        if np.array_equal(scaled, np.round(scaled)):
            return bits
    return 0


@analyser(
    "sound_levels",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Levels of the sound",
    reads="runs of exact digital silence, clipped peaks, and how many bits the samples use",
    look_for="exact silence between words of a recording that has a noise floor elsewhere",
    ignore="silence at the ends; noise gates of meetings and telephones; music made on a computer",
    paper="Zakariah, Khan and Malik 2018, Digital multimedia audio forensics (review)",
)
def sound_levels(media: Media) -> Finding | NotApplicable:
    """What the values of the samples say of how they came about."""
    sound = heard(media, LEAST)
    if isinstance(sound, NotApplicable):
        return sound
    found = levels_of(sound.samples, sound.rate)
    mixed = bool(found.silences) and found.floor > FLOOR
    few = sound.codec.startswith("pcm_s24") and 0 < found.bits <= 16
    parts = []
    if found.silences:
        total = sum(one.seconds for one in found.silences)
        parts.append(f"{total:.2f} s inside it are exact digital silence ({_at(found.silences)}).")
        if mixed:
            parts.append("Elsewhere it has a noise floor: a room does not fall silent like that.")
    if found.clipped_share > CLIPPED:
        parts.append(f"Peaks are cut off at {found.peak:.2f} of full scale ({_at(found.clipped)}).")
    if few:
        parts.append(f"Of its 24 bits only {found.bits} are used: it was made from a coarser file.")
    return Finding(
        summary=" ".join(parts) or "Its levels are those of an ordinary recording.",
        notable=mixed or few,
        facts={
            "peak": round(found.peak, 4),
            "rms_db": round(_decibels(found.rms), 1),
            "noise_floor_db": round(_decibels(found.floor), 1),
            "offset": round(found.offset, 5),
            "clipped_share": round(found.clipped_share, 6),
            "bits_used": found.bits or None,
            "regions": as_facts(found.silences) if mixed else [],
            "silences": as_facts(found.silences),
            "clipped": as_facts(found.clipped),
        },
    )


def _at(regions: tuple[Region, ...]) -> str:
    return f"at {listed(regions)}"


def _decibels(level: float) -> float:
    return 20 * float(np.log10(level + 1e-10))
