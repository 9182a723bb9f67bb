"""A worker process on a node of a cluster: ``python -m``, with a descriptor and its parent's process as arguments.

It is sent an `Admission`, pickled, and then (plan, work), which it reads only where it has the same code.
"""

import pickle
import signal
import sys
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from harness.children import settle
from harness.running.executors.admission import Admission
from harness.storage.mirror import local_folder_of

if TYPE_CHECKING:  # it is light before the node is admitted
    from harness.planning.plan import Plan


def main() -> None:
    """Serve, or say why this node may not."""
    descriptor, parent = map(int, sys.argv[1:])
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the cluster's own processes block some, which go on to children
    settle(parent)
    connection = Connection(descriptor)
    try:
        admission: Admission = pickle.loads(connection.recv_bytes())  # noqa: S301 - of the command that asked for us
        order = connection.recv_bytes()
        refusal = admission.refusal()
        if refusal:
            connection.send(("refused", refusal))
            return
        plan, work = pickle.loads(order)  # noqa: S301
    except (EOFError, ConnectionError):
        return
    from harness.running.worker import serve

    serve(connection, on_this_machine(plan), work)


def on_this_machine(plan: "Plan") -> "Plan":
    """Return a plan with its store as it is here: of one on object storage this machine's own mirror."""
    return replace(plan, store=local_folder_of(plan.shared)) if plan.shared else plan


if __name__ == "__main__":
    main()
