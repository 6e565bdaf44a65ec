"""A face swapped through a whole clip: video in, video out, frame by frame.

Sound is copied as it is; frames keep their time stamps; where there is no face, the decoded frame
goes to the encoder untouched. What was done to each frame is handed back: ground truth for
detectors of manipulation.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unmask.datasets.face_tracks import open_clip, upright
from unmask.errors import MediaError, Reason
from unmask.generate.alignment import (
    Box,
    Face,
    FaceDetector,
    FaceError,
    align,
    blend,
    box_of,
    feathered,
    match_colour,
)
from unmask.generate.clip_writing import writing
from unmask.generate.pictures import to_pixels, to_tensor
from unmask.generate.swap_nets import SwapNet

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Mask = NDArray[np.float32]  # (H, W) in [0, 1]
SwapFace = Callable[[Pixels], tuple[Pixels, Mask]]  # an aligned face -> another's, and its mask


@dataclass(frozen=True, kw_only=True)
class SwapOptions:
    """How a clip is swapped and written."""

    side: int = 64  # pixels of the aligned face, as the network was trained
    feather: float = 0.04  # of the mask, as part of the side
    match: bool = True  # colours of the new face to those of the old
    begin: float = 0.8  # score of a face that is swapped for the first time
    keep: float = 0.5  # score that is enough near the face of the last frame
    crf: int = 18  # of x264: 0 is lossless, 51 the worst
    tags: Mapping[str, str] = field(
        default_factory=lambda: {"comment": "Synthetic: the face was swapped by unmask."}
    )


@dataclass(frozen=True, kw_only=True)
class FrameTruth:
    """What was done to a frame of the output."""

    index: int
    time: float  # seconds
    matrix: tuple[tuple[float, ...], ...] | None  # (2, 3) frame to square; None: not swapped
    box: Box | None  # around what was changed by a tenth or more


@dataclass(frozen=True, kw_only=True)
class Swapped:
    """A picture with its new face."""

    pixels: Pixels
    mask: Mask  # (H, W)
    matrix: NDArray[np.float64]  # (2, 3)


@dataclass(frozen=True, kw_only=True)
class SwappedFrame:
    """A frame of a clip before and after, neither of them encoded."""

    truth: FrameTruth
    before: Pixels
    done: Swapped | None  # None: there was no face


def network_swap(net: SwapNet, person: str) -> SwapFace:
    """A trained network as what swaps an aligned face for `person`'s."""

    @torch.no_grad()
    def swap(face: Pixels) -> tuple[Pixels, Mask]:
        device = next(net.parameters()).device
        image, mask = net(to_tensor(np.ascontiguousarray(face)[None]).to(device), person)
        return to_pixels(image)[0], mask[0, 0].float().cpu().numpy()

    return swap


def swap_picture(
    pixels: Pixels, landmarks: NDArray[np.float64], swap: SwapFace, options: SwapOptions
) -> Swapped:
    """One picture with the face at (5, 2) `landmarks` swapped. Raises FaceError."""
    old = align(pixels, landmarks, options.side)
    face, mask = swap(old.pixels)
    soft = feathered(mask, options.feather)
    if options.match:
        face = match_colour(face, old.pixels, soft)
    out, whole = blend(pixels, face, soft, old.matrix)
    return Swapped(pixels=out, mask=whole, matrix=old.matrix)


class Track:
    """One face through a clip, its landmarks smoothed by the 1-euro filter (Casiez et al. 2012).

    Speeds are in sizes of the face, so that a close-up is smoothed as a distant head is: a still
    face does not tremble, a moving one is not dragged behind.
    """

    def __init__(
        self, begin: float, keep: float, *, still: float = 1.5, eager: float = 4.0
    ) -> None:
        """`still`: cutoff in Hz of a face at rest; `eager`: Hz more for each size a second."""
        self.begin, self.keep, self.still, self.eager = begin, keep, still, eager
        self.last: NDArray[np.float64] | None = None
        self.speed: NDArray[np.float64] = np.zeros((5, 2))
        self.time = 0.0

    def follow(self, faces: list[Face], time: float) -> NDArray[np.float64] | None:
        """(5, 2) smoothed landmarks of the face that is followed; None where it is lost."""
        face = self._chosen(faces)
        if face is None:
            self.last = None
            return None
        self.last = self._smoothed(face.landmarks, time)
        self.time = time
        return self.last

    def _chosen(self, faces: list[Face]) -> Face | None:
        """The nearest to the last one, if it is near; else the largest that is sure."""
        if self.last is not None:
            middle = self.last.mean(0)
            near = [
                (float(np.linalg.norm(f.landmarks.mean(0) - middle)), f)
                for f in faces if f.score >= self.keep
            ]  # fmt: skip
            away, face = min(near, key=lambda pair: pair[0], default=(np.inf, None))
            if face is not None and away < 0.5 * max(face.box[2:]):
                return face
        sure = [face for face in faces if face.score >= self.begin]
        self.last = None
        return max(sure, key=lambda f: f.box[2] * f.box[3], default=None)

    def _smoothed(self, found: NDArray[np.float64], time: float) -> NDArray[np.float64]:
        elapsed = time - self.time
        if self.last is None or elapsed <= 0:
            self.speed = np.zeros((5, 2))
            return found
        size = max(float(np.linalg.norm(found.std(0))), 1e-6)
        self.speed += _share(1.0, elapsed) * ((found - self.last) / (size * elapsed) - self.speed)
        cutoff = self.still + self.eager * float(np.linalg.norm(self.speed, axis=1).mean())
        return np.asarray(self.last + _share(cutoff, elapsed) * (found - self.last))


