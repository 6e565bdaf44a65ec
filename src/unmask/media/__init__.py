"""Media: bytes first. Provenance and JPEG traces live in the file, not in its pixels."""

import hashlib
import io
import os
import stat
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.media.clip import Clip, Frame, read_clip
from unmask.media.documents import Document, read_document
from unmask.media.image import ImageInfo, pillow_image, read_image
from unmask.media.limits import DEFAULT_LIMITS, Limits
from unmask.media.sniff import TEXT, WAV, Format, sniff
from unmask.media.text import read_text

__all__ = [
    "DEFAULT_LIMITS",
    "Frame",
    "ImageInfo",
    "Limits",
    "Media",
    "of_sound",
    "open_bytes",
    "open_media",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Media:
    """A file that was opened, checked and decoded. Build it with `open_media` or `open_bytes`."""

    data: bytes = field(repr=False)
    format: Format
    name: str
    sidecar: bytes | None = field(default=None, repr=False)  # a C2PA manifest beside the file
    _still: tuple[NDArray[np.uint8], ImageInfo] | None = field(default=None, repr=False)
    _clip: Clip | None = field(default=None, repr=False)
    _document: Document | None = field(default=None, repr=False)

    @property
    def kind(self) -> Kind:
        """What the file holds: a container of sound alone is AUDIO, whatever its format."""
        if self._clip is not None:
            return Kind.VIDEO if self._clip.frames else Kind.AUDIO
        return self.format.kind

    @cached_property
    def sha256(self) -> str:
        """Of the bytes as they came: the first link in the chain of custody."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 sRGB, read-only: of a still, or of a clip's middle frame.

        Raises TypeError for sound and text.
        """
        if self._still is not None:
            return self._still[0]
        if self._clip is not None and self._clip.frames:
            return self._clip.frames[len(self._clip.frames) // 2].pixels
        raise TypeError(f"a file of kind {self.kind} has no pixels")

    @property
    def image_info(self) -> ImageInfo:
        """What a still said of itself before conversion. Raises TypeError for other kinds."""
        if self._still is None:
            raise TypeError(f"a file of kind {self.kind} is no still")
        return self._still[1]

    @contextmanager
    def pillow(self) -> Iterator[Image.Image]:
        """A still as Pillow opens it, unconverted: alpha, text chunks, EXIF.

        Raises TypeError for other kinds, MediaError where a lazily read part is damaged.
        """
        if self._still is None:
            raise TypeError(f"a file of kind {self.kind} is no still")
        with pillow_image(self.data, self.format) as image:
            yield image

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Evenly sampled frames of a clip in time order; none for other kinds."""
        return self._clip.frames if self._clip else ()

    @property
    def waveform(self) -> NDArray[np.float32] | None:
        """(samples, channels) float32 in [-1, 1], or None without sound."""
        return self._clip.waveform if self._clip else None

    @property
    def sample_rate(self) -> int:
        """Of `waveform`, in Hz; 0 without sound."""
        return self._clip.sample_rate if self._clip else 0

    @property
    def container(self) -> dict[str, Any]:
        """Of a clip or recording: container, streams, tags, packet statistics. Else empty."""
        return self._clip.meta if self._clip else {}

    @property
    def text(self) -> str:
        """The decoded text. Raises TypeError for other kinds."""
        if self._document is None:
            raise TypeError(f"a file of kind {self.kind} is no text")
        return self._document.text

    @property
    def document(self) -> Mapping[str, Any]:
        """What a document says of itself: author, program, dates, pages. Else empty."""
        return self._document.facts if self._document else {}


def open_media(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Media:
    """Open a file, with a `.c2pa` sidecar of the same stem where there is one.

    Raises MediaError for whatever cannot be examined; its `reason` says why.
    """
    path = Path(path)
    data = _read(path, limits)
    beside = path.with_suffix(".c2pa")
    sidecar = _read(beside, limits) if beside != path and beside.is_file() else None
    return open_bytes(data, path.name, sidecar=sidecar, limits=limits)


def open_bytes(
    data: bytes, name: str, *, sidecar: bytes | None = None, limits: Limits = DEFAULT_LIMITS
) -> Media:
    """Open bytes that came from elsewhere (an upload, a pipe). `name` is shown, never believed.

    Raises MediaError as `open_media` does.
    """
    if len(data) > limits.bytes:
        raise MediaError(Reason.TOO_LARGE, f"The file has more than {limits.bytes} bytes.")
    fmt = sniff(data)
    media: dict[str, Any] = {"data": data, "format": fmt, "name": name, "sidecar": sidecar}
    if fmt.kind is Kind.IMAGE:
        return Media(**media, _still=read_image(data, fmt, limits))
    if fmt.kind is Kind.TEXT:
        plain = fmt is TEXT
        document = Document(text=read_text(data, limits)) if plain else None
        return Media(**media, _document=document or read_document(data, fmt, limits))
    return Media(**media, _clip=read_clip(data, fmt, limits))


def of_sound(samples: NDArray[np.float32], rate: int, name: str) -> Media:
    """A recording that is decoded already: (samples,) in [-1, 1] at `rate` Hz, as 16-bit WAV."""
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    waveform = pcm.astype(np.float32)[:, None] / np.float32(32768)
    clip = Clip(frames=(), waveform=waveform, sample_rate=rate, meta={})
    return Media(data=buffer.getvalue(), format=WAV, name=name, _clip=clip)


def _read(path: Path, limits: Limits) -> bytes:
    try:
        _check(path, path.stat(), limits)
        with open(path, "rb", opener=_without_waiting) as file:
            _check(path, os.fstat(file.fileno()), limits)  # it may be another by now
            data = file.read(limits.bytes + 1)  # and it may grow
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MediaError(Reason.NOT_FOUND, f"There is no file {path}.") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise MediaError(Reason.UNREADABLE, f"{path} cannot be read: {error}") from error
    except MemoryError as error:
        raise MediaError(Reason.TOO_LARGE, f"{path} does not fit in memory.") from error
    if len(data) > limits.bytes:
        raise MediaError(Reason.TOO_LARGE, f"{path} has more than {limits.bytes} bytes.")
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Open a pipe without waiting for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check(path: Path, found: os.stat_result, limits: Limits) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise MediaError(Reason.NOT_FOUND, f"{path} is a folder, not a file.")
    if not stat.S_ISREG(found.st_mode):
        raise MediaError(Reason.UNSUPPORTED, f"{path} is a device or a pipe, not a file.")
    if found.st_size > limits.bytes:
        raise MediaError(Reason.TOO_LARGE, f"{path} has more than {limits.bytes} bytes.")
