"""Marks of generated files: each is read back by the scanner, and nothing that is seen changes."""

import hashlib
import io
import json
import tempfile
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence
from tones import mux

from unmask.errors import MediaError, SigningError
from unmask.evidence import Finding
from unmask.forensics.certificates import TestCertificates
from unmask.forensics.credentials import State, read_credentials
from unmask.forensics.marking import (
    EDITED_TYPE,
    MADE_TYPE,
    MOST_MADE,
    MOST_NAME,
    Way,
    mark_made,
    mark_text_sidecar,
    marker,
)
from unmask.forensics.signing import Identity, Mark, sign
from unmask.forensics.trust import TrustLists
from unmask.forensics.xmp_writing import Statement, embed
from unmask.media import open_bytes
from unmask.media.sniff import sniff
from unmask.scan import Report, scan
from unmask.settings import Settings
from unmask.verdict import Origin

READERS = ("metadata", "generator_traces", "c2pa")
SETTINGS = "seed 7, truncation 0.7, Größe <64> & 雪"


# --- files ------------------------------------------------------------------------------------


def still(form: str, mode: str = "RGB", frames: int = 1, **options: Any) -> bytes:
    """Noise of odd sizes; `frames` of it."""
    rng = np.random.default_rng(5)
    shape = (37, 51, len(mode))
    first, *rest = (
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8), mode) for _ in range(frames)
    )
    out = io.BytesIO()
    more = {"save_all": True, "append_images": rest, "duration": 40} if rest else {}
    first.save(out, form, **more, **options)
    return out.getvalue()


def film(form: str = "mp4", **options: str) -> bytes:
    """Half a second of a brightening field; through a file, which `faststart` reads again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        with av.open(str(path), "w", format=form, options=options) as container:
            stream = container.add_stream("mpeg4", rate=12)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for i in range(6):
                pixels = np.full((48, 64, 3), 40 * i, np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 12)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()


def sound(form: str, codec: str) -> bytes:
    """A quarter of a second of a tone."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        mux(container, stream, (np.sin(np.arange(4001) / 6) * 9000).astype(np.int16))
    return out.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "png": lambda: still("PNG", "RGBA"),
    "apng": lambda: still("PNG", frames=3),
    "jpeg": lambda: still("JPEG"),
    "progressive jpeg with EXIF": lambda: still(
        "JPEG", progressive=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
    ),
    "webp": lambda: still("WEBP"),
    "lossless webp with alpha": lambda: still("WEBP", "RGBA", lossless=True),
    "animated webp": lambda: still("WEBP", frames=3),
    "gif": lambda: still("GIF"),
    "animated gif": lambda: still("GIF", frames=3),
    "mp4": film,
    "mp4 with the index first": lambda: film(movflags="faststart"),
    "mp4 in fragments": lambda: film(movflags="frag_keyframe+empty_moov"),
    "mov": lambda: film("mov"),
    "m4a": lambda: sound("ipod", "aac"),
    "wav": lambda: sound("wav", "pcm_s16le"),
    "mp3": lambda: sound("mp3", "libmp3lame"),
}


@cache
def file(name: str) -> bytes:
    return FILES[name]()


def decoded(data: bytes) -> list[NDArray[Any]]:
    """All frames and samples, by Pillow or FFmpeg, with when or how long they are shown."""
    parts: list[NDArray[Any]] = []
    if sniff(data).kind == "image":
        with Image.open(io.BytesIO(data)) as image:
            for still_frame in ImageSequence.Iterator(image):
                parts.append(np.asarray(still_frame.convert("RGBA")))
                parts.append(np.asarray(still_frame.info.get("duration", 0)))
        return parts
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode():
            parts += [np.asarray(frame.to_ndarray()), np.asarray(frame.pts or 0)]
    return parts


def facts(report: Report, name: str) -> Any:
    (outcome,) = (r.outcome for r in report.results if r.analyser.name == name)
    assert isinstance(outcome, Finding), outcome
    return outcome.facts


