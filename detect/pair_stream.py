"""Pairs of a photograph and a fake, to train detectors on: as alike as they can be made.

Most fakes are the photograph itself through a decoder (`datasets.reconstruct`), mixed with it in
pixels or in frequencies, or pasted into it. Others are made on the way: a simulated up-sampling, a
blend of the photograph with itself, a filled hole. Fakes without a photograph of their own, as a
GAN's, meet a photograph of the same corpus. A swapped face comes with the mask of its fake part. A
pair goes through one and the same random chain, so that no size, no compression and no part of the
scene can stand for the label.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from unmask.datasets.blending import (
    dct_blend,
    fill_hole,
    pixel_blend,
    random_band,
    replace_region,
    self_blend,
)
from unmask.datasets.manifest import Sample
from unmask.datasets.upsampling import random_simulation
from unmask.detect.encodings import Chain, Pixels, jpeg, random_chain

CELL = 8  # pixels a side of a target
# What follows where a part is fake: nothing that would move the mask.
IN_PLACE = Chain(mirror=0, resize=0, blur=0, noise=0, colour=0)
Mask = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """How often each kind of pair is drawn; what is left are decoders' reconstructions as such."""

    unpaired: float = 0.3  # fakes of generators that have no photograph of their own
    simulated: float = 0.08
    edited: float = 0.06  # blended with itself, or a hole filled
    pixel_blend: float = 0.15  # of the decoders' pairs
    dct_blend: float = 0.25
    region: float = 0.15


@dataclass(frozen=True, kw_only=True)
class Made:
    """A photograph and its fake, of one size; the mask is the fake's part, or None for all."""

    real: Pixels
    fake: Pixels
    mask: Mask | None = None


class Pool:
    """The pictures of a split in memory, by what they can be paired with."""

    def __init__(self, data: Sequence[Sample]) -> None:
        """Raises ValueError where a class is missing."""
        self.reals: dict[str, list[Pixels]] = defaultdict(list)  # by corpus
        self.paired: dict[str, list[Made]] = defaultdict(list)  # by generator
        self.unpaired: dict[str, list[Pixels]] = defaultdict(list)  # by corpus
        origin: dict[tuple[str, str], dict[str, Pixels]] = defaultdict(dict)  # by file's name
        seen: set[str] = set()
        for sample in (s for s in data if not s.fake):
            pixels = read_picture(sample)
            origin[_set_of(sample), sample.source][sample.path.stem] = pixels
            if sample.source not in seen:  # the same photograph may lie beside several decoders
                seen.add(sample.source)
                self.reals[sample.corpus].append(pixels)
        for sample in (s for s in data if s.fake):
            pixels = read_picture(sample)
            real = _own(origin.get((_set_of(sample), sample.source), {}), sample.path.stem)
            if real is not None and real.shape == pixels.shape:
                mask = read_mask(sample, pixels)
                self.paired[sample.generator].append(Made(real=real, fake=pixels, mask=mask))
            elif sample.corpus in self.reals and sample.mask is None:
                self.unpaired[sample.corpus].append(pixels)
        if not (self.paired or self.unpaired):
            raise ValueError("No fake has a photograph of its own or of its corpus.")

    def whole(self) -> "Pool":
        """The same pictures without the fakes of which only a part is fake.

        Raises ValueError where no fake is left.
        """
        found = copy(self)
        found.paired = {
            name: kept
            for name, pairs in self.paired.items()
            if (kept := [made for made in pairs if made.mask is None])
        }
        if not (found.paired or found.unpaired):
            raise ValueError("Of every fake only a part is fake.")
        return found

    def pair(self, rng: np.random.Generator, mixture: Mixture) -> Made:
        """Any kind of pair."""
        kind = rng.random()
        if not self.paired or (self.unpaired and kind < mixture.unpaired):
            corpus = _drawn(self.unpaired, rng)
            return Made(
                real=_one(self.reals[corpus], rng),
                fake=_one(self.unpaired[corpus], rng),
            )
        kind -= mixture.unpaired
        if kind < mixture.simulated + mixture.edited:
            return self._made_here(rng, edited=kind >= mixture.simulated)
        generators = sorted(self.paired)
        choices = self.paired[generators[rng.integers(len(generators))]]
        made = choices[rng.integers(len(choices))]
        if made.mask is not None:  # as it is: a blend would move what is fake
            return made
        return _mixed(made.real, made.fake, rng, mixture)

    def _made_here(self, rng: np.random.Generator, *, edited: bool) -> Made:
        real = _one(self.reals[_drawn(self.reals, rng)], rng)
        if not edited:
            fake, mask = random_simulation(real, rng), None
        else:
            made = self_blend(real, rng) if rng.random() < 0.5 else fill_hole(real, rng)
            fake, mask = made.pixels, made.mask
        if rng.random() < 0.7:  # both get the block grid that the photograph may have brought
            quality = int(rng.integers(70, 99))
            real, fake = jpeg(real, quality), jpeg(fake, quality)
        return Made(real=real, fake=fake, mask=mask)


def _mixed(real: Pixels, fake: Pixels, rng: np.random.Generator, mixture: Mixture) -> Made:
    """Blends as in Dual Data Alignment (Chen et al. 2025), or the fake in a region alone."""
    kind = rng.random()
    if kind < mixture.pixel_blend:
        return Made(real=real, fake=pixel_blend(real, fake, float(rng.uniform(0.3, 1.0))))
    kind -= mixture.pixel_blend
    if kind < mixture.dct_blend:
        return Made(real=real, fake=dct_blend(real, fake, random_band(rng)))
    kind -= mixture.dct_blend
    if kind < mixture.region:
        edited = replace_region(real, fake, rng)
        return Made(real=real, fake=edited.pixels, mask=edited.mask)
    return Made(real=real, fake=fake)


