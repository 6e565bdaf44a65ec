"""What was run on what: data, leak probes, speed, failures, and how to repeat it."""

from collections.abc import Iterator

from unmask.detect.benchmarks.nouns import of
from unmask.detect.benchmarks.tables import Benchmark
from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_parts import Cell, Section
from unmask.detect.evaluation.page_words import FIGURE, count, named
from unmask.report.clean import clean

_FAILURES = 20  # shown of each detector
_LONG, _COMMAND = 400, 4000  # characters


def counted(given: Benchmark) -> Iterator[tuple[str, str, str, int]]:
    """(condition, corpus, maker, number); recordings are the same under every encoding."""
    several = of(given.medium).condition == "Length"
    for place, (condition, corpora) in enumerate(given.data.items()):
        if several or not place:
            for corpus, makers in corpora.items():
                for maker, number in makers.items():
                    yield condition, corpus, maker, number


def data(given: Benchmark) -> Section:
    """Which items, from where, made by whom."""
    nouns = of(given.medium)
    rows = [
        [*(Cell(text=named(text)) for text in (condition, corpus, maker)), Cell(text=f"{n:,}")]
        for condition, corpus, maker, n in counted(given)
    ]
    head = (nouns.condition, "Corpus", "Made by", nouns.many.capitalize())
    return Section(
        name="data", title="Data", blocks=(parts.table("What was measured on", head, rows),)
    )


def leaks(given: Benchmark) -> Section:
    """Probes that must sit at 0.5."""
    rows = [
        [
            Cell(text=named(one.probe)),
            Cell(text=f"{one.n:,}"),
            parts.estimate(one.auc, FIGURE, "not defined"),
        ]
        for one in given.leaks
    ]
    text = (
        "Classifiers that may see only what must not tell the classes apart (5 folds, split by "
        "source); expected is 0.5. Where one lies above, a detector may win by that alone."
        if rows
        else "No probe says anything: that takes 20 sources of each class."
    )
    table = parts.table("Leak probes", ("Probe", of(given.medium).many.capitalize(), "AUC"), rows)
    return Section(name="leaks", title="Leak probes", text=(text,), blocks=(table,) if rows else ())


def speed(given: Benchmark) -> Section:
    """Throughput and memory."""
    nouns = of(given.medium)
    if not given.speed:
        return Section(name="speed", title="Speed and memory", text=("Not measured.",))
    rows = [
        [
            Cell(text=named(one.detector)),
            Cell(text=f"{one.n:,}"),
            Cell(text=f"{one.per_second:.3g}"),
            Cell(text=f"{one.peak_memory_mb:,.0f}"),
            Cell(text=f"{one.processors:,}"),
        ]
        for one in given.speed
    ]
    head = ("Detector", "Scored", nouns.amount, "Peak memory in MB", "Processors")
    return Section(
        name="speed",
        title="Speed and memory",
        text=("Scoring alone; what was scored in an earlier run is left out.",),
        blocks=(parts.table("Throughput and peak memory", head, rows),),
    )


def failures(given: Benchmark) -> Section:
    """What got no answer, and why."""
    nouns = of(given.medium)
    title = "Failures"
    if not given.failures:
        return Section(name="failures", title=title, text=(f"Every {nouns.one} got an answer.",))
    tables = [
        parts.table(
            f"{named(name)}: {count(len(found), nouns.one)} without an answer",
            (nouns.one.capitalize(), "Why"),
            [parts.words(clean(item, _LONG), clean(why, _LONG)) for item, why in found.items()],
            most=_FAILURES,
        )
        for name, found in given.failures.items()
    ]
    text = f"A {nouns.one} without an answer is left out of the figures."
    return Section(name="failures", title=title, text=(text,), blocks=tuple(tables))


def repeat(given: Benchmark) -> Section:
    """The command, and hashes of all that went in."""
    rows = [
        parts.words("unmask", clean(given.version)),
        parts.words("Started", clean(given.started)),
        parts.words("Data, SHA-256", clean(given.data_sha256)),
        *(parts.words(f"Detector {named(n)}", clean(h)) for n, h in given.detectors.items()),
    ]
    return Section(
        name="repeat",
        title="How to repeat it",
        blocks=(parts.table("What went in", ("What", "Which"), rows),),
        command=clean(given.command, _COMMAND),
    )
