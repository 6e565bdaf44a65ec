"""Loaders of data sets that are folders of real and generated pictures.

ForenSynths (Wang et al., "CNN-generated images are surprisingly easy to spot... for now", CVPR
2020), GenImage (Zhu et al., "GenImage: a million-scale benchmark for detecting AI-generated image",
NeurIPS 2023), plain folders, and unmask's own research data.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from unmask.datasets.loaders_tree import (
    FAKE_NAMES,
    REAL_NAMES,
    SPLIT_NAMES,
    UNNAMED,
    DatasetError,
    DatasetReason,
    Tree,
    folder_name,
    stem,
    walk,
)
from unmask.datasets.manifest import CAMERA, CORPORA, Corpus, Sample, Split, samples

# ForenSynths sorts these generators' pictures by what they show; the ProGAN training data is sorted
# by the classes of LSUN below it, and the generator's name is nowhere in the path.
_WITH_CLASSES = frozenset({"progan", "stylegan", "stylegan2", "cyclegan"})
_LSUN = frozenset(
    {"airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"}
    | {"diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"}
    | {"train", "tvmonitor"}
)
_MARK = re.compile(r"[_-](real|fake)([_-][AB])?$", re.IGNORECASE)  # 0001_fake_B: CycleGAN's writer


def fits_forensynths(tree: Tree) -> bool:
    """A folder 0_real or 1_fake."""
    return any(parts[-1].lower() in {"0_real", "1_fake"} for parts in tree.folders)


def read_forensynths(root: Path) -> Iterator[Sample]:
    """`[train|val|test/]<generator>/[<category>/]{0_real,1_fake}/*`.

    A real and a fake of one name in one category share their source: the generators that translate
    or restore (CycleGAN, GauGAN, CRN, SITD, SAN ...) name the result after its photograph.
    """
    outer, outer_split = _outer(root)
    named_above = outer.lower() in _WITH_CLASSES
    for parts in walk(root):
        at = next((i for i, p in enumerate(parts[:-1]) if p.lower() in {"0_real", "1_fake"}), None)
        if at is None:
            continue
        context, split = parts[:at], outer_split
        # "train" is also a class of pictures: below a generator or a split it is no split.
        if context and context[0].lower() in SPLIT_NAMES and not (named_above or split):
            split, context = SPLIT_NAMES[context[0].lower()], context[1:]
        generator, category = _generator(context, outer, named_above)
        split = split or Split.TEST
        name = _MARK.sub("", stem("/".join(parts[at + 1 :])))
        fake = parts[at].lower() == "1_fake"
        yield Sample(
            path=root.joinpath(*parts),
            fake=fake,
            generator=generator if fake else CAMERA,
            corpus=f"forensynths/{generator}",
            source="/".join(("forensynths", split, generator, *category, name)),
            split=split,
        )


def _generator(
    context: tuple[str, ...], outer: str, named_above: bool
) -> tuple[str, tuple[str, ...]]:
    """The generator, and the class of what it shows, from the folders above 0_real and 1_fake."""
    if named_above or not context:
        return outer, context
    if context[0].lower() in _LSUN:
        return "progan", context
    return context[0], context[1:]


def fits_genimage(tree: Tree) -> bool:
    """A folder `nature` in train or val."""
    outer = folder_name(tree.root)
    return any(
        parts[-1].lower() == "nature" and ((outer, *parts)[-2].lower() in {"train", "val"})
        for parts in tree.folders
    )


def read_genimage(root: Path) -> Iterator[Sample]:
    """`<generator>/[<archive>/]{train,val}/{ai,nature}/*`; `val` is what the paper tests on.

    The photographs are ImageNet's and named as there, so that one that serves two generators is one
    source.
    """
    outer, outer_split = _outer(root)
    for parts in walk(root):
        at = next((i for i, p in enumerate(parts[:-1]) if p.lower() in {"ai", "nature"}), None)
        if at is None:
            continue
        split, context = _take_split(parts[:at])
        split = Split.TRAIN if (split or outer_split) is Split.TRAIN else Split.TEST
        generator = context[0] if context else outer
        fake = parts[at].lower() == "ai"
        name = stem("/".join(parts[at + 1 :]))
        yield Sample(
            path=root.joinpath(*parts),
            fake=fake,
            generator=generator if fake else CAMERA,
            corpus=f"genimage/{generator}",
            source=f"genimage/{generator}/{name}" if fake else f"genimage/imagenet/{name}",
            split=split,
        )


def fits_folder(tree: Tree) -> bool:
    """A folder named after a class at the top, or right below train, val or test."""
    return any(
        len(inner) == 1 and inner[0].lower() in REAL_NAMES | FAKE_NAMES
        for inner in (_take_split(parts)[1] for parts in tree.folders)
    )


def read_folder(root: Path) -> Iterator[Sample]:
    """`[<split>/]{real,fake}/*`, `{real,fake}/<generator>/*` or `{real,<generator>,...}/*`.

    Pictures of one name are one source: pairs stay together, and chance namesakes do no harm.
    Raises DatasetError (AMBIGUOUS) where folders stand beside `real` and `fake`: they could be
    masks as well as a generator.
    """
    corpus = folder_name(root)
    seen: dict[str, str] = {}  # class of folder -> a folder of it
    for parts in walk(root):
        split, inner = _take_split(parts)
        if len(inner) < 2:
            continue
        top = inner[0].lower()
        kind = "real" if top in REAL_NAMES else "fake" if top in FAKE_NAMES else "named"
        seen.setdefault(kind, inner[0])
        if {"fake", "named"} <= seen.keys():
            raise DatasetError(
                DatasetReason.AMBIGUOUS,
                f"{root}: {seen['named']!r} stands beside {seen['fake']!r}. Is it a generator? Then"
                f" move it to {seen['fake']}/{seen['named']}; otherwise move it out.",
            )
        generator, name = CAMERA, inner[1:]
        if kind == "named":
            generator = inner[0]
        elif kind == "fake":
            generator, name = (inner[1], inner[2:]) if len(inner) > 2 else (UNNAMED, name)
        yield Sample(
            path=root.joinpath(*parts),
            fake=kind != "real",
            generator=generator,
            corpus=corpus,
            source="/".join((corpus, *((split,) if split else ()), stem("/".join(name)))),
            split=split or Split.TEST,
        )


def fits_folders(tree: Tree) -> bool:
    """Folders that hold `real` or `fake` each, and no such folder at the top."""
    inner = [_take_split(parts)[1] for parts in tree.folders]
    return not fits_folder(tree) and any(
        len(parts) == 2 and parts[-1].lower() in {"real", "fake"} for parts in inner
    )


def read_folders(root: Path) -> Iterator[Sample]:
    """`<generator or data set>/{real,fake}/*`, with train, val and test at any level above.

    This is how Community Forensics' code reads local data (Park and Owens, CVPR 2025).
    """
    outer = folder_name(root)
    for parts in walk(root):
        split, inner = _take_split(parts)
        if len(inner) < 3 or inner[1].lower() not in {"real", "fake"}:
            continue
        group, fake = inner[0], inner[1].lower() == "fake"
        name = stem("/".join(inner[2:]))
        yield Sample(
            path=root.joinpath(*parts),
            fake=fake,
            generator=group if fake else CAMERA,
            corpus=f"{outer}/{group}",
            source="/".join((outer, *((split,) if split else ()), group, name)),
            split=split or Split.TEST,
        )


def fits_never(_tree: Tree) -> bool:
    """Nothing: a folder of one class has to be named, since it does not say which."""
    return False


def read_real(root: Path) -> Iterator[Sample]:
    """Photographs alone, as they lie: a source of false positives."""
    yield from _alone(root, None)


def read_fake(root: Path) -> Iterator[Sample]:
    """Fakes alone; the folder is called after the generator."""
    yield from _alone(root, folder_name(root))


def _alone(root: Path, generator: str | None) -> Iterator[Sample]:
    corpus = folder_name(root)
    for parts in walk(root):
        yield Sample(
            path=root.joinpath(*parts),
            fake=generator is not None,
            generator=generator or CAMERA,
            corpus=corpus,
            source=f"{corpus}/{stem('/'.join(parts))}",
            split=Split.TEST,
        )


def fits_research(tree: Tree) -> bool:
    """At least two of the corpora that `unmask.datasets.manifest` names, or the folder of some."""
    base, corpora = _research(tree.root)
    return len(corpora) >= 2 or (bool(corpora) and base != tree.root)


def read_research(root: Path) -> Iterator[Sample]:
    """The corpora of `unmask.datasets.manifest` that are there, with their own splits."""
    try:
        yield from samples(*_research(root))
    except FileNotFoundError as error:
        raise DatasetError(DatasetReason.EMPTY, str(error)) from error


def _research(root: Path) -> tuple[Path, list[Corpus]]:
    """(what their patterns begin at, the corpora): those in `root`, or those whose folder it is.

    The folder of one corpus would pass for a plain one otherwise, and what trained be scored with
    what tests.
    """
    inside = [c for c in CORPORA if _present(root, c)]
    if inside:
        return root, inside
    full = root.resolve()
    return full.parent, [
        c
        for c in CORPORA
        if c.real and c.fake and c.real.startswith(f"{full.name}/") and _present(full.parent, c)
    ]


def _present(root: Path, corpus: Corpus) -> bool:
    patterns = [p for p in (corpus.real, corpus.fake) if p]
    return all((root / p.split("*")[0]).is_dir() for p in patterns)


def _take_split(parts: tuple[str, ...]) -> tuple[Split | None, tuple[str, ...]]:
    """The split that one of the folders names, and the folders without it."""
    for i, part in enumerate(parts):
        if part.lower() in SPLIT_NAMES:
            return SPLIT_NAMES[part.lower()], parts[:i] + parts[i + 1 :]
    return None, parts


def _outer(root: Path) -> tuple[str, Split | None]:
    """The name of the tree, and the split that it or the folder above it names."""
    full = root.resolve()
    split = SPLIT_NAMES.get(full.name.lower())
    if split:
        return full.parent.name or "data", split
    above = SPLIT_NAMES.get(full.parent.name.lower())
    return full.name or "data", above if full.name.lower() in _WITH_CLASSES else None
