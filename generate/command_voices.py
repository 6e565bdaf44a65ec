"""`unmask generate convert`: a recording in another voice."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from unmask.datasets.speech_signal import RATE
from unmask.generate.audio.converting import convert, speech_of, voice_game
from unmask.generate.audio.render import wav
from unmask.generate.corpora_voices import keep_conversions
from unmask.generate.game import OptionError
from unmask.generate.options import Device, ProfileName, Weights
from unmask.generate.outputs import Mark, OutputError, write
from unmask.generate.playing import device_of
from unmask.generate.trained import load_trained
from unmask.media import open_media

_GAME = "voices"


def add_to(
    app: typer.Typer, marker: Callable[[typer.Context, str], Mark], say: Callable[[str], None]
) -> None:
    """Add the command; `marker` gives the marks of a game, `say` prints a line."""

    @app.command("convert")
    def convert_command(
        context: typer.Context,
        recording: Annotated[
            str, typer.Argument(help="a recording, or a clip with sound; a corpus for --unmarked")
        ],
        voice: Annotated[str, typer.Option("--to", help="a or b: folders of its data, by name")],
        to: Annotated[Path | None, typer.Option("--out", help="the .wav, mono at 16 kHz")] = None,
        weights: Weights = None,
        profile: ProfileName = "tiny",
        device: Device = "auto",
        unmarked: Annotated[
            bool,
            typer.Option(help="add to a corpus of unmask.datasets.speech, for detectors alone"),
        ] = False,
        speaker: Annotated[
            str, typer.Option(help="of the corpus: whose recordings, as fillets-nl-v")
        ] = "",
    ) -> None:
        """Say in another voice what somebody says. It converts between the voices it learned."""
        if unmarked == (to is not None) or unmarked != bool(speaker):
            raise OptionError("A recording goes to --out; a corpus takes --unmarked and --speaker.")
        if to is not None and to.suffix.lower() != ".wav":
            raise OptionError("A converted voice goes to a .wav.")
        if to is not None and to.exists():
            raise OutputError(f"{to} exists already, and nothing is overwritten.")
        trained = load_trained(_GAME, weights, profile=profile, device=str(device_of(device)))
        if to is None:
            added = keep_conversions(trained, Path(recording), voice, speaker)
            say(f"{added} added: {recording}")
            return
        media = open_media(recording)
        made = convert(voice_game(trained), speech_of(media, recording), voice)
        mark = marker(context, _GAME)
        say(str(write(mark(wav(made, RATE), "audio/wav", f"to voice {voice}", media.data), to)))
