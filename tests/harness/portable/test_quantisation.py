"""A network in int8: beside its float scores, and one convolution beside plain loops over the file's own integers."""

import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from harness.errors import MachineError
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.portable import quantisation
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.network_file import compressed, file_content
from harness.portable.onnx_file import nameplate_of, onnx_content, renamed
from harness.portable.onnx_session import OnnxSession
from harness.portable.quantisation import calibration_images, quantised, require_quantiser
from harness.portable.shipped_network import ShippedNetwork

SIZE = 63
LARGEST = 2**6
"""Of a weight of 7 bits."""


def shipped_network(factory="small-cnn", *, worn=True):
    """A network of random weights; ``worn``: as if trained and pruned, which in deep ones adds up to chaos."""
    network = build(Architecture(factory))
    initialise(network, torch.Generator().manual_seed(0))
    if worn:
        settle(network)
        halve(network)
    known = {"dataset": "d", "entry": "lt", "density": 0.5, "seed": 0, "network": factory, "classes": ("good", "bad")}
    return ShippedNetwork(network, Nameplate(**known, preprocessing=Preprocessing(size=SIZE)))


def settle(network):
    """Give batch norms what training gives them, so that convolutions get biases."""
    draws = torch.Generator().manual_seed(3)
    for norm in (one for one in network.modules() if isinstance(one, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_(0, 0.3, generator=draws)
        norm.bias.data.normal_(0, 0.3, generator=draws)


def halve(network):
    """Prune half of the weights of every convolution."""
    draws = torch.Generator().manual_seed(1)
    for weight in (one for one in network.parameters() if one.dim() == 4):
        weight.data.masked_fill_(torch.rand(weight.shape, generator=draws) < 0.5, 0)


@pytest.fixture(scope="module")
def shipped():
    return shipped_network()


@pytest.fixture(scope="module")
def images():
    """48 images, each of a brightness and a contrast of its own."""
    draws = torch.Generator().manual_seed(2)
    light, contrast = torch.rand(48, 1, 1, 1, generator=draws), torch.rand(48, 3, 1, 1, generator=draws)
    noise = torch.rand(48, 3, SIZE, SIZE, generator=draws) - 0.5
    return (255 * (light + contrast * noise).clamp(0, 1)).to(torch.uint8)


@pytest.fixture(scope="module")
def content(shipped):
    return onnx_content(shipped)


@pytest.fixture(scope="module")
def small(content, images):
    return quantised(content, images[:32])


def with_weights(content, change):
    """Return an ONNX file with every float weight as ``change`` has it."""
    model = onnx.load_model_from_string(content)
    for weight in model.graph.initializer:
        if weight.name.startswith("network."):
            weight.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(weight).copy()), weight.name))
    return model.SerializeToString()


def test_scores_are_nearly_those_of_the_network_and_no_two_tie(shipped, images, small):
    with torch.inference_mode():
        true = shipped(images).numpy()
    scores = OnnxSession(small).scores(images)
    assert np.corrcoef(scores, true)[0, 1] > 0.99
    assert np.abs(scores - true).max() < 0.3 * true.std()
    assert len({*scores.tolist()}) == len({*true.tolist()}) == len(images)


def test_it_takes_about_a_quarter_of_the_bytes(shipped, content, small):
    assert len(small) < 0.32 * len(content)
    assert len(compressed(small)) < 0.5 * len(compressed(file_content(shipped.network)))


def test_the_same_file_and_images_give_the_same_bytes_and_a_second_export_too(shipped, content, images, small):
    assert quantised(content, images[:32]) == small
    assert onnx_content(shipped) == content


def test_ranges_come_from_the_images_of_calibration(content, images, small):
    dim = images[:32] // 8 + 100
    one_bright = dim.clone()
    one_bright[3] = images[3]
    assert len({quantised(content, dim), quantised(content, one_bright), small}) == 3


def test_the_file_is_what_the_format_asks_for(content, small):
    for file in (content, small):
        onnx.checker.check_model(onnx.load_model_from_string(file), full_check=True)


def test_the_nameplate_says_the_bits(small):
    assert nameplate_of(small, "file").bits == 8
    assert nameplate_of(renamed(small, None), "file") is None


def test_pruned_weights_stay_zero_and_the_others_take_seven_bits(small, shipped):
    found = integers(small)
    name, pruned = next((name, one) for name, one in shipped.network.named_parameters() if one.dim() == 4)
    weights = found[f"network.{name}_quantized"]
    assert weights.dtype == np.int8
    assert not weights[(pruned == 0).numpy()].any()
    for one in found.values():
        if one.dtype == np.int8:
            assert np.abs(one.astype(int)).max() <= LARGEST
    assert {np.dtype("int8"), np.dtype("int32"), np.dtype("uint8")} <= {one.dtype for one in found.values()}


def test_nothing_of_this_machine_is_in_the_file(content, small):
    for file in (content, small):
        assert b"site-packages" not in file
        assert b"stack_trace" not in file


# --- one convolution, by the integers that the file holds


def integers(content):
    return {one.name: numpy_helper.to_array(one) for one in onnx.load_model_from_string(content).graph.initializer}


