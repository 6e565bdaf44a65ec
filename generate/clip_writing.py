"""A clip written anew while another is read: its film as H.264, its sound packet by packet."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from unmask.errors import MediaError, Reason

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
CONTAINERS = (".mp4", ".mov", ".mkv")  # that are written


class ClipWriter:
    """Frames as they are changed, packets of sound as they were. Made by `writing`."""

    def __init__(self, container: Any, clip: Any, film: Any, crf: int) -> None:
        self._container, self._clip, self._film = container, clip, film
        self._out = container.add_stream(
            "libx264", rate=film.average_rate or 25, options={"crf": str(crf)}
        )
        with self._fitting():
            self._sound = {
                s.index: container.add_stream_from_template(s) for s in clip.streams.audio
            }
        self._size: tuple[int, int] | None = None  # height, width
        self._last: int | None = None
        self._waiting: list[Any] = []  # packets of sound before the first frame

    @contextmanager
    def _fitting(self) -> Iterator[None]:
        """A container that refuses a codec says so when it hears of it, or in its header."""
        try:
            yield
        except (ValueError, av.error.FFmpegError) as error:
            name = self._container.format.name
            raise MediaError(
                Reason.UNSUPPORTED, f"The sound cannot be copied into {name}: write .mkv instead."
            ) from error

    def frames(self) -> Iterator[Any]:
        """The film's frames in order, while the sound that lies between goes to the output."""
        for packet in self._clip.demux(self._film, *self._clip.streams.audio):
            if packet.stream.index == self._film.index:
                yield from packet.decode()
            elif packet.dts is not None:
                packet.stream = self._sound[packet.stream.index]
                self._waiting.append(packet)
                if self._size is not None:
                    self._pass_sound()

    def _pass_sound(self) -> None:
        """The header, which goes before the first packet, needs the size of the film."""
        for packet in self._waiting:
            self._container.mux(packet)
        self._waiting.clear()

    def write(self, frame: Any, pixels: Pixels | None) -> None:
        """`pixels` at the time of PyAV's `frame`; None: the frame itself, as it was decoded."""
        fits = frame.format.name == "yuv420p" and not frame.rotation
        if pixels is None and fits and not (frame.width % 2 or frame.height % 2):
            new = frame
            new.pict_type = PictureType.NONE  # the encoder decides, not the source
        else:
            if pixels is None:
                rgb = frame.to_ndarray(format="rgb24")
                pixels = np.rot90(rgb, round(frame.rotation / 90))
            new = self._converted(frame, pixels)
        self._open(new)
        new.pts, new.time_base = self._rising(frame), self._film.time_base
        self._container.mux(self._out.encode(new))

    def _converted(self, frame: Any, pixels: Pixels) -> Any:
        height, width = (n - n % 2 for n in pixels.shape[:2])  # H.264 halves the chroma
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), "rgb24")
        return rgb.reformat(
            format="yuv420p", dst_colorspace=frame.colorspace, dst_color_range=frame.color_range
        )

    def _open(self, frame: Any) -> None:
        size = frame.height, frame.width
        if self._size is None:
            self._size = size
            context, before = self._out.codec_context, self._film.codec_context
            context.height, context.width = size
            context.pix_fmt = "yuv420p"
            context.time_base = self._film.time_base
            for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
                setattr(context, name, getattr(before, name))
            with self._fitting():
                self._container.start_encoding()
            self._pass_sound()
        elif size != self._size:
            raise MediaError(Reason.UNSUPPORTED, "The frames of the clip change their size.")

    def _rising(self, frame: Any) -> int:
        """The time stamp; one more than the last where the source gives none that is later."""
        least = None if self._last is None else self._last + 1
        found = frame.pts if frame.pts is not None else least or 0
        self._last = found if least is None else max(found, least)
        return self._last

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._size is not None:
            self._container.mux(self._out.encode(None))


@contextmanager
def writing(
    out: Path, clip: Any, film: Any, *, crf: int, tags: Mapping[str, str]
) -> Iterator[ClipWriter]:
    """A writer for `film` of an open `clip`, beside `out` until all is well, then moved there.

    Raises MediaError: UNSUPPORTED (a container that is not written, or that does not hold the
    sound; frames that change their size), UNREADABLE (no room, or no such folder).
    """
    if out.suffix.lower() not in CONTAINERS:
        raise MediaError(Reason.UNSUPPORTED, f"Clips are written as {', '.join(CONTAINERS)}.")
    unfinished = out.with_name(f"{out.stem}.part{out.suffix}")
    try:
        with _opened(unfinished, tags) as container:
            writer = ClipWriter(container, clip, film, crf)
            yield writer
            writer.finish()
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, tags: Mapping[str, str]) -> Iterator[Any]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        container = av.open(str(path), "w")
    except OSError as error:
        raise MediaError(Reason.UNREADABLE, f"{path} cannot be written: {error}") from error
    with container:
        container.metadata.update(tags)
        yield container
