"""What MLflow keeps of an exported file: once for each file, and where the store is, not where it was copied from."""

import json
from dataclasses import replace

import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from harness.results.mlflow_model import ExportedModel, log_model
from harness.results.mlflow_tracker import Tracker, default_uri


@pytest.fixture
def what(tmp_path):
    """A model of one node: the number of the images' bytes."""
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 3, 63, 63])
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n"])
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axes"], ["score"], keepdims=0),
    ]
    axes = helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3])
    graph = helper.make_graph(nodes, "g", [images], [score], [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    card = tmp_path / "a.onnx.card.md"
    card.write_text("the card")
    named = {"name": "lt-0-25", "sha256": "ab" * 32, "size": 63, "images": "images", "score": "score"}
    return ExportedModel(**named, model=model, needs=["onnxruntime"], cards=[card])


def test_a_model_is_logged_once_with_its_signature_where_the_store_is(filled, copied, held, what):
    before = sorted(filled.rglob("*"))
    tracker, run = Tracker(default_uri(copied), copied, "isic-sim"), held(copied).run.run_id
    assert log_model(tracker, run, what)
    assert not log_model(tracker, run, what)
    assert log_model(tracker, run, replace(what, sha256="cd" * 32))
    places = [*(copied / "artifacts" / "isic-sim" / "models").glob("*/artifacts")]
    assert len(places) == 2
    assert sorted(filled.rglob("*")) == before, "MLflow's own address of a copied store is that of the original"
    signature = yaml.safe_load((places[0] / "MLmodel").read_text())["signature"]
    (images,), (score,) = json.loads(signature["inputs"]), json.loads(signature["outputs"])
    assert images["tensor-spec"] == {"dtype": "uint8", "shape": [-1, 3, 63, 63]}
    assert score["tensor-spec"] == {"dtype": "float32", "shape": [-1]}
    assert (places[0] / "a.onnx.card.md").read_text() == "the card"
    assert onnx.load(places[0] / "model.onnx") == what.model


def test_a_run_with_a_model_is_read_as_before(copied, held, what):
    cell = held(copied)
    log_model(Tracker(default_uri(copied), copied, "isic-sim"), cell.run.run_id, what)
    assert held(copied).record == cell.record
