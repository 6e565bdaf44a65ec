"""The report for programs. `schema-1.json` beside this file describes it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

import unmask
from unmask.errors import MediaError
from unmask.evidence import Failure, Finding, Outcome, Plot
from unmask.report import pictures, words
from unmask.report.clean import json_value
from unmask.scan import Report, Result
from unmask.settings import Settings

SCHEMA_VERSION = 1
_HOT = 0.5  # cells of a heatmap from here on count as hot in its summary


def to_json(report: Report, *, heatmaps: bool = False) -> dict[str, Any]:
    """A report as JSON values. `heatmaps` adds each heatmap as a grey PNG in base64.

    A heatmap without it is its shape and a summary. NaN and infinities are null.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "status": "scanned",
        "file": {
            "name": report.name,
            "kind": report.kind.value,
            "format": report.format,
            "mime": report.mime,
            "size": report.size,
            "sha256": report.sha256,
            "facts": report.facts,
        },
        "verdict": asdict(report.verdict),
        "results": [_result(result, heatmaps) for result in report.results],
        "custody": {
            "tool": "unmask",
            "version": report.version,
            "started": words.moment(report.started).replace(" UTC", "Z").replace(" ", "T"),
            "seconds": round(report.seconds, 3),
            "libraries": report.libraries,
            "weights": report.weights,
            "settings": settings_json(report.settings),
        },
    }
    clean: dict[str, Any] = json_value(document)
    return clean


def failure_to_json(name: str, error: MediaError) -> dict[str, Any]:
    """The document that stands in for a report where the file could not be opened."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "status": "unreadable",
        "file": {"name": name},
        "error": {"reason": error.reason.value, "message": str(error)},
        "custody": {"tool": "unmask", "version": unmask.__version__},
    }
    clean: dict[str, Any] = json_value(document)
    return clean


def dumps(answer: Report | Mapping[str, Any]) -> str:
    """A report, or a document of this module, as indented JSON.

    ASCII throughout, so that no terminal acts on what a file name holds.
    """
    return json.dumps(_document(answer), indent=2, allow_nan=False)


def dumps_line(answer: Report | Mapping[str, Any], *, name: str | None = None) -> str:
    """The same in one line, for JSON Lines; `name` takes the place of the file's own."""
    document = _document(answer)
    if name is not None:
        document = document | {"file": document["file"] | {"name": json_value(name)}}
    return json.dumps(document, allow_nan=False)


def _document(answer: Report | Mapping[str, Any]) -> dict[str, Any]:
    return to_json(answer) if isinstance(answer, Report) else dict(answer)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of every document that this module writes."""
    text = files("unmask.report").joinpath(f"schema-{SCHEMA_VERSION}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def settings_json(settings: Settings) -> dict[str, Any]:
    """The settings as JSON values; trust anchors by file name, so that no home folder leaks."""
    return asdict(settings) | {"user_anchors": [path.name for path in settings.user_anchors]}


def _result(result: Result, heatmaps: bool) -> dict[str, Any]:
    about = result.analyser
    head = {
        "analyser": about.name,
        "title": about.title,
        "paper": about.paper,
        "seconds": round(result.seconds, 3),
    }
    return head | _outcome(result.outcome, heatmaps)


def _outcome(outcome: Outcome, heatmaps: bool) -> dict[str, Any]:
    if not isinstance(outcome, Finding):
        failed = isinstance(outcome, Failure)
        word = "failed" if failed else "not_applicable"
        return {"outcome": word, "code": outcome.code, "text": outcome.text}
    heat = outcome.heatmap
    return {
        "outcome": "finding",
        "summary": outcome.summary,
        "llr": outcome.llr,
        "notable": outcome.notable,
        "claims": [asdict(claim) for claim in outcome.claims],
        "doubts": [asdict(doubt) for doubt in outcome.doubts],
        "facts": outcome.facts,
        "heatmap": None if heat is None or heat.size == 0 else _heatmap(heat, heatmaps),
        "timeline": [{"second": second, "llr": llr} for second, llr in outcome.timeline],
        "plots": [_plot(plot) for plot in outcome.plots],
    }


def _plot(plot: Plot) -> dict[str, Any]:
    return {
        "title": plot.title,
        "x_label": plot.x_label,
        "y_label": plot.y_label,
        "x": plot.x,
        "series": plot.series,
    }


def _heatmap(heat: NDArray[np.float32], inline: bool) -> dict[str, Any]:
    values = np.clip(np.nan_to_num(heat.astype(np.float64), nan=0, posinf=1, neginf=0), 0, 1)
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    height, width = values.shape
    summary = {
        "shape": [height, width],
        "mean": round(float(values.mean()), 4),
        "max": round(float(values.max()), 4),
        "hot_share": round(float((values >= _HOT).mean()), 4),
        "peak": [round((int(column) + 0.5) / width, 4), round((int(row) + 0.5) / height, 4)],
    }
    if inline:
        png = pictures.png_bytes(pictures.levels(heat))
        summary["png"] = base64.b64encode(png).decode("ascii")
    return summary
