"""What the pages of an evaluation say, in words and tables; and that nothing breaks out of them."""

import math
import re
from dataclasses import replace
from importlib.resources import files

import pytest
from evaluations import (
    DETECTORS,
    EMPTY,
    HOSTILE,
    NAN,
    every_kind,
    full,
    html_of,
    one_class,
    poisoned,
    row,
    terminal,
    text_of,
    tree,
)
from pages import Html

from unmask.detect.evaluation.page import page
from unmask.detect.evaluation.page_parts import (
    Cell,
    Page,
    Section,
    table,
)
from unmask.detect.evaluation.page_words import DIFFERENCE, FIGURE, SHARE, named
from unmask.detect.evaluation.tables import (
    POOLED,
    Estimate,
    Evaluation,
    Paired,
)
from unmask.detect.evaluation.write_html import to_html
from unmask.detect.evaluation.write_markdown import escape, to_markdown

# The summary


def test_says_who_is_ahead_and_by_how_much() -> None:
    shown = page(full())
    assert shown.headline == "patchnet is ahead of npr: AUC 0.892 against 0.861"
    text = "\n".join(shown.points)
    assert "patchnet has the highest AUC: 0.892 [0.872, 0.912], on 500 photographs and 800" in text
    assert "+0.031 [+0.013, +0.049]: the interval excludes zero" in text
    assert "All 4 rivals are behind by an interval that excludes zero." in text
    assert "worst generator is cyclegan: AUC 0.620 [0.600, 0.640]." in text
    assert "After social media, the hardest of 8 perturbations, its AUC is 0.748" in text
    assert "frozen before these pictures were scored (patchnet and" in text
    assert "An oracle's threshold, chosen on these very pictures, is that of cooccurrence †" in text
    assert "Leak: thumbnail 8 x 8 (AUC 0.634 [0.600, 0.668]) alone can tell" in text
    assert "size (AUC" not in text
    assert "patchnet on 134" in text
    assert shown.warnings == ("12 pairs of pictures are near-duplicates.",)


