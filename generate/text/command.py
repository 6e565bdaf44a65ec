"""`unmask generate poem`, `speech`, `caption`, `oracle`; `train` and `evaluate` of texts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from unmask.datasets.manifest import Split
from unmask.generate.game import OptionError
from unmask.generate.options import Device, ProfileName, Weights
from unmask.generate.playing import device_of
from unmask.generate.sampling import numbers
from unmask.generate.text.corpora import read_lines
from unmask.generate.text.evaluating import brief, measure_texts
from unmask.generate.text.games import TEXTS
from unmask.generate.text.learning import Lessons, learn, prepare
from unmask.generate.text.outputs import TextMark, Written, keep_corpus, keep_marked_texts
from unmask.generate.text.protocol import PROFILES, floors, run, to_json
from unmask.generate.text.protocol_page import page
from unmask.generate.text.trained import TrainedText, export_text, load_text
from unmask.generate.text.writing import Asked, write

Marker = Callable[[typer.Context, str], TextMark]
Say = Callable[[str], None]

Prompt = Annotated[str, typer.Option(help="the text goes on from here")]
Seed = Annotated[int, typer.Option(min=0, help="the same seed gives the same text")]
Count = Annotated[int, typer.Option(min=1, max=10_000, help="texts, of seeds one after the other")]
Temperature = Annotated[
    float, typer.Option(min=0.05, max=5, help="1: as learned; below: more typical, less varied")
]
To = Annotated[
    Path | None,
    typer.Option("--out", help="a .txt, or a folder; its provenance lies beside. None: print it"),
]
UnmarkedTexts = Annotated[
    bool, typer.Option(help="write an unmarked corpus with its manifest, for detectors alone")
]
CorpusSplit = Annotated[Split, typer.Option(help="of the corpus")]


def add_to(app: typer.Typer, marker: Marker, say: Say) -> None:
    """Add the commands that write; `marker` gives the marks of a game, `say` prints a line."""

    @app.command("poem")
    def poem_command(
        context: typer.Context,
        prompt: Prompt = "",
        seven: Annotated[bool, typer.Option(help="seven characters a line, not five")] = False,
        seed: Seed = 0,
        count: Count = 1,
        temperature: Temperature = 0.8,
        to: To = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
        unmarked: UnmarkedTexts = False,
        split: CorpusSplit = Split.TRAIN,
    ) -> None:
        """Write Chinese quatrains."""
        name = "quatrains-7" if seven else "quatrains-5"
        trained = load_text(name, weights, profile=profile, device=str(device_of(device)))
        asked = Asked(seed=seed, prompt=prompt, temperature=temperature)
        made = _texts(trained, asked, count)
        _deliver(trained, made, to, None if unmarked else marker(context, name), split, say)

    @app.command("speech")
    def speech_command(
        context: typer.Context,
        prompt: Prompt = "",
        obama: Annotated[
            bool, typer.Option(help="Barack Obama's manner, not any president's")
        ] = False,
        words: Annotated[int, typer.Option(min=1, max=2_000, help="it ends soon after")] = 60,
        seed: Seed = 0,
        count: Count = 1,
        temperature: Temperature = 0.8,
        to: To = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
        unmarked: UnmarkedTexts = False,
        split: CorpusSplit = Split.TRAIN,
    ) -> None:
        """Write a piece of a political speech."""
        name = "obama" if obama else "speech"
        trained = load_text(name, weights, profile=profile, device=str(device_of(device)))
        asked = Asked(seed=seed, prompt=prompt, temperature=temperature, words=words)
        made = _texts(trained, asked, count)
        _deliver(trained, made, to, None if unmarked else marker(context, name), split, say)

    @app.command("caption")
    def caption_command(
        context: typer.Context,
        prompt: Prompt = "",
        seed: Seed = 0,
        count: Count = 1,
        temperature: Temperature = 0.8,
        to: To = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
        unmarked: UnmarkedTexts = False,
        split: CorpusSplit = Split.TRAIN,
    ) -> None:
        """Write captions of photographs that were never taken."""
        trained = load_text("captions", weights, profile=profile, device=str(device_of(device)))
        asked = Asked(seed=seed, prompt=prompt, temperature=temperature)
        made = _texts(trained, asked, count)
        _deliver(trained, made, to, None if unmarked else marker(context, "captions"), split, say)

    @app.command("oracle")
    def oracle_command(
        to: Annotated[Path, typer.Option("--out", file_okay=False, help="folder of the runs")],
        seeds: Annotated[str, typer.Option(help="of the oracles, as 1-3")] = "1-3",
        profile: ProfileName = "tiny",
        device: Device = "auto",
        export: Annotated[Path | None, typer.Option(help="write rows and options as JSON")] = None,
    ) -> None:
        """SeqGAN's oracle protocol: what each way of learning scores, with what it costs."""
        protocol, chosen = PROFILES[_profile(profile)], numbers(seeds)
        rows = []
        for row in run(protocol, chosen, to, device_of(device)):
            say(
                f"seed {row['seed']} {row['method']}: NLL_oracle {row['nll_oracle']:.3f},"
                f" test NLL {row['test_nll']:.3f}, Self-BLEU-2 {row['self_bleu_2']:.3f}"
            )
            rows.append(row)
        rows += floors(protocol, chosen, to)
        if export:
            export.write_text(to_json(protocol, rows), encoding="utf-8")
        for line in page(rows):
            say(line)


