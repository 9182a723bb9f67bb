"""What is tuned of a plan, all that forbids it, and when two commands work on one study."""

from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.losses.class_dependent import ClassDependent
from harness.planning.configuration_file import load_configuration
from harness.planning.planner import Flags, build_plan
from harness.planning.tuning_options import Range, TuningOptions
from harness.tuning.objective import Objective
from harness.tuning.search import searches, spaces
from harness.tuning.spaces import SCHEDULE_SPACES

pytestmark = pytest.mark.slow


@pytest.fixture
def make_plan(isic_folder, tmp_path):
    def make(*methods, **changes):
        flags = {
            "methods": list(methods),
            "weights": "kaiming",
            "densities": [1.0, 0.5, 0.25],
            "training": {
                "epochs": 1,
                "batch_size": 12,
                "optimiser": "sgd",
                "learning_rate": 0.05,
                "weight_decay": 0.0,
                "device": "cpu",
                "precision": "float32",
            },
            "parameters": {"rate": 0.5},
            **changes,
        }
        options = replace(load_configuration("quick", None, [], flags), network="tiny")
        plan, _ = build_plan(options, Flags("quick", isic_folder, tmp_path / "store"))
        return plan

    return make


def options(**space):
    ranges = {method: {name: Range(**one) for name, one in own.items()} for method, own in space.items()}
    return TuningOptions(space=ranges)


def refused(plan, tuning=TuningOptions(), losses=None):  # noqa: B008
    with pytest.raises(UsageError, match="this cannot be tuned") as caught:
        spaces(plan, tuning, losses or {})
    return caught.value.faults


# --- what is searched


def test_of_a_network_that_was_trained_elsewhere_no_schedule_is_searched(make_plan):
    plan = replace(make_plan("lt[criterion=magnitude]", "scratch[of=snip]"), weights="trained:0123456789abcdef")
    found, notes = spaces(plan, TuningOptions(), {})
    assert [*found] == ["lt[criterion=magnitude]"]
    assert "dense is not tuned: it was trained elsewhere, so that the schedule stays as it is" in notes
    assert any(note.startswith("scratch[of=snip] is not tuned: W0 is a trained network") for note in notes)


def test_every_entry_with_something_to_tune_has_a_space_and_the_others_a_note(make_plan, plugged_in):
    plan = make_plan("lt", "mobilenet", "plugged-in", "lt[rate=0.25]")
    found, notes = spaces(plan, TuningOptions(), {})
    assert list(found) == ["dense", "lt", "lt[rate=0.25]"]
    assert found["dense"] == SCHEDULE_SPACES["sgd"]
    assert notes == [
        "mobilenet has no search space: it runs its default",
        "plugged-in is not tuned: it does not prune TinyNetwork",
    ]


def test_a_variant_that_skips_the_network_is_noted_and_its_range_never_asked_for(make_plan):
    plan = make_plan("lt[variant=released-code,rate=0.9]", "lt")  # 0.9 is out of the range, were it tuned
    found, notes = spaces(plan, TuningOptions(), {})
    assert list(found) == ["dense", "lt"]
    (note,) = notes
    assert note.startswith("lt[rate=0.9,variant=released-code] is not tuned: the released code has no rule")


def test_a_written_space_is_that_of_every_entry_of_its_method(make_plan):
    plan = make_plan("lt", "lt[scope=global]", "random")
    usual, _ = spaces(plan, TuningOptions(), {})
    found, _ = spaces(plan, options(lt={"rate": {"low": 0.4, "high": 0.6}}), {})
    assert {text for text in found if found[text] != usual[text]} == {"lt", "lt[scope=global]"}
    assert found["lt"] == found["lt[scope=global]"] != usual["lt"]


def test_losses_of_the_users_own_are_searched(make_plan):
    losses = {"mine": {"gamma": 2.0}}
    plan = make_plan("lt[loss=mine]", losses=losses)
    found, _ = spaces(plan, TuningOptions(), {"mine": ClassDependent("mine", 2.0)})
    assert found["lt[loss=mine]"].keys() == {"rate", "criterion", "gamma"}


# --- what forbids it


@pytest.mark.parametrize("method", ["snap", "snip", "l*", "lt[rate=0.25]"])
def test_a_space_for_a_method_that_is_not_there_is_refused(make_plan, method):
    (fault,) = refused(make_plan("lt"), options(**{method: {"rate": {"low": 0.4, "high": 0.6}}}))
    assert fault.startswith(f"tuning.space.{method}: no entry of this command is of that method")


