"""Directions with names in a file: unit vectors in the space of styles, and a card beside them.

The card (JSON, the same stem) says of each what its name means, what it was found from, and what
was measured along it. A file fits one generator, whose digest it names: anywhere else its names
would mean nothing.
"""

import difflib
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from unmask.errors import WeightsError
from unmask.generate.directions import Direction, moved
from unmask.generate.game import OptionError
from unmask.generate.stylegan2 import Generator

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)  # no number: those are SeFa's
FARTHEST = 3.0  # deviations either way, as far as directions are measured
_TASK = "Directions in the styles of a generator of faces, found from labelled photographs."
_UNIT = "An amount of 1 is one standard deviation of untruncated styles along the direction."
_PAPER = "Shen et al. 2020, Interpreting the latent space of GANs for semantic face editing"


@dataclass(frozen=True, kw_only=True)
class Named:
    """A direction, and what its name stands for."""

    direction: Direction
    sigma: float  # of untruncated styles along it, in styles' units
    facts: Mapping[str, Any]  # JSON: method, data, figures

    @property
    def name(self) -> str:
        """As it is asked for."""
        return self.direction.name

    @property
    def means(self) -> str:
        """A sentence: as labelled by whom, and how well it was read and found."""
        return str(self.facts.get("means", ""))

    def move(self, styles: Tensor, amount: float) -> Tensor:
        """(N, L, W) moved by an amount in deviations; negative goes back."""
        return moved(styles, self.direction, amount * self.sigma)


def beside(weights: Path) -> Path:
    """Where the directions of a generator's weight file lie, if it has any."""
    return weights.with_name(f"{weights.stem}_directions.safetensors")


def digest(generator: Generator) -> str:
    """SHA-256 of what turns noise into pictures, in half precision as weight files hold it.

    So a run's checkpoint and the file exported from it have the same.
    """
    whole = hashlib.sha256()
    for name, value in sorted(generator.state_dict().items()):
        whole.update(name.encode())
        whole.update(value.detach().cpu().half().contiguous().numpy().tobytes())
    return whole.hexdigest()


def read_named(path: Path, generator: Generator) -> dict[str, Named]:
    """The directions of a file by their names, in its card's order, on the processor.

    Raises WeightsError: file or card missing or damaged, not made for each other, or for another
    generator.
    """
    card, data = _card(path)
    if hashlib.sha256(data).hexdigest() != card.get("sha256"):
        raise WeightsError(f"{path.name} is not the file that its card describes.")
    if card["generator"].get("sha256") != digest(generator):
        raise WeightsError(f"The directions of {path.name} were found for another generator.")
    try:
        vectors = load(data)
        found = {
            name: _named(name, vectors[name], facts, generator.size.w)
            for name, facts in card["directions"].items()
        }
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"{path.name} holds other directions than its card says.") from error
    return found


def _card(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        card = json.loads(path.with_suffix(".json").read_text())
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise WeightsError(f"The directions {path.name} or their card cannot be read.") from error
    parts = ("generator", "directions")
    if not isinstance(card, dict) or not all(isinstance(card.get(k), dict) for k in parts):
        raise WeightsError(f"{path.with_suffix('.json').name} is no card of directions.")
    return card, data


def _named(name: str, vector: Tensor, facts: Mapping[str, Any], width: int) -> Named:
    """Raises ValueError where they are no direction."""
    sigma, length = float(facts["sigma"]), float(vector.norm())
    if not NAME.fullmatch(name) or vector.shape != (width,):
        raise ValueError(name)
    if not math.isclose(length, 1, abs_tol=1e-3) or not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(name)
    return Named(direction=Direction(name=name, vector=vector), sigma=sigma, facts=facts)


def write_named(
    path: Path, found: Mapping[str, Named], generator: Generator, about: Mapping[str, Any]
) -> None:
    """Write directions and their card; `about` is said of the generator beside its digest."""
    data = save({name: one.direction.vector.contiguous() for name, one in found.items()})
    card = {
        "task": _TASK,
        "unit": _UNIT,
        "papers": [_PAPER],
        "sha256": hashlib.sha256(data).hexdigest(),
        "generator": {**about, "sha256": digest(generator)},
        "directions": {name: dict(one.facts) for name, one in found.items()},
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    for place, content in ((path, data), (path.with_suffix(".json"), text.encode())):
        unfinished = place.with_name(place.name + ".part")
        unfinished.write_bytes(content)
        unfinished.replace(place)


def named(found: Mapping[str, Named], name: str) -> Named:
    """One of them. Raises OptionError, which lists what there is."""
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    there = f"named directions: {', '.join(found)}" if found else "no named directions here"
    raise OptionError(
        f"There is no direction {name!r}.{hint} There are {there}; and SeFa's, by numbers from 0."
    )
