"""The built-in methods keep every rule: two that differ most, and in the long test all."""

import tomllib
from pathlib import Path

import pytest

from harness.testing import parametrize_with_checks

ROOT = Path(__file__).parents[3]
BUILT_IN = list(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["harness.pruners"])


@pytest.mark.slow
@parametrize_with_checks(["lt", "structured-taylor"])  # many rounds; one shot, and whole channels
def test_two_built_in_methods_pass_the_core_checks(pruner, check):
    check(pruner)


@pytest.mark.long
@parametrize_with_checks(BUILT_IN, level="full")
def test_all_built_in_methods_pass_the_full_checks(pruner, check):
    check(pruner)