def test_the_probe_is_tuned_by_no_study_and_not_named_as_one_that_is_not(make_plan):
    found, notes = spaces(make_plan("lt"), TuningOptions(), {})
    assert (list(found), notes) == (["dense", "lt"], [])
    (fault,) = refused(make_plan("lt"), options(probe={"rate": {"low": 0.4, "high": 0.6}}))
    assert fault == "tuning.space.probe: no entry of this command is of that method"


def test_a_space_for_the_dense_network_is_always_known(make_plan):
    found, _ = spaces(make_plan("lt"), options(dense={"weight_decay": {"low": 0, "high": 0.1}}), {})
    assert list(found["dense"]) == ["weight_decay"]


@pytest.mark.parametrize(
    ("own", "part"),
    [
        ({}, "tuning.space.lt is empty"),
        ({"rate": {"low": 0.5, "high": 0.5}}, "rate has a single value"),
        ({"rate": {"low": 0.6, "high": 0.8}}, "the default, rate = 0.5"),
        ({"rate": {"low": 0.0, "high": 0.8}}, "rate = 0.0: "),
        ({"rate": {"low": 0.2, "high": 1.0}}, "rate = 1.0: "),
        ({"rates": {"low": 0.2, "high": 0.8}}, "tuning.space.lt.rates: no such parameter (did you mean 'rate'?)"),
    ],
)
def test_a_space_that_cannot_be_used_is_refused(make_plan, own, part):
    (fault,) = refused(make_plan("lt", "random"), options(lt=own))
    assert part in fault


def test_seeds_of_the_run_are_not_for_tuning(make_plan):
    plan = make_plan("lt", seeds=[3, 5, 4])
    (fault,) = refused(plan, TuningOptions(seeds=(9, 5, 3)))
    assert fault == "seeds 3, 5 are for tuning and for the run: results would be flattered"
    assert spaces(plan, TuningOptions(seeds=(9, 2)), {})


def test_all_that_forbids_tuning_is_listed_at_once(make_plan):
    plan = make_plan("lt[rate=0.9]", "random", "snip", seeds=[1])
    ranges = {
        "snip": {"images": {"low": 0, "high": 1024}},
        "snap": {"images": {"low": 1, "high": 2}},
        "dense": {"epochs": {"low": 1, "high": 2}},
    }
    faults = refused(plan, replace(options(**ranges), seeds=(1,)))
    starts = [
        "tuning.space.snap: ",
        "the search space of dense ",
        "the search space of lt[rate=0.9] ",
        "the search space of snip ",
        "seeds 1 ",
    ]
    assert len(faults) == len(starts)
    assert all(fault.startswith(start) for fault, start in zip(faults, starts, strict=True))


# --- studies


def searched(plan, tuning=TuningOptions(), *, dense=False):  # noqa: B008
    found, _ = spaces(plan, tuning, {})
    return searches(plan, tuning, {}, found, dense=dense)


def names(plan, tuning=TuningOptions()):  # noqa: B008
    return {
        one.entry.text: one.definition.name for one in [*searched(plan, tuning, dense=True), *searched(plan, tuning)]
    }


def test_the_dense_network_is_one_phase_and_all_others_another(make_plan):
    plan = make_plan("lt", "mobilenet", "class-dependent-lt[gamma=3]")
    assert [one.entry.text for one in searched(plan, dense=True)] == ["dense"]
    rest = searched(plan)
    assert [one.entry.text for one in rest] == ["lt", "class-dependent-lt[gamma=3.0]"]
    assert [dict(one.definition.default) for one in rest] == [
        {"rate": 0.5, "criterion": "magnitude-increase"},
        {"rate": 0.5, "criterion": "magnitude-increase", "gamma": 3.0, "lambda": 5.0},
    ]
    assert dict(searched(plan, dense=True)[0].definition.default) == {"learning_rate": 0.05, "weight_decay": 0.0}


def test_a_study_says_what_it_is_of(make_plan):
    (one,) = searched(make_plan("lt"), TuningOptions(study="first"))
    assert one.definition.name.startswith("first: isic lt ")
    assert one.definition.facts.items() >= {"entry": "lt", "data set": "isic"}.items()


