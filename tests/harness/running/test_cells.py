import errno
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import torch

from harness import plugins
from harness.data.loading import test_split as read_test_split
from harness.errors import MachineError, StoreError
from harness.evaluation.terms import Terms
from harness.networks.factories import copy_of
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import levels_of
from harness.planning.planner import Flags, build_plan
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.pruning.workbench import TrainingDiverged, Workbench
from harness.running import cells as cells_module
from harness.running.cage import Cage
from harness.running.cells import cells, score_test
from harness.sparsity.mask import Mask
from harness.storage import checkpoint as checkpoint_module
from harness.storage.store import Store
from harness.training import logistic_regression

pytestmark = pytest.mark.slow


@pytest.fixture
def make_plan(isic_folder, tmp_path):
    def make(*methods, **changes):
        training = {"epochs": 1, "max_steps": 0, "batch_size": 12, "learning_rate": 0.05, "precision": "float32"}
        flags = {
            "methods": list(methods),
            "weights": "kaiming",
            "parameters": {"rate": 0.5},
            "densities": [1.0, 0.5, 0.25],
            "training": {**training, "device": "cpu"},
            **changes,
        }
        options = replace(load_configuration("quick", None, [], flags), network="tiny")
        plan, _ = build_plan(options, Flags("quick", isic_folder, tmp_path / "cell-store"))
        return plan

    return make


def run(plan, entry, seed=0, densities=None):
    return list(cells(plan, entry, seed, densities or levels_of(entry, plan.densities), Store(plan.store)))


@dataclass(frozen=True, kw_only=True)
class Bad(Pruner):
    """Does what ``fault`` says at density 0.5."""

    source = "test"
    fault: str = "raise"
    factor: float = 1.0

    def prune(self, bench, densities) -> Iterator[PrunedNetwork]:
        for density in densities:
            network = copy_of(bench.dense())
            if density == 1:
                yield PrunedNetwork(network)
            elif self.fault == "raise":
                raise RuntimeError("the method broke")
            elif self.fault == "short":
                return
            elif self.fault == "revive":
                yield PrunedNetwork(network, Mask({"features.conv2.weight": torch.zeros(16, 8, 3, 3) > 0}, 100))
            elif self.fault == "nothing":
                yield None
            elif self.fault == "dictionary":
                yield PrunedNetwork(network, {"features.conv1.weight": None})
            elif self.fault == "memory":
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")
            elif self.fault == "machine":
                raise MachineError("no disk, it says")
            elif self.fault == "gradients":
                torch.set_grad_enabled(False)
                yield PrunedNetwork(network)
            elif self.fault == "split":
                images = bench._train.images
                bench._train = replace(bench._train, images=replace(images, rows=torch.zeros_like(images.rows)))
                yield PrunedNetwork(network)
            elif self.fault == "constant":
                with torch.no_grad():
                    network.head[1].weight.zero_()
                yield PrunedNetwork(network)
            elif self.fault == "faint":
                with torch.no_grad():
                    network.head[1].weight *= self.factor
                yield PrunedNetwork(network)


@dataclass(frozen=True, kw_only=True)
class BadAlone(Bad):
    level_order = "independent"

    def prune(self, bench, densities):
        for density in densities:
            if density == 0.5:
                raise RuntimeError("the method broke")
            yield PrunedNetwork(bench.dense())


@dataclass(frozen=True, kw_only=True)
class Declines(Bad):
    def skip(self, network):
        return "it has no taste for this network"


@pytest.fixture
def bad(monkeypatch):
    kinds = {"bad": Bad, "bad-alone": BadAlone, "declines": Declines}
    known, available, ours = plugins.load, plugins.available, plugins.available(plugins.PRUNERS)["lt"]
    monkeypatch.setattr(plugins, "load", lambda group, name: kinds.get(name) or known(group, name))
    monkeypatch.setattr(plugins, "available", lambda group: {**available(group), **dict.fromkeys(kinds, ours)})


def test_one_cell_per_density_densest_first(make_plan):
    plan = make_plan("lt")
    found = run(plan, plan.entries[2])
    assert [(cell.density, cell.status) for cell in found] == [(1.0, "done"), (0.5, "done"), (0.25, "done")]
    assert found[1].metrics["size/density"] == pytest.approx(0.5, abs=1e-3)
    assert [cell.metrics["cost/steps"] for cell in found] == [3, 6, 9]


