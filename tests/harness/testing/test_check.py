"""A check as others use it: called with a method of their own, it fails with every part of the story, or is a skip."""

import os
import re
import unittest
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.pruning.templates import SaliencyPruner
from harness.sparsity.mask import prunable_weights
from harness.testing import CheckFailed, CheckSkipped, check_named, checks

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


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


@pytest.mark.parametrize("name", ["source_is_given", "density_is_exact", "comes_to_its_end"])
def test_a_method_of_a_test_file_is_checked_in_other_processes(name):
    check_named(name)(OfATestFile(keeps=2))


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


TABLE = re.compile(r"^\| `(\w+)` \| (core|full) \| (.+) \|$", re.MULTILINE)


def test_the_documentation_lists_every_check():
    rows = TABLE.findall((ROOT / "docs" / "checks.md").read_text())
    assert rows == [(check.name, check.level, check.catches) for check in checks("full")]
