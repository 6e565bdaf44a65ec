"""What a GAN is: two networks, and what each of them wants.

The generator lies and the critic learns to catch it (Goodfellow et al. 2014). `training.train` lets
them play; a game says only what differs between one GAN and another.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from unmask.errors import UnmaskError

Batch = Mapping[str, Tensor]  # "images" (B, C, H, W) in [-1, 1], "labels" (B,) ...: as a game reads
Stats = dict[str, Tensor]  # name -> scalar without gradient
# A draw and a size -> that many examples. All that is random comes from the draw, so that a run
# that was stopped meets the examples that it would have met.
Batches = Callable[[np.random.Generator, int], Batch]


class OptionError(UnmaskError):
    """Something is asked of a game that it cannot do."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """What is asked of a generator that makes pictures out of noise."""

    seeds: tuple[int, ...]  # one a picture: the same seed gives the same picture everywhere
    labels: tuple[int, ...] | None = None  # classes, taken in turn; None leaves the choice to it
    truncation: float | None = None  # 1: as trained; towards 0: more typical, less varied


def noise_of(seeds: Sequence[int], values: int) -> Tensor:
    """(N, values) standard normal, a row for each seed; drawn on the processor on any machine."""
    rows = [torch.randn(values, generator=torch.Generator().manual_seed(s)) for s in seeds]
    return torch.stack(rows)


class Game(nn.Module, ABC):
    """A GAN. What it keeps from step to step are buffers, so that a checkpoint holds it whole."""

    generator: nn.Module  # one network, or several in a ModuleDict
    critic: nn.Module
    columns: int | None = None  # of a preview's sheet; None makes it square

    @abstractmethod
    def critic_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """What the critic brings down; `step` counts from 0 and times lazy regularisers."""

    @abstractmethod
    def generator_loss(self, batch: Batch, step: int) -> tuple[Tensor, Stats]:
        """What the generator brings down."""

    @abstractmethod
    def preview(self, generator: nn.Module) -> Tensor:
        """(N, C, H, W) in [-1, 1]: what `generator` makes of noise that is always the same."""

    def sample(self, asked: Sampling) -> Tensor:  # noqa: ARG002
        """(N, C, H, W) in [-1, 1], one for each seed. OptionError where it cannot do as asked."""
        raise OptionError(f"{type(self).__name__} makes no pictures out of noise.")

    def after_step(self, step: int, stats: Stats) -> None:
        """Adapt what is no network, as the strength of an augmentation. By default, nothing."""
