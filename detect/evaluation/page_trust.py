"""What an answer is worth: false positives by source, prevalence, and leaks in the data."""

import math

from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_lookup import Lookup
from unmask.detect.evaluation.page_parts import Cell, Section, Table
from unmask.detect.evaluation.page_results import caption_of
from unmask.detect.evaluation.page_words import FIGURE, SHARE, above_chance, named
from unmask.detect.evaluation.tables import Leak, Predictive, SourceRow


def sources(look: Lookup) -> Section:
    """False positives by source of photographs."""
    given = look.evaluation.sources
    title = "False positives by source of photographs"
    if not given:
        why = "No false positives by source: that takes photographs and a frozen threshold."
        return Section(name="sources", title=title, text=(why,))
    detectors = _ordered(look, {row.detector for row in given})
    found = {(row.detector, row.corpus): row for row in given}
    rows = [
        [Cell(text=named(corpus)), *(_false(found.get((d, corpus))) for d in detectors)]
        for corpus in dict.fromkeys(row.corpus for row in given)
    ]
    caption = caption_of(
        look,
        "Photographs called synthetic at the frozen threshold, without perturbation",
        *detectors,
    )
    text = "The interval is Clopper and Pearson's. Where photographs are few it is wide, and zero "
    text += "false positives do not mean that there are none."
    return Section(
        name="sources",
        title=title,
        text=(text,),
        blocks=(
            parts.table(caption, ("Photographs from", *(look.label(d) for d in detectors)), rows),
        ),
    )


def _ordered(look: Lookup, names: set[str]) -> list[str]:
    return [*(d for d in look.detectors if d in names), *sorted(names - {*look.detectors})]


def _false(row: SourceRow | None) -> Cell:
    if row is None or not row.n:
        return parts.missing("not scored")
    cell = parts.estimate(row.rate, SHARE, "not computed")
    detail = f"{cell.detail} {row.false_positives:,} of {row.n:,}".strip()
    return Cell(text=cell.text, detail=detail, note=cell.note)


def predictive(look: Lookup) -> Section:
    """Predictive values by prevalence."""
    given = look.evaluation.predictive
    title = "What an answer is worth where fakes are rare"
    if not given:
        why = "Not computed: that takes photographs, fakes and a frozen threshold."
        return Section(name="predictive", title=title, text=(why,))
    found = {(one.detector, one.prevalence): one for one in given}
    shares = sorted({one.prevalence for one in given})
    rows = [
        [Cell(text=look.label(d)), *_values(found, d, shares)]
        for d in _ordered(look, {one.detector for one in given})
    ]
    columns = [f"{word} at {_percent(p)}" for word in ("PPV", "NPV") for p in shares]
    caption = caption_of(look, "Predictive values by the share of fakes among all pictures")
    return Section(
        name="predictive",
        title=title,
        text=(
            "If so many of all pictures were fakes like these: PPV is the share of true ones among "
            "the answers “synthetic”, NPV the share of true ones among the others.",
        ),
        blocks=(parts.table(caption, ("Detector", *columns), rows),),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def _values(
    found: dict[tuple[str, float], Predictive], detector: str, shares: list[float]
) -> list[Cell]:
    known = [found.get((detector, p)) for p in shares]
    positive = [one.ppv if one else None for one in known]
    negative = [one.npv if one else None for one in known]
    why = "no picture got that answer, or a class is missing"
    return [parts.estimate(figure, SHARE, why) for figure in positive + negative]


def leaks(look: Lookup) -> Section:
    """Probes that see only what must not tell the classes apart."""
    given, title = look.evaluation.leaks, "Leak probes"
    if not given:
        return Section(name="leaks", title=title, text=("No leak probe was run.",))
    rows = [
        [
            Cell(text=named(leak.probe)),
            parts.estimate(leak.auc, FIGURE, "needs photographs and fakes"),
            Cell(text=f"{leak.n:,}"),
            Cell(text=_leak_reading(leak)),
        ]
        for leak in given
    ]
    text = (
        "Each probe sees only what must not tell the classes apart. Where one is above 0.5, a "
        "detector could win without looking for traces of a generator, and its AUC may be too good."
    )
    return Section(name="leaks", title=title, text=(text,), blocks=(_leak_table(rows),))


def _leak_table(rows: list[list[Cell]]) -> Table:
    caption = "AUC of the probes, cross-validated by source"
    return parts.table(caption, ("Probe", "AUC", "Pictures", "Reading"), rows)


def _leak_reading(leak: Leak) -> str:
    if math.isnan(leak.auc.low):
        return "not known"
    return "above chance" if above_chance(leak.auc) else "not above chance"
