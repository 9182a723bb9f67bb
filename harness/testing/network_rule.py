"""The rules of networks by name; each is asked of a registered network's name."""

from collections.abc import Callable

from harness.errors import HarnessError
from harness.networks.registered import factory_of
from harness.testing.registered_rule import RegisteredRule, line_of_class, registering

NetworkRule = RegisteredRule[str]

NETWORK_RULES: dict[str, NetworkRule] = {}
"""Every rule by name, in the order in which they are checked."""


def where_is(name: str) -> str:
    """Return the file and line of a network's class, or an empty text."""
    try:
        return line_of_class(factory_of(name))
    except HarnessError:
        return ""


def network_rule(fix: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Return a decorator that registers a function as the rule of its own name; its docstring says what it catches."""
    return registering(NETWORK_RULES, where_is, fix)
