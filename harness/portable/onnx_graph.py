"""An ONNX file as a graph whose shapes are all known, for one image: what is counted in `harness.portable.onnx_facts`.

A file may be anybody's: it is checked, its shapes are inferred anew, and nothing of it is run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.errors import DataError, MachineError
from harness.portable.onnx_file import parsed

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

QUANTISE, DEQUANTISE = "QuantizeLinear", "DequantizeLinear"
VIEWS = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"}
"""Operators whose output is their input, in the same bytes."""


class Uncountable(DataError):  # noqa: N818
    """A file of which it cannot be told what it computes, though a runtime may run it."""


@dataclass(frozen=True)
class Node:
    """One operator: its inputs and outputs by name, an empty one where it is left out."""

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    axis: int


@dataclass(frozen=True)
class OnnxGraph:
    """A graph in the file's order. ``shapes`` and ``bytes_each`` are of every tensor that a node makes or reads.

    ``constants`` are the values that the file holds. The first dimension of each input, where it is free, is 1.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    shapes: Mapping[str, Shape]
    bytes_each: Mapping[str, int]

    def size(self, name: str) -> int:
        """Return the bytes of a tensor."""
        return prod(self.shapes[name]) * self.bytes_each[name]


def read_graph(content: bytes, where: str) -> OnnxGraph:
    """Return the graph of an ONNX file's ``content`` for one image.

    Raises `DataError` for what is no ONNX or keeps weights elsewhere, `Uncountable` where shapes are not known, and
    `MachineError` without onnx.
    """
    model = _checked(content, where)
    import onnx

    for one in model.graph.input:
        shape = one.type.tensor_type.shape
        if shape.dim and not shape.dim[0].HasField("dim_value"):
            shape.dim[0].dim_value = 1
    del model.graph.value_info[:]  # what the file says of its shapes is for another batch
    for one in model.graph.output:
        one.type.tensor_type.ClearField("shape")
    try:
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        return _graph(model.graph, where)
    except (Uncountable, MachineError):
        raise
    except Exception as error:  # a file is anybody's, and onnx's errors have no base of their own
        raise Uncountable(
            f"{where}: the shapes within cannot be told: {_line(error)}", fix="export it with a fixed image size"
        ) from error


def _checked(content: bytes, where: str) -> Any:
    """Return the model, once it is one and holds all of its weights."""
    model = parsed(content, where)
    import onnx
    from onnx.inliner import inline_local_functions

    try:
        onnx.checker.check_model(model)
        return inline_local_functions(model) if model.functions else model
    except Exception as error:  # as above
        raise DataError(f"{where} cannot be read as ONNX: {_line(error)}", fix="export it again") from error


def _graph(graph: Any, where: str) -> OnnxGraph:
    constants = _constants(graph)
    nodes = tuple(_nodes(graph, where))
    inputs = tuple(one.name for one in graph.input if one.name not in constants)
    shapes: dict[str, Shape] = {name: value.shape for name, value in constants.items()}
    each = {name: value.dtype.itemsize for name, value in constants.items()}
    for one in (*graph.input, *graph.value_info, *graph.output):
        told = one.type.tensor_type
        if told.HasField("shape") and all(dim.HasField("dim_value") for dim in told.shape.dim):
            shapes[one.name] = tuple(dim.dim_value for dim in told.shape.dim)
            each[one.name] = _bytes_each(told.elem_type)
    needed = [*inputs, *(name for node in nodes for name in (*node.inputs, *node.outputs) if name)]
    if unknown := [name for name in needed if name not in shapes]:
        raise Uncountable(f"{where}: the shape of {unknown[0]} is not known", fix="export it with a fixed image size")
    return OnnxGraph(inputs, tuple(one.name for one in graph.output), nodes, constants, shapes, each)


def _constants(graph: Any) -> dict[str, Array]:
    """Return what the file holds: initialisers, and what nodes without an input give."""
    import onnx

    found = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
            (value,) = values.values()
            array = onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
            found[node.output[0]] = array.astype(np.float32) if array.dtype == np.float64 else array
    return found


def _nodes(graph: Any, where: str) -> Iterator[Node]:
    for node in graph.node:
        if node.op_type == "Constant":
            continue
        if any(one.HasField("g") or one.graphs for one in node.attribute):
            raise Uncountable(
                f"{where}: {node.op_type} decides while running what is computed", fix="export without it"
            )
        axis = next((one.i for one in node.attribute if one.name == "axis"), 1)
        yield Node(node.op_type, node.domain, tuple(node.input), tuple(node.output), axis)


def _bytes_each(kind: int) -> int:
    import onnx

    return int(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind)).itemsize)


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
