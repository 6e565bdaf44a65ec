"""Decode one clip or recording, fenced off: run as a script, never imported by the parent.

It stands alone (no unmask import) so that the child starts fast and holds nothing worth stealing.
argv: a JSON object with `input`, `output` (a folder), `demuxer`, and the limits. It writes
meta.json, frames.npy (N, H, W, 3) uint8 RGB and audio.npy (samples, channels) float32, and
exits 0; or writes error.json {reason, message} and exits 1.
"""

import contextlib
import itertools
import json
import sys
from pathlib import Path
from typing import Any

# Up to both of these, every frame is decoded; above, one seeks: 750 frames of Full HD take 5 s.
SEQUENTIAL_FRAMES, SEQUENTIAL_PIXELS = 3000, 1_500_000_000
FORWARD_PIXELS = 250_000_000  # decoded at most after a seek, before taking what is there
PACKETS = 200_000  # looked at for the statistics of frame types and sizes
TAGS, TAG_CHARACTERS = 200, 20_000  # kept of a file's own words
STREAMS = 100  # FFmpeg's own bound is higher
# FFmpeg has 500 decoders, most of them for games and cameras of the 1990s and seldom attacked by
# anyone but attackers. These are what people, phones, editors and sites write.
DECODERS = (
    "h264,hevc,vvc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,libaom-av1,mpeg4,msmpeg4,msmpeg4v2,h263,"
    "mjpeg,mpeg1video,mpeg2video,prores,dnxhd,cfhd,ffv1,theora,flv,vp6f,wmv3,vc1,dvvideo,"
    "huffyuv,ffvhuff,utvideo,qtrle,png,rawvideo,"
    "aac,aac_latm,alac,ac3,eac3,mp1,mp1float,mp2,mp2float,mp3,mp3float,flac,vorbis,libvorbis,"
    "opus,libopus,speex,libspeex,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,gsm_ms,"
    "wmav1,wmav2,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,"
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw"
)


