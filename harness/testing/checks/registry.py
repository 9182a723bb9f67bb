"""The rules by name: what each catches, how to mend it, what looks at a case, and what may come out."""

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


@dataclass(frozen=True)
class CheckOutcome:
    """``what`` was expected and got, or the sentence of a skip; ``where``; ``detail``: the end of a traceback.

    ``kind`` tells why it failed: the rule is broken, the method raised, or the process ended before. ``broken`` is no
    fault of a method: ``detail`` tells what went wrong in the check itself.
    """

    status: Literal["ok", "failed", "skipped", "broken"]
    what: str = ""
    where: str = ""
    detail: str = ""
    kind: Literal["rule", "raised", "ended"] = "rule"
    fix: str = ""

    def advice(self, rule: Rule) -> tuple[str, str]:
        """Return why a failure matters and how to mend it: the rule's own words, where it is what broke."""
        if self.kind == "rule" or rule.name in _ABOUT_ERRORS:
            return rule.catches, self.fix or rule.fix
        return "", self.fix


_ABOUT_ERRORS = ("comes_to_its_end", "runs_on_every_network", "extreme_densities_are_handled")
"""Rules that nothing is raised and the process goes on."""

RULES: dict[str, Rule] = {}
"""Every rule by name, in the order in which they are checked."""


def rule(level: CheckLevel, *, catches: str, fix: str, group: str = "") -> Callable[[Callable[[Case], None]], Rule]:
    """Return a decorator that registers a function as the rule of its own name."""

    def register(function: Callable[[Case], None]) -> Rule:
        assert function.__name__ not in RULES, function.__name__
        RULES[function.__name__] = Rule(function.__name__, level, catches, fix, function, group)
        return RULES[function.__name__]

    return register
