"""Checks in their process: build the method, run them, say what came out."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from harness.testing.case.case import Case
from harness.testing.case.failures import CheckFailed, CheckSkipped, MethodRaised, raised
from harness.testing.case.networks import check_networks
from harness.testing.case.watched_import import watched_import
from harness.testing.case.watchers import RECORDER
from harness.testing.checks.registry import RULES

Result = dict[str, str]


def perform(job: dict[str, Any], folder: Path) -> Iterator[dict[str, Result]]:
    """Yield {check: {"status": ok | failed | skipped, "what", "where", "detail", "kind"}} of its checks so far."""
    shared = Path(job["shared"])
    RECORDER.install(folder, shared)
    results: dict[str, Result] = {}
    with check_networks():
        case: Case | None = None

        def build() -> None:
            nonlocal case
            subject, imported = watched_import(job["subject"])
            case = Case(subject, imported, shared, folder)

        built = _result(build)
        for name in job["checks"]:
            results[name] = built if case is None else _result(partial(RULES[name].function, case))
            yield results


def _result(action: Callable[[], None]) -> Result:
    try:
        action()
    except CheckFailed as failure:
        return _failed(failure)
    except CheckSkipped as skipped:
        return {"status": "skipped", "what": str(skipped)}
    except BaseException as error:  # KeyboardInterrupt, SystemExit, pytest's skip: a method may raise any
        return _failed(raised(error))
    return {"status": "ok"}


def _failed(failure: CheckFailed) -> Result:
    kind = "raised" if isinstance(failure, MethodRaised) else "rule"
    parts = {"what": failure.what, "where": failure.where, "detail": failure.detail}
    return {"status": "failed", "kind": kind, **parts}