@pytest.mark.parametrize(
    ("low", "high", "headline", "point"),
    [
        (-0.01, 0.07, "patchnet and npr cannot be told apart", "the interval includes zero"),
        (0.001, 0.06, "patchnet is ahead of npr", "excludes zero, so the lead is more than chance"),
        (-0.06, -0.01, "patchnet and npr cannot be told apart", "npr is ahead"),
        (NAN, NAN, "patchnet and npr cannot be told apart", "no interval, so the lead may be"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_reads_a_difference_either_way_round(low, high, headline, point, turned) -> None:
    gap = Estimate(value=0.03, low=low, high=high)
    pair = Paired(
        first="patchnet", second="npr", perturbation="clean", generator=POOLED, difference=gap
    )
    if turned:
        gap = Estimate(value=-0.03, low=-high, high=-low)
        pair = replace(pair, first="npr", second="patchnet", difference=gap)
    shown = page(replace(full(DETECTORS[:2]), paired=(pair,)))
    assert shown.headline.startswith(headline)
    assert any(point in sentence for sentence in shown.points)


def test_summary_does_not_praise_chance() -> None:
    coin = row("coin", "clean", POOLED, 0.51)
    other = row("other", "clean", POOLED, 0.5)
    alone = page(replace(EMPTY, detectors={"coin": ""}, rows=(coin,)))
    assert alone.headline == "coin is not shown to be better than chance"
    both = page(replace(EMPTY, detectors={"coin": "", "other": ""}, rows=(coin, other)))
    assert both.headline == "No detector is shown to be better than chance"
    uneven = (coin, replace(other, n_fake=99))
    points = page(replace(EMPTY, rows=uneven)).points
    assert any("did not score the same number" in sentence for sentence in points)


def test_summary_of_nothing() -> None:
    shown = page(EMPTY)
    assert shown.headline == "No detector could be judged over all generators"
    assert shown.points[0] == "Nothing was scored, so there is nothing to compare."
    assert "photographs and fakes" in page(one_class()).points[0]


# Figures in words


def test_figures_are_written_without_false_certainty() -> None:
    assert [SHARE.text(v) for v in (0, 0.0003, 0.931, 0.9997, 1, NAN, None)] == [
        "0.0%", "<0.1%", "93.1%", ">99.9%", "100.0%", "–", "–",
    ]  # fmt: skip
    assert [DIFFERENCE.text(v) for v in (0.0312, -0.0312, -0.00001)] == [
        "+0.031",
        "−0.031",
        "0.000",
    ]
    assert FIGURE.both(Estimate(value=0.9, low=NAN, high=NAN)) == "0.900"
    assert FIGURE.text(-math.inf) == "−∞"


def test_long_and_hostile_names_are_cut_in_the_middle() -> None:
    assert named("python score.py --weights " + "x" * 90 + " small.pt").endswith("small.pt")
    assert len(named("x" * 1_000_000)) == 60
    assert named("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"
    assert named("  ") == "(no name)"


# What both pages hold


def test_page_holds_everything_in_order() -> None:
    text = text_of(full())
    order = [
        "5 detectors on 1,300 pictures", "patchnet is ahead of npr", "near-duplicates",
        "What the columns mean", "photographs", "camera (photographs)", "300", "flux-dev",
        "Thresholds: a score", "by its own calibration", "All generators together",
        "0.892 [0.872, 0.912]", "83.2% [81.2, 85.2]", "86.2%", "75.2% [73.2, 77.2]",
        "97.9% [96.8, 99.0]", "29.7% [21.7, 37.7]", "44.6% [37.6, 51.6]", "16.8% [14.8, 18.8]",
        "4.2%", "500", "800", "cooccurrence †", "The worst generator of each", "cyclegan",
        "Under perturbations", "social media", "Differences between detectors", "patchnet − npr",
        "+0.031 [+0.013, +0.049]", "False positives by source", "0.7% [0.4, 5.0] 2 of 300",
        "Whether stated probabilities hold", "0.520 [0.460, 0.580]", "risk and coverage", "95.0%",
        "where fakes are rare", "PPV at 0.1%", "1.5% [0.0, 3.5]", ">99.9% [>99.9, 100.0]",
        "Leak probes", "thumbnail 8 x 8", "above chance", "Speed and memory", "3.42", "812",
        "134 pictures without a score", "fakes/19.png", "and 114 more", "How to repeat it",
        "unmask evaluate --detector patchnet", "2026-03-04 10:15:22 UTC", "ab" * 32,
    ]  # fmt: skip
    order.remove("What the columns mean")
    place = 0
    for part in order:
        assert part in text[place:], (part, text[place : place + 600])
        place = text.index(part, place)
    assert "fakes/20.png" not in text


def test_markdown_says_the_same() -> None:
    html, markdown = Html(html_of(full())), tree(to_markdown(page(full())))

    def words(text: str) -> set[str]:
        return set(re.findall(r"[+−]?\d+\.\d+%?|[A-Za-z]{4,}", text))

    left = words(html.text) - words(markdown.text)
    assert left <= {"This", "page", "holds", "everything", "shows", "fetches", "nothing", "runs",
                    "script", "beside", "full", "evaluation", "figures"}  # fmt: skip
    tables_there = [sum(tag == "table" for tag, _ in one.tags) for one in (html, markdown)]
    assert tables_there[0] == tables_there[1] > 20
    images = [attrs["src"] for tag, attrs in markdown.tags if tag == "img"]
    assert images == [one.file for one in page(full()).pictures]


def test_missing_figures_are_a_dash_with_the_reason() -> None:
    text = text_of(one_class())
    assert "– 1" in text
    assert "1 no photographs to compare with" in text
    assert "No detector here states a calibrated probability." in text
    few = replace(
        row("a", "clean", POOLED, 0.9, n_real=50), tpr_at_fpr_1=None, balanced_accuracy=None,
        auc=Estimate(value=0.9, low=NAN, high=NAN),
    )  # fmt: skip
    text = text_of(replace(EMPTY, detectors={"a": ""}, rows=(few,)))
    assert "the detector has no threshold" in text
    assert "needs 100 photographs" in text
    assert "no interval: too few pictures" in text
    assert "all pictures were scored in an earlier run" in text_of(full())


@every_kind
def test_nothing_is_not_a_number(of: Evaluation) -> None:
    for text in (text_of(of), to_markdown(page(of)), terminal(of)):
        assert not re.search(r"\b(nan|None|inf)\b", text)


def test_an_oracle_is_marked_wherever_its_threshold_counts() -> None:
    marked = "cooccurrence †"
    sections = {section.name: section for section in page(full()).sections}
    for name in ("results", "grid", "sources", "coverage", "predictive"):
        assert marked in repr(sections[name].blocks), name
        assert "† threshold chosen on these very pictures" in repr(sections[name].blocks), name
    assert "patchnet †" not in repr(sections)
    assert "†" not in to_markdown(page(full(DETECTORS[:1])))


# Safety


@every_kind
def test_nothing_breaks_out_of_the_page_and_nothing_is_fetched(of: Evaluation) -> None:
    html = html_of(of)
    html.encode()  # no lone surrogate
    found = Html(html)
    assert found.orphans == []
    assert found.open == []
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "iframe", "object", "link", "base", "form", "b", "svg"}
    assert not [a for _, attrs in found.tags for a in attrs if a.startswith("on") or a == "style"]
    addresses = found.all("src") + found.all("srcset") + found.all("href")
    assert all(re.match(r"data:image/png;base64,|#[\w-]+$", one or "") for one in addresses)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    rules = [a["content"] for _, a in found.tags if a.get("http-equiv")]
    assert rules
    assert "default-src 'none'; img-src data:" in (rules[0] or "")
    style = files("unmask.detect.evaluation").joinpath("page.css").read_text("utf-8")
    assert not re.search(r"url\(|@import|expression|</", style)


def test_hostile_text_is_shown_as_text() -> None:
    of = poisoned()
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\x00", "\\x00").replace("\n", "\\n")
    shown = shown.replace("\u202e", "\\u202e").replace("\udcff", "\\udcff")
    markdown = tree(to_markdown(page(of)))
    for text in (Html(html_of(of)).text, markdown.text):
        assert text.count(shown) >= 5  # warning, failure and its path, command, hashes
        assert text.count(named(HOSTILE)) >= 20
        assert "49" not in text  # {{ 7*7 }}
    tags = {tag for tag, _ in markdown.tags}
    assert not tags & {"script", "a", "svg", "hr", "blockquote"}
    assert sum(tag == "h1" for tag, _ in markdown.tags) == 1
    sources = [attrs["src"] for tag, attrs in markdown.tags if tag == "img"]
    assert all(re.fullmatch(r"[a-z0-9-]+\.png", name or "") for name in sources)
    printed = terminal(of)
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "[red]" in printed.replace("\n", "") or "…" in printed


def test_writers_clean_what_is_given_to_them() -> None:
    raw = "a\x1b[31m\u202eb\udcff"
    cell = (Cell(text=raw, detail=raw, note=raw),)
    given = Page(
        title=raw, headline=raw, points=(raw,), warnings=(raw,), version=raw,
        sections=(
            Section(name="s", title=raw, text=(raw,), terms=((raw, raw),), command=raw,
                    blocks=(table(raw, (raw,), (cell,)),)),
        ),
    )  # fmt: skip
    for text in (to_html(given, {}, {}), to_markdown(given)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        text.encode()
    assert Html(to_html(given, {}, {})).text.count("a\\x1b[31m\\u202eb\\udcff") == 17


@pytest.mark.parametrize(
    "text",
    ["- a", "1. a", "12) a", "# a", "> a", "a | b", "*a*", "_a_", "~~a~~", "<b>a</b>", "&amp;",
     "[a](b)", "![a](b)", "`a`", "a\\", "    a", "===", "---", "+ a", "<http://a.b>", "a\nb",
     "https://a.b/c", "$a$"],
)  # fmt: skip
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    plain = text.replace("\n", "\\n").strip()
    alone = tree(escape(text))
    assert alone.text.strip().replace("\u2060", "") == plain
    assert {tag for tag, _ in alone.tags} <= {"p"}
    cell = tree(f"| x |\n|---|\n| {escape(text)} |\n")
    assert [tag for tag, _ in cell.tags].count("td") == 1
    assert plain in cell.text.replace("\u2060", "")
    if "://" in text:
        assert r"\://" in escape(text)  # GitHub would make it a link


def test_the_page_is_built_for_screen_readers() -> None:
    found = Html(html_of(full()))
    found.readable()
    ids = found.all("id")
    assert {one[1:] for one in found.all("href")} <= set(ids)
    tags = [tag for tag, _ in found.tags]
    assert tags.count("table") == tags.count("caption") == tags.count("thead") > 20
    assert all(attrs.get("scope") in ("row", "col") for tag, attrs in found.tags if tag == "th")
    assert all(attrs.get("alt") for tag, attrs in found.tags if tag == "img")
    assert tags.count("img") == len(page(full()).pictures) > 8
