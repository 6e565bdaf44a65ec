"""From checkpoints to shipped weights: range, calibration, thresholds, results, card.

    python -m unmask.detect.publish --data DATA --checkpoints runs/*/last.pt

Everything that is fitted or chosen here sees the TRAIN split (the range) or the VALIDATION split
(calibration, thresholds). The TEST split is read at the end, to report, and chooses nothing.
"""

import argparse
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from unmask.card import Card
from unmask.datasets.manifest import CORPORA, Sample, Split, samples
from unmask.detect.calibration import Calibration, fit
from unmask.detect.encodings import Chain, Pixels, h264, jpeg, random_chain, resize, webp
from unmask.detect.evaluation.reliability import cllr
from unmask.detect.evaluation.resampling import estimate
from unmask.detect.inference import WEIGHTS, Detector
from unmask.detect.patchnet import CHANNELS, PatchNet
from unmask.detect.train import averaged

# Of other generators than those trained on: what calibration is worth, it is worth on strangers.
STRANGERS = ("forensynths_cyclegan", "celeba_vs_stylegan2", "sd3_portraits", "photographs")


Change = Callable[[Pixels], Pixels]
PERTURBATIONS: dict[str, Change] = {
    "clean": lambda p: p,
    "JPEG 90": lambda p: jpeg(p, 90),
    "JPEG 70": lambda p: jpeg(p, 70),
    "JPEG 50": lambda p: jpeg(p, 50),
    "WebP 75": lambda p: webp(p, 75),
    "scaled 0.75": lambda p: resize(p, 0.75),
    "scaled 0.5": lambda p: resize(p, 0.5),
    "scaled 1.5": lambda p: resize(p, 1.5),
    "scaled 0.75, JPEG 70": lambda p: jpeg(resize(p, 0.75), 70),
    "H.264 crf 26": h264,
}
CALIBRATE = {
    "image": ("clean", "JPEG 90", "JPEG 70", "scaled 0.75", "scaled 0.75, JPEG 70"),
    "video": ("H.264 crf 26",),
}


@dataclass(frozen=True)
class Table:
    """Scores and distances of samples under perturbations, each (samples,)."""

    samples: list[Sample]
    scores: dict[str, NDArray[np.float64]]
    distances: dict[str, NDArray[np.float64]]

    @property
    def fake(self) -> NDArray[np.bool_]:
        return np.array([s.fake for s in self.samples])

    def of(self, keep: Callable[[Sample], bool]) -> "Table":
        """The rows that `keep` holds for."""
        at = [i for i, s in enumerate(self.samples) if keep(s)]
        return Table(
            [self.samples[i] for i in at],
            {k: v[at] for k, v in self.scores.items()},
            {k: v[at] for k, v in self.distances.items()},
        )


SQUARES = {"celeba_vs_stylegan2": 176}  # pixels: here the classes come in different sizes


def read(sample: Sample) -> Pixels:
    """Pixels, at most 512 a side, and of one size where a corpus would leak its class by size."""
    with Image.open(sample.path) as image:
        rgb = image.convert("RGB")
    if side := SQUARES.get(sample.corpus):
        left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
        rgb = rgb.crop((left, top, left + side, top + side))
    rgb.thumbnail((512, 512), Image.Resampling.LANCZOS)
    return np.asarray(rgb)


def thinned(data: list[Sample], most: int = 150) -> list[Sample]:
    """At most `most` pictures of a corpus, class and split; training pictures all stay.

    Which ones is drawn by their names' hash, so that nobody chose them.
    """
    order = sorted(data, key=lambda s: hashlib.sha256(s.source.encode()).hexdigest())
    seen: Counter[tuple[str, bool, Split]] = Counter()
    kept = set()
    for sample in order:
        key = (sample.corpus, sample.fake, sample.split)
        if sample.split is Split.TRAIN or seen[key] < most:
            seen[key] += 1
            kept.add(sample.path)
    return [s for s in data if s.path in kept]


