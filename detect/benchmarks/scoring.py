"""Score every item by every detector under every condition, and lose nothing on the way."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from unmask.detect.benchmarks.detectors import Detector
from unmask.detect.benchmarks.items import Item
from unmask.detect.benchmarks.ready import Maker, Ready
from unmask.detect.benchmarks.tables import Scored, Speed
from unmask.detect.evaluation.answers import Answer
from unmask.detect.evaluation.cache import Cache
from unmask.detect.evaluation.memory import forget_peak, peak_mb
from unmask.detect.evaluation.survey import Progress
from unmask.errors import MediaError

CHUNK = 32  # items that are ready at a time
STAGE = "scoring"

Work = Mapping[str, Sequence[Item]]  # condition -> items


class Scorer:
    """Scores what the cache does not have; every answer is kept as soon as it is there."""

    def __init__(
        self, work: Work, maker: Maker, detectors: Sequence[Detector], cache: Cache
    ) -> None:
        self._work, self._maker, self._detectors = work, maker, detectors
        self._tables = {d.name: cache.table(f"scores-{d.hash[:32]}") for d in detectors}
        self._failures: dict[tuple[str, str, Item], str] = {}
        self._unready: dict[tuple[str, Item], str] = {}  # condition, item
        self._features: dict[tuple[str, Item], Mapping[str, list[float]]] = {}
        self._spent: dict[str, list[tuple[float, float]]] = defaultdict(list)  # amount, seconds
        self._peaks: dict[str, float] = {}

    def run(self, progress: Progress) -> None:
        """Score all that is missing. May be interrupted: another run goes on from there."""
        total = sum(len(items) for items in self._work.values()) * len(self._detectors)
        done = 0
        progress(STAGE, done, total)
        for chunk in self._chunks():
            for condition, items in chunk.items():
                readable = [one for one in items if self._look(condition, one)]
                made: dict[Item, Ready | None] = {}
                for detector in self._detectors:
                    missing = [o for o in readable if self._kept(detector, condition, o) is None]
                    done += len(items) - len(missing)
                    for start in range(0, len(missing), detector.batch):
                        part = missing[start : start + detector.batch]
                        self._score(detector, condition, part, made)
                        done += len(part)
                        progress(STAGE, done, total)
            self._maker.forget()
            progress(STAGE, done, total)

    def _chunks(self) -> Iterator[dict[str, list[Item]]]:
        """Some items at a time, with the conditions of each: a file is decoded once for all."""
        conditions: dict[Item, list[str]] = defaultdict(list)
        for condition, items in self._work.items():
            for one in items:
                conditions[one].append(condition)
        every = list(conditions)
        for start in range(0, len(every), CHUNK):
            chunk: dict[str, list[Item]] = defaultdict(list)
            for one in every[start : start + CHUNK]:
                for condition in conditions[one]:
                    chunk[condition].append(one)
            yield chunk

    def _look(self, condition: str, one: Item) -> bool:
        """Whether it can be read; what probes may see of it is held."""
        try:
            self._features[condition, one] = self._maker.features(one, condition)
        except MediaError as error:
            self._unready[condition, one] = str(error)
            return False
        return True

    def _score(
        self,
        detector: Detector,
        condition: str,
        part: Sequence[Item],
        made: dict[Item, Ready | None],
    ) -> None:
        for one in part:
            if one not in made:
                made[one] = self._make(condition, one)
        given = [(one, ready) for one in part if (ready := made[one]) is not None]
        if not given:
            return
        forget_peak()
        answers = detector.score([ready for _, ready in given])
        used = peak_mb() if detector.peak_memory_mb is None else detector.peak_memory_mb
        self._peaks[detector.name] = max(self._peaks.get(detector.name, 0.0), used)
        rows = []
        for (one, _), answer in zip(given, answers, strict=True):
            if answer.failure:  # not kept: it may have been the machine's fault, and is tried again
                self._failures[detector.name, condition, one] = answer.failure
                continue
            if math.isfinite(answer.seconds):
                self._spent[detector.name].append((self._maker.amount(one), answer.seconds))
            rows.append((self._maker.key(one, condition), _to_json(answer)))
        self._tables[detector.name].put(rows)

    def _make(self, condition: str, one: Item) -> Ready | None:
        try:
            return self._maker.ready(one, condition)
        except MediaError as error:
            self._unready[condition, one] = str(error)
            return None

    def _kept(self, detector: Detector, condition: str, one: Item) -> Answer | None:
        try:
            value = self._tables[detector.name].get(self._maker.key(one, condition))
        except MediaError:
            return None
        return None if value is None else _from_json(value)

    def scored(self, condition: str) -> tuple[Scored, ...]:
        """The answers of each detector on the items of a condition."""
        return tuple(self._table(detector, condition) for detector in self._detectors)

    def _table(self, detector: Detector, condition: str) -> Scored:
        items = tuple(self._work[condition])
        answers = [self._answer(detector, condition, one) for one in items]
        rated = any(a.llr is not None for a in answers)
        return Scored(
            detector=detector.name,
            score=np.array([a.score for a in answers]),
            llr=np.array([math.nan if a.llr is None else a.llr for a in answers])
            if rated
            else None,
            abstained=np.array([a.abstained for a in answers], dtype=bool),
            reasons=tuple(a.reasons for a in answers),
            failures={
                one.name: a.failure for one, a in zip(items, answers, strict=True) if a.failure
            },
        )

    def _answer(self, detector: Detector, condition: str, one: Item) -> Answer:
        if reason := self._unready.get((condition, one)):
            return Answer(failure=reason)
        if reason := self._failures.get((detector.name, condition, one)):
            return Answer(failure=reason)
        return self._kept(detector, condition, one) or Answer(failure="not scored")

    def features(self, condition: str) -> list[tuple[Item, Mapping[str, list[float]]]]:
        """What leak probes may see of the readable items."""
        held = ((one, self._features.get((condition, one))) for one in self._work[condition])
        return [(one, features) for one, features in held if features is not None]

    def speeds(self, processors: int) -> tuple[Speed, ...]:
        """Of what was scored in this run; a detector without any is left out."""
        found = []
        for name, spent in self._spent.items():
            amount, seconds = (sum(column) for column in zip(*spent, strict=True))
            if seconds > 0:
                found.append(
                    Speed(
                        detector=name,
                        n=len(spent),
                        per_second=amount / seconds,
                        peak_memory_mb=self._peaks[name],
                        processors=processors,
                    )
                )
        return tuple(found)


def _to_json(answer: Answer) -> dict[str, object]:
    score = answer.score if math.isfinite(answer.score) else None
    return {
        "score": score,
        "llr": answer.llr,
        "abstained": answer.abstained,
        "reasons": list(answer.reasons),
    }


def _from_json(value: Mapping[str, object]) -> Answer:
    score, llr, reasons = value["score"], value["llr"], value.get("reasons")
    return Answer(
        score=float(score) if isinstance(score, int | float) else math.nan,
        llr=float(llr) if isinstance(llr, int | float) else None,
        abstained=bool(value["abstained"]),
        reasons=tuple(str(r) for r in reasons) if isinstance(reasons, list) else (),
    )
