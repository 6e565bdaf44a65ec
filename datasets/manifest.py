"""Labelled pictures to train and measure on: what each folder holds, and who may see it when.

A split is drawn by the name of the source picture, so that it never changes and no picture is on
two sides. A generator is on one side too: `ROLES` says which ones may train, which ones only
calibrate, and which ones only test.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CAMERA = "camera"
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class Split(StrEnum):
    """Where a sample may be used."""

    TRAIN = "train"
    VALIDATION = "validation"  # selects, calibrates, sets thresholds
    TEST = "test"  # opened to report, never to choose


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A labelled picture."""

    path: Path
    fake: bool
    generator: str  # "camera" for a photograph
    corpus: str
    source: str  # names the source photograph or the generated picture: splits are drawn by it
    split: Split
    mask: Path | None = None  # grey, 255 where a fake is fake; None: all of it
    codec: str = ""  # that a recording went through, as its corpus names it


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A folder of real and generated pictures, and how its pictures are shared out.

    `shares` are the parts of train and validation, the rest tests: (0, 1) is validation only.
    """

    name: str
    real: str  # glob below the data root, or ""
    fake: str
    generator: str
    shares: tuple[float, float]
    licence: str


CORPORA = (
    Corpus(
        name="ffhq_vs_stylegan",
        real="faces_ffhq_vs_stylegan/real/*",
        fake="faces_ffhq_vs_stylegan/fake/*",
        generator="stylegan-ffhq",
        shares=(0.7, 0.1),
        licence="FFHQ CC BY-NC-SA 4.0; research only",
    ),
    Corpus(
        name="forensynths_stylegan",
        real="forensynths_mini/stylegan/real/*",
        fake="forensynths_mini/stylegan/fake/*",
        generator="stylegan-other",
        shares=(1.0, 0.0),
        licence="CC BY-NC-SA 4.0",
    ),
    Corpus(
        name="photographs",
        real="photos_imagenet_sample/*",
        fake="",
        generator=CAMERA,
        shares=(0.5, 0.25),
        licence="ImageNet terms; research only",
    ),
    Corpus(
        name="forensynths_cyclegan",
        real="forensynths_mini/cyclegan/real/*",
        fake="forensynths_mini/cyclegan/fake/*",
        generator="cyclegan",
        shares=(0.0, 1.0),
        licence="CC BY-NC-SA 4.0",
    ),
    Corpus(
        name="celeba_vs_stylegan2",
        real="faces_celeba_vs_stylegan2/real/*",
        fake="faces_celeba_vs_stylegan2/fake/*",
        generator="stylegan2-type",
        shares=(0.0, 0.5),
        licence="CelebA: non-commercial research",
    ),
    Corpus(
        name="sd3_portraits",
        real="",
        fake="faces_sd3/female/*",
        generator="stable-diffusion-3",
        shares=(0.0, 1.0),
        licence="CC0",
    ),
    Corpus(
        name="forensynths_stargan",
        real="forensynths_mini/stargan/real/*",
        fake="forensynths_mini/stargan/fake/*",
        generator="stargan",
        shares=(0.0, 0.0),
        licence="CC BY-NC-SA 4.0",
    ),
    Corpus(
        name="comfyui_outputs",
        real="",
        fake="comfyui_outputs/*/*",
        generator="flux-sd3-comfyui",
        shares=(0.0, 0.0),
        licence="0BSD-like",
    ),
)


def draw(name: str, shares: tuple[float, float]) -> Split:
    """The split of a source, by a hash of its name: stable when files come and go."""
    digest = hashlib.sha256(name.encode()).digest()
    u = int.from_bytes(digest[:8], "big") / 2**64
    if u < shares[0]:
        return Split.TRAIN
    return Split.VALIDATION if u < sum(shares) else Split.TEST


def samples(root: Path, corpora: Iterable[Corpus] = CORPORA) -> list[Sample]:
    """Every sample below `root` in a fixed order. FileNotFoundError where a corpus is missing."""
    found: list[Sample] = []
    for corpus in corpora:
        for pattern, fake in ((corpus.real, False), (corpus.fake, True)):
            if not pattern:
                continue
            paths = sorted(p for p in root.glob(pattern) if p.suffix.lower() in _SUFFIXES)
            if not paths:
                raise FileNotFoundError(f"{corpus.name}: no picture at {root / pattern}")
            found += [
                Sample(
                    path=path,
                    fake=fake,
                    generator=corpus.generator if fake else CAMERA,
                    corpus=corpus.name,
                    source=f"{corpus.name}/{path.stem}",
                    split=draw(f"{corpus.name}/{path.stem}", corpus.shares),
                )
                for path in paths
            ]
    return found
