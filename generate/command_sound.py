"""`unmask generate render`: a piece played by a generator of notes."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from unmask.generate.audio.render import render, spectrogram, wav
from unmask.generate.audio.scores import pieces, score_of
from unmask.generate.audio.sounding import note_game
from unmask.generate.game import OptionError
from unmask.generate.options import Device, ProfileName, Weights
from unmask.generate.outputs import Mark, OutputError, write
from unmask.generate.pictures import png
from unmask.generate.playing import device_of
from unmask.generate.sampling import numbers
from unmask.generate.trained import load_trained

_GAME = "notes"


def add_to(
    app: typer.Typer, marker: Callable[[typer.Context, str], Mark], say: Callable[[str], None]
) -> None:
    """Add the command; `marker` gives the marks of a game, `say` prints a line."""

    @app.command("render")
    def render_command(
        context: typer.Context,
        piece: Annotated[str, typer.Argument(help=f"a MIDI file, or {', '.join(pieces())}")],
        to: Annotated[Path, typer.Option("--out", help="a .wav; its spectrogram lies beside it")],
        start: Annotated[int, typer.Option("--from", min=0, help="timbre at the beginning")] = 0,
        end: Annotated[
            int | None, typer.Option("--to", min=0, help="timbre at the end; default: the same")
        ] = None,
        via: Annotated[str | None, typer.Option(help="timbres on the way, as 5 or 2,9")] = None,
        tempo: Annotated[
            float | None, typer.Option(min=10, max=400, help="quarter notes a minute")
        ] = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
    ) -> None:
        """Play a piece while its timbre wanders from one seed's to another's."""
        if to.suffix.lower() != ".wav":
            raise OptionError("A piece goes to a .wav.")
        picture = to.with_suffix(".png")
        for path in (to, picture):
            if path.exists():
                raise OutputError(f"{path} exists already, and nothing is overwritten.")
        score = score_of(piece, tempo)
        game = note_game(
            load_trained(_GAME, weights, profile=profile, device=str(device_of(device)))
        )
        mark = marker(context, _GAME)
        between = numbers(via) if via else ()
        seeds = (start, *between, *(() if end is None else (end,)))
        played = render(game, score, seeds)
        if played.folded:
            say(f"{played.folded} of {len(score)} notes were moved by octaves into its range.")
        settings = f"{Path(piece).stem}, timbres {' to '.join(map(str, seeds))}"
        data = mark(wav(played.sound, played.rate), "audio/wav", settings, None)
        say(str(write(data, to)))
        drawn = png(spectrogram(played.sound, game.size.spectra))
        say(str(write(mark(drawn, "image/png", settings, None), picture)))
