"""How good a game is that changes pictures: a translator between two kinds, or a swap of faces.

A classifier of the two kinds, which never saw a made picture, reads what was made of held-out
pictures; beside it stands how it reads these pictures untouched, and real ones of the other kind.
A distance on features tells whether they look like the others, and not only unlike themselves.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unmask.datasets import face_tracks
from unmask.datasets.unpaired import read_domains
from unmask.generate import extractors
from unmask.generate.attribute_reader import (
    AttributeConfig,
    AttributeReader,
    TwoFolders,
    train_reader,
)
from unmask.generate.distances import QualityError, frechet
from unmask.generate.entry import Task
from unmask.generate.game import OptionError
from unmask.generate.games.swap import resized
from unmask.generate.games.translation import TranslationGame
from unmask.generate.pictures import to_tensor
from unmask.generate.playing import profile_of
from unmask.generate.shares import Share, share
from unmask.generate.swap_nets import SwapNet
from unmask.generate.trained import Trained

LEAST = 20  # held-out pictures of a kind
OTHER = {"a": "b", "b": "a"}
_AT_ONCE = 64

Faces = NDArray[np.uint8]  # (N, S, S, 3)
Way = Callable[[Tensor], Tensor]  # (N, 3, S, S) in [-1, 1], both


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """Pictures of the two kinds, by "a" and "b"."""

    train: Mapping[str, Faces]
    held_out: Mapping[str, Faces]
    names: Mapping[str, str]  # for people


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What became of held-out pictures of one kind."""

    into: str
    read: Share  # of them, read as the kind that they were made into
    untouched: Share  # of the same pictures as they were
    real: Share  # of held-out pictures of that kind
    frechet: float  # from that kind's training pictures, on features
    frechet_untouched: float
    frechet_real: float  # of held-out ones; all three of equally many
    moved: float  # mean change of a level, of 255


def kinds_of(trained: Trained, data: Path, cache: Path | None) -> Kinds:
    """What the game learned from, and what it left out by itself. Raises DatasetError."""
    side = profile_of(trained.entry, trained.profile).side
    if trained.entry.task is Task.SWAP:
        sets = {}
        for part, folder in (("train", data), ("held_out", data / "held-out")):
            loaded = {p: face_tracks.load(folder / f"{p}.npz") for p in OTHER}
            sets[part] = {p: resized(faces, side).pixels for p, faces in loaded.items()}
        return Kinds(**sets, names={p: f"person {p}" for p in OTHER})
    found = [read_domains(data, side, cache=cache, held_out=held) for held in (False, True)]
    train, held_out = ({"a": f.a.pixels, "b": f.b.pixels} for f in found)
    names = dict(zip("ab", found[0].names, strict=True))
    return Kinds(train=train, held_out=held_out, names=names)


def ways_of(trained: Trained) -> dict[str, Way]:
    """By the kind that they lead to. Raises OptionError for a game that changes no pictures."""
    game = trained.game
    if isinstance(game, TranslationGame):
        there = {"b": "ab", "a": "ba"}
        nets = {into: name for into, name in there.items() if name in game.generator}
        return {into: cast(Way, game.generator[name]) for into, name in nets.items()}
    net = game.generator
    if not isinstance(net, SwapNet):
        raise OptionError(f"{trained.entry.name} changes no pictures.")

    def swap(person: str) -> Way:
        return lambda faces: net(faces, person)[0]

    return {person: swap(person) for person in OTHER}


def measure(
    trained: Trained, kinds: Kinds, config: AttributeConfig | None = None
) -> tuple[str, dict[str, Any]]:
    """One line, and everything, for a card. Raises QualityError where too little is held out."""
    few = min(len(faces) for faces in kinds.held_out.values())
    if few < LEAST:
        raise QualityError(f"At least {LEAST} held-out pictures of a kind are needed, not {few}.")
    device = next(trained.game.generator.parameters()).device
    folders = TwoFolders(
        without=kinds.train["a"], having=kinds.train["b"],
        without_held_out=kinds.held_out["a"], having_held_out=kinds.held_out["b"],
    )  # fmt: skip
    reader = train_reader(folders, config or AttributeConfig(), str(device))
    found = {
        into: _changed(way, into, kinds, reader, device) for into, way in ways_of(trained).items()
    }
    summary = "; ".join(_sentence(one) for one in found.values())
    plain = {into: json.loads(json.dumps(asdict(one))) for into, one in found.items()}
    return summary, {"summary": summary, "changed": plain}


def _changed(
    way: Way, into: str, kinds: Kinds, reader: AttributeReader, device: torch.device
) -> Changed:
    before, real = (to_tensor(kinds.held_out[k]) for k in (OTHER[into], into))
    after = _through(way, before, device)

    def read(images: Tensor) -> Share:
        hits = (_through(reader, images, device) > 0) == (into == "b")
        return share(int(hits.sum()), len(images))

    # Distances shrink as sets grow: all are of equally many pictures.
    n = min(len(before), len(real), len(kinds.train[into]))
    rng = np.random.default_rng(1)
    extractor = extractors.find("randomconv-v1")
    train = to_tensor(kinds.train[into][np.sort(rng.choice(len(kinds.train[into]), n, False))])
    aim = extractor(train)

    def away(images: Tensor) -> float:
        return float(frechet(aim, extractor(images[:n])))

    return Changed(
        into=kinds.names[into], read=read(after), untouched=read(before), real=read(real),
        frechet=away(after), frechet_untouched=away(before), frechet_real=away(real),
        moved=float((after - before).abs().mean()) * 127.5,
    )  # fmt: skip


@torch.inference_mode()
def _through(way: Way, images: Tensor, device: torch.device) -> Tensor:
    return torch.cat([way(part.to(device)).float().cpu() for part in torch.split(images, _AT_ONCE)])


def _sentence(found: Changed) -> str:
    read = found.read
    return (
        f"into {found.into}: {read.value:.0%} [{read.low:.0%}, {read.high:.0%}] of {read.n} read"
        f" as such (untouched {found.untouched.value:.0%}, real ones {found.real.value:.0%});"
        f" Frechet {found.frechet:.3g} (untouched {found.frechet_untouched:.3g}, held-out reals"
        f" {found.frechet_real:.3g})"
    )
