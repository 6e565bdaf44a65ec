"""Stretches of time that analyses point at, as every report shows them."""

import math
from collections.abc import Sequence
from typing import Any

from unmask.evidence import Finding, Kind
from unmask.report.sound import Stretches
from unmask.scan import Report, Result
from unmask.sound import Region, listed

_MOST = 100  # of one analysis


def stretches(report: Report) -> tuple[Stretches, ...]:
    """facts["regions"] of what is notable or speaks for synthetic, in the report's order.

    Clips and recordings alone have such; what is no list of pairs of seconds is left out.
    """
    if report.kind not in (Kind.AUDIO, Kind.VIDEO):
        return ()
    return tuple(found for result in report.results if (found := _of(result)).regions)


def _of(result: Result) -> Stretches:
    outcome = result.outcome
    regions: tuple[Region, ...] = ()
    if isinstance(outcome, Finding) and (outcome.notable or (outcome.llr or 0.0) > 0):
        regions = tuple(_pairs(outcome.facts.get("regions")))
    return Stretches(title=result.analyser.title, regions=regions)


def _pairs(value: Any) -> list[Region]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return []
    found = []
    for pair in value[:_MOST]:
        if not isinstance(pair, Sequence) or len(pair) != 2:
            continue
        start, end = pair
        numbers = isinstance(start, int | float) and isinstance(end, int | float)
        if numbers and math.isfinite(end) and 0 <= start < end:
            found.append(Region(float(start), float(end)))
    return found


def told(one: Stretches) -> str:
    """The stretches of an analysis in words."""
    return listed(one.regions, most=8)
