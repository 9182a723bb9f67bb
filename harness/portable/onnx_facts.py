"""What an ONNX graph comes to, whoever made it and before it is run: weights, multiplications, activations."""

from dataclasses import dataclass
from math import prod

import numpy as np

from harness.portable.onnx_graph import DEQUANTISE, QUANTISE, VIEWS, Array, Node, OnnxGraph, Uncountable, read_graph
from harness.portable.onnx_liveness import peak_activations

_WEIGHT = {"Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3, "Gemm": 1, "QGemm": 3}
_PRODUCT = {"MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3}
"""Operators that multiply and add, with the place of their second operand."""

_UNKNOWN = {"Einsum", "LSTM", "GRU", "RNN", "Attention", "DeformConv"}
"""Operators of the standard that multiply, and are not counted here."""

_OURS = {"", "ai.onnx", "com.microsoft"}
_MICROSOFT = {"QGemm", "QuantizeLinear", "DequantizeLinear", "QLinearAdd", "QLinearMul", "QLinearConcat"}
_MICROSOFT |= {"QLinearGlobalAveragePool", "QLinearAveragePool", "QLinearLeakyRelu", "QLinearSigmoid"}

_MOVED = {*VIEWS, "Transpose", "Cast"}
"""Operators that leave a zero weight zero and every other one not."""
_STORED = {"QLinearConv": (0, 3, 8), "QGemm": (0, 3, 6), QUANTISE: (0,), DEQUANTISE: (0,)}
"""Places of what quantised operators compute with; their other inputs are scales and zero points."""
_BOTH = (0, 3)


@dataclass(frozen=True)
class GraphFacts:
    """What one image costs by the graph.

    ``parameters`` are the numbers that the file computes with, scales and zero points left out, ``nonzero`` those that
    are not zero, ``parameter_bytes`` what they take as they stand. ``macs`` are the multiplications of convolutions and
    matrix products, each with its addition; ``effective_macs`` those by weights that are not zero. ``peak_activations``
    are bytes, by `peak_activations`.
    """

    parameters: int
    nonzero: int
    parameter_bytes: int
    macs: int
    effective_macs: int
    peak_activations: int

    @property
    def activations_to_parameters(self) -> float:
        """Return the bytes of activations at their peak for each byte of parameters."""
        return self.peak_activations / self.parameter_bytes if self.parameter_bytes else float("inf")


def graph_facts(content: bytes, where: str) -> GraphFacts:
    """Return the facts of an ONNX file's ``content``. Raises as `read_graph`, and `Uncountable` for other operators."""
    graph = read_graph(content, where)
    strange = [node.op for node in graph.nodes if node.op in _UNKNOWN or not _is_known(node)]
    if strange:
        raise Uncountable(f"{where}: what {strange[0]} multiplies is not counted", fix="export without it")
    counter = _Counter(graph)
    macs = [counter.macs(node) for node in graph.nodes]
    weights = counter.parameters()
    return GraphFacts(
        parameters=sum(one.size for one, _ in weights),
        nonzero=sum(int(np.count_nonzero(one)) for one, _ in weights),
        parameter_bytes=sum(one.size * each for one, each in weights),
        macs=sum(dense for dense, _ in macs),
        effective_macs=sum(effective for _, effective in macs),
        peak_activations=peak_activations(graph),
    )


def _is_known(node: Node) -> bool:
    return node.domain in _OURS and (node.domain != "com.microsoft" or node.op in _MICROSOFT)


class _Counter:
    """Weights and multiplications of one graph."""

    def __init__(self, graph: OnnxGraph) -> None:
        self.graph = graph
        self.maker = {name: node for node in graph.nodes for name in node.outputs if name}

    def macs(self, node: Node) -> tuple[int, int]:
        """Return (all, those by weights that are not zero); each weight of an operator is used equally often."""
        dense, operands = self._dense(node)
        for name in operands:
            weights = self._weights(name)
            if weights is not None and weights.size:
                return dense, dense // weights.size * int(np.count_nonzero(weights))
        return dense, dense

    def _dense(self, node: Node) -> tuple[int, tuple[str, ...]]:
        """Return how often an operator multiplies, and its operands, of which one may be weights."""
        shapes = self.graph.shapes
        if node.op in _PRODUCT:
            left, right = node.inputs[0], node.inputs[_PRODUCT[node.op]]
            return prod(shapes[node.outputs[0]]) * shapes[left][-1], (right, left)
        if node.op not in _WEIGHT:
            return 0, ()
        weight = node.inputs[_WEIGHT[node.op]]
        out = shapes[node.outputs[0]]
        if node.op.endswith("Gemm"):
            return out[0] * prod(shapes[weight]), (weight, node.inputs[0])
        spread = shapes[node.inputs[0]] if node.op == "ConvTranspose" else out
        return spread[0] * prod(spread[2:]) * prod(shapes[weight]), (weight,)

    def _weights(self, name: str) -> Array | None:
        """Return what an operand is worth by the file alone, zero where it is zero; None where it is an activation."""
        if name in self.graph.constants:
            return self.graph.constants[name]
        node = self.maker.get(name)
        if node is None or node.op not in (*_MOVED, DEQUANTISE):
            return None
        if node.op == DEQUANTISE and node.inputs[0] in self.graph.constants:
            return self._meant(node)
        return self._weights(node.inputs[0])

    def _meant(self, node: Node) -> Array:
        """Return the constants that a `DequantizeLinear` reads less their zero points, one or one a channel."""
        stored = self.graph.constants[node.inputs[0]].astype(np.int64)
        zero = self.graph.constants[node.inputs[2]].astype(np.int64) if len(node.inputs) > 2 else np.zeros(1, np.int64)
        return stored - (zero.ravel() if zero.size == 1 else np.expand_dims(zero, _others(stored.ndim, node.axis)))

    def parameters(self) -> list[tuple[Array, int]]:
        """Return the numbers that the file holds as weights, each zero where it means zero, and the bytes of one."""
        computing, beside = set[str](), set[str]()
        for node in self.graph.nodes:
            quantised = node.op in _STORED or "QLinear" in node.op or node.op.endswith("Integer")
            stored = _STORED.get(node.op, _BOTH)
            for place, name in enumerate(node.inputs if quantised else ()):
                (computing if place in stored else beside).add(name)
        meant = {
            node.inputs[0]: self._meant(node)
            for node in self.graph.nodes
            if node.op == DEQUANTISE and node.inputs[0] in self.graph.constants
        }
        return [
            (meant.get(name, value), value.dtype.itemsize)
            for name, value in self.graph.constants.items()
            if name in computing or (value.dtype.kind == "f" and name not in beside)
        ]


def _others(dimensions: int, axis: int) -> tuple[int, ...]:
    """Return all dimensions but one."""
    return tuple(place for place in range(dimensions) if place != axis % dimensions)
