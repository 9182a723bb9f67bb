"""What may be tuned of an entry, and that every fault of a written space is found before any trial."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from harness import plugins
from harness.errors import UsageError
from harness.losses.class_dependent import ClassDependent
from harness.losses.focal import Focal
from harness.losses.ldam import LdamDeferred
from harness.planning.entries import entry_of
from harness.planning.selection import resolve
from harness.planning.tuning_options import Range
from harness.results.plain_values import plain
from harness.training.schedule import Schedule
from harness.tuning.candidate import Candidate
from harness.tuning.parameter_file import read_parameters
from harness.tuning.spaces import (
    SCHEDULE_SPACES,
    edges,
    rounded,
    searched,
    space_of,
)

LOSS_SPACE = ClassDependent.search_space


def candidate(text, losses=None, **schedule):
    entry = entry_of("dense", {}) if text == "dense" else resolve([text], {}, None, losses)[0][0]
    return Candidate(entry, Schedule(**schedule), losses or {})


def written(text, losses=None, **ranges):
    """The space of an entry under ``[tuning.space.<its method>]``; a dictionary stands for a range."""
    own = {name: Range(**one) for name, one in ranges.items()}
    return space_of(candidate(text, losses), {text.partition("[")[0]: own})


def refused(text, losses=None, **ranges):
    with pytest.raises(UsageError) as caught:
        written(text, losses, **ranges)
    return caught.value


# --- the usual spaces


RATE = {"rate": FloatDistribution(0.2, 0.8)}
LT = {**RATE, "criterion": CategoricalDistribution(["magnitude-increase", "distance", "magnitude"])}


@pytest.mark.parametrize(
    ("text", "space"),
    [
        (
            "dense",
            {"learning_rate": FloatDistribution(5e-4, 0.2, log=True), "weight_decay": FloatDistribution(0, 5e-3)},
        ),
        ("lt", LT),
        ("lt[loss=blue]", {**LT, "lambda": LOSS_SPACE["lambda"]}),
        ("lt[loss=focal,alpha=0.5]", {**LT, **Focal.search_space}),
        ("mobilenet[loss=ldam-drw]", {name: LdamDeferred.search_space[name] for name in ("margin", "scale", "beta")}),
        ("lt[loss=weights-only]", {**LT, "gamma": LOSS_SPACE["gamma"]}),
        ("class-dependent-lt", {**LT, **LOSS_SPACE}),
        ("class-dependent-lt[scenario=blue]", {**LT, "lambda": LOSS_SPACE["lambda"]}),
        ("mobilenet", {}),
        ("mobilenet[loss=green]", LOSS_SPACE),
    ],
)
def test_an_entry_is_tuned_by_its_methods_own_space_and_its_losses(text, space):
    assert space_of(candidate(text), {}) == space
    assert space_of(candidate(text), {"snip": {"images": Range(low=1, high=2)}}) == space  # another method's table


def test_every_registered_method_has_a_space_that_holds_its_default():
    for name in plugins.available(plugins.PRUNERS):
        one = candidate(name)
        space = space_of(one, {})
        assert space.keys() == {*plugins.load(plugins.PRUNERS, name).search_space, *one.entry.loss.parameters}
        assert one.with_values(one.values(space)) == one


def test_a_method_with_a_field_of_a_weights_name_is_tuned_by_its_field(plugged_in):
    space = space_of(candidate("plugged-in"), {})
    assert space == {"gamma": IntDistribution(1, 9), "lambda": LOSS_SPACE["lambda"]}
    assert candidate("plugged-in").values(space) == {"gamma": 3, "lambda": 5.0}
    changed = candidate("plugged-in").with_values({"gamma": 7})
    assert changed.entry.text == "plugged-in[gamma=7]"
    assert (changed.entry.loss.gamma, changed.entry.loss.gamma_after) == (1.0, 5.0)


def test_a_loss_of_the_users_own_is_tuned_by_its_weights():
    losses = {
        "mine": ClassDependent("mine", 2.0, 1.0, 0.0),
        "counts": ClassDependent("counts", "effective-number(0.9)"),
    }
    assert space_of(candidate("lt[loss=mine]", losses), {}) == {**LT, "gamma": LOSS_SPACE["gamma"]}
    assert space_of(candidate("lt[loss=counts]", losses), {}) == LT
    changed = candidate("lt[loss=mine]", losses).with_values({"gamma": 4.0})
    assert changed.entry.text == "lt[gamma=4.0,loss=mine]"
    assert changed.entry.loss == ClassDependent("mine", 4.0, 1.0, 0.0)


# --- a candidate's values


@settings(max_examples=10, deadline=None)
@given(st.floats(0.2, 0.8), st.floats(1, 20), st.floats(0.1, 20))
def test_the_values_that_a_candidate_was_given_are_its_own(rate, gamma, lambda_):
    one = candidate("class-dependent-lt")
    values = {"rate": rate, "gamma": gamma, "lambda": lambda_}
    changed = one.with_values(values)
    assert changed.values({**RATE, **LOSS_SPACE}) == values
    assert changed.schedule == one.schedule
    assert changed.with_values(one.values({**RATE, **LOSS_SPACE})) == one


@pytest.mark.parametrize(
    ("optimiser", "rate", "decay"), [("sgd", (5e-4, 0.2), (0, 5e-3)), ("adamw", (1e-5, 1e-2), (0, 0.5))]
)
def test_the_dense_networks_space_is_its_optimisers(optimiser, rate, decay):
    found = space_of(candidate("dense", optimiser=optimiser, learning_rate=0.001, weight_decay=0.001), {})
    assert {name: (one.low, one.high) for name, one in found.items()} == {"learning_rate": rate, "weight_decay": decay}


def test_the_dense_networks_values_are_those_of_the_schedule():
    one = candidate("dense", learning_rate=0.05, weight_decay=0.001, epochs=3)
    assert one.values(SCHEDULE_SPACES["sgd"]) == {"learning_rate": 0.05, "weight_decay": 0.001}
    changed = one.with_values({"learning_rate": 0.1})
    assert changed.schedule == Schedule(learning_rate=0.1, weight_decay=0.001, epochs=3)
    assert changed.entry == one.entry


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("dense", {"learning_rate": 0.0}),
        ("dense", {"weight_decay": -0.1}),
        ("lt", {"rate": 1.0}),
        ("lt", {"gamma": 3.0}),
        ("class-dependent-lt", {"gamma": 0.0}),
        ("class-dependent-lt", {"scenario": "red"}),
    ],
)
def test_a_value_out_of_its_fields_range_is_refused_by_name(text, values):
    with pytest.raises(UsageError) as caught:
        candidate(text).with_values(values)
    assert any(next(iter(values)) in fault for fault in caught.value.faults)


# --- written spaces


@pytest.mark.parametrize(
    ("text", "name", "one", "distribution"),
    [
        ("lt", "rate", {"low": 0.4, "high": 0.6}, FloatDistribution(0.4, 0.6)),
        ("lt", "rate", {"low": 0.25, "high": 0.75, "step": 0.25}, FloatDistribution(0.25, 0.75, step=0.25)),
        ("lt", "rate", {"low": 0.1, "high": 0.9, "log": True}, FloatDistribution(0.1, 0.9, log=True)),
        ("lt", "rate", {"choices": (0.5, 0.7)}, CategoricalDistribution([0.5, 0.7])),
        ("lt", "scope", {"choices": ("global", "layer")}, CategoricalDistribution(["global", "layer"])),
        ("snip", "images", {"low": 256, "high": 1024}, IntDistribution(256, 1024)),
        ("snip", "images", {"low": 256.0, "high": 1024.0}, IntDistribution(256, 1024)),
        ("snip", "images", {"low": 256, "high": 1024, "step": 256}, IntDistribution(256, 1024, step=256)),
        ("snip", "images", {"low": 1, "high": 1024, "log": True}, IntDistribution(1, 1024, log=True)),
        ("class-dependent-lt", "gamma", {"low": 1, "high": 9}, FloatDistribution(1.0, 9.0)),
        ("class-dependent-lt", "lambda", {"low": 0, "high": 10}, FloatDistribution(0.0, 10.0)),
        ("dense", "weight_decay", {"low": 0, "high": 1}, FloatDistribution(0.0, 1.0)),
    ],
)
def test_a_written_range_replaces_the_methods_space(text, name, one, distribution):
    space = written(text, **{name: one})
    assert dict(space) == {name: distribution}
    assert type(space[name]) is type(distribution)


@pytest.mark.parametrize(
    ("text", "name", "one", "part"),
    [
        ("lt", "rtae", {"low": 0.4, "high": 0.6}, "(did you mean 'rate'?)"),
        ("lt", "gamma", {"low": 1, "high": 2}, "no such parameter"),  # the plain loss has none
        ("dense", "epochs", {"low": 1, "high": 200}, "no such parameter"),
        ("lt", "rate", {}, "give low and high, or choices"),
        ("lt", "rate", {"step": 0.1}, "give low and high, or choices"),
        ("lt", "rate", {"low": 0.4, "choices": (0.5, 0.6)}, "give low and high, or choices"),
        ("lt", "rate", {"low": 0.4}, "give low and high, or choices"),
        ("lt", "rate", {"high": 0.6}, "give low and high, or choices"),
        ("lt", "rate", {"choices": ()}, "choices"),
        ("lt", "rate", {"low": 0.6, "high": 0.4}, "low <= high"),
        ("lt", "rate", {"low": 0.2, "high": 0.8, "step": 0.0}, "step"),
        ("lt", "rate", {"low": 0.2, "high": 0.8, "step": 0.1, "log": True}, "step"),
        ("snip", "images", {"low": 64, "high": 512, "step": -64}, "step"),
        ("class-dependent-lt", "lambda", {"low": 0, "high": 10, "log": True}, "low > 0"),
    ],
)
def test_a_range_that_is_none_is_refused_by_its_place(text, name, one, part):
    error = refused(text, **{name: one})
    assert f"tuning.space.{text}.{name}: " in str(error)
    assert part in str(error)


@pytest.mark.parametrize("one", [{"low": 0.5, "high": 0.5}, {"choices": (0.5,)}])
def test_a_range_of_one_value_has_nothing_to_tune(one):
    assert refused("lt", rate=one).faults == ["rate has a single value: there is nothing to tune"]


def test_an_empty_table_is_refused():
    assert "tuning.space.lt is empty" in str(refused("lt"))


@pytest.mark.parametrize(
    ("text", "name", "one", "wrong"),
    [
        ("lt", "rate", {"low": 0.0, "high": 0.9}, ["0.0"]),
        ("lt", "rate", {"low": 0.1, "high": 1.0}, ["1.0"]),
        ("lt", "rate", {"low": -1, "high": 2}, ["-1.0", "2.0"]),
        ("lt", "scope", {"choices": ("layer", "network", "global", "all")}, ["network", "all"]),
        ("snip", "images", {"low": 0, "high": 1024}, ["0"]),
        ("class-dependent-lt", "gamma", {"low": 0, "high": 9}, ["0.0"]),
        ("class-dependent-lt", "lambda", {"low": -1, "high": 9}, ["-1.0"]),
        ("dense", "learning_rate", {"low": 0, "high": 1}, ["0.0"]),
    ],
)
def test_ends_that_the_parameter_does_not_take_are_all_refused(text, name, one, wrong):
    faults = refused(text, **{name: one}).faults
    assert len(faults) == len(wrong)
    assert all(fault.startswith(f"{name} = {value}: ") for fault, value in zip(faults, wrong, strict=True))


@pytest.mark.parametrize(
    ("text", "name", "one", "default"),
    [
        ("lt", "rate", {"low": 0.6, "high": 0.8}, "0.5"),
        ("lt[rate=0.75]", "rate", {"low": 0.4, "high": 0.7}, "0.75"),
        ("lt", "rate", {"choices": (0.25, 0.75)}, "0.5"),
        ("lt", "rate", {"low": 0.2, "high": 0.8, "step": 0.2}, "0.5"),  # between two steps
        ("snip", "images", {"low": 64, "high": 128}, "512"),
        ("snip", "images", {"low": 100, "high": 1000, "step": 100}, "512"),
        ("class-dependent-lt", "gamma", {"low": 6, "high": 9}, "5.0"),
        ("dense", "learning_rate", {"low": 0.1, "high": 0.2}, "0.01"),
    ],
)
def test_a_default_outside_of_its_range_is_refused(text, name, one, default):
    (fault,) = refused(text, **{name: one}).faults
    assert fault.startswith(f"the default, {name} = {default}, is not in ")


def test_a_default_outside_of_the_methods_own_range_is_refused_too():
    with pytest.raises(UsageError) as caught:
        space_of(candidate("lt[rate=0.9]"), {})
    assert caught.value.faults == ["the default, rate = 0.9, is not in 0.2 to 0.8; it must be, as trial 0"]


def test_the_faults_of_all_parameters_are_listed_at_once():
    faults = refused("lt", rate={"low": 0, "high": 2}, scope={"choices": ("layer",)}).faults
    assert [fault.split()[0] for fault in faults] == ["rate", "rate", "scope"]


def test_ranges_that_are_none_are_listed_at_once_too():
    text = str(refused("lt", rtae={"low": 0.4, "high": 0.6}, socpe={"choices": ("layer", "global")}, rate={"low": 0.4}))
    assert all(name in text for name in ("lt.rtae", "lt.socpe", "lt.rate"))


def test_a_fractional_step_of_a_whole_number_is_refused():
    refused("snip", images={"low": 16, "high": 1024, "step": 0.5})


def test_a_step_of_zero_is_refused_for_whole_numbers_too():
    refused("snip", images={"low": 16, "high": 1024, "step": 0})


# --- suggested values as they are used


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(0, 1))
def test_rounded_values_have_three_digits_and_stay_in_the_range(one, other, share):
    low, high = sorted((one, other))
    value = min(max(low + share * (high - low), low), high)
    (found,) = rounded({"x": FloatDistribution(low, high)}, {"x": value}).values()
    assert low <= found <= high
    assert abs(found - value) <= 0.005001 * value
    assert found in (low, high) or float(f"{found:.2e}") == found


@pytest.mark.parametrize(
    ("distribution", "value", "expected"),
    [
        (FloatDistribution(0.2, 0.8), 0.123456 + 0.2, 0.323),
        (FloatDistribution(0.2004, 0.8), 0.20042, 0.2004),  # 0.2 would be below the range
        (FloatDistribution(0.2, 0.8006), 0.80059, 0.8006),
        (FloatDistribution(1e-5, 1.0, log=True), 0.000123456, 0.000123),
        (FloatDistribution(0.1, 0.7, step=0.1), 0.1 + 2 * 0.1, 0.3),
        (FloatDistribution(0.0, 1.0, step=0.0625), 0.0625 * 3, 0.1875),  # a step's digits are kept
        (IntDistribution(1, 10**6), 123456, 123456),
        (CategoricalDistribution(["layer", "global"]), "global", "global"),
        (CategoricalDistribution([0.123456, 1.0]), 0.123456, 0.123456),
    ],
)
def test_only_floats_are_rounded(distribution, value, expected):
    found = rounded({"x": distribution}, {"x": value})
    assert found == {"x": expected}
    assert type(found["x"]) is type(expected)


# --- values on an edge


@pytest.mark.parametrize(
    ("text", "distributions", "values", "expected"),
    [
        ("lt", RATE, {"rate": 0.5}, []),
        ("lt", RATE, {"rate": 0.2}, ["rate"]),
        ("lt", RATE, {"rate": 0.8}, ["rate"]),
        ("lt", RATE, {"rate": 0.211}, ["rate"]),  # within 2 % of 0.6
        ("lt", RATE, {"rate": 0.213}, []),
        ("lt", RATE, {"rate": 0.789}, ["rate"]),
        ("lt", RATE, {"rate": 0.787}, []),
        ("dense", SCHEDULE_SPACES["sgd"], {"learning_rate": 0.01, "weight_decay": 0.0}, []),  # there is none below 0
        ("dense", SCHEDULE_SPACES["sgd"], {"learning_rate": 0.01, "weight_decay": 0.005}, ["weight_decay"]),
        ("dense", SCHEDULE_SPACES["sgd"], {"learning_rate": 0.0005, "weight_decay": 0.002}, ["learning_rate"]),
        # 2 % of the logarithm of 400 is that of 1.127: from 0.2 down to 0.177.
        ("dense", SCHEDULE_SPACES["sgd"], {"learning_rate": 0.18, "weight_decay": 0.002}, ["learning_rate"]),
        ("dense", SCHEDULE_SPACES["sgd"], {"learning_rate": 0.175, "weight_decay": 0.002}, []),
        ("lt", {"rate": FloatDistribution(0.005, 0.995)}, {"rate": 0.995}, []),  # 1.015 is no rate
        ("snip", {"images": IntDistribution(1, 512)}, {"images": 1}, []),  # there is no 0 images
        ("snip", {"images": IntDistribution(100, 512)}, {"images": 100}, ["images"]),
        ("snip", {"images": IntDistribution(1, 512)}, {"images": 512}, ["images"]),
        ("snip", {"scope": CategoricalDistribution(["layer", "global"])}, {"scope": "layer"}, []),
        ("class-dependent-lt", LOSS_SPACE, {"gamma": 20.0, "lambda": 0.1}, ["gamma", "lambda"]),
    ],
)
def test_an_edge_is_told_where_the_range_could_be_wider(text, distributions, values, expected):
    assert edges(candidate(text), distributions, values) == expected


# --- in words


@pytest.mark.parametrize(
    ("distribution", "values", "text"),
    [
        (FloatDistribution(0.2, 0.8), {"low": 0.2, "high": 0.8, "log": False, "step": None}, "0.2 to 0.8"),
        (
            FloatDistribution(0.001, 1.0, log=True),
            {"low": 0.001, "high": 1.0, "log": True, "step": None},
            "0.001 to 1, log",
        ),
        (
            FloatDistribution(0.0, 1.0, step=0.25),
            {"low": 0.0, "high": 1.0, "log": False, "step": 0.25},
            "0 to 1, step 0.25",
        ),
        (IntDistribution(1, 5), {"low": 1, "high": 5, "log": False, "step": None}, "1 to 5"),
        (IntDistribution(64, 512, step=64), {"low": 64, "high": 512, "log": False, "step": 64}, "64 to 512, step 64"),
        (CategoricalDistribution(["layer", 2, True]), {"choices": ["layer", 2, True]}, "layer | 2 | True"),
    ],
)
def test_a_distribution_is_told_as_plain_values_and_in_words(distribution, values, text):
    assert plain(searched(distribution)) == values
    assert searched(distribution).words == text


def test_the_spaces_and_the_parameter_file_in_the_documentation_are_accepted(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "tuning.md").read_text()
    spaces, file = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    written = tomllib.loads(spaces)["tuning"]["space"]
    assert written
    for method, ranges in written.items():
        own = {name: Range(**one) for name, one in ranges.items()}
        assert space_of(candidate(method), {method: own}).keys() == ranges.keys()
    (tmp_path / "p.toml").write_text(file)
    assert read_parameters(tmp_path / "p.toml").entries == {"lt[rate=0.75]": "lt[rate=0.612]"}
