"""Containers: files made here are taken apart; hostile boxes are survived."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from unmask.evidence import Basis, ClaimKind, Finding
from unmask.forensics.atoms import MAX_BOXES, brands, read_boxes
from unmask.forensics.container import container, encoder_settings, iso_facts, riff_software
from unmask.forensics.container_signs import Maker, signs_of
from unmask.media import open_bytes

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def clip(path: Path, codec: str = "libx264", **options: dict[str, str]) -> bytes:
    rng = np.random.default_rng(0)
    tags = options.get("tags", {})
    with av.open(str(path), "w", options=options.get("muxer", {})) as out:
        out.metadata.update(tags)
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        if codec == "libx264":
            stream.options = {"g": "5", "crf": "30", "sc_threshold": "0"}
        for _ in range(30):
            pixels = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path.read_bytes()


def look(data: bytes) -> Finding:
    return container(open_bytes(data, "x"))


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def test_an_ffmpeg_clip_is_told_with_its_settings(tmp_path: Path) -> None:
    found = look(clip(tmp_path / "a.mp4"))
    assert "FFmpeg" in found.summary
    assert "no trace of a camera" in found.summary
    assert found.facts["encoder"]["encoder"].startswith("x264 - core")
    assert "keyint=5" in found.facts["encoder"]["options"]
    boxes = found.facts["boxes"]
    assert boxes["brands"][0] == "isom"
    assert boxes["index_before_media"] is False
    assert "moov/trak/mdia/hdlr" in boxes["tree"]
    assert boxes["handlers"] == ["VideoHandler"]
    assert found.facts["packets"]["keyframe_intervals_equal"]
    assert found.claims == ()
    assert found.llr is None


def test_the_order_of_boxes_follows_the_file(tmp_path: Path) -> None:
    data = clip(tmp_path / "a.mp4", muxer={"movflags": "faststart"})
    assert iso_facts(data)["index_before_media"] is True
    split = clip(tmp_path / "b.mp4", muxer={"movflags": "frag_keyframe+empty_moov"})
    assert iso_facts(split)["fragmented"] is True


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.avi"])
def test_other_containers_name_their_writer(tmp_path: Path, name: str) -> None:
    codec = {"a.webm": "libvpx", "a.avi": "mpeg4"}.get(name, "libx264")
    found = look(clip(tmp_path / name, codec))
    assert "FFmpeg" in [m["name"] for m in found.facts["makers"]]
    if name == "a.avi":
        assert found.facts["software"].startswith("Lavf")
    else:
        assert found.facts["apps"][0].startswith("Lavf")


def test_editors_and_devices_are_claims_by_metadata(tmp_path: Path) -> None:
    muxer = {"movflags": "use_metadata_tags"}
    tags = {"com.apple.quicktime.make": "Apple", "com.apple.quicktime.model": "iPhone 14"}
    found = look(clip(tmp_path / "a.mov", tags=tags, muxer=muxer))
    assert [(c.kind, c.basis) for c in found.claims] == [(ClaimKind.CAPTURED, Basis.METADATA)]
    assert found.facts["device"] == "Apple iPhone 14"
    edited = look(clip(tmp_path / "b.mov", tags={"software": "CapCut 5"}, muxer=muxer))
    assert [c.kind for c in edited.claims] == [ClaimKind.EDITED]
    assert edited.notable


def test_titles_name_no_maker(tmp_path: Path) -> None:
    found = look(clip(tmp_path / "a.mkv", tags={"title": "Adobe Premiere Pro, Canon and CapCut"}))
    assert found.claims == ()


@pytest.mark.parametrize(
    ("text", "maker"),
    [
        ("ISO Media file produced by Google Inc.", Maker.PLATFORM),
        ("HandBrake 1.6.1 2023", Maker.ENCODER),
        ("Adobe Premiere Pro 2024", Maker.EDITOR),
        ("GoPro AVC", Maker.CAMERA),
        ("VideoHandler", None),
    ],
)
def test_signs(text: str, maker: Maker | None) -> None:
    assert [s.maker for s in signs_of([text])] == ([maker] if maker else [])


def test_brands_and_large_sizes() -> None:
    head = box(b"ftyp", b"qt  \0\0\0\0qt  mp42")
    wide = struct.pack(">I4sQ", 1, b"mdat", 20) + b"abcd"
    boxes = read_boxes(head + wide + box(b"free"))
    assert [b.name for b in boxes] == ["ftyp", "mdat", "free"]
    assert brands(head, boxes) == ["qt", "qt", "mp42"]


def test_hostile_boxes_are_bounded() -> None:
    deep = b""
    for _ in range(200):
        deep = box(b"udta", deep)
    assert max(b.depth for b in read_boxes(deep)) <= 9
    assert len(read_boxes(box(b"free") * 50_000)) == MAX_BOXES
    assert read_boxes(struct.pack(">I4s", 4, b"moov") * 9) == []  # smaller than its header
    assert len(read_boxes(struct.pack(">I4s", 0xFFFFFFFF, b"mdat"))) == 1
    assert iso_facts(struct.pack(">I4s", 0xFFFFFFFF, b"mdat") + b"xy")["overruns"]


def test_random_damage_is_survived(tmp_path: Path) -> None:
    clean = clip(tmp_path / "a.mp4", muxer={"movflags": "faststart"})
    rng = np.random.default_rng(2)
    for _ in range(200):
        data = bytearray(clean)
        for at in rng.integers(0, 900, 8):
            data[at] = rng.integers(256)
        iso_facts(bytes(data))
        encoder_settings(bytes(data))
        riff_software(bytes(data))


@pytest.mark.shared
def test_real_clips() -> None:
    files = sorted((SHARED / "video_clips").glob("*.mp4"))[:2]
    assert files
    for file in files:
        found = look(file.read_bytes())
        assert "FFmpeg" in found.summary
        assert not {c.kind for c in found.claims} & {ClaimKind.SYNTHETIC, ClaimKind.AI_EDITED}
