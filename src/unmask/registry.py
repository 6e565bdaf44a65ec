"""The registry of analysers. A name lives in one place: the decorator that registers it."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points

from unmask.errors import UnknownAnalyserError
from unmask.evidence import Finding, Kind, NotApplicable
from unmask.media import Media

Analyse = Callable[[Media], Finding | NotApplicable]


@dataclass(frozen=True, kw_only=True)
class Analyser:
    """An analysis with what a reader must know to use its answer."""

    name: str
    title: str  # what a report calls it
    kinds: frozenset[Kind]
    reads: str  # what it reads
    look_for: str
    ignore: str  # what looks like a trace and is none
    paper: str  # author and year, or the specification
    analyse: Analyse


_analysers: dict[str, Analyser] = {}


def analyser(
    name: str,
    *kinds: Kind,
    title: str,
    reads: str,
    look_for: str,
    ignore: str,
    paper: str,
) -> Callable[[Analyse], Analyse]:
    """Register the decorated function as an analyser of the given kinds of media.

    Raises ValueError where the name is taken.
    """

    def register(function: Analyse) -> Analyse:
        if name in _analysers and _analysers[name].analyse.__module__ != function.__module__:
            raise ValueError(f"two analysers are called {name!r}")
        _analysers[name] = Analyser(
            name=name,
            title=title,
            kinds=frozenset(kinds),
            reads=reads,
            look_for=look_for,
            ignore=ignore,
            paper=paper,
            analyse=function,
        )
        return function

    return register


@cache
def _load_entry_points() -> None:
    for point in entry_points(group="unmask.analysers"):
        point.load()


def analysers(kind: Kind | None = None) -> list[Analyser]:
    """Every analyser installed, ours and others', or those for one kind, by name."""
    _load_entry_points()
    found = (a for a in _analysers.values() if kind is None or kind in a.kinds)
    return sorted(found, key=lambda a: a.name)


def pick(names: Iterable[str]) -> list[Analyser]:
    """The analysers of these names. Raises UnknownAnalyserError with the nearest name."""
    known = {a.name: a for a in analysers()}
    picked = []
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UnknownAnalyserError(
                f"no analyser {name!r}{hint} (`unmask analysers` lists them)"
            )
        picked.append(known[name])
    return picked
