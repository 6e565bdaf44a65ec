"""The summary in plain words that stands before all tables."""

from collections.abc import Iterator

from unmask.detect.evaluation.page_lookup import Lookup
from unmask.detect.evaluation.page_words import (
    CHOSEN,
    DIFFERENCE,
    FIGURE,
    above_chance,
    count,
    excludes_zero,
    listed,
    named,
)
from unmask.detect.evaluation.tables import Row
from unmask.report.clean import clean

_WARNING = 600  # characters of one
_MANY = 40


def headline(look: Lookup) -> str:
    """The outcome in one line."""
    if not look.ranked:
        return "No detector could be judged over all generators"
    first, *rest = look.ranked
    best = _auc(look, first)
    area = look.auc(first, look.base)
    if area and area.low <= 0.5:
        who = "No detector" if rest else named(first)
        return f"{who} is {'' if rest else 'not '}shown to be better than chance"
    if not rest:
        return f"{named(first)} reaches an AUC of {best}"
    second = rest[0]
    against = f"AUC {best} against {_auc(look, second)}"
    gap = look.difference(first, second, look.base)
    if gap is None:
        return f"{named(first)} has the highest AUC, {best}; whether by chance was not tested"
    if gap.low > 0:
        return f"{named(first)} is ahead of {named(second)}: {against}"
    return f"{named(first)} and {named(second)} cannot be told apart: {against}"


def points(look: Lookup) -> tuple[str, ...]:
    """The sentences below the headline."""
    leader = look.ranked[0] if look.ranked else None
    parts: list[Iterator[str]] = []
    if leader is None:
        parts.append(_unjudged(look))
    else:
        parts += [_lead(look, leader), _rivals(look, leader), _uneven(look)]
        parts += [_weakest(look, leader), _hardest(look, leader)]
    parts += [_thresholds(look), _leaks(look), _failures(look)]
    return tuple(sentence for part in parts for sentence in part)


def warnings(look: Lookup) -> tuple[str, ...]:
    """What the run itself warned of."""
    given = look.evaluation.warnings
    shown = [clean(text, _WARNING) for text in given[:_MANY]]
    if len(given) > _MANY:
        shown.append(f"… and {len(given) - _MANY} more, which evaluation.json has in full")
    return tuple(shown)


def _auc(look: Lookup, detector: str) -> str:
    area = look.auc(detector, look.base)
    return FIGURE.text(area.value if area else None)


def _unjudged(look: Lookup) -> Iterator[str]:
    if not look.evaluation.rows:
        yield "Nothing was scored, so there is nothing to compare."
        return
    yield (
        "No detector has an AUC over all generators: that takes photographs and fakes that were "
        "both scored."
    )


def _lead(look: Lookup, leader: str) -> Iterator[str]:
    area, row = look.auc(leader, look.base), look.row(leader, look.base)
    if area is None or row is None:
        return
    rank = "has the highest AUC" if len(look.ranked) > 1 else "has an AUC of"
    yield (
        f"Over all generators together, {look.base_words()}, {named(leader)} {rank}"
        f"{':' if len(look.ranked) > 1 else ''} {FIGURE.both(area)}, "
        f"on {_sizes(row)}. An AUC of 0.5 is chance, 1 is perfect."
    )


def _sizes(row: Row) -> str:
    return f"{count(row.n_real, 'photograph')} and {count(row.n_fake, 'fake')}"


def _rivals(look: Lookup, leader: str) -> Iterator[str]:
    rivals = look.ranked[1:]
    if not rivals:
        return
    second = rivals[0]
    gap = look.difference(leader, second, look.base)
    if gap is None:
        yield f"No paired difference to {named(second)}, the next best, was computed."
        return
    if gap.low > 0:
        reading = "the interval excludes zero, so the lead is more than chance"
    elif gap.high < 0:
        reading = f"the interval excludes zero, so on these {named(second)} is ahead"
    elif excludes_zero(gap) or gap.low <= 0 <= gap.high:
        reading = "the interval includes zero, so these pictures cannot tell the two apart"
    else:
        reading = "it has no interval, so the lead may be chance"
    yield (
        f"On the same pictures its AUC minus that of {named(second)}, the next best, is "
        f"{DIFFERENCE.both(gap)}: {reading}."
    )
    if len(rivals) > 1:
        yield from _others(look, leader)


