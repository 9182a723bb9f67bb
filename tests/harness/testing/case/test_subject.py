"""What is checked: methods that cannot be built, that no other process finds, or that rely on a promise."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from harness import plugins
from harness.errors import UsageError
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.templates import SaliencyPruner
from harness.sparsity.mask import DensityUnreachable, prunable_weights
from harness.testing import CheckFailed, CheckSkipped, check_named
from harness.testing.case.subject import subjects

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class SetByEachVariant(SaliencyPruner):
    source = "test"
    variants = ({"share": 1}, {"share": 2})
    share: int

    def saliency(self, bench, network):
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}


@dataclass(frozen=True, kw_only=True)
class SetByOneVariant(SetByEachVariant):
    variants = ({}, {"share": 2})


@dataclass(frozen=True, kw_only=True)
class SetByNone(SetByEachVariant):
    variants = ({},)


@dataclass(frozen=True, kw_only=True)
class ReliesOnDensityOne(SetByEachVariant):
    """Sequential, and takes the first network for the dense one, as it may."""

    level_order = "sequential"
    variants = ({},)
    share: int = 1

    def prune(self, bench, densities):
        assert densities[0] == 1, densities
        yield PrunedNetwork(bench.dense())
        yield from list(super().prune(bench, densities))[1:]


@dataclass(frozen=True, kw_only=True)
class RefusesEverything(ReliesOnDensityOne):
    """It has no network but the dense one."""

    def prune(self, bench, densities):
        yield PrunedNetwork(bench.dense())
        if len(densities) > 1:
            raise DensityUnreachable("there is no such network")


@pytest.mark.parametrize("wrong", [3, "no-such-method", int, "lt[speed=1]"])
def test_what_is_no_method_is_refused(wrong):
    with pytest.raises(UsageError):
        subjects(wrong)


@pytest.fixture
def registered(monkeypatch):
    kinds = {"each": SetByEachVariant, "one": SetByOneVariant, "none": SetByNone}
    monkeypatch.setattr(plugins, "load", lambda _group, name: kinds[name])


@pytest.mark.usefixtures("registered")
def test_a_field_that_every_variant_sets_needs_no_default():
    assert [str(subject) for subject in subjects("each")] == ["each[share=1]", "each[share=2]"]
    check_named("variants_can_be_built")("each")
    check_named("density_is_exact")("each")


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("method", "kept"),
    [
        ("one", "one[share=2]"),
        (SetByOneVariant, "SetByOneVariant[share=2]"),
        ("none", "none"),
        (SetByNone, "SetByNone"),
    ],
)
def test_a_variant_that_cannot_be_built_fails_the_check_meant_for_it(method, kept):
    assert [str(subject) for subject in subjects(method)] == [kept]
    with pytest.raises(CheckFailed, match=r"variant \{\} is refused: share"):
        check_named("variants_can_be_built")(method)


def test_the_other_checks_of_a_method_that_cannot_be_built_are_skipped():
    with pytest.raises(CheckSkipped, match="no variant of the method can be built"):
        check_named("density_is_exact")(SetByNone)


@pytest.mark.parametrize(
    "name",
    ["one_network_per_density", "density_is_exact", "extreme_densities_are_handled", "not_a_number_is_reported"],
)
def test_the_first_density_is_one_where_levels_are_sequential(name):
    check_named(name)(ReliesOnDensityOne())


@pytest.mark.parametrize("name", ["density_is_exact", "ties_are_cut_exactly"])
def test_a_check_that_compared_no_pruned_network_says_so(name):
    with pytest.raises(CheckSkipped, match="on no network has the method any of the densities below 1"):
        check_named(name)(RefusesEverything())


def test_a_method_that_refuses_all_but_the_dense_network_fails():
    with pytest.raises(CheckFailed, match="it declines every network"):
        check_named("runs_on_some_network")(RefusesEverything())


PROMPT = """
from dataclasses import dataclass
from harness.testing import check_named
from harness.pruning.templates import SaliencyPruner

@dataclass(frozen=True, kw_only=True)
class Typed(SaliencyPruner):
    source = "test"

    def saliency(self, bench, network):
        return {}

try:
    check_named("source_is_given")(Typed())
except AssertionError as failure:
    print(failure)
"""


def test_a_class_that_was_typed_at_a_prompt_fails_with_the_reason():
    ended = subprocess.run([sys.executable, "-c", PROMPT], capture_output=True, text=True, timeout=60, check=True)
    assert "Typed was typed at a prompt or in a notebook, where no other process finds it" in ended.stdout
    assert "in a file" in ended.stdout
