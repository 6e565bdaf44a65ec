"""Clips and recordings, decoded by a fenced child process (worker.py)."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.media.limits import Limits
from unmask.media.sniff import Format


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A sampled frame of a clip."""

    time: float  # seconds from the start
    key: bool  # decoded without reference to others
    pixels: NDArray[np.uint8]  # (H, W, 3) RGB, turned upright


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What the worker brought back."""

    frames: tuple[Frame, ...]
    waveform: NDArray[np.float32] | None  # (samples, channels) in [-1, 1]
    sample_rate: int  # Hz; 0 without sound
    meta: dict[str, Any]  # container, streams, tags, packet statistics


def read_clip(data: bytes, fmt: Format, limits: Limits) -> Clip:
    """Decode `data` in a child process with bounded memory, time and output.

    Raises MediaError: CORRUPT, NO_STREAM, TOO_LARGE, TOO_SLOW.
    """
    with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
        out = Path(folder)
        source = out / "input"
        source.write_bytes(data)
        job = asdict(limits) | {
            "input": str(source),
            "output": folder,
            "demuxer": fmt.demuxer,
            "sound_only": fmt.kind is Kind.AUDIO,
        }
        _run(job, limits, out)
        meta: dict[str, Any] = json.loads((out / "meta.json").read_text())
        frames = np.load(out / "frames.npy") if (out / "frames.npy").exists() else None
        sound = np.load(out / "audio.npy") if (out / "audio.npy").exists() else None
    times = zip(meta.pop("frame_times", []), meta.pop("frame_is_key", []), strict=True)
    sampled: list[Frame] = []
    if frames is not None:
        frames.flags.writeable = False
        sampled = [
            Frame(time=t, key=k, pixels=p) for (t, k), p in zip(times, frames, strict=True)
        ]
    return Clip(
        frames=tuple(sampled),
        waveform=sound,
        sample_rate=int(meta.get("sample_rate", 0)),
        meta=meta,
    )


def _run(job: dict[str, Any], limits: Limits, out: Path) -> None:
    command = [sys.executable, "-I", str(Path(__file__).with_name("worker.py")), json.dumps(job)]
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "LC_ALL", "SYSTEMROOT"}}
    # One BLAS thread: the address-space limit would stop numpy's pool from starting.
    kept["OPENBLAS_NUM_THREADS"] = "1"
    try:
        done = subprocess.run(
            command,
            timeout=limits.decode_seconds,
            capture_output=True,
            env=kept,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MediaError(
            Reason.TOO_SLOW, f"Decoding took more than {limits.decode_seconds:.0f} seconds."
        ) from error
    if done.returncode == 0 and (out / "meta.json").exists():
        return
    if (out / "error.json").exists():
        said = json.loads((out / "error.json").read_text())
        raise MediaError(Reason(said["reason"]), said["message"])
    raise MediaError(
        Reason.CORRUPT, f"The decoder died on this file (exit status {done.returncode})."
    )
