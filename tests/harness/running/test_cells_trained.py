"""A network that the harness trained, saved as anybody would, and brought back: the same network in every bit."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from harness.networks.factories import state_of
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import levels_of
from harness.planning.planner import Flags, build_plan
from harness.results import names
from harness.running.cells import cells, score_test
from harness.storage.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def make_plan(isic_folder, tmp_path):
    def make(*methods, store="store", **changes):
        training = {"epochs": 1, "max_steps": 0, "batch_size": 12, "learning_rate": 0.05, "precision": "float32"}
        flags = {
            "methods": list(methods),
            "weights": "kaiming",
            "parameters": {"rate": 0.5},
            "densities": [1.0, 0.5],
            "training": {**training, "device": "cpu"},
            **changes,
        }
        options = replace(load_configuration("quick", None, [], flags), network="tiny")
        return build_plan(options, Flags("quick", isic_folder, tmp_path / store))[0]

    return make


def run(plan, entry, seed=0):
    return [score_test(plan, cell) for cell in cells(plan, entry, seed, levels_of(entry, plan.densities))]


@pytest.fixture
def trained_here(make_plan, tmp_path):
    """The record of a dense network of the harness's own, and the file in which it was saved."""
    plan = make_plan("lt")
    (cell,) = cells(plan, plan.entries[0], 0, [1.0])
    torch.save({"epoch": 1, "state_dict": state_of(cell.pruned.network)}, tmp_path / "own.pt")
    save_file(state_of(cell.pruned.network), tmp_path / "own.safetensors")
    return score_test(plan, cell), tmp_path


@pytest.mark.parametrize("file", ["own.pt", "own.safetensors"])
def test_its_scores_are_those_that_it_had_and_it_takes_no_step(make_plan, trained_here, file):
    before, folder = trained_here
    plan = make_plan("lt", "class-dependent-lt", store="other", trained=True, weights=str(folder / file))
    for entry in plan.entries:
        dense = run(plan, entry)[0]
        assert dense.test_scores == before.test_scores
        assert dense.validation_scores == before.validation_scores
        assert dense.metrics[names.STEPS] == 0
        assert names.KEPT_STEP not in dense.metrics
        assert names.KEPT_STEP in before.metrics
    kinds = [kind for _, kind in Store(plan.store).folders()]
    assert kinds.count("trained") == 1
    assert kinds.count("train") == 2  # a ticket of each entry
    assert {"head", "pretrain"}.isdisjoint(kinds)


def test_of_every_seed_it_is_the_same_and_what_is_pruned_is_not(make_plan, trained_here):
    plan = make_plan("random", store="other", seeds=2, trained=True, weights=str(trained_here[1] / "own.pt"))
    (first, half), (second, other) = (run(plan, plan.entries[1], seed) for seed in plan.seeds)
    assert first.test_scores == second.test_scores
    assert half.test_scores != other.test_scores


def test_what_does_not_apply_is_skipped_with_the_reason(make_plan, trained_here):
    plan = make_plan("scratch", "mobilenet", store="other", trained=True, weights=str(trained_here[1] / "own.pt"))
    for entry in plan.entries[1:]:
        assert {record.status for record in run(plan, entry)} == {names.SKIPPED}
        assert all(record.reason for record in run(plan, entry))
