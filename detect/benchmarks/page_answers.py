"""What answers are worth: decisions, false alarms, what was left open, calibration."""

from unmask.detect.benchmarks import page_plots
from unmask.detect.benchmarks.nouns import of
from unmask.detect.benchmarks.tables import POOLED, Benchmark
from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_parts import Cell, Section
from unmask.detect.evaluation.page_words import FIGURE, SHARE, named

_FEW = "fewer than two of a class"


def decisions(given: Benchmark) -> Section | None:
    """Accuracy and F1 at thresholds that were fixed beforehand."""
    if not given.decisions:
        return None
    nouns = of(given.medium)
    what = ("Detector", nouns.condition, "Of", "Called synthetic where")
    head = (*what, "Real", "Fake", "Accuracy", "F1", "TPR", "FPR")
    return Section(
        name="decisions",
        title="Decisions at the shipped threshold",
        text=(
            "P is the detector's own, at even priors. With “and sure”, as in a verdict, what it "
            "calls inconclusive is not called synthetic. What it says does not apply counts as not "
            "called synthetic under every rule. Accuracy and F1 are at the share of fakes here.",
        ),
        blocks=(
            parts.table("Decisions, all generators together", head, _decided(given, True)),
            parts.table("Decisions by group", head, _decided(given, False), folded=True),
        ),
    )


def _decided(given: Benchmark, pooled: bool) -> list[list[Cell]]:
    return [
        [
            Cell(text=named(one.detector)),
            Cell(text=named(one.condition)),
            Cell(text=one.by if one.by == POOLED else f"{one.by} {named(one.group)}"),
            Cell(text=one.rule),
            Cell(text=f"{one.n_real:,}"),
            Cell(text=f"{one.n_fake:,}"),
            *(
                parts.estimate(figure, SHARE, _FEW)
                for figure in (one.accuracy, one.f1, one.tpr, one.fpr)
            ),
        ]
        for one in given.decisions
        if (one.by == POOLED) is pooled
    ]


def alarms(given: Benchmark) -> Section | None:
    """Real items that are called synthetic, by where they are from."""
    if not given.alarms:
        return None
    rows = [
        [
            Cell(text=named(one.detector)),
            Cell(text=named(one.condition)),
            Cell(text=named(one.source)),
            Cell(text=one.rule),
            Cell(text=f"{one.n:,}"),
            Cell(text=f"{one.alarms:,}"),
            parts.estimate(one.rate, SHARE, "none"),
        ]
        for one in given.alarms
    ]
    nouns = of(given.medium)
    head = ("Detector", nouns.condition, "Source", "Called synthetic where")
    return Section(
        name="alarms",
        title=f"False alarms by source of {nouns.real}",
        text=("With exact binomial intervals, which take them as independent.",),
        blocks=(
            parts.table("False alarms", (*head, nouns.real.capitalize(), "Called", "Rate"), rows),
        ),
    )


def abstentions(given: Benchmark) -> Section | None:
    """What was left open, and why."""
    if not any(one.not_applicable or one.inconclusive for one in given.abstentions):
        return None
    nouns = of(given.medium)
    rows = [
        [
            Cell(text=named(one.detector)),
            Cell(text=named(one.condition)),
            Cell(text=nouns.fake if one.fake else nouns.real),
            Cell(text=f"{one.n:,}"),
            Cell(text=f"{one.not_applicable:,}"),
            Cell(text=f"{one.inconclusive:,}"),
            Cell(
                text=", ".join(f"{named(name)} {n:,}" for name, n in one.reasons.items())
                or "not said"
            ),
        ]
        for one in given.abstentions
        if one.not_applicable or one.inconclusive
    ]
    head = ("Detector", nouns.condition, "Of", "Answered", "Not applicable", "Inconclusive")
    return Section(
        name="abstentions",
        title="What was left open",
        text=(
            "Not applicable: no score, left out of AUC and EER. Inconclusive: a score that the "
            "detector itself would not lean on.",
        ),
        blocks=(parts.table("Left open, and why", (*head, "Reasons"), rows),),
    )


def calibration(given: Benchmark) -> Section | None:
    """Whether ratios hold what they say."""
    if not given.reliability:
        return None
    rows = [
        [
            Cell(text=named(one.detector)),
            Cell(text=named(one.perturbation)),
            *(parts.estimate(f, FIGURE, "not defined") for f in (one.ece, one.brier, one.cllr)),
        ]
        for one in given.reliability
    ]
    nouns = of(given.medium)
    return Section(
        name="calibration",
        title="Calibration",
        text=("At even priors, all generators together.",),
        terms=(
            ("ECE", "mean distance of stated from found probabilities, above 0 by chance alone"),
            ("Brier", "mean squared error of P: 0 perfect, 0.25 for always one half"),
            (
                "Cllr",
                "cost of the ratios in bits: 0 perfect, 1 useless (Brümmer and du Preez 2006)",
            ),
        ),
        blocks=(
            *page_plots.reliability(given),
            parts.table("Calibration", ("Detector", nouns.condition, "ECE", "Brier", "Cllr"), rows),
        ),
    )
