"""The command `unmask train`: one subcommand for each thing that can be trained."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from unmask.datasets.loaders import load
from unmask.datasets.speech_manifest import read_speech
from unmask.detect.audio.fit import build as build_audio
from unmask.detect.audio.frontends import FRONT_ENDS
from unmask.detect.audio.train import TrainConfig as AudioConfig
from unmask.detect.audio.train import train as train_audio
from unmask.detect.fusion_train import build
from unmask.detect.inference import pick_device
from unmask.detect.pair_stream import Mixture
from unmask.detect.recipes import RECIPES
from unmask.detect.text.train_command import text_command
from unmask.detect.train import TrainConfig, train
from unmask.errors import UnmaskError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
err = Console(stderr=True)


@app.callback()
def _group() -> None:
    """Train the parts of unmask again."""


app.command("text")(text_command)


@app.command("detector")
def detector_command(
    data: Annotated[
        list[str], typer.Option(metavar="MANIFEST|FOLDER", help="labelled pictures; repeatable")
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="folder of checkpoints and log")],
    recipe: Annotated[str, typer.Option(help=f"one of {', '.join(RECIPES)}")] = "patchnet",
    backbone: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="ImageNet weights of Lite0")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="weights to begin at")
    ] = None,
    lr: Annotated[
        float | None, typer.Option(min=0, help="in place of the recipe's learning rate")
    ] = None,
    steps: Annotated[int, typer.Option(min=1)] = TrainConfig.steps,
    seed: Annotated[int, typer.Option(min=0)] = TrainConfig.seed,
    check_every: Annotated[
        int, typer.Option(min=1, help="steps between checkpoints")
    ] = TrainConfig.check_every,
    unpaired: Annotated[
        float, typer.Option(min=0, max=1, help="part of fakes that have no photograph of their own")
    ] = Mixture.unpaired,
    workers: Annotated[int, typer.Option(min=0, help="that prepare pictures")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps")] = "auto",
) -> None:
    """Train a network of the image detector, or a peer that it is compared with.

    Data sets are read as `unmask evaluate` reads them; only their TRAIN split is learned from. A
    run that was stopped goes on from its last checkpoint.
    """
    if recipe not in RECIPES:
        raise typer.BadParameter(f"{recipe!r} is not one of {', '.join(RECIPES)}.")
    config = TrainConfig(
        steps=steps, seed=seed, check_every=check_every, workers=workers,
        mixture=Mixture(unpaired=unpaired),
    )  # fmt: skip
    try:
        samples = [s for where in data for s in load(where, both_classes=False)]
        last = train(
            replace(RECIPES[recipe], lr=lr or RECIPES[recipe].lr), samples, out, config,
            backbone=backbone, start=start, device=str(pick_device(device)),
        )  # fmt: skip
    except (UnmaskError, ValueError, RuntimeError, FloatingPointError, OSError) as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    err.print(f"{last}", markup=False)


@app.command("fusion")
def fusion_command(
    data: Annotated[
        list[str], typer.Option(metavar="MANIFEST|FOLDER", help="labelled pictures; repeatable")
    ],
    expert: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=RUN", help="a run's last.pt, or `shipped`; those of a name are averaged"
        ),
    ],
    out: Annotated[Path, typer.Option(dir_okay=False, help="weights to write")],
    coder: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="of photographs; else as it is shipped"),
    ] = None,
    kept: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="validation_inputs.npz")
    ] = None,
    portrait: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="knows close-up faces; else as shipped"),
    ] = None,
) -> None:
    """Join trained experts into the image detector: fusion, calibration, thresholds, card.

    Only the VALIDATION split is read.
    """
    try:
        samples = [s for where in data for s in load(where, both_classes=False)]
        build(samples, _experts(expert), coder, out, kept, portrait)
    except (UnmaskError, ValueError, OSError) as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    err.print(f"{out}", markup=False)


@app.command("audio")
def audio_command(
    data: Annotated[
        list[Path], typer.Option(exists=True, metavar="MANIFEST", help="of speech; repeatable")
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="folder of checkpoints and log")],
    front_end: Annotated[
        list[str] | None, typer.Option(help=f"of {', '.join(FRONT_ENDS)}; repeatable")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="weights to begin at")
    ] = None,
    backbone: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="DistillMOS, for complex")
    ] = None,
    steps: Annotated[int, typer.Option(min=1)] = AudioConfig.steps,
    pairs: Annotated[int, typer.Option(min=1, help="in a batch")] = AudioConfig.pairs,
    bank: Annotated[
        int, typer.Option(min=0, help="pairs prepared before they come again; 0: always new")
    ] = AudioConfig.bank,
    lr: Annotated[float, typer.Option(min=0, help="largest learning rate")] = AudioConfig.lr,
    seed: Annotated[int, typer.Option(min=0)] = AudioConfig.seed,
    check_every: Annotated[
        int, typer.Option(min=1, help="steps between checkpoints")
    ] = AudioConfig.check_every,
    workers: Annotated[int, typer.Option(min=0, help="that prepare pairs")] = AudioConfig.workers,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps")] = "auto",
) -> None:
    """Train the networks of the audio detector, one for each front end.

    Manifests are those of `python -m unmask.datasets.speech`; only their TRAIN split is learned
    from. A run that was stopped goes on from its last checkpoint.
    """
    config = AudioConfig(
        front_ends=tuple(front_end or AudioConfig.front_ends), steps=steps, pairs=pairs, bank=bank,
        lr=lr, seed=seed, check_every=check_every, workers=workers,
    )  # fmt: skip
    try:
        utterances = [u for where in data for u in read_speech(where)]
        last = train_audio(
            utterances, out, config,
            start=start, backbone=backbone, device=str(pick_device(device)),
        )  # fmt: skip
    except (UnmaskError, ValueError, RuntimeError, FloatingPointError, OSError) as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    err.print(f"{last}", markup=False)


@app.command("audio-fit")
def audio_fit_command(
    data: Annotated[
        list[Path], typer.Option(exists=True, metavar="MANIFEST", help="of speech; repeatable")
    ],
    run: Annotated[
        list[Path], typer.Option(exists=True, dir_okay=False, help="a run's last.pt; repeatable")
    ],
    out: Annotated[Path, typer.Option(dir_okay=False, help="weights to write")],
    front_end: Annotated[
        list[str] | None, typer.Option(help="those to keep of the run; repeatable")
    ] = None,
) -> None:
    """Calibrate trained networks into the audio detector: thresholds, range, card.

    What is fitted reads the VALIDATION split alone.
    """
    try:
        utterances = [u for where in data for u in read_speech(where)]
        build_audio(utterances, run, tuple(front_end or AudioConfig.front_ends), out)
    except (UnmaskError, ValueError, OSError) as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    err.print(f"{out}", markup=False)


def _experts(given: Sequence[str]) -> dict[str, list[Path]]:
    """NAME=RUN ... -> the runs of each name; none for one that stays as it is shipped."""
    found: dict[str, list[Path]] = {}
    for word in given:
        name, _, run = word.partition("=")
        if not run:
            raise typer.BadParameter(f"{word!r} is not NAME=RUN.")
        runs = found.setdefault(name, [])
        if run != "shipped":
            runs.append(Path(run))
    return found


def main(arguments: Sequence[str]) -> None:
    """Run with the arguments that follow `unmask train`."""
    app(args=list(arguments), prog_name="unmask train")
