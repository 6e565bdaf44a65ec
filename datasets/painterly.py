"""Portraits that look painted, out of photographs of faces: to train on where paintings are not.

    python -m unmask.datasets.painterly --data FACES --out PAINTED --side 128

Nothing here is a work of art, and no painter's hand is copied: filters and strokes of the
literature, in palettes of old portraits. The same seed gives the same picture on one machine.
"""

import json
import zlib
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from unmask.datasets.brushwork import Brushes, Floats, bristles, flow_of, kuwahara, strokes
from unmask.datasets.picture_arrays import read_folder
from unmask.datasets.pigments import Palette, lit, primed, toned, vignette, woven
from unmask.errors import UnmaskError

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
LEAST_SIDE = 16  # pixels
_SCALE = 2  # pictures are painted at twice their size, so that strokes have smooth borders
ABOUT = "about.json"
_WHAT = "photographs painted over by unmask.datasets.painterly; the photographs' licence holds"
_UNIT = 128  # lengths of a style are in parts of a picture of so many pixels a side


class PaintingError(UnmaskError):
    """Pictures that cannot be painted, or a folder that they cannot go to."""


class Style(StrEnum):
    """How it is painted."""

    OLD_MASTER = "old-master"  # smooth paint, dark umber ground, warm light
    LOOSE = "loose"  # few broad strokes that leave the ground bare at the rim
    IMPRESSION = "impression"  # short strokes of broken colour, cool shadows
    WASH = "wash"  # flat thin colour on white paper


@dataclass(frozen=True, kw_only=True)
class Hand:
    """What a style is made of. Lengths are in pixels of a picture of 128 a side."""

    palette: Palette
    smooth: float = 0.0  # radius of the Kuwahara filter; 0: without
    brushes: Brushes | None = None
    behind: float = 0.0  # part of the ground's colour at the rim
    bare: float = 0.0  # part of the canvas that is left without paint at the rim
    bristle: float = 0.0  # how much the hairs' furrows show
    relief: float = 0.0  # how much the strokes' borders show
    weave: float = 0.0  # how much the canvas shows


_UMBER = Palette(
    dark=(4, 6, 6), middle=(46, 18, 28), light=(93, 4, 24), hold=0.5, chroma=0.85, gamma=1.1,
    ground=(12, 7, 10),
)  # fmt: skip
HANDS = {
    Style.OLD_MASTER: Hand(
        palette=_UMBER, smooth=2.5,
        brushes=Brushes(radii=(4, 2, 0.8), patience=0.03, jitter=0.01, longest=10),
        behind=0.92, bristle=0.03, relief=0.1, weave=0.015,
    ),
    Style.LOOSE: Hand(
        palette=replace(_UMBER, hold=0.7, light=(84, 4, 24), ground=(52, 8, 26)), smooth=2.0,
        brushes=Brushes(radii=(7, 3, 1.2), patience=0.05, jitter=0.025, longest=7, curved=0.5),
        bare=0.85, bristle=0.05, relief=0.2, weave=0.03,
    ),
    Style.IMPRESSION: Hand(
        palette=Palette(
            dark=(18, 6, -14), middle=(62, 5, 6), light=(97, 0, 18), hold=0.3, chroma=1.25,
            gamma=0.8, ground=(70, 4, 16),
        ),
        brushes=Brushes(radii=(4, 2, 1.1), patience=0.05, jitter=0.035, longest=4),
        bristle=0.045, relief=0.2, weave=0.015,
    ),
    Style.WASH: Hand(
        palette=Palette(
            dark=(24, 4, 4), middle=(66, 6, 10), light=(97, 0, 4), hold=0.2, chroma=1.3, gamma=0.8,
            ground=(95, 0, 5),
        ),
        smooth=2.0, bare=1.0, weave=0.015,
    ),
}  # fmt: skip


