"""Calibration that knows how long a text is: the same score means less in fifty words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.detect.calibration import Calibration, fit

# ln ratio below which no text falls. A model that nobody trained on may write like a person, and no
# validation data say how often: so a text is never called a person's by its statistics alone.
FLOOR = -2.0


@dataclass(frozen=True, kw_only=True)
class AtLength:
    """How scores of documents of so many words are read."""

    words: int
    calibration: Calibration
    alarm: float  # ln ratio that at most 1% of each source of people's texts should exceed here


@dataclass(frozen=True, kw_only=True)
class LengthCalibration:
    """By length, in ascending order; between two lengths, by the logarithm of the words."""

    lengths: tuple[AtLength, ...]

    def llr(self, score: float, words: int) -> float:
        """ln P(score | machine) / P(score | person) of a document of so many words.

        Never below -2: see FLOOR.
        """
        places = [math.log(at.words) for at in self.lengths]
        ratios = [float(at.calibration.llr(score)) for at in self.lengths]
        return max(FLOOR, float(np.interp(math.log(max(words, 1)), places, ratios)))

    @property
    def alarm(self) -> float:
        """The ln ratio from which people's texts are rare, whatever their length.

        One bar for all: at one length a source has a few dozen texts, too few to show 1%, and a bar
        that falls where there are fewer texts would be lowest where least is known.
        """
        return max(at.alarm for at in self.lengths)

    def fields(self) -> list[dict[str, Any]]:
        """For a card."""
        return [asdict(at) for at in self.lengths]

    @classmethod
    def load(cls, fields: Sequence[Mapping[str, Any]]) -> "LengthCalibration":
        """From a card."""
        return cls(
            lengths=tuple(
                AtLength(
                    words=int(at["words"]),
                    calibration=Calibration.load(at["calibration"]),
                    alarm=float(at["alarm"]),
                )
                for at in fields
            )
        )


def fit_length(
    words: int,
    scores: Sequence[float],
    machine: Sequence[bool],
    groups: Sequence[str],
) -> AtLength:
    """Fit to documents of one length; `groups` are a person's domain or a machine's family.

    Every group counts alike within its class, however many documents it has.
    """
    sizes = {g: groups.count(g) for g in set(groups)}
    calibration = fit(machine, scores, [1 / sizes[g] for g in groups])
    people: dict[str, list[float]] = {}
    for score, group, made in zip(scores, groups, machine, strict=True):
        if not made:
            people.setdefault(group, []).append(score)
    highest = max(map(rare, people.values()))
    return AtLength(
        words=words, calibration=calibration, alarm=float(calibration.llr([highest])[0])
    )


def rare(scores: Sequence[float], rate: float = 0.01) -> float:
    """A score that the next text of a source exceeds with a chance of `rate` at most.

    A few dozen texts do not show what one in a hundred does: so it is what `rate` of them exceeded,
    or the prediction bound of a normal distribution (Hahn and Meeker 1991), whichever is higher.
    """
    ordered: NDArray[np.float64] = np.sort(np.asarray(scores, dtype=float))
    n = len(ordered)
    seen = float(ordered[max(0, n - 1 - math.floor(rate * n))])
    if n < 2:
        return seen
    spread = float(ordered.std(ddof=1)) * math.sqrt(1 + 1 / n)
    return max(seen, float(ordered.mean()) + NormalDist().inv_cdf(1 - rate) * spread)
