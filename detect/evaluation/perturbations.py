"""What an evaluation does to pictures before they are scored, both classes alike.

    parse("jpeg:70")            JPEG of quality 70
    parse("scale:0.75+jpeg:70") one after the other
    parse("standard")           a grid

Chance (noise, where a crop lies) is drawn by the picture's own hash, so that a run repeats.
"""

import difflib
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageFilter

from unmask.detect import encodings
from unmask.detect.encodings import Pixels, h264, jpeg, resize, webp
from unmask.errors import UnmaskError

Rng = np.random.Generator
CLEAN = "clean"
SOCIAL_SIDE = 1080  # pixels: what large platforms keep of the long side
_SEPARATOR = "+"

GRIDS: Mapping[str, tuple[str, ...]] = {
    "standard": ("jpeg:90", "jpeg:70", "jpeg:50", "webp:80", "scale:0.5", "scale:2"),
    "full": (
        *(f"jpeg:{quality}" for quality in (95, 90, 80, 70, 60, 50, 40)),
        *(f"webp:{quality}" for quality in (90, 80, 50)),
        *(f"scale:{factor}" for factor in ("0.25", "0.5", "0.75", "1.5", "2")),
        *(f"blur:{sigma}" for sigma in ("0.5", "1", "2")),
        *(f"noise:{sigma}" for sigma in (2, 5, 10)),
        *(f"crop:{share}" for share in ("0.75", "0.5")),
        *("scale:0.75+jpeg:70", "screenshot", "social", "h264:26"),
    ),
}  # fmt: skip


class PerturbationError(UnmaskError):
    """A perturbation that does not exist, or whose strength is out of range."""


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """A named change of pixels; the same picture always changes alike."""

    spec: str  # "jpeg:70": what a user writes, and the key in the cache
    name: str  # "JPEG 70": what a table says
    change: Callable[[Pixels, Rng], Pixels]

    def __call__(self, pixels: Pixels, sha256: str) -> Pixels:
        """The changed picture; `sha256` is the file's, and draws what is left to chance."""
        seed = hashlib.sha256(f"{sha256} {self.spec}".encode()).digest()[:8]
        changed = self.change(pixels, np.random.default_rng(int.from_bytes(seed, "big")))
        return np.ascontiguousarray(changed)


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """A family of perturbations of one strength; `default` is None where one must be said."""

    title: str
    least: float
    most: float
    default: float | None
    change: Callable[[Pixels, float, Rng], Pixels]


