"""One pytest id for each method and check, as others use the suite in their own tests."""

import time
from dataclasses import dataclass

import pytest

from harness.pruning import SaliencyPruner, prunable_weights
from harness.testing import CheckFailed, checks, parametrize_with_checks

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class OfATestFile(SaliencyPruner):
    source = "test"
    keeps: int = 1

    def saliency(self, bench, network):
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}


@dataclass(frozen=True, kw_only=True)
class Waits(OfATestFile):
    def saliency(self, bench, network):
        time.sleep(600)


def test_each_pair_of_method_and_check_has_an_id():
    mark = parametrize_with_checks([OfATestFile, OfATestFile(keeps=2), "lt[rate=0.75]"]).mark
    names, pairs = mark.args
    assert names == ("pruner", "check")
    ids = [pair.id for pair in pairs]
    assert len(set(ids)) == len(ids) == 3 * len(checks("core"))
    assert "OfATestFile[keeps=2]-density_is_exact" in ids
    assert "lt[rate=0.75]-density_is_exact" in ids


def test_a_limit_reaches_every_check():
    mark = parametrize_with_checks([Waits], limit_s=1.0).mark
    pairs = [pair.values for pair in mark.args[1]]
    assert {check.limit_s for _, check in pairs} == {1.0}
    pruner, check = next((pruner, check) for pruner, check in pairs if check.name == "density_is_exact")
    with pytest.raises(CheckFailed, match="did not finish within 1 s"):
        check(pruner)
