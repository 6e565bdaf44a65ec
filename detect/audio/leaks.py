"""Leak probes of speech: what must not tell the classes apart, though a detector might use it."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.speech_manifest import Utterance
from unmask.detect.audio.frontends import RATE
from unmask.detect.audio.pairs import read_wave
from unmask.detect.evaluation.probes import probe
from unmask.detect.evaluation.tables import Estimate
from unmask.sound import Samples

_FRAME = 160  # samples: 10 ms
_QUIET = 1e-4  # of the power of the loud frames: -40 dB


def _powers(wave: Samples) -> NDArray[np.float64]:
    frames = wave[: len(wave) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(float)
    return np.asarray((frames**2).mean(1) + 1e-12)


def length(wave: Samples) -> list[float]:
    """Seconds."""
    return [math.log(len(wave) / RATE)]


def level(wave: Samples) -> list[float]:
    """Root mean square, peak and offset."""
    rms = float(np.sqrt(np.mean(wave.astype(float) ** 2)) + 1e-9)
    return [math.log(rms), math.log(float(np.abs(wave).max()) + 1e-9), float(wave.mean())]


def silence(wave: Samples) -> list[float]:
    """Quiet at the start, at the end and in all, and digital silence."""
    powers = _powers(wave)
    loud = np.flatnonzero(powers > _QUIET * np.quantile(powers, 0.9))
    if not loud.size:
        return [1.0, 1.0, 1.0, 1.0]
    ends = [loud[0] * 0.01, (len(powers) - 1 - loud[-1]) * 0.01]
    return [*ends, 1 - len(loud) / len(powers), float(np.mean(wave == 0))]


def without_quiet(wave: Samples) -> Samples:
    """(N,) -> (M,): all that is not quiet, one frame after the other; joins lie at quiet places."""
    powers = _powers(wave)
    loud = powers > _QUIET * np.quantile(powers, 0.9)
    frames = wave[: len(loud) * _FRAME].reshape(-1, _FRAME)
    return frames[loud].ravel() if loud.any() else wave


PROBES: Mapping[str, Callable[[Samples], list[float]]] = {
    "length": length,
    "level": level,
    "silence": silence,
}


def leaks(
    utterances: Sequence[Utterance], change: Callable[[Samples], Samples] = lambda wave: wave
) -> dict[str, Estimate]:
    """AUC of each probe over held-out folds by source; expected is 0.5.

    Recordings are probed after `change`. A probe is left out where a class has too few sources to
    say anything.
    """
    waves = [change(read_wave(u.path)) for u in utterances]
    fake, sources = [u.fake for u in utterances], [u.source for u in utterances]
    found = {}
    for name, see in PROBES.items():
        value = probe([see(wave) for wave in waves], fake, sources)
        if value is not None:
            found[name] = value
    return found
