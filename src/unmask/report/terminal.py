"""The report for a terminal: verdict first. Nothing is told by colour alone."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from unmask.errors import MediaError
from unmask.evidence import Claim, Failure, Finding, Kind, NotApplicable
from unmask.report import labels, words
from unmask.report.clean import clean, scalar
from unmask.report.sound import Stretches
from unmask.report.stretches import stretches, told
from unmask.scan import Report, Result
from unmask.verdict import Origin, Verdict

Item = TypeVar("Item")
Silent = tuple[str, Failure | NotApplicable]  # the title of an analyser that has no finding

# Text objects throughout, never markup: a file may be called "[red]".
_STYLES = {
    Origin.SYNTHETIC: "red",
    Origin.MANIPULATED: "magenta",
    Origin.CAPTURED: "green",
    Origin.INCONCLUSIVE: "yellow",
}
_MANY = 12  # items shown of one list; a hostile file may bring thousands
_SUMMARY = 300  # characters shown of one summary


def render(report: Report) -> RenderableType:
    """The whole report, for any width from 60 columns on, with or without a terminal."""
    verdict = report.verdict
    return Group(
        _verdict(report),
        *_list("Because", verdict.because),
        *_list("Reasons to hold back", [doubt.text for doubt in verdict.doubts]),
        *_list("What would change this", verdict.would_change),
        *_list("Where in the sound", stretches(report), _stretch),
        *_evidence(report.results, report.kind),
        *_provenance(report.results),
        *_section("What this cannot know", [Text(clean(verdict.limits, 1000))]),
        *_custody(report),
    )


def render_line(report: Report, *, name: str | None = None) -> Text:
    """One file of a folder, in one line; `name` takes the place of the file's own.

    Print it with `soft_wrap=True`, or rich breaks it at the width of the console.
    """
    verdict = report.verdict
    number = "" if verdict.probability is None else words.percent(verdict.probability)
    text = Text()
    text.append(_badge(verdict.origin, 15), style=f"bold {_STYLES[verdict.origin]}")
    text.append(f"{number:>8}  ")
    return text.append(clean(name or report.name, 200))


def failure_line(name: str, error: MediaError) -> Text:
    """A file that could not be opened, in one line; print it with `soft_wrap=True`."""
    text = Text()
    text.append(f"{'✗ not opened':15}", style="bold red")
    text.append(f"{'':>8}  ")
    text.append(clean(name, 200))
    return text.append(f" ({labels.REASONS[error.reason]}: {clean(str(error), 200)})", style="dim")


def _badge(origin: Origin, width: int = 0) -> str:
    return f"{labels.SYMBOLS[origin]} {origin.value}".ljust(width)


def _verdict(report: Report) -> RenderableType:
    verdict, style = report.verdict, _STYLES[report.verdict.origin]
    lines = [
        Text(clean(verdict.headline), style=f"bold {style}"),
        Text(f"{labels.likelihood(verdict, report.kind)}."),
    ]
    if reasoning := labels.reasoning(verdict, report.kind):
        lines.append(Text(clean(reasoning), style="dim"))
    name = Text("\n" + clean(report.name, 200), style="bold")
    what = f"{report.format.upper()} {labels.KINDS[report.kind]}"
    about = ", ".join([clean(what), *_dimensions(report), words.file_size(report.size)])
    return Panel(
        Group(*lines, name, Text(about)),
        title=Text(f" {_badge(verdict.origin).upper()} ", style=f"bold {style}"),
        title_align="left",
        border_style=style,
        box=box.ROUNDED,
    )


def _dimensions(report: Report) -> list[str]:
    facts, shown = report.facts, []
    if facts.get("width") and facts.get("height"):
        shown.append(f"{scalar(facts['width'])} × {scalar(facts['height'])} px")
    if isinstance(facts.get("duration"), int | float):
        shown.append(f"{facts['duration']:.1f} s")
    return shown


def _section(title: str, body: Iterable[RenderableType]) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), *(Padding(part, (0, 0, 0, 2)) for part in body)]


def _list(
    title: str, items: Sequence[Item], say: Callable[[Item], str] = str
) -> list[RenderableType]:
    if not items:
        return []
    table = Table.grid(padding=(0, 1, 0, 0))
    for item in items[:_MANY]:
        table.add_row(Text("•"), Text(clean(say(item))))
    if len(items) > _MANY:
        table.add_row(Text("…"), Text(f"{len(items) - _MANY} more in the JSON report"))
    return _section(title, [table])


def _evidence(results: Sequence[Result], kind: Kind) -> list[RenderableType]:
    """The three outcomes, each under a heading of its own: a failure is no finding."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0), pad_edge=False)
    for header, ratio in (("Analyser", 4), ("Found", 8), ("Weight", 3)):
        table.add_column(header, ratio=ratio, overflow="fold")
    failed: list[Silent] = []
    not_applicable: list[Silent] = []
    found = 0
    for result in results:
        outcome = result.outcome
        if isinstance(outcome, Finding):
            found += 1
            table.add_row(*_row(result, outcome, kind))
        elif isinstance(outcome, Failure):
            failed.append((result.analyser.title, outcome))
        else:
            not_applicable.append((result.analyser.title, outcome))
    return [
        *(_section("Findings ('!' marks the notable)", [table]) if found else []),
        *_list("Failed, and no evidence", failed, _why_silent),
        *_list("Not applicable", not_applicable, _why_silent),
    ]


