"""Trains the small neural vocoders, and makes copies with them.

    python -m unmask.datasets.speech_vocoder train --data CORPUS --out RUNS --steps 800
    python -m unmask.datasets.speech_vocoder pack --data CORPUS --runs RUNS

`train` takes the real training speech of a corpus that `unmask.datasets.speech` built: a vocoder
never sees the speakers that select or test. `pack` measures on the validation speakers and writes
the weights in half precision with their card.
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
from safetensors.torch import load_file, save_file

from unmask.card import Card, load_card, part_of
from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_source_filter import MissingEngineError
from unmask.datasets.speech_vocoder_nets import GAIN, NEURAL, NeuralVocoder
from unmask.datasets.speech_vocoder_packing import (
    Results,
    State,
    halved,
    measures,
    speech_or_exit,
    write_packed,
)
from unmask.datasets.speech_vocoder_training import VocoderTraining, train
from unmask.errors import WeightsError

WEIGHTS = Path(__file__).with_name("weights") / "speech_vocoders.safetensors"

app = typer.Typer(add_completion=False, help=__doc__)


@torch.no_grad()
def revoice(net: NeuralVocoder, wave: Wave) -> Wave:
    """(N,) at 16 kHz, level as in a corpus -> the same utterance by the vocoder, (N,)."""
    given = torch.from_numpy(np.pad(wave, (0, -len(wave) % net.step)))[None] * GAIN
    return np.asarray(net(given)[0].numpy()[: len(wave)] / GAIN, np.float32)


@lru_cache(maxsize=8)
def load_vocoder(name: str, weights: Path = WEIGHTS) -> NeuralVocoder:
    """A vocoder of NEURAL with its trained weights. Raises MissingEngineError without them."""
    try:
        load_card(weights)
        state = part_of(load_file(weights), name)
        net = NeuralVocoder(NEURAL[name])
        net.load_state_dict({k: v.float() for k, v in state.items()})
    except (WeightsError, OSError, SafetensorError, RuntimeError) as error:
        raise MissingEngineError(f"{name}: no weights in {weights.name}; train them") from error
    return net.eval()


@app.command("train")
def train_command(
    data: Annotated[Path, typer.Option(exists=True, help="a corpus of unmask.datasets.speech")],
    out: Annotated[Path, typer.Option(file_okay=False, help="a file for each vocoder")],
    steps: Annotated[int, typer.Option(min=1)] = 800,
    seed: Annotated[int, typer.Option()] = 1,
    name: Annotated[list[str] | None, typer.Option(help="only this one; may be repeated")] = None,
) -> None:
    """Train each vocoder that is not in `out` yet."""
    console = Console(stderr=True)
    if unknown := set(name or ()) - set(NEURAL):
        console.print(f"no vocoder {', '.join(unknown)}; there are {', '.join(NEURAL)}")
        raise typer.Exit(2)
    waves = speech_or_exit(data, Split.TRAIN, console)
    for key in name or NEURAL:
        target = out / f"{key}.safetensors"
        if target.is_file():
            continue

        def say(step: int, error: float, key: str = key) -> None:
            if step % 50 == 0:
                console.print(f"{key}: step {step}, spectral loss {error:.3f}")

        net = train(NEURAL[key], waves, VocoderTraining(steps=steps, seed=seed), say)
        out.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in net.state_dict().items()}, target)


@app.command()
def pack(
    data: Annotated[Path, typer.Option(exists=True, help="the corpus: validation measures")],
    runs: Annotated[Path, typer.Option(exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(dir_okay=False)] = WEIGHTS,
) -> None:
    """Join the trained vocoders into one file, with their card."""
    console = Console(stderr=True)
    waves = speech_or_exit(data, Split.VALIDATION, console)
    states: dict[str, State] = {}
    results: Results = {}
    for key, spec in NEURAL.items():
        if not (runs / f"{key}.safetensors").is_file():
            continue
        net = NeuralVocoder(spec)
        states[key] = halved(net, load_file(runs / f"{key}.safetensors"))
        results[key] = measures(net, partial(revoice, net), waves)
    write_packed(states, results, out, _card, console)


def _card(weights: Path, results: Results) -> Card:
    return Card(
        name="speech_vocoders",
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        task="Copy speech so that it differs by the trace of a neural decoder alone",
        architecture=f"{len(results)} small networks (datasets/speech_vocoder_nets.py),"
        " half precision",
        papers=(
            "Kong et al. 2020, HiFi-GAN; Yamamoto et al. 2020, Parallel WaveGAN",
            "Zeghidour et al. 2021, SoundStream; Siuzdak 2023, Vocos",
            "Pons et al. 2021, Upsampling artifacts in neural audio synthesis",
        ),
        data=(
            "real wide training speech of a corpus by python -m unmask.datasets.speech: 156"
            " utterances, 11 minutes of LibriSpeech, fillets-ng (Dutch) and festvox-ru",
        ),
        licence="Research and journalism use: trained on GPL-2, CC BY, CC BY-SA and BSD recordings",
        command="python -m unmask.datasets.speech_vocoder train --data CORPUS --out RUNS"
        " --steps 800 (mel), 1200 (wave);"
        " python -m unmask.datasets.speech_vocoder pack --data CORPUS --runs RUNS",
        calibration={},
        thresholds={},
        results=results,
        weaknesses=(
            "Trained for minutes on one core: the copies sound rough, further from the recording"
            " than those of published vocoders, and a detector can lean on that. The one that codes"
            " the wave hisses in the pauses (see its distance).",
        ),
    )


if __name__ == "__main__":
    app()
