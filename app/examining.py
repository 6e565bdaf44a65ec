"""From an upload to what the page shows, remembered for this browser session alone."""

import hashlib
import io
import logging
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from unmask.app.uploads import Upload
from unmask.errors import MediaError, UnmaskError
from unmask.evidence import Kind
from unmask.media import DEFAULT_LIMITS, Media, open_bytes
from unmask.report import labels
from unmask.report.sound import wav
from unmask.scan import Report, scan
from unmask.settings import Settings
from unmask.sound import mono
from unmask.verdict import weigh

_log = logging.getLogger(__name__)
_REMEMBERED = 8  # reports of one session; each may hold tens of megabytes of heatmaps
_FRAME_SIDE = 640  # pixels
_PLAYED = 10_000_000  # bytes of a recording that can be played: ten minutes at 8 kHz


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user chose for a run, apart from the prior, which needs no new run."""

    names: tuple[str, ...] = ()  # analysers; none chosen means all that fit
    roots: bytes = b""  # PEM text of C2PA roots


@dataclass(frozen=True, kw_only=True)
class Still:
    """A sampled frame of a clip, reduced."""

    time: float  # seconds from the start
    key: bool
    jpeg: bytes


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A file with its report."""

    report: Report
    frames: tuple[Still, ...]
    player: bytes = b""  # the sound as a WAV of one channel; empty without


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A file without a report, and why."""

    title: str
    text: str


def remembered(upload: Upload, options: Options) -> Examined | Refused | None:
    """The answer that this session already has, if any."""
    return _memory().get(_key(upload, options))


def examine(upload: Upload, options: Options) -> Examined | Refused:
    """Open and scan `upload`, or give what this session remembers of it."""
    memory, key = _memory(), _key(upload, options)
    if key not in memory:
        memory[key] = _examine(upload, options)
    memory.move_to_end(key)
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
    return memory[key]


def with_prior(report: Report, prior: float) -> Report:
    """The same findings, weighed from another starting point in (0, 1)."""
    if prior == report.settings.prior:
        return report
    outcomes = {result.analyser.name: result.outcome for result in report.results}
    return replace(
        report,
        verdict=weigh(outcomes, report.kind, prior),
        settings=replace(report.settings, prior=prior),
    )


def _memory() -> OrderedDict[tuple[object, ...], Examined | Refused]:
    # In the session and nowhere wider: a cache by content would show one user's file to another.
    memory: OrderedDict[tuple[object, ...], Examined | Refused]
    memory = st.session_state.setdefault("examined", OrderedDict())
    return memory


def _key(upload: Upload, options: Options) -> tuple[object, ...]:
    beside = hashlib.sha256(upload.sidecar).hexdigest() if upload.sidecar else ""
    return upload.sha256, upload.name, beside, options


def _examine(upload: Upload, options: Options) -> Examined | Refused:
    try:
        media = open_bytes(
            upload.read(), upload.name, sidecar=upload.sidecar, limits=DEFAULT_LIMITS
        )
        return Examined(
            report=_scanned(media, options), frames=_stills(media), player=_player(media)
        )
    except MediaError as error:
        return Refused(title=f"Not examined: {labels.REASONS[error.reason]}", text=str(error))
    except UnmaskError as error:
        return Refused(title="Not examined", text=str(error))
    except Exception:  # a defect of ours: its details help nobody who reads the page
        _log.exception("a file could not be examined")
        return Refused(
            title="Not examined",
            text="Something went wrong inside unmask while it read this file. That says nothing "
            "about the file. Other files can still be examined.",
        )


def _scanned(media: Media, options: Options) -> Report:
    names = options.names or None
    if not options.roots:
        return scan(media, names)
    with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
        roots = Path(folder) / "uploaded-roots.pem"
        roots.write_bytes(options.roots)
        return scan(media, names, Settings(user_anchors=(roots,)))


def _stills(media: Media) -> tuple[Still, ...]:
    if media.kind is not Kind.VIDEO:
        return ()
    return tuple(
        Still(time=frame.time, key=frame.key, jpeg=_reduced(frame.pixels)) for frame in media.frames
    )


def _player(media: Media) -> bytes:
    if media.waveform is None:
        return b""
    return wav(mono(media.waveform), media.sample_rate, _PLAYED)


def _reduced(pixels: NDArray[np.uint8]) -> bytes:
    height, width = pixels.shape[:2]
    scale = min(1.0, _FRAME_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    buffer = io.BytesIO()
    Image.fromarray(small).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
