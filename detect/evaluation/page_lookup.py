"""An evaluation, asked by name: which detectors there are, who is ahead, which row is whose."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from unmask.detect.evaluation.page_words import MARK, named, short
from unmask.detect.evaluation.tables import POOLED, WORST, Estimate, Evaluation, Row

CLEAN = "clean"
_SPECIAL = (POOLED, WORST)


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """What is asked of an evaluation again and again."""

    evaluation: Evaluation

    @cached_property
    def detectors(self) -> tuple[str, ...]:
        """All detectors; the order gives each its colour."""
        given = self.evaluation
        return _unique([*given.detectors, *(row.detector for row in given.rows)])

    @cached_property
    def perturbations(self) -> tuple[str, ...]:
        """All perturbations in their order."""
        return _unique(row.perturbation for row in self.evaluation.rows)

    @cached_property
    def base(self) -> str:
        """The perturbation that stands for all where only one is shown: none at all, if scored."""
        known = self.perturbations
        return CLEAN if CLEAN in known or not known else known[0]

    @cached_property
    def generators(self) -> tuple[str, ...]:
        """All generators in their order, without the rows that sum them up."""
        every = _unique(row.generator for row in self.evaluation.rows)
        return tuple(name for name in every if name not in _SPECIAL)

    @cached_property
    def oracles(self) -> frozenset[str]:
        """Detectors whose threshold was chosen on the pictures that they are tested on."""
        return frozenset(t.detector for t in self.evaluation.thresholds if t.chosen == "oracle")

    @cached_property
    def with_threshold(self) -> frozenset[str]:
        """Detectors that have a threshold at all."""
        return frozenset(t.detector for t in self.evaluation.thresholds if not math.isnan(t.value))

    @cached_property
    def _rows(self) -> dict[tuple[str, str, str], Row]:
        return {(r.detector, r.perturbation, r.generator): r for r in self.evaluation.rows}

    def row(self, detector: str, perturbation: str, generator: str = POOLED) -> Row | None:
        """The row of that name."""
        return self._rows.get((detector, perturbation, generator))

    def auc(self, detector: str, perturbation: str, generator: str = POOLED) -> Estimate | None:
        """Its AUC, or None where that is not defined."""
        row = self.row(detector, perturbation, generator)
        known = row is not None and row.auc is not None and not math.isnan(row.auc.value)
        return row.auc if row and known else None

    def worst(self, detector: str, perturbation: str) -> tuple[str, Row] | None:
        """The generator with the lowest AUC, and its row."""
        found = [
            (area.value, place, name)
            for place, name in enumerate(self.generators)
            if (area := self.auc(detector, perturbation, name))
        ]
        if not found:
            return None
        name = min(found)[2]
        row = self.row(detector, perturbation, WORST) or self.row(detector, perturbation, name)
        return (name, row) if row else None

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """Detectors with an AUC over all generators at `base`, the best first."""
        found = [
            (-area.value, place, name)
            for place, name in enumerate(self.detectors)
            if (area := self.auc(name, self.base))
        ]
        return tuple(name for _, _, name in sorted(found))

    def difference(self, first: str, second: str, perturbation: str) -> Estimate | None:
        """The paired difference over all generators, whichever way round it is stored."""
        for one in self.evaluation.paired:
            if one.perturbation != perturbation or one.generator != POOLED:
                continue
            if (one.first, one.second) == (first, second):
                return one.difference
            if (one.first, one.second) == (second, first):
                d = one.difference
                return Estimate(value=-d.value, low=-d.high, high=-d.low)
        return None

    def slot(self, detector: str) -> int:
        """The number of the detector's colour."""
        return self.detectors.index(detector) if detector in self.detectors else 0

    def label(self, detector: str) -> str:
        """Its name fit to show, marked where its threshold is an oracle's."""
        return named(detector) + self._mark(detector)

    def short_label(self, detector: str) -> str:
        """The same for a picture."""
        return short(detector) + self._mark(detector)

    def _mark(self, detector: str) -> str:
        return f" {MARK}" if detector in self.oracles else ""

    def base_words(self) -> str:
        """What was done to the pictures at `base`, for a sentence."""
        return "without perturbation" if self.base == CLEAN else f"after {named(self.base)}"


def generator_label(generator: str) -> str:
    """What a row is called."""
    known = {POOLED: "all generators", WORST: "worst generator"}
    return known.get(generator) or named(generator)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