def test_asking_for_fewer_densities_leaves_the_others_bits_alone(make_plan):
    plan = make_plan("lt", "random", "snip[images=16]")
    for entry in plan.entries[2:]:
        whole = {cell.density: cell.validation_scores for cell in run(plan, entry)}
        for fewer in ([1.0, 0.25], [0.5]):
            part = {cell.density: cell.validation_scores for cell in run(plan, entry, densities=fewer)}
            assert part == {density: whole[density] for density in fewer}


def test_the_dense_network_is_trained_once_for_all(make_plan):
    plan = make_plan("lt", "random", "snip[images=16]")
    for entry in plan.entries:
        run(plan, entry)
    kinds = [kind for _, kind in Store(plan.store).folders()]
    # dense; two lottery rounds; two random masks
    assert kinds.count("train") == 5


def test_what_the_plan_knows_to_be_unusable_fails_with_its_reason_and_is_not_tried(make_plan):
    plan = replace(make_plan("magnitude"), unusable={"magnitude": "it cannot be imported"})
    found = run(plan, plan.entries[2])
    assert [(cell.status, cell.reason) for cell in found] == [("failed", "it cannot be imported")] * 3
    assert list(Store(plan.store).folders()) == []


def test_a_method_that_breaks_loses_its_later_levels_only(make_plan, bad):
    plan = make_plan("bad")
    found = run(plan, plan.entries[2])
    assert [cell.status for cell in found] == ["done", "failed", "failed"]
    assert "the method broke" in found[1].reason
    assert "RuntimeError" in found[1].detail


def test_an_independent_method_loses_the_broken_level_only(make_plan, bad):
    plan = make_plan("bad-alone")
    found = run(plan, plan.entries[2], densities=[1.0, 0.5, 1.0])
    assert [cell.status for cell in found] == ["done", "failed", "done"]


def test_a_method_that_stops_early_or_revives_weights_fails(make_plan, bad):
    plan = make_plan("bad[fault=short]", "bad[fault=revive]")
    short, revived = (run(plan, entry)[1] for entry in plan.entries[2:])
    assert (short.status, revived.status) == ("failed", "failed")
    assert "no network for density 0.5" in short.reason
    assert "not zero" in revived.reason


def test_whatever_a_method_yields_costs_its_own_cells_only(make_plan, bad):
    plan = make_plan("bad[fault=nothing]", "bad[fault=dictionary]")
    for entry in plan.entries[2:]:
        assert [cell.status for cell in run(plan, entry)][:2] == ["done", "failed"]


def test_a_method_that_is_no_generator_or_whose_skip_breaks_fails_alone(make_plan, bad, monkeypatch):
    def broken(*_):
        raise ValueError("broken at once")

    plan = make_plan("bad")
    with monkeypatch.context() as patch:
        patch.setattr(Bad, "prune", broken)
        assert {cell.status for cell in run(plan, plan.entries[2])} == {"failed"}
    monkeypatch.setattr(Bad, "skip", broken)
    assert {cell.reason for cell in run(plan, plan.entries[2])} == {"ValueError: broken at once"}


@pytest.mark.parametrize(("fault", "words"), [("memory", "can't allocate memory"), ("machine", "no disk, it says")])
def test_an_error_of_the_machine_that_a_method_raises_is_its_own(make_plan, bad, fault, words):
    plan = make_plan(f"bad[fault={fault}]")
    found = run(plan, plan.entries[2])
    assert [cell.status for cell in found] == ["done", "failed", "failed"]
    assert words in found[1].reason


def test_an_error_of_the_store_ends_the_run_also_where_the_method_meets_it(make_plan, bad, monkeypatch):
    plan = make_plan("random")
    run(plan, plan.entries[0])

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(checkpoint_module, "write_stage", full)
    with pytest.raises(StoreError, match="No space left"):
        run(plan, plan.entries[2], densities=[0.5])


