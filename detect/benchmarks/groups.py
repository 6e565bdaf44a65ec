"""Which fakes are measured against which real items: by maker, domain, codec and the like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.detect.benchmarks.items import Item
from unmask.detect.benchmarks.tables import ATTACK, CODEC, DECODING, DOMAIN, GENERATOR, POOLED

ALL_ATTACKS = "all attacks"
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some fakes and the real items that belong to them."""

    by: str
    name: str
    kept: Mask  # (N,)

    @property
    def label(self) -> str:
        """Told from a group of the same name by another criterion."""
        return self.name if self.by == POOLED else f"{self.by} {self.name}"


def groups(items: Sequence[Item]) -> Iterator[Group]:
    """Everything pooled first; attacked items only in the rows of their attack.

    A row by domain or codec has the real items of that one, the others have all that were not
    attacked.
    A criterion that takes one value has no rows, makers excepted.
    """
    fake = np.array([one.fake for one in items], dtype=bool)
    attack = np.array([one.attack for one in items], dtype=str)
    plain = attack == ""
    real, made = ~fake & plain, fake & plain
    if made.any() or not (fake & ~plain).any():
        yield Group(by=POOLED, name=POOLED, kept=real | made)
    for by in (GENERATOR, DOMAIN, CODEC, DECODING):
        of = np.array([getattr(one, by) for one in items], dtype=str)
        names = [name for name in dict.fromkeys(of[made].tolist()) if name]
        for name in sorted(names) if by == GENERATOR or len(names) > 1 else ():
            at = of == name
            own = real & at if by in (DOMAIN, CODEC) else real
            yield Group(by=by, name=name, kept=own | (made & at))
    attacks = sorted(set(attack[fake & ~plain].tolist()))
    for name in attacks:
        yield Group(by=ATTACK, name=name, kept=real | (fake & (attack == name)))
    if len(attacks) > 1:
        yield Group(by=ATTACK, name=ALL_ATTACKS, kept=real | (fake & ~plain))
