"""A worker process: one thread, one job at a time, speaking to its parent through a pipe."""

import contextlib
import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from harness.errors import HarnessError, MachineError, UsageError, is_out_of_memory
from harness.planning.plan import Plan

# One thread per process, everywhere: faster beside a busy neighbour, and the bits do not depend on the cores.
WORKER_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it cuBLAS is not deterministic
}

Work = Callable[[Plan, Any, Connection], None]
"""Does one job and sends its results; defined at a module's top level, so that a spawned process finds it."""


def serve(connection: Connection, plan: Plan, work: Work) -> None:
    """Do jobs until the parent says None or dies. Messages out: (kind, payload), those of ``work`` among them.

    Kinds of its own: ready; warning; done; busy (another worker holds a stage: try again later); error (a
    `HarnessError` that ends the run); crash (a traceback: our bug).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_die_with_parent, daemon=True).start()
    fix_kernels()
    warnings.showwarning = lambda message, *_args, **_kwargs: connection.send(("warning", str(message)))
    try:
        _check_environment(plan)
    except HarnessError as error:
        connection.send(("error", error))
        return
    connection.send(("ready", None))
    with contextlib.suppress(EOFError, ConnectionError):  # the parent has gone: so do we
        while (job := connection.recv()) is not None:
            connection.send(_answer(plan, job, connection, work))


def fix_kernels() -> None:
    """Choose the kernels of this process, so that its bits depend on no setting; after `WORKER_VARIABLES` are set."""
    import torch

    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False  # scores are float32


def announce_pretraining(connection: Connection) -> Callable[[str, Any], None]:
    """Return a `Store` listener that tells the parent which architecture is about to be pretrained."""

    def started(kind: str, inputs: Any) -> None:
        if kind == "pretrain":
            connection.send(("pretraining", inputs["architecture"]))

    return started


def _answer(plan: Plan, job: Any, connection: Connection, work: Work) -> tuple[str, Any]:
    from harness.storage.store import StageBusy

    try:
        work(plan, job, connection)
    except StageBusy:
        return "busy", None
    except HarnessError as error:
        return "error", error
    except Exception as error:
        if is_out_of_memory(error):
            return "error", MachineError("out of memory", fix="use fewer --jobs, a smaller image size or batch")
        return "crash", traceback.format_exc()
    return "done", None


def _check_environment(plan: Plan) -> None:
    from harness.environment import environment_class

    here = environment_class(plan.training.device)
    if here != plan.environment:
        raise UsageError(
            f"this worker's environment is {here!r}, the plan's is {plan.environment!r}: bits would differ",
            fix="run all workers of one plan on machines of one kind",
        )


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
