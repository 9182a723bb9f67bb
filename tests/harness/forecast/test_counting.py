"""Steps counted on a stand-in, held against what the same method takes of a real bench on a real network."""

import pytest

from harness.forecast.counting import Counter
from harness.forecast.dry_bench import drawn
from harness.networks.architecture import Architecture
from harness.planning.entries import entry_of
from harness.planning.pruners import borrowed
from harness.pruning.meter import Meter
from harness.training.schedule import Schedule

P, N = 16, 32
STEPS = 12
METHODS = [
    ("dense", {}),
    ("lt", {"rate": 0.75}),
    ("class-dependent-lt", {"rate": 0.75}),
    ("magnitude", {"retrain": "finetune"}),
    ("snip-retrain", {}),
    ("l-obs", {}),
    ("structured-magnitude", {}),
    ("scratch", {"of": "lt[rate=0.75]"}),
    ("magnitude-layerwise", {"of": "snip"}),
]


def counted(plan, entry):
    return Counter(plan, P, N).work(entry)


def kinds(work, kind):
    return [[piece for piece in level if piece.cost.kind == kind] for level in work.levels]


@pytest.mark.parametrize(("name", "values"), METHODS)
def test_a_method_takes_the_steps_that_were_counted_level_by_level(make_plan, make_bench, name, values):
    plan = make_plan((name, values), network="small-cnn")
    entry = plan.entries[-1]
    densities = (1.0,) if name == "dense" else plan.densities
    meter = Meter()
    bench = make_bench(
        entry.loss.name,
        schedule=Schedule(epochs=2, batch_size=8, precision="float32"),
        initial=drawn(Architecture("small-cnn")),
        meter=meter,
        lend=borrowed,
    )
    taken, before = [], 0
    for _ in entry.pruner().prune(bench, densities):
        taken.append(meter.steps - before)
        before = meter.steps
    work = counted(plan, entry)
    assert work.unknown == ""
    lent = STEPS * 2 if name == "scratch" else 0  # what it borrows from trains too, at another's cost
    other = STEPS if entry.loss.name != "plain" else 0  # the plain dense network, which scores are judged beside
    assert sum(piece.steps for piece in work.pieces) == sum(taken) + lent + other
    if not lent and not other:
        assert [sum(piece.steps for piece in level) for level in work.levels] == taken


def test_the_dense_network_is_one_piece_for_all_and_masks_are_each_method_s_own(make_plan):
    plan = make_plan(("lt", {}), ("magnitude", {"retrain": "rewind-weights"}), ("magnitude", {"retrain": "finetune"}))
    found = [counted(plan, entry) for entry in plan.entries]
    first = [work.levels[0][0].id for work in found]
    assert len(set(first)) == 1
    others = [{piece.id for level in work.levels[1:] for piece in level} for work in found[1:]]
    assert not any(one & two for place, one in enumerate(others) for two in others[place + 1 :])


def test_a_computation_is_a_piece_once_for_all_levels(make_plan):
    plan = make_plan(("snip", {"retrain": "none"}))
    found = kinds(counted(plan, plan.entries[-1]), "compute")
    assert [len(level) for level in found] == [0, 1, 0]
    assert found[1][0].cost.what.endswith("connection_sensitivity")


def test_a_step_of_a_network_without_channels_costs_less_the_more_are_gone(make_plan):
    plan = make_plan(("structured-magnitude", {}), network="small-cnn")
    whole, quarter, sixteenth = (
        sum(piece.units for piece in level) for level in counted(plan, plan.entries[-1]).levels
    )
    assert whole == STEPS
    assert pytest.approx(quarter, rel=0.02) == STEPS * (0.15 + 0.85 * 0.5)
    assert pytest.approx(sixteenth, rel=0.02) == STEPS * (0.15 + 0.85 * 0.25)


def test_parts_of_a_schedule_and_other_lengths_are_counted_as_they_are_trained(make_plan):
    plan = make_plan(("magnitude", {}), max_steps=10)
    assert [sum(p.steps for p in level) for level in counted(plan, plan.entries[-1]).levels] == [10, 10, 10]


def test_a_method_that_fails_is_not_counted_and_one_that_does_not_apply_costs_nothing(make_plan, monkeypatch):
    plan = make_plan(("magnitude", {}), ("lt", {"variant": "released-code"}))
    assert counted(plan, plan.entries[-1]).levels == ()  # the tiny network has norms
    assert counted(plan, plan.entries[-1]).unknown == ""
    monkeypatch.setattr("harness.methods.magnitude.Magnitude.begun", lambda *_: 1 / 0)
    assert "ZeroDivisionError" not in counted(plan, entry_of("random", {})).unknown
    assert [len(level) for level in counted(plan, plan.entries[1]).levels] == [1, 0, 0]


def test_a_network_of_the_method_s_own_is_chosen_by_the_planned_network_s_size(make_plan):
    plan = make_plan(("mobilenet", {}), network="small-cnn", densities=(1.0, 0.25))
    counter = Counter(plan, P, N)
    found = counter.work(plan.entries[-1])
    assert [[piece.steps for piece in level] for level in found.levels] == [[STEPS, STEPS], [STEPS]]
    assert len(counter.architectures) == 2
    assert all(name.startswith("mobilenet-v1[width=") for name in counter.architectures)


def test_of_a_network_that_was_trained_elsewhere_the_dense_training_is_not_counted(make_plan):
    methods = [("lt", {"criterion": "magnitude", "rate": 0.75}), ("magnitude", {}), ("scratch", {}), ("lt", {})]
    plan = make_plan(*methods, network="small-cnn", weights="trained:0123456789abcdef")
    found = [counted(plan, entry) for entry in plan.entries]
    steps = [[sum(piece.steps for piece in level) for level in work.levels] for work in found]
    assert steps == [[0], [0, STEPS, STEPS], [0, STEPS, STEPS], [], []]  # the last two are skipped
    assert not any(work.unknown for work in found)
