"""The hum of the electric mains in a recording, its frequency over time, and where it jumps.

Every grid hums at 50 or 60 Hz and wanders by some hundredths, and whatever is recorded near it
hums along (Grigoras 2007). A cut moves the phase of the hum at once (Rodríguez et al. 2010); sound
made by a program hums not at all, or too steadily.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import butter, resample_poly, sosfiltfilt

from unmask.evidence import Finding, Kind, NotApplicable, Plot
from unmask.forensics.audio.hearing import as_facts, heard
from unmask.media import Media
from unmask.registry import analyser
from unmask.sound import Region, Samples, clock, joined, runs

RATE = 1000  # Hz, to which sound is brought down
MAINS = (50.0, 60.0)  # Hz
ORDERS = (1, 2, 3, 4, 6)  # harmonics; the second is often the strongest
WINDOW, HOP = 4.0, 0.5  # seconds of one measurement
WANDER = 0.3  # Hz on each side that a grid may be off by, times the order
HEARD = 12.0  # dB above the noise beside it, from which a hum counts
PRESENT = 0.6  # of all measurements in which it must be heard
LEAST = 12.0  # seconds
JUMP = 0.6  # radians of phase within half a second, beyond what the frequency explains
STEP = 0.25  # seconds from phase to phase


@dataclass(frozen=True, kw_only=True)
class Hum:
    """The mains in a recording."""

    nominal: float  # Hz: 50 or 60
    order: int  # the harmonic that was heard best
    times: NDArray[np.float64]  # (n,) seconds
    track: NDArray[np.float64]  # (n,) Hz, divided by the order; NaN where it is not heard
    above: NDArray[np.float64]  # (n,) dB above the noise beside it
    jumps: tuple[float, ...]  # seconds

    @property
    def present(self) -> float:
        """Share of the measurements in which it is heard."""
        return float(np.isfinite(self.track).mean()) if self.track.size else 0.0


def lowered(samples: Samples, rate: int) -> NDArray[np.float64]:
    """(samples,) at 1 kHz."""
    first = max(1, rate // 8000)
    if first > 1:  # in two steps: one filter for both would be long
        samples = resample_poly(samples, 1, first).astype(np.float32)
    found = resample_poly(samples.astype(np.float64), RATE * first, rate)
    return np.asarray(found, np.float64)


def measure(low: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    """(n, 2) frequency in Hz and dB above the noise beside it, of a line near `centre`.

    The frequency is that of the parabola through the three highest bins of the log spectrum.
    """
    size, step = int(WINDOW * RATE), int(HOP * RATE)
    frames = np.lib.stride_tricks.sliding_window_view(low, size)[::step]
    shape = np.hanning(size)
    bins = 4 * size
    spacing = RATE / bins
    reach = int(np.ceil((width + 3.0) / spacing))
    middle = round(centre / spacing)
    picked = np.arange(middle - reach, middle + reach + 1)
    # Few frequencies are needed: a matrix is faster than a padded transform of each frame.
    waves = np.exp(-2j * np.pi * np.outer(np.arange(size), picked) / bins) * shape[:, None]
    power = np.abs(frames @ waves) ** 2 + 1e-20
    inside = np.abs(picked * spacing - centre) <= width
    beside = np.abs(picked * spacing - centre) > width + 1.0
    noise = np.median(power[:, beside], axis=1)
    at = np.flatnonzero(inside)[0] + np.argmax(power[:, inside], axis=1)
    rows = np.arange(len(power))
    left, top, right = (np.log(power[rows, at + i]) for i in (-1, 0, 1))
    bend = left - 2 * top + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0)
    frequency = (picked[at] + np.clip(shift, -1, 1)) * spacing
    return np.stack([frequency, 10 * np.log10(power[rows, at] / noise)], axis=1)


def hum_of(samples: Samples, rate: int) -> Hum:
    """The mains hum of (samples,) at `rate` Hz: the harmonic of 50 or 60 Hz heard best."""
    low = lowered(samples, rate)
    best: Hum | None = None
    for nominal in MAINS:
        for order in ORDERS:
            found = measure(low, nominal * order, WANDER * order)
            times = np.asarray(np.arange(len(found)) * HOP + WINDOW / 2, np.float64)
            clear = found[:, 1] >= HEARD
            track = np.where(clear, found[:, 0] / order, np.nan)
            hum = Hum(nominal=nominal, order=order, times=times, track=track,
                      above=found[:, 1], jumps=())  # fmt: skip
            if best is None or _clearness(hum) > _clearness(best):
                best = hum
    assert best is not None
    if best.present < PRESENT:
        return best
    jumps = phase_jumps(
        low, best.nominal * best.order, float(np.nanmedian(best.track)) * best.order
    )
    return Hum(nominal=best.nominal, order=best.order, times=best.times, track=best.track,
               above=best.above, jumps=jumps)  # fmt: skip


def _clearness(hum: Hum) -> float:
    """How well a track is heard; a voice passes through a harmonic, and does not stay on it."""
    known = hum.track[np.isfinite(hum.track)]
    if known.size < 4:
        return 0.0
    steady = float(np.median(np.abs(np.diff(known)))) < 0.05
    return hum.present * float(np.median(hum.above)) * steady


def phase_jumps(low: NDArray[np.float64], nominal: float, true: float) -> tuple[float, ...]:
    """Seconds at which the phase of a hum of `true` Hz leaps more than a grid can make it."""
    band = butter(2, [nominal - 2, nominal + 2], "bandpass", fs=RATE, output="sos")
    size = int(2 * STEP * RATE)
    wave = np.exp(-2j * np.pi * true * np.arange(low.size) / RATE)
    mixed = sosfiltfilt(band, low) * wave
    kernel = np.hanning(size) / np.hanning(size).sum()
    slow = np.convolve(mixed.real, kernel, "same") + 1j * np.convolve(mixed.imag, kernel, "same")
    step = int(STEP * RATE)
    points = slow[::step]
    # Over what the filter spreads a jump (two steps), against the drift just before.
    turned = np.angle(points[3:] * np.conj(points[:-3]))
    drift = median_filter(turned, 13, mode="nearest")  # which a leap does not move
    strong = np.minimum(np.abs(points[3:]), np.abs(points[:-3])) > 0.3 * np.median(np.abs(points))
    leaps = strong & (np.abs(np.angle(np.exp(1j * (turned - drift)))) > JUMP)
    times = [Region((a + 1.5) * STEP, (b + 0.5) * STEP) for a, b in runs(leaps).tolist()]
    return tuple((one.start + one.end) / 2 for one in joined(times, 1.0))


@analyser(
    "mains_hum",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Hum of the mains",
    reads="the electric network's 50 or 60 Hz and its harmonics, their frequency and phase",
    look_for="a jump of the phase or a gap in the track: a cut. Hum of another continent",
    ignore="the absence of hum: batteries, filters and lossy codecs leave none. Bass notes",
    paper="Grigoras 2007; Rodríguez, Apolinário and Biscainho 2010",
)
def mains_hum(media: Media) -> Finding | NotApplicable:
    """Whether the mains hum in it, how the frequency goes, and where the phase jumps."""
    sound = heard(media, LEAST)
    if isinstance(sound, NotApplicable):
        return sound
    if sound.rate < RATE:
        return NotApplicable(code="low_rate", text=f"Sampled at {sound.rate} Hz: too coarse.")
    hum = hum_of(sound.samples, sound.rate)
    if hum.present < PRESENT:
        text = "No hum of the mains is heard, which is common and says nothing of the origin."
        return Finding(summary=text, facts={"present": False, "share_heard": hum.present})
    known = hum.track[np.isfinite(hum.track)]
    parts = [f"The mains hum in it at {np.mean(known):.3f} Hz (the network has {hum.nominal:.0f})."]
    few = hum.jumps if len(hum.jumps) <= 6 else ()  # more of them: a bad signal and no cuts
    if few:
        parts.append(f"Its phase jumps at {', '.join(clock(t) for t in few)}: perhaps a cut.")
    regions = [Region(max(0.0, t - 0.5), t + 0.5) for t in few]
    return Finding(
        summary=" ".join(parts),
        notable=bool(few),
        facts={
            "present": True,
            "nominal_hz": hum.nominal,
            "harmonic": hum.order,
            "mean_hz": round(float(np.mean(known)), 4),
            "spread_hz": round(float(np.std(known)), 4),
            "above_noise_db": round(float(np.median(hum.above)), 1),
            "share_heard": round(hum.present, 3),
            "phase_jumps": [round(t, 2) for t in hum.jumps[:50]],
            "regions": as_facts(regions),
        },
        plots=(
            Plot(
                title="Frequency of the mains",
                x_label="Second",
                y_label="Hz",
                x=tuple(hum.times.tolist()),
                series={f"Harmonic {hum.order}, divided": tuple(hum.track.tolist())},
            ),
        ),
    )
