"""The verdict: what is read first, and by most people alone."""

import streamlit as st
from markupsafe import Markup

from unmask.app.page_html import listing, said, show
from unmask.report import labels, words
from unmask.report.clean import scalar
from unmask.report.html_report import to_html
from unmask.report.json_report import dumps
from unmask.scan import Report
from unmask.verdict import Verdict


def verdict(report: Report) -> None:
    """The answer in a word, a sign, a number and its reasons, with the picture beside it."""
    picture = report.preview
    if picture is None or picture.size == 0:
        show(_answer(report))
    else:
        left, right = st.columns([3, 1.4], gap="medium")
        with left:
            show(_answer(report))
        with right, st.container(key="preview"):
            st.image(
                picture,
                output_format="JPEG",
                width="stretch",
                alt=f"The examined {labels.KINDS[report.kind]}, reduced",
            )
    show(_reasons(report.verdict))
    _downloads(report)


def _answer(report: Report) -> Markup:
    verdict = report.verdict
    return Markup(
        '<section class="verdict {origin}" role="status" aria-label="Verdict">'
        '<p class="badge"><span aria-hidden="true">{symbol}</span> {origin}</p>'
        '<h2 class="headline">{headline}</h2><p class="likelihood">{likelihood}.</p>'
        '{gauge}<p class="small">{reasoning}</p><p class="small">{name} ({what})</p></section>'
    ).format(
        origin=verdict.origin.value,
        symbol=labels.SYMBOLS[verdict.origin],
        headline=said(verdict.headline),
        likelihood=said(labels.likelihood(verdict, report.kind)),
        gauge=_gauge(verdict, words.SIDES[report.kind]),
        reasoning=said(labels.reasoning(verdict, report.kind)),
        name=said(report.name),
        what=", ".join(_particulars(report)),
    )


def _particulars(report: Report) -> list[str]:
    facts = report.facts
    parts = [f"{report.format.upper()} {labels.KINDS[report.kind]}"]
    if facts.get("width") and facts.get("height"):
        parts.append(f"{scalar(facts['width'])} × {scalar(facts['height'])} pixels")
    if isinstance(facts.get("duration"), int | float):
        parts.append(f"{facts['duration']:.1f} s")
    return [*parts, words.file_size(report.size)]


def _gauge(verdict: Verdict, sides: words.Sides) -> Markup:
    """Where the likelihood and the starting point stand between the two sides."""
    if verdict.probability is None:
        return Markup()
    # Of HTML: Streamlit takes SVG out of what it shows.
    return Markup(
        '<div class="gauge" role="img" aria-label="{label}"><div class="track">'
        '<span class="prior" style="left: {start:.1f}%"></span>'
        '<span class="mark" style="left: {mark:.1f}%"></span></div>'
        '<div class="ends" aria-hidden="true"><span>{taken}</span><span>| starting point</span>'
        "<span>{made}</span></div></div>"
    ).format(
        label=f"Probability of being {sides.adjective} {words.percent(verdict.probability)}, "
        f"starting point {words.percent(verdict.prior)}",
        taken=sides.taken,
        made=sides.made,
        start=100 * verdict.prior,
        mark=100 * verdict.probability,
    )


def _reasons(verdict: Verdict) -> Markup:
    because = list(verdict.because) or ["Nothing was found that speaks either way."]
    parts = (
        ("Because", because),
        ("Reasons to hold back", [doubt.text for doubt in verdict.doubts]),
        ("What would change this answer", list(verdict.would_change)),
    )
    blocks = [
        Markup("<section><h3>{}</h3>{}</section>").format(title, listing(items))
        for title, items in parts
        if items
    ]
    return Markup('<div class="reasons">{}</div>').format(Markup().join(blocks))


def _downloads(report: Report) -> None:
    # Named by us: the file's own name is a stranger's.
    stem = f"unmask-{report.sha256[:12]}"
    with st.container(horizontal=True):
        st.download_button(
            "Report for people (HTML)",
            lambda: to_html(report),
            file_name=f"{stem}.html",
            mime="text/html",
            on_click="ignore",
            key=f"html-{report.sha256}",
        )
        st.download_button(
            "Report for programs (JSON)",
            lambda: dumps(report),
            file_name=f"{stem}.json",
            mime="application/json",
            on_click="ignore",
            key=f"json-{report.sha256}",
        )
