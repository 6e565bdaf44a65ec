"""Lines that the up-sampling of a neural vocoder draws into the mean spectrum.

A vocoder's network makes samples from frames in steps of 2, 8 or 16; its transposed convolutions
leave tones at fixed fractions of the sampling rate (Pons et al. 2021; shown for MelGAN and HiFi-GAN
by Frank and Schönherr 2021 and used by Sun et al. 2023). No voice holds a tone at 689.06 Hz times
1, 2, 3 and so on from the first to the last second.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter

from unmask.evidence import Finding, Kind, NotApplicable, Plot
from unmask.forensics.audio.hearing import as_facts, heard, spectra
from unmask.media import Media
from unmask.registry import analyser
from unmask.sound import Region, Samples, joined, listed, runs

WINDOW = 4096  # samples
LOWEST = 900.0  # Hz: below it, voices have lines of their own
SMOOTH = 41  # bins, over which a line stands out
RATES = (16000, 22050, 24000, 32000, 44100, 48000)  # Hz, at which vocoders work
STEPS = (2, 4, 5, 8, 10, 16, 20, 32)  # samples of output for one of an inner layer
# The 32 bands of an MP3 encoder, and pairs of them, end at such multiples too.
BANDS = frozenset(round(rate / s, 3) for rate in (32000, 44100, 48000) for s in (32, 64))  # Hz
FEWEST = 3  # lines of a comb
STANDS_OUT = 5.0  # standard errors of a comb's mean height
TOP = 10.0  # robust deviations of a lone line at half the sampling rate
LEAST = 3.0  # seconds
SPAN = 8.0  # seconds in which a comb is sought besides the whole
PART, HOP = 4.0, 1.0  # seconds of a local score
LOCAL = 4.0  # standard errors of a part


@dataclass(frozen=True, kw_only=True)
class Comb:
    """Lines at the multiples of one frequency."""

    spacing: float  # Hz
    score: float  # standard errors by which their mean height exceeds that of all bins
    lines: int
    height: float  # dB, mean


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What of a vocoder is seen in a mean spectrum."""

    comb: Comb | None  # the clearest
    top: float  # robust deviations of the line at half the sampling rate
    relief: NDArray[np.float64]  # (bins,) dB above the bins around


