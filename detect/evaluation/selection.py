"""Which pictures an evaluation is made on, how they are made ready, and what is wrong with them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from unmask.datasets import loaders
from unmask.datasets.manifest import CAMERA, Sample, Split
from unmask.detect.evaluation.cache import Cache
from unmask.detect.evaluation.fair_play import sanity
from unmask.detect.evaluation.preparation import Preparation, parse_base, parse_crop, sides
from unmask.detect.evaluation.scoring import Work
from unmask.detect.evaluation.survey import FileFacts, Progress, near_duplicates, survey
from unmask.errors import UnmaskError

ALL = "all"  # splits
_SHOWN = 5  # names in a warning


class EvaluationError(UnmaskError):
    """A run that cannot be made as it was asked for."""


def load(
    places: Sequence[str], split: str, limit: int | None
) -> tuple[tuple[Sample, ...], list[str]]:
    """Samples of the split, each file once. All of them where a place has none of the split."""
    if split not in (ALL, *Split):
        raise EvaluationError(f"no split {split!r} (there are {', '.join(Split)} and {ALL})")
    found: dict[Path, Sample] = {}
    warnings = []
    for place in places:
        loaded = loaders.load(place, limit=limit, both_classes=False)
        wanted = loaded if split == ALL else [s for s in loaded if s.split == split]
        if not wanted:
            here = " and ".join(sorted({str(s.split) for s in loaded}))
            warnings.append(f"{place} has no split {split}: its pictures of {here} are used.")
            wanted = loaded
        for sample in wanted:
            kept = found.setdefault(sample.path.resolve(), sample)
            if kept.fake is not sample.fake:
                raise EvaluationError(f"{sample.path} is once fake and once a photograph.")
    if not found:
        raise EvaluationError("There is no data to evaluate on.")
    samples = tuple(found.values())
    trained = sum(s.split is Split.TRAIN for s in samples)
    if trained:
        warnings.append(f"{trained} of the pictures are of a training split.")
    return samples, warnings


def prepare(
    samples: tuple[Sample, ...], base: str, crop: str, cache: Cache, progress: Progress
) -> tuple[Work, list[str]]:
    """Look at every file, and decide how it is cut and encoded."""
    facts = survey([s.path for s in samples], cache, progress)
    sizes = {s: (f.width, f.height) for s in samples if not (f := facts[s.path]).failure}
    cut, warnings = sides(sizes, parse_crop(crop))
    common = parse_base(base)
    if common.kind == "none":
        warnings.append(
            "Pictures were scored without a common encoding: a detector may tell the classes by "
            "their file formats."
        )
    ready = {s: Preparation(base=common, side=cut.get(s)) for s in samples}
    scored = {s.path: ready[s].size(size) for s, size in sizes.items()}
    warnings += sanity(samples, {p: f.sha256 for p, f in facts.items()}, sizes=scored)
    by_class = [{s: facts[s.path] for s in samples if s.fake is fake} for fake in (False, True)]
    warnings += duplicates("Photographs and fakes of other sources", *by_class)
    return Work(samples=samples, facts=facts, preparations=ready), warnings


def duplicates(
    what: str, first: Mapping[Sample, FileFacts], second: Mapping[Sample, FileFacts]
) -> list[str]:
    """A sentence with some of the pairs that look alike, where there are any."""
    pairs = near_duplicates(first, second)
    if not pairs:
        return []
    shown = "; ".join(f"{one.path} and {two.path}" for one, two, _ in pairs[:_SHOWN])
    more = f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    return [f"{what} look alike in {len(pairs)} pairs: {shown}{more}."]


def overlaps(validated: Work, tested: Work) -> list[str]:
    """What validation and tested data share, and must not. EvaluationError for a shared file."""
    one, two = validated.samples, tested.samples
    if both := {s.path.resolve() for s in one} & {s.path.resolve() for s in two}:
        raise EvaluationError(f"{len(both)} pictures are validated and tested on: {min(both)}, ...")
    warnings = []
    for what, first, second in (
        ("sources", {s.source for s in one}, {s.source for s in two}),
        ("generators", _generators(one), _generators(two)),
    ):
        if shared := sorted(first & second):
            names = ", ".join(shared[:_SHOWN])
            warnings.append(f"{len(shared)} {what} are validated and tested on: {names}.")
    return warnings + duplicates(
        "Validated and tested pictures",
        {s: validated.facts[s.path] for s in one},
        {s: tested.facts[s.path] for s in two},
    )


def _generators(samples: Sequence[Sample]) -> set[str]:
    return {s.generator for s in samples} - {CAMERA}


def manifest_sha256(work: Work) -> str:
    """Over (SHA-256 of the file, label, generator, source) of every sample, whatever the order."""
    rows = sorted(
        json.dumps([work.facts[s.path].sha256, s.fake, s.generator, s.source]) for s in work.samples
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
