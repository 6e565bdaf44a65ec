"""Trains the vocoders of `speech_vocoder_gan`, and makes copies with them.

    python -m unmask.datasets.speech_vocoder_gans train --data CORPUS --out RUNS --steps 500
    python -m unmask.datasets.speech_vocoder_gans pack --data CORPUS --runs RUNS

Like `speech_vocoder`: they learn from the real training speech of a corpus and are measured on its
validation speakers.
"""

import hashlib
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from safetensors import SafetensorError
from safetensors.torch import load_file

from unmask.card import Card, load_card, part_of
from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import Wave, resampled
from unmask.datasets.speech_signal import RATE
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_vocoder_gan import GANS, GanVocoder
from unmask.datasets.speech_vocoder_gan_training import GanTraining, train_gan
from unmask.datasets.speech_vocoder_nets import GAIN
from unmask.datasets.speech_vocoder_packing import (
    Results,
    State,
    halved,
    measures,
    speech_or_exit,
    write_packed,
)
from unmask.errors import WeightsError

WEIGHTS = Path(__file__).with_name("weights") / "speech_vocoders_gan.safetensors"

app = typer.Typer(add_completion=False, help=__doc__)


@torch.no_grad()
def copied(net: GanVocoder, wave: Wave) -> Wave:
    """(N,) at 16 kHz, level as in a corpus -> the same utterance by the vocoder, (N,)."""
    there = resampled(wave, RATE, net.spec.rate)
    given = torch.from_numpy(np.pad(there, (0, -len(there) % net.spec.hop)))[None] * GAIN
    back = resampled(net(given)[0].numpy() / GAIN, net.spec.rate, RATE)
    return np.asarray(np.pad(back, (0, max(0, len(wave) - len(back))))[: len(wave)], np.float32)


@lru_cache(maxsize=8)
def load_gan(name: str, weights: Path = WEIGHTS) -> GanVocoder:
    """A vocoder of GANS with its trained weights. Raises MissingEngineError without them."""
    try:
        load_card(weights)
        net = GanVocoder(GANS[name])
        state = part_of(load_file(weights), name)
        net.load_state_dict({k: v.float() for k, v in state.items()})
    except (WeightsError, OSError, SafetensorError, RuntimeError) as error:
        raise MissingEngineError(f"{name}: no weights in {weights.name}; train them") from error
    return net.eval()


@app.command()
def train(
    data: Annotated[Path, typer.Option(exists=True, help="a corpus of unmask.datasets.speech")],
    out: Annotated[Path, typer.Option(file_okay=False, help="a checkpoint for each vocoder")],
    steps: Annotated[int, typer.Option(min=1)] = 500,
    batch: Annotated[int, typer.Option(min=1)] = 4,
    critics_after: Annotated[float, typer.Option(min=0, max=1)] = 0.5,
    seed: Annotated[int, typer.Option()] = 1,
    name: Annotated[list[str] | None, typer.Option(help="only this one; may be repeated")] = None,
) -> None:
    """Train each vocoder, or go on where it stopped."""
    console = Console(stderr=True)
    if unknown := set(name or ()) - set(GANS):
        console.print(f"no vocoder {', '.join(unknown)}; there are {', '.join(GANS)}")
        raise typer.Exit(2)
    waves = speech_or_exit(data, Split.TRAIN, console)
    config = GanTraining(steps=steps, batch=batch, critics_after=critics_after, seed=seed)
    for key in name or GANS:

        def say(step: int, error: float, key: str = key) -> None:
            if step % 25 == 0:
                console.print(f"{key}: step {step}, mel distance {error:.3f}")

        torch.manual_seed(seed)
        net = GanVocoder(GANS[key])
        own = [resampled(w, RATE, net.spec.rate) for w in waves]
        train_gan(net, own, config, out / f"{key}.pt", say)


@app.command()
def pack(
    data: Annotated[Path, typer.Option(exists=True, help="the corpus: validation measures")],
    runs: Annotated[Path, typer.Option(exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(dir_okay=False)] = WEIGHTS,
) -> None:
    """Join the trained vocoders into one file, with their card."""
    console = Console(stderr=True)
    waves = speech_or_exit(data, Split.VALIDATION, console)[::5]  # of every speaker
    states: dict[str, State] = {}
    results: Results = {}
    for key, spec in GANS.items():
        if not (runs / f"{key}.pt").is_file():
            continue
        kept = torch.load(runs / f"{key}.pt", weights_only=True)
        net = GanVocoder(spec)
        states[key] = halved(net, kept["run"]["net"])
        results[key] = measures(net, partial(copied, net), waves) | {"steps": int(kept["step"])}
    write_packed(states, results, out, _card, console)


def _card(weights: Path, results: Results) -> Card:
    return Card(
        name="speech_vocoders_gan",
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        task="Copy speech as generators of the class of HiFi-GAN do",
        architecture=f"{len(results)} networks (datasets/speech_vocoder_gan.py), half precision",
        papers=(
            "Kong et al. 2020, HiFi-GAN",
            "Kumar et al. 2019, MelGAN",
            "Pons et al. 2021, Upsampling artifacts in neural audio synthesis",
        ),
        data=(
            "real wide training speech of a corpus by python -m unmask.datasets.speech: 156"
            " utterances, 11 minutes of LibriSpeech, fillets-ng (Dutch) and festvox-ru",
        ),
        licence="Research and journalism use: trained on GPL-2, CC BY, CC BY-SA and BSD recordings",
        command="python -m unmask.datasets.speech_vocoder_gans train --data CORPUS --out RUNS"
        " --steps 600;"
        " python -m unmask.datasets.speech_vocoder_gans pack --data CORPUS --runs RUNS",
        calibration={},
        thresholds={},
        results=results,
        weaknesses=(
            "They learned for two minutes of processor time each: they sound rough, and a detector"
            " that never met them hears them (AUC 1.000 on validation, n = 40), as it does not hear"
            " published ones (speech_vocoders_published.py).",
        ),
    )


if __name__ == "__main__":
    app()
