"""What is found at RAID's thresholds, and differences between detectors."""

from unmask.detect.benchmarks.nouns import of
from unmask.detect.benchmarks.tables import POOLED, Benchmark
from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_parts import Cell, Section
from unmask.detect.evaluation.page_words import DIFFERENCE, SHARE, level, named


def fixed_fpr(given: Benchmark) -> Section | None:
    """RAID's table."""
    if not given.fixed_fpr:
        return None
    rows = [
        [
            Cell(text=named(one.detector)),
            Cell(text=named(one.condition)),
            Cell(text=one.by if one.by == POOLED else f"{one.by} {named(one.group)}"),
            Cell(text=f"{one.n_real:,}"),
            Cell(text=f"{one.n_fake:,}"),
            parts.estimate(one.tpr, SHARE, "no threshold, or no fakes"),
        ]
        for one in given.fixed_fpr
    ]
    levels = [
        [
            Cell(text=named(one.detector)),
            Cell(text=named(one.condition)),
            Cell(text=named(one.domain)),
            Cell(text=f"{one.n_real:,}"),
            parts.missing("fewer than 20 people's texts")
            if one.value is None
            else Cell(text=level(one.value)),
        ]
        for one in given.domain_thresholds
    ]
    return Section(
        name="raid",
        title="Found at 5% false alarms, a threshold for each domain",
        text=(
            "As RAID measures (Dugan et al. 2024): a threshold lets at most 5% of the people's "
            "texts of its domain pass that nobody attacked. Domains without one are left out.",
        ),
        blocks=(
            parts.table(
                "TPR at 5% FPR, thresholds by domain",
                ("Detector", "Length", "Of", "Real", "Fake", "TPR"),
                rows,
                folded=all(one.tpr is None for one in given.fixed_fpr),
            ),
            parts.table(
                "Thresholds",
                ("Detector", "Length", "Domain", "People's texts", "Score"),
                levels,
                folded=True,
            ),
        ),
    )


def paired(given: Benchmark) -> Section | None:
    """Differences between detectors on the same items."""
    if not given.paired:
        return None
    rows = [
        [
            Cell(text=f"{named(one.first, 40)} − {named(one.second, 40)}"),
            Cell(text=named(one.perturbation)),
            Cell(text=named(one.generator)),
            parts.estimate(one.difference, DIFFERENCE, "not defined"),
        ]
        for one in given.paired
    ]
    nouns = of(given.medium)
    return Section(
        name="differences",
        title="Differences between detectors",
        text=(f"On the same {nouns.many}, resampled together: where 0 is outside, one is ahead.",),
        blocks=(
            parts.table(
                "Difference in AUC", ("Detectors", nouns.condition, "Of", "Difference"), rows
            ),
        ),
    )
