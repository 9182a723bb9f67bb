"""A check: a rule that is asked of a method, and raises where the method breaks it."""

from dataclasses import dataclass
from typing import Any, get_args

from harness.errors import UsageError, nearest
from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.checks.registry import RULES, CheckLevel, Rule
from harness.testing.outcome import LIMIT_S, outcome_of


@dataclass(frozen=True)
class Check(Rule):
    """One rule. Call it with a method: nothing happens where the method keeps the rule.

    Every run is in a fresh process that is killed after ``limit_s`` seconds, so that no method can hang, end or alter
    the process that asks.
    """

    limit_s: float = LIMIT_S

    def __call__(self, method: Any) -> None:
        """Do `run`: in a test, ``check(pruner)``."""
        self.run(method)

    def run(self, method: Any) -> None:
        """Check a pruner, a pruner class, a registered name, or a text such as ``lt[rate=0.75]``.

        Raises `CheckFailed`, or `CheckSkipped` with a sentence where the check does not apply.
        """
        outcome = outcome_of(self, method, self.limit_s)
        if outcome.status == "failed":
            why, fix = outcome.advice(self)
            raise CheckFailed(f"{self.name}: {outcome.what}", outcome.where, why=why, fix=fix, detail=outcome.detail)
        if outcome.status == "skipped":
            raise CheckSkipped(outcome.what)


def checks(level: CheckLevel = "core") -> tuple[Check, ...]:
    """Return the checks of a level; ``full`` holds those of ``core`` too. Raises `UsageError` for another word."""
    if level not in get_args(CheckLevel):
        raise UsageError(f"unknown level {level!r}", fix="use core or full")
    return tuple(Check(**vars(rule)) for rule in RULES.values() if level == "full" or rule.level == "core")


def check_named(name: str) -> Check:
    """Return a check by its name. Raises `UsageError` naming the nearest one."""
    if name not in RULES:
        raise UsageError(f"unknown check {name!r}{nearest(name, RULES)}", fix="`harness check --list` shows all")
    return Check(**vars(RULES[name]))