def test_a_method_that_changes_its_process_keeps_nothing(make_plan, bad):
    """Beside an honest one in one process: the check is given by whoever runs cells, as a worker does."""
    plan = make_plan("bad[fault=gradients]", "bad[fault=split]")
    for entry, what in zip(plan.entries[2:], ("torch's gradient mode", "_train of its bench"), strict=True):
        store = Store(plan.store, checks=[Cage().check])
        first, *later = cells(plan, entry, 0, [1.0, 0.5, 0.25], store)
        kept = sorted(folder for folder, _ in store.folders())
        torch.set_grad_enabled(True)
        assert first.status == "done"
        assert all(cell.status == "failed" and f"the method changed {what}" in cell.reason for cell in later)
        assert sorted(folder for folder, _ in store.folders()) == kept


def test_an_independent_level_costs_what_it_costs_alone(make_plan):
    plan = make_plan("magnitude", "random")
    assert [cell.metrics["cost/steps"] for cell in run(plan, plan.entries[2])] == [3, 6, 6]
    assert [cell.metrics["cost/steps"] for cell in run(plan, plan.entries[3])] == [3, 3, 3]  # it needs no dense network


def test_a_loss_of_the_users_own_is_trained_with_its_numbers(make_plan):
    own = {"mild": {"gamma": 2.0, "gamma_after": "effective-number(0.99)", "lambda_": 0.5}}
    plan = make_plan("lt[loss=mild]", "lt", losses=own)
    mild, plain = plan.entries[2:]
    assert (mild.text, plain.text) == ("lt[loss=mild]", "lt")
    first, later = mild.loss.resolve(0, 10, 40), mild.loss.resolve(1, 10, 40)
    assert (first.gamma, first.lambda_) == (2.0, 0.5)
    assert later.gamma == pytest.approx((1 - 0.99**40) / (1 - 0.99**10))
    assert run(plan, mild)[0].validation_scores != run(plan, plain)[0].validation_scores


def test_the_references_are_in_every_run_and_only_once(make_plan):
    plan = make_plan("dense", "probe", "lt")
    assert [entry.text for entry in plan.entries] == ["dense", "probe", "lt"]
    assert plan.cell_count == len(plan.seeds) * (2 + 3)  # the references at one level, the ticket at three


def test_the_probe_trains_nothing_not_even_the_dense_network(make_plan):
    """So that a worker runs it while another trains; and it takes no collapse from a scale that is not its own."""
    plan = make_plan("lt")
    (cell,) = run(plan, plan.entries[1])
    assert (cell.status, cell.metrics["cost/steps"], cell.metrics["flag/collapsed"]) == ("done", 0, 0)
    kinds = sorted(kind for _, kind in Store(plan.store).folders())
    assert kinds == ["head", "images", "probe", "score", "thresholds"]
    record = score_test(plan, cell)
    assert 0 <= record.metrics["test/auc"] <= 1


def test_a_probe_that_cannot_be_fitted_is_a_cell_that_says_so(make_plan, monkeypatch):
    monkeypatch.setattr(logistic_regression, "ITERATIONS", 0)
    plan = make_plan("lt")
    (cell,) = run(plan, plan.entries[1])
    assert cell.status == "diverged"
    assert "no logistic regression on the features of the start weights converged" in cell.reason


def test_constant_scores_are_flagged_collapsed(make_plan, bad):
    plan = make_plan("bad[fault=constant]", densities=[1.0, 0.9999])
    dense, constant = run(plan, plan.entries[2], densities=[1.0, 0.9999])
    assert constant.metrics["flag/collapsed"] == 1.0
    assert dense.metrics["flag/collapsed"] == 0.0
    assert constant.metrics["validation/auc"] == 0.5


@pytest.mark.parametrize(("factor", "collapsed"), [(0.0099, 1.0), (0.0101, 0.0)])
def test_scores_collapse_below_a_hundredth_of_the_dense_networks_spread(make_plan, bad, factor, collapsed):
    plan = make_plan(f"bad[fault=faint,factor={factor}]", densities=[1.0, 0.9999])
    dense, faint = run(plan, plan.entries[2], densities=[1.0, 0.9999])
    assert faint.metrics["validation/sd"] == pytest.approx(factor * dense.metrics["validation/sd"], rel=1e-4)
    assert (dense.metrics["flag/collapsed"], faint.metrics["flag/collapsed"]) == (0.0, collapsed)


