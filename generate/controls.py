"""What a person turns on a generator of faces: seed, truncation, mixing by layer, films.

Layers are counted from 0; see `layers_of` for what they decide (Karras et al. 2019, "A style-based
generator architecture for generative adversarial networks").
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import torch
from torch import Tensor

from unmask.generate.game import OptionError, noise_of
from unmask.generate.pictures import Pixels, to_pixels
from unmask.generate.stylegan2 import Generator

_MOST_SEED = 2**63 - 1
_PARALLEL = 1e-4  # sine of the angle below which a sphere is as flat as a line


class Band(StrEnum):
    """Layers that decide alike."""

    COARSE = "coarse"  # 4 to 8 pixels: pose, shape of the face, glasses
    MIDDLE = "middle"  # 16 to 32 pixels: features, hair, eyes open or closed
    FINE = "fine"  # from 64 pixels: colours, texture


class Way(StrEnum):
    """How a film goes from one face to the next."""

    SPHERICAL = "spherical"  # through noise, along the sphere that it lies on
    LINEAR = "linear"  # through styles


def layers_of(band: Band, style_layers: int) -> range:
    """The layers of a band, of `style_layers` in all; perhaps none in a small generator."""
    ends = {Band.COARSE: (0, 3), Band.MIDDLE: (3, 7), Band.FINE: (7, style_layers)}
    first, last = ends[band]
    return range(min(first, style_layers), min(last, style_layers))


def seeded(generator: Generator, seeds: Sequence[int]) -> Tensor:
    """(N, Z) noise on the generator's device, a row for each seed.

    Raises OptionError without a seed, or for one that is negative or needs more than 63 bits.
    """
    if not seeds or not all(0 <= seed <= _MOST_SEED for seed in seeds):
        raise OptionError(f"Seeds are numbers from 0 to {_MOST_SEED}, one at least.")
    return noise_of(seeds, generator.size.z).to(generator.mapping.mean.device)


@torch.no_grad()
def styles_of(generator: Generator, seeds: Sequence[int], truncation: float = 1.0) -> Tensor:
    """(N, L, W) on the generator's device; a truncation of 0 is the mean face for every seed."""
    styles: Tensor = generator.mapping(seeded(generator, seeds), truncation)
    return styles


def truncated(
    styles: Tensor, mean: Tensor, amount: float, layers: Iterable[int] | None = None
) -> Tensor:
    """(N, L, W) drawn towards a (W,) mean: less variety, fewer odd faces.

    0 is the mean, 1 leaves styles as they are; in all layers or in some.
    """
    drawn = torch.lerp(mean.expand_as(styles), styles, amount)
    return drawn if layers is None else mixed(styles, drawn, layers)


def mixed(styles: Tensor, others: Tensor, layers: Iterable[int]) -> Tensor:
    """(N, L, W) with some layers' styles from `others`, (N or 1, L, W).

    Raises OptionError for shapes that do not fit, or layers that are not there.
    """
    chosen, count = sorted(set(layers)), styles.shape[1]
    if others.shape[1:] != styles.shape[1:] or len(others) not in (1, len(styles)):
        raise OptionError(f"{tuple(others.shape)} styles do not fit {tuple(styles.shape)}.")
    if chosen and not (chosen[0] >= 0 and chosen[-1] < count):
        raise OptionError(f"There are layers 0 to {count - 1}, not {chosen}.")
    joined = styles.clone()
    joined[:, chosen] = others[:, chosen]
    return joined


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """From (..., Z) a to b, 0 to 1, along the arc between them (Shoemake 1985).

    Noise in many dimensions lies near a sphere, which a straight line would leave. Lengths go
    evenly from one to the other; opposite or equal directions, which name no arc, are joined by a
    line.
    """
    lengths = [x.norm(dim=-1, keepdim=True).clamp_min(1e-12) for x in (a, b)]
    cosine = (a / lengths[0] * (b / lengths[1])).sum(-1, keepdim=True).clamp(-1, 1)
    angle = cosine.acos()
    sine = angle.sin().clamp_min(_PARALLEL)
    along = ((1 - t) * angle).sin() / sine * a / lengths[0] + (t * angle).sin() / sine * b / (
        lengths[1]
    )
    arc = along * torch.lerp(lengths[0], lengths[1], t)
    return torch.where(angle.sin() < _PARALLEL, torch.lerp(a, b, t), arc)


def between(keys: Tensor, frames: int, way: Way, *, closed: bool = False) -> Tensor:
    """(K, ...) -> `frames` for each step from one key to the next, the last key after them.

    `closed` goes back from the last to the first, for films that run in a circle, and does not
    repeat it. Raises OptionError with less than two keys or no frame.
    """
    if len(keys) < 2 or frames < 1:
        raise OptionError("A film goes from one face to another, in one frame at least.")
    step = slerp if way is Way.SPHERICAL else torch.lerp
    starts, ends = list(keys), [*keys[1:], keys[0]]
    pairs = list(zip(starts, ends, strict=True))[: None if closed else -1]
    places = [step(a, b, i / frames) for a, b in pairs for i in range(frames)]
    return torch.stack(places if closed else [*places, keys[-1]])


@torch.no_grad()
def film_frames(
    generator: Generator,
    seeds: Sequence[int],
    *,
    frames: int = 24,
    way: Way = Way.SPHERICAL,
    truncation: float = 0.7,
    closed: bool = False,
    change: Callable[[Tensor], Tensor] | None = None,
    batch: int = 16,
) -> list[Pixels]:
    """Frames (S, S, 3) through the faces of the seeds, `frames` from one to the next.

    The noise of the layers stands still, so that hair does not flicker. `change` is done to the
    (N, L, W) styles of all frames, as to mix them. Raises OptionError as `between`, `seeded` and
    `change` do.
    """
    if way is Way.SPHERICAL:
        noise = between(seeded(generator, seeds), frames, way, closed=closed)
        styles = generator.mapping(noise, truncation)
    else:
        styles = between(styles_of(generator, seeds, truncation), frames, way, closed=closed)
    return frames_of(generator, styles if change is None else change(styles), batch=batch)


@torch.no_grad()
def frames_of(generator: Generator, styles: Tensor, *, batch: int = 16) -> list[Pixels]:
    """(S, S, 3) of each of (N, L, W) styles, all with the same noise of the layers."""
    return [
        frame
        for part in torch.split(styles, batch)
        for frame in to_pixels(generator.synthesis(part, "fixed"))
    ]
