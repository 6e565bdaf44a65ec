"""The words of a text, marked by how expected each was."""

from unmask.app.page_html import heading, show
from unmask.evidence import Finding
from unmask.report import tokens
from unmask.scan import Report


def words(report: Report) -> None:
    """The section, for each analysis that looked at the words of a text."""
    for result in report.results:
        if isinstance(result.outcome, Finding):
            drawn = tokens.marked(result.outcome.facts)
            if drawn is not None:
                heading(f"Word by word: {result.analyser.title}")
                show(drawn)
