"""Train the network that knows close-up faces from everything else. Read it top to bottom.

    python -m unmask.detect.portrait_train --data DATA photographs --out portrait.safetensors

It learns from the TRAIN split: the pictures of faces that the specialist learned from, real and
generated alike, and windows of all other pictures. How often it is right on the VALIDATION split
is written beside the weights: there are faces of other sources in it.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from safetensors.torch import save_file

from unmask.datasets.loaders import load
from unmask.datasets.manifest import Sample, Split
from unmask.detect.evaluation.resampling import clopper_pearson
from unmask.detect.pair_stream import read_picture
from unmask.detect.portrait import PortraitNet, as_batch, thumbnail

TRAINED_ON = "ffhq_vs_stylegan"  # what the specialist learned from
FACES = (TRAINED_ON, "celeba_vs_stylegan2")  # corpora of nothing but close-up faces
BATCH = 64
Pixels = NDArray[np.uint8]  # (H, W, 3) RGB


def varied(pixels: Pixels, rng: np.random.Generator, least: float) -> Pixels:
    """A thumbnail of a square window of `least` to all of the shorter side, recoloured."""
    height, width = pixels.shape[:2]
    side = max(32, int(rng.uniform(least, 1) * min(height, width)))
    top = int(rng.integers(max(1, height - side + 1)))
    left = int(rng.integers(max(1, width - side + 1)))
    small = thumbnail(pixels[top : top + side, left : left + side])
    if rng.random() < 0.5:
        small = np.ascontiguousarray(small[:, ::-1])
    image = Image.fromarray(small)
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(rng.uniform(0.6, 1.4))
    return np.asarray(image)


def train(data: Sequence[Sample], steps: int, seed: int = 1) -> PortraitNet:
    """Fit to the pictures given. Raises ValueError where there are no faces, or nothing else."""
    faces = [read_picture(s) for s in data if s.corpus == TRAINED_ON]
    others = [read_picture(s) for s in data if s.corpus not in FACES]
    if not faces or not others:
        raise ValueError(f"Faces of {TRAINED_ON} are needed, and pictures of other corpora.")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = PortraitNet()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    target = torch.tensor([1.0, 0.0]).repeat_interleave(BATCH // 2)
    for step in range(steps):
        near = [varied(faces[rng.integers(len(faces))], rng, 0.8) for _ in range(BATCH // 2)]
        far = [varied(others[rng.integers(len(others))], rng, 0.2) for _ in range(BATCH // 2)]
        loss = F.binary_cross_entropy_with_logits(net(as_batch(np.stack(near + far))), target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.param_groups[0]["lr"] = 1e-3 * (1 - step / steps)
        optimiser.step()
    return net.eval()


@torch.inference_mode()
def measured(net: PortraitNet, data: Sequence[Sample]) -> dict[str, list[float]]:
    """By corpus: the part that is taken for portraits, its 95% interval, and n."""
    found = {}
    for corpus in sorted({s.corpus for s in data}):
        small = np.stack([thumbnail(read_picture(s)) for s in data if s.corpus == corpus])
        taken = int((net(as_batch(small)) > 0).sum())
        part = clopper_pearson(taken, len(small))
        found[corpus] = [round(v, 4) for v in (part.value, part.low, part.high)] + [len(small)]
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="labelled data sets")
    parser.add_argument("--out", type=Path, required=True, help="weights, *.safetensors")
    parser.add_argument("--steps", type=int, default=1000)
    given = parser.parse_args()
    data = [s for where in given.data for s in load(where, both_classes=False)]
    net = train([s for s in data if s.split is Split.TRAIN], given.steps)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), given.out)
    report = measured(net, [s for s in data if s.split is Split.VALIDATION])
    given.out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
