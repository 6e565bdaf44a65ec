"""`unmask generate directions`: an attribute gets a direction, found from two folders of faces."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from unmask.generate.attribute_reader import (
    AttributeConfig,
    TwoFolders,
    accuracy,
    read_two,
    train_reader,
)
from unmask.generate.command_faces import nets_of
from unmask.generate.direction_search import Readers, Search, search
from unmask.generate.game import OptionError
from unmask.generate.named_directions import NAME, Named, named, read_named, write_named
from unmask.generate.options import Cache, Device, ProfileName, Weights
from unmask.generate.outputs import OutputError
from unmask.generate.playing import device_of
from unmask.generate.shares import Share
from unmask.generate.trained import Trained, load_trained

_FOLDER = {"exists": True, "file_okay": False}


def add_to(app: typer.Typer, say: Callable[[str], None]) -> None:
    """Add the command; `say` prints a line."""

    @app.command("directions")
    def directions_command(
        name: Annotated[str, typer.Argument(help="of the attribute, as smile")],
        without: Annotated[Path, typer.Argument(**_FOLDER, help="real faces without it")],
        having: Annotated[Path, typer.Argument(**_FOLDER, help="real faces that have it")],
        to: Annotated[Path, typer.Option("--out", help="a .safetensors; an older one grows")],
        source: Annotated[str, typer.Option(help="of the two folders, for the card")],
        licence: Annotated[str, typer.Option(help="of the two folders, for the card")],
        apart_from: Annotated[
            list[str] | None,
            typer.Option(metavar="NAME", help="a direction of the file to stay clear of"),
        ] = None,
        again: Annotated[bool, typer.Option("--replace", help="one of the same name")] = False,
        samples: Annotated[int, typer.Option(min=100, help="faces to label")] = Search.samples,
        faces: Annotated[int, typer.Option(min=20, help="to measure on")] = Search.faces,
        images: Annotated[
            int, typer.Option(min=64, help="that a classifier learns from")
        ] = AttributeConfig.images,
        seed: Annotated[int, typer.Option(min=0)] = AttributeConfig.seed,
        cache: Cache = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
    ) -> None:
        """Find where an attribute grows, from two folders of faces that differ in it alone.

        A small classifier learns the folders and labels the generator's faces; the direction is
        the normal of the plane between them. What it does is measured and kept on its card.
        """
        trained = load_trained("faces", weights, profile=profile, device=str(device_of(device)))
        generator, critic = nets_of(trained)
        if to.suffix != ".safetensors":
            raise OptionError("Directions go to a .safetensors.")
        if not NAME.fullmatch(name):
            raise OptionError(f"{name!r} is no name: small letters first, digits, - and _ after.")
        older = read_named(to, generator) if to.exists() else {}
        if name in older and not again:
            raise OutputError(f"{to} has a direction {name} already; --replace finds it anew.")
        others = {key: one for key, one in older.items() if key != name}
        keep_apart = tuple(named(others, other).name for other in apart_from or ())
        config = AttributeConfig(images=images, seed=seed)
        folders = read_two(without, having, generator.size.side, config, cache)
        say(f"Two classifiers learn {without.name} | {having.name}.")
        readers = readers_of(folders, config, str(generator.mapping.mean.device))
        say(f"They read {_words(readers.finder_accuracy.both)} held-out pictures right.")
        options = Search(samples=samples, faces=faces)
        found = search(generator, critic, readers, name, others, keep_apart, options)
        data = _data(folders, without.name, having.name, source, licence)
        about = {
            "data": data,
            "classifier": _classifier(folders, readers, config),
            "command": _again((name, without, having), data, found, config),
        }
        kept = _told(found, without.name, having.name, readers, about)
        write_named(to, others | {name: kept}, generator, facts_of(trained))
        say(kept.means)
        say(str(to))


def readers_of(folders: TwoFolders, config: AttributeConfig, device: str) -> Readers:
    """Two classifiers from different beginnings, measured. Raises TrainingError."""
    finder = train_reader(folders, config, device)
    judge = train_reader(folders, replace(config, seed=config.seed + 1), device)
    return Readers(
        finder=finder, judge=judge,
        finder_accuracy=accuracy(finder, folders), judge_accuracy=accuracy(judge, folders),
    )  # fmt: skip


def _told(
    found: Named, without: str, having: str, readers: Readers, about: Mapping[str, Any]
) -> Named:
    """With a sentence that says no more than was measured."""
    facts, chance = found.facts, found.facts["probability"]
    again = facts["identity"]["found again"]
    means = (
        f"{found.name} as labelled by the folders {without} | {having}, classifier"
        f" {_words(readers.finder_accuracy.both)} held-out pictures; from {facts['amounts'][0]:+g}"
        f" to {facts['amounts'][-1]:+g} deviations a second classifier's mean probability of"
        f" {having} goes from {chance[0]:.0%} to {chance[-1]:.0%},"
        f" {'rising with every step' if facts['monotonic'] else 'but not rising with every step'};"
        f" at the ends {min(again[0], again[-1]):.0%} of {facts['faces']} faces are still most like"
        " themselves to the critic."
    )
    return replace(found, facts={"means": means, **about, **facts})


def _words(part: Share) -> str:
    return f"{part.value:.1%} [{part.low:.1%}, {part.high:.1%}] on {part.n}"


def _data(
    folders: TwoFolders, without: str, having: str, source: str, licence: str
) -> dict[str, Any]:
    return {
        "without": without,
        "having": having,
        "learned from": len(folders.without) + len(folders.having),
        "held out": len(folders.without_held_out) + len(folders.having_held_out),
        "source": source,
        "licence": licence,
    }


def _classifier(folders: TwoFolders, readers: Readers, config: AttributeConfig) -> dict[str, Any]:
    return {
        "side": folders.without.shape[1],
        "finder": asdict(readers.finder_accuracy),
        "judge": asdict(readers.judge_accuracy),
        "options": asdict(config),
    }


def _again(
    words: tuple[str, Path, Path], data: Mapping[str, Any], found: Named, config: AttributeConfig
) -> str:
    """The command, by the names of folders alone: where they lay is nobody's business."""
    name, without, having = words
    options = {
        "source": data["source"], "licence": data["licence"], "images": config.images,
        "seed": config.seed, "samples": found.facts["search"]["samples"],
        "faces": found.facts["faces"],
    }  # fmt: skip
    parts = ["unmask", "generate", "directions", name, without.name, having.name]
    for other in found.facts["apart from"]:
        parts += ["--apart-from", other]
    for option, value in options.items():
        parts += [f"--{option}", str(value)]
    return f"{shlex.join(parts)} --weights FACES --out DIRECTIONS"


def facts_of(trained: Trained) -> dict[str, Any]:
    """Of the generator that directions fit, for their card."""
    return {
        "name": trained.entry.name, "profile": trained.profile, "images": trained.images
    }  # fmt: skip