def test_the_spread_is_judged_beside_the_dense_network_of_the_plain_loss(make_plan, bad):
    """Whatever loss the entry has: a factor between the two judgements tells them apart."""
    trial = make_plan("bad[loss=green]", densities=[1.0])
    dense, _, bad = trial.entries
    plain, own = (run(trial, entry, densities=[1.0])[0].metrics["validation/sd"] for entry in (dense, bad))
    assert own != pytest.approx(plain, rel=0.05)
    factor = 0.01 * (plain / own) ** 0.5  # within a hundredth of one and not of the other
    plan = make_plan(f"bad[fault=faint,factor={factor},loss=green]", densities=[1.0, 0.9999])
    _, faint = run(plan, plan.entries[2], densities=[1.0, 0.9999])
    assert faint.metrics["flag/collapsed"] == float(factor * own < 0.01 * plain) != float(factor < 0.01)


def test_beside_a_plain_dense_network_that_diverged_scores_collapse_where_they_do_not_move(make_plan, bad, monkeypatch):
    levels = {"densities": [1.0, 0.9999]}
    faint, constant = "bad[fault=faint,factor=0.001,loss=green]", "bad[fault=constant,loss=green]"

    def collapsed(plan):
        return [[cell.metrics["flag/collapsed"] for cell in run(plan, entry, **levels)] for entry in plan.entries[2:]]

    plan = make_plan(faint, constant, **levels)
    assert collapsed(plan) == [[0.0, 1.0], [0.0, 1.0]]
    dense = Workbench.dense

    def diverging(bench):
        if bench._method == "dense":  # the bench of the reference alone
            raise TrainingDiverged("training diverged after 2 steps")
        return dense(bench)

    monkeypatch.setattr(Workbench, "dense", diverging)
    assert collapsed(plan) == [[0.0, 0.0], [0.0, 1.0]]
    assert {cell.status for cell in run(plan, plan.entries[0], densities=[1.0])} == {"diverged"}


class NotingStore(Store):
    """Notes which trainings it was asked for."""

    def run(self, kind, inputs, compute):
        stage = super().run(kind, inputs, compute)
        if kind == "train":
            trained.add(stage.key)
        return stage


trained: set[str] = set()


@pytest.mark.parametrize("known", [False, True], ids=["trained for it", "of the run"])
def test_the_dense_network_that_a_cell_is_judged_beside_is_none_of_its_costs(make_plan, known):
    trained.clear()
    plan = make_plan("class-dependent-lt", densities=[1.0, 0.5])
    if known:
        run(plan, plan.entries[0], densities=[1.0])
    found = list(cells(plan, plan.entries[2], 0, [1.0, 0.5], NotingStore(plan.store)))
    assert [cell.metrics["cost/steps"] for cell in found] == [3, 6]
    assert [cell.metrics["kept/step"] for cell in found] == [3, 3]
    store = Store(plan.store)
    everything = {folder.name for folder, kind in store.folders() if kind == "train"}
    assert (len(everything), len(trained)) == (3, 2)  # the third is the reference's, which a trial's store is not asked
    own = [store.find(key) for key in trained]
    for cost in ("seconds", "processor_seconds"):
        assert found[1].metrics[f"cost/{cost}"] == pytest.approx(sum(getattr(stage, cost) for stage in own))


def test_a_cell_tells_what_was_kept_and_what_it_took(make_plan):
    plan = make_plan("lt", "snip[images=16]", densities=[1.0, 0.5])
    _, pruned = run(plan, plan.entries[2], densities=[1.0, 0.5])
    names = ("cost/steps", "kept/step", "kept/epoch")
    assert [pruned.metrics[name] for name in names] == [6, 3, 1]  # dense and a round of 3 steps; the round's own end
    _, snip = run(plan, plan.entries[3], densities=[1.0, 0.5])
    assert [snip.metrics[name] for name in names] == [3, 3, 1]
    spent = [stage_costs(plan, kind) for kind in ("train", "compute")]
    assert snip.metrics["cost/processor_seconds"] <= sum(map(sum, spent)) + 1e-9
    assert snip.metrics["cost/processor_seconds"] > 0


def stage_costs(plan, wanted):
    store = Store(plan.store)
    return [store.find(folder.name).processor_seconds for folder, kind in store.folders() if kind == wanted]


