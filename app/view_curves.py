"""Curves: the spectrum and others, and a clip over time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from markupsafe import Markup

from unmask.app.examining import Examined
from unmask.app.page_html import heading, listing, said, show, unbroken
from unmask.app.view_analyses import guide
from unmask.evidence import Finding, Plot
from unmask.report import chart, words
from unmask.report.clean import clean
from unmask.scan import Report, Result

_POINTS = 2000  # of one series; more only slows the browser
# Told apart on white and on black alike (3:1 or more), and each has a dash of its own besides.
_COLOURS = ["#2f83cc", "#d9652a", "#178f73", "#c05a9c", "#927f1e", "#80858f"]
_TOWARDS = "above 0 towards synthetic, below 0 towards genuine"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A plot with the result that it belongs to."""

    result: Result
    plot: Plot


def curves_of(report: Report) -> list[Curve]:
    """Every plot that has something to draw, in the order of the report."""
    return [
        Curve(result=result, plot=plot)
        for result in report.results
        if isinstance(result.outcome, Finding)
        for plot in result.outcome.plots
        if chart.chart(plot) is not None
    ]


@st.fragment
def curves(report: Report) -> None:
    """The section; one curve at a time, with how to read it."""
    with unbroken():
        found = curves_of(report)
        if not found:
            return
        heading("Curves")
        names = [f"{one.result.analyser.title}: {one.plot.title}" for one in found]
        index = st.selectbox(
            "Which curve",
            range(len(found)),
            format_func=lambda i: names[i],
            key=f"curve-{report.sha256}",
        )
        _draw(found[index].plot)
        outcome, about = found[index].result.outcome, found[index].result.analyser
        if isinstance(outcome, Finding):
            show(Markup("<p>{}</p>{}").format(said(outcome.summary), guide(about)))


@st.fragment
def timeline(examined: Examined) -> None:
    """A clip over time: what each sampled frame weighs, and the frames themselves."""
    with unbroken():
        plots = _timelines(examined.report)
        if examined.frames:
            heading("Over time", f"{len(examined.frames)} frames were sampled evenly. What happens "
                    "between them was not seen.")  # fmt: skip
        elif plots:
            heading("Over time")
        for plot in plots:
            _draw(plot, zero=True)
        if examined.frames:
            _strip(examined)


def _timelines(report: Report) -> list[Plot]:
    plots = []
    for result in report.results:
        if isinstance(result.outcome, Finding) and len(result.outcome.timeline) > 1:
            points = sorted(result.outcome.timeline)
            plots.append(
                Plot(
                    title=f"{result.analyser.title} ({_TOWARDS})",
                    x_label="Second",
                    y_label="ln likelihood ratio",
                    x=tuple(second for second, _ in points),
                    series={"Samples": tuple(llr for _, llr in points)},
                )
            )
    return plots


def _strip(examined: Examined) -> None:
    frames = examined.frames
    index = 0
    if len(frames) > 1:
        index = st.select_slider(
            "Frame, by its second",
            range(len(frames)),
            format_func=lambda i: f"{frames[i].time:.2f} s",
            key=f"frame-{examined.report.sha256}",
        )
    chosen = frames[index]
    left, right = st.columns([3, 2], gap="medium")
    second = f"{chosen.time:.2f}"
    left.image(chosen.jpeg, width="stretch", alt=f"The frame at second {second}")
    kind = "A keyframe, stored whole." if chosen.key else "Stored as changes to other frames."
    with right:
        show(Markup("<h3>Second {}</h3><p>{}</p>").format(second, kind))
        show(listing(_weights(examined.report, chosen.time)))
    times = [f"{frame.time:.1f} s" for frame in frames]
    st.image([frame.jpeg for frame in frames], caption=times, width=106,
             alt=[f"Sampled frame at {time}" for time in times])  # fmt: skip


def _weights(report: Report, time: float) -> list[str]:
    """What each analysis with a timeline found in the frame nearest to `time`."""
    rows = []
    for result in report.results:
        if isinstance(result.outcome, Finding) and result.outcome.timeline:
            _, llr = min(result.outcome.timeline, key=lambda point: abs(point[0] - time))
            rows.append(
                f"{result.analyser.title}: {words.ratio(llr, report.kind)}"
                f" ({words.weight(llr, report.kind)})"
            )
    return rows


def _draw(plot: Plot, *, zero: bool = False) -> None:
    drawn = chart.timeline(_pairs(plot)) if zero else chart.chart(plot)
    show(Markup("<h3>{}</h3>").format(said(plot.title)))
    st.vega_lite_chart(specification(plot, zero=zero), width="stretch")
    if drawn is not None:
        show(Markup('<p class="small">{}</p>').format(said(drawn.description)))


def _pairs(plot: Plot) -> list[tuple[float, float]]:
    return [(x, y) for ys in plot.series.values() for x, y in zip(plot.x, ys, strict=False)]


def specification(plot: Plot, *, zero: bool = False) -> dict[str, Any]:
    """A plot as Vega-Lite, values inside: series differ by dash as well as by colour.

    `zero` marks each value and draws y = 0. Values that are not finite leave gaps.
    """
    line: dict[str, Any] = {
        "mark": {"type": "line", "point": zero, "clip": True},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": clean(plot.x_label, 80)},
            "y": {
                "field": "y",
                "type": "quantitative",
                "title": clean(plot.y_label, 80),
                "scale": {"zero": zero},
            },
        },
    }
    if len(plot.series) > 1:
        series = {"field": "series", "type": "nominal", "title": None, "sort": None,
                  "legend": {"orient": "bottom"}}  # fmt: skip
        line["encoding"] |= {
            "color": series | {"scale": {"range": _COLOURS}},
            "strokeDash": series,
        }
    layers = [line]
    if zero:
        layers.append({"mark": {"type": "rule", "strokeDash": [4, 4], "color": "#80858f"},
                       "encoding": {"y": {"datum": 0}}})  # fmt: skip
    return {
        "description": f"{clean(plot.title, 120)}: {clean(plot.y_label, 80)} over "
        f"{clean(plot.x_label, 80)}",
        "height": 340,
        "data": {"values": _values(plot.x, plot.series)},
        "layer": layers,
    }


def _values(
    x: Sequence[float], series: Mapping[str, Sequence[float]]
) -> list[dict[str, float | str | None]]:
    rows: list[dict[str, float | str | None]] = []
    for name, ys in list(series.items())[: len(_COLOURS)]:
        step = max(1, math.ceil(len(x) / _POINTS))
        label = clean(name, 40)
        for at in range(0, min(len(x), len(ys)), step):
            # The extreme of each step, so that a narrow peak survives the thinning.
            part = [y for y in ys[at : at + step] if math.isfinite(y)]
            y = max(part, key=abs) if part else None
            if math.isfinite(x[at]):
                rows.append(
                    {"x": float(x[at]), "y": None if y is None else float(y), "series": label}
                )
    return rows
