"""Fit the expert of spectra, on the pairs that the networks learn from.

    python -m unmask.detect.spectrum_train --data ALIGNED... --out runs/spectrum.safetensors

Pictures are not resized on the way: one linear model of all sizes is worse at each.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from unmask.datasets.loaders import load
from unmask.datasets.manifest import Sample, Split
from unmask.detect.pair_stream import Mixture, Pool, pictures
from unmask.detect.peers.linear import fit_frank
from unmask.detect.recipe import CHAIN
from unmask.detect.spectrum_net import SpectrumNet

CROP = 256  # pixels a side: smaller pictures are mirrored
PAIRS = 4000


@torch.inference_mode()
def train(data: Sequence[Sample], out: Path, pairs: int = PAIRS, seed: int = 1) -> SpectrumNet:
    """Fit to so many pairs of the TRAIN split, and write `out`. ValueError where it has none."""
    pool = Pool([s for s in data if s.split is Split.TRAIN])
    chain = replace(CHAIN, resize=0.0)
    net = SpectrumNet()
    rows = []
    for one in pictures(pool, Mixture(), chain, crop=CROP, pairs=pairs, seed=seed):
        image = torch.from_numpy(one).permute(2, 0, 1)[None].float() / 255
        rows.append(net.spectra(image).mean((0, 1, 2)).numpy())
    found = fit_frank(np.array(rows), np.array([False, True] * pairs))
    weight = found.coefficients / found.scale
    net.weight.copy_(torch.from_numpy(weight))
    net.bias.fill_(float(found.intercept - weight @ found.centre))
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), out)
    return net


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="labelled data sets")
    parser.add_argument("--out", type=Path, required=True, help="the weights to write")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    given = parser.parse_args()
    data = [s for where in given.data for s in load(where, both_classes=False)]
    train(data, given.out, given.pairs)


if __name__ == "__main__":
    main()
