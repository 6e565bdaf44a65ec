"""Calibration that knows how long a text is: the same score means less in fifty words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
    alarm: float  # ln ratio that at most 1% of each source of people's texts exceeded here


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
    llrs = calibration.llr(scores)
    alarms = [
        rare([llr for llr, g, m in zip(llrs, groups, machine, strict=True) if g == group and not m])
        for group in {g for g, m in zip(groups, machine, strict=True) if not m}
    ]
    return AtLength(words=words, calibration=calibration, alarm=max(alarms))


def rare(llrs: Sequence[float], rate: float = 0.01) -> float:
    """A bound that at most `rate` of them exceed: their maximum where there are under 100."""
    ordered: NDArray[np.float64] = np.sort(np.asarray(llrs, dtype=float))
    return float(ordered[max(0, len(ordered) - 1 - math.floor(rate * len(ordered)))])
