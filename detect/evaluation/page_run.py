"""What was run on what: data, speed, failures, and how to repeat it."""

import math
from collections.abc import Mapping
from datetime import datetime

from unmask.datasets.manifest import CAMERA
from unmask.detect.evaluation import page_parts as parts
from unmask.detect.evaluation.page_lookup import Lookup
from unmask.detect.evaluation.page_parts import Cell, Section, Table
from unmask.detect.evaluation.page_words import count, named
from unmask.report.clean import clean
from unmask.report.words import moment

_FAILURES = 20  # shown of each detector
_LONG = 400  # characters of a path or a reason
_COMMAND = 4000


def data(look: Lookup) -> Section:
    """Which pictures, from where, made by what."""
    given = look.evaluation.data
    title = "Data"
    if not given:
        return Section(name="data", title=title, text=("No pictures.",))
    rows = [
        [Cell(text=named(corpus)), Cell(text=_maker(maker)), Cell(text=f"{number:,}")]
        for corpus, makers in given.items()
        for maker, number in makers.items()
    ]
    real, fake = counts(given)
    makers = {maker for held in given.values() for maker in held if maker != CAMERA}
    text = (
        f"{count(real + fake, 'picture')} of {count(len(given), 'corpus', 'corpora')}: "
        f"{count(real, 'photograph')} and {count(fake, 'fake')} of "
        f"{count(len(makers), 'generator')}."
    )
    table = parts.table("Pictures by corpus", ("Corpus", "Made by", "Pictures"), rows)
    return Section(name="data", title=title, text=(text,), blocks=(table,))


def counts(given: Mapping[str, Mapping[str, int]]) -> tuple[int, int]:
    """How many photographs and how many fakes."""
    pairs = [pair for held in given.values() for pair in held.items()]
    real = sum(number for maker, number in pairs if maker == CAMERA)
    return real, sum(number for _, number in pairs) - real


def _maker(maker: str) -> str:
    return "camera (photographs)" if maker == CAMERA else named(maker)


def speed(look: Lookup) -> Section:
    """Throughput and memory."""
    given, title = look.evaluation.speed, "Speed and memory"
    if not given:
        return Section(name="speed", title=title, text=("Not measured.",))
    cached = "all pictures were scored in an earlier run"
    rows = [
        [
            Cell(text=look.label(one.detector)),
            Cell(text=f"{one.images:,}"),
            _number(one.images_per_second, cached if not one.images else "not measured"),
            _number(one.peak_memory_mb, "not measured"),
            Cell(text=f"{one.processors:,}"),
        ]
        for one in given
    ]
    columns = ("Detector", "Pictures", "Pictures per second", "Peak memory in MB", "Processors")
    return Section(
        name="speed",
        title=title,
        text=("Decoding and scoring, end to end; pictures whose score was kept are left out.",),
        blocks=(parts.table("Throughput and peak memory", columns, rows),),
    )


def _number(value: float, why: str) -> Cell:
    if not math.isfinite(value):
        return parts.missing(why)
    return Cell(text=f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}")


def failures(look: Lookup) -> Section:
    """What got no score, and why."""
    given = {name: found for name, found in look.evaluation.failures.items() if found}
    title = "Failures"
    if not given:
        return Section(name="failures", title=title, text=("Every picture got a score.",))
    total = sum(len(found) for found in given.values())
    return Section(
        name="failures",
        title=title,
        text=(f"{count(total, 'failure')}. A picture without a score is left out of the figures.",),
        blocks=tuple(_failed(look.label(name), found) for name, found in given.items()),
    )


def _failed(label: str, found: Mapping[str, str]) -> Table:
    rows = [parts.words(clean(path, _LONG), clean(reason, _LONG)) for path, reason in found.items()]
    caption = f"{label}: {count(len(found), 'picture')} without a score"
    columns = ("Picture", "Why")
    return parts.table(caption, columns, rows, most=_FAILURES)


def repeat(look: Lookup) -> Section:
    """The command, and hashes of all that went in."""
    given = look.evaluation
    rows = [
        parts.words("unmask", clean(given.version)),
        parts.words("Started", _moment(given.started)),
        parts.words("Manifest, SHA-256", clean(given.manifest_sha256)),
        *(parts.words(f"Detector {named(n)}", clean(h)) for n, h in given.detectors.items()),
    ]
    return Section(
        name="repeat",
        title="How to repeat it",
        text=(
            "The manifest's hash is over the hash, label, generator and source of every picture; "
            "a detector's over its weights, code or command line.",
        ),
        blocks=(parts.table("What went in", ("What", "Which"), rows),),
        command=clean(given.command, _COMMAND),
    )


def _moment(started: str) -> str:
    try:
        return moment(datetime.fromisoformat(started))
    except ValueError:
        return clean(started)