class RefusalError(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def fence(job: dict[str, Any]) -> None:
    """Bound memory, processor time, files and output of this process.

    Windows has no such limits, and macOS refuses some; there the parent's clock alone holds.
    """
    try:
        import resource
    except ImportError:
        return
    seconds = int(job["decode_seconds"]) + 1
    for what, bound in (
        (resource.RLIMIT_AS, int(job["worker_bytes"])),
        (resource.RLIMIT_CPU, seconds * 2),  # two threads
        (resource.RLIMIT_FSIZE, 2 * max(int(job["frame_bytes"]), int(job["audio_bytes"])) + 2**26),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        wanted = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        try:
            # At the soft limit the kernel sends SIGXCPU, which tells the parent what happened; at
            # the hard one SIGKILL.
            above = wanted + (what == resource.RLIMIT_CPU)
            resource.setrlimit(what, (wanted, above if above <= hard or hard < 0 else wanted))
        except (ValueError, OSError):
            if sys.platform == "linux":
                raise


def number(value: Any) -> float | None:
    return float(value) if value is not None else None


def tags_of(holder: Any) -> dict[str, str]:
    """The first tags, cut: a forged file holds megabytes of them."""
    return {k[:200]: v[:TAG_CHARACTERS] for k, v in list(holder.metadata.items())[:TAGS]}


def is_film(stream: Any) -> bool:
    """Whether a video stream is one, and not the cover of a recording."""
    return not stream.disposition & type(stream.disposition).attached_pic


def describe_video(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "type": "video", "codec": context.name, "profile": context.profile,
        "codec_tag": context.codec_tag, "pixel_format": context.pix_fmt,
        "width": context.width, "height": context.height,
        "frame_rate": number(stream.average_rate), "bit_rate": stream.bit_rate,
        "frames": stream.frames, "duration": duration_of(stream), "cover": not is_film(stream),
        "has_b_frames": bool(getattr(context, "has_b_frames", False)),
        "tags": tags_of(stream),
    }  # fmt: skip


def describe_audio(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "type": "audio", "codec": context.name, "profile": context.profile,
        "sample_rate": context.sample_rate, "channels": context.channels,
        "bit_rate": stream.bit_rate, "duration": duration_of(stream),
        "tags": tags_of(stream),
    }  # fmt: skip


def duration_of(stream: Any) -> float | None:
    if stream.duration is None or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def packet_statistics(job: dict[str, Any], index: int) -> dict[str, Any]:
    """Keyframe positions and sizes, read from packets without decoding; and their true span."""
    import av

    sizes: list[int] = []
    keys: list[int] = []
    first, last = float("inf"), float("-inf")
    with open_container(job) as container:
        stream = container.streams[index]
        try:
            for packet in container.demux(stream):
                if len(sizes) >= PACKETS:
                    break
                if packet.size:
                    if packet.is_keyframe:
                        keys.append(len(sizes))
                    sizes.append(packet.size)
                    if packet.pts is not None:
                        time = float(packet.pts * packet.time_base)
                        first, last = min(first, time), max(last, time)
        except av.error.FFmpegError:
            pass  # a damaged tail: what came before it still counts
    gaps = [b - a for a, b in itertools.pairwise(keys)]
    return {
        "packets": len(sizes), "bytes": sum(sizes), "keyframes": len(keys),
        "first_time": first if last >= first else None,
        "last_time": last if last >= first else None,
        "keyframe_interval_median": sorted(gaps)[len(gaps) // 2] if gaps else None,
        "keyframe_interval_max": max(gaps, default=None),
        "keyframe_intervals_equal": len(set(gaps[:-1])) <= 1 if len(gaps) > 2 else None,
    }  # fmt: skip


def open_container(job: dict[str, Any]) -> Any:
    import av

    # The demuxer is ours, not FFmpeg's guess; and nothing but this file may be opened.
    return av.open(
        job["input"],
        format=job["demuxer"],
        options={
            "protocol_whitelist": "file",
            "codec_whitelist": DECODERS,
            "max_streams": str(STREAMS),
        },
        metadata_errors="replace",  # a tag in a legacy encoding is no reason to refuse the clip
    )


def sample_frames(job: dict[str, Any], meta: dict[str, Any], index: int) -> Any:
    """Evenly spaced frames in time order; their times go to meta["frame_times"].

    How many there are and how long they last is taken from the packets: headers lie.
    """
    import numpy as np

    packets = meta["packets"]
    with open_container(job) as container:
        stream = container.streams[index]
        context = stream.codec_context
        context.thread_count = 2
        context.options = {"max_pixels": str(2 * int(job["frame_pixels"]))}
        check_size(context.width, context.height, job)
        wanted = max(
            1, min(job["frames"], job["frame_bytes"] // (context.width * context.height * 3))
        )
        start = packets["first_time"] or 0.0
        span = (packets["last_time"] or 0.0) - start
        if packets["packets"] >= PACKETS:  # the rest was not looked at
            span = max(span, meta["duration"] or 0.0)
        many = packets["packets"] > min(
            SEQUENTIAL_FRAMES, SEQUENTIAL_PIXELS // (context.width * context.height)
        )
        if many and span > 0:
            picked = by_seeking(container, stream, start, span, wanted, job)
        else:
            picked = by_decoding(container, stream, packets["packets"], wanted, job)
    if not picked:
        raise RefusalError("corrupt", "No frame of the clip can be decoded.")
    first = picked[0][1].shape
    picked = [(t, image, key) for t, image, key in picked if image.shape == first]
    meta["frame_times"] = [t for t, _, _ in picked]
    meta["frame_is_key"] = [key for _, _, key in picked]
    return np.stack([image for _, image, _ in picked])


def check_size(width: int, height: int, job: dict[str, Any]) -> None:
    if not width or not height:
        raise RefusalError("corrupt", "The video stream has no size.")
    if width * height > min(job["frame_pixels"], job["frame_bytes"] // 3):
        raise RefusalError("too_large", f"The frames are {width} x {height}: over the limit.")


def taken(frame: Any, job: dict[str, Any]) -> tuple[float, Any, bool]:
    """(seconds, (H, W, 3) RGB turned as a player would, keyframe or not)."""
    import numpy as np

    check_size(frame.width, frame.height, job)  # a frame may differ from its container's word
    image = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90)  # counter-clockwise
    return (
        float(frame.time or 0.0),
        np.ascontiguousarray(np.rot90(image, quarters)),
        bool(frame.key_frame),
    )


def by_decoding(
    container: Any, stream: Any, total: int, wanted: int, job: dict[str, Any]
) -> list[Any]:
    """Decode from the start, keeping evenly spaced frames of `total`."""
    import av

    targets = {(2 * i + 1) * total // (2 * wanted) for i in range(wanted)}
    picked: list[Any] = []
    last = None
    try:
        for index, frame in enumerate(container.decode(stream)):
            if index in targets:
                picked.append(taken(frame, job))
            last = frame
    except (av.error.FFmpegError, MemoryError):
        if not picked and last is None:
            raise
    # Packets without a picture, or a damaged tail: what there is, is better than nothing.
    return picked or ([taken(last, job)] if last is not None else [])


def by_seeking(
    container: Any, stream: Any, start: float, span: float, wanted: int, job: dict[str, Any]
) -> list[Any]:
    """Seek near each evenly spaced time; a keyframe close by is taken as it is."""
    import av

    picked: list[Any] = []
    spacing = span / wanted
    forward = max(30, min(600, FORWARD_PIXELS // (stream.width * stream.height)))
    for index in range(wanted):
        target = start + (index + 0.5) * spacing
        try:
            container.seek(int(target / stream.time_base), stream=stream, backward=True)
            for count, frame in enumerate(container.decode(stream)):
                time = float(frame.time or 0.0)
                if time >= target - spacing / 4 or count >= forward:
                    if not picked or time > picked[-1][0]:
                        picked.append(taken(frame, job))
                    break
        except (av.error.FFmpegError, MemoryError):
            continue
    return picked


def decode_audio(job: dict[str, Any], meta: dict[str, Any]) -> Any:
    """Up to `audio_seconds` of the first audio stream, at its own rate, in [-1, 1]."""
    import av
    import numpy as np

    chunks: list[Any] = []
    with open_container(job) as container:
        stream = container.streams.audio[0]
        rate = stream.codec_context.sample_rate
        # Packed: PyAV crashes on planes of more than seven channels.
        resampler = av.AudioResampler(format="flt", rate=rate)
        samples = room = 0
        try:
            for frame in container.decode(stream):
                for part in resampler.resample(frame):
                    chunks.append(part.to_ndarray().reshape(part.samples, -1).copy())
                    samples += part.samples
                    room += chunks[-1].nbytes
                if samples > job["audio_seconds"] * rate or room > job["audio_bytes"]:
                    break
        except (av.error.FFmpegError, MemoryError):
            if not chunks:
                raise
    if not chunks:
        raise RefusalError("corrupt", "No sound of the file can be decoded.")
    meta["sample_rate"] = rate
    channels = min(c.shape[1] for c in chunks)
    sound = np.concatenate([c[:, :channels] for c in chunks]).astype(np.float32, copy=False)
    # Files of floats may hold anything, and no analyser expects an infinity.
    return np.clip(np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0), -1, 1)


def describe(job: dict[str, Any], meta: dict[str, Any]) -> tuple[int | None, bool]:
    """Fill `meta` from the headers; (index of the film or None, whether there is sound)."""
    with open_container(job) as container:
        meta["container"] = container.format.name
        meta["bit_rate"] = container.bit_rate
        meta["tags"] = tags_of(container)
        meta["duration"] = container.duration / 1e6 if container.duration else None
        known = [s for s in container.streams if s.type in ("video", "audio")]
        readable = [s for s in known if s.codec_context is not None]
        meta["streams"] = [
            describe_video(s) if s.type == "video" else describe_audio(s)
            for s in sorted(readable, key=lambda s: s.type == "audio")
        ]
        usable = [s for s in readable if s.codec_context.name in DECODERS.split(",")]
        films = [s.index for s in usable if s.type == "video" and is_film(s)]
        sounds = [s.index for s in usable if s.type == "audio"]
    if known and not films and not sounds:
        raise RefusalError("unsupported", "The clip is in a codec that unmask does not decode.")
    if meta["duration"] and meta["duration"] > job["duration"]:
        lasts, most = meta["duration"], job["duration"]
        raise RefusalError(
            "too_large", f"The clip lasts {lasts:.1f} seconds, and {most:g} are the most."
        )
    return (films[0] if films else None), bool(sounds)


def work(job: dict[str, Any]) -> None:
    import numpy as np

    out = Path(job["output"])
    meta: dict[str, Any] = {}
    film, has_sound = describe(job, meta)
    if film is not None:
        meta["packets"] = packet_statistics(job, film)
        if not meta["packets"]["packets"]:
            film = None
    if film is None and not has_sound:
        raise RefusalError("no_stream", "The container holds neither a picture nor a sound.")
    if film is not None:
        np.save(out / "frames.npy", sample_frames(job, meta, film))
    if has_sound:
        try:
            np.save(out / "audio.npy", decode_audio(job, meta))
        except Exception as error:  # a clip is still a clip where its sound is damaged
            if film is None:
                raise
            (out / "audio.npy").unlink(missing_ok=True)
            meta["audio_error"] = f"{type(error).__name__}: {error}"[:300]
    (out / "meta.json").write_text(json.dumps(meta, default=str))


def main() -> int:
    job = json.loads(sys.argv[1])
    fence(job)
    try:
        work(job)
    except RefusalError as error:
        failed = {"reason": error.reason, "message": str(error)}
    except ImportError as error:  # not installed, or no room for its libraries
        failed = {"reason": "unreadable", "message": f"The decoder does not start: {error}"[:300]}
    except MemoryError:
        failed = {"reason": "too_large", "message": "Decoding ran out of the memory allowed."}
    except Exception as error:  # whatever FFmpeg makes of a hostile file ends here, as a word
        detail = f"{type(error).__name__}: {error}"[:300].replace(job["input"], "the file")
        failed = {"reason": "corrupt", "message": f"The file cannot be decoded ({detail})."}
    else:
        return 0
    with contextlib.suppress(OSError):  # the parent sees an exit status without a word
        (Path(job["output"]) / "error.json").write_text(json.dumps(failed))
    return 1


if __name__ == "__main__":
    sys.exit(main())
