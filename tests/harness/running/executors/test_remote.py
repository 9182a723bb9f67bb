"""Workers on a cluster, of which a made-up one plays every part."""

import pickle
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.errors import MachineError, UsageError
from harness.results.names import FAILED
from harness.running.executors import remote
from harness.running.executors.cluster import HostLost
from harness.running.executors.executor import Listener
from harness.running.executors.remote import RemoteWorkers
from harness.running.pool import MOST_LOSSES, Job, Pool

ENTRY = SimpleNamespace(method="magnitude", loss=SimpleNamespace(name="plain"), text="magnitude")


def plan_in(store, device="cpu"):
    return SimpleNamespace(
        store=store,
        environment="torch 1 / abacus",
        training=SimpleNamespace(device=device),
        data=SimpleNamespace(asked=SimpleNamespace(kind="isic-sim")),
        network="small-cnn",
        entries=[ENTRY],
        densities=(1.0, 0.5),
        seeds=(0,),
        jobs=1,
        trained=False,
        weights_file=None,
        shared="",
    )


class Played:
    """A host whose words the test says."""

    def __init__(self, cluster, without, gpu):
        self.cluster, self.without, self.gpu = cluster, set(without), gpu
        self.told, self.is_stopped, self.has_core, self.then = [], False, False, None

    def hear(self, then):
        self.then = then

    def tell(self, message):
        self.told.append(pickle.loads(message))

    def stop(self):
        self.is_stopped = True

    def kill(self):
        self.is_stopped, self.has_core = True, False

    def says(self, *messages, node="a", ended=None):
        self.cluster.place()
        assert self.has_core, "it waits for room"
        then, self.then = self.then, None
        then((node, [pickle.dumps(one) for one in messages], ended))

    def is_lost(self, how="its node was lost"):
        self.has_core = False
        self.then(HostLost(how))


class Cluster:
    """One core a node; a host that was asked to stop keeps its own until `stopped`."""

    def __init__(self, *names, gpus=0):
        self.names, self.hosts, self._gpus, self.ended = names, [], gpus, 0

    def place(self):
        for host in self.hosts:
            if not host.is_stopped and sum(one.has_core for one in self.hosts) < len(self.names):
                host.has_core = True

    def host(self, order, variables, gpu, without):
        self.order = order
        assert variables["OMP_NUM_THREADS"] == "1"
        self.hosts.append(Played(self, without, gpu))
        return self.hosts[-1]

    def nodes(self, gpu):
        return {name: f"node-{name}" for name in self.names}

    def gpus(self):
        return self._gpus

    def stopped(self):
        self.ended += 1


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(remote, "LISTEN_S", 0.0)


@pytest.fixture
def employed(tmp_path):
    """Return a function that gives workers of a cluster, and what they warn of."""

    def employ(cluster, count=1, device="cpu"):
        warned = []
        workers = RemoteWorkers(cluster, plan_in(tmp_path, device), str, count, Listener(warning=warned.append))
        return workers, warned

    return employ


def kinds(workers):
    return [(message.kind, message.job, message.payload) for message in workers.heard()]


def test_a_worker_takes_a_job_when_it_is_ready_and_is_free_when_it_is_done(employed):
    cluster = Cluster("a")
    workers, _ = employed(cluster)
    with workers:
        (host,) = cluster.hosts
        assert [*workers.idle()] == kinds(workers) == []
        host.says(("ready", None))
        assert kinds(workers) == []
        (worker,) = workers.idle()
        assert workers.give(worker, Job(0, 3))
        assert workers.busy
        assert [*workers.idle()] == []
        host.says(("cell", "one"), ("cell", "two"))
        assert kinds(workers) == [("cell", Job(0, 3), "one"), ("cell", Job(0, 3), "two")]
        workers.answer(worker, goes_on=False)
        host.says(("done", None))
        assert kinds(workers) == [("done", Job(0, 3), None)]
        assert host.told == [Job(0, 3), False]
        assert not workers.busy
        assert [*workers.idle()] == [worker]
    assert host.is_stopped
    assert cluster.ended == 1


def test_what_a_node_is_told_names_code_class_and_a_file_of_the_store_that_is_gone_at_the_end(employed, tmp_path):
    cluster = Cluster("a")
    workers, _ = employed(cluster)
    with workers:
        admission = pickle.loads(cluster.order[0])
        assert Path(admission.mark.file).read_text() == admission.mark.token
        assert admission.environment == "torch 1 / abacus"
        assert pickle.loads(cluster.order[1])[1] is str
    assert not Path(admission.mark.file).exists()


def test_a_job_whose_node_is_lost_is_told_so_and_another_host_is_asked_for(employed):
    cluster = Cluster("a", "b")
    workers, _ = employed(cluster)
    with workers:
        cluster.hosts[0].says(("ready", None))
        assert kinds(workers) == []
        workers.give(next(workers.idle()), Job(0, 3))
        cluster.hosts[0].is_lost()
        assert kinds(workers) == [("lost", Job(0, 3), "its node was lost")]
        assert len(cluster.hosts) == 2
        assert cluster.hosts[1].without == set()  # a node that was lost may come back
        assert not workers.busy


FULL = "OSError: [Errno 28] No space left on device"