def tabulate(detector: Detector, data: list[Sample], names: Iterable[str]) -> Table:
    """Score every sample under every named perturbation, both classes through the same JPEG 95."""
    wanted = list(names)

    def score(sample: Sample) -> list[tuple[float, float]]:
        pixels = jpeg(read(sample), 95)
        found = [detector.score(PERTURBATIONS[name](pixels)) for name in wanted]
        return [(s.score, s.distance) for s in found]

    # Pictures are small: one on each processor is faster than all processors on one.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with ThreadPoolExecutor(threads) as pool:
        table = np.array(list(pool.map(score, data)))  # (samples, perturbations, 2)
    torch.set_num_threads(threads)
    at = range(len(wanted))
    return Table(
        data, {wanted[i]: table[:, i, 0] for i in at}, {wanted[i]: table[:, i, 1] for i in at}
    )


@torch.inference_mode()
def trained_range(net: PatchNet, data: list[Sample]) -> tuple[Tensor, Tensor]:
    """Means of the pooled features by corpus and class (n, 432), and their tied precision."""
    rng = np.random.default_rng(3)
    clusters: dict[tuple[str, bool], list[Tensor]] = {}
    for sample in data:
        for chain in (Chain(), Chain(resize=0, blur=0, noise=0, twice=0)):
            pixels = random_chain(read(sample), rng, chain, 224)
            image = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float()[None] / 255
            pooled = net.features(image).mean((0, 2, 3))
            clusters.setdefault((sample.corpus, sample.fake), []).append(pooled)
    stacked = [torch.stack(rows) for rows in clusters.values()]
    means = torch.stack([rows.mean(0) for rows in stacked])
    within = torch.cat([rows - rows.mean(0) for rows in stacked])
    covariance = within.T @ within / len(within)
    ridge = 0.1 * covariance.diagonal().mean() * torch.eye(CHANNELS)
    return means, torch.linalg.inv(covariance + ridge)


def calibrate(table: Table, names: Iterable[str]) -> Calibration:
    """Fit on strangers and on validation photographs, every corpus counting alike in its class."""
    strangers = table.of(lambda s: not s.fake or s.corpus in STRANGERS)
    key = [(s.corpus, s.fake) for s in strangers.samples]
    weight = np.array([1 / key.count(k) for k in key])
    names = list(names)
    return fit(
        np.tile(strangers.fake, len(names)),
        np.concatenate([strangers.scores[n] for n in names]),
        np.tile(weight, len(names)),
    )


def results(table: Table, calibration: Calibration, limit: float) -> dict[str, Any]:
    """Test results by generator: AUC with interval, rates at the verdict's bounds, abstentions."""
    found: dict[str, Any] = {}
    for corpus in CORPORA:
        part = table.of(lambda s, name=corpus.name: s.corpus == name)  # type: ignore[misc]
        if not part.samples:
            continue
        if corpus.fake and not part.fake.all():
            found[corpus.name] = {
                name: _row(part.fake, scores, calibration, part.distances[name] > limit)
                for name, scores in part.scores.items()
            }
        else:  # one class alone has rates, but no AUC
            found[corpus.name] = {
                "clean": _rates(
                    part.fake, part.scores["clean"], calibration, part.distances["clean"] > limit
                )
            }
    return found


def _row(
    fake: NDArray[np.bool_], scores: NDArray[np.float64], calibration: Calibration,
    away: NDArray[np.bool_],
) -> dict[str, Any]:  # fmt: skip
    area = estimate(fake, scores)
    return _rates(fake, scores, calibration, away) | {
        "auc": round(area.value, 4),
        "auc_95": [round(area.low, 4), round(area.high, 4)],
        "cllr": round(cllr(fake, calibration.llr(scores)), 4),
    }


def _rates(
    fake: NDArray[np.bool_], scores: NDArray[np.float64], calibration: Calibration,
    away: NDArray[np.bool_],
) -> dict[str, Any]:  # fmt: skip
    llr = calibration.llr(scores)
    says_fake, says_real = (llr >= np.log(9)) & ~away, (llr <= -np.log(9)) & ~away

    def rate(at: NDArray[np.bool_], of: NDArray[np.bool_]) -> float | None:
        return round(float(at[of].mean()), 4) if of.any() else None

    return {
        "n_real": int((~fake).sum()),
        "n_fake": int(fake.sum()),
        "fake_called_synthetic": rate(says_fake, fake),
        "fake_called_camera": rate(says_real, fake),
        "real_called_synthetic": rate(says_fake, ~fake),
        "real_called_camera": rate(says_real, ~fake),
        "out_of_range": round(float(away.mean()), 4),
    }


