"""Twins in int8 as a run computes them: the stages that they share, the file that is scored, and what ends them."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from harness.evaluation.figures import evaluate
from harness.evaluation.thresholds import choose
from harness.networks.factories import state_of
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import levels_of
from harness.planning.planner import Flags, build_plan
from harness.portable.network_file import compressed
from harness.portable.onnx_file import nameplate_of, onnx_content
from harness.portable.onnx_session import OnnxSession
from harness.results import names
from harness.running import quantising
from harness.running.cells import cells, score_test
from harness.storage.canonical import digest
from harness.storage.stage import Watcher
from harness.storage.store import Store

pytestmark = pytest.mark.slow


def plan_for(folder, store, **changes):
    training = {"epochs": 1, "max_steps": 3, "batch_size": 12, "learning_rate": 0.05, "precision": "float32"}
    flags = {
        "methods": ["magnitude"],
        "quantise": "int8",
        "weights": "kaiming",
        "densities": [1.0, 0.5],
        "training": {**training, "device": "cpu"},
        **changes,
    }
    options = replace(load_configuration("quick", None, [], flags), network="tiny")
    return build_plan(options, Flags("quick", folder, store))[0]


EXPORTED = {}


@pytest.fixture(autouse=True)
def _export_each_network_once(monkeypatch):
    """The exporter takes seconds: tests that have the same networks share their files."""

    def exported(shipped):
        state = digest(state_of(shipped.network))
        if state not in EXPORTED:
            EXPORTED[state] = onnx_content(shipped)
        return EXPORTED[state]

    monkeypatch.setattr(quantising, "onnx_content", exported)


class Heard(Watcher):
    """Takes down the kind and the key of each stage that is asked for."""

    def __init__(self):
        self.stages = []

    def ended(self, kind, inputs, stage):
        self.stages.append((kind, stage.key, stage.replayed))

    def of(self, kind):
        return [(key, replayed) for one, key, replayed in self.stages if one == kind]


def run(plan, text, store=None):
    entry = next(one for one in plan.entries if one.text == text)
    return list(cells(plan, entry, 0, levels_of(entry, plan.densities), store or Store(plan.store)))


@pytest.fixture
def plan(isic_folder, tmp_path):
    return plan_for(isic_folder, tmp_path / "store")


def test_a_twin_is_the_same_networks_in_int8_scored_as_they_ship(plan):
    heard = Heard()
    floats = run(plan, "magnitude")
    twins = run(plan, "magnitude+int8", Store(plan.store, watcher=heard))
    again = Heard()
    assert [one.metrics[names.BITS] for one in (*floats, *twins)] == [32, 32, 8, 8]
    for whole, twin in zip(floats, twins, strict=True):
        assert (twin.status, twin.reason) == ("done", "")
        for name in (names.DENSITY, names.PARAMETERS, names.ALIVE, names.FLOPS, names.STEPS):
            assert twin.metrics[name] == whole.metrics[name]
        assert twin.metrics[names.BYTES] == len(compressed(twin.file)) != whole.metrics[names.BYTES]
        scores = np.array(twin.validation_scores)
        assert not np.array_equal(scores, whole.validation_scores)
        assert np.corrcoef(scores, whole.validation_scores)[0, 1] > 0.95
    assert heard.of("train")
    assert all(replayed for _, replayed in heard.of("train"))  # nothing trains twice
    assert [replayed for _, replayed in heard.of("quantise")] == [False, False]
    _check_scores_and_cuts(plan, twins)
    assert run(plan, "magnitude+int8", Store(plan.store, watcher=again)) is not None
    assert all(replayed for _, _, replayed in again.stages)


def _check_scores_and_cuts(plan, twins):
    """The scores are those of the file, and the cuts are chosen on them."""
    from harness.data.loading import splits_of

    splits = splits_of(plan.data, plan.store, 0)
    for twin in twins:
        session, record = OnnxSession(twin.file), score_test(plan, twin)
        assert np.array_equal(session.scores(splits.validation.images), twin.validation_scores)
        assert np.array_equal(session.scores(splits.test.images), record.test_scores)
        labels, scores = splits.validation.labels.numpy(), np.array(twin.validation_scores)
        cuts = {name: one.value for name, one in choose(labels, scores, plan.verdict.sensitivity).items()}
        assert {name: one.value for name, one in twin.thresholds.items()} == cuts
        figures = evaluate(splits.test.labels.numpy(), np.array(record.test_scores), cuts, plan.verdict)
        assert {name: record.metrics[names.on(names.TEST, name)] for name in figures} == pytest.approx(figures)
        assert nameplate_of(twin.file, "file") is None  # several entries may have this very network


def test_training_images_alone_reach_calibration(isic_folder, tmp_path):
    def digests(name):
        twins = run(plan_for(isic_folder, tmp_path / name), "magnitude+int8")
        return [hashlib.sha256(one.file).hexdigest() for one in twins]

    before = digests("before")
    tested = sorted((isic_folder / "isic").glob("*Test_Data/*.jpg"))[0]
    Image.new("RGB", (64, 64), "red").save(tested)
    assert digests("other test image") == before


def test_what_onnx_cannot_express_ends_that_twin_alone(plan, monkeypatch):
    def fails(shipped):
        raise RuntimeError("no operator for aten::tiny")

    monkeypatch.setattr(quantising, "onnx_content", fails)
    assert [one.status for one in run(plan, "magnitude")] == ["done", "done"]
    for twin in run(plan, "magnitude+int8"):
        assert twin.status == "failed"
        assert "no operator for aten::tiny" in twin.reason


def test_another_version_of_the_quantiser_is_another_stage(plan, monkeypatch):
    run(plan, "magnitude+int8")
    heard = Heard()
    monkeypatch.setattr(quantising, "quantiser_versions", lambda: {"onnxruntime": "0"})
    run(plan, "magnitude+int8", Store(plan.store, watcher=heard))
    assert [replayed for _, replayed in heard.of("quantise")] == [False, False]
    assert all(replayed for _, replayed in heard.of("train"))


def test_scores_of_a_twin_that_are_not_finite_have_diverged(plan, monkeypatch):
    class Lost:
        def __init__(self, content):
            pass

        def scores(self, images):
            return np.full(len(images), np.nan, dtype=np.float32)

    monkeypatch.setattr(quantising, "OnnxSession", Lost)
    assert {one.status for one in run(plan, "magnitude+int8")} == {"diverged"}
