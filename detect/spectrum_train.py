"""Train the expert of spectra, on the pairs that the networks learn from.

    python -m unmask.detect.spectrum_train --data ALIGNED --out runs/spectrum.safetensors

Pictures are not resized on the way: one model of all sizes is worse at each. Nor are there fakes
without a photograph of their own: it is to know decoders, and of those it learns less beside them.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from unmask.datasets.loaders import load
from unmask.datasets.manifest import Sample, Split
from unmask.detect.pair_stream import Mixture, Pool, pictures
from unmask.detect.recipe import CHAIN
from unmask.detect.spectrum_net import FEATURES, SpectrumNet

CROP = 256  # pixels a side, three windows: smaller pictures are mirrored
PAIRS = 24_000
EPOCHS = 16
BATCH = 256
LR = 1e-3
WEIGHT_DECAY = 0.1
NOISE = 0.1  # of standardised features
DROPPED = 0.2  # of them


def train(
    data: Sequence[Sample], out: Path, pairs: int = PAIRS, epochs: int = EPOCHS, seed: int = 1
) -> SpectrumNet:
    """Learn from so many pairs of the TRAIN split, and write `out`.

    The error is squared: a spectrum is heard beside another expert, and so surest of a few pictures
    must not be all that counts. ValueError where the split has no pairs.
    """
    torch.manual_seed(seed)
    net = SpectrumNet()
    rows, targets = _rows(net, data, pairs, seed)
    centre, scale = _moments(rows)
    optimizer = torch.optim.AdamW(net.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    batch = min(BATCH, len(rows))
    steps = len(rows) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=epochs * steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(rows))[: steps * batch].view(steps, batch):
            x = (rows[chosen].float() - centre) / scale
            x = F.dropout(x + NOISE * torch.randn_like(x), DROPPED)
            loss = F.mse_loss(net.judge(x), targets[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    with torch.no_grad():  # from standardised features to features as they come
        net.first.weight.div_(scale)
        net.first.bias.sub_(net.first.weight @ centre)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), out)
    return net


def _rows(net: SpectrumNet, data: Sequence[Sample], pairs: int, seed: int) -> tuple[Tensor, Tensor]:
    """(4 pairs, 8256) in half precision, and (4 pairs,): 1 of fakes, -1 of photographs.

    Of each picture the mean of all windows and of a square of four, as at the rim of a picture.
    """
    pool = Pool([s for s in data if s.split is Split.TRAIN])
    stream = pictures(
        pool, Mixture(), replace(CHAIN, resize=0.0), crop=CROP, pairs=pairs, seed=seed
    )
    rng = np.random.default_rng(seed)
    rows = torch.empty(2 * pairs, 2, FEATURES, dtype=torch.half)
    for row, spectra in zip(rows, _spectra(net, stream), strict=True):
        top, left = rng.integers(2, size=2)
        row[0] = spectra.mean((0, 1))
        row[1] = spectra[top : top + 2, left : left + 2].mean((0, 1))
    targets = torch.tensor([-1.0, 1.0]).repeat(pairs).repeat_interleave(2)
    return rows.flatten(0, 1), targets


@torch.inference_mode()
def _spectra(net: SpectrumNet, stream: Iterator[np.ndarray]) -> Iterator[Tensor]:
    for one in stream:
        image = torch.from_numpy(one).permute(2, 0, 1)[None].float() / 255
        yield net.features(net.logs(image)[0])


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(8256,) mean and standard deviation; in parts, as single precision of all is large."""
    parts = torch.split(rows, 4096)
    centre = sum((p.float().sum(0) for p in parts), torch.zeros(FEATURES)) / len(rows)
    squares = sum(((p.float() - centre).square().sum(0) for p in parts), torch.zeros(FEATURES))
    return centre, (squares / len(rows)).sqrt() + 1e-6


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