def soup(checkpoints: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the weights of several runs that began at the same backbone.

    Wortsman et al. 2022, "Model soups": nearly an ensemble, at the price of one network.
    """
    states = [averaged(c) for c in checkpoints]
    return {
        name: torch.stack([s[name] for s in states]).mean(0) if first.is_floating_point() else first
        for name, first in states[0].items()
    }


def publish(data: Path, checkpoints: Sequence[Path], weights: Path, command: str) -> Card:
    """Write the weights and their card, and return the card."""
    torch.manual_seed(0)
    everything = thinned(samples(data))
    net = PatchNet()
    net.load_state_dict(soup(checkpoints))
    net.to(memory_format=torch.channels_last)
    net.half().float().eval()  # what is measured below is what is shipped: float16
    train = [s for s in everything if s.split is Split.TRAIN]
    means, precision = trained_range(net, train)
    identity = Calibration(slope=1.0, offset=0.0, miss=1e-3, alarm=1e-3)
    card = Card(
        name="patchnet",
        sha256="",
        task="Is this picture generated? Patch logits at stride 16; above 0 leans to synthetic.",
        architecture="EfficientNet-Lite0, strides 16 and 32, 1x1 convolution to patch logits, "
        "mean; weights averaged over four runs",
        papers=(
            "Chai et al. 2020, What makes fake images detectable?",
            "Tan and Le 2019, EfficientNet",
            "Wortsman et al. 2022, Model soups",
            "Wichmann and Hill 2001, The psychometric function (calibration)",
        ),
        data=(
            *(f"{c.name}: {c.licence}" for c in CORPORA if c.shares[0] > 0),
            "ImageNet-pretrained EfficientNet-Lite0 (Apache-2.0)",
        ),
        licence="Research and journalism use: trained on non-commercial data (see `data`)",
        command=command,
        calibration={},
        thresholds={},
        results={},
        weaknesses=WEAKNESSES,
    )
    detector = Detector(net, card, means, precision)
    detector.calibration = {"image": identity, "video": identity}

    validation = [s for s in everything if s.split is Split.VALIDATION]
    needed = {n for names in CALIBRATE.values() for n in names}
    table = tabulate(detector, validation, needed)
    fitted = {kind: calibrate(table, names) for kind, names in CALIBRATE.items()}
    # One picture in a hundred of the validation set, itself of strangers in part, is out of range.
    limit = float(np.quantile(np.concatenate([table.distances[n] for n in needed]), 0.99))

    test = [s for s in everything if s.split is Split.TEST]
    tested = results(tabulate(detector, test, PERTURBATIONS), fitted["image"], limit)
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in net.state_dict().items()
    }
    # Not halved: the inverse of a covariance spans more than float16 holds.
    tensors |= {"range.means": means.contiguous(), "range.precision": precision.contiguous()}
    weights.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, weights)
    card = replace(
        card,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        calibration={kind: vars(c) for kind, c in fitted.items()},
        thresholds={
            "distance": limit, "least_side": 96, "least_quality": 40, "view_spread": 2.5,
            "least_frames": 4,
        },
        results=tested,
    )  # fmt: skip
    card.save(weights.with_suffix(".json"))
    return card


_TRAIN = "python -m unmask.detect.train --data DATA --backbone efficientnet-lite0.pth"
COMMAND = "\n".join(
    (
        f"{_TRAIN} --seed 1 --out runs/1 --steps 900 --colour 0 --drop-path 0",
        f"{_TRAIN} --seed 1 --out runs/2",
        f"{_TRAIN} --seed 2 --out runs/3",
        f"{_TRAIN} --seed 3 --out runs/4 --steps 800",
        "python -m unmask.detect.publish --data DATA --checkpoints runs/*/last.pt",
    )
)
WEAKNESSES = (
    "It was trained on StyleGAN pictures alone; of other generators it sees what they share.",
    "Diffusion pictures (Stable Diffusion 3, Flux) and StarGAN faces are not recognised.",
    "It learned from pictures of at most 600 pixels; large originals are out of its experience.",
    "Local edits and face swaps smaller than a few hundred pixels escape it.",
    "The test split was read twice before, for the networks that this one replaced.",
)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoints", type=Path, required=True, nargs="+")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    publish(given.data, given.checkpoints, given.weights, COMMAND)


if __name__ == "__main__":
    main()
