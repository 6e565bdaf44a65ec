"""Loaders of face-swap clips: FaceForensics++ and Celeb-DF, as clips or as extracted frames.

FaceForensics++: Roessler et al., "FaceForensics++: learning to detect manipulated facial images",
ICCV 2019; with it come FaceShifter (Li et al., CVPR 2020) and Google's DeepFakeDetection (Dufour
and Gully 2019). Celeb-DF: Li et al., "Celeb-DF: a large-scale challenging dataset for DeepFake
forensics", CVPR 2020.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from unmask.datasets.loaders_tree import (
    MEDIA,
    SPLIT_NAMES,
    DatasetError,
    DatasetReason,
    Tree,
    stem,
    walk,
)
from unmask.datasets.manifest import CAMERA, Sample, Split

_BOXES = ("videos", "frames", "images", "faces")  # where clips lie, then where their frames do
_NO_CLIPS = frozenset({"masks", "landmarks", "models"})
_LEVELS = ("raw", "c0", "c23", "c40")  # compression; `masks` and `models` lie beside them
_YOUTUBE = re.compile(r"(\d{3})(_\d{3})?")
_ACTORS = re.compile(r"(\d+)(_\d+)?__(.+?)(__[A-Z0-9]{8})?")
_IDENTITY = re.compile(r"(id\d+)_")
_CELEB_FOLDERS = {"celeb-real": False, "youtube-real": False, "celeb-synthesis": True}
_CELEB_LIST = "List_of_testing_videos.txt"


def clip_source(clip: str) -> str:
    """The original clip or person that a clip's name tells, or the name itself.

    FaceForensics++ names a fake <target>_<source>, DeepFakeDetection
    <target actor>_<source actor>__<scene>__<8 characters>, Celeb-DF id<target>_id<source>_<number>:
    the target is what was filmed. UADFV adds _fake.
    """
    clip = clip.removesuffix("_fake")
    if found := _YOUTUBE.fullmatch(clip):
        return found[1]
    if found := _ACTORS.fullmatch(clip):
        return f"{found[1]}__{found[3]}"
    if found := _IDENTITY.match(clip):
        return found[1]
    return clip


def fits_faceforensics(tree: Tree) -> bool:
    """A folder of original or of manipulated sequences."""
    return bool({("original_sequences",), ("manipulated_sequences",)} & tree.folders)


def read_faceforensics(root: Path) -> Iterator[Sample]:
    """`{original,manipulated}_sequences/<origin or method>/<compression>/videos/*.mp4`.

    Splits come from {train,val,test}.json at the root, in `splits/` or in `dataset/splits/`; what
    they do not name, and everything without them, is TEST. Where `videos` is empty or absent,
    `frames/<clip>/*` serves. Raises DatasetError (BAD_TABLE) for a broken splits file.
    """
    splits = _faceforensics_splits(root)
    for top, fake in (("original_sequences", False), ("manipulated_sequences", True)):
        for origin in _subfolders(root / top):
            for level in _LEVELS:
                photographed = origin
                if fake:
                    photographed = "actors" if origin == "DeepFakeDetection" else "youtube"
                for path, clip in _clips(root / top / origin / level):
                    source = clip_source(clip)
                    yield Sample(
                        path=path,
                        fake=fake,
                        generator=origin if fake else CAMERA,
                        corpus=f"faceforensics/{photographed}/{level}",
                        source=f"faceforensics/{photographed}/{source}",
                        split=splits.get(source, Split.TEST),
                    )


def _clips(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every clip, or every frame where there are no clips, with the clip's name."""
    if not folder.is_dir():
        return
    boxes = [folder / name for name in _BOXES if (folder / name).is_dir()]
    box = next((b for b in boxes if next(walk(b), None)), folder)
    for parts in walk(box):
        if box != folder or parts[0].lower() not in _NO_CLIPS:
            yield box.joinpath(*parts), stem(parts[0])


def _subfolders(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def _faceforensics_splits(root: Path) -> dict[str, Split]:
    """Clip -> split. The files list pairs, because each pair was swapped both ways."""
    found: dict[str, Split] = {}
    for folder in (root, root / "splits", root / "dataset" / "splits"):
        for name in ("train", "val", "test"):
            path = folder / f"{name}.json"
            if not path.is_file():
                continue
            try:
                pairs = json.loads(path.read_bytes())
                found |= {str(clip): SPLIT_NAMES[name] for pair in pairs for clip in pair}
            except (ValueError, TypeError) as error:
                raise DatasetError(
                    DatasetReason.BAD_TABLE, f"{path} is not a list of pairs of clips: {error}."
                ) from error
    return found


def fits_celebdf(tree: Tree) -> bool:
    """A folder of celebrities' clips or of synthesised ones."""
    names = {parts[0].lower() for parts in tree.folders}
    return bool(names & {"celeb-real", "celeb-synthesis"})


def read_celebdf(root: Path) -> Iterator[Sample]:
    """`Celeb-real`, `YouTube-real`, `Celeb-synthesis` and `List_of_testing_videos.txt` (v1, v2).

    The list is the test split and the rest trains; without a list everything is TEST. The source is
    the person filmed; YouTube-real has a person a clip. Raises DatasetError: ENCODING, UNREADABLE.
    """
    listed = _celebdf_list(root)
    for folder in _subfolders(root):
        fake = _CELEB_FOLDERS.get(folder.lower())
        if fake is None:
            continue
        for path, clip in _clips(root / folder):
            source = clip_source(clip)
            in_test = listed is None or (folder.lower(), clip) in listed
            yield Sample(
                path=path,
                fake=fake,
                generator="Celeb-synthesis" if fake else CAMERA,
                corpus="celebdf",
                source=f"celebdf/{source if source != clip else f'{folder}/{clip}'}",
                split=Split.TEST if in_test else Split.TRAIN,
            )


def _celebdf_list(root: Path) -> set[tuple[str, str]] | None:
    """(folder, clip) of every line such as `1 YouTube-real/00170.mp4`; None without a list."""
    path = root / _CELEB_LIST
    if not path.is_file():
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(DatasetReason.ENCODING, f"{path} is not UTF-8.") from error
    found = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        folder, slash, name = line.split()[-1].partition("/")
        if not slash or Path(name).suffix.lower() not in MEDIA:
            raise DatasetError(
                DatasetReason.BAD_TABLE,
                f"{path}, line {number}: {line.strip()!r} is not like '1 YouTube-real/00170.mp4'.",
            )
        found.add((folder.lower(), stem(name)))
    return found
