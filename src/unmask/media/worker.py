"""Decode one clip or recording, fenced off: run as a script, never imported by the parent.

It stands alone (no unmask import) so that the child starts fast and holds nothing worth stealing.
argv: a JSON object with `input`, `output` (a folder), `demuxer`, and the limits. It writes
meta.json, frames.npy (N, H, W, 3) uint8 RGB and audio.npy (samples, channels) float32, and
exits 0; or writes error.json {reason, message} and exits 1.
"""

import json
import resource
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

SEQUENTIAL_FRAMES = 750  # up to here, decoding every frame beats seeking
FORWARD_FRAMES = 120  # decoded at most after a seek, before taking what is there
PACKETS = 200_000  # looked at for the statistics of frame types and sizes


class Refused(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def fence(job: dict[str, Any]) -> None:
    """Bound memory, processor time, files and output of this process."""
    seconds = int(job["decode_seconds"]) + 1
    for what, bound in (
        (resource.RLIMIT_AS, int(job["worker_bytes"])),
        (resource.RLIMIT_CPU, seconds * 2),  # two threads
        (resource.RLIMIT_FSIZE, int(job["frame_bytes"]) * 4 + 2**28),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        wanted = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(what, (wanted, wanted))


def number(value: Any) -> float | None:
    return float(value) if value is not None else None


def rotation_of(frame: Any) -> int:
    """Degrees counter-clockwise that a player turns the frame by, in 0, 90, 180, 270."""
    return round(getattr(frame, "rotation", 0) / 90) % 4 * 90


def describe_video(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "type": "video", "codec": context.name, "profile": context.profile,
        "codec_tag": context.codec_tag, "pixel_format": context.pix_fmt,
        "width": context.width, "height": context.height,
        "frame_rate": number(stream.average_rate), "bit_rate": stream.bit_rate,
        "frames": stream.frames, "duration": number_of_seconds(stream),
        "has_b_frames": bool(getattr(context, "has_b_frames", False)),
        "tags": dict(stream.metadata),
    }  # fmt: skip


def describe_audio(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "type": "audio", "codec": context.name, "profile": context.profile,
        "sample_rate": context.sample_rate, "channels": context.channels,
        "bit_rate": stream.bit_rate, "duration": number_of_seconds(stream),
        "tags": dict(stream.metadata),
    }  # fmt: skip


def number_of_seconds(stream: Any) -> float | None:
    if stream.duration is None or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def packet_statistics(path: str, demuxer: str) -> dict[str, Any]:
    """Keyframe positions and sizes, read from packets without decoding."""
    import av

    sizes: list[int] = []
    keys: list[int] = []
    with open_container(path, demuxer) as container:
        stream = container.streams.video[0]
        try:
            for count, packet in enumerate(container.demux(stream)):
                if count >= PACKETS:
                    break
                if packet.size:
                    if packet.is_keyframe:
                        keys.append(len(sizes))
                    sizes.append(packet.size)
        except av.error.FFmpegError:
            pass  # a damaged tail: what came before it still counts
    gaps = [b - a for a, b in zip(keys, keys[1:], strict=False)]
    return {
        "packets": len(sizes), "bytes": sum(sizes), "keyframes": len(keys),
        "keyframe_interval_median": sorted(gaps)[len(gaps) // 2] if gaps else None,
        "keyframe_interval_max": max(gaps, default=None),
        "keyframe_intervals_equal": len(set(gaps[:-1])) <= 1 if len(gaps) > 2 else None,
    }  # fmt: skip


def open_container(path: str, demuxer: str) -> Any:
    import av

    # The demuxer is ours, not FFmpeg's guess; and nothing but this file may be opened.
    return av.open(path, format=demuxer, options={"protocol_whitelist": "file"})


def sample_frames(path: str, job: dict[str, Any], meta: dict[str, Any]) -> Any:
    """Evenly spaced frames in time order; their times go to meta["frame_times"]."""
    import numpy as np

    with open_container(path, job["demuxer"]) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 2
        width, height = stream.codec_context.width, stream.codec_context.height
        if not width or not height:
            raise Refused("corrupt", "The video stream has no size.")
        if width * height > job["frame_pixels"]:
            raise Refused("too_large", f"The frames are {width} x {height}: over the limit.")
        wanted = max(1, min(job["frames"], job["frame_bytes"] // (width * height * 3)))
        duration = meta["duration"] or 0.0
        rate = float(stream.average_rate or 25)
        total = stream.frames or round(duration * rate)
        start = float((stream.start_time or 0) * (stream.time_base or Fraction(1, 1000)))
        if total and total > SEQUENTIAL_FRAMES and duration:
            picked = by_seeking(container, stream, start, duration, wanted)
        else:
            picked = by_decoding(container, stream, total, wanted)
    if not picked:
        raise Refused("corrupt", "No frame of the clip can be decoded.")
    first = picked[0][1].shape
    picked = [(t, image, key) for t, image, key in picked if image.shape == first]
    meta["frame_times"] = [t for t, _, _ in picked]
    meta["frame_is_key"] = [key for _, _, key in picked]
    return np.stack([image for _, image, _ in picked])


def to_rgb(frame: Any) -> Any:
    import numpy as np

    image = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(image, rotation_of(frame) // 90))


def by_decoding(container: Any, stream: Any, total: int, wanted: int) -> list[Any]:
    """Decode from the start, keeping evenly spaced frames; without a count, thin out as it grows."""
    import av

    targets = {(2 * i + 1) * total // (2 * wanted) for i in range(wanted)} if total else None
    step = 1
    picked: list[Any] = []
    try:
        for index, frame in enumerate(container.decode(stream)):
            if index not in targets if targets is not None else index % step:
                continue
            picked.append((float(frame.time or 0.0), to_rgb(frame), bool(frame.key_frame)))
            if len(picked) >= 2 * wanted:
                picked = picked[::2]
                step *= 2
    except (av.error.FFmpegError, MemoryError):
        if not picked:
            raise
    if not picked and targets is not None:  # the header's count lied
        container.seek(0)
        return by_decoding(container, stream, 0, wanted)
    return picked[:: max(1, -(-len(picked) // wanted))]


def by_seeking(
    container: Any, stream: Any, start: float, duration: float, wanted: int
) -> list[Any]:
    """Seek near each evenly spaced time; a keyframe close by is taken as it is."""
    import av

    picked: list[Any] = []
    spacing = duration / wanted
    for index in range(wanted):
        target = start + (index + 0.5) * spacing
        try:
            container.seek(int(target / stream.time_base), stream=stream, backward=True)
            for count, frame in enumerate(container.decode(stream)):
                time = float(frame.time or 0.0)
                if time >= target - spacing / 4 or count >= FORWARD_FRAMES:
                    if not picked or time > picked[-1][0]:
                        picked.append((time, to_rgb(frame), bool(frame.key_frame)))
                    break
        except (av.error.FFmpegError, MemoryError):
            continue
    return picked


def decode_audio(path: str, job: dict[str, Any], meta: dict[str, Any]) -> Any:
    """Up to `audio_seconds` of the first audio stream, at its own rate, in [-1, 1]."""
    import av
    import numpy as np

    chunks: list[Any] = []
    with open_container(path, job["demuxer"]) as container:
        stream = container.streams.audio[0]
        rate = stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="fltp", rate=rate)
        samples = 0
        try:
            for frame in container.decode(stream):
                for part in resampler.resample(frame):
                    chunks.append(part.to_ndarray().T.copy())
                    samples += part.samples
                if samples > job["audio_seconds"] * rate:
                    break
        except av.error.FFmpegError:
            if not chunks:
                raise
    if not chunks:
        raise Refused("corrupt", "No sound of the file can be decoded.")
    meta["sample_rate"] = rate
    channels = min(c.shape[1] for c in chunks)
    return np.concatenate([c[:, :channels] for c in chunks]).astype(np.float32)


def work(job: dict[str, Any]) -> None:
    import av
    import numpy as np

    out = Path(job["output"])
    meta: dict[str, Any] = {}
    with open_container(job["input"], job["demuxer"]) as container:
        meta["container"] = container.format.name
        meta["bit_rate"] = container.bit_rate
        meta["tags"] = dict(container.metadata)
        meta["duration"] = container.duration / 1e6 if container.duration else None
        meta["streams"] = [describe_video(s) for s in container.streams.video] + [
            describe_audio(s) for s in container.streams.audio
        ]
        has_video = bool(container.streams.video)
        has_audio = bool(container.streams.audio)
    if not has_video and not has_audio:
        raise Refused("no_stream", "The container holds neither a picture nor a sound.")
    if meta["duration"] and meta["duration"] > job["duration"]:
        raise Refused("too_large", f"The clip lasts {meta['duration'] / 3600:.1f} hours.")
    if has_video and not job["sound_only"]:
        meta["packets"] = packet_statistics(job["input"], job["demuxer"])
        np.save(out / "frames.npy", sample_frames(job["input"], job, meta))
    if has_audio:
        try:
            np.save(out / "audio.npy", decode_audio(job["input"], job, meta))
        except (av.error.FFmpegError, Refused, ValueError) as error:
            if not has_video:
                raise
            meta["audio_error"] = str(error)
    (out / "meta.json").write_text(json.dumps(meta, default=str))


def main() -> int:
    job = json.loads(sys.argv[1])
    fence(job)
    try:
        work(job)
    except Refused as error:
        failed = {"reason": error.reason, "message": str(error)}
    except MemoryError:
        failed = {"reason": "too_large", "message": "Decoding ran out of the memory allowed."}
    except Exception as error:  # whatever FFmpeg makes of a hostile file ends here, as a word
        detail = f"{type(error).__name__}: {error}"[:300].replace(job["input"], "the file")
        failed = {"reason": "corrupt", "message": f"The file cannot be decoded ({detail})."}
    else:
        return 0
    (Path(job["output"]) / "error.json").write_text(json.dumps(failed))
    return 1


if __name__ == "__main__":
    sys.exit(main())
