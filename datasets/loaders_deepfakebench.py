"""Loader of DeepfakeBench's JSON lists of frames.

Yan et al., "DeepfakeBench: a comprehensive benchmark of deepfake detection", NeurIPS 2023. A list
is {data set: {label: {split: {[compression:] {clip: {"label": ..., "frames": [...]}}}}}}.
"""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from unmask.datasets.loaders_faces import clip_source
from unmask.datasets.loaders_tree import SPLIT_NAMES, DatasetError, DatasetReason, Tree, head_of
from unmask.datasets.manifest import CAMERA, Sample, Split

_BEGINS = re.compile(rb'\s*\{\s*"[^"]+"\s*:\s*\{\s*"[^"]+"\s*:\s*\{\s*"(train|val|test)"\s*:')
_FOLDERS = ("", "dataset_json", "preprocessing/dataset_json")
_ROOTS = ("", "datasets/rgb", "datasets", "rgb")  # below the list's folder or one above it
_TRIED = 16  # frames that must all be missing before a method counts as not here
_log = logging.getLogger(__name__)
_LEAST_USED = (Split.TRAIN, Split.VALIDATION, Split.TEST)


def fits_deepfakebench(tree: Tree) -> bool:
    """A JSON file, or a folder of them, that begins as DeepfakeBench's lists do."""
    return bool(_lists(tree.root))


def _lists(root: Path) -> list[Path]:
    """The lists at `root`: itself, or those in the usual folders below it."""
    paths = [root] if root.is_file() else []
    for folder in () if root.is_file() else _FOLDERS:
        paths += sorted((root / folder).glob("*.json"))
    return [p for p in paths if p.suffix.lower() == ".json" and _begins(p)]


def _begins(path: Path) -> bool:
    return _BEGINS.match(head_of(path)) is not None


def read_deepfakebench(root: Path) -> Iterator[Sample]:
    """Every frame that the lists name, once.

    Lists repeat photographs (each method's list holds them all) and name some clips under several
    splits: such a frame counts as TEST before VALIDATION before TRAIN, so that nothing tested was
    trained on. A method or compression whose frames are not here at all is left out with a
    warning in the log: the lists come complete, the frames rarely do. Raises DatasetError:
    BAD_TABLE, BAD_LABEL (a frame that is real in one list and fake in another), MISSING_FILE.
    """
    lists = _lists(root)
    found: dict[Path, Sample] = {}
    for path in lists:
        groups: dict[tuple[str, str], list[Sample]] = defaultdict(list)
        for sample in _frames(path):
            groups[sample.corpus, sample.generator].append(sample)
        for (corpus, generator), frames in groups.items():
            below = _frame_root(path, frames)
            if below is None:
                _log.warning("%s: no frame of %s (%s) is here", path, corpus, generator)
                continue
            folder, dropped = below
            for sample in frames:
                where = folder.joinpath(*sample.path.parts[dropped:])
                _keep(found, replace(sample, path=where), path)
    if lists and not found:
        raise DatasetError(
            DatasetReason.MISSING_FILE,
            f"{root}: not one frame of {len(lists)} lists is here. Frames are looked for below the"
            f" list's folder and three above it, and in {', '.join(_ROOTS[1:])} there.",
        )
    yield from found.values()


def _keep(found: dict[Path, Sample], sample: Sample, list_path: Path) -> None:
    before = found.get(sample.path)
    if before is None:
        if not sample.path.is_file():
            raise DatasetError(
                DatasetReason.MISSING_FILE, f"{list_path} names {sample.path}, which is not there."
            )
        found[sample.path] = sample
    elif before.fake != sample.fake:
        raise DatasetError(
            DatasetReason.BAD_LABEL,
            f"{list_path} calls {sample.path} {_word(sample)}; another list calls it"
            f" {_word(before)}.",
        )
    elif _LEAST_USED.index(sample.split) > _LEAST_USED.index(before.split):
        found[sample.path] = replace(before, split=sample.split)


def _word(sample: Sample) -> str:
    return "fake" if sample.fake else "real"


def _frames(path: Path) -> Iterator[Sample]:
    """The samples of one list, with paths as the list has them."""
    try:
        content = json.loads(path.read_bytes())
        for data_set, labels in content.items():
            for label, splits in labels.items():
                for split, clips in splits.items():
                    for level, clip, frames in _clips(clips):
                        yield from _clip_samples(data_set, label, split, level, clip, frames)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise DatasetError(
            DatasetReason.BAD_TABLE,
            f"{path} is not {{data set: {{label: {{split: {{clip: {{frames}}}}}}}}}}: {error!r}.",
        ) from error


def _clips(clips: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """(compression or "", clip, frames); DFDC's list has a bare clip where clips are expected."""
    if "frames" in clips:
        frames = clips["frames"]
        if frames:
            yield "", PurePosixPath(frames[0].replace("\\", "/")).parent.name, frames
        return
    for name, value in clips.items():
        if "frames" in value:
            yield "", name, value["frames"]
        else:
            for clip, inner in value.items():
                yield name, clip, inner["frames"]


def _clip_samples(
    data_set: str, label: str, split: str, level: str, clip: str, frames: list[str]
) -> Iterator[Sample]:
    fake = "real" not in label.lower()
    # FF-DF, FF-F2F ... are lists of one data set, with the same photographs in each.
    data_set = "FaceForensics++" if label.startswith("FF-") else data_set
    corpus = "/".join(("deepfakebench", data_set, *((level,) if level else ())))
    for frame in sorted(frames):
        yield Sample(
            path=Path(frame.replace("\\", "/")),
            fake=fake,
            generator=label if fake else CAMERA,
            corpus=corpus,
            source=f"deepfakebench/{data_set}/{clip_source(clip)}",
            split=SPLIT_NAMES[split],
        )


def _frame_root(list_path: Path, frames: list[Sample]) -> tuple[Path, int] | None:
    """A folder, and how many parts of a frame's path to drop, so that frames are found there.

    Published lists hold absolute paths of the machine that wrote them, or paths below a root that
    only a configuration file names. A few frames are tried, because one may be missing.
    """
    folder = list_path.resolve().parent
    for sample in frames[:: max(1, len(frames) // _TRIED)]:
        parts = sample.path.parts
        for dropped in range(len(parts) - 1):
            for above in (folder, *list(folder.parents)[:3]):
                for root in _ROOTS:
                    if (above / root).joinpath(*parts[dropped:]).is_file():
                        return above / root, dropped
    return None