def _why_silent(silent: Silent) -> str:
    title, outcome = silent
    return f"{clean(title, _SUMMARY)}: {clean(outcome.text, _SUMMARY)} [{outcome.code[:40]}]"


def _row(result: Result, finding: Finding, kind: Kind) -> tuple[Text, Text, Text]:
    mark = "! " if finding.notable else "  "
    title = Text(mark + clean(result.analyser.title), style="bold" if finding.notable else "")
    summary = Text(clean(finding.summary, _SUMMARY))
    for doubt in finding.doubts[:3]:
        summary.append(f"\nBut: {clean(doubt.text, _SUMMARY)}", style="dim")
    weight = Text(labels.weight_of(finding, kind), style="dim" if not finding.llr else "")
    if finding.llr is not None:
        weight.append(f"\nln ratio {finding.llr:+.2f}", style="dim")
    return title, summary, weight


def _stretch(one: Stretches) -> str:
    return f"{one.title}: {told(one)}"


def _provenance(results: Sequence[Result]) -> list[RenderableType]:
    found = labels.claims(results)
    if not found:
        return _section("Provenance", [Text(labels.NO_CLAIMS)])
    return _list("Provenance: what the file says of itself", found, _statement)


def _statement(found: tuple[str, Claim]) -> str:
    claim = found[1]
    text = clean(claim.text, _SUMMARY)
    return f"{labels.CLAIMS[claim.kind].capitalize()}: {text} ({labels.BASES[claim.basis]})"


def _custody(report: Report) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = [
        ("SHA-256", report.sha256),
        ("Size", f"{report.size:,} bytes"),
        ("Scanned", f"{words.moment(report.started)}, in {report.seconds:.1f} s"),
        ("unmask", report.version),
        *(("Weights", f"{clean(name, 60)} {digest}") for name, digest in report.weights.items()),
        ("Libraries", ", ".join(f"{name} {v}" for name, v in report.libraries.items())),
    ]
    for name, value in rows:
        table.add_row(Text(clean(name, 60), style="dim"), Text(clean(value, 1000) or "–"))
    return _section("Chain of custody", [table])


def summary(verdicts: Iterable[Verdict], failures: int) -> Text:
    """How the files of a folder came out, in one line."""
    origins = [verdict.origin for verdict in verdicts]
    counted = [f"{origins.count(o)} {o.value}" for o in Origin if o in origins]
    total = len(origins) + failures
    parts = counted + ([f"{failures} not opened"] if failures else [])
    return Text(f"{total} file{'' if total == 1 else 's'}: " + (", ".join(parts) or "none"))
