"""What a study is: plain values that two commands can compare, difference by difference."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from harness.tuning.objective import Objective
from harness.tuning.study_definition import Definition, disagreements

SPACE = {
    "scope": CategoricalDistribution(["layer", "global"]),
    "rate": FloatDistribution(0.2, 0.8),
    "images": IntDistribution(64, 512, step=64),
}
DEFAULT = {"scope": "layer", "rate": 0.5, "images": 512}


def definition(name="a study", space=SPACE, default=DEFAULT, objective=Objective(name="auc"), **facts):  # noqa: B008
    return Definition(name=name, space=space, default=default, objective=objective, facts=facts)


def test_a_definition_to_json_says_all_that_decides_a_search():
    one = definition(objective=Objective(name="fnr", fpr_bound=0.25))
    assert json.loads(json.dumps(one.to_json())) == {
        "direction": "minimize",
        "objective": "fnr",
        "fpr bound": 0.25,
        "space": {
            "images": {"low": 64, "high": 512, "log": False, "step": 64},
            "rate": {"low": 0.2, "high": 0.8, "log": False, "step": None},
            "scope": {"choices": ["layer", "global"]},
        },
        "default": {"images": 512, "rate": 0.5, "scope": "layer"},
    }


def test_neither_the_name_nor_facts_nor_the_order_of_parameters_decide_a_search():
    turned = dict(reversed(SPACE.items()))
    other = definition(name="another", space=turned, default=dict(reversed(DEFAULT.items())), setting="abc")
    assert json.dumps(other.to_json()) == json.dumps(definition().to_json())


def test_two_definitions_differ_by_what_was_changed_and_by_nothing_else():
    stored = json.loads(json.dumps(definition().to_json()))
    changed = definition(
        space={**SPACE, "rate": FloatDistribution(0.1, 0.8)}, default={**DEFAULT, "images": 64}
    ).to_json()
    assert disagreements(stored, changed) == [
        "default.images: it has 512, asked for is 64",
        "space.rate.low: it has 0.2, asked for is 0.1",
    ]
    assert disagreements(stored, definition().to_json()) == []


def test_a_parameter_more_or_less_is_a_difference():
    stored = definition().to_json()
    less = definition(
        space={name: SPACE[name] for name in ("scope", "rate")},
        default={name: DEFAULT[name] for name in ("scope", "rate")},
    )
    found = disagreements(stored, less.to_json())
    assert [one.partition(":")[0] for one in found] == ["default.images", "space.images"]
    assert all(one.endswith("asked for is nothing") for one in found)
    assert all("it has nothing" in one for one in disagreements(less.to_json(), stored))


@pytest.mark.parametrize(
    "objective", [Objective(name="fnr"), Objective(name="fnr", fpr_bound=0.5), Objective(name="fnr", fpr_bound=0.3)]
)
def test_another_objective_is_another_search(objective):
    assert disagreements(definition().to_json(), definition(objective=objective).to_json())


LEAVES = st.integers(0, 3) | st.sampled_from(["x", "y"]) | st.lists(st.integers(0, 2), max_size=2)
NAMES = st.sampled_from("abcd")
TREES = st.dictionaries(NAMES, LEAVES | st.dictionaries(NAMES, LEAVES, max_size=3), min_size=1, max_size=4)


def leaves(tree, path=()):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name)


@given(TREES, st.data())
def test_every_changed_value_is_found_at_its_place(tree, data):
    assert disagreements(tree, copy.deepcopy(tree)) == []
    places = sorted(leaves(tree))
    chosen = data.draw(st.lists(st.sampled_from(places), unique=True)) if places else []
    other = copy.deepcopy(tree)
    for path in chosen:
        inner = other
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = "changed"
    expected = sorted(".".join(path) for path in chosen)
    assert sorted(one.partition(":")[0] for one in disagreements(tree, other)) == expected
    assert len(disagreements(other, tree)) == len(expected)


def test_a_space_in_words_has_every_parameter():
    assert definition().words() == "scope layer | global; rate 0.2 to 0.8; images 64 to 512, step 64"
