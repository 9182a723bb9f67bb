"""Checks in their process: build the method, run them, write down what came out."""

import functools
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from harness.testing.case.case import Case
from harness.testing.case.failures import CheckFailed, CheckSkipped, MethodRaised, raised
from harness.testing.case.networks import check_networks
from harness.testing.case.watched_import import watched_import
from harness.testing.case.watchers import RECORDER
from harness.testing.checks.registry import RULES, Rule

RESULTS = "results"
"""A file with a line [check, {"status": ok | failed | skipped | error, "kind", "what", "where", "detail"}] for each."""

OUTPUT = ("stdout", "stderr")
"""Files of what the process wrote, by Python or below it."""


def live(job: dict[str, Any]) -> NoReturn:
    """Be the process that was forked for a job."""
    folder = Path(job["folder"])
    try:
        os.setsid()
        _redirect(folder)
        _perform(job["checks"], job["subject"], Path(job["shared"]), folder)
    except BaseException:
        _write(folder, job["checks"][0], {"status": "error", "what": traceback.format_exc()})
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
        return Case(*watched_import(recipe), shared, folder)

    with check_networks():
        for name in checks:
            _write(folder, name, _result(RULES[name], case))


def _result(rule: Rule, case: Callable[[], Case]) -> dict[str, str]:
    try:
        rule.function(case())
    except CheckFailed as failure:
        return _failed(failure)
    except CheckSkipped as skipped:
        return {"status": "skipped", "what": str(skipped)}
    except BaseException as error:  # KeyboardInterrupt, SystemExit, pytest's skip: a method may raise any
        return _failed(raised(error))
    return {"status": "ok"}


def _failed(failure: CheckFailed) -> dict[str, str]:
    kind = "raised" if isinstance(failure, MethodRaised) else "rule"
    parts = {"what": failure.what, "where": failure.where, "detail": failure.detail}
    return {"status": "failed", "kind": kind, **parts}


def _write(folder: Path, check: str, result: dict[str, str]) -> None:
    with (folder / RESULTS).open("a") as file:
        print(json.dumps([check, result]), file=file)
