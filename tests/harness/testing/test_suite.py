"""The suite as others use it: in their own tests, on classes, instances and names; and on every built-in method."""

import os
import re
import time
import tomllib
import unittest
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from harness.errors import UsageError
from harness.networks.architecture import Architecture
from harness.networks.factories import build, parameter_count
from harness.networks.registered import FACTORIES
from harness.pruning.templates import SaliencyPruner
from harness.sparsity.mask import prunable_weights
from harness.testing import CheckFailed, CheckSkipped, check_named, checks, parametrize_with_checks
from harness.testing.case.networks import NETWORKS, check_networks
from harness.testing.case.subject import subjects

ROOT = Path(__file__).parents[3]
BUILT_IN = list(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["harness.pruners"])
FULL = ("lt", "snip")


@dataclass(frozen=True, kw_only=True)
class OfATestFile(SaliencyPruner):
    """As in a user's test file, which no other process can import by name."""

    source = "test"
    keeps: int = 1

    def saliency(self, bench, network):
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}


@dataclass(frozen=True, kw_only=True)
class WithoutSource(OfATestFile):
    source = ""


@dataclass(frozen=True, kw_only=True)
class Leaves(OfATestFile):
    def saliency(self, bench, network):
        os._exit(0)


@dataclass(frozen=True, kw_only=True)
class Tells(OfATestFile):
    """Makes a library tell its developers something, at import and while it prunes."""

    def saliency(self, bench, network):
        warn = "import warnings; warnings.warn('old', DeprecationWarning, stacklevel=1)"
        exec(warn, {"__name__": "some_library"})
        return super().saliency(bench, network)


@dataclass(frozen=True, kw_only=True)
class Waits(OfATestFile):
    def saliency(self, bench, network):
        time.sleep(600)


@parametrize_with_checks([subjects(name)[0] for name in BUILT_IN])  # all variants: in the long test below
def test_built_in_methods_pass_the_core_checks(pruner, check):
    check(pruner)


@pytest.mark.parametrize("check", [check for check in checks("full") if check.level == "full"], ids=lambda c: c.name)
@pytest.mark.parametrize("method", FULL)
def test_some_built_in_methods_pass_the_full_checks(method, check):
    check(method)


@pytest.mark.long
@parametrize_with_checks(BUILT_IN, level="full")
def test_all_built_in_methods_pass_the_full_checks(pruner, check):
    check(pruner)


@pytest.mark.parametrize("name", ["source_is_given", "density_is_exact", "comes_to_its_end"])
def test_a_method_of_a_test_file_is_checked_in_other_processes(name):
    check_named(name)(OfATestFile(keeps=2))


def test_each_pair_of_method_and_check_has_an_id():
    mark = parametrize_with_checks([OfATestFile, OfATestFile(keeps=2), "lt[rate=0.75]"]).mark
    names, pairs = mark.args
    assert names == ("pruner", "check")
    ids = [pair.id for pair in pairs]
    assert len(set(ids)) == len(ids) == 3 * len(checks("core"))
    assert "OfATestFile[keeps=2]-density_is_exact" in ids
    assert "lt[rate=0.75]-density_is_exact" in ids


def test_a_limit_reaches_every_check():
    mark = parametrize_with_checks([OfATestFile], limit_s=7.0).mark
    assert {pair.values[1].limit_s for pair in mark.args[1]} == {7.0}
    with pytest.raises(CheckFailed, match="did not finish within 1 s"):
        replace(check_named("density_is_exact"), limit_s=1.0)(Waits())


def test_what_a_library_tells_its_developers_is_not_the_methods_fault():
    check_named("says_nothing")(Tells())


def test_full_holds_core_and_more():
    core, full = checks("core"), checks("full")
    assert set(core) < set(full)
    with pytest.raises(UsageError, match="use core or full"):
        checks("half")


def test_a_failure_carries_what_where_why_and_fix():
    check = check_named("source_is_given")
    with pytest.raises(CheckFailed, match="source_is_given: source is ''") as failed:
        check(WithoutSource())
    assert (failed.value.why, failed.value.fix) == (check.catches, check.fix)
    assert f"fix: {check.fix}" in str(failed.value)


def test_a_class_that_no_other_process_finds_fails_with_the_reason():
    @dataclass(frozen=True, kw_only=True)
    class Inside(OfATestFile):
        pass

    with pytest.raises(CheckFailed, match="is defined inside a function"):
        check_named("source_is_given")(Inside())


def test_a_check_after_one_that_ends_the_process_still_has_its_own_outcome():
    with pytest.raises(CheckFailed, match="ended with exit code 0"):
        check_named("masks_fit_the_network")(Leaves())
    assert check_named("source_is_given").run(Leaves()) is None


def test_a_check_that_does_not_apply_is_a_skip():
    assert issubclass(CheckSkipped, unittest.SkipTest)  # which pytest counts as a skip
    with pytest.raises(CheckSkipped, match=r"does not use bench\.compute"):
        check_named("computed_results_are_repeatable").run(OfATestFile())


@pytest.mark.parametrize("wrong", [3, "no-such-method", int, "lt[speed=1]"])
def test_what_is_no_method_is_refused(wrong):
    with pytest.raises(UsageError):
        subjects(wrong)


def test_the_networks_are_known_only_while_checking():
    before = dict(FACTORIES)
    with check_networks():
        assert set(NETWORKS) < set(FACTORIES)
    assert before == FACTORIES


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_takes_the_widths_of_its_convolutions(name):
    with check_networks():
        whole = build(Architecture(name))
        widths = [m.out_channels for m in whole.modules() if isinstance(m, torch.nn.Conv2d)]
        assert parameter_count(build(Architecture(name, {"widths": widths}))) == parameter_count(whole)
        wide = max(widths)
        fewer = [wide // 2 if width == wide else width for width in widths]
        narrow = build(Architecture(name, {"widths": fewer}))
        assert [m.out_channels for m in narrow.modules() if isinstance(m, torch.nn.Conv2d)] == fewer
        assert narrow(torch.rand(2, 3, 16, 16)).shape == (2, 2)
        with pytest.raises(ValueError, match="widths"):
            build(Architecture(name, {"widths": [*widths, 8]}))


def test_coupled_convolutions_need_equal_widths():
    with check_networks(), pytest.raises(ValueError, match="equal widths"):
        build(Architecture("check-residual", {"widths": [16, 16, 8, 32, 48]}))


TABLE = re.compile(r"^\| `(\w+)` \| (core|full) \| (.+) \|$", re.MULTILINE)


def test_the_documentation_lists_every_check():
    rows = TABLE.findall((ROOT / "docs" / "checks.md").read_text())
    assert rows == [(check.name, check.level, check.catches) for check in checks("full")]
