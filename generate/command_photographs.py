"""`unmask generate translate` and `swap`: what is done to photographs and clips of others.

What they write is marked as changed by AI, with the original as its parent.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.generate.alignment import YuNet
from unmask.generate.entry import Task
from unmask.generate.game import OptionError
from unmask.generate.games.swap import prepare
from unmask.generate.options import Device, FaceModel, ProfileName, Weights
from unmask.generate.outputs import Generated, Mark, OutputError, write, write_marked
from unmask.generate.playing import device_of, profile_of
from unmask.generate.swap_nets import SwapNet
from unmask.generate.swap_video import SwapOptions, network_swap, swap_clip
from unmask.generate.trained import Trained, load_trained
from unmask.generate.translate import face_square, reconstruct, translate
from unmask.media import open_media

Marker = Callable[[typer.Context, str], Mark]


def add_to(app: typer.Typer, marker: Marker, say: Callable[[str], None]) -> None:
    """Add the commands; `marker` gives the marks of a game, `say` prints a line."""

    @app.command("translate")
    def translate_command(
        context: typer.Context,
        game: Annotated[str, typer.Argument(help="as men-women")],
        picture: Annotated[Path, typer.Argument(help="a photograph")],
        to: Annotated[Path, typer.Option("--out", help="the PNG to write")],
        domain: Annotated[str, typer.Option("--to", help="a or b: folders by name")] = "b",
        back: Annotated[bool, typer.Option(help="there and back: the same scene, made")] = False,
        face: Annotated[bool, typer.Option(help="cut out the face that the game knows")] = False,
        face_model: FaceModel = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
    ) -> None:
        """Make a picture of one kind into one of another, as men into women."""
        trained = _loaded(game, Task.TRANSLATE, weights, profile, device)
        media = open_media(picture)
        if media.kind is not Kind.IMAGE:
            raise MediaError(Reason.UNSUPPORTED, f"{picture} is no picture.")
        pixels = media.pixels
        if face:
            side = profile_of(trained.entry, trained.profile).side
            pixels = face_square(pixels, side, model=face_model)
        net = trained.game.generator
        made = Generated(
            name=to.stem,
            pixels=reconstruct(net, pixels, by=domain)
            if back
            else translate(net, pixels, to=domain),
            settings=f"to {domain}{' and back' if back else ''}",
            original=media.data,
        )
        say(str(write_marked(made, to, marker(context, game))))

    @app.command("faces-of")
    def faces_of_command(
        person: Annotated[str, typer.Argument(help="a or b")],
        sources: Annotated[list[Path], typer.Argument(help="clips or pictures of that person")],
        to: Annotated[Path, typer.Option("--out", file_okay=False, help="folder for `train swap`")],
        face_model: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="YuNet's file")],
        side: Annotated[int, typer.Option(min=32, max=512)] = 128,
    ) -> None:
        """Cut one person's faces out of clips and pictures, to train a swap on."""
        if person not in ("a", "b"):
            raise OptionError(f"The two people are a and b, not {person!r}.")
        counts = prepare(to, person, sources, YuNet(face_model), side)
        say(json.dumps(asdict(counts)))

    @app.command("swap")
    def swap_command(
        context: typer.Context,
        clip: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a clip")],
        to: Annotated[Path, typer.Option("--out", help="the .mp4 to write")],
        person: Annotated[str, typer.Option(help="whose face it gets: a or b")],
        face_model: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="YuNet's file")],
        truth: Annotated[
            Path | None, typer.Option(help="write what was done to each frame, as JSON")
        ] = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
    ) -> None:
        """Swap the face in a clip for another person's; sound and time stamps stay."""
        if to.suffix.lower() != ".mp4":
            raise OptionError("A swapped clip is an .mp4.")
        if to.exists():
            raise OutputError(f"{to} exists already, and nothing is overwritten.")
        if person not in ("a", "b"):
            raise OptionError(f"The two people are a and b, not {person!r}.")
        trained = _loaded("swap", Task.SWAP, weights, profile, device)
        mark = marker(context, "swap")
        net = trained.game.generator
        if not isinstance(net, SwapNet):
            raise OptionError("These are no weights of a face swap.")
        options = SwapOptions(side=profile_of(trained.entry, trained.profile).side)
        unmarked = to.with_name(f".{to.stem}.unmarked.mp4")
        try:
            found = swap_clip(clip, unmarked, YuNet(face_model), network_swap(net, person), options)
            data = mark(
                unmarked.read_bytes(), "video/mp4", f"to person {person}", clip.read_bytes()
            )
        finally:
            unmarked.unlink(missing_ok=True)
        say(str(write(data, to)))
        if truth is not None:
            truth.write_text(json.dumps([asdict(frame) for frame in found]) + "\n")


def _loaded(game: str, task: Task, weights: Path | None, profile: str, device: str) -> Trained:
    trained = load_trained(game, weights, profile=profile, device=str(device_of(device)))
    if trained.entry.task is not task:
        raise OptionError(f"{game} does not {task}.")
    return trained
