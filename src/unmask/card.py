"""Weights and their cards. Every weight file has one: what it is, what it learned from, how good.

A card is JSON beside the weights (`name.safetensors`, `name.json`); it names the SHA-256, and a
file that does not match is refused.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from unmask.errors import WeightsError


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a reader must know of a weight file before leaning on it."""

    name: str
    sha256: str  # of the weight file
    task: str
    architecture: str
    papers: tuple[str, ...]
    data: tuple[str, ...]  # what it was trained on
    licence: str  # of the weights, as their data allows
    command: str  # that trains it again
    calibration: Mapping[str, Any]  # parameters, and the data that they were fitted on
    thresholds: Mapping[str, float]  # of the reasons to abstain
    results: Mapping[str, Any]  # by generator, with n and intervals
    weaknesses: tuple[str, ...]
    game: Mapping[str, Any] = field(default_factory=dict)  # of a GAN: name, profile, images seen

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")


_Value = TypeVar("_Value")
_used: dict[str, str] = {}


def part_of(tensors: Mapping[str, _Value], name: str) -> dict[str, _Value]:
    """What a file of weights holds of one network, without the network's name in front."""
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def load_card(weights: Path) -> Card:
    """Read the card beside `weights` and check the file against it.

    Raises WeightsError where either is missing, or the file is another one.
    """
    try:
        fields = json.loads(weights.with_suffix(".json").read_text())
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        card = Card(**fields | {k: tuple(fields[k]) for k in ("papers", "data", "weaknesses")})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"The weights {weights.name} or their card cannot be read.") from error
    if digest != card.sha256:
        raise WeightsError(f"{weights.name} is not the file that its card describes.")
    _used[weights.name] = digest
    return card


def used_weights() -> dict[str, str]:
    """Weight file -> SHA-256 of those that this process has loaded."""
    return dict(_used)
