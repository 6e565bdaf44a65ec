"""How well the detectors do: over all generators, on each, and on the worst."""

from collections.abc import Callable
from dataclasses import dataclass

from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_lookup import Lookup, generator_label
from unmask.detect.evaluation.page_parts import Cell, Intervals, Panel, Picture, Section, Table
from unmask.detect.evaluation.page_words import (
    CHOSEN,
    FIGURE,
    ORACLE,
    SHARE,
    Unit,
    level,
    named,
    short,
)
from unmask.detect.evaluation.tables import POOLED, Estimate, Row

_NONE = "no generator has an AUC"
FOLD = 3  # with more detectors, the tables of each are closed at first
_TERMS = (
    ("AUC", "the chance that a fake scores above a photograph; 0.5 is chance, 1 perfect"),
    ("AP", "average precision, at the share of fakes that these very data have"),
    (
        "balanced accuracy",
        "mean of TPR and TNR at the frozen threshold; oracle: at the best threshold of that row, "
        "which nobody knows beforehand. A wide gap between the two means that the threshold does "
        "not carry over",
    ),
    ("TPR, TNR", "fakes called synthetic, and photographs not called so, at the frozen threshold"),
    ("TPR at 1% FPR", "fakes found while at most 1% of the photographs are called synthetic"),
    ("EER", "where as many fakes are missed as photographs are called synthetic"),
    ("abstained", "pictures that the detector itself left open"),
    ("[low, high]", "95% interval"),
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A figure of a row, and when it is not defined."""

    title: str
    figure: Callable[[Row], Estimate | float | None]
    unit: Unit
    threshold: bool = False  # needs one
    least: int = 1  # photographs below which it is not defined


COLUMNS = (
    Column(title="AUC", figure=lambda r: r.auc, unit=FIGURE),
    Column(title="AP", figure=lambda r: r.ap, unit=FIGURE),
    Column(title="Balanced accuracy", figure=lambda r: r.balanced_accuracy, unit=SHARE,
            threshold=True),
    Column(title="… oracle", figure=lambda r: r.oracle_accuracy, unit=SHARE),
    Column(title="TPR", figure=lambda r: r.tpr, unit=SHARE, threshold=True),
    Column(title="TNR", figure=lambda r: r.tnr, unit=SHARE, threshold=True),
    Column(title="TPR at 1% FPR", figure=lambda r: r.tpr_at_fpr_1, unit=SHARE, least=100),
    Column(title="TPR at 5% FPR", figure=lambda r: r.tpr_at_fpr_5, unit=SHARE, least=20),
    Column(title="EER", figure=lambda r: r.eer, unit=SHARE),
    Column(title="Abstained", figure=lambda r: r.abstained, unit=SHARE),
)  # fmt: skip
TITLES = (*(column.title for column in COLUMNS), "Photographs", "Fakes")


def results(look: Lookup) -> Section:
    """Per generator, pooled and worst, at the base perturbation."""
    blocks: list[Table | Picture] = []
    if look.evaluation.thresholds:
        blocks.append(_thresholds(look))
    if look.evaluation.rows:
        blocks += [_over_all(look), _worst(look), *_dots(look)]
        blocks += [_per_generator(look, name) for name in look.detectors]
    title = "Results" if look.base == "clean" else f"Results after {named(look.base)}"
    return Section(
        name="results",
        title=title,
        text=() if look.evaluation.rows else ("Nothing was scored.",),
        terms=_TERMS if look.evaluation.rows else (),
        blocks=tuple(blocks),
    )


def _thresholds(look: Lookup) -> Table:
    rows = [
        parts.words(look.label(t.detector), level(t.value), CHOSEN.get(t.chosen) or named(t.chosen))
        for t in look.evaluation.thresholds
    ]
    return parts.table(
        "Thresholds: a score above is called synthetic",
        ("Detector", "Threshold", "How it was chosen"),
        rows,
    )


def figures(look: Lookup, row: Row | None) -> list[Cell]:
    """The cells of a row below `TITLES`."""
    if row is None:
        return [parts.missing("not scored")] * len(TITLES)
    cells = [_figure(look, row, column) for column in COLUMNS]
    return [*cells, Cell(text=f"{row.n_real:,}"), Cell(text=f"{row.n_fake:,}")]


def _figure(look: Lookup, row: Row, column: Column) -> Cell:
    value, why = column.figure(row), why_missing(look, row, column)
    if isinstance(value, Estimate):
        return parts.estimate(value, column.unit, why)
    return parts.plain(value, column.unit, why)


def why_missing(look: Lookup, row: Row, column: Column) -> str:
    """Why a figure is not defined in this row, if it is not."""
    if not row.n_real and not row.n_fake:
        return "no picture was scored"
    if column.threshold and row.detector not in look.with_threshold:
        return "the detector has no threshold"
    if not row.n_real:
        return "no photographs to compare with"
    if not row.n_fake:
        return "no fakes to compare with"
    if row.n_real < column.least:
        return f"needs {column.least} photographs"
    return "not computed"


def caption_of(look: Lookup, text: str, *detectors: str) -> str:
    """A caption that says what the mark means where one of the detectors carries it."""
    marked = look.oracles.intersection(detectors or look.detectors)
    return f"{text}. {ORACLE}" if marked else text


def _over_all(look: Lookup) -> Table:
    rows = [
        [Cell(text=look.label(name)), *figures(look, look.row(name, look.base))]
        for name in look.detectors
    ]
    text = caption_of(look, f"All generators together, {look.base_words()}")
    return parts.table(text, ("Detector", *TITLES), rows)


def _worst(look: Lookup) -> Table:
    rows = []
    for name in look.detectors:
        generator, row = look.worst(name, look.base) or ("", None)
        where = Cell(text=named(generator)) if generator else parts.missing(_NONE)
        shown = figures(look, row) if row else [parts.missing(_NONE)] * len(TITLES)
        rows.append([Cell(text=look.label(name)), where, *shown])
    text = caption_of(look, f"The worst generator of each detector, {look.base_words()}")
    return parts.table(text, ("Detector", "Worst generator", *TITLES), rows)


def _per_generator(look: Lookup, detector: str) -> Table:
    known = [g for g in look.generators if look.row(detector, look.base, g)]
    rows = [
        [Cell(text=generator_label(g)), *figures(look, look.row(detector, look.base, g))]
        for g in (*known, POOLED)
    ]
    text = f"{look.label(detector)}: each generator, {look.base_words()}"
    fold = len(look.detectors) > FOLD
    columns = ("Generator", *TITLES)
    return parts.table(caption_of(look, text, detector), columns, rows, folded=fold)


def _dots(look: Lookup) -> list[Picture]:
    shown = [name for name in look.detectors if name in look.ranked]
    if not shown:
        return []
    names = (*look.generators, POOLED)
    panels = tuple(
        Panel(
            title=look.short_label(name),
            slot=look.slot(name),
            values=tuple(look.auc(name, look.base, g) for g in names),
        )
        for name in shown
    )
    drawing = Intervals(
        panels=panels,
        rows=tuple(short(generator_label(g)) for g in names),
        axis="AUC",
        reference=0.5,
        apart=True,
    )
    return [
        Picture(
            file="auc.png",
            caption=f"AUC of each generator with its 95% interval, {look.base_words()}",
            alternative="AUC and interval of each generator, one panel for each detector; the "
            "tables below hold the same figures.",
            drawing=drawing,
        )
    ]
