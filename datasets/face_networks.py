"""Two small networks of faces that came trained with an npm package: who smiles, and how old.

`@vladmandic/face-api` (MIT) holds them as bytes with a scale and an offset for each array. They
are read and run here; nothing of the package is executed and nothing of it ships. The one of
expressions is made of dense blocks, the one of ages is a small Xception (Chollet 2017); both are
built of convolutions in two steps, over pixels and over channels.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unmask.datasets.photographs_archive import ArchiveError, members

Arrays = Mapping[str, Tensor]  # filters as torch has them: (out, in, height, width)
Faces = NDArray[np.uint8]  # (N, S, S, 3) RGB

EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
_SIDE = 112  # pixels that both networks see
_MEAN = (122.782, 117.001, 104.298)  # grey levels of red, green and blue
_AT_ONCE = 64  # faces that are read together
_BLOCKS = 4  # dense ones
_MIDDLE = 2  # blocks of the Xception that keep their size
_HEADS = ("age", "gender")  # the second answers man, woman


@dataclass(frozen=True, kw_only=True)
class FaceNetwork:
    """One of the networks: (N, 3, 112, 112) without the mean -> (N, K) answers."""

    arrays: Arrays
    run: Callable[[Arrays, Tensor], Tensor]

    @torch.inference_mode()
    def answers(self, faces: Faces) -> NDArray[np.float64]:
        """(N, K) for N square faces of any size."""
        parts = [faces[i : i + _AT_ONCE] for i in range(0, len(faces), _AT_ONCE)]
        rows = [self.run(self.arrays, prepared(part)) for part in parts]
        return np.asarray(torch.cat(rows).double().numpy(), np.float64)


def expression_network(package: Path) -> FaceNetwork:
    """Answers with (N, 7) probabilities of `EXPRESSIONS`. Raises ArchiveError."""
    return _network(package, "face_expression_model", _expressions)


def age_network(package: Path) -> FaceNetwork:
    """Answers with (N, 2): ages in years, and probabilities of a man. Raises ArchiveError."""
    return _network(package, "age_gender_model", _age_and_gender)


def _network(package: Path, model: str, run: Callable[[Arrays, Tensor], Tensor]) -> FaceNetwork:
    """A network that has answered once: arrays may be read well and be another network's."""
    network = FaceNetwork(arrays=read_arrays(package, model), run=run)
    try:
        network.answers(np.zeros((1, _SIDE, _SIDE, 3), np.uint8))
    except (KeyError, ValueError, RuntimeError) as error:
        raise ArchiveError(f"{package.name} holds another network as {model}.") from error
    return network


def read_arrays(package: Path, model: str) -> dict[str, Tensor]:
    """The arrays of a model of the package, as its manifest describes them.

    Raises ArchiveError: an archive that cannot be read, or a model that is not there or damaged.
    """
    names = (f"package/model/{model}-weights_manifest.json", f"package/model/{model}.bin")
    found = {one.name: one.data for one in members(package, lambda name: name in names)}
    try:
        (group,) = json.loads(found[names[0]])
        return _arrays(group["weights"], found[names[1]])
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"{package.name} holds no {model} that can be read.") from error


def _arrays(listed: list[dict[str, Any]], data: bytes) -> dict[str, Tensor]:
    """By name. Raises ValueError, KeyError or TypeError where bytes and list do not fit."""
    at, arrays = 0, {}
    for one in listed:
        shape, packed = tuple(int(n) for n in one["shape"]), one.get("quantization")
        kind = np.dtype(np.uint8 if packed else "<f4")
        values = np.frombuffer(data, kind, count=math.prod(shape), offset=at).astype(np.float32)
        at += math.prod(shape) * kind.itemsize
        if packed:
            values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
        arrays[str(one["name"])] = _for_torch(str(one["name"]), values.reshape(shape))
    if at != len(data):
        raise ValueError("bytes are left over")
    return arrays


