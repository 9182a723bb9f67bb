"""The conformance suite: what a pruning method must keep to, as checks that anybody can run on their own.

In a test file::

    from harness.testing import parametrize_with_checks

    @parametrize_with_checks([MyPruner(), "my-registered-method"])
    def test_conformance(pruner, check):
        check(pruner)
"""

import importlib

from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.checks.registry import Check, check_named, checks
from harness.testing.parametrize import parametrize_with_checks

__all__ = ["Check", "CheckFailed", "CheckSkipped", "check_named", "checks", "parametrize_with_checks"]

THEMES = ("parameters", "form", "density", "determinism", "isolation", "honesty", "resuming", "robustness")
"""Modules whose import registers their checks, in the order in which these run."""

for theme in THEMES:
    importlib.import_module(f"harness.testing.checks.{theme}")
