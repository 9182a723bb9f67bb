"""Workers that are processes on a cluster's nodes: asked for, admitted, heard, and replaced when a node is lost."""

import pickle
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, cast

from harness import plugins
from harness.errors import MachineError
from harness.planning.plan import Plan
from harness.running.executors.admission import Admission, Mark
from harness.running.executors.cluster import Cluster, Handle, HostLost
from harness.running.executors.executor import Listener, Message, Worker
from harness.running.executors.host import Heard
from harness.running.job_process import Work, how_it_died
from harness.running.own_code import code_digest
from harness.running.worker import WORKER_VARIABLES
from harness.spans import Part, span

LISTEN_S = 0.5
PATIENCE_S = 60.0
"""That a cluster without room may leave the command without a single worker before it is told."""
PAUSE_S = 5.0
"""Before a host is asked for again that was lost before it spoke; each time as much longer, up to `LONGEST_S`."""
LONGEST_S = 60.0
MOST_TRIES = 5
"""That a host which is lost before it speaks is asked for, where no other speaks."""
_SHOWN = 5


@dataclass(eq=False, kw_only=True)
class RemoteWorker(Worker):
    """A worker on some node, whose id is known once it has spoken."""

    handle: Handle
    node: str = ""
    tries: int = 1


class RemoteWorkers:
    """``count`` workers on a ``cluster``, or as many as it has room for, that have ``work`` done under ``plan``.

    Each says that it is ready when its node is admitted: its code, its machine class and its store are the plan's.
    """

    def __init__(self, cluster: Cluster, plan: Plan, work: Work, count: int, listener: Listener) -> None:
        self.cluster, self.plan, self.work, self.count, self.listener = cluster, plan, work, count, listener
        self.workers: list[RemoteWorker] = []
        self.refused: dict[str, str] = {}
        self._said: queue.SimpleQueue[tuple[RemoteWorker, Heard | HostLost]] = queue.SimpleQueue()
        self._order: list[bytes] = []
        self._mark: Mark | None = None
        self._gpu = 0.0
        self._began = time.monotonic()
        self._told = False
        self._late: list[tuple[float, int]] = []
        self._reasons: set[str] = set()

    def __enter__(self) -> Self:
        self._gpu = _share(self.count, self.cluster.gpus()) if self.plan.training.device == "cuda" else 0.0
        self._mark = None if self.plan.shared else Mark.left_in(self.plan.store)
        plan = self.plan
        admission = Admission(
            code=code_digest(),
            device=plan.training.device,
            environment=plan.environment,
            plugins=plugins_of(plan),
            weights=None if plan.trained else plan.weights_file,  # a trained network is in the store
            mark=self._mark,
            shared=self.plan.shared,
        )
        self._order = [pickle.dumps(admission), pickle.dumps((self.plan, self.work))]
        try:
            for _ in range(self.count):
                self._start()
            self._began = time.monotonic()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        self._end()

    @property
    def busy(self) -> bool:
        """Whether any worker has a job in hand."""
        return any(worker.job is not None for worker in self.workers)

    def idle(self) -> Iterator[Worker]:
        """Yield the workers that could take a job now."""
        return (worker for worker in self.workers if worker.ready and worker.job is None)

    def give(self, worker: Worker, job: Any) -> bool:
        """Hand a job to an idle worker; one whose node is lost meanwhile gives it back as ``lost``."""
        cast("RemoteWorker", worker).handle.tell(pickle.dumps(job))
        worker.spent()
        worker.job = job
        self.listener.jobs.began(job)
        return True

    def answer(self, worker: Worker, *, goes_on: bool) -> None:
        """Say to a worker's job, which asked, whether it goes on."""
        cast("RemoteWorker", worker).handle.tell(pickle.dumps(goes_on))

    def heard(self) -> Iterator[Message]:
        """Yield what the workers said, after waiting a little while. Raises the `HarnessError` that ends the run."""
        wait = LISTEN_S
        while True:
            try:
                with span(Part.WAITING):
                    worker, said = self._said.get(timeout=wait)  # which a signal interrupts
            except queue.Empty:
                break
            wait = 0.0
            if worker in self.workers:
                yield from self._take(worker, said)
        self._start_late()
        self._look()

    def _take(self, worker: RemoteWorker, said: Heard | HostLost) -> Iterator[Message]:
        if isinstance(said, HostLost):
            if worker.node:
                yield from self._gone(worker, "lost", str(said))
            else:
                self._never_spoke(worker, str(said))
            return
        worker.node, messages, ended = said
        for data in messages:
            kind, payload = pickle.loads(data)  # noqa: S301 - of a worker of ours
            if kind == "refused":
                self._refuse(worker, payload)
                return
            message = self.listener.heard(worker, kind, payload)
            if message is not None:
                yield message
        if ended is None:
            worker.handle.hear(lambda then: self._said.put((worker, then)))
        elif worker.ready:
            yield from self._gone(worker, "died", (how_it_died(ended[0]), ended[1]))
        else:
            self._refuse(worker, f"a worker could not start there: {ended[1] or how_it_died(ended[0])}")

    def _gone(self, worker: RemoteWorker, kind: str, how: Any) -> Iterator[Message]:
        """Replace a worker; its job, if it had one, is told to have died or to be lost."""
        self.workers.remove(worker)
        worker.handle.kill()
        self._start()
        if worker.job is not None:
            message = self.listener.heard(worker, kind, how)
            assert message is not None
            yield message

    def _never_spoke(self, worker: RemoteWorker, how: str) -> None:
        """Have a host asked for again, a little later. Raises `MachineError` where none ever starts."""
        self.workers.remove(worker)
        worker.handle.kill()
        if how not in self._reasons:
            self._reasons.add(how)
            self.listener.warning(f"a worker could not start on the cluster: {how}; it is asked for again")
        if worker.tries >= MOST_TRIES and not any(other.node for other in self.workers):
            raise MachineError(
                f"no worker can start on the cluster: {how}",
                fix="mend that (a full disk, no memory?); what is finished is kept, and the same command continues",
            )
        self._late.append((time.monotonic() + min(PAUSE_S * worker.tries, LONGEST_S), worker.tries + 1))

    def _start_late(self) -> None:
        now = time.monotonic()
        due = [tries for at, tries in self._late if at <= now]
        self._late = [late for late in self._late if late[0] > now]
        for tries in due:
            self._start(tries)

    def _refuse(self, worker: RemoteWorker, reason: str) -> None:
        """Let a node's worker go, and have none there any more. Raises `MachineError` where there is no other node."""
        node = worker.node
        self.workers.remove(worker)
        worker.handle.kill()
        if node not in self.refused:
            self.refused[node] = f"{self.cluster.nodes(self._gpu).get(node, node)}: {reason}"
            self.listener.warning(f"a node is left out: {self.refused[node]}")
        self._require_node()
        self._start()

    def _require_node(self) -> None:
        if self.refused and set(self.cluster.nodes(self._gpu)) <= set(self.refused):
            raise MachineError(
                "no node of the cluster can do this work",
                faults=list(self.refused.values())[:_SHOWN],
                fix="mend one, or plan for what they are; what is finished is kept, and the same command continues",
            )

    def _start(self, tries: int = 1) -> None:
        handle = self.cluster.host(self._order, dict(WORKER_VARIABLES), self._gpu, self.refused)
        worker = RemoteWorker(handle=handle, tries=tries)
        self.workers.append(worker)
        handle.hear(lambda said: self._said.put((worker, said)))

    def _look(self) -> None:
        """Say so where all wait for room. Raises `MachineError` where there is none but refused nodes."""
        if any(worker.node for worker in self.workers):
            self._began, self._told = time.monotonic(), False
        elif time.monotonic() - self._began > PATIENCE_S and not self._told:
            self._require_node()
            self._told = True
            self.listener.warning("no node of the cluster has room for a worker: waiting for one")

    def _end(self) -> None:
        for worker in self.workers:
            worker.spent()
            worker.handle.stop()
        self.cluster.stopped()
        if self._mark is not None:
            self._mark.remove()


def _share(workers: int, gpus: int) -> float:
    """Return the part of a GPU that each of so many workers gets, rounded down."""
    each = -(-workers // max(gpus, 1))
    return 1.0 if each <= 1 else (10_000 // each) / 10_000


def plugins_of(plan: Plan) -> dict[tuple[str, str], str]:
    """Return the source of each method, data set, network and loss of a plan that is not the harness's own."""
    used = {
        plugins.PRUNERS: {entry.method for entry in plan.entries},
        plugins.DATASETS: {plan.data.asked.kind},
        plugins.NETWORKS: {plan.network},
        plugins.LOSSES: {entry.loss.name for entry in plan.entries},
    }
    known = {group: plugins.available(group) for group in used}
    found = {(group, name): known[group].get(name) for group, names in used.items() for name in sorted(names)}
    return {place: plugin.source for place, plugin in found.items() if plugin is not None and not plugin.is_ours}
