"""The command `unmask train text`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from unmask.datasets.loaders_text import load_texts, thin_texts
from unmask.detect.text.smollm import load_smollm
from unmask.detect.text.train import TextConfig, build, parted
from unmask.errors import UnmaskError

err = Console(stderr=True)
PROMPTS, ALONE = 130, 24  # a language model scores some 2,500 texts in half an hour
MORE = 300  # as ALONE, of texts by people that set the bar: 1% is not seen in a few dozen


def text_command(
    data: Annotated[
        list[str],
        typer.Option(metavar="CONVENTION:PATH", help="pairs:, brown:, prose:, ...; repeatable"),
    ],
    out: Annotated[Path, typer.Option(dir_okay=False, help="weights to write, and their card")],
    cache: Annotated[Path, typer.Option(file_okay=False, help="folder of token scores")],
    prompts: Annotated[int, typer.Option(min=1, help="of each domain and split")] = PROMPTS,
    alone: Annotated[
        int, typer.Option(min=1, help="texts without a prompt of each domain and split")
    ] = ALONE,
    model: Annotated[bool, typer.Option(help="with SmolLM2, by the extra `text`")] = True,
) -> None:
    """Train the text detector: n-grams, fusion, calibration by length, card.

    Only the TRAIN and VALIDATION splits are read. Token scores are kept in the cache, so that a
    run that was stopped goes on where it was.
    """
    try:
        smollm = load_smollm() if model else None
        if model and smollm is None:
            raise typer.BadParameter("SmolLM2 is not installed; give --no-model to do without.")
        everything = [sample for where in data for sample in load_texts(where)]
        counted, others = parted(everything)
        build(
            thin_texts(others, prompts, alone), thin_texts(others, prompts, max(alone, MORE)),
            counted, smollm, cache, out, TextConfig(),
        )  # fmt: skip
    except (UnmaskError, ValueError, OSError) as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    err.print(f"{out}", markup=False)
