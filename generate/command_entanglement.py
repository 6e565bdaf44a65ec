"""`unmask generate entanglement`: what else moves along each direction of a file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from unmask.generate.attribute_reader import (
    AttributeConfig,
    TwoFolders,
    read_two,
    train_reader,
)
from unmask.generate.command_directions import facts_of
from unmask.generate.command_faces import nets_of
from unmask.generate.entanglement import FAR, Change, Panel, entangled, outside_panel, own_panel
from unmask.generate.game import OptionError
from unmask.generate.named_directions import Named, read_named, write_named
from unmask.generate.options import Cache, Device, ProfileName, Weights
from unmask.generate.playing import device_of
from unmask.generate.trained import load_trained

_FACES = 200
_SEED = AttributeConfig.seed + 2  # the next one is that of a direction's judge


def add_to(app: typer.Typer, say: Callable[[str], None]) -> None:
    """Add the command; `say` prints a line."""

    @app.command("entanglement")
    def entanglement_command(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="of directions")],
        homes: Annotated[
            list[Path] | None,
            typer.Option(
                "--folders",
                exists=True,
                file_okay=False,
                help="where the two folders of each direction lie; repeatable",
            ),
        ] = None,
        package: Annotated[
            Path | None,
            typer.Option(exists=True, dir_okay=False, help="face-api, to read smiles and ages"),
        ] = None,
        faces: Annotated[int, typer.Option(min=20, help="to measure on")] = _FACES,
        images: Annotated[
            int, typer.Option(min=64, help="that a classifier learns from")
        ] = AttributeConfig.images,
        seed: Annotated[
            int, typer.Option(min=0, help="of the classifiers; not one that found a direction")
        ] = _SEED,
        cache: Cache = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
    ) -> None:
        """Read every attribute along every direction of a file, and keep it on its card.

        A classifier of each direction's own two folders reads the faces of all of them; it learns
        from another beginning than those that found and judged the direction.
        """
        trained = load_trained("faces", weights, profile=profile, device=str(device_of(device)))
        generator, _ = nets_of(trained)
        there = read_named(file, generator)
        config = AttributeConfig(images=images, seed=seed)
        if not homes and package is None:
            raise OptionError("--folders or --package: something must read the faces.")
        panels: list[Panel] = [] if package is None else [outside_panel(package)]
        readers = {}
        for name, one in there.items() if homes else ():
            say(f"A classifier learns {name}.")
            folders = _folders(one, homes or (), generator.size.side, config, cache)
            readers[name] = train_reader(folders, config, str(generator.mapping.mean.device))
        panels.append(own_panel(readers))
        found = entangled(generator, there, panels, faces=faces)
        kept = {
            name: replace(one, facts={**one.facts, "entanglement": _facts(found[name], faces)})
            for name, one in there.items()
        }
        write_named(file, kept, generator, facts_of(trained))
        for line in lines(found):
            say(line)


def _folders(
    one: Named, homes: Sequence[Path], side: int, config: AttributeConfig, cache: Path | None
) -> TwoFolders:
    """The two that a direction was found from.

    Raises OptionError where they lie in none of the homes, and what `read_two` raises.
    """
    data = one.facts.get("data")
    known = data if isinstance(data, Mapping) else {}
    without, having = str(known.get("without", "")), str(known.get("having", ""))
    for home in homes:
        if without and having and (home / without).is_dir() and (home / having).is_dir():
            return read_two(home / without, home / having, side, config, cache)
    raise OptionError(f"{one.name}: its folders {without!r} and {having!r} lie in none of those.")


def _facts(changes: Mapping[str, Change], faces: int) -> dict[str, object]:
    return {
        "from": -FAR, "to": FAR, "faces": faces,
        "read": {what: asdict(change) for what, change in changes.items()},
    }  # fmt: skip


def lines(found: Mapping[str, Mapping[str, Change]]) -> list[str]:
    """For people: what each direction changes, its own attribute first."""
    return [
        f"{name}: " + "; ".join(
            f"{what} {one.change:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"
            for what, one in sorted(changes.items(), key=lambda pair: pair[0] != name)
        )
        for name, changes in found.items()
    ]  # fmt: skip