def _profile(name: str) -> str:
    if name not in PROFILES:
        raise OptionError(f"The oracle has the profiles {', '.join(PROFILES)}.")
    return name


def _texts(trained: TrainedText, asked: Asked, count: int) -> list[Written]:
    made = []
    for seed in range(asked.seed, asked.seed + count):
        one = replace(asked, seed=seed)
        settings = [f"seed {seed}", f"temperature {asked.temperature:g}"]
        settings += [f"prompt {asked.prompt}"] if asked.prompt else []
        name = f"{trained.entry.name}-{seed:06d}"
        made.append(Written(name=name, text=write(trained, one), settings=", ".join(settings)))
    return made


def _deliver(
    trained: TrainedText,
    made: list[Written],
    to: Path | None,
    mark: TextMark | None,
    split: Split,
    say: Say,
) -> None:
    """Texts to the screen, to marked files, or without marks into a corpus."""
    if mark is None:
        if to is None:
            raise OptionError("An unmarked corpus needs a folder: --out.")
        new = keep_corpus(trained, made, to, split)
        say(f"{new} written, {len(made) - new} there already: {to}")
        return
    for one in made:
        say(one.text + ("\n" if len(made) > 1 else ""))
    if to is not None:
        for path in keep_marked_texts(made, to, mark):
            say(str(path))


texts_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def takes(arguments: list[str]) -> bool:
    """Whether `unmask generate` with these arguments trains or measures a game of texts."""
    return len(arguments) > 1 and arguments[0] in ("train", "evaluate") and arguments[1] in TEXTS


