"""What the commands of all vocoders share: speech to learn from, measures, the packed file."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import typer
from rich.console import Console
from safetensors.torch import save_file
from torch import Tensor, nn

from unmask.card import Card
from unmask.datasets.loaders_tree import DatasetError
from unmask.datasets.manifest import Split
from unmask.datasets.speech_encodings import Wave
from unmask.datasets.speech_manifest import read_speech
from unmask.datasets.speech_signal import decoded
from unmask.datasets.speech_spectra import stft

State = Mapping[str, Tensor]
Results = dict[str, dict[str, float]]  # by vocoder


def real_speech(corpus: Path, split: Split) -> list[Wave]:
    """The wide recordings of a split. Raises DatasetError."""
    found = [u for u in read_speech(corpus) if not u.fake and u.split is split and u.band == 16000]
    return [decoded(u.path.read_bytes(), u.path.name)[0] for u in found]


def speech_or_exit(corpus: Path, split: Split, console: Console) -> list[Wave]:
    """`real_speech` for a command: what is wrong is said, and it ends."""
    try:
        return real_speech(corpus, split)
    except DatasetError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from error


@torch.no_grad()
def distance(copy: Callable[[Wave], Wave], waves: Sequence[Wave]) -> float:
    """Mean log-spectral distance in dB between recordings and their copies, 50 Hz to 7.4 kHz."""
    found = []
    for wave in waves:
        pair = wave, copy(wave)
        real, fake = (20 * np.log10(np.abs(stft(w, 1024, 256))[4:474] + 1e-3) for w in pair)
        found.append(float(np.sqrt(np.square(real - fake).mean(0)).mean()))
    return float(np.mean(found))


def halved(net: nn.Module, state: State) -> dict[str, Tensor]:
    """The state in half precision; the network holds it then, as it will ship, ready to copy."""
    half = {k: v.half().contiguous() for k, v in state.items()}
    net.load_state_dict({k: v.float() for k, v in half.items()})
    net.eval()
    return half


def measures(
    net: nn.Module, copy: Callable[[Wave], Wave], waves: Sequence[Wave]
) -> dict[str, float]:
    """What the card says of a vocoder."""
    return {
        "log_spectral_distance_db": round(distance(copy, waves), 2),
        "n": len(waves),
        "parameters": sum(p.numel() for p in net.parameters()),
    }


def write_packed(
    states: Mapping[str, State],
    results: Results,
    out: Path,
    card: Callable[[Path, Results], Card],
    console: Console,
) -> None:
    """Join the vocoders' states into one file, with its card. Without one the command ends."""
    if not states:
        console.print("there is no trained vocoder to pack", markup=False)
        raise typer.Exit(2)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({f"{name}.{k}": v for name, state in states.items() for k, v in state.items()}, out)
    card(out, results).save(out.with_suffix(".json"))
    console.print(json.dumps(results, indent=1), markup=False)
