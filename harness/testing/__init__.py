"""The conformance suite: what a method, a network or a data set must keep to, as checks that anybody can run.

In a test file::

    from harness.testing import parametrize_with_checks

    @parametrize_with_checks([MyPruner(), "my-registered-method"])
    def test_conformance(pruner, check):
        check(pruner)
"""

from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.check import Check, check_named, checks
from harness.testing.dataset_checks import dataset_checks
from harness.testing.narrowed import narrowed
from harness.testing.network_rules import network_checks
from harness.testing.parametrize import parametrize_with_checks

# Each registers its rules; in this order they are checked.
from harness.testing.checks import (  # isort: skip  # noqa: F401
    parameters,
    form,
    density,
    determinism,
    isolation,
    honesty,
    resuming,
    robustness,
)

__all__ = [
    "Check",
    "CheckFailed",
    "CheckSkipped",
    "check_named",
    "checks",
    "dataset_checks",
    "narrowed",
    "network_checks",
    "parametrize_with_checks",
]
