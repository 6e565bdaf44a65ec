"""What looks at pictures, and how: networks in patches, turned over, and near to."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.detect.encodings import resize
from unmask.detect.onnx_experts import OnnxExpert
from unmask.detect.patchnet import PatchNet
from unmask.detect.residual_net import TOP, ResidualNet
from unmask.detect.scale import Scale
from unmask.detect.spectrum_net import SpectrumNet
from unmask.detect.tiles import Tiles
from unmask.errors import WeightsError

Map = NDArray[np.float32]
UPSIDE_DOWN, MIRRORED = 1, 2  # axes of tiles
HALVED = 0.75  # how much the look at an enlarged picture at half size counts
BESIDE = 1 / 3  # how much the experts of close-up faces count there, all together
SOFTNESS = 2.0  # of the greater of two logits; 0 would be the greater itself


class Expert(Protocol):
    """What looks at pictures: a learned network, or a discriminator of a generator."""

    stride: int  # pixels between two values of its map; a divisor of STRIDE
    top: float  # part of the patches that count again in its logit

    def patches(self, tiles: Tiles) -> Map:
        """(n, h / stride, w / stride) logits of the tiles' patches; above 0 means synthetic."""
        ...


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


@dataclass(frozen=True, kw_only=True)
class Form:
    """How the network of an expert is built and read."""

    build: Callable[[], nn.Module]
    stride: int  # pixels between two patches
    top: float = 0.0  # part of the patches that count again
    beside: str = ""  # knows close-up faces alone, and there counts with the expert of this name
    or_else: str = ""  # sees what the expert of this name does not: the surer of the two is heard
    gain: float = 1.0  # of its logit, on the scale of the expert that it is held against
    less: float = 0.0  # what is taken off then, so that it is heard where it is sure alone
    most: float = math.inf  # of it that is heard
    turned: tuple[int, ...] = (UPSIDE_DOWN, MIRRORED)  # ways that it looks at the picture in too
    rescaled: bool = False  # looks at a small picture at double size too, an enlarged one at half


def _critic_net() -> nn.Module:
    from unmask.detect.critic_net import blank  # a scan without it need not load generate/

    return blank()


FORMS = {
    "faces": Form(build=PatchNet, stride=16, beside="patchnet", turned=(MIRRORED,), rescaled=True),
    "faces_lite2": Form(
        build=lambda: PatchNet(size="lite2"),
        stride=16,
        beside="patchnet",
        turned=(MIRRORED,),
        rescaled=True,
    ),
    "patchnet": Form(build=PatchNet, stride=16, rescaled=True),
    "patchnet_lite2": Form(build=lambda: PatchNet(size="lite2"), stride=16, rescaled=True),
    "critic": Form(build=_critic_net, stride=16, turned=()),
    "residual": Form(build=ResidualNet, stride=8, top=TOP),
    # By validation. Gain: as wide as patchnet's on photographs; the means of both are then one
    # too. Less: so that patchnet is heard where it is sure. Most: alone it makes a picture
    # doubtful, never likely synthetic, for of a few photographs it is quite sure.
    "spectrum": Form(
        build=SpectrumNet,
        stride=16,
        or_else="patchnet",
        gain=5.8,
        less=3.0,
        most=0.5,
        turned=(),
    ),
}


def expert_nets(names: Iterable[str]) -> dict[str, nn.Module]:
    """The networks of experts, untrained. Raises WeightsError for a name that is none."""
    names = tuple(names)
    if unknown := set(names) - FORMS.keys():
        raise WeightsError(f"The experts are {', '.join(FORMS)}, not {min(unknown)}.")
    return {name: FORMS[name].build() for name in names}


class Turned:
    """An expert that looks at the picture turned over too, in one or two ways.

    The mean of all three looks was worth 0.011 of AUC on validation. Of a large picture each tile
    is seen turned in one of two ways; where there is one way alone, time is saved.
    """

    def __init__(self, expert: Expert, axes: Sequence[int]) -> None:
        self.expert, self.axes, self.stride, self.top = expert, axes, expert.stride, expert.top

    def patches(self, tiles: Tiles) -> Map:
        """(n, h / stride, w / stride)."""
        own = self.expert.patches(tiles)
        if len(own) > 1 and len(self.axes) == 1:
            return own
        total, ways = own.copy(), np.ones(len(own), np.float32)
        for number, axis in enumerate(self.axes):
            chosen = np.arange(len(total))
            if len(total) > 1:
                chosen = chosen[number::2]
            turned = np.ascontiguousarray(np.flip(tiles.pixels[chosen], axis))
            maps = self.expert.patches(replace(tiles, pixels=turned))
            total[chosen] += np.flip(maps, axis)
            ways[chosen] += 1
        return total / ways[:, None, None]


class Rescaled:
    """An expert that looks at some pictures at another size too.

    At a small one at double size, both looks alike: where a picture was made smaller, what a
    generator left is too fine for a network that learned from larger ones. At an enlarged one at
    half size, where it is nearer to what it was; that look counts more. Of pictures of 256 pixels
    a side that were halved the first was worth 0.046 of AUC on validation; of doubled ones the
    second 0.030.
    """

    def __init__(self, expert: Expert) -> None:
        self.expert, self.stride, self.top = expert, expert.stride, expert.top

    def patches(self, tiles: Tiles) -> Map:
        """(n, h / stride, w / stride)."""
        own = self.expert.patches(tiles)
        if tiles.scale is Scale.SMALL:
            cells = self._at(tiles, 2).reshape(len(own), own.shape[1], 2, own.shape[2], 2)
            other, weight = cells.mean((2, 4)), 0.5
        elif tiles.scale is Scale.ENLARGED:
            other, weight = self._at(tiles, 0.5).repeat(2, axis=1).repeat(2, axis=2), HALVED
        else:
            return own
        return np.asarray((1 - weight) * own + weight * other, np.float32)

    def _at(self, tiles: Tiles, scale: float) -> Map:
        pixels = np.stack([resize(one, scale) for one in tiles.pixels])
        return self.expert.patches(replace(tiles, pixels=pixels))


def as_experts(nets: Mapping[str, nn.Module]) -> dict[str, Expert]:
    """The networks as experts, by their names."""
    found: dict[str, Expert] = {}
    for name, net in nets.items():
        form = FORMS[name]
        expert = as_expert(net, stride=form.stride, top=form.top)
        expert = Turned(expert, form.turned) if form.turned else expert
        found[name] = Rescaled(expert) if form.rescaled else expert
    return found


def as_expert(net: nn.Module, *, stride: int, top: float = 0.0) -> Expert:
    """The network as an expert where its weights are: ONNX Runtime's on the processor."""
    on_processor = next(net.parameters()).device.type == "cpu"
    if on_processor and isinstance(net, PatchNet | ResidualNet):
        return OnnxExpert(net, stride=stride, top=top)
    return NetExpert(net, stride=stride, top=top)
