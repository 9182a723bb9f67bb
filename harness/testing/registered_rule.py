"""A rule of networks or data sets by name, and how the outcome of one is told."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.errors import HarnessError, text_of
from harness.networks.contract import line_of
from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.checks.registry import CheckOutcome

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class RegisteredRule(Generic[Subject]):
    """``catches`` is what it finds, ``fix`` how to mend it.

    ``function`` raises `CheckFailed` or `CheckSkipped`; ``where_is`` tells the file and line of what it is asked of.
    """

    name: str
    catches: str
    fix: str
    function: Callable[[Subject], None]
    where_is: Callable[[Subject], str]

    def __str__(self) -> str:
        return self.name

    def __call__(self, subject: Subject) -> None:
        """Ask it: nothing happens where the rule is kept. Raises `CheckFailed`, or `CheckSkipped`."""
        found = self.outcome(subject)
        if found.status == "failed":
            raise CheckFailed(f"{self.name}: {found.what}", found.where, why=self.catches, fix=found.fix)
        if found.status == "skipped":
            raise CheckSkipped(found.what)

    def outcome(self, subject: Subject) -> CheckOutcome:
        """Return what comes of it."""
        try:
            self.function(subject)
        except CheckFailed as error:
            return CheckOutcome("failed", error.what, error.where or self.where_is(subject), fix=self.fix)
        except CheckSkipped as skip:
            return CheckOutcome("skipped", str(skip))
        except HarnessError as error:
            what = "; ".join([error.message, *error.faults])
            return CheckOutcome("failed", what, self.where_is(subject), fix=error.fix or self.fix)
        except Exception as error:  # it is anybody's code
            place = line_of(error).removeprefix(", ") or self.where_is(subject)
            return CheckOutcome("failed", f"it raised {text_of(error)}", place, kind="raised", fix=self.fix)
        return CheckOutcome("ok")


def registering(
    rules: dict[str, RegisteredRule[Subject]], where_is: Callable[[Subject], str], fix: str
) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Return a decorator that adds a function to ``rules`` by its own name; its docstring says what it catches."""

    def register(function: Callable[[Subject], None]) -> Callable[[Subject], None]:
        name, catches = function.__name__, (function.__doc__ or "").removeprefix("Catch ")
        rules[name] = RegisteredRule(name, catches, fix, function, where_is)
        return function

    return register


def require(true: object, what: str) -> None:
    """Raise `CheckFailed` with ``what`` unless it is true."""
    if not true:
        raise CheckFailed(what)


def line_of_class(kind: type) -> str:
    """Return the file and line of a class, or an empty text."""
    try:
        return f"{inspect.getsourcefile(kind)}:{inspect.getsourcelines(kind)[1]} in {kind.__qualname__}"
    except (OSError, TypeError):
        return ""