def paint(pixels: Pixels, style: Style, seed: int = 0) -> Pixels:
    """A picture painted anew, of the same size. Raises PaintingError where it is no RGB picture or
    smaller than 16 pixels.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise PaintingError(f"Only RGB pictures are painted, not {pixels.dtype} {pixels.shape}.")
    if min(pixels.shape[:2]) < LEAST_SIDE:
        raise PaintingError(f"A picture of {pixels.shape[:2]} is too small: {LEAST_SIDE} at least.")
    hand, rng = HANDS[style], np.random.default_rng(seed)
    height, width = pixels.shape[:2]
    unit = min(height, width) / _UNIT
    unit = unit**0.5 if unit < 1 else unit  # small pictures need coarser strokes
    picture = _sketched(np.asarray(pixels / 255, np.float32), style, hand, unit)
    laid = _laid(toned(picture, hand.palette), hand, unit * _SCALE, rng)
    done = cv2.resize(laid, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.rint(done * 255), np.uint8)


def _sketched(picture: Floats, style: Style, hand: Hand, unit: float) -> Floats:
    """What is to be painted, at twice the size: the photograph without what no brush follows."""
    if hand.smooth:
        picture = kuwahara(picture, max(1.0, hand.smooth * unit))
    height, width = picture.shape[:2]
    size = (width * _SCALE, height * _SCALE)
    large = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    if style is not Style.WASH:
        return np.asarray(large, np.float32)
    # Domain transform (Gastal and Oliveira 2011): flat colours, and contours around them.
    pixels = np.rint(large * 255).astype(np.uint8)
    flat = cv2.stylization(pixels, sigma_s=max(5, 30 * unit), sigma_r=0.6)
    return np.asarray(flat / 255, np.float32)


def _laid(picture: Floats, hand: Hand, unit: float, rng: np.random.Generator) -> Floats:
    """The toned picture in paint on a canvas, at its own size."""
    shape = picture.shape[:2]
    canvas = primed(shape, hand.palette.ground, rng)
    rim = vignette(shape)[..., None]
    picture = picture + hand.behind * rim * (canvas - picture)
    thick = np.zeros(shape, np.float32)
    painted = picture
    if hand.brushes:
        radii = tuple(max(1.0, radius * unit) for radius in hand.brushes.radii)
        painted, thick = strokes(picture, canvas, replace(hand.brushes, radii=radii), rng)
    if hand.bare:
        # Ragged, as a brush leaves it: the strokes' own thickness moves the border.
        ragged = np.clip(rim * 1.6 - 0.6 * thick[..., None], 0, 1)
        painted = painted + hand.bare * ragged * (canvas - painted)
    if hand.bristle or hand.relief:
        furrows = bristles(flow_of(picture, 2 * unit), max(2, round(5 * unit)), rng)
        height = hand.bristle * furrows + hand.relief * cv2.GaussianBlur(thick, (0, 0), 0.7)
        painted = lit(painted, height * 4, 1.0)
    return woven(painted, 2.2 * unit, hand.weave, rng) if hand.weave else painted


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a folder is painted; kept beside the pictures, to say what they are."""

    side: int = 128  # pixels
    styles: tuple[Style, ...] = (Style.OLD_MASTER, Style.LOOSE)  # each picture gets one
    seed: int = 0
    limit: int | None = None  # the first so many pictures by name


def build(data: Path, out: Path, recipe: Recipe) -> int:
    """Paint the pictures below `data` to PNG files in `out`; how many there are now.

    What an interrupted run left is gone on with. A picture's style and strokes come from the seed
    and its own name, so that other pictures beside it change nothing. Raises DatasetError where
    there are no pictures, and PaintingError where `out` holds something else.
    """
    if recipe.side < LEAST_SIDE or not recipe.styles:
        raise PaintingError(f"A style, and {LEAST_SIDE} pixels a side at least, are needed.")
    pictures = read_folder(data, recipe.side)
    _open(out, recipe)
    count = 0
    for pixels, name in list(zip(pictures.pixels, pictures.names, strict=True))[: recipe.limit]:
        target = out / (name.replace("/", "__") + ".png")
        if not target.exists():
            own = zlib.crc32(f"{recipe.seed} {name}".encode())
            _save(paint(pixels, recipe.styles[own % len(recipe.styles)], own), target)
        count += 1
    return count


def _open(out: Path, recipe: Recipe) -> None:
    """Make the folder, or find in it what the same recipe left. Raises PaintingError."""
    place = out / ABOUT
    fixed = {"side": recipe.side, "styles": list(recipe.styles), "seed": recipe.seed}
    about = json.dumps({"what": _WHAT} | fixed, indent=1) + "\n"
    try:
        if place.is_file() and place.read_text(encoding="utf-8") == about:
            return
        if out.exists() and any(out.iterdir()):
            raise PaintingError(f"{out} holds other files: name a new folder.")
        out.mkdir(parents=True, exist_ok=True)
        place.write_text(about, encoding="utf-8")
    except OSError as error:
        raise PaintingError(f"{out} cannot be written to: {error.strerror}.") from error


def _save(pixels: Pixels, target: Path) -> None:
    """Written beside and then moved, so that no half picture is taken for a whole one."""
    unfinished = target.with_name(target.name + ".part")
    Image.fromarray(pixels).save(unfinished, "PNG")
    unfinished.replace(target)


def main(
    data: Annotated[Path, typer.Option(file_okay=False, help="photographs of faces")],
    out: Annotated[Path, typer.Option(file_okay=False, help="folder to paint to")],
    side: Annotated[int, typer.Option(min=LEAST_SIDE, help="pixels")] = Recipe.side,
    style: Annotated[
        list[Style] | None, typer.Option(help="may be given again; default: the two old ones")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="the first so many by name")] = None,
    seed: Annotated[int, typer.Option(min=0)] = Recipe.seed,
) -> None:
    """Make portraits that look painted out of a folder of photographs."""
    console = Console(stderr=True)
    styles = tuple(style) if style else Recipe.styles
    recipe = Recipe(side=side, styles=styles, seed=seed, limit=limit)
    try:
        console.print(
            f"{build(data, out, recipe)} painted pictures in {out}", markup=False, soft_wrap=True
        )
    except UnmaskError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    typer.run(main)
