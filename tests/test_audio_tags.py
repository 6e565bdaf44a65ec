"""Headers and tags of sound files: encoders, chunks, makers, and generators that sign."""

import io
import struct

import av
import pytest
import tones

from unmask.evidence import ClaimKind, Finding
from unmask.forensics.audio.sound_tags import (
    flac_facts,
    makers_said,
    mp3_delay,
    mp3_facts,
    ogg_facts,
    wav_facts,
)
from unmask.forensics.container import container
from unmask.forensics.generator_traces import generator_traces
from unmask.media import open_bytes

SOUND = tones.voice(1, 44100)


def mp3(**tags: str) -> bytes:
    """An MP3 with ID3 tags."""
    plain = tones.encoded(SOUND, 44100, "mp3", "libmp3lame", 128_000)
    buffer = io.BytesIO()
    with av.open(io.BytesIO(plain)) as source, av.open(buffer, "w", format="mp3") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        target.metadata.update(tags)
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def wav_with(*chunks: bytes) -> bytes:
    samples = (SOUND * 32767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, 44100, 88200, 2, 16)
    body = chunk(b"fmt ", form) + chunk(b"data", samples) + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def test_the_encoders_tag_of_an_mp3_is_read() -> None:
    data = tones.encoded(SOUND, 44100, "mp3", "libmp3lame", 128_000)
    facts = mp3_facts(data)
    assert facts["encoder"].startswith(("LAME", "Lav"))
    assert facts["sample_rate"] == 44100
    assert facts["first_frame_kbps"]
    assert mp3_delay(data) == facts["encoder_delay"] == 576
    assert mp3_delay(b"\xff\xfb\x90\x64" + bytes(400)) is None


def test_chunks_of_a_wav_are_listed_with_their_texts() -> None:
    bext = b"an interview".ljust(256, b"\0") + b"Zoom Handy Recorder H5".ljust(32, b"\0")
    bext += b"ref".ljust(32, b"\0") + b"2024-05-0112:00:00" + bytes(256) + b"A=PCM,F=44100"
    info = b"INFO" + chunk(b"ISFT", b"REAPER v7.0\0") + chunk(b"ICMT", b"take 2\0")
    data = wav_with(chunk(b"LIST", info), chunk(b"bext", bext), chunk(b"iXML", b"<BWFXML/>"))
    facts = wav_facts(data)
    names = [name for name, _ in facts["chunks"]]
    assert names[:1] == ["fmt"]
    assert {"data", "LIST", "bext", "iXML"} <= set(names)
    assert facts["info"]["software"] == "REAPER v7.0"
    assert facts["broadcast"]["originator"] == "Zoom Handy Recorder H5"
    assert facts["ixml"] == "<BWFXML/>"
    assert not facts["overruns"]
    assert set(makers_said(facts)) >= {"REAPER v7.0", "Zoom Handy Recorder H5"}
    found = container(open_bytes(data, "a.wav"))
    assert found.notable
    assert {c.kind for c in found.claims} == {ClaimKind.EDITED, ClaimKind.CAPTURED}


def test_a_wav_that_states_more_than_it_holds_is_told() -> None:
    cut = tones.wav(SOUND, 44100)[:-20_000]
    assert wav_facts(cut)["overruns"]
    assert "cut short" in container(open_bytes(cut, "a.wav")).summary


def test_the_vendor_of_an_ogg_is_read() -> None:
    facts = ogg_facts(tones.encoded(tones.voice(1, 48000), 48000, "ogg", "libopus"))
    assert facts["codec"] == "opus"
    assert facts["vendor"]
    vorbis = b"OggS" + bytes(24) + b"\x03vorbis" + struct.pack("<I", 7) + b"Xiph.Or"
    vorbis += struct.pack("<I", 1) + struct.pack("<I", 9) + b"TITLE=abc"
    assert ogg_facts(vorbis) == {
        "codec": "vorbis", "vendor": "Xiph.Or", "comments": {"title": "abc"},
    }  # fmt: skip


def test_a_flac_tells_its_encoder_and_bits() -> None:
    facts = flac_facts(tones.encoded(SOUND, 44100, "flac", "flac"))
    assert facts["bits"] == 16
    assert facts["vendor"].startswith("Lavf")


@pytest.mark.parametrize(
    "comment", ["made with suno", "made with suno; created=2025-01-01; id=x", "Made with Udio"]
)
def test_a_generator_that_signs_in_the_comment_is_named(comment: str) -> None:
    found = generator_traces(open_bytes(mp3(comment=comment), "a.mp3"))
    assert isinstance(found, Finding)
    assert [c.kind for c in found.claims] == [ClaimKind.SYNTHETIC]


@pytest.mark.parametrize(
    "comment",
    ["suno", "I wonder what was made with suno", "not made with suno", "made with love", "udio"],
)
def test_a_comment_about_a_generator_is_no_trace(comment: str) -> None:
    found = generator_traces(open_bytes(mp3(comment=comment), "a.mp3"))
    assert isinstance(found, Finding)
    assert not found.claims


def test_a_program_field_names_a_speech_service() -> None:
    found = generator_traces(open_bytes(mp3(encoded_by="ElevenLabs"), "a.mp3"))
    assert isinstance(found, Finding)
    assert [c.kind for c in found.claims] == [ClaimKind.SYNTHETIC]


def test_damaged_headers_give_fewer_facts() -> None:
    for cut in range(0, 200, 7):
        for data in (tones.wav(SOUND, 44100), mp3(), tones.encoded(SOUND, 44100, "flac", "flac")):
            for read in (wav_facts, mp3_facts, flac_facts, ogg_facts):
                assert isinstance(read(data[:cut]), dict)
