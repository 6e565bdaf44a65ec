"""Text is taken out of Word, PDF and HTML files, and no file of these breaks or stalls the scan."""

import io
import zipfile
import zlib

import docx
import pypdf
import pytest
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.media import Limits, open_bytes
from unmask.scan import describe

SENTENCE = "The mayor said on Tuesday that the bridge would be closed until the spring."


def word(*paragraphs: str, author: str = "") -> bytes:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    document.core_properties.author = author
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pdf(*lines: str, password: str = "", title: str = "") -> bytes:
    """A page with these lines, in a font that every reader has."""
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(width=595, height=842)
    shown = "".join(f"({line}) Tj T* " for line in lines)
    stream = StreamObject()
    stream.set_data(f"BT /F1 12 Tf 14 TL 50 800 Td {shown}ET".encode())
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    page[NameObject("/Contents")] = writer._add_object(stream)
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
    )
    if title:
        writer.add_metadata({"/Title": title, "/Producer": "A press"})
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def refused(data: bytes, limits: Limits | None = None) -> Reason:
    with pytest.raises(MediaError) as caught:
        open_bytes(data, "a.txt", limits=limits or Limits())
    return caught.value.reason


def text_or_reason(data: bytes, limits: Limits) -> str | Reason:
    try:
        return open_bytes(data, "a", limits=limits).text
    except MediaError as error:
        return error.reason


def test_a_word_document_gives_its_paragraphs_tables_and_author() -> None:
    document = docx.Document()
    document.add_paragraph(SENTENCE)
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text = "left"
    table.cell(0, 0).merge(table.cell(0, 1))
    document.add_paragraph("The end.")
    document.core_properties.author = "A. Clerk"
    out = io.BytesIO()
    document.save(out)
    media = open_bytes(out.getvalue(), "a.docx")
    assert (media.kind, media.format.name) == (Kind.TEXT, "docx")
    assert media.text.split("\n")[0] == SENTENCE
    assert media.text.count("left") == 1
    assert media.text.index("left") < media.text.index("The end.")
    assert describe(media)["author"] == "A. Clerk"


def test_a_pdf_gives_its_text_and_its_program() -> None:
    media = open_bytes(pdf(SENTENCE, "It was inter-", "rupted.", title="Bridge"), "a.pdf")
    assert SENTENCE in media.text
    assert "interrupted" in media.text
    facts = describe(media)
    assert (facts["pages"], facts["title"], facts["producer"]) == (1, "Bridge", "A press")


def test_a_page_gives_what_it_shows() -> None:
    page = (
        "<!DOCTYPE html><html><head><title>Bridge</title><meta name=generator content=Press>"
        "<style>p {color: red}</style><script>var secret = 'never';</script></head><body>"
        f"<nav>Home About</nav><p>{SENTENCE}<p>Caf&eacute; <b>bo</b>ld<br>next"
        "<div style='display: none'>unseen words</div><div hidden>nor these</div>"
        "<footer>All rights reserved</footer></body></html>"
    )
    media = open_bytes(page.encode(), "a.html")
    assert media.text == f"{SENTENCE}\nCafé bold\nnext\n"
    facts = describe(media)
    assert (facts["title"], facts["generator"]) == ("Bridge", "Press")
    assert (facts["scripts"], facts["hidden_parts"]) == (1, 2)


def test_an_article_is_taken_for_the_page_where_it_is_long_enough() -> None:
    story = " ".join([SENTENCE] * 5)
    page = f"<html><title>x</title><body><p>Other news</p><article><p>{story}</p></article>"
    assert open_bytes(page.encode(), "a").text == story + "\n"
    short = "<html><body><p>Other news</p><article><p>Brief.</p></article>"
    assert open_bytes(short.encode(), "a").text == "Other news\nBrief.\n"


def test_a_page_in_an_old_encoding_is_read() -> None:
    page = "<html><body><p>" + "L'été dernier, le maire a déclaré que le pont serait fermé. " * 8
    assert "été" in open_bytes(page.encode("cp1252"), "a").text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.7\nnothing follows", Reason.CORRUPT),
        (pdf(), Reason.NO_STREAM),
        (pdf(SENTENCE, password="secret"), Reason.UNSUPPORTED),
        (pdf(SENTENCE)[:300], Reason.CORRUPT),
        (word(), Reason.NO_STREAM),
        (word(SENTENCE)[:-900], Reason.CORRUPT),
        (b"<html><script>only()</script>", Reason.NO_STREAM),
        (b"<html>" + b"<div>" * 100_000, Reason.NO_STREAM),
    ],
    ids=["pdf", "blank", "locked", "cut", "empty", "cut-word", "script", "nested"],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: Reason) -> None:
    assert refused(data) is reason


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    out = io.BytesIO(word(SENTENCE))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/big.xml", bytes(30_000_000))
    assert refused(out.getvalue()) is Reason.TOO_LARGE


def raw_pdf(content: bytes) -> bytes:
    """One page, by hand, with this content as it is before it is compressed."""
    packed = zlib.compress(content, 9)
    return (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>endobj\n"
        b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
        b"4 0 obj<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream endobj\n"
        b"trailer<</Root 1 0 R/Size 6>>\nstartxref\n0\n%%%%EOF" % (len(packed), packed)
    )


def test_a_bomb_in_a_pdf_is_refused() -> None:
    start = b"BT /F1 12 Tf 50 800 Td (The bridge is closed.) Tj "
    calm = open_bytes(raw_pdf(start + b"ET"), "a.pdf")
    assert "The bridge is closed." in calm.text
    found = text_or_reason(raw_pdf(start + b"(a) Tj " * 15_000_000), Limits(decode_seconds=10))
    assert found in {Reason.TOO_LARGE, Reason.TOO_SLOW, Reason.CORRUPT}


def test_limits_hold() -> None:
    assert refused(pdf(SENTENCE), Limits(document_pages=0)) is Reason.TOO_LARGE
    assert refused(word(SENTENCE), Limits(document_bytes=1000)) is Reason.TOO_LARGE
    assert refused(word(SENTENCE), Limits(text_bytes=20)) is Reason.TOO_LARGE
    assert refused(word(SENTENCE), Limits(decode_seconds=0.01)) is Reason.TOO_SLOW


def test_xml_entities_of_a_word_document_fetch_nothing() -> None:
    source, out = zipfile.ZipFile(io.BytesIO(word("PLACE"))), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                head, _, rest = data.partition(b"?>")
                data = (
                    head + b'?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
                    + rest.replace(b"PLACE", b"before &e; after")
                )  # fmt: skip
            archive.writestr(name, data)
    found = text_or_reason(out.getvalue(), Limits())
    assert found is Reason.CORRUPT or "root:" not in str(found)
