"""The kind of a file by its bytes, whatever it is called."""

import os
from pathlib import Path

import pytest

from unmask.errors import MediaError, Reason
from unmask.media import Limits, open_bytes, open_media
from unmask.media.sniff import sniff

PROSE = {
    "en": "The mayor said on Tuesday that the bridge would be closed until the spring. " * 6,
    "fr": "L'été dernier, le maire a déclaré que le pont serait fermé jusqu'à Noël, déjà. " * 6,
    "ru": "Мэр заявил во вторник, что мост будет закрыт до весны из-за ремонта. " * 6,
    "zh": "市长星期二表示，这座桥将关闭到春天，届时修复工程预计完成。记者在现场看到许多工人。" * 6,
    "ja": "市長は火曜日、橋は春まで閉鎖されると述べた。工事はその頃に終わる見込みである。" * 6,
    "ko": "시장은 화요일에 다리가 봄까지 폐쇄될 것이라고 말했다. 공사는 그때 끝날 예정이다. " * 6,
}


def ftyp(*brands: bytes) -> bytes:
    body = brands[0] + b"\0\0\0\0" + b"".join(brands[1:])
    return (8 + len(body)).to_bytes(4, "big") + b"ftyp" + body + bytes(8)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav"),
        (b"GIF89a\1\0", "gif"),
        (b"II*\0\x08\0\0\0", "tiff"),
        (b"MM\0*\0\0\0\x08", "tiff"),
        (b"II+\0\x08\0\0\0", "tiff"),
        (b"BM\x36\0\0\0\0\0\0\0\x36\0", "bmp"),
        (ftyp(b"heic", b"mif1"), "heic"),
        (ftyp(b"mif1", b"heic"), "heic"),
        (ftyp(b"mif1", b"avif"), "avif"),
        (ftyp(b"avif", b"mif1"), "avif"),
        (ftyp(b"isom", b"iso2", b"mp41"), "mp4"),
        (ftyp(b"mp42", b"isom", b"M4A "), "mp4"),
        (ftyp(b"M4A ", b"mp42"), "m4a"),
        (ftyp(b"qt  "), "mov"),
        (ftyp(b"3gp5"), "mp4"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mov"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm", "webm"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x88matroska", "mkv"),
        (b"fLaC\0\0\0\x22", "flac"),
        (b"OggS\0\2", "ogg"),
        (b"ID3\4\0\0\0\0\0\0\xff\xfb\x90\x64", "mp3"),
        (b"ID3\4\0\0\0\0\0\2xxfLaC\0", "flac"),
        (b"\xff\xfb\x90\x64\0\0", "mp3"),
        (b"BM is short for bowel movement, said the doctor.", "text"),
        (b"RIFF is also a word that guitarists use.", "text"),
        (b"#EXTM3U\nhttp://example.org/a.ts\n", "text"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "text"),
        (b"<p>A sentence with a tag.</p>", "text"),
        (b"%PDF-1.7", "pdf"),
        (b"PK\x03\x04" + bytes(40) + b"word/document.xml" + bytes(60), "docx"),
        (b"  <!doctype HTML>\n<title>404", "html"),
        (b"<html lang=en>", "html"),
    ],
)
def test_the_bytes_name_the_format(head: bytes, name: str) -> None:
    assert sniff(head).name == name


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"\xc5\xd0\xd3\xc6\x20\0", "PostScript"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a\n --><svg:svg>", "SVG"),
        (b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>", "SVG"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"MZ\x90\0", "program"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (ftyp(b"crx ", b"isom"), "raw"),
        (b"FUJIFILMCCD-RAW 0201", "raw"),
        (b"FLV\x01\x05", "Flash"),
        (b"\0\0\0\0\0", "no format"),
    ],
)
def test_what_is_not_opened_is_refused_by_name(head: bytes, word: str) -> None:
    with pytest.raises(MediaError, match=word) as caught:
        sniff(head)
    assert caught.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("en", "ascii"), ("fr", "utf-8"), ("fr", "utf-8-sig"), ("fr", "utf-16"),
        ("ja", "utf-16"), ("fr", "utf-16-le"), ("en", "utf-16-be"), ("zh", "utf-32"),
        ("fr", "cp1252"), ("fr", "latin-1"), ("ru", "cp1251"), ("ru", "koi8-r"),
        ("zh", "gb18030"), ("zh", "big5"), ("ja", "shift-jis"), ("ja", "euc-jp"), ("ko", "cp949"),
    ],
)  # fmt: skip
def test_text_in_old_and_new_encodings(language: str, encoding: str) -> None:
    prose = PROSE[language]
    if encoding == "big5":  # which has the traditional characters alone
        prose = "市長表示，這座橋將關閉到春天。記者在現場看到許多工人，工程預計那時完成。" * 6
    media = open_bytes(prose.encode(encoding), "a.txt")
    assert media.format.name == "text"
    assert media.text == prose


def test_text_cut_in_a_character_loses_that_character_alone() -> None:
    data = PROSE["ja"].encode()
    assert open_bytes(data[:-1], "a.txt").text == PROSE["ja"][:-1]


def test_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(MediaError) as caught:
        open_bytes(b"word " * 100, "a.txt", limits=Limits(text_bytes=400))
    assert caught.value.reason is Reason.TOO_LARGE


def reason(path: Path | str, limits: Limits | None = None) -> Reason:
    with pytest.raises(MediaError) as caught:
        open_media(path, limits or Limits())
    assert str(caught.value)
    return caught.value.reason


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    assert reason(tmp_path) is Reason.NOT_FOUND
    assert reason(tmp_path / "absent.jpg") is Reason.NOT_FOUND
    (tmp_path / "file").write_text("prose")
    assert reason(tmp_path / "file" / "below.jpg") is Reason.NOT_FOUND
    assert reason("a\0b.jpg") is Reason.UNREADABLE
    assert reason(tmp_path / ("n" * 5000)) is Reason.UNREADABLE
    assert reason("") is Reason.NOT_FOUND


def test_pipes_devices_and_links(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "pipe.jpg") is Reason.UNSUPPORTED
    assert reason("/dev/zero") is Reason.UNSUPPORTED
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert reason(tmp_path / "loop") is Reason.UNREADABLE
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert reason(tmp_path / "gone") is Reason.NOT_FOUND
    (tmp_path / "a.txt").write_text("A line of prose.")
    (tmp_path / "link").symlink_to(tmp_path / "a.txt")
    assert open_media(tmp_path / "link").text == "A line of prose."


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("A line of prose.")

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert reason(path) is Reason.UNREADABLE


def test_a_file_that_vanishes_or_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("A line of prose." * 20)
    assert reason(path, Limits(bytes=100)) is Reason.TOO_LARGE
    really = os.stat(path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", lambda _: really)
        path.unlink()
        assert reason(path) is Reason.NOT_FOUND
    path.write_text("short")
    small = os.stat(path)
    path.write_text("A line of prose." * 20)
    monkeypatch.setattr(os, "fstat", lambda _: small)
    monkeypatch.setattr(Path, "stat", lambda _: small)
    assert reason(path, Limits(bytes=100)) is Reason.TOO_LARGE


def test_a_sidecar_comes_along(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A line of prose.")
    (tmp_path / "a.c2pa").write_bytes(b"manifest")
    assert open_media(tmp_path / "a.txt").sidecar == b"manifest"
    assert open_media(str(tmp_path / "a.txt")).name == "a.txt"
