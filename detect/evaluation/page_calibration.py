"""Whether probabilities hold, and whether a detector knows when it does not know."""

from collections.abc import Iterable, Sequence

from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_lookup import Lookup
from unmask.detect.evaluation.page_parts import (
    Cell,
    Diagrams,
    Picture,
    Section,
    Table,
    Trade,
    Trades,
)
from unmask.detect.evaluation.page_results import caption_of
from unmask.detect.evaluation.page_words import FIGURE, SHARE, named

_Found = tuple[str, str, list[Cell]]  # detector, perturbation, figures


def calibration(look: Lookup) -> Section:
    """Reliability diagrams and their figures."""
    given = look.evaluation.reliability
    title = "Whether stated probabilities hold"
    if not given:
        why = "No detector here states a calibrated probability."
        return Section(name="calibration", title=title, text=(why,))
    why = "needs photographs and fakes"
    rows = [
        (one.detector, one.perturbation,
         [parts.estimate(figure, FIGURE, why) for figure in (one.ece, one.brier, one.cllr)])
        for one in given
    ]  # fmt: skip
    return Section(
        name="calibration",
        title=title,
        text=("Both classes weigh half, so that the mix of these data does not enter.",),
        terms=(
            ("ECE", "mean distance of stated from found probabilities; 0 is perfect, but chance "
             "alone lifts it where pictures are few"),
            ("Brier", "mean squared error; 0 is perfect, 0.25 is always saying one half"),
            ("Cllr", "cost of the likelihood ratios in bits; 0 is perfect, 1 is useless, more is "
             "worse than saying nothing"),
        ),
        blocks=(
            *_diagrams(look),
            *_tables(look, "Calibration at even priors", ("ECE", "Brier", "Cllr"), rows),
        ),
    )  # fmt: skip


def _diagrams(look: Lookup) -> list[Picture]:
    shown = [
        (look.short_label(one.detector), look.slot(one.detector), one.bins)
        for one in look.evaluation.reliability
        if one.perturbation == look.base and any(b.n for b in one.bins)
    ]
    if not shown:
        return []
    return [
        Picture(
            file="reliability.png",
            caption=f"Reliability {look.base_words()}: on the line, stated probabilities hold; "
            "above it, fakes are more frequent than stated. Larger dots hold more pictures",
            alternative="Reliability diagrams, one panel for each detector; the table below holds "
            "their summary figures.",
            drawing=Diagrams(panels=tuple(shown)),
        )
    ]


def coverage(look: Lookup) -> Section:
    """Risk over coverage."""
    given = look.evaluation.risk_coverage
    title = "Abstention: risk and coverage"
    if not given:
        return Section(name="coverage", title=title, text=("Not computed: nothing was answered.",))
    rows = [
        (one.detector, one.perturbation,
         [parts.plain(one.aurc, FIGURE, "not computed"),
          parts.plain(one.own[0], SHARE, "not computed"),
          parts.plain(one.own[1], SHARE, "nothing was answered")])
        for one in given
    ]  # fmt: skip
    columns = ("Area (AURC)", "Own coverage", "Own risk")
    caption = "Coverage and risk at the detector's own abstentions"
    return Section(
        name="coverage",
        title=title,
        text=(
            "Risk is the share of wrong answers among the pictures that are answered, coverage the "
            "share that is answered, the surest first. A small area is good. The marker is where "
            "the detector's own abstentions put it: below its line, they are well chosen.",
        ),
        blocks=(*_trades(look), *_tables(look, caption, columns, rows)),
    )


def _trades(look: Lookup) -> list[Picture]:
    lines = tuple(
        Trade(
            title=look.short_label(one.detector),
            slot=look.slot(one.detector),
            points=one.points,
            own=one.own,
        )
        for one in look.evaluation.risk_coverage
        if one.perturbation == look.base and len(one.points) > 1
    )
    if not lines:
        return []
    return [
        Picture(
            file="risk-coverage.png",
            caption=f"Risk over coverage {look.base_words()}",
            alternative="Share of wrong answers over the share of pictures that are answered, a "
            "line for each detector and a marker at its own abstentions.",
            drawing=Trades(lines=lines),
        )
    ]


def _tables(
    look: Lookup, caption: str, columns: Sequence[str], rows: Iterable[_Found]
) -> list[Table]:
    """What is found at the base perturbation, and folded what is found under each other one."""
    here, elsewhere, detectors = [], [], set()
    for detector, perturbation, cells in rows:
        detectors.add(detector)
        label = Cell(text=look.label(detector))
        if perturbation == look.base:
            here.append([label, *cells])
        else:
            elsewhere.append([label, Cell(text=named(perturbation)), *cells])
    tables = []
    if here:
        text = caption_of(look, f"{caption}, {look.base_words()}", *detectors)
        tables.append(parts.table(text, ("Detector", *columns), here))
    if elsewhere:
        text = caption_of(look, f"{caption}, under each perturbation", *detectors)
        columns = ("Detector", "Perturbation", *columns)
        tables.append(parts.table(text, columns, elsewhere, folded=True))
    return tables
