"""The HTML report: whole in itself, safe to open, readable by everybody."""

import base64
import io
import math
import re
from datetime import UTC, datetime
from importlib.resources import files

import numpy as np
import pytest
from pages import Html
from PIL import Image
from playwright import sync_api

from unmask.evidence import (
    Basis,
    Claim,
    ClaimKind,
    Doubt,
    Failure,
    Finding,
    Kind,
    NotApplicable,
    Plot,
)
from unmask.registry import Analyser
from unmask.report import labels, pictures
from unmask.report.html_report import to_html
from unmask.scan import Report, Result
from unmask.settings import Settings
from unmask.verdict import Origin, Verdict

HOSTILE = (
    "\"'><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"
    "{{ 7*7 }}{% raw %}&lt;b&gt;\x1b[31m\x00\u202egpj.exe\udcff]]></style></svg><!--"
)
RAMP = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
PLOT = Plot(
    title="Profile", x_label="Frequency", y_label="Power", x=(0.0, 0.1, 0.2, 0.3),
    series={"this": (3.0, 2.0, math.nan, 1.0), "median": (3.1, 2.1, 1.6, 1.1)},
)  # fmt: skip
OUTCOMES = (
    Finding(summary="A grid was found.", llr=1.1, notable=True, heatmap=RAMP, plots=(PLOT,),
            facts={"peaks": [0.25]}, timeline=((0.0, 1.0), (1.0, -2.0)),
            doubts=(Doubt(code="small", text="It is small."),)),
    Finding(summary="Nothing stands out."),
    Failure(code="timeout", text="Stopped after 60 seconds."),
    NotApplicable(code="not_jpeg", text="The file is no JPEG."),
)  # fmt: skip


def report(*outcomes, text="It is so.", **changed):
    def result(number, outcome):
        about = Analyser(
            name=f"a{number}", title=f"Title {number}", kinds=frozenset(Kind), reads=f"R {text}",
            look_for=f"L {text}", ignore=f"I {text}", paper="Doe 2020", analyse=lambda _: outcome,
        )  # fmt: skip
        return Result(analyser=about, outcome=outcome, seconds=0.25)

    verdict = Verdict(
        origin=Origin.SYNTHETIC, headline=f"Likely synthetic {text}", llr=4.2, prior=0.5,
        probability=0.985, strength="moderate support", because=(text,),
        doubts=(Doubt(code=text, text=text),), would_change=(text,), limits=text,
    )  # fmt: skip
    picture = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    fields = {
        "name": f"a.png {text}", "kind": Kind.IMAGE, "format": "png", "mime": "image/png",
        "size": 12_345, "sha256": "ab" * 32, "facts": {text: text}, "verdict": verdict,
        "results": tuple(result(*pair) for pair in enumerate(outcomes)), "preview": picture,
        "started": datetime(2026, 3, 4, 10, 15, 22, tzinfo=UTC), "seconds": 1.5, "version": "0.1.0",
        "libraries": {"numpy": text}, "weights": {text: "cd" * 32}, "settings": Settings(),
    }  # fmt: skip
    return Report(**(fields | changed))


def hostile_report():
    claim = Claim(kind=ClaimKind.EDITED, basis=Basis.METADATA, text=HOSTILE)
    plot = Plot(title=HOSTILE, x_label=HOSTILE, y_label=HOSTILE, x=(0, 1), series={HOSTILE: (0, 1)})
    finding = Finding(
        summary=HOSTILE, llr=1.0, claims=(claim,), doubts=(Doubt(code=HOSTILE, text=HOSTILE),),
        facts={HOSTILE: {HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]}}, heatmap=RAMP, plots=(plot,),
    )  # fmt: skip
    silent = Failure(code=HOSTILE, text=HOSTILE), NotApplicable(code=HOSTILE, text=HOSTILE)
    return report(finding, *silent, text=HOSTILE, format=HOSTILE, mime=HOSTILE, version=HOSTILE)


@pytest.mark.parametrize("of", [report(*OUTCOMES), hostile_report()], ids=["usual", "hostile"])
def test_nothing_breaks_out_and_nothing_is_fetched(of):
    html = to_html(of)
    html.encode()  # no lone surrogate
    page = Html(html)
    assert page.orphans == []
    assert page.open == []
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "link", "base", "form", "a", "b"}
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on") or a == "style"]
    addresses = page.all("src") + page.all("href") + page.all("xlink:href")
    assert addresses
    assert all(re.match(r"data:image/(png|jpeg);base64,|#[\w-]+$", one) for one in addresses)
    style = files("unmask.report").joinpath("style.css").read_text("utf-8")
    assert style in html
    assert not re.search(r"url\(|@import|expression|</", style)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)


