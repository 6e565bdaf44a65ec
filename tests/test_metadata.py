"""Metadata: planted fields are read back, contradictions are seen, hostile blocks are survived."""

import io
import struct
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from unmask.evidence import Basis, ClaimKind, Finding, NotApplicable
from unmask.forensics.carriers import blocks_of, find_packets, inflate
from unmask.forensics.editors import Role, recognise
from unmask.forensics.fields import (
    Field,
    exif_fields,
    iptc_fields,
    parse_exif,
    read_fields,
    value_of,
)
from unmask.forensics.metadata import camera, date_conflicts, metadata, parse_date, size_conflict
from unmask.forensics.xmp import xmp_leaves
from unmask.media import open_bytes

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
DST = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def picture(width: int = 64, height: int = 48) -> Image.Image:
    values = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def packet(body: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" '
        'xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def jpeg(**options: object) -> bytes:
    out = io.BytesIO()
    picture().save(out, "JPEG", **options)
    return out.getvalue()


def camera_exif(**more: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS R5"
    inner = exif.get_ifd(0x8769)
    inner[0x829A], inner[0x829D], inner[0x9003] = 0.01, 2.8, "2021:05:01 10:00:00"
    inner[0xA002], inner[0xA003] = 64, 48
    exif[0x0132] = more.get("saved", "2021:05:01 10:00:00")
    return exif


def look(data: bytes, name: str = "x.jpg") -> Finding:
    found = metadata(open_bytes(data, name))
    assert isinstance(found, Finding)
    return found


def iim(dataset: int, value: bytes) -> bytes:
    return b"\x1c\x02" + bytes([dataset]) + struct.pack(">H", len(value)) + value


def resource(number: int, body: bytes) -> bytes:
    padded = body + b"\0" * (len(body) % 2)
    return b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(body)) + padded


def with_segment(data: bytes, marker: int, payload: bytes) -> bytes:
    segment = b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2) + payload
    return data[:2] + segment + data[2:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_and_xmp_are_read_from_every_container(kind: str) -> None:
    out = io.BytesIO()
    xmp = packet(f"<Iptc4xmpExt:DigitalSourceType>{DST}trainedAlgorithmicMedia"
                 "</Iptc4xmpExt:DigitalSourceType>")  # fmt: skip
    extra: dict[str, object] = {"xmp": xmp}
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
        extra = {"pnginfo": info}
    picture().save(out, kind, exif=camera_exif(), **extra)
    found = look(out.getvalue())
    assert found.facts["camera"] == "Canon EOS R5"
    assert found.facts["digital_source_types"] == ["trainedAlgorithmicMedia"]
    kinds = {(c.kind, c.basis) for c in found.claims}
    assert (ClaimKind.SYNTHETIC, Basis.METADATA) in kinds
    assert found.notable


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        ("compositeWithTrainedAlgorithmicMedia", ClaimKind.AI_EDITED),
        ("digitalCapture", ClaimKind.CAPTURED),
        ("humanEdits", ClaimKind.EDITED),
        ("digitalCreation", None),
        ("notATerm", None),
    ],
)
def test_source_types_become_claims(term: str, kind: ClaimKind | None) -> None:
    xmp = packet(f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{DST}{term}"/>')
    found = look(jpeg(xmp=xmp))
    assert [c.kind for c in found.claims] == ([kind] if kind else [])


def test_a_camera_alone_is_captured_by_metadata_only_and_said_to_be_forgeable() -> None:
    found = look(jpeg(exif=camera_exif()))
    assert [(c.kind, c.basis) for c in found.claims] == [(ClaimKind.CAPTURED, Basis.METADATA)]
    assert "forged" in found.claims[0].text
    assert found.llr is None
    assert not found.notable


def test_a_maker_without_exposure_is_no_camera() -> None:
    fields = (Field("EXIF", "Make", "Ideogram AI"), Field("EXIF", "Model", "3.0"))
    assert camera(fields) == ""


def test_editors_in_history_and_in_photoshop_resources_are_found() -> None:
    xmp = packet(
        "<xmpMM:History><rdf:Seq><rdf:li rdf:parseType='Resource'>"
        "<stEvt:action>saved</stEvt:action>"
        "<stEvt:softwareAgent>GIMP 2.10</stEvt:softwareAgent>"
        "</rdf:li></rdf:Seq></xmpMM:History>"
    )
    found = look(jpeg(xmp=xmp))
    assert [p["name"] for p in found.facts["programs"]] == ["GIMP 2.10"]
    writer = "Adobe Photoshop".encode("utf-16-be")
    body = b"\0\0\0\1\1" + struct.pack(">I", 15) + writer + b"\0" * 8
    data = with_segment(jpeg(), 0xED, b"Photoshop 3.0\0" + resource(1057, body))
    assert [c.kind for c in look(data).claims] == [ClaimKind.EDITED]


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Adobe Photoshop 25.1 (Windows)", Role.EDITOR),
        ("Adobe Lightroom 5.3", Role.DEVELOPER),
        ("Snapseed 2.0", Role.EDITOR),
        ("FaceApp", Role.ENHANCER),
        ("Lavf60.3", Role.CONVERTER),
        ("COOLPIX S10V1.0", None),
        ("A portrait retouched in Photoshop", None),
    ],
)
def test_programs(text: str, role: Role | None) -> None:
    found = recognise(text)
    assert (found.role if found else None) is role


