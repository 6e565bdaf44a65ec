"""Made-up samples and scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.evaluation.assess import Assessment
from unmask.detect.evaluation.tables import Row, Scores, Threshold

SHIFTS = {"easy": 3.0, "hard": 0.5, "middling": 1.5}


def sample(name: str, generator: str = CAMERA, **other: object) -> Sample:
    given = {
        "path": Path(name),
        "fake": generator != CAMERA,
        "generator": generator,
        "corpus": "phones",
        "source": name,
        "split": Split.TEST,
    }
    return Sample(**(given | other))  # type: ignore[arg-type]


def pictures(reals: int = 200, fakes: int = 100) -> tuple[Sample, ...]:
    photographs = [
        sample(f"real{i}.jpg", corpus="phones" if i % 4 else "scans") for i in range(reals)
    ]
    return tuple(photographs + [sample(f"{g}{i}.png", g) for g in SHIFTS for i in range(fakes)])


def scores(
    samples: Sequence[Sample],
    values: NDArray[np.float64],
    detector: str = "ours",
    perturbation: str = "clean",
    *,
    llr: NDArray[np.float64] | None = None,
    abstained: NDArray[np.bool_] | None = None,
) -> Scores:
    return Scores(
        detector=detector,
        perturbation=perturbation,
        samples=tuple(samples),
        score=values,
        llr=llr,
        abstained=np.zeros(len(samples), bool) if abstained is None else abstained,
        seconds=np.full(len(samples), 0.1),
    )


def noisy(samples: Sequence[Sample], seed: int = 0, worse: float = 0.0) -> NDArray[np.float64]:
    shift = np.array([SHIFTS.get(s.generator, 0.0) - worse * s.fake for s in samples])
    return np.random.default_rng(seed).normal(size=len(samples)) + shift


def at(value: float, detector: str = "ours") -> Threshold:
    return Threshold(detector=detector, value=value, chosen="stated")


def row(found: Assessment, generator: str, detector: str = "ours", how: str = "clean") -> Row:
    one = [
        r
        for r in found.rows
        if (r.detector, r.perturbation, r.generator) == (detector, how, generator)
    ]
    assert len(one) == 1
    return one[0]
