"""Multiplications and weights, held against counts by hand, plain loops, torch's counter and the harness's own."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from harness.errors import DataError
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.onnx_facts import graph_facts
from harness.portable.onnx_file import onnx_content
from harness.portable.onnx_graph import Uncountable
from harness.portable.shipped_network import ShippedNetwork
from harness.running.inspection import effective_flops
from harness.sparsity.mask import Mask, prunable_weights

SPEC = importlib.util.spec_from_file_location("onnx_graphs", Path(__file__).with_name("onnx_graphs.py"))
graphs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(graphs)
node, graph, floats = graphs.node, graphs.graph, graphs.floats


def facts(nodes, inputs, outputs, constants, **more):
    return graph_facts(graph(nodes, inputs, outputs, constants, **more), "it")


def looped(weights, images, stride, padding, groups):
    """Count the multiplications of a convolution one by one: (all, by weights that are not zero)."""
    (_, _, height, width), (out, into, tall, wide) = images, weights.shape
    dense = effective = 0
    for _top in range(0, height + 2 * padding - tall + 1, stride):
        for _left in range(0, width + 2 * padding - wide + 1, stride):
            for weight in weights.ravel():
                dense += 1
                effective += weight != 0
    assert out % groups == 0
    assert into * groups == images[1]
    return dense, effective


@pytest.mark.parametrize(("stride", "padding", "groups", "zeros"), [(1, 0, 1, 0), (2, 1, 1, 5), (1, 1, 4, 9)])
def test_a_convolution_is_counted_as_a_loop_counts_it(stride, padding, groups, zeros):
    weights, images = floats(8, 4 // groups, 3, 3, zeros=zeros), (1, 4, 9, 7)
    conv = node("Conv", "x w", "y", strides=[stride] * 2, pads=[padding] * 4, group=groups)
    found = facts([conv], {"x": [None, *images[1:]]}, {"y": None}, {"w": weights})
    assert (found.macs, found.effective_macs) == looped(weights, images, stride, padding, groups)
    assert (found.parameters, found.nonzero) == (weights.size, weights.size - zeros)
    assert found.parameter_bytes == 4 * weights.size


def test_a_transposed_convolution_multiplies_at_each_place_of_its_input():
    found = facts(
        [node("ConvTranspose", "x w", "y", strides=[2, 2])],
        {"x": [None, 2, 5, 5]},
        {"y": None},
        {"w": floats(2, 3, 2, 2, zeros=4)},
    )
    assert (found.macs, found.effective_macs) == (25 * 24, 25 * 20)


@pytest.mark.parametrize("turned", [0, 1])
def test_products_of_matrices(turned):
    weights = floats(3, 10, zeros=4) if turned else floats(10, 3, zeros=4)
    gemm = facts([node("Gemm", "x w", "y", transB=turned)], {"x": [None, 10]}, {"y": None}, {"w": weights})
    assert (gemm.macs, gemm.effective_macs) == (30, 26)
    if not turned:
        product = facts([node("MatMul", "x w", "y")], {"x": [None, 7, 10]}, {"y": None}, {"w": weights})
        assert (product.macs, product.effective_macs) == (7 * 30, 7 * 26)
    first = facts([node("MatMul", "w x", "y")], {"x": [1, 3 if not turned else 10, 5]}, {"y": None}, {"w": weights})
    assert (first.macs, first.effective_macs) == (5 * 30, 5 * 26)


def test_a_product_of_two_activations_has_no_weights():
    nodes = [node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x t", "y")]
    found = facts(nodes, {"x": [None, 6, 4]}, {"y": None}, {})
    assert (found.macs, found.effective_macs, found.parameters) == (6 * 6 * 4, 6 * 6 * 4, 0)
    assert found.activations_to_parameters == float("inf")


def test_weights_are_known_through_what_leaves_zeros_zero():
    weights = floats(3, 10, zeros=4)
    nodes = [node("Transpose", "w", "t", perm=[1, 0]), node("Identity", "t", "u"), node("MatMul", "x u", "y")]
    found = facts(nodes, {"x": [None, 10]}, {"y": None}, {"w": weights})
    assert (found.macs, found.effective_macs) == (30, 26)


def quantised(zero_points, stored):
    """Return a convolution as a quantised file has it, weights one zero point a channel."""
    scales = np.full(len(zero_points), 0.1, dtype=np.float32)
    one = {"s": np.float32(0.1), "z": np.uint8(3)}
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "xq s z", "xf"),
        node("DequantizeLinear", "w ws wz", "wf", axis=0),
        node("DequantizeLinear", "b ws bz", "bf", axis=0),
        node("Conv", "xf wf bf", "y"),
        node("QuantizeLinear", "y s z", "yq"),
        node("DequantizeLinear", "yq s z", "out"),
    ]
    bias = {"b": np.array([5, 0], dtype=np.int32), "bz": np.zeros(2, dtype=np.int32)}
    held = {name: np.asarray(value) for name, value in one.items()}
    return graph(
        nodes,
        {"x": [None, 2, 4, 4]},
        {"out": None},
        {**held, **bias, "w": stored, "ws": scales, "wz": np.array(zero_points, dtype=np.int8)},
    )


def test_a_quantised_weight_is_zero_where_it_is_its_channel_s_zero_point():
    stored = np.full((2, 2, 1, 1), 4, dtype=np.int8)
    found = graph_facts(quantised([4, 0], stored), "it")
    assert (found.macs, found.effective_macs) == (16 * 4, 16 * 2)
    assert (found.parameters, found.nonzero) == (4 + 2, 2 + 1)  # scales and zero points are none
    assert found.parameter_bytes == 4 + 2 * 4
    assert found.peak_activations == 2 * 16 + max(4 * 2 * 16, 2 * 16, 4 * 2 * 16)


def shipped(network, size):
    told = Nameplate(
        dataset="d",
        entry="e",
        density=1.0,
        seed=0,
        network="n",
        classes=("a", "b"),
        preprocessing=Preprocessing(size=size),
    )
    return ShippedNetwork(network, told)


def masked(name, share):
    """Return a network of random weights with a random mask in it."""
    network = build(Architecture(name))
    draws = torch.Generator().manual_seed(0)
    initialise(network, draws)
    left = {key: torch.rand(one.shape, generator=draws) < share for key, one in prunable_weights(network).items()}
    mask = Mask(left, parameter_count(network))
    mask.apply_(network)
    return network, mask


@pytest.mark.parametrize(
    "name",
    [
        "tiny",
        *(
            pytest.param(name, marks=pytest.mark.long)
            for name in (
                "small-cnn",
                "alexnet",
                "alexnet-bn",
                "mobilenet-v1",
                "efficientnet-lite0",
                "resnet18",
                "vgg16",
            )
        ),
    ],
)
def test_real_networks_cost_what_the_harness_and_torch_count(name):
    network, mask = masked(name, 0.3)
    found = graph_facts(onnx_content(shipped(network, 64)), "it")
    assert 2 * found.effective_macs == effective_flops(network, mask, 64)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, 64, 64))
    assert 2 * found.macs == counter.get_total_flops()
    assert 0.25 < found.nonzero / found.parameters < 0.4


FOREIGN = [
    (b"", "cannot be read as ONNX"),
    (b"hello, I am a network", "cannot be read as ONNX"),
    (graph([node("Conv", "x w", "y")], {"x": [None, 3, 8, 8]}, {"y": None}, {}), "cannot be read as ONNX"),
]


@pytest.mark.parametrize(("content", "why"), FOREIGN)
def test_what_is_no_network_is_refused_in_a_sentence(content, why):
    with pytest.raises(DataError, match=why) as refused:
        graph_facts(content, "their.onnx")
    assert str(refused.value).startswith("their.onnx")


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
def test_a_file_that_is_cut_is_refused(cut):
    whole = graph([node("Gemm", "x w", "y")], {"x": [None, 10]}, {"y": None}, {"w": floats(10, 300)})
    with pytest.raises(DataError):
        graph_facts(whole[: int(len(whole) * cut)], "it")


def test_what_cannot_be_counted_is_said():
    free = graph([node("Relu", "x", "y")], {"x": [None, 3, None, None]}, {"y": None}, {})
    with pytest.raises(Uncountable, match="shape"):
        graph_facts(free, "it")
    square = graph([node("Einsum", "x x", "y", equation="ij,kj->ik")], {"x": [None, 3]}, {"y": None}, {})
    with pytest.raises(Uncountable, match="Einsum"):
        graph_facts(square, "it")


def test_weights_in_another_file_are_refused_and_not_looked_for():
    import onnx

    model = onnx.load_model_from_string(
        graph([node("Gemm", "x w", "y")], {"x": [None, 4]}, {"y": None}, {"w": floats(4, 4)})
    )
    held = model.graph.initializer[0]
    held.ClearField("raw_data")
    held.data_location = onnx.TensorProto.EXTERNAL
    held.external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(DataError, match="another file"):
        graph_facts(model.SerializeToString(), "it")
