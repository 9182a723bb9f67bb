"""The process whose children run checks: it has imported the harness once, so that a fresh process costs little.

Started by `python -P -m`; says that it is ready, then reads a job a line and answers with an exit code a line. No
method is ever imported here: each child imports its own. By hand, since multiprocessing's own, tried and just as fast,
runs the user's main file in every child, keeps the PYTHONHASHSEED of whoever started it first, and lets a check go on
whose user was killed.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time

READY = "ready"
"""The first line that it answers, when all is imported."""

_POLL_MS = 2


def main() -> None:
    """Serve jobs until the parent closes the pipe or is gone."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from harness.testing.processes.child import live
    from harness.testing.processes.warm_up import warm_up

    warm_up()
    print(json.dumps(READY), file=answers, flush=True)
    own = os.getpid()
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            answers.close()
            live(job, own)
        code = _waited(child, job["limit_s"])
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(code), file=answers, flush=True)
    os._exit(0)  # without what libraries say when they are unloaded


def _waited(child: int, limit_s: float) -> int | None:
    """Return the child's exit code, minus the signal that killed it, or None where its time was up; leave no process.

    It is killed, too, as soon as the parent is gone or has closed the pipe on which it sends jobs.
    """
    parent = select.poll()
    parent.register(0, 0)  # tells nothing but that the other end is closed
    until = time.monotonic() + limit_s
    ended, status = 0, 0
    while not ended and time.monotonic() < until and not parent.poll(_POLL_MS):
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # whatever it left behind
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    main()
