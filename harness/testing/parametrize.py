"""One pytest id for each method and check."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.testing.case.subject import subjects
from harness.testing.check import checks
from harness.testing.checks.registry import CheckLevel
from harness.testing.outcome import LIMIT_S

if TYPE_CHECKING:
    import pytest


def parametrize_with_checks(
    methods: Iterable[Any], level: CheckLevel = "core", *, limit_s: float = LIMIT_S
) -> "pytest.MarkDecorator":
    """Return a pytest mark for a test of two arguments, ``pruner`` and ``check``.

    ``methods`` are pruners, pruner classes, registered names, or texts such as ``lt[rate=0.75]``; a class or a name
    stands for all its variants; a check may take ``limit_s`` seconds. The test's body is ``check(pruner)``.
    """
    import pytest

    pairs = [
        pytest.param(subject, replace(check, limit_s=limit_s), id=f"{subject}-{check.name}")
        for method in methods
        for subject in subjects(method)
        for check in checks(level)
    ]
    return pytest.mark.parametrize(("pruner", "check"), pairs)
