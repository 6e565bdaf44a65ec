"""The image detector's networks on the processor, where ONNX Runtime runs them."""

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.detect.coder import Coder, gap_of, pyramid, unfolded
from unmask.detect.onnx_coder import coder_model
from unmask.detect.onnx_nets import patchnet_model, residual_model
from unmask.detect.onnx_session import Session
from unmask.detect.patchnet import PatchNet
from unmask.detect.residual_net import ResidualNet
from unmask.detect.residuals import twice_median_difference
from unmask.detect.tiles import Tiles

Map = NDArray[np.float32]


class OnnxExpert:
    """A network of patches as an expert."""

    def __init__(self, net: nn.Module, *, stride: int, top: float = 0.0) -> None:
        """Raises TypeError where `net` is neither a PatchNet nor a ResidualNet."""
        self.stride, self.top = stride, top
        self._medians = isinstance(net, ResidualNet)
        if isinstance(net, PatchNet):
            self._session = Session(partial(patchnet_model, net))
        elif isinstance(net, ResidualNet):
            self._session = Session(partial(residual_model, net))
        else:
            raise TypeError(f"There is no ONNX model of {type(net).__name__}.")

    def patches(self, tiles: Tiles) -> Map:
        """(n, h / stride, w / stride); tile by tile, which is faster and takes less memory."""
        found = [self._logits(tiles.pixels[i : i + 1]) for i in range(len(tiles.pixels))]
        return np.concatenate(found)

    def _logits(self, pixels: NDArray[np.uint8]) -> Map:
        inputs: dict[str, NDArray[np.generic]] = {"pixels": pixels}
        if self._medians:
            inputs["medians"] = twice_median_difference(pixels)
        return self._session.run(inputs)[0][:, 0]


class OnnxCoder:
    """The coder: its networks in ONNX Runtime, its mixtures in PyTorch."""

    def __init__(self, coder: Coder) -> None:
        self._session = Session(partial(coder_model, coder))

    def gaps(self, images: Tensor, generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """As `Coder.gaps`."""
        said = iter([torch.from_numpy(v) for v in self._session.run({"images": images.numpy()})])
        found = []
        for coarse, cells in pyramid(images):
            joined = next(said)
            slopes = joined.view(len(joined), 3, 3, *joined.shape[2:])
            mixtures = (unfolded(next(said), slopes[:, i], coarse, cells, i) for i in range(3))
            found.append(gap_of(mixtures, cells, generator))
        return found
