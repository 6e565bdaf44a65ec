"""Pictures out of noise, and the film of a training, as the command line and the page ask."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from unmask.generate.game import OptionError, Sampling
from unmask.generate.outputs import Generated, Mark, OutputError, write, write_marked
from unmask.generate.pictures import Pixels, film, png, sheet, strip, to_pixels
from unmask.generate.trained import Trained

AT_ONCE = 32  # pictures that a network makes together
MOST = 100_000  # pictures in one call
_RANGES = re.compile(r"\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*", re.ASCII)


def numbers(text: str) -> tuple[int, ...]:
    """ "7", "0-15" or "1,5,8-9" as numbers. Raises OptionError."""
    if not _RANGES.fullmatch(text.replace(" ", "")):
        raise OptionError(f"{text!r} is no list of numbers such as 7, 0-15 or 1,5,9.")
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        end = int(last or first)
        if end - int(first) >= MOST:
            raise OptionError(f"{part} is more than {MOST:,} numbers.")
        found += range(int(first), end + 1)
    if not 0 < len(found) <= MOST:
        raise OptionError(f"{text!r} is no list of 1 to {MOST:,} numbers.")
    return tuple(found)


def parts(asked: Sampling) -> Iterator[Sampling]:
    """What was asked for, a few pictures at a time."""
    labels = asked.labels
    for at in range(0, len(asked.seeds), AT_ONCE):
        seeds = asked.seeds[at : at + AT_ONCE]
        turned = (
            tuple(labels[(at + i) % len(labels)] for i in range(len(seeds))) if labels else None
        )
        yield Sampling(seeds=seeds, labels=turned, truncation=asked.truncation)


def images(trained: Trained, asked: Sampling) -> Iterator[tuple[Sampling, torch.Tensor]]:
    """(n, C, H, W) in [-1, 1] of a few pictures at a time, with what was asked for these."""
    for part in parts(asked):
        yield part, trained.game.sample(part)


def named(trained: Trained, part: Sampling) -> Iterator[tuple[str, str]]:
    """The name and the settings of each picture of a part."""
    for i, seed in enumerate(part.seeds):
        settings = [f"seed {seed}"]
        name = f"{trained.entry.name}-{seed:06d}"
        if part.labels is not None:
            settings.append(f"class {part.labels[i]}")
            name += f"-{part.labels[i]}"
        if part.truncation is not None:
            settings.append(f"truncation {part.truncation:g}")
        yield name, ", ".join(settings)


def samples(trained: Trained, asked: Sampling) -> Iterator[Generated]:
    """One picture for each seed. Raises OptionError where the game cannot do as asked."""
    for part, found in images(trained, asked):
        for (name, settings), pixels in zip(named(trained, part), to_pixels(found), strict=True):
            yield Generated(name=name, pixels=pixels, settings=settings)


def keep_marked(
    trained: Trained, asked: Sampling, target: Path, mark: Mark, columns: int | None = None
) -> list[Path]:
    """A sheet where `target` is a .png, else a folder of single files, all marked."""
    if target.suffix.lower() != ".png":
        made = samples(trained, asked)
        return [write_marked(one, target / f"{one.name}.png", mark) for one in made]
    whole = torch.cat([found.cpu() for _, found in images(trained, asked)])
    settings = f"seeds {asked.seeds[0]} to {asked.seeds[-1]}"
    one = Generated(name=target.stem, pixels=sheet(whole, columns), settings=settings)
    return [write_marked(one, target, mark)]


def frames_of(run: Path) -> list[Pixels]:
    """The previews of a run, oldest first. Raises OutputError where there are none."""
    paths = sorted((run / "previews").glob("*.png"))
    if not paths:
        raise OutputError(f"{run} holds no previews of a training.")
    frames = []
    for path in paths:
        try:
            with Image.open(path) as image:
                frames.append(np.asarray(image.convert("RGB")))
        except (OSError, SyntaxError, ValueError) as error:
            raise OutputError(f"{path} cannot be read.") from error
    return frames


def keep_film(run: Path, target: Path, mark: Mark) -> Path:
    """The film (.webp) of a run, or a strip (.png) of parts of its previews; marked."""
    frames = frames_of(run)
    match target.suffix.lower():
        case ".webp":
            data, mime = film(frames), "image/webp"
        case ".png":
            data, mime = png(strip(frames)), "image/png"
        case other:
            raise OptionError(f"A film is a .webp or a .png, not {other or 'without ending'}.")
    return write(mark(data, mime, f"{len(frames)} previews of a training", None), target)
