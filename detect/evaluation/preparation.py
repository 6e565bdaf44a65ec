"""What both classes go through before anything else, so that neither size nor format can tell.

Pictures of a corpus whose classes differ in size are cut to their middles, all of one side; then
everything is encoded alike.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from unmask.datasets.manifest import Sample
from unmask.detect.encodings import Pixels
from unmask.detect.evaluation.perturbations import PerturbationError, implementation

LEAST_SIDE = 128  # pixels; cut smaller, there is little left to judge
UNCUT = "whole"


@dataclass(frozen=True, kw_only=True)
class Base:
    """The one encoding; `kind` is jpeg, webp or none, which keeps the pixels as they are."""

    kind: str
    quality: int = 0

    @property
    def spec(self) -> str:
        """As a user writes it."""
        return f"{self.kind}:{self.quality}" if self.quality else self.kind

    @property
    def title(self) -> str:
        """As a table says it."""
        names = {"jpeg": "JPEG", "webp": "WebP", "none": "no common encoding"}
        return f"{names[self.kind]} {self.quality or ''}".strip()

    def encode(self, pixels: Pixels) -> bytes:
        """The file that is scored."""
        buffer, image = io.BytesIO(), Image.fromarray(np.ascontiguousarray(pixels))
        if self.kind == "jpeg":
            image.save(buffer, "JPEG", quality=self.quality, subsampling=2)
        elif self.kind == "webp":
            image.save(buffer, "WEBP", quality=self.quality, method=2)
        else:
            image.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()


def parse_base(text: str) -> Base:
    """From `jpeg:95`, `webp:90` or `none`. Raises PerturbationError."""
    kind, _, number = text.strip().lower().partition(":")
    if kind == "none" and not number:
        return Base(kind=kind)
    if kind in ("jpeg", "webp") and number.isdecimal() and 1 <= int(number) <= 100:
        return Base(kind=kind, quality=int(number))
    raise PerturbationError(f"{text!r} is not jpeg:QUALITY, webp:QUALITY or none")


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How one picture is made ready."""

    base: Base
    side: int | None = None  # pixels of the square cut from its middle; None keeps it whole

    @property
    def key(self) -> str:
        """Names everything that the ready picture depends on, beside the file."""
        return f"{self.base.spec} {self.side or UNCUT} {implementation()}"

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of what is left of a picture of this `size`."""
        most = self.side or max(size)
        return min(size[0], most), min(size[1], most)

    def encode(self, pixels: Pixels) -> bytes:
        """Cut and encoded."""
        return self.base.encode(middle(pixels, self.side) if self.side else pixels)


def middle(pixels: Pixels, side: int) -> Pixels:
    """The middle, at most `side` a side; a smaller side stays as it is.

    It starts at a multiple of 8: the blocks of an earlier JPEG lie alike in all pictures.
    """
    height, width = pixels.shape[:2]
    top, left = (max(0, (n - side) // 2) // 8 * 8 for n in (height, width))
    return pixels[top : top + side, left : left + side]


def parse_crop(text: str) -> int | None:
    """None for `auto`, 0 for `none`, or pixels. Raises PerturbationError."""
    if text in ("auto", "none"):
        return None if text == "auto" else 0
    if text.isdecimal() and int(text) >= 8:
        return int(text)
    raise PerturbationError(f"{text!r} is not auto, none or at least 8 pixels")


def sides(
    sizes: Mapping[Sample, tuple[int, int]], crop: int | None
) -> tuple[dict[Sample, int], list[str]]:
    """The side that each picture is cut to, of those that are, and what to warn of.

    `sizes` are (width, height); `crop` is as `parse_crop` gives it. A corpus with both classes is
    looked at by itself. Those with one class are evened out together, as they are compared.
    """
    if crop is not None:
        return (dict.fromkeys(sizes, crop) if crop else {}), []
    classes: dict[str, set[bool]] = defaultdict(set)
    for sample in sizes:
        classes[sample.corpus].add(sample.fake)
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in sizes:
        groups[sample.corpus if len(classes[sample.corpus]) == 2 else ""].append(sample)
    found: dict[Sample, int] = {}
    warnings = []
    for corpus, group in groups.items():
        by_class = [{sizes[s] for s in group if s.fake is fake} for fake in (False, True)]
        if all(by_class) and by_class[0] != by_class[1]:
            found |= dict.fromkeys(group, _common_side(sizes[s] for s in group))
            small = sum(min(sizes[s]) < found[s] for s in group)
            if small:
                where = f"of {corpus}" if corpus else "of the corpora with one class"
                warnings.append(
                    f"{small} pictures {where} are smaller than the {LEAST_SIDE} px that all were "
                    "cut to: their size may tell their class."
                )
    return found, warnings


def _common_side(sizes: Iterable[tuple[int, int]]) -> int:
    return max(LEAST_SIDE, min(min(size) for size in sizes))