def test_a_host_that_is_lost_before_it_spoke_is_told_of_once_and_asked_for_again_later(employed, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(remote, "time", SimpleNamespace(monotonic=lambda: now))
    cluster = Cluster("a")
    workers, warned = employed(cluster)
    with workers:
        for tries in range(1, remote.MOST_TRIES):
            cluster.hosts[-1].is_lost(FULL)
            assert kinds(workers) == []
            now += remote.PAUSE_S * tries - 0.1
            assert kinds(workers) == []
            assert len(cluster.hosts) == tries
            now += 0.2
            assert kinds(workers) == []
            assert len(cluster.hosts) == tries + 1
        assert warned == [f"a worker could not start on the cluster: {FULL}; it is asked for again"]
        cluster.hosts[-1].is_lost(FULL)
        with pytest.raises(MachineError, match="No space left"):
            kinds(workers)


def test_hosts_that_do_not_start_end_no_run_in_which_another_works(employed, monkeypatch):
    monkeypatch.setattr(remote, "PAUSE_S", 0.0)
    cluster = Cluster("a", "b")
    workers, _ = employed(cluster, count=2)
    with workers:
        cluster.hosts[0].says(("ready", None))
        for _ in range(2 * remote.MOST_TRIES):
            cluster.hosts[-1].is_lost(FULL)
            assert kinds(workers) == []
        assert len(cluster.hosts) == 2 + 2 * remote.MOST_TRIES
        cluster.hosts[-1].says(("ready", None), node="b")
        assert kinds(workers) == []
        assert len([*workers.idle()]) == 2


def test_a_worker_that_dies_over_its_job_costs_that_job(employed):
    cluster = Cluster("a")
    workers, _ = employed(cluster)
    with workers:
        cluster.hosts[0].says(("ready", None))
        assert kinds(workers) == []
        workers.give(next(workers.idle()), Job(0, 3))
        cluster.hosts[0].says(ended=(-9, "its last words"))
        (message,) = workers.heard()
        assert (message.kind, message.detail) == ("died", "its last words")
        assert "signal 9" in message.payload
        cluster.hosts[1].says(("ready", None))
        assert kinds(workers) == []
        assert len([*workers.idle()]) == 1


def test_a_refused_node_is_named_once_and_asked_no_more(employed):
    cluster = Cluster("a", "b")
    workers, warned = employed(cluster, count=2)
    with workers:
        for host in cluster.hosts[:2]:
            host.says(("refused", "it is 'torch 2'"), node="a")
        assert kinds(workers) == []
        assert warned == ["a node is left out: node-a: it is 'torch 2'"]
        assert [host.without for host in cluster.hosts[2:]] == [{"a"}, {"a"}]
        assert all(host.is_stopped for host in cluster.hosts[:2])
        for host in cluster.hosts[2:]:
            host.says(("ready", None), node="b")
        assert kinds(workers) == []
        assert len([*workers.idle()]) == 2


def test_where_every_node_is_refused_the_run_ends_with_all_reasons(employed):
    cluster = Cluster("a", "b")
    workers, _ = employed(cluster, count=2)
    with workers:
        cluster.hosts[0].says(("refused", "it is 'torch 2'"), node="a")
        assert kinds(workers) == []
        cluster.hosts[1].says(node="b", ended=(1, "No module named harness"))
        with pytest.raises(MachineError) as error:
            kinds(workers)
    assert error.value.faults == [
        "node-a: it is 'torch 2'",
        "node-b: a worker could not start there: No module named harness",
    ]
    assert not [*Path(workers.plan.store).glob("temporary/seen.*")]


def test_what_ends_a_run_ends_it(employed):
    cluster = Cluster("a")
    workers, _ = employed(cluster)
    with workers:
        cluster.hosts[0].says(("error", UsageError("never")))
        with pytest.raises(UsageError, match="never"):
            kinds(workers)


def test_a_cluster_without_room_is_told_of_once(employed, monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE_S", -1.0)
    workers, warned = employed(Cluster("a"))
    with workers:
        assert kinds(workers) == kinds(workers) == []
    assert warned == ["no node of the cluster has room for a worker: waiting for one"]


@pytest.mark.parametrize(
    ("count", "gpus", "each"), [(1, 1, 1.0), (2, 2, 1.0), (3, 2, 0.5), (6, 2, 0.3333), (2, 0, 0.5)]
)
def test_workers_share_gpus_evenly(employed, count, gpus, each):
    cluster = Cluster("a", gpus=gpus)
    workers, _ = employed(cluster, count, "cuda")
    with workers:
        assert {host.gpu for host in cluster.hosts} == {each}
    assert each * count <= max(gpus, 1) * (1 + 1e-9)


def test_on_the_cpu_no_gpu_is_asked_for(employed):
    cluster = Cluster("a", gpus=4)
    workers, _ = employed(cluster)
    with workers:
        assert cluster.hosts[0].gpu == 0.0


class Losing:
    """An executor every worker of which is lost over a job of entry 1, after its first cell; others are done."""

    def __init__(self, plan, work, count, listener):
        self.given, self.job = [], None

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        pass

    @property
    def busy(self):
        return self.job is not None

    def idle(self):
        return iter(() if self.busy else (self,))

    def give(self, worker, job):
        self.job = job
        self.given.append(job)
        return True

    def heard(self):
        job, self.job = self.job, None
        for level, density in enumerate([1.0, 0.5][: 2 - job.entry]):
            yield remote.Message(self, job, "cell", (level, SimpleNamespace(density=density, status="done"), ""))
        yield remote.Message(self, job, "lost" if job.entry else "done", "the power went" if job.entry else None)


def test_a_job_that_loses_its_worker_time_and_again_fails_its_own_cells_alone(tmp_path):
    plan = plan_in(tmp_path)
    plan.entries = [ENTRY, ENTRY]
    pool = Pool(plan, Listener(), employ=Losing)
    found = {outcome.job: outcome.records for outcome in pool.run()}
    assert pool.workers.given == [Job(0, 0), *[Job(1, 0)] * MOST_LOSSES]
    assert [record.status for record in found[Job(0, 0)]] == ["done", "done"]
    assert [record.status for record in found[Job(1, 0)]] == ["done", FAILED]
    assert found[Job(1, 0)][1].reason == "it lost its worker 3 times, at last since the power went"
