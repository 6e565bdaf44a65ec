"""What makes an evaluation unfair before a detector has seen a picture."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import ks_2samp

from unmask.datasets.manifest import CAMERA, Sample

FEW = 100  # pictures; with fewer, the interval of an AUC is 0.1 wide and more
_SHOWN = 3  # names in a sentence
_APART = 0.2  # distance of size distributions that is worth a warning, if it is no chance
_CHANCE = 0.001
_TELLING = 10  # pictures of a class, below which sizes differ by chance

Sizes = Mapping[Path, tuple[int, int]]


def sanity(
    samples: Sequence[Sample], hashes: Mapping[Path, str], *, sizes: Sizes | None = None
) -> tuple[str, ...]:
    """Sentences on what is unfair, or empty.

    `hashes` are of the files by path; `sizes` are (width, height) in pixels, read from the files'
    heads where not given. A file whose hash or size is not known is passed over.
    """
    known = sizes if sizes is not None else read_sizes([s.path for s in samples])
    return (
        *_files(samples, hashes),
        *_sources(samples),
        *_classes(samples),
        *_size_gap(samples, known),
        *_few(samples),
    )


def read_sizes(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Width and height of the pictures that Pillow can open, without decoding them."""
    found = {}
    for path in dict.fromkeys(paths):
        try:
            with Image.open(path) as image:
                found[path] = image.size
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
    return found


def _files(samples: Sequence[Sample], hashes: Mapping[Path, str]) -> list[str]:
    labels, splits, paths = defaultdict(set), defaultdict(set), defaultdict(set)
    for sample in samples:
        if digest := hashes.get(sample.path):
            labels[digest].add(sample.fake)
            splits[digest].add(sample.split)
            paths[digest].add(sample.path)
    both = [digest for digest, kinds in labels.items() if len(kinds) > 1]
    several = [digest for digest, kinds in splits.items() if len(kinds) > 1]
    again = [digest for digest, files in paths.items() if len(files) > 1 and digest not in both]
    found = []
    if both:
        found.append(
            f"{_count(both, 'file')} both as fake and as photograph: {_files_of(both, paths)}."
        )
    if several:
        found.append(f"{_count(several, 'file')} in several splits: {_files_of(several, paths)}.")
    if again:
        found.append(
            f"{_count(again, 'file')} under several names, counted each time:"
            f" {_files_of(again, paths)}."
        )
    return found


def _count(things: Sequence[object], name: str) -> str:
    return (
        f"{len(things)} {name} is there" if len(things) == 1 else f"{len(things)} {name}s are there"
    )


def _files_of(digests: Sequence[str], paths: Mapping[str, set[Path]]) -> str:
    return _listed([" = ".join(str(p) for p in sorted(paths[digest])) for digest in digests])


def _listed(names: Sequence[str]) -> str:
    more = f"; and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "; ".join(names[:_SHOWN]) + more


def _sources(samples: Sequence[Sample]) -> list[str]:
    splits = defaultdict(set)
    for sample in samples:
        splits[sample.source].add(sample.split)
    torn = sorted(source for source, kinds in splits.items() if len(kinds) > 1)
    return [f"{_count(torn, 'source')} in several splits: {_listed(torn)}."] if torn else []


def _classes(samples: Sequence[Sample]) -> list[str]:
    """Generators with photographs of their own, fakes of a camera, corpora of one class."""
    kinds, corpora = defaultdict(set), defaultdict(set)
    for sample in samples:
        kinds[sample.generator].add(sample.fake)
        corpora[sample.corpus].add(sample.fake)
    found = []
    wrong = sorted(g for g, fakes in kinds.items() if (g == CAMERA) in fakes)
    if wrong:
        found.append(f"Labels contradict who made the pictures: {_listed(wrong)}.")
    lone = sorted(
        {s.generator for s in samples if s.fake and len(corpora[s.corpus]) == 1} - {CAMERA}
    )
    if lone and any(not s.fake for s in samples):
        found.append(
            "Fakes without photographs of their own corpus are told from those of others, perhaps"
            f" by what they show: {_listed(lone)}."
        )
    absent = [
        name
        for fake, name in ((False, "photographs"), (True, "fakes"))
        if samples and all(s.fake is not fake for s in samples)
    ]
    return found + [f"There are no {name}: the classes cannot be compared." for name in absent]


def _size_gap(samples: Sequence[Sample], sizes: Sizes) -> list[str]:
    areas: dict[bool, list[float]] = {True: [], False: []}
    for sample in samples:
        if sample.path in sizes:
            width, height = sizes[sample.path]
            areas[sample.fake].append(float(width * height))
    if min(map(len, areas.values())) < _TELLING:
        return []
    gap = ks_2samp(areas[True], areas[False], method="asymp")
    if gap.statistic < _APART or gap.pvalue > _CHANCE:
        return []
    fakes, reals = (np.median(np.sqrt(areas[fake])) for fake in (True, False))
    return [
        f"The classes differ in size (Kolmogorov-Smirnov distance {gap.statistic:.2f}; sides of"
        f" {fakes:.0f} and {reals:.0f} pixels in the middle, fakes first): a detector may tell them"
        " by size alone."
    ]


def _few(samples: Sequence[Sample]) -> list[str]:
    counts = Counter(s.generator for s in samples)
    few = [f"{name} {count}" for name, count in sorted(counts.items()) if count < FEW]
    return [f"Fewer than {FEW} pictures, so intervals are wide: {_listed(few)}."] if few else []
