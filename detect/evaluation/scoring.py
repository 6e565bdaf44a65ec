"""Score every picture by every detector under every perturbation, and lose nothing on the way."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unmask.datasets.manifest import Sample
from unmask.detect.encodings import Pixels
from unmask.detect.evaluation import probes
from unmask.detect.evaluation.answers import Answer, EvaluatedDetector, Picture
from unmask.detect.evaluation.cache import Cache, Key
from unmask.detect.evaluation.memory import forget_peak, peak_mb
from unmask.detect.evaluation.perturbations import Perturbation
from unmask.detect.evaluation.preparation import Preparation
from unmask.detect.evaluation.sources import hash_files
from unmask.detect.evaluation.survey import FileFacts, Progress
from unmask.detect.evaluation.tables import Scores
from unmask.errors import MediaError
from unmask.media import open_bytes, open_media

CHUNK = 32  # pictures that are ready at a time
CHUNK_PIXELS = 24_000_000  # of these together, unless one alone has more
STAGE = "scoring"


@dataclass(frozen=True, kw_only=True)
class Work:
    """Pictures, and how each is made ready."""

    samples: tuple[Sample, ...]
    facts: Mapping[Path, FileFacts]
    preparations: Mapping[Sample, Preparation]

    def chunks(self) -> Iterator[list[Sample]]:
        """The readable pictures in their order, a few at a time."""
        chunk: list[Sample] = []
        pixels = 0
        for sample in self.samples:
            facts = self.facts[sample.path]
            if facts.failure:
                continue
            area = math.prod(self.preparations[sample].size((facts.width, facts.height)))
            if chunk and (len(chunk) == CHUNK or pixels + area > CHUNK_PIXELS):
                yield chunk
                chunk, pixels = [], 0
            chunk.append(sample)
            pixels += area
        if chunk:
            yield chunk


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A picture that was cut and encoded as the others were."""

    pixels: Pixels
    seconds: float  # to decode the file


