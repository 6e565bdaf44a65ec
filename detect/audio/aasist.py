"""AASIST (Jung et al. 2022) as it was published, a peer of the audio detector.

A bank of fixed sinc filters, residual convolutions, and graph attention over frequencies and over
times, whose nodes meet in a graph of two kinds with a master node. The weights are the authors'
(MIT), trained on ASVspoof 2019 LA, and are read from their folder: nothing of them ships. The
layers have the names that the weights give them; what differs from the paper follows the weights.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.detect.audio.frontends import RATE
from unmask.errors import WeightsError
from unmask.sound import Samples

SAMPLES = 64_600  # of a recording that it judges: 4 s, the beginning
_TAPS = 129
_SINCS = 70


def sinc_filters(count: int = _SINCS, taps: int = _TAPS) -> Tensor:
    """(count, 1, taps) band-passes whose edges are equally far on the mel scale, 0 to 8 kHz."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, count + 1) / 2595) - 1)
    n = np.arange(taps) - (taps - 1) / 2
    low_passes = 2 * edges[:, None] / RATE * np.sinc(2 * edges[:, None] * n / RATE)
    bank = np.diff(low_passes, axis=0) * np.hamming(taps)
    return torch.from_numpy(bank).float()[:, None]


class Block(nn.Module):
    """A residual block (B, C, F, T) -> (B, C', F, T / 3)."""

    def __init__(self, inputs: int, outputs: int, *, first: bool) -> None:
        super().__init__()
        if not first:
            self.bn1 = nn.BatchNorm2d(inputs)  # in the weights, but nothing passes through it
        self.conv1 = nn.Conv2d(inputs, outputs, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, (2, 3), padding=(0, 1))
        if inputs != outputs:
            self.conv_downsample = nn.Conv2d(inputs, outputs, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        kept = self.conv_downsample(x) if hasattr(self, "conv_downsample") else x
        x = self.conv2(F.selu(self.bn2(self.conv1(x))))
        return F.max_pool2d(x + kept, (1, 3))


def _products(nodes: Tensor) -> Tensor:
    """(B, N, D) -> (B, N, N, D): of each node with each."""
    return nodes[:, :, None] * nodes[:, None]


class Attention(nn.Module):
    """Graph attention of nodes of one kind (B, N, D) -> (B, N, D')."""

    def __init__(self, inputs: int, outputs: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.att_proj = nn.Linear(inputs, outputs)
        self.att_weight = nn.Parameter(torch.zeros(outputs, 1))
        self.proj_with_att = nn.Linear(inputs, outputs)
        self.proj_without_att = nn.Linear(inputs, outputs)
        self.bn = nn.BatchNorm1d(outputs)

    def forward(self, nodes: Tensor) -> Tensor:
        said = torch.tanh(self.att_proj(_products(nodes))) @ self.att_weight
        share = torch.softmax(said[..., 0] / self.temperature, dim=-2)
        joined = self.proj_with_att(share @ nodes) + self.proj_without_att(nodes)
        return F.selu(self.bn(joined.transpose(1, 2)).transpose(1, 2))


class MixedAttention(nn.Module):
    """Graph attention of nodes of two kinds and a master node that all of them talk to."""

    att_weightM: nn.Parameter  # noqa: N815 - the weights call it so

    def __init__(self, inputs: int, outputs: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.proj_type1, self.proj_type2 = nn.Linear(inputs, inputs), nn.Linear(inputs, inputs)
        self.att_proj, self.att_projM = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs)
        for kind in ("11", "22", "12", "M"):
            setattr(self, f"att_weight{kind}", nn.Parameter(torch.zeros(outputs, 1)))
        self.proj_with_att = nn.Linear(inputs, outputs)
        self.proj_without_att = nn.Linear(inputs, outputs)
        self.proj_with_attM = nn.Linear(inputs, outputs)
        self.proj_without_attM = nn.Linear(inputs, outputs)
        self.bn = nn.BatchNorm1d(outputs)

    def forward(self, first: Tensor, second: Tensor, master: Tensor) -> tuple[Tensor, ...]:
        """(B, N, D), (B, M, D), (B, 1, D) -> the same with D'."""
        count = first.shape[1]
        nodes = torch.cat([self.proj_type1(first), self.proj_type2(second)], 1)
        share = self._shares(nodes, count)
        said = torch.tanh(self.att_projM(nodes * master)) @ self.att_weightM
        heard = torch.softmax(said / self.temperature, dim=-2).transpose(1, 2)
        master = self.proj_with_attM(heard @ nodes) + self.proj_without_attM(master)
        joined = self.proj_with_att(share @ nodes) + self.proj_without_att(nodes)
        joined = F.selu(self.bn(joined.transpose(1, 2)).transpose(1, 2))
        return joined[:, :count], joined[:, count:], master

    def _shares(self, nodes: Tensor, count: int) -> Tensor:
        """(B, N + M, N + M): how much of each node goes to each."""
        pairs = torch.tanh(self.att_proj(_products(nodes)))
        one = torch.arange(nodes.shape[1], device=nodes.device) < count
        within1, within2 = one[:, None] & one, ~one[:, None] & ~one
        scores = [(pairs @ getattr(self, f"att_weight{k}"))[..., 0] for k in ("11", "22", "12")]
        said = torch.where(within1, scores[0], torch.where(within2, scores[1], scores[2]))
        return torch.softmax(said / self.temperature, dim=-2)


class Pool(nn.Module):
    """Keeps a part of the nodes, those of the highest gate (Gao and Ji 2019)."""

    def __init__(self, width: int, part: float) -> None:
        super().__init__()
        self.part = part
        self.proj = nn.Linear(width, 1)

    def forward(self, nodes: Tensor) -> Tensor:
        gate = torch.sigmoid(self.proj(nodes))
        best = torch.topk(gate, max(int(nodes.shape[1] * self.part), 1), dim=1).indices
        return torch.gather(nodes * gate, 1, best.expand(-1, -1, nodes.shape[2]))


class Aasist(nn.Module):
    """Waves (B, 64600) at 16 kHz -> logits (B, 2): spoofed, bona fide. In evaluation only."""

    bank: Tensor

    def __init__(self, config: dict[str, Any]) -> None:
        """`config`: the "model_config" that comes with the weights."""
        super().__init__()
        self.register_buffer("bank", sinc_filters(), persistent=False)
        widths = [tuple(pair) for pair in config["filts"][1:]]
        widths += [widths[-1]] * (6 - len(widths))
        self.first_bn = nn.BatchNorm2d(1)
        self.encoder = nn.Sequential(
            *(nn.Sequential(Block(*pair, first=i == 0)) for i, pair in enumerate(widths))
        )
        wide, narrow = config["gat_dims"]
        parts, heats = config["pool_ratios"], config["temperatures"]
        self.pos_S = nn.Parameter(torch.zeros(1, _SINCS // 3, widths[-1][1]))
        self.GAT_layer_S = Attention(widths[-1][1], wide, heats[0])
        self.GAT_layer_T = Attention(widths[-1][1], wide, heats[1])
        self.pool_S, self.pool_T = Pool(wide, parts[0]), Pool(wide, parts[1])
        for way in ("1", "2"):
            setattr(self, f"master{way}", nn.Parameter(torch.zeros(1, 1, wide)))
            setattr(self, f"HtrgGAT_layer_ST{way}1", MixedAttention(wide, narrow, heats[2]))
            setattr(self, f"HtrgGAT_layer_ST{way}2", MixedAttention(narrow, narrow, heats[2]))
            setattr(self, f"pool_hS{way}", Pool(narrow, parts[2]))
            setattr(self, f"pool_hT{way}", Pool(narrow, parts[2]))
        self.out_layer = nn.Linear(5 * narrow, 2)

    def forward(self, waves: Tensor) -> Tensor:
        heard = F.conv1d(waves[:, None], self.bank).abs()
        maps = self.encoder(F.selu(self.first_bn(F.max_pool2d(heard[:, None], 3)))).abs()
        bands = self.pool_S(self.GAT_layer_S(maps.amax(3).transpose(1, 2) + self.pos_S))
        times = self.pool_T(self.GAT_layer_T(maps.amax(2).transpose(1, 2)))
        ways = [self._way(way, times, bands) for way in ("1", "2")]
        times, bands, master = (torch.maximum(a, b) for a, b in zip(*ways, strict=True))
        told = [times.abs().amax(1), times.mean(1), bands.abs().amax(1), bands.mean(1)]
        logits: Tensor = self.out_layer(torch.cat([*told, master[:, 0]], 1))
        return logits

    def _way(self, way: str, times: Tensor, bands: Tensor) -> tuple[Tensor, ...]:
        master = getattr(self, f"master{way}").expand(len(times), -1, -1)
        times, bands, master = getattr(self, f"HtrgGAT_layer_ST{way}1")(times, bands, master)
        bands = getattr(self, f"pool_hS{way}")(bands)
        times = getattr(self, f"pool_hT{way}")(times)
        more = getattr(self, f"HtrgGAT_layer_ST{way}2")(times, bands, master)
        return tuple(a + b for a, b in zip((times, bands, master), more, strict=True))


def load_aasist(folder: Path, name: str = "AASIST") -> Aasist:
    """The published network; `folder` holds NAME.pth and NAME.conf. Raises WeightsError."""
    try:
        config = json.loads((folder / f"{name}.conf").read_text())["model_config"]
        state = torch.load(folder / f"{name}.pth", map_location="cpu", weights_only=True)
        net = Aasist(config)
        net.load_state_dict(state)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{name} is not in {folder}, or is another network: {error}") from error
    return net.eval()


@torch.inference_mode()
def aasist_score(net: Aasist, wave: Samples) -> float:
    """Of the first 4 s of (N,) at 16 kHz, repeated where it is shorter; above 0 leans to
    synthetic."""
    given = torch.from_numpy(np.resize(wave, SAMPLES).astype(np.float32))[None]
    spoofed, real = net(given)[0].tolist()
    return float(spoofed - real)
