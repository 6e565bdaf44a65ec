"""`unmask generate translate` and `swap`: what is done to photographs and clips of others.

What they write is marked as changed by AI, with the original as its parent; or it goes into a
corpus for detectors, beside its original.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unmask.datasets.corpus import grey
from unmask.errors import MediaError, Reason
from unmask.evidence import Kind
from unmask.generate.alignment import FaceDetector, YuNet
from unmask.generate.corpora import SplitRule, told
from unmask.generate.corpora_swap import SwapCorpusOptions, keep_swaps
from unmask.generate.corpora_translate import TranslateOptions, keep_translations
from unmask.generate.entry import Task
from unmask.generate.game import OptionError
from unmask.generate.games.swap import prepare
from unmask.generate.options import (
    CorpusLicence,
    CorpusSplit,
    Device,
    FaceModel,
    ProfileName,
    Unmarked,
    Weights,
)
from unmask.generate.outputs import Generated, Mark, OutputError, write, write_marked
from unmask.generate.pictures import png
from unmask.generate.playing import device_of, profile_of
from unmask.generate.swap_nets import PEOPLE, SwapNet
from unmask.generate.swap_video import (
    FrameTruth,
    Mask,
    SwapFace,
    SwapOptions,
    network_swap,
    swap_clip,
)
from unmask.generate.trained import Trained, load_trained
from unmask.generate.translate import domain_of, face_square, kind_of, reconstruct, translate
from unmask.media import open_media

Marker = Callable[[typer.Context, str], Mark]


def add_to(app: typer.Typer, marker: Marker, say: Callable[[str], None]) -> None:
    """Add the commands; `marker` gives the marks of a game, `say` prints a line."""

    @app.command("translate")
    def translate_command(
        context: typer.Context,
        game: Annotated[str, typer.Argument(help="as men-women")],
        picture: Annotated[
            str, typer.Argument(help="a photograph; for a corpus a folder or manifest of them")
        ],
        to: Annotated[Path, typer.Option("--out", help="the PNG; for a corpus its folder")],
        into: Annotated[
            str, typer.Option("--to", help="a kind of the game, as women or paintings, or a or b")
        ] = "",
        back: Annotated[bool, typer.Option(help="there and back: the same scene, made")] = False,
        face: Annotated[bool, typer.Option(help="cut out the face that the game knows")] = False,
        face_model: FaceModel = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
        unmarked: Unmarked = False,
        side: Annotated[int, typer.Option(min=64, help="pixels, at most, in a corpus")] = 512,
        limit: Annotated[
            int | None, typer.Option(min=1, help="photographs of each split, in a corpus")
        ] = None,
        split: CorpusSplit = SplitRule.OWN,
        licence: CorpusLicence = "",
    ) -> None:
        """Make a picture of one kind into one of another, as men into women."""
        trained = _loaded(game, Task.TRANSLATE, weights, profile, device)
        domain = domain_of(trained.entry, into)
        if unmarked:
            asked = TranslateOptions(
                to=domain, back=back, face=face, face_model=face_model, side=side, limit=limit,
                split=split, licence=licence,
            )  # fmt: skip
            say(f"{told(keep_translations(trained, picture, to, asked))}: {to}")
            return
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
            settings=f"to {kind_of(trained.entry, domain)}{' and back' if back else ''}",
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
        if person not in PEOPLE:
            raise OptionError(f"The two people are a and b, not {person!r}.")
        counts = prepare(to, person, sources, YuNet(face_model), side)
        say(json.dumps(asdict(counts)))

    @app.command("swap")
    def swap_command(
        context: typer.Context,
        clips: Annotated[
            list[Path],
            typer.Argument(exists=True, dir_okay=False, help="a clip; for a corpus one or more"),
        ],
        to: Annotated[Path, typer.Option("--out", help="the .mp4; for a corpus its folder")],
        person: Annotated[str, typer.Option(help="whose face it gets: a or b")],
        face_model: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="YuNet's file")],
        truth: Annotated[
            Path | None, typer.Option(help="write what was done to each frame, as JSON")
        ] = None,
        masks: Annotated[
            Path | None,
            typer.Option(file_okay=False, help="new folder: a PNG for each frame that was swapped"),
        ] = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
        unmarked: Unmarked = False,
        every: Annotated[int, typer.Option(min=1, help="frames, to one that a corpus keeps")] = 1,
        split: CorpusSplit = SplitRule.DRAW,
        licence: CorpusLicence = "",
    ) -> None:
        """Swap the face in a clip for another person's; sound and time stamps stay."""
        if person not in PEOPLE:
            raise OptionError(f"The two people are a and b, not {person!r}.")
        if not unmarked:
            _require_room(clips, to, masks)
        elif truth or masks:
            raise OptionError("A corpus holds truth and masks itself: no --truth, no --masks.")
        trained = _loaded("swap", Task.SWAP, weights, profile, device)
        net = trained.game.generator
        if not isinstance(net, SwapNet):
            raise OptionError("These are no weights of a face swap.")
        detector, swap = YuNet(face_model), network_swap(net, person)
        if unmarked:
            asked = SwapCorpusOptions(person=person, every=every, split=split, licence=licence)
            counts = keep_swaps(trained, clips, to, asked, detector=detector, swap=swap)
            say(f"{told(counts)}: {to}")
            return
        options = SwapOptions(side=profile_of(trained.entry, trained.profile).side)
        settings, mark = f"to person {person}", marker(context, "swap")
        found, kept = _swap_marked(clips[0], to, mark, settings, detector, swap, options)
        say(str(to))
        if truth is not None:
            truth.write_text(json.dumps([asdict(frame) for frame in found]) + "\n")
        if masks is not None:
            for index, mask in kept.items():
                write(mask, masks / f"{index:06d}.png")


def _require_room(clips: list[Path], to: Path, masks: Path | None) -> None:
    """Before any work. Raises OptionError and OutputError."""
    if to.suffix.lower() != ".mp4" or len(clips) > 1:
        raise OptionError("A swapped clip is an .mp4, made of one clip.")
    if to.exists():
        raise OutputError(f"{to} exists already, and nothing is overwritten.")
    if masks is not None and masks.exists() and any(masks.iterdir()):
        raise OutputError(f"{masks} holds something, and nothing is overwritten.")


def _swap_marked(
    clip: Path, to: Path, mark: Mark, settings: str, detector: FaceDetector, swap: SwapFace,
    options: SwapOptions,
) -> tuple[list[FrameTruth], dict[int, bytes]]:  # fmt: skip
    """Write the marked clip; what was done to each frame, and the masks of the swapped ones."""
    masks: dict[int, bytes] = {}

    def keep(truth: FrameTruth, mask: Mask | None) -> None:
        if mask is not None:
            masks[truth.index] = png(grey(_even(mask)))

    unmarked = to.with_name(f".{to.stem}.unmarked.mp4")
    try:
        found = swap_clip(clip, unmarked, detector, swap, options, keep=keep)
        write(mark(unmarked.read_bytes(), "video/mp4", settings, clip.read_bytes()), to)
    finally:
        unmarked.unlink(missing_ok=True)
    return found, masks


def _even(mask: Mask) -> Mask:
    """As H.264 cuts the frame."""
    height, width = (n - n % 2 for n in mask.shape)
    return mask[:height, :width]


def _loaded(game: str, task: Task, weights: Path | None, profile: str, device: str) -> Trained:
    trained = load_trained(game, weights, profile=profile, device=str(device_of(device)))
    if trained.entry.task is not task:
        raise OptionError(f"{game} does not {task}.")
    return trained
