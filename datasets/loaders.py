"""Load labelled pictures, clips and speech in the conventions that data sets are published in.

`load("/data/GenImage")` recognises the convention from the folders; `load("genimage:/data/x")`
names it. Every sample says whether it is fake, by which generator, of which source and split.
"""

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from unmask.datasets.loaders_deepfakebench import fits_deepfakebench, read_deepfakebench
from unmask.datasets.loaders_faces import (
    fits_celebdf,
    fits_faceforensics,
    read_celebdf,
    read_faceforensics,
)
from unmask.datasets.loaders_huggingface import (
    fits_communityforensics,
    fits_openfake,
    is_metadata,
    read_communityforensics,
    read_openfake,
)
from unmask.datasets.loaders_parquet import take_out
from unmask.datasets.loaders_pictures import (
    fits_folder,
    fits_folders,
    fits_forensynths,
    fits_genimage,
    fits_never,
    fits_research,
    read_fake,
    read_folder,
    read_folders,
    read_forensynths,
    read_genimage,
    read_real,
    read_research,
)
from unmask.datasets.loaders_speech import SPEECH
from unmask.datasets.loaders_table import TABLES
from unmask.datasets.loaders_tree import DatasetError, DatasetReason, Tree, look, thin
from unmask.datasets.manifest import CAMERA, Sample
from unmask.datasets.manifest_file import read_manifest

__all__ = [
    "CONVENTIONS",
    "Convention",
    "DatasetError",
    "DatasetReason",
    "convention_of",
    "describe",
    "load",
]


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How a data set lies on the disk."""

    name: str
    layout: str  # what is expected, in a line
    fits: Callable[[Tree], bool]
    read: Callable[[Path], Iterable[Sample]]
    general: bool = False  # asked only where none of the others fits


def _manifest_in(root: Path) -> Path | None:
    """The manifest that `root` is or holds."""
    if root.is_file():
        return root if root.suffix.lower() in TABLES and not is_metadata(root) else None
    paths = (root / f"manifest{suffix}" for suffix in sorted(TABLES))
    return next((p for p in paths if p.is_file() and not is_metadata(p)), None)


def _fits_manifest(tree: Tree) -> bool:
    return _manifest_in(tree.root) is not None


def _read_manifest(root: Path) -> list[Sample]:
    return read_manifest(_manifest_in(root) or root)


CONVENTIONS = (
    Convention(
        name="forensynths",
        layout="<generator>/[<category>/]{0_real,1_fake}/*",
        fits=fits_forensynths,
        read=read_forensynths,
    ),
    Convention(
        name="genimage",
        layout="<generator>/{train,val}/{ai,nature}/*",
        fits=fits_genimage,
        read=read_genimage,
    ),
    Convention(
        name="faceforensics",
        layout="{original,manipulated}_sequences/<origin or method>/{raw,c23,c40}/videos/*",
        fits=fits_faceforensics,
        read=read_faceforensics,
    ),
    Convention(
        name="celebdf",
        layout="{Celeb-real,YouTube-real,Celeb-synthesis}/* with List_of_testing_videos.txt",
        fits=fits_celebdf,
        read=read_celebdf,
    ),
    Convention(
        name="openfake",
        layout="*.parquet with image, label, model; or metadata.csv with file_name, label, model",
        fits=fits_openfake,
        read=read_openfake,
    ),
    Convention(
        name="communityforensics",
        layout="*.parquet with image_data, label, model_name",
        fits=fits_communityforensics,
        read=read_communityforensics,
    ),
    Convention(
        name="deepfakebench",
        layout="[preprocessing/dataset_json/]*.json with {data set: {label: {split: ...}}}",
        fits=fits_deepfakebench,
        read=read_deepfakebench,
    ),
    *(Convention(name=n, layout=layout, fits=f, read=r) for n, layout, f, r in SPEECH),
    Convention(
        name="manifest",
        layout="*.csv or *.jsonl with path, label, [generator, source, corpus, split]",
        fits=_fits_manifest,
        read=_read_manifest,
    ),
    Convention(
        name="research",
        layout="the corpora of unmask.datasets.manifest",
        fits=fits_research,
        read=read_research,
    ),
    Convention(
        name="folder",
        layout="{real,fake}/*, {real,fake}/<generator>/* or {real,<generator>,...}/*",
        fits=fits_folder,
        read=read_folder,
        general=True,
    ),
    Convention(
        name="folders",
        layout="<generator>/{real,fake}/*",
        fits=fits_folders,
        read=read_folders,
        general=True,
    ),
    Convention(
        name="real",
        layout="photographs alone, to be named: real:<folder>",
        fits=fits_never,
        read=read_real,
    ),
    Convention(
        name="fake",
        layout="fakes alone, to be named: fake:<folder called after the generator>",
        fits=fits_never,
        read=read_fake,
    ),
)
_NAMES = {c.name: c for c in CONVENTIONS}
_ALSO = {"cnndetection": "forensynths", "ff": "faceforensics", "commfor": "communityforensics"}


def load(where: str, *, limit: int | None = None, both_classes: bool = True) -> list[Sample]:
    """The samples at a path or `convention:path`, always in the same order.

    `limit` keeps at most so many of each corpus, split and generator, drawn by a hash of the
    source. `both_classes=False` accepts photographs or fakes alone. Raises DatasetError.
    """
    convention, root = _resolve(where)
    samples = take_out(thin(convention.read(root), limit))
    counts = Counter(s.fake for s in samples)
    if not samples:
        raise DatasetError(
            DatasetReason.EMPTY,
            f"{root}: no picture, clip or recording where {convention.name} has them:"
            f" {convention.layout}.",
        )
    if both_classes and len(counts) < 2:
        here, absent = ("fake", "real") if samples[0].fake else ("real", "fake")
        raise DatasetError(
            DatasetReason.ONE_CLASS,
            f"{root}: all {len(samples)} samples are {here}; there is no {absent} one to compare.",
        )
    return samples


def convention_of(where: str) -> str:
    """The name of the convention that `load` would read by. Raises DatasetError as it does."""
    return _resolve(where)[0].name


def describe(samples: Iterable[Sample]) -> Mapping[str, Mapping[str, int]]:
    """Corpus -> "camera" or generator -> number of samples, in the order of names."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        counts[sample.corpus][sample.generator] += 1
    return {
        corpus: {g: counts[corpus][g] for g in sorted(counts[corpus], key=_camera_first)}
        for corpus in sorted(counts)
    }


