"""The plots of an evaluation of texts or of speech; tables hold the same figures."""

from collections.abc import Sequence

from unmask.detect.benchmarks.nouns import of
from unmask.detect.benchmarks.tables import GENERATOR, POOLED, Benchmark, Curve
from unmask.detect.evaluation.page_grid import slug
from unmask.detect.evaluation.page_parts import (
    Diagrams,
    ErrorLine,
    Errors,
    Heat,
    Intervals,
    Panel,
    Picture,
)
from unmask.detect.evaluation.page_words import named, short
from unmask.detect.evaluation.tables import Estimate

_LEAST_RATE = 0.001  # a DET plot shows no smaller rate, however many items there are


def errors(given: Benchmark) -> list[Picture]:
    """A DET plot for each condition that has curves."""
    found = []
    for condition in given.data:
        shown = [one for one in given.curves if one.condition == condition]
        if shown:
            found.append(_errors(given, condition, shown))
    return found


def _errors(given: Benchmark, condition: str, shown: Sequence[Curve]) -> Picture:
    nouns = of(given.medium)
    lines = tuple(
        ErrorLine(title=short(one.detector), slot=_slot(given, one.detector), points=one.points)
        for one in shown
    )
    fewest = max(min(one.n_real, one.n_fake) for one in shown)
    return Picture(
        file=_file(given, "det", condition),
        caption=f"Errors at every threshold, {named(condition)}: the nearer to the lower left, the "
        "better. The thin line is where both are equal (EER). DET plot, Martin et al. 1997",
        alternative=f"Share of {nouns.fake} that are missed over the share of {nouns.real} that "
        "are called synthetic, a line for each detector; the tables hold EER and TPR.",
        drawing=Errors(lines=lines, least=max(_LEAST_RATE, min(0.5 / fewest, 0.1))),
    )


def by_generator(given: Benchmark) -> list[Picture]:
    """AUC of each generator with its interval, a picture for each condition."""
    areas = _areas(given)
    found = []
    for condition in given.data:
        makers = {g: None for by, _, where, g in areas if (by, where) == (GENERATOR, condition)}
        if not makers:
            continue
        panels = tuple(
            Panel(
                title=short(detector),
                slot=_slot(given, detector),
                values=(
                    *(areas.get((GENERATOR, detector, condition, name)) for name in makers),
                    areas.get((POOLED, detector, condition, POOLED)),
                ),
            )
            for detector in given.detectors
        )
        found.append(
            Picture(
                file=_file(given, "auc", condition),
                caption=f"AUC of each generator with its 95% interval, {named(condition)}",
                alternative="AUC and interval of each generator, one panel for each detector; the "
                "tables below hold the same figures.",
                drawing=Intervals(
                    panels=panels,
                    rows=(*map(short, makers), "all generators"),
                    axis="AUC",
                    reference=0.5,
                    apart=True,
                ),
            )
        )
    return found


def conditions(given: Benchmark) -> list[Picture]:
    """A heat map of detectors by conditions, where there are several."""
    if len(given.data) < 2:
        return []
    areas = _areas(given)
    return [
        Picture(
            file="conditions.png",
            caption=f"AUC over all generators, by {of(given.medium).condition.lower()}. In "
            "brackets: the interval reaches down to 0.5",
            alternative="Heatmap of AUC, detectors by conditions; the table below holds the same.",
            drawing=Heat(
                rows=tuple(map(short, given.detectors)),
                columns=tuple(map(short, given.data)),
                values=tuple(
                    tuple(areas.get((POOLED, d, c, POOLED)) for c in given.data)
                    for d in given.detectors
                ),
                apart=False,
            ),
        )
    ]


def reliability(given: Benchmark) -> list[Picture]:
    """Reliability diagrams of each condition."""
    found = []
    for condition in given.data:
        panels = tuple(
            (short(one.detector), _slot(given, one.detector), one.bins)
            for one in given.reliability
            if one.perturbation == condition and any(b.n for b in one.bins)
        )
        if panels:
            found.append(
                Picture(
                    file=_file(given, "reliability", condition),
                    caption=f"Reliability, {named(condition)}: on the line, stated probabilities "
                    "hold; above it, fakes are more frequent than stated. Larger dots hold more",
                    alternative="Reliability diagrams, one panel for each detector; the table "
                    "below holds their summary figures.",
                    drawing=Diagrams(panels=panels),
                )
            )
    return found


def _areas(given: Benchmark) -> dict[tuple[str, str, str, str], Estimate | None]:
    """(by, detector, condition, group) -> AUC."""
    return {
        (one.by, one.row.detector, one.row.perturbation, one.row.generator): one.row.auc
        for one in given.rows
    }


def _slot(given: Benchmark, detector: str) -> int:
    return list(given.detectors).index(detector)


def _file(given: Benchmark, kind: str, condition: str) -> str:
    place = list(given.data).index(condition) + 1  # two conditions may have one slug
    return f"{kind}-{place:02}-{slug(condition)}.png"
