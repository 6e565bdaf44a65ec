"""`unmask generate edit`: what a person turns on a generator of faces."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from torch import Tensor

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.generate.controls import (
    Band,
    film_frames,
    frames_of,
    layers_of,
    mixed,
    styles_of,
)
from unmask.generate.directions import Direction, moved, sefa
from unmask.generate.game import OptionError
from unmask.generate.named_directions import NAME, Named, beside, named, read_named
from unmask.generate.options import Device, ProfileName, Weights
from unmask.generate.outputs import Generated, Mark, OutputError, write, write_marked
from unmask.generate.pictures import Pixels, film, mp4, png, tiled, to_tensor
from unmask.generate.playing import device_of
from unmask.generate.projection import ProjectionConfig, project
from unmask.generate.sampling import numbers
from unmask.generate.stylegan2 import Critic, Generator
from unmask.generate.trained import Trained, load_trained
from unmask.generate.translate import face_square
from unmask.media import open_media

_TURN = re.compile(rf"(\d{{1,3}}|{NAME.pattern})=(-?\d{{1,3}}(?:\.\d{{1,6}})?)", re.ASCII)
_MIX = re.compile(r"(\d{1,9})=(coarse|middle|fine)", re.ASCII)
STEPS = 500  # of a projection
FILMS = (".webp", ".mp4")


def add_to(
    app: typer.Typer, marker: Callable[[typer.Context, str], Mark], say: Callable[[str], None]
) -> None:
    """Add the command; `marker` gives the marks of a game, `say` prints a line."""

    @app.command("edit")
    def edit_command(
        context: typer.Context,
        to: Annotated[
            Path,
            typer.Option("--out", help="a .png sheet, a .webp or .mp4 film, or a folder of faces"),
        ],
        game: Annotated[str, typer.Option(help="faces or portraits")] = "faces",
        seeds: Annotated[str, typer.Option(help="one face each, as 7 or 0-3")] = "0",
        photo: Annotated[
            Path | None, typer.Option(help="begin at the face nearest to this portrait instead")
        ] = None,
        truncation: Annotated[float, typer.Option(min=0, max=2)] = 0.7,
        turn: Annotated[
            list[str] | None,
            typer.Option(
                metavar="NAME=AMOUNT",
                help="go along a named direction, as smile=2 in deviations, or along the N-th of"
                " SeFa, as 0=5; repeatable",
            ),
        ] = None,
        directions: Annotated[
            Path | None,
            typer.Option(
                exists=True, dir_okay=False, help="named ones; default: beside the weights"
            ),
        ] = None,
        mix: Annotated[
            list[str] | None,
            typer.Option(metavar="SEED=BAND", help="coarse, middle or fine layers of another face"),
        ] = None,
        frames: Annotated[int, typer.Option(min=1, max=600, help="of a film, face to face")] = 24,
        steps: Annotated[int, typer.Option(min=1, help="of a projection")] = STEPS,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
    ) -> None:
        """Faces with styles mixed and moved, the one nearest to a portrait, or a film of faces."""
        kind = to.suffix.lower()
        if kind not in ("", ".png", *FILMS):
            raise OptionError("Faces go to a .png or a folder, films to a .webp or an .mp4.")
        if to.exists():
            raise OutputError(f"{to} exists already, and nothing is overwritten.")
        if photo and kind != ".png":
            raise OptionError("The face nearest to a portrait goes to a .png.")
        trained = load_trained(game, weights, profile=profile, device=str(device_of(device)))
        generator, critic = nets_of(trained)
        mark = marker(context, game)
        chosen = numbers(seeds)
        there = named_of(trained, directions)

        def change(styles: Tensor) -> Tensor:
            styles = mixed_with(generator, styles, mix or (), truncation)
            return turned(generator, styles, turn or (), there)

        original = None
        if kind in FILMS:
            pixels = film_frames(
                generator, chosen, frames=frames, truncation=truncation, change=change
            )
        elif photo is not None:
            styles, original, error = nearest(generator, critic, photo, steps)
            say(f"The nearest face is {error:.1f} of 255 grey levels away.")
            pixels = frames_of(generator, change(styles))
        else:
            pixels = frames_of(generator, change(styles_of(generator, chosen, truncation)))
        for name in {word.partition("=")[0]: None for word in turn or ()}:
            if name in there:
                say(there[name].means)
        settings = f"truncation {truncation:g}, turn {turn or []}, mix {mix or []}"
        if kind:
            data, mime = _joined(pixels, kind)
            say(str(write(mark(data, mime, f"seeds {seeds}, {settings}", original), to)))
            return
        for seed, face in zip(chosen, pixels, strict=True):
            one = Generated(
                name=f"{game}-{seed:06d}", pixels=face, settings=f"seed {seed}, {settings}"
            )
            write_marked(one, to / f"{one.name}.png", mark)
        say(str(to))


def _joined(pixels: Sequence[Pixels], kind: str) -> tuple[bytes, str]:
    """All faces as one file that ends in `kind`, and its MIME type."""
    match kind:
        case ".webp":
            return film(pixels, milliseconds=80), "image/webp"
        case ".mp4":
            return mp4(pixels), "video/mp4"
        case _:
            return png(tiled(np.stack(pixels))), "image/png"


def nets_of(trained: Trained) -> tuple[Generator, Critic]:
    """The two networks of a game of faces. Raises OptionError for others."""
    generator, critic = trained.game.generator, trained.game.critic
    if not isinstance(generator, Generator) or not isinstance(critic, Critic):
        raise OptionError("Only faces are edited.")
    return generator, critic


def nearest(
    generator: Generator, critic: Critic, photo: Path, steps: int
) -> tuple[Tensor, bytes, float]:
    """(1, L, W) styles of the face that is nearest to a portrait, its file, and the error.

    Raises MediaError where it is no picture.
    """
    media = open_media(photo)
    if media.kind is not Kind.IMAGE:
        raise MediaError(Reason.UNSUPPORTED, f"{photo} is no picture.")
    square = face_square(media.pixels, generator.size.side)
    target = to_tensor(square[None].copy())
    found = project(generator, critic, target, ProjectionConfig(steps=steps))
    return found.styles, media.data, float(found.error[0])


def mixed_with(
    generator: Generator, styles: Tensor, words: Sequence[str], truncation: float
) -> Tensor:
    """Styles with the layers that `SEED=BAND` words name from other faces. Raises OptionError."""
    for word in words:
        found = _MIX.fullmatch(word)
        if not found:
            raise OptionError(f"{word!r} is not SEED=coarse, SEED=middle or SEED=fine.")
        other = styles_of(generator, [int(found[1])], truncation)
        styles = mixed(styles, other, layers_of(Band(found[2]), generator.style_layers))
    return styles


def named_of(trained: Trained, path: Path | None = None) -> dict[str, Named]:
    """The named directions of a file, or of the one beside the weights; none where there is none.

    Raises WeightsError, as `read_named` does.
    """
    generator, _ = nets_of(trained)
    file = path or beside(trained.source)
    return read_named(file, generator) if path or file.is_file() else {}


def turned(
    generator: Generator, styles: Tensor, words: Sequence[str], there: Mapping[str, Named]
) -> Tensor:
    """Styles moved along the directions that `NAME=AMOUNT` words name. Raises OptionError."""
    for word in words:
        found = _TURN.fullmatch(word)
        if not found:
            raise OptionError(f"{word!r} is not NAME=AMOUNT, as smile=2 or 0=2.5.")
        name, amount = found[1], float(found[2])
        if name.isdecimal():
            vector = sefa(generator, int(name) + 1).vectors[int(name)]
            styles = moved(styles, Direction(name=f"SeFa {name}", vector=vector), amount)
        else:
            styles = named(there, name).move(styles, amount)
    return styles
