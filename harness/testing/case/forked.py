"""A part of a check in a process of its own, which may be killed."""

import os
import pickle
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from harness.testing.case.failures import CheckFailed, CheckSkipped


def forked(function: Callable[[], Any]) -> tuple[int, Any]:
    """Return the wait status of a forked process, and what ``function`` returns there: None where it ends before.

    Raises the `CheckFailed` or `CheckSkipped` that ``function`` raises. Fork before anything is trained: afterwards
    torch's threads would be missing in the child.
    """
    with tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                pickle.dump(_answer(function), file)
                file.flush()
                os._exit(0)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        file.seek(0)
        written = file.read()
    answer = pickle.loads(written) if written else None  # noqa: S301 - our own child wrote it
    if isinstance(answer, CheckFailed | CheckSkipped):
        raise answer
    return status, answer


def forked_to_its_end(function: Callable[[], Any]) -> Any:
    """Do as `forked`, and return the result alone. Raises `CheckFailed` where there is none."""
    status, value = forked(function)
    if value is None:
        raise CheckFailed(f"a process of its own ended with status {status}; expected it to run to its end")
    return value


def _answer(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except (CheckFailed, CheckSkipped) as verdict:
        return verdict
