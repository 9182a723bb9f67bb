"""What a study is: its name, what it searches, and what it optimises."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.results.plain_values import plain
from harness.tuning.candidate import Values
from harness.tuning.objective import Objective
from harness.tuning.spaces import Space, searched


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One study. ``default`` are the values of trial 0; ``facts`` are shown with the study, and decide nothing."""

    name: str
    space: Space
    default: Values
    objective: Objective
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what two commands must agree on to work on one study."""
        return {
            "direction": self.objective.direction,
            "objective": self.objective.name,
            "fpr bound": self.objective.fpr_bound,
            "space": {name: plain(searched(one)) for name, one in sorted(self.space.items())},
            "default": {name: self.default[name] for name in sorted(self.default)},
        }

    def words(self) -> str:
        """Return the search space in words."""
        return "; ".join(f"{name} {searched(one).words}" for name, one in self.space.items())


def disagreements(stored: Mapping[str, Any], asked: Mapping[str, Any], where: str = "") -> list[str]:
    """Return each value that differs between two definitions, as ``place: stored -> asked``."""
    found = []
    for name in sorted({*stored, *asked}):
        old, new = stored.get(name), asked.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += disagreements(old, new, f"{where}{name}.")
        elif old != new:
            found.append(f"{where}{name}: it has {_shown(old)}, asked for is {_shown(new)}")
    return found


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
