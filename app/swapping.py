"""A face swapped in an uploaded clip, within bounds, and marked.

The clip is a stranger's: the fenced worker decodes some of it before this process reads it whole.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from unmask.app.generating import Made
from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.generate.alignment import FaceDetector
from unmask.generate.game import OptionError
from unmask.generate.outputs import Mark
from unmask.generate.swap_nets import PEOPLE, SwapNet
from unmask.generate.swap_video import SwapOptions, network_swap, swap_clip
from unmask.generate.trained import Trained
from unmask.media import DEFAULT_LIMITS, open_bytes

MOST_MB = 50
MOST_SECONDS = 30
MOST_FRAMES = 1_800  # 30 seconds of 60 a second, whatever the container says of its length
LONGEST = 600.0  # seconds that the page works on a clip
LIMITS = replace(
    DEFAULT_LIMITS,
    bytes=MOST_MB * 1024**2,
    duration=float(MOST_SECONDS),
    frame_pixels=2_100_000,  # 1920 x 1080
    frames=2,
)

Heard = Callable[[int, int | None], None]  # frames done, and in all where the clip says so


def swapped(
    trained: Trained, data: bytes, *, person: str, detector: FaceDetector, mark: Mark, heard: Heard
) -> Made:
    """A clip with the face that is followed through it swapped for `person`'s, as MP4.

    Raises MediaError (no clip, damaged, too large), FaceError (nobody in it) and OptionError (no
    such person, too many frames, too slow).
    """
    net = trained.game.generator
    if not isinstance(net, SwapNet):
        raise OptionError("These are no weights of a face swap.")
    if person not in PEOPLE:
        raise OptionError(f"The two people are {' and '.join(PEOPLE)}, not {person!r}.")
    if open_bytes(data, "the clip", limits=LIMITS).kind is not Kind.VIDEO:
        raise MediaError(Reason.UNSUPPORTED, "This file is no clip.")
    # Without tags: what is checked by its pixels alone must not say in words what it is.
    options = SwapOptions(side=trained.entry.profiles[trained.profile].side, tags={})
    with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
        source, out = Path(folder) / "clip", Path(folder) / "swapped.mp4"
        source.write_bytes(data)
        swap_clip(
            source, out, detector, network_swap(net, person), options, progress=_bounded(heard)
        )
        plain = out.read_bytes()
    settings = f"to person {person}"
    return Made(
        name=f"swap-{person}",
        settings=settings,
        marked=mark(plain, "video/mp4", settings, data),
        plain=plain,
        mime="video/mp4",
    )


def _bounded(heard: Heard) -> Heard:
    begun = time.monotonic()

    def progress(done: int, total: int | None) -> None:
        if done > MOST_FRAMES:
            raise OptionError(f"The page swaps {MOST_FRAMES:,} frames at most.")
        if time.monotonic() - begun > LONGEST:
            raise OptionError(
                f"The clip was not done after {LONGEST / 60:g} minutes; `unmask generate swap` has"
                " no such bound."
            )
        heard(done, total)

    return progress
