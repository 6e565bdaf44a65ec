"""A person's face set: aligned faces out of clips and photographs, to train a face swap on.

Finding and aligning is the caller's (`unmask.generate.alignment`); here clips are read frame by
frame, blurred and repeated faces are dropped, and the end of every source is held out, because
neighbouring frames are almost the same picture.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.datasets.loaders_tree import CLIPS, IMAGES, DatasetError, DatasetReason, walk
from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.media import DEFAULT_LIMITS, open_media
from unmask.media.sniff import sniff

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float64]
_THUMB = 16  # pixels a side of what faces are compared by


@dataclass(frozen=True, kw_only=True)
class AlignedFace:
    """A face in the canonical square of N pixels a side."""

    pixels: Pixels  # (N, N, 3)
    landmarks: Floats  # (5, 2) x, y in the square
    matrix: Floats  # (2, 3): from the picture to the square


Cropper = Callable[[Pixels], AlignedFace | None]  # the face of a picture, if it has one


@dataclass(frozen=True, kw_only=True)
class FaceSet:
    """N aligned faces of one person, in the order of sources and times."""

    pixels: NDArray[np.uint8]  # (N, S, S, 3)
    landmarks: Floats  # (N, 5, 2) in the squares
    matrices: Floats  # (N, 2, 3): from each picture to its square
    times: Floats  # (N,) seconds in the clip; for photographs, their number
    sources: NDArray[np.str_]  # (N,) names of clips and folders

    def part(self, chosen: NDArray[np.intp]) -> "FaceSet":
        """Those faces alone."""
        return FaceSet(**{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """What is taken, and what is dropped."""

    per_second: float = 10.0  # faces a second of a clip, at most
    sharpness: float = 0.35  # of the source's median, below which a face is blurred
    change: float = 1.0  # grey levels, mean, by which a face must differ from all that were kept
    most: int = 10_000  # faces in all: what stays in memory


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What became of the frames."""

    frames: int
    without_face: int
    repeated: int
    blurred: int
    kept: int


def build(
    sources: Sequence[Path], crop: Cropper, options: TrackOptions | None = None
) -> tuple[FaceSet, Counts]:
    """The faces in clips, photographs and folders of photographs.

    Raises DatasetError (NOT_FOUND, EMPTY: not one face) and, for a damaged clip, MediaError.
    Photographs that cannot be read are left out.
    """
    options = options or TrackOptions()
    kept: list[tuple[AlignedFace, float, str]] = []
    frames = without = repeated = blurred = 0
    for source in sources:
        of_source: list[tuple[AlignedFace, float, str]] = []
        seen = np.zeros((0, _THUMB * _THUMB), np.float32)
        for time, picture in pictures_of(source, options.per_second):
            frames += 1
            face = crop(picture)
            if face is None:
                without += 1
                continue
            thumb = _thumb(face.pixels)
            if len(seen) and np.abs(seen - thumb).mean(1).min() < options.change:
                repeated += 1
                continue
            seen = np.concatenate([seen, thumb[None]])
            of_source.append((face, time, source.name))
            if len(kept) + len(of_source) >= options.most:
                break
        sharp = _sharp([face for face, _, _ in of_source], options.sharpness)
        blurred += len(of_source) - len(sharp)
        kept += [of_source[i] for i in sharp]
    if not kept:
        raise DatasetError(DatasetReason.EMPTY, f"No face was found in {frames} pictures.")
    counts = Counts(
        frames=frames, without_face=without, repeated=repeated, blurred=blurred, kept=len(kept)
    )
    return _joined(kept), counts


def _joined(kept: Sequence[tuple[AlignedFace, float, str]]) -> FaceSet:
    return FaceSet(
        pixels=np.stack([face.pixels for face, _, _ in kept]),
        landmarks=np.stack([face.landmarks for face, _, _ in kept]),
        matrices=np.stack([face.matrix for face, _, _ in kept]),
        times=np.array([time for _, time, _ in kept]),
        sources=np.array([name for _, _, name in kept]),
    )


def _thumb(pixels: Pixels) -> NDArray[np.float32]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).ravel()


def sharpness(pixels: Pixels) -> float:
    """Variance of the Laplacian of a face's middle (Pech-Pacheco et al. 2000): more is sharper."""
    rim = len(pixels) // 5
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[rim:-rim, rim:-rim]), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _sharp(faces: Sequence[AlignedFace], least: float) -> list[int]:
    """Which are as sharp as `least` of the median."""
    if not faces:
        return []
    found = np.array([sharpness(face.pixels) for face in faces])
    return [int(i) for i in np.flatnonzero(found >= least * np.median(found))]


