"""What one board is about: a group that stands for itself, or the folds of one measurement together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.reports.analysis.design import Design
from harness.reports.analysis.outcomes import Outcome

OF_ONE_FOLD = ("fold", "group", "fingerprint", "test_part", "counts", "looks", "large_groups", "methods")
"""Facts of which each fold has its own."""


@dataclass(frozen=True)
class Subject:
    """A board's identity: a group's, or that of a ``family`` of folds, its facts, and the groups whose cells it has."""

    identity: str
    facts: Mapping[str, Any]
    groups: tuple[str, ...]

    def design(self, cells: Iterable[Outcome]) -> Design:
        """Return which networks were asked for, by the cells of all entries and the number of folds."""
        folds = self.facts.get("folds")
        parts = tuple(range(1, int(folds) + 1)) if folds else (0,)
        return Design(parts, tuple(sorted({cell.seed for cell in cells})))


def subjects(groups: Mapping[str, Mapping[str, Any]]) -> list[Subject]:
    """Return what boards there are, in the order of the groups. Groups that differ by their fold alone are one."""
    families: dict[str, list[str]] = {}
    for group, facts in groups.items():
        family = facts.get("family") if facts.get("folds") else None
        families.setdefault(str(family or group), []).append(group)
    return [
        Subject(identity, _joined([groups[group] for group in own]), tuple(own)) for identity, own in families.items()
    ]


def _joined(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the facts of one group, or those that its folds share, the newest's where they differ, with their own."""
    if not facts[0].get("folds"):
        return dict(facts[0])
    folds = sorted(facts, key=lambda one: int(one["fold"]))
    newest = max(facts, key=lambda one: str(one.get("finished") or ""))
    return {
        **{name: value for name, value in newest.items() if name not in OF_ONE_FOLD},
        "group": [one.get("group") for one in folds],
        "fold": [one["fold"] for one in folds],
        "fingerprint": [one.get("fingerprint") for one in folds],
        "counts": _counts(folds),
        "large_groups": _members(folds),
        "methods": {name: told for one in folds for name, told in (one.get("methods") or {}).items()},
        "looks": max(int(one.get("looks") or 0) for one in folds),
        "started": min(str(one.get("started") or "") for one in folds),
        "seeds": sorted({seed for one in folds for seed in one.get("seeds", ())}),
    }


def _counts(folds: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return the images of each fold's splits, and those that all of them test."""
    tested = [one.get("counts", {}).get("test", {}) for one in folds]
    whole = {kind: sum(int(counts.get(kind, 0)) for counts in tested) for kind in ("p", "n")}
    apart = {
        f"fold {one['fold']}, {split}": dict(counts) for one in folds for split, counts in one.get("counts", {}).items()
    }
    return {"tested in all": whole, **apart}


def _members(folds: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the tested images of each large group over all folds."""
    found: dict[str, list[str]] = {}
    for one in folds:
        for name, ids in (one.get("large_groups") or {}).items():
            found.setdefault(name, []).extend(ids)
    return found
