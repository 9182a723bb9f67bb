"""The rules by name: what each catches, how to mend it, and the function that looks at a case."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.testing.case.case import Case

CheckLevel = Literal["core", "full"]
"""``full`` are the slower ones."""


@dataclass(frozen=True)
class Rule:
    """``catches`` is one sentence on the faults that it finds; ``function`` raises `CheckFailed` or `CheckSkipped`.

    Rules of one ``group`` look at the same thing and share a process.
    """

    name: str
    level: CheckLevel
    catches: str
    fix: str
    function: Callable[[Case], None]
    group: str = ""


RULES: dict[str, Rule] = {}
"""Every rule by name, in the order in which they are checked."""


def rule(level: CheckLevel, *, catches: str, fix: str, group: str = "") -> Callable[[Callable[[Case], None]], Rule]:
    """Return a decorator that registers a function as the rule of its own name."""

    def register(function: Callable[[Case], None]) -> Rule:
        assert function.__name__ not in RULES, function.__name__
        RULES[function.__name__] = Rule(function.__name__, level, catches, fix, function, group)
        return RULES[function.__name__]

    return register
