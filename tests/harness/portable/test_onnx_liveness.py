"""Peaks of activations, counted by hand and by a walk that keeps a list of what is still needed."""

import importlib.util
from math import prod
from pathlib import Path

import pytest

from harness.portable.onnx_graph import read_graph
from harness.portable.onnx_liveness import peak_activations

SPEC = importlib.util.spec_from_file_location("onnx_graphs", Path(__file__).with_name("onnx_graphs.py"))
graphs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(graphs)
node, graph, floats = graphs.node, graphs.graph, graphs.floats


def peak(nodes, inputs, outputs, constants):
    return peak_activations(read_graph(graph(nodes, inputs, outputs, constants), "it"))


def test_a_chain_needs_an_operator_s_input_and_output():
    nodes = [node("Gemm", "x a", "h"), node("Relu", "h", "r"), node("Gemm", "r b", "y")]
    assert peak(nodes, {"x": [None, 10]}, {"y": None}, {"a": floats(10, 7), "b": floats(7, 2)}) == 4 * (10 + 7)


def test_what_is_still_needed_stays():
    nodes = [node("Relu", "x", "r"), node("Gemm", "r a", "h"), node("Gemm", "h b", "g"), node("Add", "r g", "y")]
    held = {"a": floats(10, 30), "b": floats(30, 10)}
    assert peak(nodes, {"x": [None, 10]}, {"y": None}, held) == 4 * (10 + 30 + 10)


def test_a_view_takes_no_bytes_and_keeps_what_it_shows():
    nodes = [node("Relu", "x", "r"), node("Flatten", "r", "f"), node("Gemm", "f a", "y")]
    assert peak(nodes, {"x": [None, 5, 2]}, {"y": None}, {"a": floats(10, 3)}) == 4 * (10 + 10)


def test_outputs_live_to_the_end_and_what_nobody_reads_for_a_moment():
    nodes = [node("Relu", "x", "early"), node("Gemm", "x a", "h"), node("Relu", "x", "unread"), node("Relu", "h", "y")]
    found = peak(nodes, {"x": [None, 10]}, {"early": None, "y": None}, {"a": floats(10, 10)})
    assert found == 4 * (10 + 10 + 10 + 10)


def test_what_is_made_of_constants_is_no_activation():
    nodes = [node("Relu", "a", "b"), node("Gemm", "x b", "y")]
    assert peak(nodes, {"x": [None, 10]}, {"y": None}, {"a": floats(10, 3)}) == 4 * 13


@pytest.mark.parametrize("seed", range(20))
def test_any_graph_as_a_walk_with_a_list_of_what_is_needed(seed):
    """Random graphs of one size a tensor, each node of two earlier tensors."""
    import random

    draws = random.Random(seed)
    names, nodes = ["x"], []
    for number in range(12):
        nodes.append((draws.choice(names), draws.choice(names), f"t{number}"))
        names.append(f"t{number}")
    outputs = {"t11", draws.choice(names[1:])}
    shape = (1, draws.randint(1, 9), 2)
    most, held = 0, {"x"}
    for place, (_left, _right, made) in enumerate(nodes):
        held.add(made)
        most = max(most, len(held))
        later = {name for pair in nodes[place + 1 :] for name in pair[:2]} | outputs
        held &= later
    built = [node("Add", f"{left} {right}", made) for left, right, made in nodes]
    assert peak(built, {"x": [None, *shape[1:]]}, dict.fromkeys(outputs), {}) == 4 * prod(shape) * most