def test_hostile_text_is_shown_as_text():
    text = Html(to_html(hostile_report())).text
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\x00", "\\x00")
    shown = shown.replace("\u202e", "\\u202e").replace("\udcff", "\\udcff")
    assert text.count(shown) >= 12
    assert "49" not in text  # {{ 7*7 }}


def test_policy_forbids_scripts_and_requests():
    tags = Html(to_html(report())).tags
    policies = [a["content"] for t, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    rules = dict(rule.split(" ", 1) for rule in policies[0].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "script-src" not in rules
    assert [tag for tag, _ in tags[:3]] == ["html", "head", "meta"]


def test_says_everything_verdict_first():
    text = " ".join(Html(to_html(report(*OUTCOMES))).text.split())
    order = [
        "a.png", "▲ synthetic", "Likely synthetic", "extremely likely to be synthetic (98%)",
        "67 times as probable", "Because", "Reasons to hold back", "would change", "cannot know",
        "Provenance", labels.NO_CLAIMS, "Evidence", "A grid was found.", "Where: Title 0",
        "Profile", "R It is so.", "L It is so.", "I It is so.", "0.25", "Doe 2020",
        "Nothing stands out.", "Failed:", "Title 2: Stopped after 60 seconds.",
        "Not applicable:", "Title 3: The file is no JPEG.", "Chain of custody", "ab" * 32,
        "12,345 bytes", "2026-03-04 10:15:22 UTC", "unmask 0.1.0", "cd" * 32, "analyser seconds",
    ]  # fmt: skip
    place = 0
    for part in order:
        assert part in text[place:], part
        place = text.index(part, place)


def test_is_built_for_screen_readers():
    page = Html(to_html(report(*OUTCOMES)))
    page.readable()
    assert len(page.all("for")) == 3
    drawings = [attrs for tag, attrs in page.tags if tag == "svg" and "aria-hidden" not in attrs]
    assert len(drawings) == 5  # picture, gauge, heatmap, timeline, plot
    assert all("aria-label" in a or "aria-labelledby" in a for a in drawings)


def test_the_heatmap_in_the_page_is_the_heatmap():
    page = Html(to_html(report(*OUTCOMES)))
    address = next(
        a["href"] for tag, a in page.tags if tag == "image" and a.get("class") == "layer"
    )
    picture = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB")
    expected = pictures.colours()[np.round(RAMP * 255).astype(np.uint8)]
    np.testing.assert_array_equal(np.asarray(picture), expected)


@pytest.mark.parametrize("preview", [None, np.zeros((1, 1, 3), np.uint8)])
def test_bears_little_and_much(preview):
    claim = Claim(kind=ClaimKind.EDITED, basis=Basis.METADATA, text="x" * 1_000_000)
    facts = {str(n): "y" * 10_000 for n in range(10_000)}
    odd = Finding(summary="z" * 1_000_000, claims=(claim,) * 3000, facts=facts, heatmap=RAMP)
    empty = Finding(summary="", heatmap=np.zeros((0, 0), np.float32), timeline=((0.0, math.nan),))
    html = to_html(report(odd, empty, preview=preview))
    assert len(html) < 500_000
    assert "2960 more" in html
    assert Html(html).orphans == []


def luminance(colour):
    value = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in value]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_text_and_lines_stand_out_by_day_by_night_and_on_paper():
    style = files("unmask.report").joinpath("style.css").read_text("utf-8")
    themes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(themes) == 3
    for theme in themes:
        # #fff is short for #ffffff
        found = dict(re.findall(r"--([\w-]+): (#\w+);", theme))
        full = {
            n: v if len(v) == 7 else "#" + "".join(2 * c for c in v[1:]) for n, v in found.items()
        }
        for name in full.keys() - {"paper", "card", "edge"}:
            for ground in ("paper", "card"):
                pair = sorted((luminance(full[name]), luminance(full[ground])))
                assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (name, ground)


@pytest.mark.browser
def test_works_in_a_browser(tmp_path, chromium):
    (tmp_path / "report.html").write_text(to_html(hostile_report()), encoding="utf-8")
    complaints, requests = [], []
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 375, "height": 800}, color_scheme="dark")
        page.on("console", lambda message: complaints.append(message.text))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url[:5]))
        page.goto((tmp_path / "report.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        page.locator("#half1").focus()
        opacity = "e => getComputedStyle(e).opacity"
        assert page.locator(".layer").evaluate(opacity) == "0.6"
        page.keyboard.press("ArrowRight")
        assert page.locator(".layer").evaluate(opacity) == "1"
        browser.close()
    assert complaints == []
    assert set(requests) <= {"file:", "data:"}
