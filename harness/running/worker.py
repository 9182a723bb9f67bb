"""A worker process: it has all loaded, runs no method itself, and starts a process for each job that it is given."""

import contextlib
import os
import signal
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import FrameType
from typing import NoReturn

from harness.children import Child
from harness.errors import HarnessError, MachineError, UsageError, is_out_of_memory
from harness.planning.plan import Plan
from harness.running.job_process import JobProcess, Task, Work, forked, fresh

# One thread per process, everywhere: faster beside a busy neighbour, and the bits do not depend on the cores.
WORKER_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it cuBLAS is not deterministic
    "CUDA_MODULE_LOADING": "LAZY",  # as torch may set it itself, when the cage holds the variables
}

_FIX = "run all workers of one plan on machines of one kind"
_OF_DEVICES = ", and where a machine has GPUs of several names, name those of one by CUDA_VISIBLE_DEVICES=0,1"
_NO_FORK = (
    "something that a worker imports uses CUDA, so that no fork of it could: each job starts in a process that loads"
    " all anew, which takes seconds"
)


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
    try:
        make_ready(plan)
    except HarnessError as error:
        connection.send(("error", error))
        return
    start, prepare = how_jobs_start(plan)
    if start is fresh:
        connection.send(("warning", _NO_FORK))
    signal.signal(signal.SIGTERM, _leave)
    connection.send(("ready", None))
    while (job := connection.recv()) is not None:
        JobProcess(connection, Task(plan, job, work, prepare), start, plan.cell_limit.seconds).run()


def make_ready(plan: Plan) -> None:
    """Choose this process's kernels, and load what jobs need. Raises `UsageError` where its bits would differ.

    CUDA is left to the processes of the jobs.
    """
    from harness.running.warm_up import warm_up

    fix_kernels()
    if plan.training.device != "cuda":
        _check_environment(plan)
    warm_up(plan)


def how_jobs_start(plan: Plan) -> tuple[Callable[..., Child], Callable[[Plan], None] | None]:
    """Return how a job's process is started by this one, and what it does first."""
    from harness.cuda import forks_can_use_it

    if plan.training.device != "cuda":
        return forked, None
    return (forked, begin_on_cuda) if forks_can_use_it() else (fresh, start_on_cuda)


def begin_on_cuda(plan: Plan) -> None:
    """Use CUDA in a fork of a worker. Raises `UsageError` or `MachineError` where it has not the plan's device."""
    import torch

    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (RuntimeError, AssertionError) as error:  # the latter from a torch without CUDA
        if is_out_of_memory(error):
            raise
        raise MachineError(f"a worker cannot use CUDA: {error}", fix="see `harness doctor`") from error
    _check_environment(plan)


def start_on_cuda(plan: Plan) -> None:
    """Load what a job needs in a process that has nothing, and use CUDA."""
    make_ready(plan)
    begin_on_cuda(plan)


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
            fix=_FIX + (_OF_DEVICES if plan.training.device == "cuda" else ""),
        )