def test_what_a_plan_keeps_is_what_its_cells_tell(make_plan):
    training = {"epochs": 4, "batch_size": 12, "learning_rate": 0.05, "precision": "float32", "device": "cpu"}
    for keep in ("last", "best"):
        plan = make_plan("lt", training={**training, "keep": keep, "max_steps": 0}, densities=[1.0])
        (cell,) = run(plan, plan.entries[0])
        epoch, step = cell.metrics["kept/epoch"], cell.metrics["kept/step"]
        assert step == 3 * epoch
        assert cell.metrics["cost/steps"] == 12
        assert step == 12 if keep == "last" else step <= 12


def test_a_method_that_declines_is_skipped_in_one_sentence(make_plan, bad):
    plan = make_plan("declines")
    assert {(cell.status, cell.reason) for cell in run(plan, plan.entries[2])} == {
        ("skipped", "it has no taste for this network")
    }


def test_cells_never_read_the_test_split(make_plan, monkeypatch):
    """Nothing asks for the test images while a method runs."""
    plan = make_plan("lt")

    def forbidden(*_):
        raise AssertionError("the test split was read")

    read_test_split.cache_clear()
    monkeypatch.setattr(cells_module, "test_split", forbidden)
    assert run(plan, plan.entries[2])[0].status == "done"
    kinds = [kind for _, kind in Store(plan.store).folders()]
    assert kinds.count("images") == 1


def test_the_test_split_is_scored_at_thresholds_that_validation_stored(make_plan):
    plan = make_plan("lt")
    store = Store(plan.store)
    cell = run(plan, plan.entries[2])[1]
    record = score_test(plan, cell, store)
    split = read_test_split(plan.data, plan.store)
    for name, threshold in cell.thresholds.items():
        images = zip(record.test_scores, split.labels.tolist(), strict=True)
        missed = sum(1 for score, label in images if label == 1 and not score > threshold.value)
        assert record.metrics[f"test/fn/{name}"] == missed
    kept = [s for s, y in zip(cell.validation_scores, plan_validation_labels(plan), strict=True) if y == 1]
    assert sum(s > cell.thresholds["sens95"].value for s in kept) >= 0.95 * len(kept)
    assert any(kind == "thresholds" for _, kind in store.folders())


def test_a_cell_is_judged_by_the_runs_own_terms_and_trained_as_without_them(make_plan):
    """Of one network, trained once: the terms change the cut deployed and what is counted by them, nothing else."""
    usual = make_plan("lt", densities=[1.0])
    strict = replace(usual, verdict=Terms(fpr=0.7, sensitivity=0.4, cost_ratio=1))
    store = Store(usual.store)
    one, other = (score_test(plan, run(plan, plan.entries[0])[0], store).metrics for plan in (usual, strict))
    assert sum(kind == "train" for _, kind in store.folders()) == 1
    changed = {name.partition("/")[2] for name in one if one[name] != other[name] and not name.startswith("cost/")}
    assert changed <= {"sensitivity", "net_benefit", "deployed", "deployed/confidence"} | {
        f"{count}/deployed" for count in ("fn", "fp", "accuracy")
    }
    labels = plan_validation_labels(usual)
    kept = {
        plan: (1 - cell["validation/fn/deployed"] / sum(labels)) for plan, cell in (("usual", one), ("strict", other))
    }
    assert kept["usual"] >= 0.9 > kept["strict"] >= 0.4
    assert one["test/net_benefit"] != other["test/net_benefit"]
    assert one["validation/sensitivity"] < other["validation/sensitivity"]


def plan_validation_labels(plan):
    from harness.data.loading import training_splits

    return training_splits(plan.data, plan.store, 0)[1].labels.tolist()


@pytest.mark.parametrize("method", ["lt", "magnitude", "mobilenet"])
def test_a_level_that_no_network_of_the_method_reaches_is_skipped_with_the_reason(make_plan, method):
    plan = make_plan(method, densities=[1.0, 0.5, 0.01])
    found = run(plan, plan.entries[2])
    assert found[-1].status == "skipped"
    assert "parameters" in found[-1].reason
    if method != "mobilenet":  # which is not that small
        assert [cell.status for cell in found[:-1]] == ["done", "done"]