@texts_app.command("train")
def train_command(
    game: Annotated[str, typer.Argument(help=f"one of {', '.join(TEXTS)}")],
    data: Annotated[Path, typer.Option(file_okay=False, help="folder of texts")],
    to: Annotated[Path, typer.Option("--out", file_okay=False, help="folder of the run")],
    profile: ProfileName = "tiny",
    batch: Annotated[int | None, typer.Option(min=1)] = None,
    mle_steps: Annotated[int | None, typer.Option(min=0, help="of imitation")] = None,
    catch_steps: Annotated[int | None, typer.Option(min=0, help="of the critic alone")] = None,
    rounds: Annotated[int | None, typer.Option(min=0, help="of the game")] = None,
    policy_updates: Annotated[int | None, typer.Option(min=0, help="a round")] = None,
    mle_updates: Annotated[int | None, typer.Option(min=0, help="a round")] = None,
    critic_updates: Annotated[int | None, typer.Option(min=0, help="a round")] = None,
    rollouts: Annotated[int | None, typer.Option(min=1, help="of each prefix")] = None,
    rollout_keep: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    baseline: Annotated[bool | None, typer.Option(help="subtract the mean reward")] = None,
    truth_floor: Annotated[
        float | None, typer.Option(min=0, max=1, help="below 1: scheduled sampling")
    ] = None,
    lr_mle: Annotated[float | None, typer.Option(min=0)] = None,
    lr_policy: Annotated[float | None, typer.Option(min=0)] = None,
    lr_critic: Annotated[float | None, typer.Option(min=0)] = None,
    penalty: Annotated[float | None, typer.Option(min=0)] = None,
    check_every: Annotated[int | None, typer.Option(min=1, help="steps")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    device: Device = "auto",
    quiet: Annotated[bool, typer.Option(help="no progress bar")] = False,
) -> None:
    """Train a game of texts. The same command goes on with a run that was stopped."""
    entry = TEXTS[game]
    if profile not in entry.profiles:
        raise OptionError(f"{game} has the profiles {', '.join(entry.profiles)}.")
    size = entry.profiles[profile]
    chosen = {
        "batch": batch, "mle_steps": mle_steps, "catch_steps": catch_steps, "rounds": rounds,
        "policy_updates": policy_updates, "mle_updates": mle_updates,
        "critic_updates": critic_updates, "rollouts": rollouts, "rollout_keep": rollout_keep,
        "baseline": baseline, "truth_floor": truth_floor, "lr_mle": lr_mle,
        "lr_policy": lr_policy, "lr_critic": lr_critic, "penalty": penalty,
        "check_every": check_every,
    }  # fmt: skip
    given = {name: value for name, value in chosen.items() if value is not None}
    config = replace(size.config, seed=seed, **given)  # type: ignore[arg-type]
    lessons = prepare(entry, entry.read(data))
    outcome = learn(entry, size, lessons, config, to, device=device_of(device), quiet=quiet)
    if outcome.stopped:
        typer.echo(f"Stopped after step {outcome.step}; the same command goes on.", err=True)
        raise typer.Exit(130)
    typer.echo(str(outcome.checkpoint))


@texts_app.command("evaluate")
def evaluate_command(
    game: Annotated[str, typer.Argument(help=f"one of {', '.join(TEXTS)}")],
    data: Annotated[Path, typer.Option(file_okay=False, help="what it was trained on")],
    weights: Weights = None,
    profile: ProfileName = "tiny",
    count: Annotated[int, typer.Option(min=10, help="texts")] = 500,
    temperature: Temperature = 1.0,
    beside: Annotated[
        list[Path] | None,
        typer.Option(dir_okay=False, exists=True, help="texts of another model, one a line"),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="write weights here, their card and vocabulary beside them")
    ] = None,
    source: Annotated[str, typer.Option(help="of the data, for the card")] = "",
    licence: Annotated[str, typer.Option(help="of the weights, as the data allows")] = "",
    trained_by: Annotated[str, typer.Option(help="the command that trains it again")] = "",
    weakness: Annotated[
        list[str] | None, typer.Option(help="what it does badly; repeatable")
    ] = None,
    device: Device = "auto",
) -> None:
    """Measure a game of texts beside held-out ones; with --export, ship it with its card."""
    if export and not (source and licence and trained_by and weakness):
        raise OptionError("A card needs --source, --licence, --trained-by and --weakness.")
    trained = load_text(game, weights, profile=profile, device=str(device_of(device)))
    lessons: Lessons = prepare(trained.entry, trained.entry.read(data), trained.vocabulary)
    others = {path.stem: read_lines(path, trained.entry.split) for path in beside or ()}
    found = measure_texts(trained, lessons, count=count, temperature=temperature, others=others)
    typer.echo(found.summary)
    for name in others:
        typer.echo(f"{name}: {brief(found.results[name])}")
    if export:
        export_text(
            trained, export, data=(source,), licence=licence, command=trained_by,
            results=found.results, weaknesses=tuple(weakness or ()),
        )  # fmt: skip
        typer.echo(str(export))
