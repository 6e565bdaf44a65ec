"""The image detector: several experts look at a picture of any size, in bounded time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from scipy.special import expit

from unmask.card import Card, load_card, part_of
from unmask.detect.calibration import Calibration
from unmask.detect.experts import BESIDE, FORMS, SOFTNESS, Expert, Form, as_experts, expert_nets
from unmask.detect.fusion import Fusions
from unmask.detect.likelihood import Coder, Predictor, Range, out_of_range, surprise
from unmask.detect.onnx_experts import OnnxCoder
from unmask.detect.portrait import PortraitNet, is_portrait
from unmask.detect.scale import Scale
from unmask.detect.tiles import Tiles, cut
from unmask.packing import unpacked

WEIGHTS = Path(__file__).with_name("weights") / "image_detector.safetensors"
STRIDE = 16  # pixels between two values of the map

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Map = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the detector said of a picture."""

    score: float  # fused logit; above 0 leans to synthetic
    logits: Mapping[str, float]  # of each expert that was asked, on the scale of what it stands by
    inputs: Mapping[str, float]  # of the fusion: those that stand by an expert joined in
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
        self.forms: dict[str, Form] = {name: FORMS[name] for name in experts if name in FORMS}
        self.special = {name: form.beside for name, form in self.forms.items() if form.beside}
        self.others = {name: form.or_else for name, form in self.forms.items() if form.or_else}
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
        patches is mixed with those of the expert that they stand beside, by BESIDE. Of an expert
        and one that sees other traces the surer is heard: generators of different kinds leave
        different traces, and in a mean each would deny what the other sees.
        """
        tiles = cut(pixels)
        maps = {name: self._map(name, tiles) for name in self.asked(pixels)}
        logits = {name: pool(found, self.experts[name].top) for name, found in maps.items()}
        heard = {name: self._heard(name, maps, tiles) for name in self.fusion.names}
        inputs = {name: logit for name, (logit, _) in heard.items()}
        fusion = self.fusion.by_scale[tiles.scale]
        score = float(fusion.logit([list(inputs.values())])[0])
        # Each patch in the place of the picture's logits.
        patches = np.full(tiles.map_shape(STRIDE), score, np.float32)
        for name, (_, more) in heard.items():
            patches += fusion.slope(name) * more
        return Scored(
            score=score,
            logits=logits,
            inputs=inputs,
            patches=patches,
            covered=float(np.isfinite(patches).mean()),
            scale=tiles.scale,
        )

    def _map(self, name: str, tiles: Tiles) -> Map:
        """An expert's patches, on the scale of the one that it is held against."""
        found = tiles.assemble(self.experts[name].patches(tiles), self.experts[name].stride)
        form = self.forms.get(name)
        return form.gain * found - form.less if form else found

    def _heard(self, name: str, maps: Mapping[str, Map], tiles: Tiles) -> tuple[float, Map]:
        """An input of the fusion, and how much more each patch has, (H / 16, W / 16)."""
        logit, more = self._centred(name, self._joined(name, maps), tiles)
        for other in (o for o, of in self.others.items() if of == name):
            said, its_more = self._centred(other, maps[other], tiles)
            said = min(said, self.forms[other].most)
            share = float(expit((said - logit) / SOFTNESS))
            logit = SOFTNESS * float(np.logaddexp(logit / SOFTNESS, said / SOFTNESS))
            more = (1 - share) * more + share * its_more
        return logit, more

    def _centred(self, name: str, patches: Map, tiles: Tiles) -> tuple[float, Map]:
        """The logit of a map, and the map less it, at STRIDE."""
        logit = pool(patches, self.experts[name].top)
        factor = STRIDE // self.experts[name].stride
        return logit, shrunk(patches, factor, tiles.map_shape(STRIDE)) - logit

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
    by = {name: form.beside or form.or_else for name, form in FORMS.items()}
    more = [name for name, of in by.items() if of in fusion.names and part_of(tensors, name)]
    nets = expert_nets([*fusion.names, *more])
    coder, portrait = Coder(), PortraitNet()
    for name, net in (*nets.items(), ("coder", coder), ("portrait", portrait)):
        net.load_state_dict(part_of(tensors, name))
        net.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    photographs = Range(
        **{n: tensors[f"range.{n}"].double().numpy() for n in ("mean", "precision", "distances")}
    )
    predictor: Predictor = OnnxCoder(coder) if where.type == "cpu" else coder.eval()
    return Detector(as_experts(nets), fusion, predictor, photographs, card, portrait)