# --- what the scanner reads -------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_every_format_carries_three_marks_and_looks_the_same(
    name: str, identity: Identity, chain: TestCertificates
) -> None:
    data = file(name)
    mime = sniff(data).mime
    marked = mark_made(data, mime, generator="digits", identity=identity, made=SETTINGS)
    assert marked.marks == tuple(Way)
    before, after = decoded(data), decoded(marked.data)
    assert len(before) == len(after) > 0
    assert all(np.array_equal(b, a) for b, a in zip(before, after, strict=True))

    report = scan(open_bytes(marked.data, "x"), READERS, Settings(user_anchors=(chain.root,)))
    assert report.verdict.origin is Origin.SYNTHETIC
    told = facts(report, "metadata")
    assert told["digital_source_types"] == ["trainedAlgorithmicMedia"]
    assert told["fields"]["XMP"]["xmp:CreatorTool"] == "unmask generate digits"
    assert told["fields"]["XMP"]["dc:description"] == SETTINGS
    assert [t["generator"] for t in facts(report, "generator_traces")["traces"]] == [
        "unmask generate digits"
    ]
    signed = facts(report, "c2pa")
    assert (signed["state"], signed["integrity"], signed["says"]) == (
        "trusted",
        "intact",
        "ai_made",
    )
    assert signed["active"]["title"] == "unmask generate digits"
    assert read_credentials(marked.data, mime, lists=TrustLists()).state is State.VALID


def test_a_whole_scan_without_anchors_calls_it_synthetic(identity: Identity) -> None:
    data = marker("faces", identity=identity)(file("png"), "image/png", "", None)
    verdict = scan(open_bytes(data, "x")).verdict
    assert verdict.origin is Origin.SYNTHETIC
    assert any("unmask generate faces" in reason for reason in verdict.because)


def test_png_says_it_in_text_chunks_too(identity: Identity) -> None:
    mark = marker("faces", identity)
    with Image.open(io.BytesIO(mark(file("png"), "image/png", SETTINGS, None))) as image:
        texts = {key: str(text) for key, text in image.text.items()}  # type: ignore[attr-defined]
    assert texts["Software"] == "unmask generate faces"
    assert texts["Description"] == SETTINGS


@pytest.mark.parametrize("name", ["jpeg", "mp4"])
def test_a_translation_keeps_its_original_as_parent(name: str, identity: Identity) -> None:
    mime = sniff(file(name)).mime
    photo = sign(still("JPEG", quality=50), "image/jpeg", Mark.CAPTURED, identity).data
    marked = mark_made(file(name), mime, generator="swap", identity=identity, original=photo)
    report = scan(open_bytes(marked.data, "x"), READERS)
    assert report.verdict.origin is Origin.MANIPULATED
    told = facts(report, "metadata")
    assert told["digital_source_types"] == [EDITED_TYPE.rpartition("/")[2]]
    assert told["fields"]["XMP"]["xmp:CreatorTool"] == "unmask generate swap"
    signed = facts(report, "c2pa")
    assert (signed["state"], signed["says"]) == ("valid", "ai_edited")
    (parent,) = signed["ingredients"]
    assert parent["relationship"] == "parentOf"
    assert parent["credentials"]["actions"][0]["says"] == "captured"


def test_the_marks_are_signed(identity: Identity) -> None:
    data = marker("digits", identity=identity)(file("jpeg"), "image/jpeg", "", None)
    forged = data.replace(b"unmask generate digits</xmp", b"a human with a pencil </xmp")
    assert len(forged) == len(data)
    assert forged != data
    assert read_credentials(forged, "image/jpeg", lists=TrustLists()).state is State.INVALID


@pytest.mark.parametrize("name", FILES)
def test_what_another_file_left_is_replaced(name: str) -> None:
    data, form = file(name), sniff(file(name)).name
    camera = Statement(tool="a camera", source_type="digitalCapture", description="a street")
    ours = Statement(tool="unmask generate digits", source_type=MADE_TYPE)
    again = embed(embed(data, form, camera), form, ours)
    assert again.count(b"</x:xmpmeta>") == 1
    assert b"a camera" not in again
    assert MADE_TYPE.encode() in again
    assert all(np.array_equal(b, a) for b, a in zip(decoded(data), decoded(again), strict=True))


