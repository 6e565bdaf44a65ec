"""Frames of clips beside their swaps, with masks, for detectors: `swap --unmarked`.

The frames are those that would have gone to the encoder of a swapped clip. The mask says where they
differ: outside, both are the same bit for bit.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from unmask.datasets.corpus import Addition, CorpusWriter, Maker, write_corpus
from unmask.datasets.manifest import draw
from unmask.errors import MediaError, Reason
from unmask.generate.alignment import FaceDetector
from unmask.generate.corpora import (
    DRAWN,
    SHARES,
    THERE,
    WRITTEN,
    SplitRule,
    maker_of,
    require_some,
)
from unmask.generate.playing import profile_of
from unmask.generate.swap_video import SwapFace, SwapOptions, SwappedFrame, swapped_frames
from unmask.generate.trained import Trained


@dataclass(frozen=True, kw_only=True)
class SwapCorpusOptions:
    """What is kept of clips."""

    person: str  # whose face it gets: a or b
    every: int = 1  # frames from one that is kept to the next
    split: SplitRule = SplitRule.DRAW
    licence: str = ""  # of the clips


def keep_swaps(
    trained: Trained, clips: Sequence[Path], folder: Path, asked: SwapCorpusOptions, *,
    detector: FaceDetector, swap: SwapFace,
) -> Counter[str]:  # fmt: skip
    """Add frames of clips, each beside its swap and with its mask, to a corpus.

    The frames of a clip share one source, so one split. Frames without a face and clips that cannot
    be read are left out and counted; of a clip that is cut short the frames before stay. Raises
    DatasetError (EMPTY: not one frame made a pair) and what `write_corpus` raises.
    """
    maker, counts = maker_of(trained, f"to-{asked.person}"), Counter[str]()
    options = SwapOptions(side=profile_of(trained.entry, trained.profile).side)
    with write_corpus(folder) as corpus:
        for path in clips:
            try:
                clip = _Clip(path, asked, corpus, maker)
                wanted = partial(clip.wants, counts)
                for frame in swapped_frames(path, detector, swap, options, wanted=wanted):
                    counts[clip.add(frame)] += 1
            except MediaError:
                counts["clips that cannot be read to the end"] += 1
        require_some(counts, "frame")
    return counts


class _Clip:
    """One clip's frames on their way into a corpus."""

    def __init__(
        self, path: Path, asked: SwapCorpusOptions, corpus: CorpusWriter, maker: Maker
    ) -> None:
        """Raises MediaError."""
        try:
            with path.open("rb") as file:
                identity = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise MediaError(Reason.UNREADABLE, f"{path} cannot be read: {error}") from error
        # Named by what it holds: under another name it is still on the same side.
        self.source = f"clip/{identity[:16]}"
        self.path, self.asked, self.corpus, self.maker = path, asked, corpus, maker

    def _named(self, index: int) -> tuple[str, str]:
        # By its content alone, so that a renamed clip's frames are there already.
        return (
            f"{self.source.replace('/', '-')}-{index:06d}",
            f"to person {self.asked.person}, frame {index}",
        )

    def wants(self, counts: Counter[str], index: int) -> bool:
        """Whether a frame is asked for and not there."""
        if index % self.asked.every:
            return False
        held = self.corpus.holds(self.maker, *self._named(index))
        counts[THERE] += held
        return not held

    def add(self, frame: SwappedFrame) -> str:
        """What became of a frame."""
        if frame.done is None or not frame.done.mask.any():
            return "without a face"
        truth = frame.truth
        name, settings = self._named(truth.index)
        one = Addition(
            name=name,
            fake=frame.done.pixels,
            real=frame.before,
            mask=frame.done.mask,
            source=self.source,
            split=draw(self.source, SHARES[self.asked.split] or DRAWN),
            settings=settings,
            licence=self.asked.licence or "as of the clip",
            notes={
                "clip": self.path.name,
                "time": truth.time,  # seconds
                "matrix": truth.matrix,  # from the frame to the aligned face
                "box": truth.box,
            },
        )
        self.corpus.add(self.maker, one)
        return WRITTEN
