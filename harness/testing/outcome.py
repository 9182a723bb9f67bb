"""The outcome of one check of one method, from a process that may have ended in any way."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import UsageError
from harness.testing.case.subject import Subject, packed, subjects
from harness.testing.checks.registry import CHECKS, Check
from harness.testing.processes.fork_client import nursery

Status = Literal["ok", "failed", "skipped"]
Kind = Literal["rule", "raised", "ended"]

_ABOUT_ERRORS = ("comes_to_its_end", "runs_on_every_network", "extreme_densities_are_handled")
"""Checks whose own rule is that nothing is raised and the process goes on."""


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

    def advice(self, check: Check) -> tuple[str, str]:
        """Return why a failure matters and how to mend it: the check's own words, where its rule is what broke."""
        if self.kind == "rule" or check.name in _ABOUT_ERRORS:
            return check.catches, self.fix or check.fix
        return "", self.fix


def outcome_of(check: Check, method: Any, limit_s: float | None = None) -> Outcome:
    """Return the outcome of ``check`` for each variant of ``method``: the first that failed, or the first."""
    limit = check.limit_s if limit_s is None else limit_s
    found = [_of_one(check, subject, limit) for subject in subjects(method)]
    return next((outcome for outcome in found if outcome.status == "failed"), found[0])


def _of_one(check: Check, subject: Subject, limit_s: float) -> Outcome:
    try:
        sent = packed(subject)
    except UsageError as error:
        return Outcome("failed", f"{error.message}; expected a method that any process can build", detail=error.fix)
    group = [other.name for other in CHECKS.values() if other.group == check.group] if check.group else [check.name]
    key = json.dumps([check.group, sent, limit_s])
    found = _known.get(key) if check.group else None
    if found is None:
        found = _known[key] = _run(group, sent, limit_s)
    if check.name not in found:  # an earlier one of its group ended the process
        found |= _run([check.name], sent, limit_s)
    return found[check.name]


SLOW = "bound every loop and wait for nothing; a sound method that is slow needs a longer limit: --limit, or limit_s"

_known: dict[str, dict[str, Outcome]] = {}
"""What the groups of checks found, by group and method."""


def _run(names: list[str], sent: dict[str, Any], limit_s: float) -> dict[str, Outcome]:
    """Run checks in one fresh process; if it ends before the last, the check it was at has failed."""
    answer = nursery().do({"checks": names, "subject": sent}, limit_s)
    results = answer["results"]
    for name, result in results.items():
        if result["status"] == "error":
            raise RuntimeError(f"the check {name} itself broke\n{result['what']}")
    found = {name: Outcome(**result) for name, result in results.items()}
    unfinished = next((name for name in names if name not in found), None)
    if unfinished:
        what = f"the process {answer['ended']}; expected it to go on to the end of the check, for {limit_s:g} s at most"
        fix = SLOW if answer["late"] else ""
        found[unfinished] = Outcome("failed", what, detail=answer["output"][-2000:], kind="ended", fix=fix)
    return found
