"""The networks of the image detector as ONNX models, made of the weights that they hold.

Each function writes what a network's `forward` does in evaluation, for pictures of any number and
size: pixels enter as bytes, and normalisations are folded into the convolutions before them.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.detect.lite import Block, SameConv2d
from unmask.detect.onnx_graph import Attribute, Graph
from unmask.detect.patchnet import PatchNet
from unmask.detect.residual_net import GAIN, LIMIT, Residual, ResidualNet
from unmask.detect.residuals import LUMA, rich_kernels

Floats = NDArray[np.float32]
_PICTURES = ("pictures", "height", "width", 3)


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that does both, in double precision."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = norm.weight.double() / torch.sqrt(variance.double() + norm.eps)
    weight = conv.weight.double() * scale.view(-1, 1, 1, 1)
    return weight, norm.bias.double() - mean.double() * scale


def convolutions(part: nn.Module) -> list[nn.Conv2d]:
    """Those directly in `part`, in order."""
    return [p for p in part.children() if isinstance(p, nn.Conv2d)]


def conv_and_norm(part: nn.Sequential) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """The first two of its parts."""
    conv, norm = part[0], part[1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    return conv, norm


def convolution(
    graph: Graph, x: str, conv: nn.Conv2d, weight: Tensor | None = None, bias: Tensor | None = None
) -> str:
    """`conv`, or its strides, padding and groups with another weight and bias."""
    if weight is None:
        weight, bias = conv.weight, conv.bias
    inputs = [x, constant(graph, weight)]
    if bias is not None:
        inputs.append(constant(graph, bias))
    shape: dict[str, Attribute] = {"strides": _ints(conv.stride), "group": conv.groups}
    if isinstance(conv, SameConv2d):
        return graph.node("Conv", *inputs, **shape, auto_pad="SAME_UPPER")
    top, left = _ints(conv.padding)
    return graph.node("Conv", *inputs, **shape, pads=(top, left, top, left))


def normalised(graph: Graph, x: str, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> str:
    """A convolution and its batch normalisation."""
    return convolution(graph, x, conv, *folded(conv, norm))


def clipped(graph: Graph, x: str, low: float, high: float) -> str:
    """Between two bounds."""
    return graph.node("Clip", x, number(graph, low), number(graph, high))


def colours(graph: Graph, pixels: str) -> str:
    """(B, H, W, C) of any type -> (B, C, H, W) float32."""
    return graph.node("Cast", graph.node("Transpose", pixels, perm=(0, 3, 1, 2)), to=1)


def patchnet_model(net: PatchNet) -> bytes:
    """`pixels` (B, H, W, 3) uint8 -> patch logits (B, 1, H/16, W/16)."""
    graph = Graph()
    image = colours(graph, graph.input("pixels", "uint8", _PICTURES))
    # The mean is subtracted before padding with zeros, as in the network; the rest is folded.
    x = graph.node("Sub", image, constant(graph, 255 * net.mean))
    first, norm = conv_and_norm(net.stem)
    weight, bias = folded(first, norm)
    x = convolution(graph, x, first, weight / (255 * net.std.double()), bias)
    x = near = clipped(graph, x, 0, 6)
    for number, stage in enumerate(net.blocks):
        assert isinstance(stage, nn.Sequential)
        for block in stage:
            assert isinstance(block, Block)
            x = inverted_residual(graph, x, block)
        if number == 4:
            near = x
    # The head is linear, so that it may come before the enlargement of what is far.
    weight, split = net.head.weight, net.near
    here = convolution(graph, near, net.head, weight[:, :split], net.head.bias)
    around = convolution(graph, x, net.head, weight[:, split:], None)
    size = graph.node("Shape", here)
    grown = graph.node("Resize", around, "", "", size, mode="linear")
    return graph.model([graph.node("Add", here, grown)])


def inverted_residual(graph: Graph, x: str, block: Block) -> str:
    """A block of an EfficientNet-Lite."""
    if block.expands:
        y = clipped(graph, normalised(graph, x, block.conv_pw, block.bn1), 0, 6)
        y = clipped(graph, normalised(graph, y, block.conv_dw, block.bn2), 0, 6)
        y = normalised(graph, y, block.conv_pwl, block.bn3)
    else:
        y = clipped(graph, normalised(graph, x, block.conv_dw, block.bn1), 0, 6)
        y = normalised(graph, y, block.conv_pw, block.bn2)
    return graph.node("Add", x, y) if block.skips else y


def residual_model(net: ResidualNet) -> bytes:
    """`pixels` (B, H, W, 3) uint8 and `medians`, twice their median difference, int16.

    Gives patch logits (B, 1, H/8, W/8). Residuals are in grey levels until the first convolution.
    """
    graph = Graph()
    image = colours(graph, graph.input("pixels", "uint8", _PICTURES))
    median = colours(graph, graph.input("medians", "int16", _PICTURES))
    median = graph.node("Mul", median, number(graph, 0.5))
    parts = (median, neighbour_residual(graph, image), high_passes(graph, image))
    limit = 255 * LIMIT / GAIN
    x = clipped(graph, graph.node("Concat", *parts, axis=1), -limit, limit)
    scale = GAIN / 255
    for part in net.body:
        if isinstance(part, Residual):
            y = rectified(graph, x, part.first)
            y = normalised(graph, y, part.second, part.norm)
            x = graph.node("Relu", graph.node("Add", x, y))
        else:
            assert isinstance(part, nn.Sequential)
            x = rectified(graph, x, part, scale)
            scale = 1
    return graph.model([convolution(graph, x, net.head, net.head.weight, net.head.bias)])


def rectified(graph: Graph, x: str, part: nn.Sequential, scale: float = 1) -> str:
    """A convolution of `scale` times x, its normalisation and ReLU."""
    conv, norm = conv_and_norm(part)
    weight, bias = folded(conv, norm)
    return graph.node("Relu", convolution(graph, x, conv, scale * weight, bias))


def neighbour_residual(graph: Graph, image: str) -> str:
    """As its namesake among the residuals."""
    axes = graph.constant(np.array([2, 3]))
    zeros, twos = (graph.constant(np.full(2, n)) for n in (0, 2))
    ends = graph.node("Shape", image, start=2)
    small = graph.node("Slice", image, zeros, ends, axes, twos)
    scales = graph.constant(np.array([1, 1, 2, 2], np.float32))
    large = graph.node(
        "Resize", small, "", scales, mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    return graph.node("Sub", image, graph.node("Slice", large, zeros, ends, axes))


def high_passes(graph: Graph, image: str) -> str:
    """The rich model and the diagonal detail, (B, 6, H, W), by one convolution."""
    kernels = torch.zeros(6, 3, 5, 5)
    kernels[:3] = torch.tensor(LUMA).view(1, 3, 1, 1) * rich_kernels()[:, None]
    for colour in range(3):
        kernels[3 + colour, colour, 2:4, 2:4] = torch.tensor([[0.5, -0.5], [-0.5, 0.5]])
    pads = graph.constant(np.array([0, 0, 2, 2, 0, 0, 2, 2]))
    padded = graph.node("Pad", image, pads, mode="edge")
    return graph.node("Conv", padded, constant(graph, kernels))


def constant(graph: Graph, value: Tensor) -> str:
    """A tensor that is part of the model."""
    return graph.constant(value.detach().float().numpy())


def number(graph: Graph, value: float) -> str:
    """A scalar that is part of the model."""
    return graph.constant(np.array(value, np.float32))


def _ints(values: Sequence[int] | str) -> tuple[int, ...]:
    assert not isinstance(values, str)
    return tuple(values)
