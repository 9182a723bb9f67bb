"""The outcome of one check of one method, from a process that may have ended in any way."""

import functools
import json
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import UsageError
from harness.testing.case.subject import Subject, recipe_of, subjects
from harness.testing.checks.registry import RULES, Rule
from harness.testing.processes.fork_client import Ended, fork_client

Status = Literal["ok", "failed", "skipped"]
Kind = Literal["rule", "raised", "ended"]

LIMIT_S = 60.0
"""Seconds that one check may take before its process is killed, unless another limit is given."""

_ABOUT_ERRORS = ("comes_to_its_end", "runs_on_every_network", "extreme_densities_are_handled")
"""Rules that nothing is raised and the process goes on."""

_SLOW = "bound every loop and wait for nothing; a sound method that is slow needs a longer limit: --limit, or limit_s"


@dataclass(frozen=True)
class Outcome:
    """``what`` was expected and got, or the sentence of a skip; ``where``; ``detail``: the end of a traceback.

    ``kind`` tells why a check failed: its rule is broken, the method raised, or the process ended before the check.
    """

    status: Status
    what: str = ""
    where: str = ""
    detail: str = ""
    kind: Kind = "rule"
    fix: str = ""

    def advice(self, rule: Rule) -> tuple[str, str]:
        """Return why a failure matters and how to mend it: the rule's own words, where it is what broke."""
        if self.kind == "rule" or rule.name in _ABOUT_ERRORS:
            return rule.catches, self.fix or rule.fix
        return "", self.fix


def outcome_of(rule: Rule, method: Any, limit_s: float = LIMIT_S) -> Outcome:
    """Return the outcome of ``rule`` for each variant of ``method``: the first that failed, or the first."""
    found = [_of_one(rule, subject, limit_s) for subject in subjects(method)]
    return next((outcome for outcome in found if outcome.status == "failed"), found[0])


def _of_one(rule: Rule, subject: Subject, limit_s: float) -> Outcome:
    try:
        recipe = recipe_of(subject)
    except UsageError as error:
        return Outcome("failed", f"{error.message}; expected a method that any process can build", detail=error.fix)
    found = _of_group(rule.group, json.dumps(recipe), limit_s) if rule.group else {}
    if rule.name not in found:  # it has no group, or an earlier one of its group ended the process
        found = _run([rule.name], recipe, limit_s)
    return found[rule.name]


@functools.cache
def _of_group(group: str, recipe: str, limit_s: float) -> dict[str, Outcome]:
    return _run([rule.name for rule in RULES.values() if rule.group == group], json.loads(recipe), limit_s)


def _run(names: list[str], recipe: dict[str, Any], limit_s: float) -> dict[str, Outcome]:
    """Run checks in one fresh process; if it ends before the last, the check it was at has failed."""
    ended = fork_client().do(names, recipe, limit_s)
    for name, result in ended.results.items():
        if result["status"] == "error":
            raise RuntimeError(f"the check {name} itself broke\n{result['what']}")
    found = {name: Outcome(**result) for name, result in ended.results.items()}
    if unfinished := [name for name in names if name not in found]:
        found[unfinished[0]] = _cut_short(ended, limit_s)
    return found


def _cut_short(ended: Ended, limit_s: float) -> Outcome:
    if ended.code is None:
        how = f"did not finish within {limit_s:g} s"
    else:
        how = f"ended with exit code {ended.code}" if ended.code >= 0 else f"was killed by signal {-ended.code}"
    what = f"the process {how}; expected it to go on to the end of the check, for {limit_s:g} s at most"
    fix = _SLOW if ended.code is None else ""
    return Outcome("failed", what, detail=ended.output[-2000:], kind="ended", fix=fix)
