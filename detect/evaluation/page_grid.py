"""How the detectors hold when pictures are re-encoded, rescaled or otherwise perturbed."""

import re

from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_lookup import Lookup, generator_label
from unmask.detect.evaluation.page_parts import Cell, Heat, Picture, Section, Table
from unmask.detect.evaluation.page_results import (
    COLUMNS,
    FOLD,
    TITLES,
    caption_of,
    figures,
    why_missing,
)
from unmask.detect.evaluation.page_words import FIGURE, named, short
from unmask.detect.evaluation.tables import POOLED, Estimate


def perturbed(look: Lookup) -> Section:
    """The grid of generators by perturbations of every detector."""
    if len(look.perturbations) < 2:
        why = "The pictures were scored as they are: no perturbation was asked for."
        return Section(name="grid", title="Under perturbations", text=(why,))
    blocks: list[Table | Picture] = []
    if len(look.detectors) > 1:
        blocks += _grid_over_all(look)
    blocks += [_under_each(look, name) for name in look.detectors]
    for place, name in enumerate(look.detectors, 1):
        blocks += _grid(look, name, place)
    text = "Both classes are perturbed alike. In brackets: the interval reaches down to 0.5, so the"
    return Section(
        name="grid",
        title="Under perturbations",
        text=(f"{text} detector is not shown to be better than chance there.",),
        blocks=tuple(blocks),
    )


def _under_each(look: Lookup, detector: str) -> Table:
    rows = [
        [Cell(text=named(p)), *figures(look, look.row(detector, p))] for p in look.perturbations
    ]
    text = caption_of(look, f"{look.label(detector)}: all generators, by perturbation", detector)
    fold = len(look.detectors) > FOLD
    return parts.table(text, ("Perturbation", *TITLES), rows, folded=fold)


def _heat(look: Lookup, rows: list[tuple[str, list[Estimate | None]]], *, apart: bool) -> Heat:
    return Heat(
        rows=tuple(label for label, _ in rows),
        columns=tuple(short(p) for p in look.perturbations),
        values=tuple(tuple(values) for _, values in rows),
        apart=apart,
    )


def _area(look: Lookup, detector: str, perturbation: str, generator: str = POOLED) -> Cell:
    row = look.row(detector, perturbation, generator)
    why = "not scored" if row is None else why_missing(look, row, COLUMNS[0])
    return parts.estimate(look.auc(detector, perturbation, generator), FIGURE, why)


def _grid_over_all(look: Lookup) -> list[Table | Picture]:
    shades = [
        (look.short_label(d), [look.auc(d, p) for p in look.perturbations]) for d in look.detectors
    ]
    rows = [
        [Cell(text=look.label(d)), *(_area(look, d, p) for p in look.perturbations)]
        for d in look.detectors
    ]
    caption = "AUC over all generators, by perturbation"
    picture = Picture(
        file="grid-all.png",
        caption=caption,
        alternative="Heatmap of AUC, detectors by perturbations; the table below holds the same.",
        drawing=_heat(look, shades, apart=False),
    )
    columns = ("Detector", *(named(p) for p in look.perturbations))
    return [picture, parts.table(f"{caption}, with intervals", columns, rows)]


def _grid(look: Lookup, detector: str, place: int) -> list[Table | Picture]:
    names = (*look.generators, POOLED)
    shades = [
        (short(generator_label(g)), [look.auc(detector, p, g) for p in look.perturbations])
        for g in names
    ]
    rows = [
        [Cell(text=generator_label(g)), *(_area(look, detector, p, g) for p in look.perturbations)]
        for g in names
    ]
    caption = f"{look.label(detector)}: AUC of each generator by perturbation"
    picture = Picture(
        file=f"grid-{place:02}-{slug(detector)}.png",
        caption=caption,
        alternative=f"Heatmap of the AUC of {named(detector)}, generators by perturbations; the "
        "table below holds the same.",
        drawing=_heat(look, shades, apart=True),
    )
    columns = ("Generator", *(named(p) for p in look.perturbations))
    fold = len(look.detectors) > FOLD
    return [picture, parts.table(f"{caption}, with intervals", columns, rows, folded=fold)]


def slug(name: str) -> str:
    """A name as a part of a file name: nothing in it can leave the folder."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()[:40]).strip("-") or "detector"