def with_outputs(content, wanted):
    """Return the file with tensors of its inside as outputs: name -> type."""
    model = onnx.load_model_from_string(content)
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, kind, None) for name, kind in wanted.items())
    return model.SerializeToString()


def first_convolution(content):
    """Return the nodes: what quantises the images, the convolution, and what quantises its result."""
    nodes = onnx.load_model_from_string(content).graph.node
    (conv, *_) = [node for node in nodes if node.op_type == "Conv"]
    made = {output: node for node in nodes for output in node.output}
    used = next(node for node in nodes if conv.output[0] in node.input)
    assert (made[conv.input[0]].op_type, used.op_type) == ("DequantizeLinear", "QuantizeLinear")
    return made[made[conv.input[0]].input[0]], made, conv, used


def test_a_convolution_is_a_sum_of_products_of_integers(small, images):
    found = integers(small)
    before, made, conv, after = first_convolution(small)
    inside = dict.fromkeys((before.output[0], after.output[0]), onnx.TensorProto.UINT8)
    session = OnnxSession(with_outputs(small, inside))
    _, pixels, computed = session._session.run(None, {"images": images[:2].numpy()})
    scale_in, zero_in = (found[name] for name in before.input[1:])
    scale_out, zero_out = (found[name] for name in after.input[1:])
    weight, scale_w, _ = (found[name] for name in made[conv.input[1]].input)
    bias, _ = (found[name] for name in made[conv.input[2]].input[:2])
    told = {one.name: onnx.helper.get_attribute_value(one) for one in conv.attribute}
    stride, pad = told["strides"][0], told["pads"][0]

    wanted = Preprocessing(size=SIZE)
    mean, std = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in (wanted.mean, wanted.std))
    normal = ((images[:2].float() - mean) / std).numpy()
    assert np.array_equal(pixels, np.clip(np.rint(normal / scale_in) + zero_in, 0, 255))

    padded = np.pad(pixels.astype(int) - int(zero_in), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    side, width = computed.shape[-1], weight.shape[-1]
    wrong = 0
    for image in range(2):
        for channel in range(0, len(weight), 5):
            for row in range(0, side, 4):
                for column in range(0, side, 4):
                    top, left = row * stride, column * stride
                    window = padded[image, :, top : top + width, left : left + width]
                    total = int((window * weight[channel].astype(int)).sum()) + int(bias[channel])
                    real = total * float(scale_in) * float(scale_w[channel]) / float(scale_out)
                    value = min(max(round(real) + int(zero_out), 0), 255)
                    assert abs(int(computed[image, channel, row, column]) - value) <= 1
                    wrong += int(computed[image, channel, row, column]) != value
    assert wrong <= 2  # where float32 and float64 round a half to two sides
    assert len(np.unique(computed)) > 50


# --- what is odd


def test_a_network_that_says_the_same_of_every_image_does_not_break(content, images):
    dead = quantised(with_weights(content, np.zeros_like), images[:32])
    scores = OnnxSession(dead).scores(images)
    assert np.array_equal(scores, np.zeros(len(images)))


def test_constant_images_do_not_break(content):
    black = torch.zeros(4, 3, SIZE, SIZE, dtype=torch.uint8)
    assert np.isfinite(OnnxSession(quantised(content, black)).scores(black)).all()


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
def test_an_activation_without_a_range_is_refused(content, images):
    endless = with_weights(content, lambda weight: weight * np.float32(1e30))
    with pytest.raises(ValueError, match="is not finite on the images of calibration"):
        quantised(endless, images[:4])


@pytest.mark.parametrize("absent", ["onnx", "onnxscript", "onnxruntime"])
def test_what_is_missing_is_said_with_its_command(absent, monkeypatch):
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(MachineError, match=r"pip install 'prune-harness\[export\]'"):
        require_quantiser()


# --- the images of calibration


def test_they_are_a_stratified_part_of_training_drawn_by_the_seed(splits, monkeypatch):
    train, _ = splits
    monkeypatch.setattr(quantisation, "CALIBRATION_IMAGES", 24)
    chosen = calibration_images(train, 0)
    known = {image.numpy().tobytes(): int(label) for image, label in zip(train.images[:], train.labels, strict=True)}
    labels = [known[image.numpy().tobytes()] for image in chosen]
    assert len({image.numpy().tobytes() for image in chosen}) == 24
    assert sum(labels) == 8  # a third, as of all 48
    assert torch.equal(chosen, calibration_images(train, 0))
    assert not torch.equal(chosen, calibration_images(train, 1))


def test_a_small_training_split_is_all_of_it(splits):
    train, _ = splits
    assert len(calibration_images(train, 0)) == len(train.images)


@pytest.mark.long
@pytest.mark.parametrize(
    "factory", ["alexnet", "alexnet-bn", "efficientnet-lite0", "mobilenet-v1", "resnet18", "vgg16"]
)
def test_every_network_goes_to_int8(factory, images):
    shipped = shipped_network(factory, worn=False)
    content = onnx_content(shipped)
    small = quantised(content, images[:32])
    with torch.inference_mode():
        true = shipped(images).numpy()
    scores = OnnxSession(small).scores(images)
    assert np.corrcoef(scores, true)[0, 1] > 0.9
    assert len(small) < 0.32 * len(content)
