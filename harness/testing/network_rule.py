"""The rules of networks by name, and how the outcome of one is told."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import HarnessError, text_of
from harness.networks.contract import line_of
from harness.networks.registered import factory_of
from harness.testing.case.failures import CheckFailed
from harness.testing.checks.registry import CheckOutcome


@dataclass(frozen=True)
class NetworkRule:
    """``catches`` is what it finds, ``fix`` how to mend it; ``function`` raises `CheckFailed`."""

    name: str
    catches: str
    fix: str
    function: Callable[[str], None]

    def __str__(self) -> str:
        return self.name

    def __call__(self, name: str) -> None:
        """Check a registered network: nothing happens where it keeps the rule. Raises `CheckFailed`."""
        found = self.outcome(name)
        if found.status == "failed":
            raise CheckFailed(f"{self.name}: {found.what}", found.where, why=self.catches, fix=found.fix)

    def outcome(self, name: str) -> CheckOutcome:
        """Return what comes of it, asked of the network ``name``."""
        try:
            self.function(name)
        except CheckFailed as error:
            return CheckOutcome("failed", error.what, error.where or where_is(name), fix=self.fix)
        except HarnessError as error:
            return CheckOutcome("failed", error.message, fix=error.fix or self.fix)
        except Exception as error:  # it is anybody's code
            place = line_of(error).removeprefix(", ") or where_is(name)
            return CheckOutcome("failed", f"it raised {text_of(error)}", place, kind="raised", fix=self.fix)
        return CheckOutcome("ok")


NETWORK_RULES: dict[str, NetworkRule] = {}
"""Every rule by name, in the order in which they are checked."""


def where_is(name: str) -> str:
    """Return the file and line of a network's class, or an empty text."""
    try:
        kind = factory_of(name)
        return f"{inspect.getsourcefile(kind)}:{inspect.getsourcelines(kind)[1]} in {kind.__qualname__}"
    except (HarnessError, OSError, TypeError):
        return ""


def network_rule(fix: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Return a decorator that registers a function as the rule of its own name; its docstring says what it catches."""

    def register(function: Callable[[str], None]) -> Callable[[str], None]:
        name, catches = function.__name__, (function.__doc__ or "").removeprefix("Catch ")
        NETWORK_RULES[name] = NetworkRule(name, catches, fix, function)
        return function

    return register
