"""`harness check` of a data set: one line a rule."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import plugins
from harness.cli.loudness import reporter
from harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from harness.testing.checks.registry import CheckOutcome
    from harness.testing.dataset_rule import DatasetRule

_LOOK_S = 5.0


def is_dataset(name: str) -> bool:
    """Return whether ``name``, as written with options or a path, is a data set's and nothing else's."""
    kind = name.partition(":")[0].partition("[")[0].strip()
    others = (plugins.PRUNERS, plugins.NETWORKS, plugins.LOSSES)
    return kind in plugins.available(plugins.DATASETS) and not any(kind in plugins.available(one) for one in others)


def dataset_rows(name: str, only: str | None, data_dir: Path | None) -> list[tuple[dict[str, Any], "CheckOutcome"]]:
    """Return a row for each rule and its outcome; after a failure that leaves nothing to ask, no more.

    Raises `UsageError` for an unknown rule in ``only``, and where the data set is asked for in another way.
    """
    import harness.testing.dataset_checks  # noqa: F401 - registers all rules
    from harness.data.asked import parse_dataset
    from harness.data.locating import data_folder
    from harness.testing.dataset_rule import DATASET_RULES

    if only is not None and only not in DATASET_RULES:
        raise UsageError(
            f"unknown check {only!r} of a data set{nearest(only, DATASET_RULES)}",
            fix=f"use one of: {', '.join(DATASET_RULES)}",
        )
    plugin = plugins.available(plugins.DATASETS)[parse_dataset(name).kind]
    _refuse_misasked(plugin, name)
    found = _outcomes(plugin, name, str(data_folder(data_dir)), list(DATASET_RULES) if only is None else [only])
    return [(_row(name, DATASET_RULES[rule], outcome), outcome) for rule, outcome in found]


def _outcomes(plugin: plugins.Plugin, name: str, root: str, rules: list[str]) -> Iterator[tuple[str, "CheckOutcome"]]:
    """Yield each rule with what comes of it; what was said once of many rules is said shortly of the others."""
    from harness.testing.checks.registry import CheckOutcome
    from harness.testing.dataset_rules import LISTED, NEEDED

    said: dict[str, str] = {}
    for rule in rules:
        if rule == LISTED:
            _look(plugin, name, root)
        outcome = _outcome(plugin, name, root, rule)
        if outcome.what in said:
            outcome = CheckOutcome("skipped", said[outcome.what])
        yield rule, outcome
        if outcome.kind == "ended" or (outcome.status == "failed" and rule in NEEDED):
            return
        if outcome.kind == "raised":
            said[outcome.what] = f"it ends in the error of {rule}"
        elif outcome.status == "skipped" and rule in NEEDED:
            said[outcome.what] = "its images are not here"


def _refuse_misasked(plugin: plugins.Plugin, name: str) -> None:
    """Raise `UsageError` for options or a path that the data set does not have."""
    from harness.plugin_process import ask
    from harness.testing.dataset_rules import misasked

    try:
        wrong = ask(plugin, misasked, name)
    except UsageError:  # it cannot be imported, which the first rule tells
        return
    if wrong is not None:
        message, faults, fix = wrong
        raise UsageError(message, faults=faults, fix=fix)


def _row(name: str, rule: "DatasetRule", outcome: "CheckOutcome") -> dict[str, Any]:
    row = {"dataset": name, "check": rule.name, "status": outcome.status}
    if outcome.status == "skipped":
        return {**row, "what": outcome.what}
    if outcome.status == "failed":
        parts = {"kind": outcome.kind, "what": outcome.what, "where": outcome.where, "why": rule.catches}
        return {**row, **parts, "fix": outcome.fix}
    return row


def _outcome(plugin: plugins.Plugin, name: str, root: str, rule: str) -> "CheckOutcome":
    """Return what comes of a rule; another distribution's data set is asked in a process of its own."""
    from harness.plugin_process import ask
    from harness.testing.checks.registry import CheckOutcome
    from harness.testing.dataset_rules import dataset_outcome

    try:
        return ask(plugin, dataset_outcome, name, root, rule)
    except UsageError as error:
        return CheckOutcome("failed", error.message, kind="ended", fix=error.fix)


def _look(plugin: plugins.Plugin, name: str, root: str) -> None:
    """Have the data set look at all of its images, a few seconds a question; what goes wrong its rules tell."""
    from harness.plugin_process import ask
    from harness.testing.dataset_rules import look_on

    with reporter().task(f"looking at {name}", None, "images") as task:
        for step in itertools.count():
            try:
                seen, total = ask(plugin, look_on, name, root, _LOOK_S, step)
            except UsageError:
                return
            if seen >= total:
                return
            task.update(seen, total)
