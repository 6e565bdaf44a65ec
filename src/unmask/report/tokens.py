"""The words of a text, marked by how expected each was: after GLTR (Gehrmann et al. 2019).

An analyser of text leaves `facts["tokens"]`: `bins`, upper ends of the bins of ranks, and
`segments`, [text, bin] with bin -1 for what has no rank. It is drawn here, and left out of the
tables of facts.
"""

from collections.abc import Mapping
from itertools import groupby, islice
from typing import Any

from markupsafe import Markup

from unmask.report.clean import clean

KEY = "tokens"
_MANY = 4000  # segments drawn
_LONG = 200  # characters of one segment
NAMES = ("most expected", "expected", "unusual", "surprising")


def table_facts(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts without the marked words."""
    return {name: value for name, value in facts.items() if name != KEY}


def marked(facts: Mapping[str, Any]) -> Markup | None:
    """The marked text with its legend, as HTML; None where there is none, or it is malformed."""
    found = facts.get(KEY)
    if not isinstance(found, Mapping):
        return None
    segments, bins = _segments(found.get("segments")), found.get("bins")
    if not segments or not isinstance(bins, list) or len(bins) != len(NAMES) - 1:
        return None
    # One element for what lies side by side in one bin: a thousand fewer for the browser.
    runs = groupby(segments, key=lambda one: one[1])
    body = Markup().join(_run("".join(text for text, _ in run), place) for place, run in runs)
    note = ""
    if isinstance(found.get("of"), int) and isinstance(found.get("shown"), int):
        left = found["of"] - found["shown"]
        note = f" The first {found['shown']:,} of {found['of']:,} tokens." if left > 0 else ""
    return Markup(
        '<figure class="tokens"><figcaption>How expected each word was to the language model.{}'
        ' Few surprises speak for a machine.</figcaption><p class="key">{}</p><p class="words">{}'
        "</p></figure>"
    ).format(note, _legend(bins), body)


def _segments(found: object) -> list[tuple[str, int]]:
    if not isinstance(found, list):
        return []
    return [
        (one[0], one[1])
        for one in islice(found, _MANY)
        if isinstance(one, list | tuple)
        and len(one) == 2
        and isinstance(one[0], str)
        and isinstance(one[1], int)
        and -1 <= one[1] < len(NAMES)
    ]


def _run(text: str, place: int) -> Markup:
    # A long run of one bin is prose and not a long word: cut as often as it has segments.
    shown = clean(text, max(_LONG, len(text)) if " " in text else _LONG)
    if place < 0:
        return Markup("{}").format(shown)
    return Markup('<span class="k{}">{}</span>').format(place, shown)


def _legend(bins: list[Any]) -> Markup:
    """Names of the bins with their ranks, in words as well as in colour."""
    ends = [*(f"to {top}" for top in bins), f"beyond {bins[-1]}"]
    return Markup(" ").join(
        Markup('<span class="k{}">{} (rank {})</span>').format(place, name, end)
        for place, (name, end) in enumerate(zip(NAMES, ends, strict=True))
    )
