"""What is read of an ONNX file, whoever wrote it."""

import builtins

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.errors import DataError, MachineError
from harness.portable.onnx_file import NAMEPLATE, nameplate_of, onnx_content, parsed
from harness.portable.onnx_graph import read_graph
from harness.portable.onnx_session import OnnxSession


def model(**told):
    """One addition, of a weight called w."""
    images, score = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("images", "score"))
    weight = numpy_helper.from_array(np.ones(1, np.float32), "w")
    graph = helper.make_graph([helper.make_node("Add", ["images", "w"], ["score"])], "g", [images], [score], [weight])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(made, told)
    return made


def outside(made, place):
    made.graph.initializer[0].ClearField("raw_data")
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    made.graph.initializer[0].external_data.add(key="location", value=place)
    return made


def test_the_nameplate_of_a_file_is_read_and_none_of_a_strangers(shipped):
    written = model(**{NAMEPLATE: shipped.nameplate.to_text()}).SerializeToString()
    assert nameplate_of(written, "it") == shipped.nameplate
    assert nameplate_of(model().SerializeToString(), "it") is None


@pytest.mark.parametrize("place", ["weights.bin", "../../etc/passwd", "/etc/passwd"])
def test_weights_in_other_files_are_refused(place):
    with pytest.raises(DataError, match="it keeps 'w' in another file") as refused:
        parsed(outside(model(), place).SerializeToString(), "it")
    assert "save_as_external_data=False" in refused.value.fix


def elsewhere():
    return onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)


def in_a_constant(made):
    made.graph.node.append(helper.make_node("Constant", [], ["c"], value=elsewhere()))


def in_a_subgraph(made):
    inner = helper.make_graph([], "inner", [], [], [elsewhere()])
    made.graph.node.append(helper.make_node("If", ["images"], ["c"], then_branch=inner, else_branch=inner))


def in_a_sparse_one(made):
    made.graph.sparse_initializer.add(values=elsewhere(), dims=[1])


def in_a_function(made):
    made.functions.add(name="f").node.append(helper.make_node("Constant", [], ["c"], value=elsewhere()))


@pytest.mark.parametrize("hide", [in_a_constant, in_a_subgraph, in_a_sparse_one, in_a_function])
@pytest.mark.parametrize("read", [parsed, read_graph])
def test_weights_in_other_files_are_found_wherever_they_hide(hide, read):
    made = model()
    hide(made)
    with pytest.raises(DataError, match="it keeps 'w' in another file"):
        read(made.SerializeToString(), "it")


@pytest.mark.parametrize("text", ["[" * 100_000, "{", '{"dataset": 3}', "null"])
def test_a_nameplate_that_is_none_is_refused(text):
    with pytest.raises(DataError, match="it"):
        nameplate_of(model(**{NAMEPLATE: text}).SerializeToString(), "it")


@pytest.mark.parametrize("content", [b"\x80\x04garbage", b"", model().SerializeToString()[:-20]])
def test_what_is_no_model_is_refused_before_it_runs(content):
    with pytest.raises(DataError):
        OnnxSession(content)


def test_garbage_is_refused_where_it_is_parsed():
    with pytest.raises(DataError, match="it cannot be read as ONNX"):
        parsed(b"\x80\x04garbage", "it")


@pytest.mark.parametrize(
    ("absent", "call"),
    [
        ("onnxscript", onnx_content),
        ("onnxruntime", OnnxSession),
        ("onnx", lambda _: parsed(b"", "it")),
        ("onnx", lambda _: read_graph(b"", "it")),
    ],
)
def test_what_is_not_installed_is_said_with_the_command(absent, call, monkeypatch, shipped):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == absent:
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MachineError, match=absent) as refused:
        call(shipped)
    assert refused.value.fix == "pip install 'prune-harness[export]'"


def test_the_graph_of_a_network_takes_any_number_of_images(shipped):
    graph = onnx.load_model_from_string(onnx_content(shipped)).graph
    (images,), (score,) = graph.input, graph.output
    assert (images.name, score.name) == ("images", "score")
    assert images.type.tensor_type.elem_type == TensorProto.UINT8
    batch, *rest = images.type.tensor_type.shape.dim
    assert batch.dim_param
    assert [one.dim_value for one in rest] == [3, 63, 63]
    assert score.type.tensor_type.shape.dim[0].dim_param == batch.dim_param