class PairStream(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless ((2, 3, crop, crop) in [0, 1], (2, crop / 8, crop / 8) targets): real, then fake."""

    def __init__(
        self, pool: Pool, chain: Chain, mixture: Mixture, *, crop: int, seed: int, start: int
    ) -> None:
        """`start` is the step to go on from. ValueError where 8 does not divide `crop`."""
        if crop % CELL:
            raise ValueError(f"crop {crop} is no multiple of {CELL}")
        self.pool, self.chain, self.mixture = pool, chain, mixture
        self.crop, self.seed, self.start = crop, seed, start

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, self.start, worker.id if worker else 0))
        while True:
            yield self.encoded(self.pool.pair(rng, self.mixture), rng)

    def encoded(self, made: Made, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Both through the same chain; a part that is fake is cut out first, with its mask."""
        seed = int(rng.integers(2**63))
        real, fake, mask = made.real, made.fake, made.mask
        chain = self.chain
        if mask is not None:
            real, fake, mask = _cut(real, fake, mask, self.crop, rng)
            chain = IN_PLACE
        pictures = [
            random_chain(p, np.random.default_rng(seed), chain, self.crop) for p in (real, fake)
        ]
        cells = self.crop // CELL
        part = np.ones((cells, cells), np.float32)
        if mask is not None:
            part = mask.reshape(cells, CELL, cells, CELL).mean((1, 3))
        targets = np.stack([np.zeros_like(part), part])
        images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        return images, torch.from_numpy(targets)


def pictures(
    pool: Pool, mixture: Mixture, chain: Chain, *, crop: int, pairs: int, seed: int
) -> Iterator[Pixels]:
    """The pictures of so many pairs, (crop, crop, 3) each: photograph, fake, photograph ...

    Fakes in part are left out, as whole pictures are to be told apart. Raises ValueError where that
    leaves none.
    """
    whole = replace(mixture, edited=0.0, region=0.0)
    stream = PairStream(pool.whole(), chain, whole, crop=crop, seed=seed, start=0)
    for images, _ in islice(stream, pairs):
        yield from (images.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)


def _cut(
    real: Pixels, fake: Pixels, mask: Mask, crop: int, rng: np.random.Generator
) -> tuple[Pixels, Pixels, Mask]:
    """A window that holds something of the fake's part: one of a few, or one that is led there."""
    spare = [(0, max(0, crop - n)) for n in mask.shape]
    if any(after for _, after in spare):
        real, fake = (np.pad(p, (*spare, (0, 0)), mode="symmetric") for p in (real, fake))
        mask = np.pad(mask, spare, mode="symmetric")
    for _ in range(8):
        top, left = (int(rng.integers(n - crop + 1)) for n in mask.shape)
        window = slice(top, top + crop), slice(left, left + crop)
        if mask[window].mean() > 0.05:
            break
    else:  # a small face in a large frame
        window = _around(mask, crop, rng)
    return real[window], fake[window], mask[window]


def _around(mask: Mask, crop: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """A window of `crop` pixels that holds a random pixel of the mask's part, if it has one."""
    inside = np.argwhere(mask > 0.5 * mask.max())
    at = inside[rng.integers(len(inside))] if len(inside) else np.zeros(2, int)
    top, left = (
        int(np.clip(n - rng.integers(crop), 0, side - crop))
        for n, side in zip(at, mask.shape, strict=True)
    )
    return slice(top, top + crop), slice(left, left + crop)


def _own(reals: Mapping[str, Pixels], stem: str) -> Pixels | None:
    """Of a source's photographs: the only one, or of several, as a clip's frames, the namesake."""
    return next(iter(reals.values())) if len(reals) == 1 else reals.get(stem)


def read_mask(sample: Sample, pixels: Pixels) -> Mask | None:
    """(H, W) in [0, 1] of the picture's size; None where all of the fake is fake.

    Raises ValueError where it is of another size.
    """
    if sample.mask is None:
        return None
    with Image.open(sample.mask) as image:
        mask = np.asarray(image.convert("L"), np.float32) / np.float32(255)
    if mask.shape != pixels.shape[:2]:
        raise ValueError(f"The mask {sample.mask} is not of the size of {sample.path}.")
    return mask


def read_picture(sample: Sample) -> Pixels:
    """RGB pixels as they are in the file."""
    with Image.open(sample.path) as image:
        return np.asarray(image.convert("RGB"))


def _set_of(sample: Sample) -> str:
    """The folder that a set of reconstructions lies in: <set>/<generator>/<picture>."""
    return str(sample.path.parent.parent)


def _one(pictures: Sequence[Pixels], rng: np.random.Generator) -> Pixels:
    return pictures[int(rng.integers(len(pictures)))]


def _drawn(by_name: dict[str, list[Pixels]], rng: np.random.Generator) -> str:
    """A corpus counts as the square root of its size: many faces do not drown a few scenes."""
    names = sorted(by_name)
    weight = np.sqrt([len(by_name[name]) for name in names])
    return names[rng.choice(len(names), p=weight / weight.sum())]
