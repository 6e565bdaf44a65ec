"""Every analysis with its outcome; the three outcomes are kept apart."""

import streamlit as st
from markupsafe import Markup

from unmask.app.page_html import folded, heading, listing, said, show, table
from unmask.evidence import Failure, Finding, Kind, NotApplicable
from unmask.registry import Analyser
from unmask.report import labels, tokens, words
from unmask.report.clean import fact_rows
from unmask.scan import Report, Result


def guide(analyser: Analyser) -> Markup:
    """How to read an analysis: what it reads, what to look for, what to ignore, the paper."""
    parts = (
        ("What it reads", analyser.reads),
        ("Look for", analyser.look_for),
        ("Ignore", analyser.ignore),
        ("Method", analyser.paper),
    )
    rows = [Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(n, said(t)) for n, t in parts]
    return Markup('<dl class="guide">{}</dl>').format(Markup().join(rows))


def analyses(report: Report) -> None:
    """The section: findings first, then what broke, then what had nothing to say."""
    found = [r for r in report.results if isinstance(r.outcome, Finding)]
    broken = [r for r in report.results if isinstance(r.outcome, Failure)]
    silent = [r for r in report.results if isinstance(r.outcome, NotApplicable)]
    heading(
        "Every analysis",
        f"{len(found)} with a finding, {len(broken)} failed, {len(silent)} not applicable. "
        "Only findings are evidence.",
    )
    if found:
        show(Markup().join(_card(result, report.kind) for result in found))
    for title, results in (
        ("Failed: these broke, which is no evidence", broken),
        ("Not applicable: nothing to say of this file, which is no evidence", silent),
    ):
        if results:
            rows = Markup().join(_silent(result) for result in results)
            show(Markup("<h3>{}</h3>{}").format(title, rows))


def _card(result: Result, kind: Kind) -> Markup:
    finding = result.outcome
    if not isinstance(finding, Finding):
        return Markup()
    mark = Markup('<strong class="mark">! notable</strong> ') if finding.notable else ""
    summary = Markup('<span class="title">{}</span> {}<span class="tag">{}</span>').format(
        said(result.analyser.title), mark, words.weight(finding.llr, kind)
    )
    summary += Markup('<span class="gist">{}</span>').format(said(finding.summary))
    return folded(summary, Markup().join(_details(result, finding, kind)))


def _details(result: Result, finding: Finding, kind: Kind) -> list[Markup]:
    if finding.llr is None:
        weight = "Not calibrated on known files, so it is shown and not counted."
    else:
        found = words.ratio(finding.llr, kind)
        weight = f"What was found is {found} (ln ratio {finding.llr:+.2f})."
    parts = [Markup('<p class="small">{} It took {:.1f} s.</p>').format(weight, result.seconds)]
    if finding.doubts:
        parts.append(
            Markup("<p><strong>Do not lean on this alone:</strong></p>{}").format(
                listing([doubt.text for doubt in finding.doubts])
            )
        )
    parts.append(guide(result.analyser))
    if rows := fact_rows(tokens.table_facts(finding.facts)):
        parts.append(table(rows, f"Facts of {result.analyser.title}"))
    return parts


def _silent(result: Result) -> Markup:
    outcome = result.outcome
    if isinstance(outcome, Finding):
        return Markup()
    summary = Markup('<span class="title">{}</span><span class="gist">{}</span>').format(
        said(result.analyser.title), said(outcome.text)
    )
    code = Markup('<p class="small">{}, code <code>{}</code></p>').format(
        labels.outcome_word(outcome).capitalize(), said(outcome.code)
    )
    return folded(summary, code + guide(result.analyser))


def catalogue(known: list[Analyser]) -> None:
    """All analyses that are installed, before any file is given."""
    with st.expander(f"The {len(known)} analyses, and how to read them"):
        rows = [
            folded(Markup('<span class="title">{}</span>').format(said(one.title)), guide(one))
            for one in known
        ]
        show(Markup().join(rows))
