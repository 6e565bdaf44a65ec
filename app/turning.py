"""Faces as the page turns them: mixed with another's layers, moved along directions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.generate.command_faces import named_of
from unmask.generate.controls import Band, layers_of, mixed, styles_of
from unmask.generate.directions import Direction, moved, sefa
from unmask.generate.game import OptionError, Sampling
from unmask.generate.named_directions import Named, named
from unmask.generate.outputs import Generated
from unmask.generate.pictures import to_pixels
from unmask.generate.stylegan2 import Generator
from unmask.generate.trained import Trained


@dataclass(frozen=True, kw_only=True)
class Turns:
    """What is turned on faces beside seed and truncation."""

    named: tuple[tuple[str, float], ...] = ()  # names and amounts, in deviations
    amounts: tuple[float, ...] = ()  # along the strongest directions of SeFa, in styles' units
    other: int | None = None  # seed of a face that gives some of the layers
    band: Band = Band.COARSE  # which ones

    @property
    def any(self) -> bool:
        """Whether anything is turned at all."""
        moves = (*self.amounts, *(amount for _, amount in self.named))
        return any(moves) or self.other is not None


@torch.inference_mode()
def faces(trained: Trained, asked: Sampling, turns: Turns) -> Iterator[Generated]:
    """Faces with layers of another and moved along directions.

    Raises OptionError, and WeightsError where the named directions cannot be read.
    """
    generator = trained.game.generator
    if not isinstance(generator, Generator):
        raise OptionError("Only faces are mixed and turned.")
    truncation = 1.0 if asked.truncation is None else asked.truncation
    words = f"truncation {truncation:g}"
    styles = styles_of(generator, asked.seeds, truncation)
    if turns.other is not None:
        other = styles_of(generator, [turns.other], truncation)
        styles = mixed(styles, other, layers_of(turns.band, generator.style_layers))
        words += f", {turns.band.value} layers of seed {turns.other}"
    moves = [(name, amount) for name, amount in turns.named if amount]
    styles = _moved(styles, moves, named_of(trained) if moves else {})
    styles = _turned(generator, styles, turns.amounts)
    for name, amount in moves:
        words += f", {name}: {amount:+g}"
    for i, amount in enumerate(turns.amounts):
        words += f", SeFa {i}: {amount:+g}" if amount else ""
    for seed, pixels in zip(
        asked.seeds, to_pixels(generator.synthesis(styles, "fixed")), strict=True
    ):
        yield Generated(
            name=f"{trained.entry.name}-{seed:06d}", pixels=pixels, settings=f"seed {seed}, {words}"
        )


def _moved(styles: Tensor, moves: list[tuple[str, float]], there: Mapping[str, Named]) -> Tensor:
    for name, amount in moves:
        styles = named(there, name).move(styles, amount)
    return styles


def _turned(generator: Generator, styles: Tensor, amounts: tuple[float, ...]) -> Tensor:
    """(N, L, W) moved by each amount along the direction of its place."""
    if any(amounts):
        for i, vector in enumerate(sefa(generator, len(amounts)).vectors):
            styles = moved(styles, Direction(name=f"SeFa {i}", vector=vector), amounts[i])
    return styles
