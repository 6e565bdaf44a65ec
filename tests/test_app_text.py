"""Pasted texts and text files on the page, and the words that carry the verdict, marked."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import unmask.app
from unmask import registry
from unmask.evidence import Finding, Kind
from unmask.media import Media, open_bytes
from unmask.report.html_report import to_html
from unmask.report.tokens import marked, table_facts
from unmask.scan import scan

MAIN = str(Path(unmask.app.__file__).with_name("main.py"))
HOSTILE = "<script>alert(1)</script>\u202e"
SENTENCE = "The mayor said on Tuesday that the bridge would be closed until the spring. "


def reader(media: Media) -> Finding:
    words = media.text.split()[:3]
    tokens = {
        "bins": [10, 100, 1000],
        "shown": 4,
        "of": 9,
        "segments": [[words[0], -1], [" ", -1], [words[1], 3], [HOSTILE, 0]],
    }
    return Finding(summary="Read.", facts={"tokens": tokens, "words": len(media.text.split())})


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """One known analyser in place of the installed ones."""
    registry.analysers()
    monkeypatch.setattr(registry, "_analysers", {})
    register = registry.analyser(
        "reader", Kind.TEXT, title="The reader", reads="r", look_for="l", ignore="i", paper="p"
    )
    register(reader)


def html(at: AppTest) -> str:
    return "\n".join(element.proto.body for element in at.get("html"))


@pytest.mark.usefixtures("planted")
def test_a_pasted_text_is_examined_and_its_words_are_marked() -> None:
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    at.text_area(key="pasted").set_value(SENTENCE * 8).run()
    assert not at.exception
    page = html(at)
    assert "pasted text" in page
    assert 'class="verdict inconclusive"' in page
    assert '<span class="k3">mayor</span>' in page
    assert "The first 4 of 9 tokens." in page
    assert "<script>alert" not in page
    assert "Never accuse anybody by this answer alone." in page
    at.text_area(key="pasted").set_value("  ").run()
    assert 'class="verdict' not in html(at)


@pytest.mark.usefixtures("planted")
def test_an_uploaded_file_goes_before_a_pasted_text() -> None:
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    at.file_uploader(key="files").set_value([("note.txt", SENTENCE.encode(), "text/plain")]).run()
    assert not at.exception
    assert "note.txt" in html(at)
    assert "TEXT text" in html(at)


@pytest.mark.usefixtures("planted")
def test_the_html_report_marks_the_words_and_keeps_them_out_of_the_table() -> None:
    page = to_html(scan(open_bytes(SENTENCE.encode(), "a.txt")))
    assert '<span class="k3">mayor</span>' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e" in page
    assert "segments" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "tokens",
    [
        None, "x", {}, {"segments": "abc", "bins": [1, 2, 3]}, {"segments": [["a", 0]]},
        {"segments": [["a"], [1, 2], ["b", 9], ["c", "0"]], "bins": [10, 100, 1000]},
        {"segments": [["a", 0]], "bins": [10]},
    ],
)  # fmt: skip
def test_malformed_words_are_not_drawn(tokens: object) -> None:
    assert marked({"tokens": tokens}) is None
    assert table_facts({"tokens": tokens, "words": 3}) == {"words": 3}


def test_a_flood_of_words_is_cut() -> None:
    found = marked({"tokens": {"bins": [1, 2, 3], "segments": [["a", 0], [" ", -1]] * 100_000}})
    assert found is not None
    assert len(found) < 200_000
