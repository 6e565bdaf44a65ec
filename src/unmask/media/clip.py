"""Clips and recordings, decoded by a fenced child process (worker.py)."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.errors import MediaError, Reason
from unmask.media.limits import Limits
from unmask.media.sniff import Format

WORKER = Path(__file__).with_name("worker.py")


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
    try:
        with tempfile.TemporaryDirectory(prefix="unmask-", ignore_cleanup_errors=True) as folder:
            out = Path(folder)
            source = out / "input"
            source.write_bytes(data)
            job = asdict(limits) | {
                "input": str(source),
                "output": folder,
                "demuxer": fmt.demuxer,
            }
            run_worker(WORKER, job, limits, out / "meta.json")
            meta: dict[str, Any] = json.loads((out / "meta.json").read_text())
            frames = np.load(out / "frames.npy") if (out / "frames.npy").exists() else None
            sound = np.load(out / "audio.npy") if (out / "audio.npy").exists() else None
    except MemoryError as error:
        raise MediaError(Reason.TOO_LARGE, "The decoded clip does not fit in memory.") from error
    except (OSError, ValueError) as error:  # no room for temporary files, or no process to be had
        raise MediaError(Reason.UNREADABLE, f"The clip could not be decoded: {error}") from error
    return _clip(frames, sound, meta)


def _clip(
    frames: NDArray[np.uint8] | None, sound: NDArray[np.float32] | None, meta: dict[str, Any]
) -> Clip:
    if sound is not None:
        sound.flags.writeable = False
    times = zip(meta.pop("frame_times", []), meta.pop("frame_is_key", []), strict=True)
    sampled: list[Frame] = []
    if frames is not None:
        frames.flags.writeable = False
        sampled = [Frame(time=t, key=k, pixels=p) for (t, k), p in zip(times, frames, strict=True)]
    return Clip(
        frames=tuple(sampled),
        waveform=sound,
        sample_rate=int(meta.get("sample_rate", 0)),
        meta=meta,
    )


def run_worker(worker: Path, job: dict[str, Any], limits: Limits, result: Path) -> None:
    """Run a worker script until `result` is there.

    Raises MediaError for what it refused (error.json beside the result), and where it died or was
    late.
    """
    command = [sys.executable, "-I", str(worker), json.dumps(job)]
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "LC_ALL", "SYSTEMROOT"}}
    # One BLAS thread: the address-space limit would stop numpy's pool from starting.
    kept["OPENBLAS_NUM_THREADS"] = "1"
    try:
        done = subprocess.run(
            command,
            timeout=limits.decode_seconds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # what a decoder of hostile bytes prints is not kept
            stderr=subprocess.DEVNULL,
            env=kept,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _too_slow(limits) from error
    if done.returncode == 0 and result.exists():
        return
    refusal = result.with_name("error.json")
    if refusal.exists():
        said = json.loads(refusal.read_text())
        raise MediaError(Reason(said["reason"]), said["message"])
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        raise _too_slow(limits)
    if done.returncode == -getattr(signal, "SIGKILL", 0):  # not by us: the system ran short
        raise MediaError(Reason.TOO_LARGE, "The system stopped the decoder, for want of memory.")
    raise MediaError(
        Reason.CORRUPT, f"The decoder died on this file (exit status {done.returncode})."
    )


def _too_slow(limits: Limits) -> MediaError:
    return MediaError(
        Reason.TOO_SLOW, f"Decoding took more than {limits.decode_seconds:g} seconds."
    )