def _share(cutoff: float, elapsed: float) -> float:
    """Of a new value in a low pass of `cutoff` Hz, `elapsed` seconds after the last."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * elapsed))


def swap_clip(
    source: Path, out: Path, detector: FaceDetector, swap: SwapFace, options: SwapOptions, *,
    progress: Callable[[int, int | None], None] | None = None,
    keep: Callable[[FrameTruth, Mask | None], None] | None = None,
) -> list[FrameTruth]:  # fmt: skip
    """Swap the face that is followed through `source`; write H.264 with the copied sound to `out`.

    `progress` hears (frames done, frames in all where the container says so); `keep` is handed
    each frame's truth with the mask itself. Raises MediaError (a source without a film, damaged or
    of changing size; a container that cannot hold the sound) and FaceError (not one face in the
    clip); then nothing is left at `out`.
    """
    truths: list[FrameTruth] = []
    with (
        open_clip(source) as (clip, film),
        writing(out, clip, film, crf=options.crf, tags=options.tags) as writer,
    ):
        for frame, one in _followed(writer.frames(), detector, swap, options):
            writer.write(frame, None if one.done is None else one.done.pixels)
            truths.append(one.truth)
            if keep is not None:
                keep(one.truth, None if one.done is None else one.done.mask)
            if progress is not None:
                progress(len(truths), film.frames or None)
        if not truths:
            raise MediaError(Reason.CORRUPT, f"No frame of {source} can be decoded.")
        if all(truth.matrix is None for truth in truths):
            raise FaceError(f"No face was found in the {len(truths)} frames of {source}.")
    return truths


def swapped_frames(
    source: Path, detector: FaceDetector, swap: SwapFace, options: SwapOptions, *,
    wanted: Callable[[int], bool],
) -> Iterator[SwappedFrame]:  # fmt: skip
    """The frames of a clip whose numbers are `wanted`, as `swap_clip` swaps them before H.264.

    The face is followed through the others too. Raises MediaError, perhaps after some frames.
    """
    with open_clip(source) as (clip, film):
        frames = clip.decode(film)
        for _, one in _followed(frames, detector, swap, options, wanted):
            yield one


def _followed(
    frames: Iterable[Any], detector: FaceDetector, swap: SwapFace, options: SwapOptions,
    wanted: Callable[[int], bool] = lambda _: True,
) -> Iterator[tuple[Any, SwappedFrame]]:  # fmt: skip
    track = Track(options.begin, options.keep)
    for index, frame in enumerate(frames):
        time = float(frame.time or 0.0)
        pixels = upright(frame)
        landmarks = track.follow(list(detector(pixels)), time)
        if wanted(index):
            done = _swapped(pixels, landmarks, swap, options)
            yield frame, SwappedFrame(truth=_truth(index, time, done), before=pixels, done=done)


def _swapped(
    pixels: Pixels, landmarks: NDArray[np.float64] | None, swap: SwapFace, options: SwapOptions
) -> Swapped | None:
    if landmarks is None:
        return None
    try:
        return swap_picture(pixels, landmarks, swap, options)
    except FaceError:  # landmarks that fall together: as good as no face
        return None


def _truth(index: int, time: float, done: Swapped | None) -> FrameTruth:
    if done is None:
        return FrameTruth(index=index, time=time, matrix=None, box=None)
    rows = tuple(tuple(float(v) for v in row) for row in done.matrix)
    return FrameTruth(index=index, time=time, matrix=rows, box=box_of(done.mask, 0.1))
