"""What else moves along a direction: every attribute read along every direction.

Glasses that come with grey hair are no direction of glasses alone. Each attribute is read by a
classifier that had no part in the search, and, where a user has them, by networks that were
trained elsewhere on other faces.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unmask.datasets.face_labels import Reader
from unmask.generate.attribute_reader import AttributeReader
from unmask.generate.controls import styles_of
from unmask.generate.game import OptionError
from unmask.generate.named_directions import Named
from unmask.generate.pictures import to_pixels
from unmask.generate.stylegan2 import Generator

FAR = 2.0  # deviations either way, as the sheets of samples show them
_FIRST_SEED = 1_000_000  # as the directions are measured on
_AT_ONCE = 50
_Z = 1.959964

Floats = NDArray[np.float64]
# (N, 3, H, W) pictures in [-1, 1] -> by what is read: (N,) values, in a unit that a person reads
Panel = Callable[[Tensor], Mapping[str, Floats]]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is read of N faces moved to either side, and where they were made: means."""

    before: float  # at -FAR deviations
    rest: float
    after: float  # at +FAR
    change: float  # of a face, from one side to the other
    low: float  # 95% interval of it over faces
    high: float


@torch.no_grad()
def entangled(
    generator: Generator,
    directions: Mapping[str, Named],
    panels: Sequence[Panel],
    *,
    faces: int = 200,
    truncation: float = 0.7,
) -> dict[str, dict[str, Change]]:
    """By direction and by what is read. Raises OptionError for less than two faces."""
    if faces < 2:
        raise OptionError("Two faces at least are needed to say how sure a mean is.")
    still = styles_of(generator, range(_FIRST_SEED, _FIRST_SEED + faces), truncation)
    rest = _read(generator, still, panels)
    found: dict[str, dict[str, Change]] = {}
    for name, one in directions.items():
        before, after = (_read(generator, one.move(still, far), panels) for far in (-FAR, FAR))
        found[name] = {what: _change(before[what], rest[what], after[what]) for what in rest}
    return found


def _read(generator: Generator, styles: Tensor, panels: Sequence[Panel]) -> dict[str, Floats]:
    rows: dict[str, list[Floats]] = {}
    for part in torch.split(styles, _AT_ONCE):
        images = generator.synthesis(part, "fixed")
        for panel in panels:
            for what, values in panel(images).items():
                rows.setdefault(what, []).append(values)
    return {what: np.concatenate(parts) for what, parts in rows.items()}


def _change(before: Floats, rest: Floats, after: Floats) -> Change:
    own = after - before
    mean, half = float(own.mean()), _Z * float(own.std(ddof=1)) / len(own) ** 0.5
    return Change(
        before=float(before.mean()), rest=float(rest.mean()), after=float(after.mean()),
        change=mean, low=mean - half, high=mean + half,
    )  # fmt: skip


def own_panel(readers: Mapping[str, AttributeReader]) -> Panel:
    """Probabilities, by classifiers of two folders each."""

    def read(images: Tensor) -> dict[str, Floats]:
        return {
            name: np.asarray(torch.sigmoid(reader(images)).double().cpu().numpy(), np.float64)
            for name, reader in readers.items()
        }

    return read


def outside_panel(package: Path) -> Panel:
    """A smile, years and a man, by the networks of `face_networks`. Raises ArchiveError."""
    reader = Reader(package)

    def read(images: Tensor) -> dict[str, Floats]:
        seen = reader.read(to_pixels(images))
        return {
            "smiling (face-api)": seen.smile,
            "years (face-api)": seen.age,
            "man (face-api)": seen.man,
        }

    return read
