"""The process whose children run checks: it has imported the harness once, so that a fresh process costs little.

Started by `python -P -m`; reads a job a line, answers a line. No method is ever imported
here: each child imports its own.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

_POLL_S = 0.002
_LATE = "did not finish"


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from harness.testing.processes.warm_up import warm_up

    warm_up()
    for line in sys.stdin:
        job = json.loads(line)
        answer = _tend(job, answers.fileno())
        if _is_alone():
            os._exit(0)
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # without what libraries say when they are unloaded


def _tend(job: dict[str, Any], answers: int) -> dict[str, Any]:
    """Run one job in a child of its own process group; return how it ended and its results so far."""
    folder = Path(job["folder"])
    with warnings.catch_warnings():
        # The other thread that Python 3.12 warns of is jemalloc's own, of pyarrow, which is prepared for forks.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _live(job, folder, answers)
    ended = _wait(child, job["limit_s"])
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # whatever it left behind
    result = folder / "result.json"
    output = "".join((folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    return {
        "ended": ended,
        "late": ended.startswith(_LATE),
        "results": json.loads(result.read_text()) if result.exists() else {},
        "output": output,
    }


def _wait(child: int, limit_s: float) -> str:
    until = time.monotonic() + limit_s
    while time.monotonic() < until and not _is_alone():
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            number = os.waitstatus_to_exitcode(status)
            return f"ended with exit code {number}" if number >= 0 else f"was killed by signal {-number}"
        time.sleep(_POLL_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return f"{_LATE} within {limit_s:g} s"


def _is_alone() -> bool:
    """Tell whether the parent is gone, or has closed the pipe on which it sends jobs."""
    poll = select.poll()
    poll.register(0, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


def _live(job: dict[str, Any], folder: Path, answers: int) -> None:
    """Be the child; never return."""
    try:
        os.setsid()
        os.close(answers)
        _redirect(folder)
        from harness.testing.processes.child import perform

        for results in perform(job, folder):
            _write(folder, results)
    except BaseException:
        _write(folder, {job["checks"][0]: {"status": "error", "what": traceback.format_exc()}})
    os._exit(0)


def _write(folder: Path, results: dict[str, Any]) -> None:
    temporary = folder / "result.tmp"
    temporary.write_text(json.dumps(results))
    temporary.rename(folder / "result.json")


def _redirect(folder: Path) -> None:
    """Let what the method writes, by Python or below it, end in files."""
    sys.stdin = open(os.devnull)  # noqa: SIM115
    os.dup2(sys.stdin.fileno(), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)


if __name__ == "__main__":
    main()
