"""Games that were trained: from a run's checkpoint to a weight file with its card, and back.

The file holds the averaged generator, which makes the pictures, and the critic, which a detector
may ask. Both are in half precision, or their large matrices in eight bits.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from unmask.card import Card, load_card
from unmask.errors import WeightsError
from unmask.generate.catalogue import find
from unmask.generate.checkpoint import learned
from unmask.generate.entry import Entry
from unmask.generate.game import Game
from unmask.generate.starting import fill, read_weights
from unmask.packing import packed

WEIGHTS = Path(__file__).with_name("weights")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A game with what it learned; `game.generator` is the running average."""

    entry: Entry
    profile: str
    game: Game
    images: int  # that the critic saw
    card: Card | None  # of the weight file; a run's checkpoint has none
    source: Path  # of the weights: what belongs to them lies beside


def shipped(name: str) -> Path | None:
    """The weights that come with unmask for a game, or None."""
    path = WEIGHTS / f"{name}.safetensors"
    return path if path.is_file() else None


def load_trained(
    name: str, weights: Path | None = None, *, profile: str = "tiny", device: str = "cpu"
) -> Trained:
    """A game ready to play, from a weight file with its card or from a run's checkpoint (.pt).

    Without `weights`, the shipped ones. `profile` says which size a checkpoint is of; a card says
    it itself. Raises UnknownGameError, or WeightsError where there are none, or others'.
    """
    entry = find(name)
    source = weights or shipped(name)
    if source is None:
        raise WeightsError(
            f"No weights of {name} come with unmask. Train it: unmask generate train {name}"
            " --data FOLDER --out RUN, then name RUN/last.pt by --weights."
        )
    if source.suffix == ".pt":
        generator, critic, images = learned(source)
        card = None
    else:
        card = load_card(source)
        generator, critic, images, profile = _held(source, card, name)
    if profile not in entry.profiles:
        raise WeightsError(f"{name} has no profile {profile!r}.")
    game = entry.profiles[profile].build()
    fill(game, generator, critic, source.name)
    game.to(device).eval().requires_grad_(False)
    return Trained(entry=entry, profile=profile, game=game, images=images, card=card, source=source)


def _held(
    source: Path, card: Card, name: str
) -> tuple[dict[str, Tensor], dict[str, Tensor], int, str]:
    if card.game.get("name") != name:
        raise WeightsError(f"{source.name} holds no {name} but {card.game.get('name', card.name)}.")
    generator, critic = read_weights(source)
    return generator, critic, int(card.game["images"]), str(card.game["profile"])


def fingerprint(trained: Trained) -> str:
    """A hash of the generator: another run, or more steps of one, has another."""
    digest = hashlib.sha256()
    for name, values in trained.game.generator.state_dict().items():
        digest.update(name.encode())
        digest.update(values.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_halved(state: Mapping[str, Tensor], target: Path, name: str) -> None:
    """Write tensors in half precision. Raises WeightsError where those of `name` do not fit."""
    tensors = {
        key: (value.half() if value.is_floating_point() else value).contiguous().clone()
        for key, value in state.items()
    }
    if not all(bool(torch.isfinite(v).all()) for v in tensors.values() if v.is_floating_point()):
        raise WeightsError(f"The weights of {name} do not fit half precision.")
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target)


def export(
    trained: Trained,
    target: Path,
    *,
    data: tuple[str, ...],
    licence: str,
    command: str,
    results: Mapping[str, Any],
    weaknesses: tuple[str, ...],
    eight_bits: bool = False,
) -> Card:
    """Write weights and card. `data` is what it learned from, `results` what was measured.

    `eight_bits`, of large matrices, halves the file: measure it again from there.
    """
    state = {
        f"{part}.{key}": value
        for part in ("generator", "critic")
        for key, value in getattr(trained.game, part).state_dict().items()
    }
    save_halved(packed(state) if eight_bits else state, target, trained.entry.name)
    parts = {
        part: sum(p.numel() for p in getattr(trained.game, part).parameters())
        for part in ("generator", "critic")
    }
    card = Card(
        name=trained.entry.name,
        sha256=hashlib.sha256(target.read_bytes()).hexdigest(),
        task=trained.entry.title,
        architecture=f"{type(trained.game).__name__}, profile {trained.profile}: generator of"
        f" {parts['generator']:,} parameters (running average), critic of {parts['critic']:,}",
        papers=trained.entry.papers,
        data=data,
        licence=licence,
        command=command,
        calibration={},
        thresholds={},
        results=results,
        weaknesses=weaknesses,
        game={
            "name": trained.entry.name, "profile": trained.profile, "images": trained.images
        },
    )  # fmt: skip
    card.save(target.with_suffix(".json"))
    return card
