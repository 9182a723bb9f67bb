"""What refuses a node."""

import os
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness import plugins
from harness.environment import environment_class
from harness.running.executors import admission
from harness.running.executors.admission import Admission, Mark
from harness.running.executors.remote import plugins_of
from harness.running.own_code import code_digest
from harness.storage.store import Store
from harness.storage.store_format import STORE_FORMAT


@pytest.fixture
def fits(tmp_path, monkeypatch):
    monkeypatch.setattr(admission, "SEEN_S", 0.0)
    return Admission(
        code=code_digest(),
        device="cpu",
        environment=environment_class("cpu"),
        plugins={},
        weights=None,
        mark=Mark.left_in(tmp_path / "store"),
    )


def test_the_machine_that_made_the_plan_is_admitted(fits):
    assert fits.refusal() == ""
    assert replace(fits, mark=None).refusal() == ""


def test_another_code_is_refused_before_all_else(fits):
    refusal = replace(fits, code="0", environment="torch 1 / abacus", mark=None).refusal()
    assert refusal.startswith("its harness is another one")


def test_another_class_is_refused_with_both(fits):
    refusal = replace(fits, environment="torch 1 / abacus").refusal()
    assert refusal == f"it is {fits.environment!r}, the plan's class is 'torch 1 / abacus': bits would differ"


def test_a_store_of_the_same_name_that_is_another_folder_is_refused_by_name(fits, tmp_path):
    fits.mark.remove()
    assert fits.refusal() == (
        f"it does not see the store {tmp_path / 'store'} of the command: name a folder by --store that all nodes share"
    )
    (tmp_path / "store" / "temporary" / f"seen.{fits.mark.token}").write_text("another's")
    assert "does not see the store" in fits.refusal()


def test_object_storage_that_it_does_not_reach_is_refused_and_no_thread_stays(fits, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked = replace(fits, mark=None, shared=f"file://{tmp_path}/bucket")
    threads = threading.active_count()
    assert asked.refusal() == ""
    assert (tmp_path / "bucket" / "FORMAT").read_text() == STORE_FORMAT
    (tmp_path / "bucket" / "FORMAT").write_text("0")
    assert asked.refusal() == (
        f"it cannot use the store {asked.shared}: the store {asked.shared} has format 0, this version reads format 1"
    )
    assert threading.active_count() == threads
    monkeypatch.setattr(Store, "reach", lambda _: os._exit(3))
    assert asked.refusal() == f"it cannot use the store {asked.shared}: its process died over that"


def test_start_weights_that_are_not_there_are_refused(fits, tmp_path):
    file = tmp_path / "weights.pth"
    assert f"does not see the start weights {file}" in replace(fits, weights=str(file)).refusal()
    file.touch()
    assert replace(fits, weights=str(file)).refusal() == ""


def test_a_method_of_another_distribution_must_be_of_the_same_version(fits):
    asked = replace(fits, plugins={(plugins.PRUNERS, "mine"): "my-methods 1.0"})
    assert asked.refusal() == "it has 'mine' of nobody, the command has my-methods 1.0"
    ours = plugins.available(plugins.PRUNERS)["magnitude"].source
    asked = replace(fits, plugins={(plugins.PRUNERS, "magnitude"): "my-methods 1.0"})
    assert asked.refusal() == f"it has 'magnitude' of {ours}, the command has my-methods 1.0"
    assert replace(fits, plugins={(plugins.PRUNERS, "magnitude"): ours}).refusal() == ""


def test_what_a_plan_uses_of_other_distributions_is_named_and_nothing_else(monkeypatch):
    foreign = plugins.Plugin("mine", "my-methods", "1.0", None)
    ours = plugins.available(plugins.PRUNERS)
    others = {group: plugins.available(group) for group in (plugins.DATASETS, plugins.NETWORKS, plugins.LOSSES)}
    known = {plugins.PRUNERS: {**ours, "mine": foreign}, **others}
    monkeypatch.setattr(plugins, "available", known.__getitem__)
    loss = SimpleNamespace(name="plain")
    plan = SimpleNamespace(
        entries=[SimpleNamespace(method=method, loss=loss) for method in ("magnitude", "mine", "dense")],
        data=SimpleNamespace(asked=SimpleNamespace(kind="isic-sim")),
        network="small-cnn",
    )
    assert plugins_of(plan) == {(plugins.PRUNERS, "mine"): "my-methods 1.0"}
