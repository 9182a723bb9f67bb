"""Checks in their process: build the method, run them, write down what came out."""

import functools
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from harness.children import settle
from harness.testing.case.case import Case
from harness.testing.case.failures import CheckFailed, CheckSkipped, MethodRaised, raised
from harness.testing.case.networks import check_networks
from harness.testing.case.subject import subject_from
from harness.testing.case.watchers import OUTPUT, RECORDER
from harness.testing.checks.registry import RULES, CheckOutcome, Rule

OUTCOMES = "outcomes"
"""A file with a line of JSON for each check: its name and the parts of its `CheckOutcome`."""


def live(job: dict[str, Any], parent: int) -> NoReturn:
    """Be the process that was forked for a job by the process ``parent``; end with it, even where it is killed."""
    folder = Path(job["folder"])
    try:
        settle(parent)
        _redirect(folder)
        _perform(job["checks"], job["subject"], Path(job["shared"]), folder)
    except BaseException:
        _write(folder, job["checks"][0], CheckOutcome("broken", detail=traceback.format_exc()))
    os._exit(0)


def _redirect(folder: Path) -> None:
    for number, name in enumerate((os.devnull, *OUTPUT)):
        with open(folder / name, "a" if number else "r") as file:
            os.dup2(file.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, "w" if n else "r", closefd=False) for n in range(3))


def _perform(checks: list[str], recipe: dict[str, Any], shared: Path, folder: Path) -> None:
    RECORDER.install(folder, shared)

    @functools.cache
    def case() -> Case:
        return Case(*subject_from(recipe), shared, folder)

    with check_networks():
        for name in checks:
            _write(folder, name, _outcome(RULES[name], case))


def _outcome(rule: Rule, case: Callable[[], Case]) -> CheckOutcome:
    try:
        rule.function(case())
    except CheckFailed as failure:
        return _failed(failure)
    except CheckSkipped as skipped:
        return CheckOutcome("skipped", str(skipped))
    except BaseException as error:  # KeyboardInterrupt, SystemExit, pytest's skip: a method may raise any
        return _failed(raised(error))
    return CheckOutcome("ok")


def _failed(failure: CheckFailed) -> CheckOutcome:
    parts = failure.what, failure.where, failure.detail
    return CheckOutcome("failed", *parts, kind="raised" if isinstance(failure, MethodRaised) else "rule")


def _write(folder: Path, check: str, outcome: CheckOutcome) -> None:
    with (folder / OUTCOMES).open("a") as file:
        print(json.dumps([check, asdict(outcome)]), file=file)