def blur(pixels: Pixels, sigma: float) -> Pixels:
    """Gaussian blur, `sigma` in pixels."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8)


def noise(pixels: Pixels, sigma: float, rng: Rng) -> Pixels:
    """Gaussian noise of each pixel and channel, `sigma` in grey levels."""
    grain = rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(sigma)
    return np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8)


def crop(pixels: Pixels, share: float, rng: Rng) -> Pixels:
    """A window with `share` of each side, somewhere in the picture."""
    height, width = (max(1, round(n * share)) for n in pixels.shape[:2])
    top = int(rng.integers(pixels.shape[0] - height + 1))
    left = int(rng.integers(pixels.shape[1] - width + 1))
    return pixels[top : top + height, left : left + width]


def screenshot(pixels: Pixels) -> Pixels:
    """Drawn larger on a screen, sharpened a little, kept as PNG (lossless), sent as JPEG 85."""
    shown = Image.fromarray(resize(pixels, 1.25, Image.Resampling.BILINEAR))
    sharp = shown.filter(ImageFilter.UnsharpMask(radius=1, percent=40, threshold=0))
    return jpeg(np.asarray(sharp), 85)


def social(pixels: Pixels) -> Pixels:
    """Posted and posted again: to 1080 px or three quarters, JPEG 70; cut by 4 px, JPEG 70.

    The cut moves the blocks of the second compression off those of the first.
    """
    scale = min(0.75, SOCIAL_SIDE / max(pixels.shape[:2]))
    posted = jpeg(resize(pixels, scale, Image.Resampling.LANCZOS), 70)
    cut = posted[4:, 4:] if min(posted.shape[:2]) > 8 else posted
    return jpeg(np.ascontiguousarray(cut), 70)


def h264_frame(pixels: Pixels, crf: float) -> Pixels:
    """One frame through x264 and back; a side of one pixel is doubled first."""
    least = [(0, max(0, 2 - n)) for n in pixels.shape[:2]]
    return h264(np.pad(pixels, [*least, (0, 0)], mode="edge"), int(crf))


_KINDS: Mapping[str, _Kind] = {
    "jpeg": _Kind(
        title="JPEG", least=1, most=100, default=None, change=lambda p, q, _: jpeg(p, int(q))
    ),
    "webp": _Kind(
        title="WebP", least=1, most=100, default=None, change=lambda p, q, _: webp(p, int(q))
    ),
    "scale": _Kind(
        title="scaled", least=0.05, most=4, default=None, change=lambda p, s, _: resize(p, s)
    ),
    "blur": _Kind(
        title="blur", least=0.1, most=20, default=None, change=lambda p, s, _: blur(p, s)
    ),
    "noise": _Kind(title="noise", least=0.1, most=100, default=None, change=noise),
    "crop": _Kind(title="crop", least=0.05, most=1, default=None, change=crop),
    "screenshot": _Kind(
        title="screenshot", least=0, most=0, default=0, change=lambda p, _, __: screenshot(p)
    ),
    "social": _Kind(
        title="social media", least=0, most=0, default=0, change=lambda p, _, __: social(p)
    ),
    "h264": _Kind(
        title="H.264 crf", least=0, most=51, default=26, change=lambda p, c, _: h264_frame(p, c)
    ),
}
_ALSO = {"resize": "scale", "h.264": "h264"}
_WHOLE = {"jpeg", "webp", "h264"}  # strengths that are whole numbers


def parse(text: str) -> tuple[Perturbation, ...]:
    """One perturbation, several joined by "+", or a grid. Raises PerturbationError."""
    word = text.strip().lower()
    if word in GRIDS:
        return tuple(one for spec in GRIDS[word] for one in parse(spec))
    if word == CLEAN:
        return (Perturbation(spec=CLEAN, name=CLEAN, change=lambda pixels, _: pixels),)
    steps = [_step(part, text) for part in word.split(_SEPARATOR)]

    def change(pixels: Pixels, rng: Rng) -> Pixels:
        for step in steps:
            pixels = step.change(np.ascontiguousarray(pixels), rng)
        return pixels

    return (
        Perturbation(
            spec=_SEPARATOR.join(step.spec for step in steps),
            name=", ".join(step.name for step in steps),
            change=change,
        ),
    )


def parse_all(texts: Iterable[str]) -> tuple[Perturbation, ...]:
    """`clean`, then the others in their order, each once. Raises PerturbationError."""
    found = {CLEAN: parse(CLEAN)[0]}
    for text in texts:
        for one in parse(text):
            found.setdefault(one.spec, one)
    return tuple(found.values())


def _step(part: str, text: str) -> Perturbation:
    word, colon, number = part.strip().partition(":")
    word = _ALSO.get(word, word)
    kind = _KINDS.get(word)
    if kind is None:
        known = [*_KINDS, *GRIDS, CLEAN]
        near = difflib.get_close_matches(word, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise PerturbationError(f"no perturbation {text!r}{hint} (there are {', '.join(known)})")
    strength = _strength(kind, word, number if colon else None, text)
    shown = f"{strength:g}" if kind.most else ""
    return Perturbation(
        spec=f"{word}:{shown}" if shown else word,
        name=f"{kind.title} {shown}".strip(),
        change=lambda pixels, rng: kind.change(pixels, strength, rng),
    )


def _strength(kind: _Kind, word: str, number: str | None, text: str) -> float:
    try:
        strength = kind.default if number is None else float(number)
    except ValueError:
        strength = math.nan
    if strength is None or not kind.least <= strength <= kind.most:
        wanted = f"{word}:NUMBER from {kind.least:g} to {kind.most:g}" if kind.most else word
        raise PerturbationError(f"{text!r} is not {wanted}")
    if word in _WHOLE and strength != int(strength):
        raise PerturbationError(f"{text!r}: the strength of {word} is a whole number")
    return float(strength)


@cache
def implementation() -> str:
    """A hash of everything that turns a file into what is scored: kept scores depend on it."""
    digest = hashlib.sha256()
    for path in (__file__, encodings.__file__):
        digest.update(Path(path).read_bytes())
    digest.update(f"{version('pillow')} {version('opencv-python-headless')}".encode())
    return digest.hexdigest()[:16]
