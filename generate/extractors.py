"""Features that sets of pictures are compared by. Each set of features has a name.

A Frechet distance of 4 says nothing without that name: figures on other features, and on other
weights of the same network, are other figures.
"""

import difflib
import hashlib
import importlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.errors import UnmaskError
from unmask.generate.digit_reader import WEIGHTS, load_reader
from unmask.generate.distances import QualityError

BATCH = 100  # pictures at once


class ExtractorError(UnmaskError):
    """An extractor that is not known, or not installed; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """A network whose outputs are features, under a name that no other features carry.

    Any network will do: `Extractor(name="my-backbone-v1", network=net.eval(), about="...")`.
    """

    name: str
    network: Callable[[Tensor], Tensor]  # (B, C, H, W) in [-1, 1] -> (B, D)
    about: str  # a sentence: what it saw, what it reads
    device: str = "cpu"  # that the network lies on

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> NDArray[np.float64]:
        """(N, C, H, W) in [-1, 1], beyond which is clipped -> (N, D). Raises QualityError."""
        if images.ndim != 4 or not len(images) or images.shape[1] not in (1, 3):
            raise QualityError(f"Pictures are (N, 1 or 3, H, W), not {tuple(images.shape)}.")
        parts = []
        for part in torch.split(images, BATCH):
            found = self.network(part.to(self.device).float().clamp(-1, 1))
            if found.ndim != 2 or len(found) != len(part):
                raise QualityError(f"{self.name} gives {tuple(found.shape)}, not (N, D) features.")
            parts.append(found.double().cpu())
        features: NDArray[np.float64] = torch.cat(parts).numpy()
        if not np.isfinite(features).all():
            raise QualityError(f"{self.name} gives features that are not finite.")
        return features


class RandomConvolutions(nn.Module):
    """(B, 1 or 3, H, W) in [-1, 1] -> (B, 384): what fixed random filters see at four scales.

    Networks that were never trained compare pictures that ImageNet knows nothing of (Naeem et al.
    2020, section 3.3). Pictures are brought to 64 pixels; finer traits are for the spectra and
    patches of distances.py. The filters come from a stream that NumPy promises never to change.
    """

    SIDE = 64
    WIDTH = 32

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        drawn = np.random.RandomState(seed)
        for i, before in enumerate((3, self.WIDTH, self.WIDTH, self.WIDTH)):
            weight = drawn.standard_normal((self.WIDTH, before, 3, 3)) * (2 / (9 * before)) ** 0.5
            self.register_buffer(f"weight{i}", torch.from_numpy(weight).float())
            bias = 0.1 * drawn.standard_normal(self.WIDTH)
            self.register_buffer(f"bias{i}", torch.from_numpy(bias).float())

    def forward(self, images: Tensor) -> Tensor:
        x = images.expand(-1, 3, -1, -1)
        if x.shape[2:] != (self.SIDE, self.SIDE):
            size = (self.SIDE, self.SIDE)
            x = F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
        found = []
        for i in range(4):
            padded = F.pad(x, (1, 1, 1, 1), "replicate")
            x = F.leaky_relu(
                F.conv2d(padded, self.get_buffer(f"weight{i}"), self.get_buffer(f"bias{i}")), 0.2
            )
            if i < 2:  # texture: what there is of it, and how unevenly it lies
                found += list(torch.std_mean(x, (2, 3), correction=0))
            else:  # layout: what there is in each quarter
                found.append(F.adaptive_avg_pool2d(x, 2).flatten(1))
            x = F.avg_pool2d(x, 2)
        return torch.cat(found, 1)


def digits(weights: Path = WEIGHTS, device: str = "cpu") -> Extractor:
    """The digit reader's last layer but one, 64 features of (N, 1 or 3, 32, 32).

    Weights other than the shipped ones get a name of their own. Raises WeightsError.
    """
    reader = load_reader(weights).to(device)
    shipped = weights.resolve() == WEIGHTS.resolve()
    return Extractor(
        name="clfdigits-v1" if shipped else f"clfdigits-{_digest(weights)}",
        network=reader.features,
        about="a classifier of MNIST's digits, trained on real ones",
        device=device,
    )


def random_convolutions(device: str = "cpu") -> Extractor:
    """Features that need no weights: 384 of pictures of any size and kind."""
    return Extractor(
        name="randomconv-v1",
        network=RandomConvolutions().to(device),
        about="fixed random filters at four scales of 64 pixels",
        device=device,
    )


def inception(weights: Path | None = None, device: str = "cpu") -> Extractor:
    """The 2048 features of Inception that published FIDs are made of (Heusel et al. 2017).

    torch-fidelity brings the network (torchmetrics' FID uses the same) and downloads its weights
    where `weights` is not given. Raises ExtractorError where it is not installed or not to be had.
    """
    try:
        module = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    except ImportError as error:
        raise ExtractorError(
            "Inception's features come with torch-fidelity: pip install torch-fidelity"
        ) from error
    try:
        path = str(weights) if weights else None
        net = module.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], path).to(device)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise ExtractorError(f"Inception's weights are not to be had: {error}") from error

    def network(images: Tensor) -> Tensor:
        rounded = ((images.expand(-1, 3, -1, -1) + 1) * 127.5).round().to(torch.uint8)
        features: Tensor = net(rounded)[0]
        return features

    return Extractor(
        name=f"inception-2048-{_digest(weights)}" if weights else "inception-2048",
        network=network,
        about="torch-fidelity's Inception v3, trained on ImageNet",
        device=device,
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


EXTRACTORS: dict[str, Callable[[str], Extractor]] = {
    "clfdigits-v1": lambda device: digits(device=device),
    "randomconv-v1": random_convolutions,
    "inception-2048": lambda device: inception(device=device),
}


def find(name: str, device: str = "cpu") -> Extractor:
    """The extractor of that name. Raises ExtractorError, and WeightsError where one has none."""
    if name in EXTRACTORS:
        return EXTRACTORS[name](device)
    near = difflib.get_close_matches(name, EXTRACTORS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(EXTRACTORS)}."
    raise ExtractorError(f"There is no extractor {name!r}; {hint}")
