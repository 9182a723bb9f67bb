"""What a check is: a name, what it catches, how to mend it, and a function that tries a method in a fresh process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from harness.errors import UsageError, nearest
from harness.testing.case.failures import CheckFailed, CheckSkipped

if TYPE_CHECKING:
    from harness.testing.case.case import Case

Level = Literal["core", "full"]

LIMIT_S = 60.0
"""Seconds that one check may take before its process is killed, unless another limit is given."""

RAISED, UNASKED = "the method raised ", "; expected no error"
"""How ``what`` begins and ends where the method raised an error that no check asks for."""


@dataclass(frozen=True)
class Check:
    """One rule. Call it with a method: nothing happens where the method keeps the rule.

    ``catches`` is one sentence on the faults that it finds. Every run is in a fresh process that is killed after
    ``limit_s`` seconds, so that no method can hang, end or alter the process that asks. Checks of one ``group`` look at
    the same thing and share a process.
    """

    name: str
    level: Level
    catches: str
    fix: str
    function: Callable[["Case"], None]
    group: str = ""
    limit_s: float = LIMIT_S

    def __call__(self, method: Any) -> None:
        """Do `run`: in a test, ``check(pruner)``."""
        self.run(method)

    def run(self, method: Any, limit_s: float | None = None) -> None:
        """Check a pruner, a pruner class, a registered name, or a text such as ``lt[rate=0.75]``.

        ``limit_s``: seconds, this check's own by default. Raises `CheckFailed`, or `CheckSkipped` with a sentence where
        the check does not apply.
        """
        from harness.testing.outcome import outcome_of  # it starts processes, which import this

        outcome = outcome_of(self, method, limit_s)
        if outcome.status == "failed":
            why, fix = outcome.advice(self)
            raise CheckFailed(f"{self.name}: {outcome.what}", outcome.where, why=why, fix=fix, detail=outcome.detail)
        if outcome.status == "skipped":
            raise CheckSkipped(outcome.what)


CHECKS: dict[str, Check] = {}
"""Every check by name, in the order in which they run."""


def check(level: Level, *, catches: str, fix: str, group: str = "") -> Callable[[Callable[["Case"], None]], Check]:
    """Return a decorator that registers a function as the check of its own name."""

    def register(function: Callable[["Case"], None]) -> Check:
        assert function.__name__ not in CHECKS, function.__name__
        CHECKS[function.__name__] = Check(function.__name__, level, catches, fix, function, group)
        return CHECKS[function.__name__]

    return register


def checks(level: Level = "core") -> tuple[Check, ...]:
    """Return the checks of a level; ``full`` holds those of ``core`` too. Raises `UsageError` for another word."""
    if level not in get_args(Level):
        raise UsageError(f"unknown level {level!r}", fix="use core or full")
    return tuple(check for check in CHECKS.values() if level == "full" or check.level == "core")


def check_named(name: str) -> Check:
    """Return a check by its name. Raises `UsageError` naming the nearest one."""
    if name not in CHECKS:
        raise UsageError(f"unknown check {name!r}{nearest(name, CHECKS)}", fix="`harness check --list` shows all")
    return CHECKS[name]