def pictures_of(source: Path, per_second: float) -> Iterator[tuple[float, Pixels]]:
    """(time, RGB) of a clip's frames, upright and thinned; or of a folder's photographs.

    Raises DatasetError (NOT_FOUND) and MediaError (a clip that is damaged or too large).
    """
    if not source.exists():
        raise DatasetError(DatasetReason.NOT_FOUND, f"There is no {source}.")
    if source.is_file() and source.suffix.lower() in CLIPS:
        yield from _frames(source, per_second)
        return
    inside = walk(source, IMAGES) if source.is_dir() else [()]
    for number, parts in enumerate(inside):
        try:
            yield float(number), open_media(source.joinpath(*parts)).pixels
        except (MediaError, TypeError):  # damaged, or no picture
            continue


def _frames(path: Path, per_second: float) -> Iterator[tuple[float, Pixels]]:
    with open_clip(path) as (container, film):
        due = -np.inf
        for frame in container.decode(film):
            time = float(frame.time or 0.0)
            if time >= due:
                due = time + 0.999 / per_second  # a hair early: times are rounded
                yield time, upright(frame)


@contextmanager
def open_clip(path: Path) -> Iterator[tuple[Any, Any]]:
    """(PyAV's container, its first film), to be decoded frame by frame by whoever trusts the file.

    Raises MediaError, also where decoding inside the block fails: NOT_FOUND, UNREADABLE, EMPTY,
    UNSUPPORTED, TOO_LARGE, NO_STREAM, CORRUPT.
    """
    try:
        with path.open("rb") as file:
            kind = sniff(file.read(65536))
        if kind.kind is not Kind.VIDEO:
            raise MediaError(Reason.UNSUPPORTED, f"{path} is no clip.")
        options = {"protocol_whitelist": "file"}  # no playlist that leads elsewhere
        with av.open(
            str(path), format=kind.demuxer, options=options, metadata_errors="replace"
        ) as container:
            yield container, _film(container, path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MediaError(Reason.NOT_FOUND, f"There is no file {path}.") from error
    except OSError as error:
        raise MediaError(Reason.UNREADABLE, f"{path} cannot be read: {error}") from error
    except av.error.FFmpegError as error:
        raise MediaError(Reason.CORRUPT, f"{path} cannot be decoded ({error}).") from error


def _film(container: Any, path: Path) -> Any:
    """The first stream of moving pictures, covers left out."""
    for film in container.streams.video:
        if film.codec_context is None or film.disposition & type(film.disposition).attached_pic:
            continue
        if film.codec_context.width * film.codec_context.height > DEFAULT_LIMITS.frame_pixels:
            raise MediaError(Reason.TOO_LARGE, f"The frames of {path} are over the limit.")
        film.thread_type = "AUTO"
        return film
    raise MediaError(Reason.NO_STREAM, f"There is no film in {path}.")


def upright(frame: Any) -> Pixels:
    """(H, W, 3) RGB of PyAV's frame, turned as a player would turn it."""
    pixels = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))


def split(faces: FaceSet, held_out: float = 0.1, gap: int = 10) -> tuple[FaceSet, FaceSet]:
    """(to train on, held out): the last `held_out` of each source, and `gap` faces between.

    Raises DatasetError (EMPTY) where that leaves nothing to train on.
    """
    train: list[NDArray[np.intp]] = []
    rest: list[NDArray[np.intp]] = []
    for name in dict.fromkeys(faces.sources.tolist()):
        own = np.flatnonzero(faces.sources == name)
        own = own[np.argsort(faces.times[own], kind="stable")]
        cut = len(own) - round(held_out * len(own))
        train.append(own[: max(0, cut - gap) if cut < len(own) else cut])
        rest.append(own[cut:])
    if not sum(map(len, train)):
        raise DatasetError(DatasetReason.EMPTY, "Too few faces to hold some of them out.")
    return faces.part(np.concatenate(train)), faces.part(np.concatenate(rest))


def save(faces: FaceSet, path: Path) -> None:
    """Write a face set as .npz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **vars(faces))


def load(path: Path) -> FaceSet:
    """A face set that `save` wrote. Raises DatasetError: NOT_FOUND or UNREADABLE."""
    if not path.is_file():
        raise DatasetError(DatasetReason.NOT_FOUND, f"There is no face set {path}.")
    try:
        with np.load(path, allow_pickle=False) as held:
            faces = FaceSet(**{name: held[name] for name in FaceSet.__dataclass_fields__})
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(DatasetReason.UNREADABLE, f"{path} is no face set.") from error
    n, side = len(faces.pixels), faces.pixels.shape[1] if faces.pixels.ndim == 4 else 0
    shapes = ((n, side, side, 3), (n, 5, 2), (n, 2, 3), (n,), (n,))
    if not n or tuple(v.shape for v in vars(faces).values()) != shapes:
        raise DatasetError(DatasetReason.UNREADABLE, f"{path} is no face set.")
    return faces
