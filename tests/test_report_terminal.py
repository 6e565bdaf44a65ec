"""The report for a terminal: what it says, and that no file can make it say something else."""

import io
import math
import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from rich.console import Console

from unmask.errors import MediaError, Reason
from unmask.evidence import Basis, Claim, ClaimKind, Doubt, Failure, Finding, Kind, NotApplicable
from unmask.registry import Analyser
from unmask.report import labels, words
from unmask.report.clean import clean, fact_rows
from unmask.report.terminal import failure_line, render, render_line, summary
from unmask.scan import Report, Result
from unmask.settings import Settings
from unmask.verdict import Origin, Verdict

HOSTILE = (
    "<script>[red]x[/red][link=http://evil.example]y[/link]\x1b[31m\x1b]8;;http://evil.example\x07"
    "\x00\r\n\x9b2J\u202egpj.exe\u2066\udcff\U000e0041 :smile: [/]"
)


def result(outcome, title="Title"):
    about = Analyser(
        name=title.lower(), title=title, kinds=frozenset(Kind), reads="a", look_for="b",
        ignore="c", paper="d", analyse=lambda _: outcome,
    )  # fmt: skip
    return Result(analyser=about, outcome=outcome, seconds=0.5)


def verdict(origin=Origin.SYNTHETIC, probability=0.985, because=("First reason.",), **changed):
    fields = {
        "origin": origin, "headline": "Likely synthetic", "llr": math.log(67), "prior": 0.5,
        "probability": probability, "strength": "moderate support", "because": because,
        "doubts": (Doubt(code="too_small", text="It is small."),),
        "would_change": ("The original file.",), "limits": "It cannot know the future.",
    }  # fmt: skip
    return Verdict(**(fields | changed))


def report(*outcomes, name="photo.jpg", **changed):
    results = tuple(result(o, f"Title{n}") for n, o in enumerate(outcomes))
    fields = {
        "name": name, "kind": Kind.IMAGE, "format": "jpeg", "mime": "image/jpeg", "size": 312_044,
        "sha256": "ab" * 32, "facts": {"width": 640, "height": 480}, "verdict": verdict(),
        "results": results, "preview": np.zeros((4, 4, 3), np.uint8),
        "started": datetime(2026, 3, 4, 10, 15, 22, tzinfo=UTC), "seconds": 1.25,
        "version": "0.1.0", "libraries": {"numpy": "2.3.1"}, "settings": Settings(),
        "weights": {"w.safetensors": "cd" * 32},
    }  # fmt: skip
    return Report(**(fields | changed))


def printed(renderable, width=80, soft_wrap=False, **options):
    console = Console(file=io.StringIO(), width=width, **options)
    console.print(renderable, soft_wrap=soft_wrap)
    return console.file.getvalue()


ALL_THREE = (
    Finding(summary="A grid was found.", llr=1.1, notable=True),
    Finding(summary="Nothing stands out."),
    Failure(code="timeout", text="Stopped after 60 seconds."),
    NotApplicable(code="not_jpeg", text="The file is no JPEG."),
)


def test_says_everything_in_order_at_80_columns():
    text = printed(render(report(*ALL_THREE)))
    order = [
        "▲ SYNTHETIC", "Likely synthetic", "extremely likely to be synthetic (98%)", "photo.jpg",
        "Because", "First reason.", "It is small.", "The original file.", "A grid was found.",
        "Provenance", "It cannot know the future.", "ab" * 32, "312,044 bytes",
        "2026-03-04 10:15:22 UTC", "0.1.0", "cd" * 8, "numpy 2.3.1",
    ]  # fmt: skip
    places = [text.find(part) for part in order]
    assert -1 not in places
    assert places == sorted(places)
    assert max(map(len, text.splitlines())) <= 80


def test_keeps_the_three_outcomes_apart():
    text = printed(render(report(*ALL_THREE)), width=120)
    findings, rest = text.split("Failed, and no evidence")
    failed, silent = rest.split("Not applicable")
    assert "! Title0" in findings
    assert re.search(r"^ +Title1", findings, re.MULTILINE)
    assert "Title2" not in findings
    assert "Title3" not in findings
    assert "Title2: Stopped after 60 seconds. [timeout]" in failed
    assert "Title3: The file is no JPEG. [not_jpeg]" in silent
    assert "weak support for" in findings
    assert "not weighed" in findings


@pytest.mark.parametrize("origin", list(Origin))
def test_tells_the_origin_without_colour(origin):
    text = printed(render_line(report(verdict=verdict(origin))), no_color=True)
    assert text.startswith(f"{labels.SYMBOLS[origin]} {origin.value} ")
    assert text.rstrip().endswith("photo.jpg")
    assert len(set(labels.SYMBOLS.values())) == len(Origin)


def test_no_hostile_string_reaches_the_terminal():
    hostile = Finding(
        summary=HOSTILE,
        claims=(Claim(kind=ClaimKind.EDITED, basis=Basis.METADATA, text=HOSTILE),),
        doubts=(Doubt(code=HOSTILE, text=HOSTILE),),
    )
    failure = Failure(code=HOSTILE, text=HOSTILE)
    bad = report(
        hostile, failure, NotApplicable(code=HOSTILE, text=HOSTILE), name=HOSTILE,
        facts={"width": HOSTILE, "height": HOSTILE}, format=HOSTILE, mime=HOSTILE,
        verdict=verdict(because=(HOSTILE,), headline=HOSTILE, limits=HOSTILE),
        libraries={HOSTILE: HOSTILE}, weights={HOSTILE: HOSTILE},
    )  # fmt: skip
    lines = (render_line(bad), failure_line(HOSTILE, MediaError(Reason.CORRUPT, HOSTILE)))
    for part in (render(bad), *lines):
        text = printed(part, width=100, force_terminal=True, no_color=True)
        text = re.sub(r"\x1b\[[012;]*m", "", text)  # bold and dim, which are ours
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
        assert not set("\u202e\u2066\udcff\U000e0041") & set(text)
        assert "[red]x[/red]" in text.replace("\n", "")
        assert ":smile:" in text
        text.encode()


