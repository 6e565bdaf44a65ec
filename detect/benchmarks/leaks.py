"""Leak probes of texts and of speech: what must not tell the classes apart."""

from collections.abc import Mapping, Sequence

from unmask.detect.benchmarks.items import Item
from unmask.detect.evaluation.probes import probe
from unmask.detect.evaluation.tables import Leak

Features = Mapping[str, list[float]]  # by probe
LYING = "as it lies"  # ends the name of a probe that is the same under all conditions


def leaks(
    seen: Mapping[str, Sequence[tuple[Item, Features]]], *, draws: int, seed: int
) -> tuple[Leak, ...]:
    """Every probe under every condition; attacked items are left out.

    A probe has no row where a class has too few sources to say anything.
    """
    found: dict[str, Leak] = {}
    for condition, every in seen.items():
        rows = [(item, features) for item, features in every if not item.attack]
        fake, sources = [item.fake for item, _ in rows], [item.source for item, _ in rows]
        for name in dict.fromkeys(name for _, features in rows for name in features):
            title = name if name.endswith(LYING) else f"{name}, {condition}"
            if title in found or len(set(fake)) < 2:
                continue
            values = [features[name] for _, features in rows]
            auc = probe(values, fake, sources, draws=draws, seed=seed)
            if auc is not None:
                found[title] = Leak(probe=title, auc=auc, n=len(rows))
    return tuple(found.values())
