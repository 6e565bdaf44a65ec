"""ONNX Runtime says on the processor what PyTorch says: of each network, and of a picture."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scenes import scene
from torch import nn

from unmask.detect import experts, inference
from unmask.detect.coder import Coder
from unmask.detect.experts import Expert, NetExpert, Rescaled, Turned
from unmask.detect.inference import load_detector
from unmask.detect.likelihood import surprise
from unmask.detect.onnx_experts import OnnxCoder, OnnxExpert
from unmask.detect.onnx_graph import Graph
from unmask.detect.onnx_session import Session
from unmask.detect.patchnet import PatchNet
from unmask.detect.residual_net import ResidualNet
from unmask.detect.residuals import median_difference, twice_median_difference
from unmask.detect.tiles import Tiles
from unmask.errors import WeightsError

SIZES = [(1, 64, 64), (3, 96, 72), (2, 75, 101), (1, 672, 672)]


def trained(net: nn.Module) -> nn.Module:
    """`net` with statistics and weights that no part of it can do without."""
    generator = torch.Generator().manual_seed(3)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight, part.running_var):
                assert tensor is not None
                tensor.data = 0.7 + 0.6 * torch.rand(tensor.shape, generator=generator)
            for tensor in (part.bias, part.running_mean):
                assert tensor is not None
                tensor.data = 0.2 * torch.randn(tensor.shape, generator=generator)
    return net.eval()


def tiles_of(count: int, height: int, width: int) -> Tiles:
    pictures = np.stack([scene(height, width, seed=i) for i in range(count)])
    return Tiles(size=(height, width), corners=((0, 0),) * count, pixels=pictures)


@pytest.mark.parametrize("size", SIZES)
def test_a_patchnet_says_the_same(size: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    net, tiles = trained(PatchNet()), tiles_of(*size)
    expected = NetExpert(net, stride=16).patches(tiles)
    found = OnnxExpert(net, stride=16).patches(tiles)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("size", SIZES)
def test_a_residual_net_says_the_same(size: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    net, tiles = trained(ResidualNet()), tiles_of(*size)
    expected = NetExpert(net, stride=8).patches(tiles)
    found = OnnxExpert(net, stride=8).patches(tiles)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("size", [(64, 64), (90, 121), (17, 300)])
def test_a_coder_says_the_same(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    coder = Coder().eval()
    for level in coder.levels:  # differences that predict nothing yet are zeros
        nn.init.normal_(level.kernels, std=0.2)
    pixels = scene(*size)
    pixels[:20], pixels[-20:] = 0, 255  # the tails of the mixtures
    expected, found = surprise(coder, pixels), surprise(OnnxCoder(coder), pixels)
    assert found.cost == pytest.approx(expected.cost, abs=1e-4)
    assert found.expected == pytest.approx(expected.expected, abs=1e-3)
    assert np.nanmax(np.abs(found.gaps - expected.gaps)) < 0.05  # a draw may fall on a boundary


def test_the_median_of_bytes_is_that_of_floats() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 21, 34, 3), dtype=np.uint8)
    floats = median_difference(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
    assert np.array_equal(
        twice_median_difference(pixels), 2 * floats.permute(0, 2, 3, 1).numpy().astype(np.float64)
    )


def innermost(expert: Expert) -> Expert:
    while isinstance(expert, Rescaled | Turned):
        expert = expert.expert
    return expert


def test_the_shipped_detector_scores_a_picture_the_same(
    photograph: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = load_detector("cpu")
    monkeypatch.setattr(experts, "as_expert", NetExpert)
    monkeypatch.setattr(inference, "OnnxCoder", Coder.eval)
    theirs = load_detector.__wrapped__("cpu")
    for detector, kind in ((ours, OnnxExpert), (theirs, NetExpert)):
        kinds = {name: type(innermost(e)) for name, e in detector.experts.items()}
        # Products of matrices: there is nothing for ONNX Runtime to make faster.
        assert kinds.pop("spectrum") is NetExpert
        assert set(kinds.values()) == {kind}
    found, expected = ours.score(photograph), theirs.score(photograph)
    assert dict(found.logits) == pytest.approx(dict(expected.logits), abs=1e-4)
    assert found.score == pytest.approx(expected.score, abs=1e-4)
    assert np.allclose(found.patches, expected.patches, atol=1e-3, equal_nan=True)
    assert ours.likeness(photograph) == pytest.approx(theirs.likeness(photograph), abs=0.01)


def doubling() -> bytes:
    graph = Graph()
    x = graph.input("x", "float32", ("n", 2))
    return graph.model([graph.node("Add", x, x), graph.node("Softmax", x, axis=-1)])


def test_a_graph_is_written_as_the_runtime_reads_it() -> None:
    doubled, softmax = Session(doubling).run({"x": np.array([[1, 2], [3, 3]], np.float32)})
    assert doubled.tolist() == [[2, 4], [6, 6]]
    assert softmax[:, 1] == pytest.approx([1 / (1 + math.exp(-1)), 0.5])


def test_attributes_and_long_constants_arrive() -> None:
    def model() -> bytes:
        graph = Graph()
        x = graph.input("x", "float32", (1, 1, 20, 20))
        weight = graph.constant(np.ones((1, 1, 15, 15), np.float32))
        convolved = graph.node("Conv", x, weight, strides=(200, 1), auto_pad="VALID")
        return graph.model([graph.node("LeakyRelu", graph.node("Neg", convolved), alpha=0.5)])

    (found,) = Session(model).run({"x": np.ones((1, 1, 20, 20), np.float32)})
    assert found.shape == (1, 1, 1, 6)
    assert (found == -112.5).all()


def test_a_model_that_cannot_be_run_is_a_fault_of_the_weights() -> None:
    with pytest.raises(WeightsError, match="ONNX Runtime"):
        Session(lambda: b"no model").run({})


def test_threads_share_a_session_that_follows_their_number() -> None:
    built = []

    def model() -> bytes:
        built.append(torch.get_num_threads())
        return doubling()

    session, before = Session(model), torch.get_num_threads()
    inputs = [np.full((3, 2), n, np.float32) for n in range(16)]
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(lambda x: session.run({"x": x})[0], inputs))
            assert all((y == 2 * x).all() for x, y in zip(inputs, found, strict=True))
    finally:
        torch.set_num_threads(before)
    assert built == [1, 2]
