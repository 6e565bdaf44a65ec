"""An ONNX model that grows node by node, by the helpers of the package `onnx`."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

IR_VERSION, OPSET = 8, 17  # of 2022: every ONNX Runtime since 1.12 reads them
Attribute = int | float | str | Sequence[int]


class Graph:
    """Values go by the names that its methods give back."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []

    def input(self, name: str, kind: str, axes: Sequence[int | str]) -> str:
        """What is fed: `kind` is a NumPy type, `axes` are sizes, or names of those that vary."""
        element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        self._inputs.append(helper.make_tensor_value_info(name, element, axes))
        return name

    def constant(self, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """An array that is part of the model."""
        name = self._name()
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """What `operator` makes of the named values; an empty name leaves an input out."""
        name = self._name()
        node = helper.make_node(operator, inputs, [name])
        node.attribute.extend(helper.make_attribute(key, v) for key, v in attributes.items())
        self._nodes.append(node)
        return name

    def model(self, outputs: Iterable[str]) -> bytes:
        """The model that gives the named values, all of float32."""
        given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self._nodes, "graph", self._inputs, given, self._constants)
        model = helper.make_model(
            graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
        )
        return bytes(model.SerializeToString())

    def _name(self) -> str:
        return f"v{next(self._numbers)}"
