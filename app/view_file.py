"""The file and the run: what another person needs to repeat it."""

from markupsafe import Markup

from unmask.app.page_html import folded, heading, show, table
from unmask.report import words
from unmask.report.clean import fact_rows
from unmask.report.json_report import settings_json
from unmask.scan import Report


def custody(report: Report) -> None:
    """The section: SHA-256, versions, settings, facts."""
    heading("The file and the run", "Whoever holds a file with this SHA-256 can repeat the run.")
    rows = [
        ("File name", report.name),
        ("SHA-256", report.sha256),
        ("Size", f"{report.size:,} bytes"),
        ("Type, by its bytes", f"{report.format} ({report.mime})"),
        ("Scanned", f"{words.moment(report.started)}, in {report.seconds:.1f} s"),
        ("Tool", f"unmask {report.version}"),
        *((f"Weights {name}", digest) for name, digest in report.weights.items()),
        ("Libraries", ", ".join(f"{name} {v}" for name, v in report.libraries.items())),
    ]
    show(table(rows, "The file and the run"))
    more = (
        ("About the file", fact_rows(report.facts)),
        ("Settings of the run", fact_rows(settings_json(report.settings))),
    )
    show(
        Markup().join(
            folded(Markup('<span class="title">{}</span>').format(title), table(facts, title))
            for title, facts in more
            if facts
        )
    )
