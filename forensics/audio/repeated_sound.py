"""Stretches of sound that occur twice, sample for sample: no two utterances are the same.

Candidates come from fingerprints in the manner of Haitsma and Kalker (2002), of which equal ones at
the same distance are counted; every candidate is then compared sample by sample.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from unmask.evidence import Finding, Kind, NotApplicable
from unmask.forensics.audio.hearing import as_facts, heard, spectra
from unmask.media import Media
from unmask.registry import analyser
from unmask.sound import Region, Samples, clock, resampled, runs

RATE = 8000  # Hz
WINDOW, HOP = 2048, 128  # samples: they overlap so much that a copy need not fit the frames
LOW, HIGH, BANDS = 200.0, 3600.0, 25
LAG = 4  # frames between which a change is read
QUIET = -60.0  # dB of a frame's loudest bin, below which it has no fingerprint
COMMON = 6  # a fingerprint that occurs more often tells nothing
HITS = 4  # equal fingerprints at one distance that make a candidate
CANDIDATES = 24
SHORTEST = 0.3  # seconds of copy, and of distance
PART = 0.04  # seconds compared at once
ALIKE = 0.98  # correlation from which two parts are one sound
MOST = 8  # copies at one distance: music made of loops has thousands
LEAST = 1.5  # seconds of recording


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A stretch and its copy."""

    first: Region
    second: Region
    correlation: float


def fingerprints(samples: Samples) -> NDArray[np.int64]:
    """(frames,) 24 bits each of (samples,) at 8 kHz; -1 for frames too quiet to have one."""
    frames = spectra(samples, WINDOW, HOP)
    cuts = np.round(np.geomspace(LOW, HIGH, BANDS + 1) / (RATE / WINDOW)).astype(int)
    sums = np.add.reduceat(10 ** (frames[:, : cuts[-1]] / 10), cuts[:-1], axis=1)
    slope = np.diff(np.log(sums + 1e-12), axis=1)
    rises = slope[LAG:] > slope[:-LAG]  # (frames - LAG, 24)
    bits = rises @ (1 << np.arange(BANDS - 1, dtype=np.int64))
    return np.where(frames[LAG:].max(axis=1) < QUIET, -1, bits)


def candidates(prints: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(distance, place) in frames of equal fingerprints that are frequent at one distance."""
    order = np.argsort(prints, kind="stable")
    order = order[prints[order] >= 0]
    edges = np.flatnonzero(np.diff(prints[order], prepend=-2, append=-2))
    hits: Counter[int] = Counter()
    places: dict[int, list[int]] = {}
    least = int(SHORTEST * RATE / HOP)
    for first, behind in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if not 2 <= behind - first <= COMMON:
            continue
        group = order[first:behind]
        for i, one in enumerate(group[:-1]):
            for other in group[i + 1 :]:
                distance = int(other - one)
                if distance >= least:
                    hits[distance] += 1
                    places.setdefault(distance, []).append(int(one))
    best = [(d, n) for d, n in hits.most_common(CANDIDATES) if n >= HITS]
    return [(d, int(np.median(places[d]))) for d, _ in best]


def copies_of(samples: Samples, rate: int) -> tuple[Copy, ...]:
    """Stretches of (samples,) of 0.3 s or more that come again."""
    prints = fingerprints(resampled(samples, rate, RATE))
    hop = HOP * rate / RATE  # samples at the recording's own rate, where a copy is exact
    found: list[Copy] = []
    for distance, place in candidates(prints):
        exact = _exact(samples, round(distance * hop), round(place * hop), round(hop))
        longest = sorted(_alike(samples, rate, exact), key=lambda c: -c.first.seconds)
        for one in longest[:MOST]:
            if not any(_same(one, other) for other in found):
                found.append(one)
    return tuple(sorted(found, key=lambda c: -c.first.seconds)[:20])


def _exact(samples: Samples, distance: int, place: int, reach: int) -> int:
    """The distance to the sample, by correlation of what lies at `place` within `reach`."""
    part = samples[place : place + 8 * reach]
    start = max(0, place + distance - 2 * reach)
    other = samples[start : place + distance + 10 * reach]
    if not 0 < part.size <= other.size:
        return distance
    matches = fftconvolve(other, part[::-1], "valid")
    power = np.cumsum(np.concatenate([[0.0], np.square(other, dtype=np.float64)]))
    matches = matches / np.sqrt(power[part.size :] - power[: -part.size] + 1e-12)
    return start + int(np.argmax(matches)) - place


def _alike(samples: Samples, rate: int, distance: int) -> list[Copy]:
    """Runs in which the sound is that of `distance` samples later."""
    size = int(PART * rate)
    count = (samples.size - distance) // size
    if count < 1 or distance < SHORTEST * rate:
        return []
    here = samples[: count * size].reshape(count, size)
    there = samples[distance : distance + count * size].reshape(count, size)
    energy = np.einsum("ij,ij->i", here, here), np.einsum("ij,ij->i", there, there)
    both = np.einsum("ij,ij->i", here, there)
    correlation = both / np.sqrt(energy[0] * energy[1] + 1e-12)
    loud = np.minimum(*energy) / size > 1e-7  # -70 dB
    found = []
    for first, behind in runs((correlation > ALIKE) & loud).tolist():
        if (behind - first) * PART < SHORTEST:
            continue
        start, length = first * size / rate, (behind - first) * size / rate
        away = start + distance / rate
        found.append(
            Copy(
                first=Region(start, start + length),
                second=Region(away, away + length),
                correlation=float(correlation[first:behind].mean()),
            )
        )
    return found


def _same(one: Copy, other: Copy) -> bool:
    return all(
        abs(a.start - b.start) < SHORTEST
        for a, b in ((one.first, other.first), (one.second, other.second))
    )


@analyser(
    "repeated_sound",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Copies within the sound",
    reads="stretches that occur twice, compared sample by sample",
    look_for="a word or a background that was copied to another place",
    ignore="music made of loops, ring tones, jingles, beeps: machines do repeat themselves",
    paper="Haitsma and Kalker 2002; Imran et al. 2017, Blind detection of copy-move forgery",
)
def repeated_sound(media: Media) -> Finding | NotApplicable:
    """Stretches of the sound that come again exactly."""
    sound = heard(media, LEAST)
    if isinstance(sound, NotApplicable):
        return sound
    if sound.rate < RATE:
        return NotApplicable(code="low_rate", text=f"Sampled at {sound.rate} Hz: too coarse.")
    found = copies_of(sound.samples, sound.rate)
    regular = len(found) > 6  # a rhythm, not a forger
    text = "No stretch of it comes twice."
    if found:
        one = found[0]
        text = (
            f"{one.first.seconds:.1f} s from {clock(one.first.start)} come again exactly at "
            f"{clock(one.second.start)}: nobody says or plays a thing twice the same."
        )
        if regular:
            text = "Many stretches come again exactly, as in music made of loops."
    return Finding(
        summary=text,
        notable=bool(found) and not regular,
        facts={
            "copies": [
                {
                    "from": round(c.first.start, 3),
                    "to": round(c.second.start, 3),
                    "seconds": round(c.first.seconds, 3),
                    "correlation": round(c.correlation, 4),
                }
                for c in found
            ],
            "regions": [] if regular else as_facts([r for c in found for r in (c.first, c.second)]),
        },
    )
