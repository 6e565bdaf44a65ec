"""The image detector: several experts look at a picture of any size, in bounded time."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from unmask.card import Card, load_card, part_of
from unmask.detect.calibration import Calibration
from unmask.detect.fusion import Fusion
from unmask.detect.likelihood import Coder, Predictor, Range, out_of_range, surprise
from unmask.detect.onnx_experts import OnnxCoder, OnnxExpert
from unmask.detect.patchnet import PatchNet
from unmask.detect.portrait import PortraitNet, is_portrait
from unmask.detect.residual_net import TOP, ResidualNet
from unmask.detect.tiles import Tiles, cut
from unmask.errors import WeightsError

WEIGHTS = Path(__file__).with_name("weights") / "image_detector.safetensors"
STRIDE = 16  # pixels between two values of the map

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Map = NDArray[np.float32]


class Expert(Protocol):
    """What looks at pictures: a learned network, or a discriminator of a generator."""

    stride: int  # pixels between two values of its map; a divisor of STRIDE
    top: float  # part of the patches that count again in its logit

    def patches(self, tiles: Tiles) -> Map:
        """(n, h / stride, w / stride) logits of the tiles' patches; above 0 means synthetic."""
        ...


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the detector said of a picture."""

    score: float  # fused logit; above 0 leans to synthetic
    logits: Mapping[str, float]  # of each expert that was asked
    inputs: Mapping[str, float]  # of the fusion: those beside an expert averaged in
    patches: Map  # (H / 16, W / 16) fused logits; NaN where no tile was looked at
    covered: float  # part of the picture that was looked at


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA, then Apple's MPS, then the processor."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class NetExpert:
    """A network as an expert, run by PyTorch; on the processor an OnnxExpert is faster."""

    def __init__(self, net: nn.Module, *, stride: int, top: float = 0.0) -> None:
        self.net, self.stride, self.top = net.eval(), stride, top
        self.device = next(net.parameters()).device

    @torch.inference_mode()
    def patches(self, tiles: Tiles) -> Map:
        """(n, h / stride, w / stride)."""
        images = torch.from_numpy(tiles.pixels).to(self.device).permute(0, 3, 1, 2).float() / 255
        logits: Tensor = self.net(images)
        return logits.cpu().numpy().astype(np.float32)


class Detector:
    """The experts, how they are joined, and the card that says what all that is worth."""

    def __init__(
        self, experts: Mapping[str, Expert], fusion: Fusion, coder: Predictor,
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

        Where a face fills the picture, an expert of portraits is asked too, and its patches are
        averaged with those of the expert that it stands beside.
        """
        tiles = cut(pixels)
        maps = {
            name: tiles.assemble(self.experts[name].patches(tiles), self.experts[name].stride)
            for name in self.asked(pixels)
        }
        logits = {name: pool(found, self.experts[name].top) for name, found in maps.items()}
        joined = {name: self._joined(name, maps) for name in self.fusion.names}
        inputs = {name: pool(found, self.experts[name].top) for name, found in joined.items()}
        score = float(self.fusion.logit([list(inputs.values())])[0])
        # Each patch in the place of the picture's logits.
        patches = np.full(tiles.map_shape(STRIDE), score, np.float32)
        for name, values in joined.items():
            coarse = shrunk(values, STRIDE // self.experts[name].stride, patches.shape)
            patches += self.fusion.slope(name) * (coarse - inputs[name])
        return Scored(
            score=score,
            logits=logits,
            inputs=inputs,
            patches=patches,
            covered=float(np.isfinite(patches).mean()),
        )

    def _joined(self, name: str, maps: Mapping[str, Map]) -> Map:
        """The patches of an expert and of those beside it that were asked, averaged."""
        beside = [maps[other] for other, of in self.special.items() if of == name and other in maps]
        return np.mean([maps[name], *beside], axis=0, dtype=np.float32) if beside else maps[name]


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


@dataclass(frozen=True, kw_only=True)
class Form:
    """How the network of an expert is built and read."""

    build: Callable[[], nn.Module]
    stride: int  # pixels between two patches
    top: float = 0.0  # part of the patches that count again
    beside: str = ""  # it knows close-up faces alone, and there it has half of this one's say
    flipped: bool = True  # looks at the picture mirrored and upside down too


def _critic_net() -> nn.Module:
    from unmask.detect.critic_net import blank  # a scan without it need not load generate/

    return blank()


FORMS = {
    "stylegan": Form(build=PatchNet, stride=16, beside="patchnet", flipped=False),
    "patchnet": Form(build=PatchNet, stride=16),
    "critic": Form(build=_critic_net, stride=16, flipped=False),
    "residual": Form(build=ResidualNet, stride=8, top=TOP),
}


def expert_nets(names: Iterable[str]) -> dict[str, nn.Module]:
    """The networks of experts, untrained. Raises WeightsError for a name that is none."""
    names = tuple(names)
    if unknown := set(names) - FORMS.keys():
        raise WeightsError(f"The experts are {', '.join(FORMS)}, not {min(unknown)}.")
    return {name: FORMS[name].build() for name in names}


class Flipped:
    """An expert that looks at the picture mirrored and upside down too.

    The mean of the three ways was worth 0.011 of AUC on validation. Of a large picture each tile is
    seen in two ways, mirrored and upside down in turn.
    """

    def __init__(self, expert: Expert) -> None:
        self.expert, self.stride, self.top = expert, expert.stride, expert.top

    def patches(self, tiles: Tiles) -> Map:
        """(n, h / stride, w / stride)."""
        total = self.expert.patches(tiles).copy()
        ways = np.ones(len(total), np.float32)
        for axis in (1, 2):
            chosen = np.arange(len(total))
            if len(total) > 1:
                chosen = chosen[axis - 1 :: 2]
            turned = np.ascontiguousarray(np.flip(tiles.pixels[chosen], axis))
            maps = self.expert.patches(replace(tiles, pixels=turned))
            total[chosen] += np.flip(maps, axis)
            ways[chosen] += 1
        return total / ways[:, None, None]


def as_experts(nets: Mapping[str, nn.Module]) -> dict[str, Expert]:
    """The networks as experts, by their names."""
    found: dict[str, Expert] = {}
    for name, net in nets.items():
        expert = as_expert(net, stride=FORMS[name].stride, top=FORMS[name].top)
        found[name] = Flipped(expert) if FORMS[name].flipped else expert
    return found


def as_expert(net: nn.Module, *, stride: int, top: float = 0.0) -> Expert:
    """The network as an expert where its weights are: ONNX Runtime's on the processor."""
    on_processor = next(net.parameters()).device.type == "cpu"
    if on_processor and isinstance(net, PatchNet | ResidualNet):
        return OnnxExpert(net, stride=stride, top=top)
    return NetExpert(net, stride=stride, top=top)


@cache
def load_detector(device: str = "auto", weights: Path = WEIGHTS) -> Detector:
    """The shipped detector, loaded once a process and device.

    Raises WeightsError where the weights are missing or are not those of their card.
    """
    card = load_card(weights)
    where = pick_device(device)
    tensors = {name: tensor.float() for name, tensor in load_file(weights).items()}
    fusion = Fusion.load(card.calibration["fusion"])
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
