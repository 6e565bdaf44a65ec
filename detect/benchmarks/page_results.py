"""How well scores tell the classes apart: pooled, by group, at RAID's thresholds, compared."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from unmask.detect.benchmarks import page_plots
from unmask.detect.benchmarks.costs import BETA
from unmask.detect.benchmarks.nouns import of
from unmask.detect.benchmarks.tables import (
    ATTACK,
    CODEC,
    DECODING,
    DOMAIN,
    GENERATOR,
    POOLED,
    Asv,
    Benchmark,
    GroupRow,
)
from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_parts import Cell, Section, Table
from unmask.detect.evaluation.page_words import FIGURE, SHARE, Unit, named
from unmask.detect.evaluation.tables import Estimate

FOLD = 4  # with more tables in a section, they are closed at first
_TITLES = {
    GENERATOR: ("By generator", "Generator"),
    DOMAIN: ("By domain", "Domain"),
    CODEC: ("By codec", "Codec"),
    DECODING: ("By decoding", "Decoding"),
    ATTACK: ("By attack", "Attack"),
}
_COMMON = (
    ("AUC", "the chance that a fake scores above a real one; 0.5 is chance, 1 perfect"),
    ("TPR at 1% FPR", "fakes found while at most 1% of the real ones of the row lie above"),
    ("EER", "where as many fakes are missed as real ones are called synthetic"),
    ("abstained", "of those with a score, what the detector itself left open"),
    ("[low, high]", "95% interval, by resampling sources"),
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A figure of a row, and why it may be missing."""

    title: str
    figure: Callable[[GroupRow], Estimate | None]
    unit: Unit
    why: str = "too few, or a class is missing"


_COLUMNS = (
    Column(title="AUC", figure=lambda r: r.row.auc, unit=FIGURE),
    Column(
        title="TPR at 1% FPR",
        figure=lambda r: r.row.tpr_at_fpr_1,
        unit=SHARE,
        why="1% of fewer than 100 real ones cannot be seen",
    ),
    Column(
        title="TPR at 5% FPR",
        figure=lambda r: r.row.tpr_at_fpr_5,
        unit=SHARE,
        why="5% of fewer than 20 real ones cannot be seen",
    ),
    Column(title="EER", figure=lambda r: r.row.eer, unit=SHARE),
)
_COSTS = (
    Column(title="min t-DCF", figure=lambda r: r.min_tdcf, unit=FIGURE),
    Column(title="minDCF", figure=lambda r: r.min_dcf, unit=FIGURE),
    Column(title="actDCF", figure=lambda r: r.act_dcf, unit=FIGURE, why="too few, or no ratios"),
)


def columns_of(given: Benchmark) -> tuple[Column, ...]:
    """Figures that the tables of this medium have."""
    return _COLUMNS if given.asv is None else (*_COLUMNS, *_COSTS)


def conditions(given: Benchmark) -> list[str]:
    """In their order."""
    return list(given.data)


def pooled(given: Benchmark) -> Section:
    """All generators together: a row for each detector and condition."""
    nouns = of(given.medium)
    rows = [
        [
            Cell(text=named(one.row.detector)),
            Cell(text=named(one.row.perturbation)),
            *figures(given, one),
        ]
        for one in given.rows
        if one.by == POOLED
    ]
    head = ("Detector", nouns.condition, *_heads(given))
    return Section(
        name="results",
        title="All generators together",
        text=(*_asv_words(given.asv),),
        terms=_terms(given),
        blocks=(
            *page_plots.conditions(given),
            parts.table("Pooled over all generators", head, rows),
            *page_plots.errors(given),
        ),
    )


def _heads(given: Benchmark) -> tuple[str, ...]:
    return ("Real", "Fake", *(c.title for c in columns_of(given)), "Abstained")


def figures(given: Benchmark, one: GroupRow) -> list[Cell]:
    """Counts and figures of a row."""
    return [
        Cell(text=f"{one.row.n_real:,}"),
        Cell(text=f"{one.row.n_fake:,}"),
        *(parts.estimate(c.figure(one), c.unit, c.why) for c in columns_of(given)),
        parts.plain(one.row.abstained, SHARE, "nothing has a score"),
    ]


def groups(given: Benchmark) -> Iterator[Section]:
    """A section for each criterion that has rows, with a table for each detector and condition."""
    for by, (title, head) in _TITLES.items():
        rows = [one for one in given.rows if one.by == by]
        if rows:
            if by == DOMAIN and given.asv is not None:  # of speech, which has no domains
                title, head = "By corpus", "Corpus"
            plots = page_plots.by_generator(given) if by == GENERATOR else []
            yield Section(
                name=by,
                title=title,
                text=_group_words(title),
                blocks=(*plots, *_tables(given, rows, head)),
            )


def _group_words(title: str) -> tuple[str, ...]:
    known = {
        "By domain": "Fakes and people's texts are of the same domain.",
        "By corpus": "Fakes and real recordings are of the same corpus.",
        "By codec": "Fakes and real recordings that the corpus sent through the same codec.",
        "By attack": "Attacked fakes against all real ones that were not attacked.",
    }
    return (known[title],) if title in known else ()


def _tables(given: Benchmark, rows: list[GroupRow], head: str) -> tuple[Table, ...]:
    keys = list(dict.fromkeys((r.row.detector, r.row.perturbation) for r in rows))
    return tuple(
        parts.table(
            f"{named(detector)}, {named(condition)}",
            (head, *_heads(given)),
            (
                [Cell(text=named(one.row.generator)), *figures(given, one)]
                for one in rows
                if (one.row.detector, one.row.perturbation) == (detector, condition)
            ),
            folded=len(keys) > FOLD,
        )
        for detector, condition in keys
    )


def _terms(given: Benchmark) -> tuple[tuple[str, str], ...]:
    if given.asv is None:
        return _COMMON
    return (
        *_COMMON,
        (
            "min t-DCF",
            "the least cost of detector and speaker verifier together, 1 without a detector "
            "(ASVspoof 2019; Kinnunen et al. 2018)",
        ),
        (
            "minDCF, actDCF",
            f"{BETA:.2f} × real ones turned away + fakes let in (ASVspoof 5): at the best "
            "threshold of the row, and at the one that Bayes sets for the detector's ratios",
        ),
    )


def _asv_words(asv: Asv | None) -> Iterable[str]:
    if asv is None:
        return
    whose = "stated by --asv" if asv.stated else "assumed, and not measured on these recordings"
    yield (
        f"min t-DCF is beside a speaker verifier that turns {asv.miss:.1%} of its speakers away, "
        f"lets {asv.false_alarm:.1%} of other speakers in, and turns {asv.spoof_miss:.1%} of the "
        f"synthetic voices away itself: {whose}."
    )