def _others(look: Lookup, leader: str) -> Iterator[str]:
    rivals = look.ranked[1:]
    gaps = {rival: look.difference(leader, rival, look.base) for rival in rivals}
    beside = [named(rival) for rival, gap in gaps.items() if gap is None or not gap.low > 0]
    behind = len(rivals) - len(beside)
    if not beside:
        every = "Both" if len(rivals) == 2 else f"All {len(rivals)}"
        yield f"{every} rivals are behind by an interval that excludes zero."
        return
    yield (
        f"Of its {len(rivals)} rivals, {behind} {'is' if behind == 1 else 'are'} behind by an "
        f"interval that excludes zero; not shown to be behind: {listed(beside)}."
    )


def _uneven(look: Lookup) -> Iterator[str]:
    rows = [row for name in look.ranked if (row := look.row(name, look.base))]
    if len({(row.n_real, row.n_fake) for row in rows}) > 1:
        yield (
            "The detectors did not score the same number of pictures, so their AUCs are only "
            "roughly comparable; paired differences are taken on pictures that both scored."
        )


def _weakest(look: Lookup, leader: str) -> Iterator[str]:
    found = look.worst(leader, look.base)
    if found is None or len(look.generators) < 2:
        return
    name, area = found[0], found[1].auc
    if area is not None:
        chance = "" if above_chance(area) else "; it is not shown to be better than chance there"
        yield f"Its worst generator is {named(name)}: AUC {FIGURE.both(area)}{chance}."


def _hardest(look: Lookup, leader: str) -> Iterator[str]:
    found = [
        (area.value, place, name)
        for place, name in enumerate(look.perturbations)
        if name != look.base and (area := look.auc(leader, name))
    ]
    if not found:
        return
    _, _, name = min(found)
    area = look.auc(leader, name)
    if area:
        which = (
            f"the hardest of {len(found)} perturbations" if len(found) > 1 else "the perturbation"
        )
        yield f"After {named(name)}, {which}, its AUC is {FIGURE.both(area)}."


def _thresholds(look: Lookup) -> Iterator[str]:
    given = look.evaluation.thresholds
    frozen = [t for t in given if t.detector not in look.oracles]
    if frozen:
        how: dict[str, list[str]] = {}
        for one in frozen:
            word = CHOSEN.get(one.chosen) or named(one.chosen)
            how.setdefault(word, []).append(named(one.detector))
        kinds = "; ".join(f"{listed(names)}: {word}" for word, names in how.items())
        yield f"Thresholds were frozen before these pictures were scored ({kinds})."
    if look.oracles:
        names = [look.label(name) for name in look.detectors if name in look.oracles]
        yield (
            f"An oracle's threshold, chosen on these very pictures, is that of {listed(names)}: "
            "figures that depend on it are better than what new pictures would give."
        )
    without = [named(n) for n in look.detectors if n not in {t.detector for t in given}]
    if without:
        yield f"No threshold is known for {listed(without)}: figures that need one are missing."


def _leaks(look: Lookup) -> Iterator[str]:
    leaks = look.evaluation.leaks
    above = [leak for leak in leaks if above_chance(leak.auc)]
    if not leaks:
        yield "No leak probe was run: whether the data give the answer away is not known."
    elif not above:
        yield f"No leak probe is above chance ({count(len(leaks), 'probe')})."
    else:
        which = listed([f"{named(leak.probe)} (AUC {FIGURE.both(leak.auc)})" for leak in above])
        yield (
            f"Leak: {which} alone can tell fakes from photographs above chance, so a detector "
            "may profit from what is no trace of a generator."
        )


def _failures(look: Lookup) -> Iterator[str]:
    failed = {name: len(found) for name, found in look.evaluation.failures.items() if found}
    if failed:
        which = listed([f"{named(name)} on {number:,}" for name, number in failed.items()])
        yield f"Some pictures got no score, and are left out: {which}."
