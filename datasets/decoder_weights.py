"""The trained decoders, so that aligned fakes are made of anyone's photographs in minutes.

    python -m unmask.datasets.decoder_weights --runs aligned ... --out datasets/weights/decoders...

packs the checkpoints of `reconstruct` runs into one file in half precision, with its card.
"""

import argparse
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from unmask.card import Card, load_card
from unmask.datasets.decoder_training import checkpoint_state
from unmask.datasets.decoders import SPECS, Autoencoder, DecoderSpec, build
from unmask.datasets.loaders_tree import DatasetError, DatasetReason
from unmask.errors import WeightsError

WEIGHTS = Path(__file__).with_name("weights") / "decoders.safetensors"


def shipped_decoders(weights: Path = WEIGHTS) -> list[str]:
    """The names of those that are packed, in the order of SPECS. Raises WeightsError."""
    return [name for name in SPECS if name in load_card(weights).results]


def load_decoder(spec: DecoderSpec, weights: Path = WEIGHTS) -> Autoencoder:
    """The trained autoencoder of a spec, ready to reconstruct.

    Raises WeightsError where the file is missing, is not that of its card, or lacks this decoder.
    """
    load_card(weights)
    try:
        tensors = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"The weights {weights.name} cannot be read.") from error
    prefix = f"{spec.name}/"
    state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    if not state:
        raise WeightsError(f"{weights.name} holds no decoder {spec.name}: train it.")
    net = build(spec)
    net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return net.eval().to(memory_format=torch.channels_last)


def pack(runs: Iterable[Path], target: Path) -> Card:
    """Join the decoders of several runs. Raises DatasetError, EMPTY, where there are none."""
    tensors: dict[str, Tensor] = {}
    notes: dict[str, Mapping[str, Any]] = {}
    for run in runs:
        notes |= json.loads((run / "decoders.json").read_text())
        for path in sorted((run / "decoders").glob("*.pt")):
            for key, value in checkpoint_state(path).items():
                kept = value.half() if value.is_floating_point() else value
                tensors[f"{path.stem}/{key}"] = kept.contiguous()
    if not tensors:
        raise DatasetError(DatasetReason.EMPTY, "There is no trained decoder in these folders.")
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target)
    card = _card(target, {name: notes[name] for name in SPECS if name in notes})
    card.save(target.with_suffix(".json"))
    return card


def _card(weights: Path, notes: Mapping[str, Mapping[str, Any]]) -> Card:
    return Card(
        name="decoders",
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        task="Reconstruct a photograph so that it differs by the trace of a decoder alone",
        architecture=f"{len(notes)} small autoencoders (datasets/decoders.py), half precision",
        papers=(
            "Odena et al. 2016, Deconvolution and checkerboard artifacts",
            "van den Oord et al. 2017, VQ-VAE; Kingma and Welling 2014",
        ),
        data=(
            "FFHQ, CelebA and ImageNet samples: research only",
            "photographs of open-source packages (datasets/photographs.py), their own licences",
        ),
        licence="Research and journalism use: trained on non-commercial data (see `data`)",
        command="python -m unmask.datasets.reconstruct --data DATA photographs --out aligned"
        " --limit 160 --side 320 --part 0.3 --steps 600 (depth 1), 900 (2), 1400 (3), 1600 (4)",
        calibration={},
        thresholds={},
        results={name: dict(note) for name, note in notes.items()},
        weaknesses=(
            "Small, and trained for minutes: the deeper ones blur (25 to 29 dB), which a detector"
            " can lean on in place of their traces.",
        ),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    card = pack(given.runs, given.out)
    print(f"{given.out}: {card.architecture}")  # noqa: T201


if __name__ == "__main__":
    main()