def test_the_end_of_a_fragmented_clip_stays_its_index() -> None:
    data = file("mp4 in fragments")
    assert data[-12:-8] == b"mfro"
    statement = Statement(tool="x", source_type=MADE_TYPE)
    assert embed(data, "mp4", statement)[-12:-8] == b"mfro"
    # A last box "up to the end of the file" must not swallow the packet.
    plain = file("mp4 with the index first")
    at = plain.rfind(b"mdat") - 4
    open_ended = plain[:at] + bytes(4) + plain[at + 4 :]
    assert embed(open_ended, "mp4", statement)[: len(plain)] == plain


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_cut_files_are_refused(name: str, identity: Identity) -> None:
    data = file(name)
    ends = [14, 40] if name == "mp3" else [14, 40, len(data) // 2, len(data) - 2]
    for end in ends:  # the frames of an MP3 file have no number, so its end cannot be missed
        with pytest.raises((MediaError, SigningError)):
            mark_made(data[:end], sniff(data).mime, generator="digits", identity=identity)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_refused_or_marked_never_crashed_on(
    name: str, identity: Identity
) -> None:
    data, mime = file(name), sniff(file(name)).mime
    rng = np.random.default_rng(2)
    refused = 0
    for size in (4, 64, 600):
        junk = data[:12] + rng.bytes(size)
        try:
            mark_made(junk, mime, generator="digits", identity=identity)
        except (MediaError, SigningError):
            refused += 1
    assert refused == 3 or name == "mp3"


@pytest.mark.parametrize("data", [b"", b"\0" * 40, b"<html></html>", b"a poem"])
def test_what_is_no_picture_or_sound_is_refused(data: bytes, identity: Identity) -> None:
    with pytest.raises((MediaError, SigningError)):
        mark_made(data, "text/plain", generator="digits", identity=identity)


def test_formats_and_types(identity: Identity) -> None:
    signed_alone = mark_made(still("TIFF"), "image/tiff", generator="digits", identity=identity)
    assert signed_alone.marks == (Way.SIGNED,)
    with pytest.raises(SigningError, match="all three"):
        marker("digits", identity=identity)(still("TIFF"), "image/tiff", "", None)
    with pytest.raises(SigningError, match="cannot carry"):
        mark_made(still("BMP"), "image/bmp", generator="digits", identity=identity)
    with pytest.raises(SigningError, match="is of type image/png, not image/jpeg"):
        mark_made(file("png"), "image/jpeg", generator="digits", identity=identity)
    with pytest.raises(SigningError, match="no place"):
        embed(still("BMP"), "bmp", Statement(tool="x", source_type=MADE_TYPE))
    long = Statement(tool="x", source_type=MADE_TYPE, description="x" * 65500)
    with pytest.raises(SigningError, match="too long"):
        embed(file("jpeg"), "jpeg", long)


def test_credentials_that_are_there_are_not_broken(identity: Identity) -> None:
    signed = sign(file("jpeg"), "image/jpeg", Mark.CAPTURED, identity).data
    for original in (None, file("png")):
        with pytest.raises(SigningError, match="already"):
            mark_made(
                signed, "image/jpeg", generator="digits", identity=identity, original=original
            )
    with pytest.raises(SigningError, match="could not be signed"):
        mark_made(
            file("jpeg"), "image/jpeg", generator="digits", identity=identity, original=b"\0" * 9
        )


@pytest.mark.parametrize(
    ("generator", "made"),
    [
        ("", ""), ("  ", ""), (" digits", ""), ("di\ngits", ""), ("di\0gits", ""),
        ("digits\u202estig", ""), ("digits\ud800", ""), ("x" * (MOST_NAME + 1), ""),
        ("x" * 10_000, ""), ("digits", "seed\x007"), ("digits", "\x1b[2J"),
        ("digits", "x" * (MOST_MADE + 1)), ("digits", "\uffff"),
    ],
)  # fmt: skip
def test_hostile_words_are_refused(generator: str, made: str, identity: Identity) -> None:
    with pytest.raises(SigningError):
        mark_made(file("png"), "image/png", generator=generator, identity=identity, made=made)
    with pytest.raises(SigningError):
        marker(generator, identity)(file("png"), "image/png", made, None)
    with pytest.raises(SigningError):
        mark_text_sidecar(b"a poem", generator=generator, made=made)


@pytest.mark.parametrize("name", ["png", "jpeg", "gif"])
def test_words_of_markup_are_only_words(name: str, identity: Identity) -> None:
    generator = "</x:xmpmeta>]]>&lt;\"' <?xpacket é"
    made = "a < b\n\t&amp; </rdf:li><xmp:CreatorTool>Camera</xmp:CreatorTool> " + "&" * 3000
    mime = sniff(file(name)).mime
    data = marker(generator, identity)(file(name), mime, made, None)
    report = scan(open_bytes(data, "x"), ["metadata", "generator_traces"])
    told = facts(report, "metadata")["fields"]["XMP"]
    assert told["xmp:CreatorTool"] == f"unmask generate {generator}"
    assert told["dc:description"][:60] == made[:60]
    (trace,) = facts(report, "generator_traces")["traces"]
    assert trace["generator"] == f"unmask generate {generator}"


def test_text_gets_a_sidecar() -> None:
    poem = b"Rosen <auf> den Weg\n"
    said = json.loads(mark_text_sidecar(poem, generator="poems", made=SETTINGS))
    assert said["DigitalSourceType"] == MADE_TYPE
    assert said["CreatorTool"] == "unmask generate poems"
    assert said["made"] == SETTINGS
    assert said["sha256"] == hashlib.sha256(poem).hexdigest()
    with pytest.raises(SigningError):
        mark_text_sidecar(b"", generator="poems")