def _for_torch(name: str, values: NDArray[np.float32]) -> Tensor:
    """(h, w, in, out) turned to (out, in, h, w); over pixels (h, w, in, 1) to (in, 1, h, w)."""
    if values.ndim == 4:
        order = (2, 3, 0, 1) if name.endswith("depthwise_filter") else (3, 2, 0, 1)
        values = values.transpose(order)
    return torch.from_numpy(np.ascontiguousarray(values))


def prepared(faces: Faces) -> Tensor:
    """(N, 3, 112, 112) without the mean, in parts of 255."""
    images = torch.from_numpy(np.ascontiguousarray(faces)).permute(0, 3, 1, 2).float()
    if images.shape[2] != _SIDE:
        images = F.interpolate(
            images, (_SIDE, _SIDE), mode="bilinear", align_corners=False, antialias=True
        )
    return (images - torch.tensor(_MEAN)[None, :, None, None]) / 255


def _padded(x: Tensor, stride: int, fill: float = 0.0) -> Tensor:
    """Room for 3 x 3: one pixel all around, or at the far sides alone where every second counts.

    That is how TensorFlow halves an even number of pixels; torch's own padding would shift them.
    """
    return F.pad(x, (1, 1, 1, 1) if stride == 1 else (0, 1, 0, 1), value=fill)


def _whole(arrays: Arrays, name: str, x: Tensor, stride: int) -> Tensor:
    filters = arrays[f"{name}/filters"]
    if filters.shape[2] == 3:
        x = _padded(x, stride)
    return F.conv2d(x, filters, arrays[f"{name}/bias"], stride)


def _in_two(arrays: Arrays, name: str, x: Tensor, stride: int = 1) -> Tensor:
    """A convolution over pixels, channel by channel, then one over channels."""
    over_pixels = arrays[f"{name}/depthwise_filter"]
    x = F.conv2d(_padded(x, stride), over_pixels, None, stride, groups=len(over_pixels))
    return F.conv2d(x, arrays[f"{name}/pointwise_filter"], arrays[f"{name}/bias"])


def _expressions(arrays: Arrays, x: Tensor) -> Tensor:
    """(N, 7) probabilities: dense blocks that each halve the size, a mean, a linear layer."""
    for i in range(_BLOCKS):
        first = _whole if i == 0 else _in_two
        total = F.relu(first(arrays, f"dense{i}/conv0", x, 2))
        x = total
        for j in range(1, 4):  # each convolution sees the sum of all before it
            total = total + _in_two(arrays, f"dense{i}/conv{j}", x)
            x = F.relu(total)
    return torch.softmax(x.mean((2, 3)) @ arrays["fc/weights"] + arrays["fc/bias"], 1)


def _age_and_gender(arrays: Arrays, x: Tensor) -> Tensor:
    """(N, 2): an Xception of three blocks that halve the size and two that keep it."""
    x = F.relu(_whole(arrays, "entry_flow/conv_in", x, 2))
    x = _halved(arrays, "entry_flow/reduction_block_0", x, x)
    x = _halved(arrays, "entry_flow/reduction_block_1", x, F.relu(x))
    for i in range(_MIDDLE):
        y = x
        for j in range(3):
            y = _in_two(arrays, f"middle_flow/main_block_{i}/separable_conv{j}", F.relu(y))
        x = x + y
    x = _halved(arrays, "exit_flow/reduction_block", x, F.relu(x))
    x = F.relu(_in_two(arrays, "exit_flow/separable_conv", x))
    seen = x.mean((2, 3))
    years, gender = (seen @ arrays[f"fc/{n}/weights"] + arrays[f"fc/{n}/bias"] for n in _HEADS)
    return torch.cat([years, torch.softmax(gender, 1)[:, :1]], 1)


def _halved(arrays: Arrays, name: str, x: Tensor, y: Tensor) -> Tensor:
    """Half the size: two convolutions of `y` and the largest of 3 x 3, added to a thin `x`."""
    y = _in_two(arrays, f"{name}/separable_conv0", y)
    y = _in_two(arrays, f"{name}/separable_conv1", F.relu(y))
    y = F.max_pool2d(_padded(y, 2, -math.inf), 3, 2)
    return y + _whole(arrays, f"{name}/expansion_conv", x, 2)
