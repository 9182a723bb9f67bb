"""The rules of data sets by name; each is asked of what is seen of one."""

from collections.abc import Callable

from harness.errors import HarnessError
from harness.testing.dataset_case import DatasetCase
from harness.testing.registered_rule import RegisteredRule, line_of_class, registering

DatasetRule = RegisteredRule[DatasetCase]

DATASET_RULES: dict[str, DatasetRule] = {}
"""Every rule by name, in the order in which they are checked."""


def where_is(case: DatasetCase) -> str:
    """Return the file and line of a data set's class, or an empty text."""
    try:
        return line_of_class(type(case.dataset))
    except HarnessError:
        return ""


def dataset_rule(fix: str) -> Callable[[Callable[[DatasetCase], None]], Callable[[DatasetCase], None]]:
    """Return a decorator that registers a function as the rule of its own name; its docstring says what it catches."""
    return registering(DATASET_RULES, where_is, fix)
