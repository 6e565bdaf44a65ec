"""Where in the picture: the map of an analysis over it, the picture itself beside."""

import numpy as np
import streamlit as st
from markupsafe import Markup
from numpy.typing import NDArray

from unmask.app.page_html import heading, said, show, unbroken
from unmask.app.view_analyses import guide
from unmask.evidence import Finding
from unmask.report import labels, pictures
from unmask.scan import Report, Result


def mapped(report: Report) -> list[tuple[Result, Finding]]:
    """The findings that come with a map, those first that are most worth a look."""
    found = [
        (result, result.outcome)
        for result in report.results
        if isinstance(result.outcome, Finding)
        and result.outcome.heatmap is not None
        and result.outcome.heatmap.ndim == 2
        and result.outcome.heatmap.size > 0
    ]
    return sorted(found, key=lambda pair: _rank(pair[1]))


def _rank(finding: Finding) -> tuple[bool, bool, bool]:
    return not finding.notable, finding.llr is None, not _stands_out(finding.heatmap)


def _stands_out(heatmap: NDArray[np.float32] | None) -> bool:
    """Whether any part of a map is in the upper half of the scale."""
    return heatmap is not None and bool(pictures.levels(heatmap).max() >= 128)


@st.fragment
def maps(report: Report) -> None:
    """The section; a fragment, so that its slider does not run the page again."""
    with unbroken():
        results = mapped(report)
        if not results:
            return
        heading("Where in the picture", "Bright parts stand out from the rest. They are a reason "
                "to look closer there, no proof of anything.")  # fmt: skip
        left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
        titles = [
            f"{'! ' if finding.notable else ''}{result.analyser.title}"
            for result, finding in results
        ]
        index = left.selectbox(
            "Map of which analysis",
            range(len(results)),
            format_func=lambda i: titles[i],
            key=f"map-{report.sha256}",
        )
        opacity = right.slider(
            "Strength of the map over the picture",
            min_value=0,
            max_value=100,
            value=60,
            step=5,
            format="%d%%",
            key=f"opacity-{report.sha256}",
        )
        _pair(report, *results[index], opacity / 100)


def _pair(report: Report, result: Result, finding: Finding, opacity: float) -> None:
    heatmap = finding.heatmap
    if heatmap is None:
        return
    original = report.preview if report.preview is not None else _blank(heatmap)
    blended = pictures.overlay(original, heatmap, opacity)
    left, right = st.columns(2, gap="medium")
    kind = labels.KINDS[report.kind]
    left.image(original, output_format="JPEG", width="stretch", caption=f"The {kind}",
               alt=f"The examined {kind}")  # fmt: skip
    right.image(blended, output_format="JPEG", width="stretch", caption="With the map",
                alt=f"The {kind} under the map of {result.analyser.title}")  # fmt: skip
    show(_scale())
    empty = "" if _stands_out(heatmap) else " No part of this map stands out."
    show(Markup("<p>{}{}</p>{}").format(said(finding.summary), empty, guide(result.analyser)))


def _blank(heatmap: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A grey ground in the shape of a map that comes without a picture."""
    height, width = pictures.levels(heatmap).shape
    return np.full((height, width, 3), 127, np.uint8)


def _scale() -> Markup:
    table = pictures.colours()
    stops = ", ".join(f"rgb({r} {g} {b})" for r, g, b in table[::15].tolist())
    return Markup(
        '<p class="scale"><span>least suspicious</span>'
        '<span class="ramp" style="background: linear-gradient(to right, {})"></span>'
        "<span>most suspicious</span></p>"
    ).format(stops)
