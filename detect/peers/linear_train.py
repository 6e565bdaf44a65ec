"""Fit the peers without a network, on the pairs that the networks learn from.

python -m unmask.detect.peers.linear_train --data ALIGNED... --out runs/peers
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unmask.datasets.loaders import load
from unmask.datasets.manifest import Sample, Split
from unmask.detect.pair_stream import Mixture, Pool, pictures
from unmask.detect.peers import linear
from unmask.detect.recipe import CHAIN

CROP = 256  # pixels a side: smaller pictures are mirrored
PAIRS = 4000  # that the networks see in 500 steps of 16 pictures


def train(data: Sequence[Sample], out: Path, pairs: int, seed: int = 1) -> None:
    """Write `durall.safetensors` and `frank.safetensors`. ValueError where TRAIN has no pairs."""
    pool = Pool([s for s in data if s.split is Split.TRAIN])
    spectra, cosines = [], []
    for one in pictures(pool, Mixture(), CHAIN, crop=CROP, pairs=pairs, seed=seed):
        spectra.append(linear.azimuthal(one))
        cosines.append(linear.log_dct(one).astype(np.float32))
    fake = np.array([False, True] * pairs)
    out.mkdir(parents=True, exist_ok=True)
    linear.save(linear.fit_durall(np.array(spectra), fake), out / "durall.safetensors")
    linear.save(linear.fit_frank(np.array(cosines), fake), out / "frank.safetensors")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="labelled data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trained peers")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    given = parser.parse_args()
    train([s for where in given.data for s in load(where)], given.out, given.pairs)


if __name__ == "__main__":
    main()
