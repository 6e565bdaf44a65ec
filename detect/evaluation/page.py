"""The page of an evaluation: a summary in plain words, then every table."""

from unmask.detect.evaluation import (
    page_calibration,
    page_differences,
    page_grid,
    page_results,
    page_run,
    page_summary,
    page_trust,
)
from unmask.detect.evaluation.page_lookup import Lookup
from unmask.detect.evaluation.page_parts import Page
from unmask.detect.evaluation.page_words import count
from unmask.detect.evaluation.tables import Evaluation
from unmask.report.clean import clean


def page(evaluation: Evaluation) -> Page:
    """All that the Markdown and the HTML page say."""
    look = Lookup(evaluation=evaluation)
    pictures = sum(page_run.counts(evaluation.data))
    return Page(
        title=f"{count(len(look.detectors), 'detector')} on {count(pictures, 'picture')}",
        headline=page_summary.headline(look),
        points=page_summary.points(look),
        warnings=page_summary.warnings(look),
        version=clean(evaluation.version),
        sections=(
            page_run.data(look),
            page_results.results(look),
            page_grid.perturbed(look),
            page_differences.compared(look),
            page_trust.sources(look),
            page_calibration.calibration(look),
            page_calibration.coverage(look),
            page_trust.predictive(look),
            page_trust.leaks(look),
            page_run.speed(look),
            page_run.failures(look),
            page_run.repeat(look),
        ),
    )
