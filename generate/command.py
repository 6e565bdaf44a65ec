"""The command `unmask generate`: train the games, and let them make pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from unmask.datasets.manifest import Split
from unmask.errors import UnmaskError
from unmask.generate import (
    command_directions,
    command_entanglement,
    command_faces,
    command_photographs,
    command_sound,
    command_voices,
    corpora,
    measuring,
    playing,
    sampling,
)
from unmask.generate import trained as trained_module
from unmask.generate.audio import composing, sounding
from unmask.generate.catalogue import GAMES, find
from unmask.generate.entry import Task
from unmask.generate.game import OptionError, Sampling
from unmask.generate.listing import listed
from unmask.generate.options import Cache, Device, ProfileName, StartFrom, Weights
from unmask.generate.outputs import Mark
from unmask.generate.text import command as command_texts
from unmask.generate.text.outputs import TextMark
from unmask.generate.trained import load_trained

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
out, err = Console(), Console(stderr=True)
STOPPED = 130  # the exit code of a run that Ctrl-C ended


@dataclass(frozen=True, kw_only=True)
class Markers:
    """What makes the marks of a game by its name; None where nothing may leave."""

    picture: Callable[[str], Mark] | None
    text: Callable[[str], TextMark] | None


@app.callback()
def _group() -> None:
    """Train GANs, and make pictures with them. What they make is marked as generated."""


@app.command("list")
def list_command() -> None:
    """Every game: what it learned from, how long, and how good it was found to be."""
    for title, said in listed():
        out.print(Text(title, style="bold"))
        table = Table.grid(padding=(0, 2))
        for label, text in said.items():
            if text:
                table.add_row(f"  {label}", escape(text))
        out.print(table, "", highlight=False)


@app.command("train")
def train_command(
    game: Annotated[str, typer.Argument(help=f"one of {', '.join(GAMES)}")],
    data: Annotated[Path, typer.Option(file_okay=False, help="folder of examples")],
    to: Annotated[Path, typer.Option("--out", file_okay=False, help="folder of the run")],
    profile: ProfileName = "tiny",
    images: Annotated[int | None, typer.Option(min=1, help="examples to see in all")] = None,
    batch: Annotated[int | None, typer.Option(min=1)] = None,
    accumulate: Annotated[int, typer.Option(min=1, help="parts to take a batch in")] = 1,
    lr_generator: Annotated[float | None, typer.Option(min=0)] = None,
    lr_critic: Annotated[float | None, typer.Option(min=0)] = None,
    check_every: Annotated[int | None, typer.Option(min=1, help="steps")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    start: StartFrom = None,
    cache: Cache = None,
    device: Device = "auto",
    dry_run: Annotated[bool, typer.Option(help="one step, timed; nothing is written")] = False,
    quiet: Annotated[bool, typer.Option(help="no progress bar")] = False,
) -> None:
    """Train a game on your own examples. The same command goes on with a run that was stopped.

    With several GPUs: torchrun --nproc-per-node N -m unmask.generate.command train ...
    """
    entry = find(game)
    size = playing.profile_of(entry, profile)
    chosen = {
        "images": images, "batch": batch, "lr_generator": lr_generator, "lr_critic": lr_critic,
        "check_every": check_every,
    }  # fmt: skip
    given = {name: value for name, value in chosen.items() if value is not None}
    config = replace(size.config, accumulate=accumulate, seed=seed, **given)  # type: ignore[arg-type]
    batches = entry.load(data, size.side, cache)
    if dry_run:
        for line in playing.rehearse(size, batches, config, device, start):
            out.print(line, markup=False)
        return
    outcome = playing.play(size, batches, config, to, device=device, quiet=quiet, start=start)
    if outcome.stopped:
        err.print(f"Stopped after step {outcome.step}; the same command goes on.", markup=False)
        raise typer.Exit(STOPPED)
    out.print(f"{outcome.checkpoint}", markup=False)


@app.command("sample")
def sample_command(
    context: typer.Context,
    game: Annotated[str, typer.Argument()],
    to: Annotated[
        Path,
        typer.Option("--out", help="a PNG gets a sheet, a .mid one piece; a folder single files"),
    ],
    seeds: Annotated[str, typer.Option(help="as 7 or 0-15 or 1,5,9: one picture each")] = "0-15",
    labels: Annotated[
        str | None, typer.Option(help="classes to make in turn, as 0-9 or 3,1,4")
    ] = None,
    truncation: Annotated[
        float | None, typer.Option(min=0, max=2, help="below 1: more typical, less varied")
    ] = None,
    columns: Annotated[int | None, typer.Option(min=1, help="of the sheet")] = None,
    weights: Weights = None,
    profile: ProfileName = "tiny",
    device: Device = "auto",
    unmarked: Annotated[
        bool, typer.Option(help="write an unmarked corpus with its manifest, for detectors alone")
    ] = False,
    split: Annotated[Split, typer.Option(help="of the corpus")] = Split.TRAIN,
) -> None:
    """Make pictures, notes or music out of noise."""
    trained = load_trained(game, weights, profile=profile, device=str(playing.device_of(device)))
    asked = Sampling(
        seeds=sampling.numbers(seeds),
        labels=sampling.numbers(labels) if labels else None,
        truncation=truncation,
    )
    if trained.entry.task is Task.SOUND:
        if unmarked or columns:
            raise OptionError("Notes are files of their own, and marked.")
        for path in sounding.keep_notes(trained, asked, to, _mark(context, game)):
            _say(str(path))
        return
    if trained.entry.task is Task.MUSIC:
        if unmarked or columns:
            raise OptionError("Music goes into MIDI files, with its provenance beside it.")
        for path in composing.keep_music(trained, asked, to, _text_mark(context, game)):
            _say(str(path))
        return
    if unmarked:
        _say(f"{corpora.told(corpora.keep_samples(trained, asked, to, split))}: {to}")
        return
    for path in sampling.keep_marked(trained, asked, to, _mark(context, game), columns):
        out.print(str(path), markup=False, soft_wrap=True)


@app.command("evaluate")
def evaluate_command(
    game: Annotated[str, typer.Argument()],
    data: Annotated[Path, typer.Option(file_okay=False, help="what it was trained on")],
    held_out: Annotated[
        Path | None, typer.Option(file_okay=False, help="samples: pictures that it never saw")
    ] = None,
    weights: Weights = None,
    profile: ProfileName = "tiny",
    count: Annotated[
        int, typer.Option(min=8, help="samples; of voices, recordings of each")
    ] = 1000,
    cache: Cache = None,
    export: Annotated[
        Path | None, typer.Option(help="write weights here, and their card beside them")
    ] = None,
    source: Annotated[str, typer.Option(help="of the data, for the card")] = "",
    licence: Annotated[str, typer.Option(help="of the weights, as the data allows")] = "",
    trained_by: Annotated[str, typer.Option(help="the command that trains it again")] = "",
    weakness: Annotated[
        list[str] | None, typer.Option(help="what it does badly; repeatable")
    ] = None,
    eight_bits: Annotated[
        bool, typer.Option("--eight-bits", help="export large matrices in eight bits, not half")
    ] = False,
    device: Device = "auto",
) -> None:
    """Measure a game beside held-out reals and noise; with --export, ship it with its card."""
    trained = load_trained(game, weights, profile=profile, device=str(playing.device_of(device)))
    if export and not (source and licence and trained_by and weakness):
        raise OptionError("A card needs --source, --licence, --trained-by and --weakness.")
    found = measuring.measure(trained, data, held_out=held_out, cache=cache, count=count)
    out.print(found.summary, markup=False)
    if export:
        trained_module.export(
            trained, export, data=(source,), licence=licence, command=trained_by,
            results=found.results, weaknesses=tuple(weakness or ()), eight_bits=eight_bits,
        )  # fmt: skip
        out.print(str(export), markup=False)


@app.command("film")
def film_command(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="folder of a run")],
    to: Annotated[Path, typer.Option("--out", help="a .webp film, or a .png strip")],
    game: Annotated[str, typer.Option(help="what the marks name")] = "training",
) -> None:
    """The film of a training: white noise turns into what it learned."""
    out.print(str(sampling.keep_film(run, to, _mark(context, game))), markup=False)


def _mark(context: typer.Context, game: str) -> Mark:
    markers: Markers = context.obj
    if markers.picture is None:
        raise OptionError("Pictures leave through the command `unmask generate`, which marks them.")
    return markers.picture(game)


def _text_mark(context: typer.Context, game: str) -> TextMark:
    markers: Markers = context.obj
    if markers.text is None:
        raise OptionError("Texts leave through the command `unmask generate`, which marks them.")
    return markers.text(game)


def _say(text: str) -> None:
    out.print(text, markup=False, soft_wrap=True)


command_photographs.add_to(app, _mark, _say)
command_faces.add_to(app, _mark, _say)
command_directions.add_to(app, _say)
command_entanglement.add_to(app, _say)
command_sound.add_to(app, _mark, _say)
command_voices.add_to(app, _mark, _say)
command_texts.add_to(app, _text_mark, _say)


def main(
    arguments: Sequence[str],
    marker: Callable[[str], Mark] | None = None,
    text_marker: Callable[[str], TextMark] | None = None,
) -> None:
    """Run with the arguments that follow `unmask generate`.

    `marker` makes the marks of a game by its name, `text_marker` those of a game of texts; without
    them nothing but training and lists runs. Games of texts are trained by options of their own.
    """
    of_texts = command_texts.takes(list(arguments))
    try:
        (command_texts.texts_app if of_texts else app)(
            args=list(arguments),
            prog_name="unmask generate",
            obj=Markers(picture=marker, text=text_marker),
        )
    except UnmaskError as error:
        err.print(str(error), style="red", markup=False)
        raise SystemExit(2) from error


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
