"""Which detector is ahead of which: paired differences on the same pictures."""

import math

from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_lookup import Lookup, generator_label
from unmask.detect.evaluation.page_parts import Cell, Intervals, Panel, Picture, Section, Table
from unmask.detect.evaluation.page_words import DIFFERENCE, named, short
from unmask.detect.evaluation.tables import POOLED, Paired

_PAIRS = 40  # drawn
_PAIR_ROWS = 150  # shown


def compared(look: Lookup) -> Section:
    """Paired differences."""
    given = look.evaluation.paired
    if not given:
        why = "No paired difference was computed: that takes two detectors on the same pictures."
        return Section(name="differences", title="Differences between detectors", text=(why,))
    text = (
        "AUC of the first minus AUC of the second on the same pictures, resampled together. Where "
        "the interval includes zero, these pictures cannot tell the two apart. Each interval "
        "stands for one comparison; of twenty such, one is expected to miss."
    )
    return Section(
        name="differences",
        title="Differences between detectors",
        text=(text,),
        blocks=(*_forest(look), *_lead(look), _pairs(look)),
    )


def _forest(look: Lookup) -> list[Picture]:
    pairs = [
        pair for pair in look.evaluation.paired
        if pair.perturbation == look.base and pair.generator == POOLED
        and not math.isnan(pair.difference.value)
    ]  # fmt: skip
    if not pairs:
        return []
    shown = sorted(pairs, key=lambda pair: -abs(pair.difference.value))[:_PAIRS]
    shown.sort(key=lambda pair: -pair.difference.value)
    rest = f"; the {_PAIRS} largest of {len(pairs)}" if len(pairs) > _PAIRS else ""
    drawing = Intervals(
        panels=(Panel(title="", slot=None, values=tuple(pair.difference for pair in shown)),),
        rows=tuple(f"{short(pair.first)} − {short(pair.second)}" for pair in shown),
        axis="difference of AUC",
        reference=0.0,
    )
    return [
        Picture(
            file="differences.png",
            caption=f"Paired differences over all generators, {look.base_words()}{rest}",
            alternative="Forest plot of the differences with their intervals and a line at zero; "
            "the table below holds the same figures.",
            drawing=drawing,
        )
    ]


def _lead(look: Lookup) -> list[Picture]:
    """The lead of the best detector over each rival, whatever is done to the pictures."""
    if len(look.ranked) < 2 or len(look.perturbations) < 2:
        return []
    leader, *rivals = look.ranked
    values = {
        rival: tuple(look.difference(leader, rival, p) for p in look.perturbations)
        for rival in rivals
    }
    panels = tuple(
        Panel(title=f"over {look.short_label(rival)}", slot=look.slot(rival), values=values[rival])
        for rival in rivals
        if sum(one is not None for one in values[rival]) > 1
    )
    if not panels:
        return []
    drawing = Intervals(
        panels=panels,
        rows=tuple(short(p) for p in look.perturbations),
        axis="difference of AUC",
        reference=0.0,
    )
    return [
        Picture(
            file="lead.png",
            caption=f"Lead of {named(leader)} over each rival, by perturbation; right of zero it "
            "is ahead",
            alternative="Paired differences with intervals, one panel for each rival; the table "
            "below holds the same figures.",
            drawing=drawing,
        )
    ]


def _pairs(look: Lookup) -> Table:
    def place(pair: Paired) -> tuple[bool, bool]:
        return pair.generator != POOLED, pair.perturbation != look.base

    rows = [
        [
            Cell(text=f"{named(pair.first)} − {named(pair.second)}"),
            Cell(text=named(pair.perturbation)),
            Cell(text=generator_label(pair.generator)),
            parts.estimate(pair.difference, DIFFERENCE, "not computed"),
            Cell(text=_reading(pair)),
        ]
        for pair in sorted(look.evaluation.paired, key=place)
    ]
    columns = ("First − second", "Perturbation", "Generator", "Difference of AUC", "Reading")
    caption = "Paired differences"
    return parts.table(caption, columns, rows, most=_PAIR_ROWS, folded=len(rows) > _PAIRS)


def _reading(pair: Paired) -> str:
    if pair.difference.low > 0:
        return f"{named(pair.first)} is ahead"
    if pair.difference.high < 0:
        return f"{named(pair.second)} is ahead"
    return "cannot be told apart"
