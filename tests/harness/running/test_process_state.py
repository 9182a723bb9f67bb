"""Each kind of what decides bits, changed and put back; the black box of the cage has many more."""

import os

import numpy as np
import pytest
import torch

from harness.evaluation import figures
from harness.losses.class_dependent import ClassDependentLoss
from harness.networks.registered import INTERNAL
from harness.running.process_state import Code, deciding_state, state_changes
from harness.training import fit


def changed(change, undo):
    before = deciding_state()
    try:
        change()
        return state_changes(before, deciding_state())
    finally:
        undo()


def test_nothing_changes_by_itself_and_not_by_what_a_with_block_restores():
    before, code = deciding_state(), Code()
    with torch.no_grad(), torch.random.fork_rng(), torch.autocast("cpu", torch.bfloat16):
        torch.nn.Linear(3, 3)(torch.rand(2, 3))
    np.random.default_rng(0).random()
    INTERNAL["a plugin's own"] = INTERNAL["tiny"]
    del INTERNAL["a plugin's own"]
    assert state_changes(before, deciding_state()) == []
    assert code.changes() == []


@pytest.mark.parametrize(
    ("change", "undo", "named"),
    [
        (lambda: torch.set_default_dtype(torch.float64), lambda: torch.set_default_dtype(torch.float32), "float64"),
        (lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True), "gradient mode"),
        (lambda: torch.rand(1), lambda: None, "torch's random state"),
        (lambda: np.random.random(), lambda: None, "numpy's random state"),
        (lambda: os.environ.update(OMP_SCHEDULE="x"), lambda: os.environ.pop("OMP_SCHEDULE"), "choose kernels"),
        (lambda: torch.set_flush_denormal(True), lambda: torch.set_flush_denormal(False), "smallest numbers"),
    ],
)
def test_a_setting_that_moved_is_named(change, undo, named):
    (found,) = changed(change, undo)
    assert named in found


def test_where_and_how_files_are_written_is_looked_at(tmp_path, monkeypatch):
    before = deciding_state()
    monkeypatch.chdir(tmp_path)
    assert [change.split(" (")[0] for change in state_changes(before, deciding_state())] == ["the working directory"]
    umask = os.umask(0)
    try:
        assert any("the mode of new files" in change for change in state_changes(before, deciding_state()))
    finally:
        os.umask(umask)


@pytest.mark.parametrize(
    ("home", "name", "value"),
    [
        (fit, "fit", lambda *_: None),
        (fit, "normalise", lambda images: images),
        (figures.evaluate, "__code__", (lambda *_: {}).__code__),
        (figures.evaluate, "__defaults__", (1,)),
        (ClassDependentLoss, "__call__", lambda *_: 0),
        (torch.nn.functional, "relu", torch.abs),
        (torch.Tensor, "add_", torch.Tensor.sub_),
        (torch.nn.Conv2d, "forward", lambda *_: 0),
    ],
)
def test_code_that_was_replaced_is_named(monkeypatch, home, name, value):
    code = Code()
    with monkeypatch.context() as patch:
        patch.setattr(home, name, value)
        (found,) = code.changes()
    assert found.rpartition(".")[2] in (name, home.__name__)
    assert code.changes() == []


def test_a_registered_network_that_was_exchanged_is_named(monkeypatch):
    code = Code()
    monkeypatch.setitem(INTERNAL, "tiny", torch.nn.Module)
    assert code.changes()
    monkeypatch.delitem(INTERNAL, "tiny")
    assert code.changes()
