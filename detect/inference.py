"""The image detector: several experts look at a picture of any size, in bounded time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from unmask.card import Card, load_card, part_of
from unmask.detect.calibration import Calibration
from unmask.detect.experts import BESIDE, FORMS, Expert, as_experts, expert_nets
from unmask.detect.fusion import Fusions
from unmask.detect.likelihood import Coder, Predictor, Range, out_of_range, surprise
from unmask.detect.onnx_experts import OnnxCoder
from unmask.detect.portrait import PortraitNet, is_portrait
from unmask.detect.scale import Scale
from unmask.detect.tiles import cut
from unmask.packing import unpacked

WEIGHTS = Path(__file__).with_name("weights") / "image_detector.safetensors"
STRIDE = 16  # pixels between two values of the map

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Map = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the detector said of a picture."""

    score: float  # fused logit; above 0 leans to synthetic
    logits: Mapping[str, float]  # of each expert that was asked
    inputs: Mapping[str, float]  # of the fusion: those beside an expert joined in
    patches: Map  # (H / 16, W / 16) fused logits; NaN where no tile was looked at
    covered: float  # part of the picture that was looked at
    scale: Scale  # whose fusion it went through


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA, then Apple's MPS, then the processor."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class Detector:
    """The experts, how they are joined, and the card that says what all that is worth."""

    def __init__(
        self, experts: Mapping[str, Expert], fusion: Fusions, coder: Predictor,
        photographs: Range, card: Card, portrait: PortraitNet,
    ) -> None:  # fmt: skip
        self.experts, self.fusion = dict(experts), fusion
        self.portrait = portrait.eval()
        self.special = {n: FORMS[n].beside for n in experts if n in FORMS and FORMS[n].beside}
        self.coder, self.photographs, self.card = coder, photographs, card
        self.calibration = {
            kind: Calibration.load(card.calibration[kind])
            for kind in ("image", "video")
            if kind in card.calibration
        }

    def likeness(self, pixels: Pixels) -> float:
        """Share of photographs that are at least as odd to the coder; small is out of range."""
        return out_of_range(surprise(self.coder, pixels), self.photographs)

    def asked(self, pixels: Pixels) -> list[str]:
        """The experts that know such pictures."""
        if self.special and not is_portrait(self.portrait, pixels):
            return [name for name in self.experts if name not in self.special]
        return list(self.experts)

    def score(self, pixels: Pixels) -> Scored:
        """Judge a picture at its own resolution: whole, or in evenly spread tiles.

        Where a face fills the picture, experts of portraits are asked too, and the mean of their
        patches is mixed with those of the expert that they stand beside, by BESIDE.
        """
        tiles = cut(pixels)
        maps = {
            name: tiles.assemble(self.experts[name].patches(tiles), self.experts[name].stride)
            for name in self.asked(pixels)
        }
        logits = {name: pool(found, self.experts[name].top) for name, found in maps.items()}
        joined = {name: self._joined(name, maps) for name in self.fusion.names}
        inputs = {name: pool(found, self.experts[name].top) for name, found in joined.items()}
        fusion = self.fusion.by_scale[tiles.scale]
        score = float(fusion.logit([list(inputs.values())])[0])
        # Each patch in the place of the picture's logits.
        patches = np.full(tiles.map_shape(STRIDE), score, np.float32)
        for name, values in joined.items():
            coarse = shrunk(values, STRIDE // self.experts[name].stride, patches.shape)
            patches += fusion.slope(name) * (coarse - inputs[name])
        return Scored(
            score=score,
            logits=logits,
            inputs=inputs,
            patches=patches,
            covered=float(np.isfinite(patches).mean()),
            scale=tiles.scale,
        )

    def _joined(self, name: str, maps: Mapping[str, Map]) -> Map:
        """The patches of an expert; where those beside it were asked, with theirs."""
        beside = [maps[other] for other, of in self.special.items() if of == name and other in maps]
        if not beside:
            return maps[name]
        others = np.mean(beside, axis=0, dtype=np.float32)
        joined: Map = (1 - BESIDE) * maps[name] + BESIDE * others
        return joined


def pool(patches: Map, top: float) -> float:
    """The mean of the patches that were looked at, or midway to the mean of the highest part."""
    seen = patches[np.isfinite(patches)]
    mean = float(seen.mean())
    if top <= 0:
        return mean
    count = max(1, round(top * seen.size))
    return (mean + float(np.partition(seen, -count)[-count:].mean())) / 2


def shrunk(patches: Map, factor: int, shape: tuple[int, ...]) -> Map:
    """The mean of each `factor` x `factor` cells, in a map of `shape`; NaN where nothing was."""
    if factor == 1:
        return patches
    spare = [(0, factor * n - have) for n, have in zip(shape, patches.shape, strict=True)]
    padded = np.pad(patches, spare, mode="edge")
    cells: Map = padded.reshape(shape[0], factor, shape[1], factor).mean((1, 3))
    return cells


@cache
def load_detector(device: str = "auto", weights: Path = WEIGHTS) -> Detector:
    """The shipped detector, loaded once a process and device.

    Raises WeightsError where the weights are missing or are not those of their card.
    """
    card = load_card(weights)
    where = pick_device(device)
    tensors = unpacked(load_file(weights))
    fusion = Fusions.load(card.calibration["fusion"])
    beside = [n for n, form in FORMS.items() if form.beside in fusion.names and part_of(tensors, n)]
    nets = expert_nets([*fusion.names, *beside])
    coder, portrait = Coder(), PortraitNet()
    for name, net in (*nets.items(), ("coder", coder), ("portrait", portrait)):
        net.load_state_dict(part_of(tensors, name))
        net.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    photographs = Range(
        **{n: tensors[f"range.{n}"].double().numpy() for n in ("mean", "precision", "distances")}
    )
    predictor: Predictor = OnnxCoder(coder) if where.type == "cpu" else coder.eval()
    return Detector(as_experts(nets), fusion, predictor, photographs, card, portrait)
