"""The command `unmask evaluate`."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from unmask.detect.benchmarks.items import Medium
from unmask.detect.benchmarks.kinds import medium_of, refuse_options
from unmask.detect.benchmarks.run import (
    BenchmarkConfig,
    benchmark,
    parse_verifier,
    silent_detectors,
)
from unmask.detect.evaluation.cache import default_folder
from unmask.detect.evaluation.console import check, err, name_written, reporting, writing
from unmask.detect.evaluation.run import EvaluateConfig, evaluate
from unmask.errors import UnmaskError
from unmask.report.clean import clean
from unmask.verdict import DECIDE

USAGE, NO_SCORES, INTERRUPTED = 2, 1, 130  # exit codes, beside 0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command("evaluate")
def evaluate_command(
    context: typer.Context,
    detector: Annotated[
        list[str],
        typer.Option(
            "--detector",
            "-d",
            metavar="NAME|MODULE:CALLABLE|COMMAND",
            help="an analyser; Python that takes pixels, a text or sound; a command such as "
            "'python score.py {}', or without {} for paths on standard input. TITLE=... in front "
            "names it in tables",
        ),
    ],
    data: Annotated[
        list[str],
        typer.Option(
            metavar="MANIFEST|FOLDER",
            help="labelled pictures, or texts (raid, hc3, m4, detectrl, pairs, ...), or speech "
            "(asvspoof2019, asvspoof2021, asvspoof5, wavefake, inthewild, a manifest); "
            "convention:path names how",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="folder for JSON, Markdown, plots, HTML")
    ] = None,
    perturb: Annotated[
        list[str] | None,
        typer.Option(
            help="clean, standard, full, or jpeg:70, webp:80, scale:0.5, blur:1, noise:5, "
            "crop:0.5, screenshot, social, h264:26; + joins them. The default is standard"
        ),
    ] = None,
    base: Annotated[
        str, typer.Option(help="one encoding for all: jpeg:95, webp:90; none keeps the files' own")
    ] = "jpeg:95",
    crop: Annotated[
        str,
        typer.Option(help="auto cuts classes of different size alike; none; or pixels for all"),
    ] = "auto",
    words: Annotated[
        str, typer.Option(help="of texts: whole, or lengths of documents, as 50,100,150,300")
    ] = "whole",
    encode: Annotated[
        str, typer.Option(help="of speech: standard, full, or clean,mp3:64,phone,noise:20,...")
    ] = "standard",
    asv: Annotated[
        str | None,
        typer.Option(
            metavar="MISS,FALSE_ALARM,SPOOF_MISS",
            help="of speech: error rates of the speaker verifier that a t-DCF is of",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="of the data: test, validation, train, all")] = "test",
    validation: Annotated[
        list[str] | None,
        typer.Option(metavar="MANIFEST|FOLDER", help="sets thresholds that nothing else sets"),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="DETECTOR=VALUE", help="score above which it says synthetic"),
    ] = None,
    decide: Annotated[
        float | None,
        typer.Option(
            help="P(synthetic) from which a calibrated detector says so: 0.5 of pictures, 0.9 of "
            "texts and speech",
            min=0,
            max=1,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="files of each corpus, split and generator (of texts: and domain)", min=1
        ),
    ] = None,
    draws: Annotated[int, typer.Option(help="of bootstraps", min=10)] = 2000,
    seed: Annotated[int, typer.Option(help="of bootstraps and folds")] = 0,
    cache: Annotated[
        Path | None, typer.Option(file_okay=False, help="kept scores; ~/.cache/unmask/scores")
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="keep nothing, read nothing")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps")] = "auto",
    seconds: Annotated[
        float, typer.Option(help="time limit of an analyser or command on a file", min=0.1)
    ] = 60.0,
) -> None:
    """Measure detectors on labelled pictures, texts or speech, with intervals and leak probes.

    Interrupted by Ctrl-C it goes on from there when called again. Exit codes: 0 done, 1 a detector
    gave no score at all, 2 a wrong call, 130 interrupted.
    """
    folder = None if no_cache else cache or default_folder()
    try:
        medium = medium_of(data)
        refuse_options(medium, [name for name in context.params if _typed(context, name)])
        stated = dict(_threshold(text) for text in threshold or ())
        command = shlex.join(["unmask", *sys.argv[1:]])
        if medium is not Medium.PICTURES:
            other = BenchmarkConfig(
                medium=medium,
                detectors=tuple(detector),
                data=tuple(data),
                words=(words,),
                encode=(encode,),
                asv=None if asv is None else parse_verifier(asv),
                split=split,
                thresholds=stated,
                decide=decide if decide is not None else DECIDE,
                limit=limit,
                draws=draws,
                seed=seed,
                cache=folder,
                device=device,
                seconds=seconds,
                command=command,
            )
            raise typer.Exit(_benchmark(other, out))
        config = EvaluateConfig(
            detectors=tuple(detector),
            data=tuple(data),
            perturb=tuple(perturb or ("standard",)),
            base=base,
            crop=crop,
            split=split,
            validation=tuple(validation or ()),
            thresholds=stated,
            decide=0.5 if decide is None else decide,
            limit=limit,
            draws=draws,
            seed=seed,
            cache=folder,
            device=device,
            seconds=seconds,
            command=command,
        )
        code = _evaluate(config, out)
    except UnmaskError as error:
        err.print(f"[bold red]Error:[/] {escape(clean(str(error)))}", soft_wrap=True)
        raise typer.Exit(USAGE) from error
    except KeyboardInterrupt as error:
        kept = "Nothing was kept." if folder is None else "What was scored is kept: call it again."
        err.print(f"[bold]Interrupted.[/] {kept}")
        raise typer.Exit(INTERRUPTED) from error
    raise typer.Exit(code)


def _evaluate(config: EvaluateConfig, out: Path | None) -> int:
    check(out)
    with reporting() as report:
        evaluation = evaluate(config, report)
    from unmask.detect.evaluation.writers import summary, write  # matplotlib loads with it

    Console().print(summary(evaluation))
    with writing(out):
        name_written(write(evaluation, out) if out is not None else [])
    scored = {row.detector for row in evaluation.rows}
    total = sum(sum(counts.values()) for counts in evaluation.data.values())
    silent = [n for n, reasons in evaluation.failures.items() if len(reasons) >= total]
    return NO_SCORES if silent or not scored else 0


def _benchmark(config: BenchmarkConfig, out: Path | None) -> int:
    check(out)
    with reporting() as report:
        found = benchmark(config, report)
    from unmask.detect.benchmarks.writers import summary, write

    Console().print(summary(found))
    with writing(out):
        name_written(write(found, out) if out is not None else [])
    return NO_SCORES if silent_detectors(found) else 0


def _typed(context: typer.Context, name: str) -> bool:
    """Whether the user wrote the option, instead of leaving it at its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _threshold(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        return name, float(number)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not DETECTOR=VALUE") from error


def main(words: Sequence[str]) -> None:
    """Run with the words after `unmask evaluate`. Raises typer's exceptions, for an outer app."""
    command = typer.main.get_command(app)
    code = command.main(list(words), prog_name="unmask evaluate", standalone_mode=False)
    if code:
        raise typer.Exit(code)