def relief_of(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(bins,) of a mean spectrum in dB: how far each stands above those around it."""
    relief: NDArray[np.float64] = mean - median_filter(mean, SMOOTH, mode="reflect")
    return relief


def spacings(rate: int) -> list[float]:
    """Frequencies in Hz whose multiples a vocoder may have marked in what is now at `rate` Hz."""
    found = {round(r / s, 3) for r in RATES for s in STEPS}
    # The frames of USB, 1000 in a second, are heard in real recordings.
    usual = {d for d in found if d % 500 == 0 and 1000 % min(d, 1000) == 0}
    return sorted(d for d in found - usual if rate / 2 / d >= FEWEST)


def comb_of(relief: NDArray[np.float64], rate: int, spacing: float, edge: float) -> Comb:
    """The comb of `spacing` Hz in a relief, from 900 Hz to `edge` Hz."""
    width = rate / WINDOW
    # A line may lie between two bins, so the higher of three counts, here and everywhere.
    highest = np.minimum(maximum_filter1d(relief, 3), 12.0)  # dB: one line alone is no comb
    edge = min(edge, rate / 2 - 4 * width)  # the line at the very top is looked at apart
    first, last = int(LOWEST / width), int(edge / width)
    usual = highest[first : last + 1]
    places = np.arange(np.ceil(LOWEST / spacing), np.floor(edge / spacing) + 1) * spacing
    at = np.round(places / width).astype(int)
    at = at[at < relief.size]
    spread = float(usual.std())
    if at.size < FEWEST or spread == 0:
        return Comb(spacing=spacing, score=0.0, lines=int(at.size), height=0.0)
    mean = float(highest[at].mean())
    score = (mean - float(usual.mean())) / spread * np.sqrt(at.size)
    return Comb(spacing=spacing, score=float(score), lines=int(at.size), height=mean)


def traces_of(frames: NDArray[np.float32], rate: int, edge: float) -> Traces:
    """Traces in (frames, bins) dB as `hearing.spectra` gives them."""
    relief = relief_of(frames.mean(axis=0, dtype=np.float64))
    combs = [comb_of(relief, rate, spacing, edge) for spacing in spacings(rate)]
    best = max(combs, key=lambda c: c.score, default=None)
    deviation = 1.4826 * float(np.median(np.abs(relief)))
    top = float(relief[-3:].max()) / deviation if deviation else 0.0
    return Traces(comb=best, top=top, relief=relief)


def clearest(frames: NDArray[np.float32], rate: int, edge: float) -> Traces:
    """Traces of the whole, or of the eight seconds in which the comb is clearest."""
    best = traces_of(frames, rate, edge)
    size = round(SPAN * rate / (WINDOW // 4))
    for start in range(0, len(frames) - size, size // 2):
        part = traces_of(frames[start : start + size], rate, edge)
        if part.comb and best.comb and part.comb.score > best.comb.score:
            best = Traces(comb=part.comb, top=max(part.top, best.top), relief=part.relief)
    return best


def _edge(frames: NDArray[np.float32], rate: int) -> float:
    """Hz up to which anything is heard: above, a spectrum is that of rounding."""
    mean = frames.mean(axis=0)
    heard_bins = np.flatnonzero(mean > max(float(mean.max()) - 90, -118.0))
    return float(heard_bins[-1]) * rate / WINDOW if heard_bins.size else 0.0


def _parts(frames: NDArray[np.float32], rate: int, comb: Comb, edge: float) -> tuple[Region, ...]:
    """Stretches in which the comb is seen."""
    step = WINDOW // 4 / rate
    size, hop = max(1, round(PART / step)), max(1, round(HOP / step))
    starts = np.arange(0, max(1, len(frames) - size + 1), hop)
    seen = [
        comb_of(
            relief_of(frames[s : s + size].mean(axis=0, dtype=np.float64)), rate, comb.spacing, edge
        ).score
        >= LOCAL
        for s in starts
    ]
    found = [Region(starts[a] * step, (starts[b - 1] + size) * step)
             for a, b in runs(np.array(seen)).tolist()]  # fmt: skip
    return joined(found, HOP)


@analyser(
    "vocoder_traces",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Traces of a vocoder",
    reads="narrow lines in the mean spectrum at the multiples of the steps of a neural vocoder",
    look_for="a comb of lines from the first to the last second, or a line at the very top",
    ignore="whistles of power supplies and screens, music, former MP3s (689 and 1378 Hz at"
    " 44.1 kHz). Absence: many vocoders leave none",
    paper="Pons et al. 2021, Upsampling artifacts in neural audio synthesis; Frank and Schönherr "
    "2021 (WaveFake); Sun et al. 2023",
)
def vocoder_traces(media: Media) -> Finding | NotApplicable:
    """Whether the mean spectrum shows the lines of a neural vocoder."""
    sound = heard(media, LEAST)
    if isinstance(sound, NotApplicable):
        return sound
    if sound.rate < 8000:
        return NotApplicable(code="low_rate", text=f"Sampled at {sound.rate} Hz: too coarse.")
    frames = spectra(sound.samples, WINDOW, WINDOW // 4)
    edge = _edge(frames, sound.rate)
    found = clearest(frames, sound.rate, edge)
    comb = found.comb if found.comb and found.comb.score >= STANDS_OUT else None
    top = found.top >= TOP and edge > 0.49 * sound.rate
    parts = _parts(frames, sound.rate, comb, edge) if comb else ()
    return Finding(
        summary=_summary(comb, top, parts, sound.seconds),
        notable=comb is not None or top,
        facts=_facts(found, comb, parts),
        plots=(
            Plot(
                title="Lines in the mean spectrum",
                x_label="Frequency (kHz)",
                y_label="Above the bins around (dB)",
                x=tuple((np.arange(found.relief.size) * sound.rate / WINDOW / 1000).tolist()),
                series={"Relief": tuple(found.relief.tolist())},
            ),
        ),
    )


def _facts(found: Traces, comb: Comb | None, parts: tuple[Region, ...]) -> dict[str, Any]:
    return {
        "comb_hz": comb.spacing if comb else None,
        "comb_lines": comb.lines if comb else None,
        "comb_height_db": round(comb.height, 2) if comb else None,
        "best_comb_score": round(found.comb.score, 2) if found.comb else None,
        "line_at_half_rate": round(found.top, 1),
        "regions": as_facts(parts),
    }


def _summary(comb: Comb | None, top: bool, parts: tuple[Region, ...], seconds: float) -> str:
    said = []
    if comb:
        where = ""
        if parts and sum(p.seconds for p in parts) < 0.8 * seconds:
            where = f", from {listed(parts)}"
        said.append(
            f"Its mean spectrum has {comb.lines} lines at the multiples of {comb.spacing:.1f} Hz"
            f"{where}, as the up-sampling of some neural vocoders leaves."
        )
        if comb.spacing in BANDS:
            said.append("The bands of an MP3 end there too: one that was decoded may show them.")
    if top:
        said.append(
            "A line stands at the very top of its spectrum, at half the sampling rate: HiFi-GAN "
            "and its kin leave such, and so do some converters."
        )
    return " ".join(said) or "No lines of a neural vocoder are seen, which many do not leave."


def examine(samples: Samples, rate: int) -> Traces:
    """Traces in (samples,) at `rate` Hz."""
    frames = spectra(samples, WINDOW, WINDOW // 4)
    return clearest(frames, rate, _edge(frames, rate))
