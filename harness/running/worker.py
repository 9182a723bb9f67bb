"""A worker process: it has all loaded, runs no method itself, and starts a process for each job that it is given."""

import contextlib
import os
import signal
import sys
import warnings
from multiprocessing.connection import Connection
from types import FrameType
from typing import NoReturn

from harness.errors import HarnessError, UsageError
from harness.planning.plan import Plan
from harness.running.job_process import JobProcess, Task, Work, forked, fresh

# One thread per process, everywhere: faster beside a busy neighbour, and the bits do not depend on the cores.
WORKER_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it cuBLAS is not deterministic
}


def serve(connection: Connection, plan: Plan, work: Work) -> None:
    """Do jobs until the parent says None or is gone. Messages out: (kind, payload), those of ``work`` among them.

    Kinds of its own: ready; warning; output (what a job wrote to its stdout and stderr); done; busy (another worker
    holds a stage: try again later); error (a `HarnessError` that ends the run); died (the reason and the traceback, or
    what the job wrote: its method's failure).

    This process holds no lock, opens no database and starts no thread of its own: its forks would have a share in each.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, _end)
    warnings.showwarning = lambda message, *_args, **_kwargs: connection.send(("warning", str(message)))
    with contextlib.suppress(EOFError, ConnectionError, SystemExit):  # the parent has gone, or wants us to go
        _serve(connection, plan, work)
    os._exit(0)  # without what libraries do at the end


def _serve(connection: Connection, plan: Plan, work: Work) -> None:
    on_cuda = plan.training.device == "cuda"
    if not on_cuda:
        try:
            make_ready(plan)
        except HarnessError as error:
            connection.send(("error", error))
            return
    signal.signal(signal.SIGTERM, _leave)
    connection.send(("ready", None))
    while (job := connection.recv()) is not None:
        task = Task(plan, job, work, make_ready) if on_cuda else Task(plan, job, work)
        JobProcess(connection, task, fresh if on_cuda else forked, plan.cell_limit.seconds).run()


def make_ready(plan: Plan) -> None:
    """Choose this process's kernels, and load what jobs need. Raises `UsageError` where its bits would differ."""
    from harness.running.warm_up import warm_up

    fix_kernels()
    _check_environment(plan)
    warm_up(plan)


def fix_kernels() -> None:
    """Choose the kernels of this process, so that its bits depend on no setting; after `WORKER_VARIABLES` are set."""
    import torch

    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False  # scores are float32


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at a SIGTERM while nothing is in hand: what an import is doing may make another exception of an exception."""
    os._exit(1)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at a SIGTERM, by an exception, so that a job in hand is ended first."""
    sys.exit(1)


def _check_environment(plan: Plan) -> None:
    from harness.environment import environment_class

    here = environment_class(plan.training.device)
    if here != plan.environment:
        raise UsageError(
            f"this worker's environment is {here!r}, the plan's is {plan.environment!r}: bits would differ",
            fix="run all workers of one plan on machines of one kind",
        )