class Scorer:
    """Scores what the cache does not have; every answer is kept as soon as it is there."""

    def __init__(
        self,
        work: Work,
        detectors: Sequence[EvaluatedDetector],
        perturbations: Sequence[Perturbation],
        cache: Cache,
    ) -> None:
        self._work, self._detectors, self._perturbations = work, detectors, perturbations
        self._tables = {d.name: cache.table(f"scores-{d.hash[:32]}") for d in detectors}
        seen = hash_files([Path(probes.__file__)])[:16]
        self._seen = cache.table(f"prepared-{seen}")
        self._seconds: dict[tuple[str, str, Path], float] = {}
        self._failures: dict[tuple[str, str, Path], str] = {}
        self._unready: dict[Path, str] = {p: f.failure for p, f in work.facts.items() if f.failure}
        self.peaks: dict[str, float] = {}  # detector -> 2**20 bytes

    def run(self, progress: Progress) -> None:
        """Score all that is missing. May be interrupted: another run goes on from there."""
        broken = sum(bool(self._work.facts[s.path].failure) for s in self._work.samples)
        each = len(self._detectors) * len(self._perturbations)
        done, total = broken * each, len(self._work.samples) * each
        progress(STAGE, done, total)
        for chunk in self._work.chunks():
            ready: dict[Sample, _Ready | None] = {}
            for sample in chunk:
                if self._seen.get(self._prepared_key(sample)) is None:
                    self._make_ready(sample, ready)
            for perturbation in self._perturbations:
                changed: dict[Sample, Pixels | None] = {}
                for detector in self._detectors:
                    missing = [s for s in chunk if self._lacks(detector, perturbation, s)]
                    done += len(chunk) - len(missing)
                    for start in range(0, len(missing), detector.batch):
                        part = missing[start : start + detector.batch]
                        self._score(detector, perturbation, part, ready, changed)
                        done += len(part)
                        progress(STAGE, done, total)
            progress(STAGE, done, total)

    def _score(
        self,
        detector: EvaluatedDetector,
        perturbation: Perturbation,
        part: Sequence[Sample],
        ready: dict[Sample, _Ready | None],
        changed: dict[Sample, Pixels | None],
    ) -> None:
        for sample in part:
            if sample not in changed:
                changed[sample] = self._change(perturbation, sample, ready)
        given = [(s, pixels) for s in part if (pixels := changed[s]) is not None]
        if not given:
            return
        forget_peak()
        answers = detector.score([Picture(pixels=pixels, path=s.path) for s, pixels in given])
        used = peak_mb() if detector.peak_memory_mb is None else detector.peak_memory_mb
        self.peaks[detector.name] = max(self.peaks.get(detector.name, 0.0), used)
        rows = []
        for (sample, _), answer in zip(given, answers, strict=True):
            one = ready[sample]
            if one is not None and not detector.decodes:
                answer = replace(answer, seconds=answer.seconds + one.seconds)
            at = (detector.name, perturbation.spec, sample.path)
            if answer.failure:  # not kept: it may have been the machine's fault, and is tried again
                self._failures[at] = answer.failure
            else:
                self._seconds[at] = answer.seconds
                rows.append((self._key(perturbation, sample), _to_json(answer)))
        self._tables[detector.name].put(rows)

    def _change(
        self, perturbation: Perturbation, sample: Sample, ready: dict[Sample, _Ready | None]
    ) -> Pixels | None:
        one = self._make_ready(sample, ready)
        if one is None:
            return None
        try:
            return perturbation(one.pixels, self._work.facts[sample.path].sha256)
        except Exception as error:  # codecs have limits of their own, and errors of every type
            reason = f"{perturbation.name} failed: {type(error).__name__}: {error}"[:300]
            for detector in self._detectors:
                self._failures[detector.name, perturbation.spec, sample.path] = reason
            return None

    def _make_ready(self, sample: Sample, ready: dict[Sample, _Ready | None]) -> _Ready | None:
        """Decode, cut, encode and decode again, once a chunk; None and a reason where it fails."""
        if sample in ready:
            return ready[sample]
        ready[sample] = None
        try:
            clock = time.perf_counter()
            media = open_media(sample.path)
            pixels = media.pixels
            seconds = time.perf_counter() - clock
            if media.sha256 != self._work.facts[sample.path].sha256:
                self._unready[sample.path] = "The file was changed during the evaluation."
                return None
            prepared = open_bytes(self._work.preparations[sample].encode(pixels), "prepared")
            if self._seen.get(self._prepared_key(sample)) is None:
                self._seen.put([(self._prepared_key(sample), probes.features(prepared))])
        except (MediaError, OSError, ValueError) as error:  # Pillow: too wide for the encoding
            self._unready[sample.path] = f"It could not be made ready: {error}"
            return None
        ready[sample] = _Ready(pixels=prepared.pixels, seconds=seconds)
        return ready[sample]

    def _lacks(
        self, detector: EvaluatedDetector, perturbation: Perturbation, sample: Sample
    ) -> bool:
        return self._tables[detector.name].get(self._key(perturbation, sample)) is None

    def _key(self, perturbation: Perturbation, sample: Sample) -> Key:
        return (*self._prepared_key(sample), perturbation.spec)

    def _prepared_key(self, sample: Sample) -> Key:
        return self._work.facts[sample.path].sha256, self._work.preparations[sample].key

    def features(self) -> dict[Sample, probes.Features]:
        """What leak probes may see of the pictures as they are scored."""
        found = {s: self._seen.get(self._prepared_key(s)) for s in self._work.samples}
        return {sample: features for sample, features in found.items() if features}

    def scores(self) -> tuple[Scores, ...]:
        """One table for each detector and perturbation, in their order."""
        return tuple(self._table(d, p) for d in self._detectors for p in self._perturbations)

    def _table(self, detector: EvaluatedDetector, perturbation: Perturbation) -> Scores:
        answers = [self._answer(detector, perturbation, s) for s in self._work.samples]
        rated = any(a.llr is not None for a in answers)
        llr = np.array([math.nan if a.llr is None else a.llr for a in answers])
        return Scores(
            detector=detector.name,
            perturbation=perturbation.name,
            samples=self._work.samples,
            score=np.array([a.score for a in answers]),
            llr=llr if rated else None,
            abstained=np.array([a.abstained for a in answers], dtype=bool),
            seconds=np.array([a.seconds for a in answers]),
            failures={
                str(s.path): a.failure
                for s, a in zip(self._work.samples, answers, strict=True)
                if a.failure
            },
        )

    def _answer(
        self, detector: EvaluatedDetector, perturbation: Perturbation, sample: Sample
    ) -> Answer:
        at = (detector.name, perturbation.spec, sample.path)
        if reason := self._unready.get(sample.path) or self._failures.get(at):
            return Answer(failure=reason)
        kept = self._tables[detector.name].get(self._key(perturbation, sample))
        if kept is None:
            return Answer(failure="not scored")
        score = math.nan if kept["score"] is None else float(kept["score"])
        return Answer(
            score=score,
            llr=kept["llr"],
            abstained=bool(kept["abstained"]),
            seconds=self._seconds.get(at, math.nan),
        )


def _to_json(answer: Answer) -> dict[str, float | bool | None]:
    score = answer.score if math.isfinite(answer.score) else None
    return {"score": score, "llr": answer.llr, "abstained": answer.abstained}