@pytest.mark.parametrize(
    ("name", "objective"), [("auc", Objective(name="auc")), ("fnr", Objective(name="fnr", fpr_bound=0.3))]
)
def test_the_bound_belongs_to_the_fnr_alone(make_plan, name, objective):
    (one,) = searched(make_plan("lt"), TuningOptions(objective=name, fpr_bound=0.3))
    assert one.definition.objective == objective


def test_a_trial_is_the_plan_with_its_values(make_plan):
    plan = make_plan("lt")
    (one,) = searched(plan)
    changed, candidate = one.planned({"rate": 0.25})
    assert (changed, candidate.entry.text) == (plan, "lt[rate=0.25]")
    (dense,) = searched(plan, dense=True)
    changed, candidate = dense.planned({"learning_rate": 0.1})
    assert changed == replace(plan, training=replace(plan.training, learning_rate=0.1))
    assert candidate.entry == plan.entries[0]
    with pytest.raises(UsageError):
        one.planned({"rate": 2.0})


def test_commands_that_would_train_the_same_work_on_one_study(make_plan, tmp_path):
    plan = make_plan("lt", "random")
    before = names(plan)
    assert len({*before.values()}) == 3
    assert names(plan) == before
    assert names(replace(plan, jobs=7)) == before
    assert names(replace(plan, store=tmp_path / "another store")) == before
    assert names(replace(plan, preset="standard")) == before
    assert names(replace(plan, seeds=(11, 12))) == before
    assert names(plan, TuningOptions(trials=99)) == before
    fewer = names(make_plan("lt"))
    assert fewer.items() <= before.items()


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "another machine"},
        {"weights": "simulated"},
        {"network": "alexnet-bn"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_plan_is_another_study_of_every_entry(make_plan, changes):
    plan = make_plan("lt", "random")
    assert not {*names(plan).values()} & {*names(replace(plan, **changes)).values()}


def test_other_levels_are_another_study_of_every_entry_but_the_dense_network(make_plan):
    plan = make_plan("lt", "random")
    before, after = names(plan), names(replace(plan, densities=(1.0, 0.5)))
    assert {text for text in before if before[text] == after[text]} == {"dense"}


@pytest.mark.parametrize("changes", [{"learning_rate": 0.1}, {"epochs": 2}, {"max_steps": 5}, {"clip": 1.0}])
def test_another_schedule_is_another_study_of_every_entry(make_plan, changes):
    plan = make_plan("lt", "random")
    other = replace(plan, training=replace(plan.training, **changes))
    assert not {*names(plan).values()} & {*names(other).values()}


@pytest.mark.parametrize("tuning", [TuningOptions(seeds=(7,)), TuningOptions(study="second")], ids=["seeds", "name"])
def test_other_tuning_seeds_or_another_name_are_another_study_of_every_entry(make_plan, tuning):
    plan = make_plan("lt", "random")
    assert not {*names(plan).values()} & {*names(plan, tuning).values()}


def test_another_entry_is_another_study(make_plan):
    plan = make_plan("class-dependent-lt", "class-dependent-lt[gamma=3]", "class-dependent-lt[rate=0.25]", "lt")
    found = names(plan)
    assert len({*found.values()}) == len(found) == 5
    assert len({name.rpartition(" ")[2] for name in found.values()}) == 5


def test_an_own_loss_with_other_weights_is_another_study(make_plan):
    """Its text is the same: only what it trains with differs."""
    before, after = (make_plan("lt[loss=mine]", losses={"mine": {"gamma": gamma}}) for gamma in (2.0, 3.0))
    assert before.entries[2].text == after.entries[2].text == "lt[loss=mine]"

    def name(plan, gamma):
        losses = {"mine": ClassDependent("mine", gamma)}
        found, _ = spaces(plan, TuningOptions(), losses)
        (one,) = searches(plan, TuningOptions(), losses, found, dense=False)
        return one.definition.name

    assert name(before, 2.0) != name(after, 3.0)


def test_other_ranges_and_objectives_are_the_same_study_which_then_refuses_them(make_plan):
    plan = make_plan("lt")
    before, after = searched(plan)[0], searched(plan, options(lt={"rate": {"low": 0.4, "high": 0.6}}))[0]
    assert before.definition.name == after.definition.name
    assert before.definition.to_json() != after.definition.to_json()
    assert names(plan, TuningOptions(objective="fnr")) == names(plan)