def test_cuts_what_is_endless():
    claim = Claim(kind=ClaimKind.EDITED, basis=Basis.METADATA, text="x" * 1_000_000)
    finding = Finding(summary="y" * 1_000_000, claims=(claim,) * 5000)
    text = printed(render(report(finding, name="z" * 1_000_000)))
    assert len(text) < 40_000
    assert "more characters" in text
    assert "4988 more in the JSON report" in text


def test_provenance_names_the_best_founded_claim_first():
    weak = Claim(kind=ClaimKind.EDITED, basis=Basis.METADATA, text="XMP says so.")
    firm = Claim(kind=ClaimKind.SYNTHETIC, basis=Basis.TRUSTED, text="The maker signed it.")
    text = printed(render(report(Finding(summary="s", claims=(weak, firm)))))
    assert text.index("The maker signed it.") < text.index("XMP says so.")
    assert "counts as a statement" in " ".join(text.split())
    assert "signed by a party on a trust list" in " ".join(text.split())
    assert "proves nothing" in " ".join(printed(render(report())).split())


def test_without_a_number_it_gives_none():
    text = printed(render(report(verdict=verdict(Origin.INCONCLUSIVE, None, llr=0.0))))
    assert "no likelihood" in text
    assert "%" not in text
    assert "times as probable" not in text


def test_lines_for_folders():
    error = MediaError(Reason.TOO_LARGE, "More than 10 bytes.")
    text = printed(failure_line("sub/a.jpg", error), width=40, soft_wrap=True)
    assert text == "✗ not opened             sub/a.jpg (too large: More than 10 bytes.)\n"
    assert "sub/b.jpg" in printed(render_line(report(), name="sub/b.jpg"))
    counted = summary([verdict(), verdict(), verdict(Origin.CAPTURED)], failures=1)
    assert counted.plain == "4 files: 2 synthetic, 1 captured, 1 not opened"


@pytest.mark.parametrize(
    ("times", "words_"),
    [(1, "no"), (1.2, "weak"), (9.99, "weak"), (10, "moderate"), (99, "moderate"),
     (100, "moderately strong"), (1000, "strong"), (10_000, "very strong"),
     (999_999, "very strong"), (1_000_000, "extremely strong")],
)  # fmt: skip
def test_strength_follows_the_scale_both_ways(times, words_):
    assert words.strength(math.log(times)) == f"{words_} support"
    assert words.strength(-math.log(times)) == f"{words_} support"


def test_numbers_in_words_claim_no_more_than_they_can():
    assert [words.percent(p) for p in (0.0, 0.004, 0.5, 0.99, 0.999, 1.0)] == [
        "under 1%", "under 1%", "50%", "99%", "over 99%", "over 99%",
    ]  # fmt: skip
    assert words.chance(0.5) == "about as likely as not"
    assert words.chance(0.02) == "extremely unlikely"
    assert (
        words.ratio(math.log(1234)) == "1,200 times as probable from a generator as from a camera"
    )
    assert words.ratio(-math.log(3)) == "3.0 times as probable from a camera as from a generator"
    assert words.ratio(1e6).startswith("over 1,000,000 times")
    assert words.weight(None) == "not weighed"
    assert words.weight(0.0) == "neither way"
    sizes = {
        0: "0 bytes",
        9_990: "10.0 kB",
        312_044: "312 kB",
        999_600: "1.0 MB",
        2 * 10**9: "2.0 GB",
    }
    assert {n: words.file_size(n) for n in sizes} == sizes
    east = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=9)))
    assert words.moment(east) == "2025-12-31 15:30:00 UTC"


def test_clean_spells_out_what_cannot_be_seen():
    assert clean("a\x1b[0m\u202eb\x00\n") == "a\\x1b[0m\\u202eb\\x00\\n"
    assert clean("a\nb\tc\x07", lines=True) == "a\nb\tc\\x07"
    assert clean("می‌خواهم 👩‍🔬 naïve 東京") == "می‌خواهم 👩‍🔬 naïve 東京"
    assert clean("x" * 7, 5) == "xxxxx… (2 more characters)"


def test_fact_rows_flatten_and_end():
    nested = {"a_b": {"c": [1, 2.5, None, True]}, "d": [{"e": "f\x1b"}, {"e": {}}], "g": []}
    assert fact_rows(nested) == [
        ("a b › c", "1, 2.5, –, yes"), ("d 1 › e", "f\\x1b"), ("d 2 › e", "none"), ("g", "none"),
    ]  # fmt: skip
    deep = {}
    for _ in range(5000):
        deep = {"k": deep}
    assert fact_rows(deep)[0][1] == "…"
    wide = fact_rows({str(n): n for n in range(100_000)}, limit=10)
    assert len(wide) == 11
    assert "JSON" in wide[-1][1]
