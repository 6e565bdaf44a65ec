"""The coder's networks as one ONNX model."""

import numpy as np
import torch
from torch import Tensor

from unmask.detect.coder import DETAILS, Coder, Level
from unmask.detect.onnx_graph import Graph
from unmask.detect.onnx_nets import constant, convolution, convolutions, number


def coder_model(coder: Coder) -> bytes:
    """`images` (B, 3, H, W) float32 in 0-255, sides multiples of 8.

    Gives for each level the slopes (B, 9, h, w), and what the three heads say, (B, 36, h, w).
    """
    graph = Graph()
    image = graph.input("images", "float32", ("pictures", 3, "height", "width"))
    found = []
    for level in coder.levels:
        assert isinstance(level, Level)
        cells = graph.node("SpaceToDepth", image, blocksize=2)  # positions before colours
        sums = graph.node("AveragePool", image, kernel_shape=(2, 2), strides=(2, 2))
        image = graph.node("Round", sums)
        found += level_outputs(graph, level, image, cells)
    return graph.model(found)


def level_outputs(graph: Graph, level: Level, coarse: str, cells: str) -> list[str]:
    """Slopes and the three heads."""
    pads = graph.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    padded = graph.node("Pad", coarse, pads, mode="edge")
    details, slopes = dense_kernels(level)
    seen = graph.node("Conv", padded, constant(graph, details))
    mean = graph.node("Sub", graph.node("Mul", coarse, number(graph, 1 / 64)), number(graph, 2))
    x = graph.node("Concat", mean, signed_log(graph, seen)[0], axis=1)
    x = convolution(graph, x, level.enter)
    for block in level.blocks:
        around, across = convolutions(block)
        y = graph.node("Relu", x)
        y = graph.node("Relu", convolution(graph, y, around))
        x = graph.node("Add", x, convolution(graph, y, across))
    # Every head sees the same; what it must not know meets weights of 0.
    axes, starts, ends = (graph.constant(np.array([n])) for n in (1, 0, 6))
    known = graph.node("Slice", cells, starts, ends, axes)
    twice = graph.node("Concat", coarse, coarse, axis=1)
    apart = signed_log(graph, graph.node("Sub", known, twice))
    x = graph.node("Concat", x, *apart, axis=1)
    found = [graph.node("Conv", padded, constant(graph, slopes))]
    for position, head in enumerate(level.heads):
        first, last = convolutions(head)
        weight = widened(first.weight, level.enter.out_channels, 3 * position)
        y = graph.node("Relu", convolution(graph, x, first, weight, first.bias))
        found.append(convolution(graph, y, last))
    return found


def dense_kernels(level: Level) -> tuple[Tensor, Tensor]:
    """(12, 3, 3, 3) of the details by colour, and (9, 3, 3, 3) of the slopes by pixel."""
    kernels = level.kernels - level.kernels.mean((2, 3), keepdim=True)
    dense = torch.zeros(3, len(kernels) // 3, 3, 3, 3)  # colour, kernel, colour that it sees
    for colour, own in enumerate(kernels.view(3, -1, 3, 3)):
        dense[colour, :, colour] = own
    details, slopes = dense[:, :DETAILS], dense[:, DETAILS:].transpose(0, 1)
    return details.flatten(0, 1), slopes.flatten(0, 1)


def widened(weight: Tensor, width: int, knows: int) -> Tensor:
    """(n, width + 2 knows, 1, 1) -> (n, width + 12, 1, 1): blind to the colours that it had not."""
    found = torch.zeros(len(weight), width + 12, 1, 1)
    starts = (0, width, width + 6)
    for start, part in zip(starts, torch.split(weight, [width, knows, knows], 1), strict=True):
        found[:, start : start + part.shape[1]] = part
    return found


def signed_log(graph: Graph, x: str) -> tuple[str, str]:
    """asinh(x) and its absolute value; the operator Asinh takes one value at a time."""
    size = graph.node("Abs", x)
    root = graph.node("Sqrt", graph.node("Add", graph.node("Mul", x, x), number(graph, 1)))
    log = graph.node("Log", graph.node("Add", size, root))
    return graph.node("Mul", graph.node("Sign", x), log), log
