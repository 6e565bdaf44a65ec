"""The report for fact-checkers: one HTML file that fetches nothing and runs nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from unmask.evidence import Failure, Finding, Kind, NotApplicable
from unmask.registry import Analyser
from unmask.report import chart, labels, pictures, tokens, words
from unmask.report.clean import fact_rows
from unmask.report.environment import POLICY, environment, read
from unmask.report.json_report import settings_json
from unmask.report.sound import figure
from unmask.report.stretches import stretches, told
from unmask.scan import Report, Result

_MANY = 40  # claims, reasons, findings without notice: a hostile file may bring thousands


@dataclass(frozen=True, kw_only=True)
class Card:
    """One finding, ready to be drawn."""

    number: int
    analyser: Analyser
    finding: Finding
    word: str
    weight: str
    ratio: str  # empty where not weighed
    facts: list[tuple[str, str]]
    heatmap: Markup | None
    tokens: Markup | None  # the marked words of a text
    charts: tuple[chart.Chart, ...]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The preview, held once in the page and drawn wherever it is needed."""

    width: int
    height: int
    address: Markup


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The waveform and spectrogram, and the sound itself where it is small."""

    width: int
    height: int
    address: Markup
    player: Markup  # empty where it would make the page large
    stretches: tuple[tuple[str, str], ...]  # (title of an analysis, times)


def to_html(report: Report) -> str:
    """The report as one self-contained HTML page."""
    results = report.results
    template = environment("unmask.report", lines=True).get_template("template.html.j2")
    return template.render(
        report=report,
        verdict=report.verdict,
        policy=Markup(POLICY),
        style=Markup(read("unmask.report", "style.css")),
        labels=labels,
        words=words,
        many=_MANY,
        picture=_picture(report),
        sound=_sound(report),
        stops=_stops(),
        gauge=_gauge(report),
        cards=_cards(results, report.kind),
        claims=labels.claims(results),
        failures=_silent(results, Failure),
        not_applicable=_silent(results, NotApplicable),
        file_facts=fact_rows(report.facts),
        settings=fact_rows(settings_json(report.settings)),
        size=(chart.WIDTH, chart.HEIGHT),
    )


def _picture(report: Report) -> Picture | None:
    preview = report.preview
    if preview is None or preview.size == 0:
        return None
    height, width = preview.shape[:2]
    return Picture(width=width, height=height, address=Markup(pictures.jpeg_data_uri(preview)))


def _sound(report: Report) -> Sound | None:
    if report.sound is None:
        return None
    found = stretches(report)
    drawn = figure(report.sound, found)
    player = report.sound.player
    return Sound(
        width=drawn.shape[1],
        height=drawn.shape[0],
        address=Markup(pictures.png_data_uri(drawn)),
        player=Markup(pictures.data_uri(player, "audio/wav")) if player else Markup(),
        stretches=tuple((one.title, told(one)) for one in found),
    )


def _stops() -> list[tuple[str, Markup]]:
    """The heat scale as stops of a gradient."""
    table = pictures.colours()
    return [
        (f"{index / 255:.0%}", Markup("#{:02x}{:02x}{:02x}").format(*table[index].tolist()))
        for index in range(0, 256, 15)
    ]


def _gauge(report: Report) -> tuple[float, float] | None:
    """Where the probability and the starting point stand, in 0 to 100."""
    verdict = report.verdict
    if verdict.probability is None:
        return None
    return 100 * verdict.probability, 100 * verdict.prior


def _cards(results: Sequence[Result], kind: Kind) -> list[Card]:
    found = ((r.analyser, r.outcome) for r in results if isinstance(r.outcome, Finding))
    return [_card(number, kind, *pair) for number, pair in enumerate(found, 1)]


def _card(number: int, kind: Kind, analyser: Analyser, finding: Finding) -> Card:
    heat = finding.heatmap
    drawn: Iterable[chart.Chart | None] = (
        chart.timeline(finding.timeline),
        *(chart.chart(plot) for plot in finding.plots[:8]),
    )
    return Card(
        number=number,
        analyser=analyser,
        finding=finding,
        word=labels.outcome_word(finding),
        weight=labels.weight_of(finding, kind),
        ratio="" if finding.llr is None else words.ratio(finding.llr, kind),
        facts=fact_rows(tokens.table_facts(finding.facts)),
        tokens=tokens.marked(finding.facts),
        heatmap=None if heat is None or heat.size == 0 else _coloured(heat),
        charts=tuple(one for one in drawn if one is not None),
    )


def _coloured(heat: NDArray[np.float32]) -> Markup:
    return Markup(pictures.heatmap_data_uri(heat))


def _silent(
    results: Sequence[Result], outcome: type[Failure] | type[NotApplicable]
) -> list[tuple[Analyser, Failure | NotApplicable]]:
    return [(r.analyser, r.outcome) for r in results if isinstance(r.outcome, outcome)]