def test_a_caption_names_no_editor() -> None:
    xmp = packet("<dc:description>Adobe Photoshop 25 was on his screen</dc:description>")
    assert look(jpeg(xmp=xmp)).claims == ()


def test_iptc_in_app13() -> None:
    block = (
        iim(110, b"Made with care") + iim(120, "Zürich".encode()) + iim(25, b"a") + iim(25, b"b")
    )
    data = with_segment(jpeg(), 0xED, b"Photoshop 3.0\0" + resource(0x0404, block))
    fields = read_fields(open_bytes(data, "x"))
    assert value_of(fields, "IPTC", "Caption") == "Zürich"
    assert [f.value for f in fields if f.name == "Keywords"] == ["a", "b"]


def test_dates_and_sizes_that_disagree_are_notable() -> None:
    found = look(jpeg(exif=camera_exif(saved="2019:01:01 00:00:00")))
    assert found.notable
    assert "before it was taken" in found.facts["conflicts"][0]
    now = datetime(2025, 1, 1)
    future = (Field("EXIF", "DateTimeOriginal", "2031:01:01 00:00:00"),)
    assert len(date_conflicts(future, now)) == 1
    assert date_conflicts((Field("EXIF", "DateTimeOriginal", "2024:01:01 00:00:00"),), now) == []
    sizes = (Field("EXIF", "ExifImageWidth", "4000"), Field("EXIF", "ExifImageHeight", "3000"))
    assert size_conflict(sizes, 3000, 4000) == ""  # turned
    assert "resized" in size_conflict(sizes, 800, 600)
    assert "cropped" in size_conflict(sizes, 800, 800)


@pytest.mark.parametrize("text", ["", "0000:00:00 00:00:00", "2021:13:40", "yesterday"])
def test_what_is_no_date(text: str) -> None:
    assert parse_date(text) is None


def test_gps_is_told() -> None:
    exif = camera_exif()
    exif.get_ifd(0x8825)[2] = (47.0, 22.0, 0.0)
    found = look(jpeg(exif=exif))
    assert found.facts["has_gps"]
    assert "where it was taken" in found.summary


def test_nothing_to_read_is_not_applicable() -> None:
    out = metadata(open_bytes(jpeg(), "x"))
    assert isinstance(out, NotApplicable)
    assert out.code == "no_metadata"


def test_xmp_entities_are_refused_and_depth_is_bounded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "xx">]>' + packet("<xmp:CreatorTool>&b;</xmp:CreatorTool>")
    assert xmp_leaves(bomb) == []
    deep = packet("<xmp:a>" * 5000 + "</xmp:a>" * 5000)
    assert xmp_leaves(deep) == []
    assert ("xmp:CreatorTool", "Y") in xmp_leaves(packet("<xmp:CreatorTool>Y</xmp:CreatorTool>"))


def test_decompression_is_capped() -> None:
    assert inflate(zlib.compress(b"0" * 10_000), limit=9_999) is None
    assert inflate(zlib.compress(b"0" * 10_000), limit=10_000) == b"0" * 10_000
    assert inflate(b"junk") is None
    body = b"Comment\0\0" + zlib.compress(b"0" * 5_000_000)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + b"\0\0\0\0"
    out = blocks_of(b"\x89PNG\r\n\x1a\n" + chunk, "png")
    assert out.texts == []
    assert out.notes


def test_unclosed_packets_cost_little() -> None:
    assert find_packets(b"<x:xmpmeta" * 200_000) == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
def test_damaged_blocks_are_survived(kind: str) -> None:
    out = io.BytesIO()
    options: dict[str, object] = {} if kind == "GIF" else {"exif": camera_exif()}
    picture().save(out, kind, **options)
    clean = out.getvalue()
    rng = np.random.default_rng(3)
    for _ in range(60):
        data = bytearray(clean)
        for at in rng.integers(8, min(len(data), 400), 6):
            data[at] = rng.integers(256)
        blocks = blocks_of(bytes(data), kind.lower())
        if (exif := parse_exif(blocks.exif or bytes(data))) is not None:
            list(exif_fields(exif))
        list(iptc_fields(bytes(data)))


@pytest.mark.shared
def test_photographs_claim_nothing_synthetic() -> None:
    files = sorted((SHARED / "photos_imagenet_sample").glob("*.JPEG"))
    files += sorted((SHARED / "faces_ffhq_vs_stylegan" / "real").glob("*.jpg"))[:100]
    assert len(files) > 250
    editors = 0
    for file in files:
        found = metadata(open_bytes(file.read_bytes(), file.name))
        claims = found.claims if isinstance(found, Finding) else ()
        assert not {c.kind for c in claims} & {ClaimKind.SYNTHETIC, ClaimKind.AI_EDITED}, file.name
        editors += any(c.kind is ClaimKind.EDITED for c in claims)
    assert editors >= 15  # many of these were saved by Photoshop
