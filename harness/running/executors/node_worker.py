"""A worker process on a node of a cluster: ``python -m``, with a descriptor and its parent's process as arguments.

It is sent an `Admission`, pickled, and then (plan, work), which it reads only where it has the same code.
"""

import pickle
import signal
import sys
from multiprocessing.connection import Connection

from harness.children import settle
from harness.running.executors.admission import Admission


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

    serve(connection, plan, work)


if __name__ == "__main__":
    main()
