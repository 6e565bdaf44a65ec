"""Write an ONNX model as bytes, without the package `onnx`.

The format is the protocol-buffer message `ModelProto` of the ONNX specification: fields of a
number, a kind and a value. The dozen that a network needs are written here, which takes no time,
whereas importing `onnx` and what it needs takes as long as judging a picture.
"""

import itertools
import struct
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

IR_VERSION, OPSET = 8, 17  # of 2022: every ONNX Runtime since 1.12 reads them
_TYPES = {"float32": 1, "uint8": 2, "int16": 5, "int64": 7}  # TensorProto.DataType
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7  # AttributeProto.AttributeType
Attribute = int | float | str | Sequence[int]


class Graph:
    """A graph that grows node by node; values go by the names that its methods give back."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []

    def input(self, name: str, kind: str, axes: Sequence[int | str]) -> str:
        """What is fed: `kind` is a NumPy type, `axes` are sizes, or names of those that vary."""
        sizes = (_integer(1, a) if isinstance(a, int) else _bytes(2, a.encode()) for a in axes)
        shape = b"".join(_bytes(1, size) for size in sizes)
        self._inputs.append(_value(name, kind, _bytes(2, shape)))
        return name

    def constant(self, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """An array that is part of the model."""
        name = self._name()
        parts = [_integer(1, size) for size in value.shape]
        parts += [_integer(2, _TYPES[value.dtype.name]), _bytes(8, name.encode())]
        parts += [_bytes(9, value.astype(value.dtype.newbyteorder("<")).tobytes())]
        self._constants.append(b"".join(parts))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """What `operator` makes of the named values; an empty name leaves an input out."""
        name = self._name()
        parts = [_bytes(1, value.encode()) for value in inputs]
        parts += [_bytes(2, name.encode()), _bytes(4, operator.encode())]
        parts += [_bytes(5, _attribute(key, value)) for key, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        return name

    def model(self, outputs: Iterable[str]) -> bytes:
        """The model that gives the named values, all of float32."""
        parts = [_bytes(1, node) for node in self._nodes]
        parts += [_bytes(2, b"graph")]
        parts += [_bytes(5, constant) for constant in self._constants]
        parts += [_bytes(11, value) for value in self._inputs]
        parts += [_bytes(12, _value(name, "float32")) for name in outputs]
        opset = _bytes(8, _bytes(1, b"") + _integer(2, OPSET))
        return _integer(1, IR_VERSION) + _bytes(7, b"".join(parts)) + opset

    def _name(self) -> str:
        return f"v{next(self._numbers)}"


def _value(name: str, kind: str, shape: bytes = b"") -> bytes:
    tensor = _integer(1, _TYPES[kind]) + shape
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _attribute(name: str, value: Attribute) -> bytes:
    start = _bytes(1, name.encode())
    if isinstance(value, str):
        return start + _bytes(4, value.encode()) + _integer(20, _STRING)
    if isinstance(value, float):
        return start + _varint(2 << 3 | 5) + struct.pack("<f", value) + _integer(20, _FLOAT)
    if isinstance(value, int):
        return start + _integer(3, value) + _integer(20, _INT)
    return start + b"".join(_integer(8, n) for n in value) + _integer(20, _INTS)


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; a negative number as 64 bits of two's complement."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
