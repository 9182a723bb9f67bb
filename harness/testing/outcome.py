"""The outcome of one rule for one method, from a process that may have ended in any way."""

import functools
import json
from typing import Any

from harness.errors import UsageError
from harness.testing.case.subject import Subject, recipe_of, subjects
from harness.testing.checks.registry import RULES, CheckOutcome, Rule
from harness.testing.processes.fork_client import Ended, fork_client

LIMIT_S = 60.0
"""Seconds that one check may take before its process is killed, unless another limit is given."""

_SLOW = "bound every loop and wait for nothing; a sound method that is slow needs a longer limit: --limit, or limit_s"


def outcome_of(rule: Rule, method: Any, limit_s: float = LIMIT_S) -> CheckOutcome:
    """Return the outcome of ``rule`` for each variant of ``method``: the first that failed, or the first."""
    found = [_of_one(rule, subject, limit_s) for subject in subjects(method)]
    return next((outcome for outcome in found if outcome.status == "failed"), found[0])


def _of_one(rule: Rule, subject: Subject, limit_s: float) -> CheckOutcome:
    try:
        recipe = recipe_of(subject)
    except UsageError as error:
        return CheckOutcome(
            "failed", f"{error.message}; expected a method that any process can build", detail=error.fix
        )
    found = _of_group(rule.group, json.dumps(recipe), limit_s) if rule.group else {}
    if rule.name not in found:  # it has no group, or an earlier one of its group ended the process
        found = _run([rule.name], recipe, limit_s)
    return found[rule.name]


@functools.cache
def _of_group(group: str, recipe: str, limit_s: float) -> dict[str, CheckOutcome]:
    return _run([rule.name for rule in RULES.values() if rule.group == group], json.loads(recipe), limit_s)


def _run(names: list[str], recipe: dict[str, Any], limit_s: float) -> dict[str, CheckOutcome]:
    """Run checks in one fresh process; if it ends before the last, the check it was at has failed."""
    ended = fork_client().do(names, recipe, limit_s)
    for name, outcome in ended.outcomes.items():
        if outcome.status == "broken":
            raise RuntimeError(f"the check {name} itself broke\n{outcome.detail}")
    unfinished = [name for name in names if name not in ended.outcomes][:1]
    return ended.outcomes | {name: _cut_short(ended, limit_s) for name in unfinished}


def _cut_short(ended: Ended, limit_s: float) -> CheckOutcome:
    if ended.code is None:
        how = f"did not finish within {limit_s:g} s"
    else:
        how = f"ended with exit code {ended.code}" if ended.code >= 0 else f"was killed by signal {-ended.code}"
    what = f"the process {how}; expected it to go on to the end of the check, for {limit_s:g} s at most"
    fix = _SLOW if ended.code is None else ""
    return CheckOutcome("failed", what, detail=ended.output[-2000:], kind="ended", fix=fix)
