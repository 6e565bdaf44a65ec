"""How good a trained game is: figures beside floor and ceiling, and the weights with their card."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unmask.datasets.picture_arrays import Pictures, read_digits, read_folder
from unmask.generate import extractors, quality
from unmask.generate.digit_reader import load_reader
from unmask.generate.entry import Task
from unmask.generate.game import OptionError, Sampling
from unmask.generate.games.digits import CLASSES, DigitGame
from unmask.generate.pictures import to_tensor
from unmask.generate.playing import profile_of
from unmask.generate.sampling import images
from unmask.generate.trained import Trained

DIGITS = ("digits", "digits-2014", "digits-dcgan")
FIRST_SEED = 1_000_000  # of the samples that are measured: none that a person is likely to pick


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was found, for a card: one line, and everything."""

    summary: str
    results: dict[str, Any]


def pictures_of(
    trained: Trained, data: Path, held_out: Path | None, cache: Path | None
) -> tuple[Pictures, Pictures]:
    """The training pictures, and others that the game never saw. Raises OptionError without."""
    side = profile_of(trained.entry, trained.profile).side
    if trained.entry.name in DIGITS:
        return read_digits(data, side), read_digits(held_out or data, side, held_out=True)
    if held_out is None:
        raise OptionError("Name a folder of pictures that it was not trained on: --held-out.")
    return read_folder(data, side, cache=cache), read_folder(held_out, side, cache=cache)


def measure(
    trained: Trained, real: Pictures, held_out: Pictures, *, count: int = 1000, seed: int = 1
) -> Measured:
    """Compare `count` samples, or as many as there are held-out reals, with the training pictures.

    Raises OptionError for a game that makes nothing out of noise, and QualityError.
    """
    if trained.entry.task is not Task.SAMPLE:
        raise OptionError(f"{trained.entry.name} makes nothing out of noise; see its preview.")
    made = drawn(trained, count)
    digits = trained.entry.name in DIGITS
    extractor = extractors.find("clfdigits-v1" if digits else "randomconv-v1")
    rng = np.random.default_rng(seed)
    found = quality.assess(
        to_tensor(np.asarray(real.pixels)), to_tensor(np.asarray(held_out.pixels)), made,
        extractor, rng,
    )  # fmt: skip
    results: dict[str, Any] = {"quality": found.to_json()}
    summary = (
        f"Frechet {found.fake.frechet:.3g} (held-out reals {found.floor.frechet:.3g}, noise"
        f" {found.ceiling.frechet:.3g}; {extractor.name}, n = {found.n})"
    )
    if isinstance(trained.game, DigitGame):
        more = _asked(trained, made, real)
        results |= more
        read = more["conditional"]["all"]
        summary = (
            f"{read['value']:.1%} [{read['low']:.1%}, {read['high']:.1%}] read as asked; {summary}"
        )
    return Measured(summary=summary, results={"summary": summary, **results})


def drawn(trained: Trained, count: int) -> Tensor:
    """(count, C, H, W) samples of seeds that are always the same."""
    asked = Sampling(seeds=tuple(range(FIRST_SEED, FIRST_SEED + count)))
    if isinstance(trained.game, DigitGame):
        asked = Sampling(seeds=asked.seeds, labels=tuple(range(CLASSES)))
    return torch.cat([part.cpu() for _, part in images(trained, asked)])


def _asked(trained: Trained, made: Tensor, real: Pictures) -> dict[str, Any]:
    """Whether the digits are those that were asked for, and differ as real ones do."""
    labels = torch.arange(len(made)) % CLASSES
    read = quality.conditional_accuracy(made, labels, load_reader())
    if real.labels is None:
        raise OptionError(f"{trained.entry.name} needs labels.")
    shapes = extractors.find("randomconv-v1")
    kept = slice(len(made))
    varied = quality.diversity(
        shapes(made), labels,
        shapes(to_tensor(np.asarray(real.pixels[kept]))), torch.from_numpy(real.labels[kept]),
    )  # fmt: skip
    return {"conditional": asdict(read), "diversity": asdict(varied)}
