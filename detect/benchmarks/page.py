"""The page of an evaluation of texts or of speech: a summary in plain words, then every table."""

from unmask.detect.benchmarks import page_answers, page_compared, page_results, page_run
from unmask.detect.benchmarks.nouns import of
from unmask.detect.benchmarks.tables import POOLED, Benchmark, GroupRow
from unmask.detect.evaluation.page_parts import Page
from unmask.detect.evaluation.page_words import FIGURE, SHARE, count, named
from unmask.report.clean import clean


def page(given: Benchmark) -> Page:
    """All that the Markdown and the HTML page say."""
    nouns = of(given.medium)
    total = sum(n for _, _, _, n in page_run.counted(given))
    return Page(
        title=f"{count(len(given.detectors), 'detector')} on {nouns.many}, {total:,} in all",
        headline=headline(given),
        points=points(given),
        warnings=tuple(clean(text, 500) for text in given.warnings),
        version=clean(given.version),
        sections=tuple(
            section
            for section in (
                page_run.data(given),
                page_results.pooled(given),
                *page_results.groups(given),
                page_compared.fixed_fpr(given),
                page_answers.decisions(given),
                page_answers.alarms(given),
                page_answers.abstentions(given),
                page_compared.paired(given),
                page_answers.calibration(given),
                page_run.leaks(given),
                page_run.speed(given),
                page_run.failures(given),
                page_run.repeat(given),
            )
            if section is not None
        ),
    )


def pooled_rows(given: Benchmark) -> list[GroupRow]:
    """The rows of all generators together."""
    return [one for one in given.rows if one.by == POOLED]


def headline(given: Benchmark) -> str:
    """The best detector in a sentence."""
    rows = [one.row for one in pooled_rows(given) if one.row.auc]
    if not rows:
        return "Nothing could be compared: a class is missing, or no detector gave a score"
    best = max(rows, key=lambda row: row.auc.value if row.auc else 0.0)
    where = f"{named(best.detector)} ({named(best.perturbation)})"
    assert best.auc is not None
    return f"Best: {where}, AUC {FIGURE.both(best.auc)}"


def points(given: Benchmark) -> tuple[str, ...]:
    """What to know of each detector, in plain words."""
    nouns = of(given.medium)
    found = []
    for one in pooled_rows(given):
        row = one.row
        if row.auc is None:
            continue
        text = (
            f"{named(row.detector)}, {named(row.perturbation)}: AUC {FIGURE.both(row.auc)} on "
            f"{row.n_real:,} {nouns.real} and {row.n_fake:,} {nouns.fake}"
        )
        if row.tpr_at_fpr_5 is not None:
            text += f"; at 5% false alarms it finds {SHARE.both(row.tpr_at_fpr_5)}"
        found.append(text + ".")
    for name, reasons in given.failures.items():
        found.append(f"{named(name)} gave no answer on {count(len(reasons), nouns.one)}.")
    return tuple(found)
