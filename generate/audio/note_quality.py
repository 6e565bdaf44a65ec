"""How good generated notes are: the pitch that a tracker hears, and how varied they sound."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from unmask.errors import UnmaskError
from unmask.generate.shares import Share, share

QUARTER_TONE = 0.5  # semitones
_LOWEST, _HIGHEST = 25.0, 1200.0  # Hz that are looked for
_HEARD = 0.6  # part of a note that is listened to: its key is down
_BINS = 50  # of the number of statistically different bins
_ALPHA = 0.05


class TrackerError(UnmaskError):
    """The pitch tracker is not installed."""


def heard_pitch(sound: NDArray[np.float32], rate: int) -> float:
    """The MIDI pitch of a note, or NaN where no pitch is heard: the median of Harvest's track.

    Harvest (Morise 2017) is WORLD's tracker and knows nothing of what made the note. Raises
    TrackerError without pyworld.
    """
    try:
        import pyworld
    except ImportError as error:
        raise TrackerError("Pitch is heard by pyworld: pip install pyworld") from error
    part = np.ascontiguousarray(sound[: round(_HEARD * len(sound))], np.float64)
    track, _ = pyworld.harvest(part, rate, f0_floor=_LOWEST, f0_ceil=_HIGHEST)
    voiced = track[track > 0]
    return float(69 + 12 * np.log2(np.median(voiced) / 440)) if len(voiced) else float("nan")


@dataclass(frozen=True, kw_only=True)
class PitchAccuracy:
    """Notes that are heard within a quarter tone of what was asked for."""

    exact: Share
    octave: Share  # or an octave or more away from there: a tracker's own mistake


def pitch_accuracy(
    sounds: NDArray[np.float32], pitches: NDArray[np.int64], rate: int
) -> PitchAccuracy:
    """(N, samples) notes that should be at (N,) MIDI pitches."""
    away = np.array([heard_pitch(s, rate) for s in sounds]) - pitches
    exact = np.abs(away) <= QUARTER_TONE
    octave = np.abs(away - 12 * np.round(away / 12)) <= QUARTER_TONE
    return PitchAccuracy(
        exact=share(int(exact.sum()), len(exact)), octave=share(int(octave.sum()), len(octave))
    )


def timbre(pictures: Tensor) -> NDArray[np.float64]:
    """(N, 2, bins, frames) -> (N, 160): the loudness of 40 bands, wide above, in four quarters.

    What is left of a note when its pitch is blurred: bright or dull, struck or held.
    """
    loudness = pictures[:, 0].double()
    bins, frames = loudness.shape[1:]
    edges = np.unique(np.geomspace(2, bins, 41).round().astype(int))
    bands = [
        loudness[:, a:b].mean(1) for a, b in zip([0, *edges[:-1]], edges, strict=True) if b > a
    ]
    quarters = torch.stack(bands, 1).reshape(len(loudness), -1, 4, frames // 4).mean(3)
    return np.asarray(quarters.flatten(1).numpy())


def different_bins(
    real: NDArray[np.float64], fake: NDArray[np.float64], *, bins: int = _BINS, seed: int = 0
) -> float:
    """NDB / K, 0 to 1: the part of the bins of reals that hold another share of the fakes.

    Bins are k-means clusters of the reals; shares differ where a two-proportion z-test says so at
    5% (Richardson and Weiss 2018, "On GANs and GMMs"). Reals against others of their kind: 0.05.
    """
    from sklearn.cluster import KMeans  # a scan evaluates nothing

    centre, scale = real.mean(0), real.std(0) + 1e-6
    whitened, others = (real - centre) / scale, (fake - centre) / scale
    clusters = KMeans(bins, n_init=4, random_state=seed).fit(whitened)
    shares = [np.bincount(labels, minlength=bins) / len(labels)
              for labels in (clusters.labels_, clusters.predict(others))]  # fmt: skip
    pooled = (shares[0] * len(real) + shares[1] * len(fake)) / (len(real) + len(fake))
    spread = np.sqrt(pooled * (1 - pooled) * (1 / len(real) + 1 / len(fake)))
    z = np.abs(shares[0] - shares[1]) / np.maximum(spread, 1e-12)
    return float((2 * norm.sf(z) < _ALPHA).mean())
