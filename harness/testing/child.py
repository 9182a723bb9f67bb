"""Checks in their process: build the method, run them, say what came out."""

import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from harness.testing.case import Case
from harness.testing.check import CHECKS, CheckFailed, CheckSkipped
from harness.testing.imports import watched_import
from harness.testing.networks import check_networks
from harness.testing.watch import RECORDER

Result = dict[str, str]


def perform(job: dict[str, Any], folder: Path) -> Iterator[dict[str, Result]]:
    """Yield {check: {"status": ok | failed | skipped, "what", "where", "detail"}} of the job's checks so far."""
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
        return {"status": "failed", "what": failure.what, "where": failure.where, "detail": failure.detail}
    except CheckSkipped as skipped:
        return {"status": "skipped", "what": str(skipped)}
    except (Exception, SystemExit) as error:
        what = f"the method raised {type(error).__name__}: {error}; expected no error"
        return {"status": "failed", "what": what, "detail": "".join(traceback.format_exception(error)[-6:])}
    return {"status": "ok"}
