"""Networks out of the stages of a store: their scores are the published ones, also after an eviction."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data.asked import asked_for
from harness.data.draw import Cutting
from harness.data.locating import DataPlan
from harness.errors import DataError, MachineError, UsageError
from harness.images.decoding import Conversion
from harness.networks.factories import parameter_count
from harness.portable.formats import Format
from harness.portable.nameplate import Preprocessing
from harness.portable.onnx_file import nameplate_of
from harness.portable.onnx_session import OnnxSession
from harness.results import names
from harness.shipping.export import export
from harness.shipping.load import load_network
from harness.shipping.replay import preprocessing_of, replayed
from harness.storage.store import Store


def scored(found):
    return found.shipped(found.splits.test.images[:])


@pytest.mark.parametrize(("entry", "density"), [("dense", 1.0), ("magnitude", 0.25), ("structured-magnitude", 0.25)])
def test_a_network_gives_the_scores_that_are_published(filled, held, machine, telling, entry, density):
    cell = held(filled, entry=entry, density=density)
    found = replayed(cell, machine(filled), telling[0])
    assert scored(found).tolist() == pytest.approx(cell.record.test_scores, rel=1e-5, abs=1e-6)
    assert found.splits.test.ids == cell.ids
    left = sum(int((weight != 0).sum()) for weight in found.shipped.network.parameters())
    sizes = {"magnitude": left, "structured-magnitude": parameter_count(found.shipped.network)}
    assert sizes.get(entry, cell.record.metrics[names.PARAMETERS]) == pytest.approx(
        cell.record.metrics[names.PARAMETERS], abs=1
    )


def test_a_nameplate_names_the_cell(filled, held, machine, telling):
    cell = held(filled)
    told = replayed(cell, machine(filled), telling[0]).shipped.nameplate
    assert (told.dataset, told.entry, told.density, told.seed, told.fold) == ("isic-sim", "magnitude", 0.25, 0, None)
    assert (told.run, told.group, told.simulated) == (cell.run.run_id, cell.group, True)
    assert told.classes == ("benign", "malignant")
    assert told.preprocessing.size == 63
    assert told.thresholds["deployed"] == cell.record.metrics["threshold/deployed"]


def test_a_nameplate_has_the_scale_of_all_images_of_a_deep_set(tmp_path):
    for name, highest in (("well", 900), ("ill", 4000)):
        (tmp_path / name).mkdir()
        values = np.linspace(0, highest, 64 * 64).reshape(64, 64).astype(np.uint16)
        Image.fromarray(values).save(tmp_path / name / "a.png")
    asked = asked_for(f"folder:{tmp_path}[positive=ill]")
    cutting, conversion = Cutting(0.25, 0.25, False, 0), Conversion(max_pixels=5000)
    deep = DataPlan(asked=asked, folder=None, size=63, cutting=cutting, conversion=conversion)
    told = preprocessing_of(deep)
    assert (told.size, told.depth.deep, told.depth.white, told.max_pixels) == (63, 2, 4095, 5000)
    for path in tmp_path.rglob("*.png"):
        Image.new("RGB", (64, 64)).save(path)
    assert preprocessing_of(replace(deep, conversion=Conversion())) == Preprocessing(size=63)


def test_nothing_is_computed_where_every_stage_is_there(filled, held, machine, telling):
    before = sorted(filled.glob("stages/*/*"))
    replayed(held(filled), machine(filled), telling[0])
    assert sorted(filled.glob("stages/*/*")) == before
    assert "anew" not in telling[1].getvalue()


@pytest.mark.slow
def test_an_evicted_cell_is_computed_anew_and_said_so(copied, held, machine, telling):
    for folder, kind in Store(copied).folders():
        if kind in ("train", "score", "head"):
            shutil.rmtree(folder)
    cell = held(copied)
    found = replayed(cell, machine(copied), telling[0])
    assert scored(found).tolist() == pytest.approx(cell.record.test_scores, rel=1e-5, abs=1e-6)
    assert "no longer has all stages of magnitude at density 0.25" in telling[1].getvalue()


@pytest.mark.long
def test_a_twin_s_file_gives_the_scores_that_are_published(commands, small, held, machine, telling, tmp_path):
    commands.harness("run", *small, "--methods", "magnitude+int8", "--store", "store", cwd=tmp_path, check=0)
    cell = held(tmp_path / "store", entry="magnitude+int8")
    found = replayed(cell, machine(tmp_path / "store"), telling[0])
    scores = OnnxSession(found.file).scores(found.splits.test.images)
    assert scores.tolist() == list(cell.record.test_scores)
    assert scored(found).tolist() != list(cell.record.test_scores)  # of the network in float
    export(found, Format.ONNX, tmp_path / "a.onnx", 1e-6, lambda _: {})
    assert (tmp_path / "a.onnx").read_bytes() == found.file
    with pytest.raises(UsageError, match="runs in onnxruntime alone"):
        load_network(tmp_path / "store", "magnitude+int8", 0.25)
    told = nameplate_of(found.file, "file")
    assert (told.bits, told.entry, told.density, told.thresholds) == (
        8,
        "magnitude+int8",
        0.25,
        found.shipped.thresholds,
    )


def test_another_network_in_the_store_is_refused(copied, held, machine, telling, monkeypatch):
    cell = held(copied)
    scores = (cell.record.test_scores[0] + 1, *cell.record.test_scores[1:])
    monkeypatch.setitem(cell.record.__dict__, "test_scores", scores)
    with pytest.raises(DataError, match="gives other test scores"):
        replayed(cell, machine(copied), telling[0])


def test_an_evicted_cell_of_another_machine_is_refused(copied, held, machine, telling, monkeypatch):
    for folder, kind in Store(copied).folders():
        if kind == "train":
            shutil.rmtree(folder)
    monkeypatch.setattr("harness.planning.hardware.environment_class", lambda _: "an abacus")
    with pytest.raises(MachineError, match="this is an abacus"):
        replayed(held(copied), machine(copied), telling[0])


def test_a_whole_cell_of_another_machine_is_taken_as_it_is(filled, held, machine, telling, monkeypatch):
    monkeypatch.setattr("harness.planning.hardware.environment_class", lambda _: "an abacus")
    assert replayed(held(filled), machine(filled), telling[0]).record.status == names.DONE


def test_threads_are_as_before(filled, held, machine, telling):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        replayed(held(filled), machine(filled), telling[0])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
