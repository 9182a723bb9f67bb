"""Checks in their process: build the method, run them, say what came out."""

import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from harness.testing.case.case import Case
from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.case.networks import check_networks
from harness.testing.case.watched_import import watched_import
from harness.testing.case.watchers import RECORDER
from harness.testing.checks.registry import CHECKS, RAISED, UNASKED

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
            results[name] = built if case is None else _result(partial(CHECKS[name].function, case))
            yield results


def _result(action: Callable[[], None]) -> Result:
    try:
        action()
    except CheckFailed as failure:
        found = {"status": "failed", "what": failure.what, "where": failure.where, "detail": failure.detail}
        if not (failure.what.startswith(RAISED) and failure.what.endswith(UNASKED)):
            return found
        cause = failure.__cause__
        return {**found, "kind": "raised", "where": ", ".join(filter(None, (_line(cause), failure.where)))}
    except CheckSkipped as skipped:
        return {"status": "skipped", "what": str(skipped)}
    except BaseException as error:  # KeyboardInterrupt, SystemExit, pytest's skip: a method may raise any
        what = f"{RAISED}{': '.join(filter(None, (type(error).__name__, str(error))))}{UNASKED}"
        detail = "".join(traceback.format_exception(error)[-6:])
        return {"status": "failed", "what": what, "where": _line(error), "detail": detail, "kind": "raised"}
    return {"status": "ok"}


def _line(error: BaseException | None) -> str:
    """Return the line that raised: the last one outside of libraries, or the last."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f"{own[-1].filename}:{own[-1].lineno} in {own[-1].name}" if own else ""