def _camera_first(generator: str) -> tuple[bool, str]:
    return generator != CAMERA, generator


def _resolve(where: str) -> tuple[Convention, Path]:
    """The convention, named or recognised, and the path, which is there."""
    prefix, colon, rest = where.partition(":")
    name = re.sub(r"[^a-z0-9]", "", prefix.lower())  # FaceForensics++, Celeb-DF
    convention = _NAMES.get(_ALSO.get(name, name)) if colon else None
    root = Path(rest if convention else where).expanduser()
    if convention is None and not root.exists() and colon and re.fullmatch(r"[\w+-]{2,}", prefix):
        near = difflib.get_close_matches(name, [*_NAMES, *_ALSO], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DatasetError(
            DatasetReason.UNKNOWN_CONVENTION,
            f"no convention {prefix!r}{hint} (there are {', '.join(_NAMES)})",
        )
    if not root.exists():
        raise DatasetError(DatasetReason.NOT_FOUND, f"{root}: no such file or folder.")
    return convention or _recognise(root), root


def _recognise(root: Path) -> Convention:
    tree = look(root)
    fitting: list[Convention] = []
    trouble = None  # a stray broken table must not keep the rest from being recognised
    for convention in sorted(CONVENTIONS, key=lambda c: c.general):
        if fitting and convention.general:
            break
        try:
            fitting += [convention] if convention.fits(tree) else []
        except DatasetError as error:
            trouble = error
    if trouble and not fitting:
        raise trouble
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " and ".join(c.name for c in fitting)
        raise DatasetError(
            DatasetReason.AMBIGUOUS,
            f"{root} fits {names}. Say which, as in {fitting[0].name}:{root}; expected are:"
            f" {_layouts(fitting)}",
        )
    raise DatasetError(
        DatasetReason.UNRECOGNISED,
        f"{root} is in no convention that unmask knows. Expected is one of:"
        f" {_layouts(CONVENTIONS)}",
    )


def _layouts(conventions: Iterable[Convention]) -> str:
    return "".join(f"\n  {c.name}: {c.layout}" for c in conventions)
