"""A Ray cluster: one that is there, or one of this machine alone. Only this module imports Ray."""

import contextlib
import importlib
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from harness.errors import MachineError
from harness.running.executors.cluster import Handle, HostLost
from harness.running.executors.host import Heard, Host
from harness.running.executors.ray_address import answers, unreachable

STOP_S = 6.0
NAMESPACE = "prune-harness"
_LOOPBACK = ("127.0.0.1", "localhost")
_LONGEST = 40
"""Of a folder in which Ray makes sockets, whose names may have 107 characters."""
_OBJECTS = 80 * 2**20  # Ray's least: nothing large goes by it
_LITTLE = 0.001
_RESOURCES = {"cpu": "CPU", "cuda": "GPU"}


class _NodeHost(Host):
    """A host that knows its node."""

    def node(self) -> str:
        import ray

        return str(ray.get_runtime_context().get_node_id())


class RayCluster:
    """The cluster at ``address``; None: one of this machine with so many ``cores``, ended by `close`.

    It is connected to when it is first asked for anything: threads run in this process from then on.
    """

    def __init__(self, address: str | None, cores: int) -> None:
        self.address, self.cores = address, cores
        self._ray: Any = None
        self._actor: Any = None
        self._folder = ""
        self._ending: list[tuple[Any, Future[None]]] = []

    @property
    def is_connected(self) -> bool:
        """Whether Ray runs in this process."""
        return self._ray is not None

    @property
    def ray(self) -> Any:
        """The library, connected."""
        if self._ray is None:
            if self.address is None:
                _keep_to_ourselves()
            _silence()
            with _signals_kept():
                self._ray = _started(self) if self.address is None else _joined(self.address)
            by_value: Any = importlib.import_module("ray.cloudpickle").register_pickle_by_value
            for module in (Host.__module__, __name__):
                by_value(sys.modules[module])
            self._actor = self._ray.remote(_NodeHost)
        return self._ray

    def host(self, order: list[bytes], variables: dict[str, str], gpu: float, without: Collection[str]) -> Handle:
        """Return a host with a core and a share of a GPU of its own, on none of the nodes ``without``."""
        ray = self.ray
        wanted: dict[str, Any] = {"num_cpus": 1, "num_gpus": gpu, "max_concurrency": 3, "max_restarts": 0}
        if without:
            wanted["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(without))})"}
        return _RayHandle(self, ray, self._actor.options(**wanted).remote(order, variables))

    def nodes(self, gpu: float) -> Mapping[str, str]:
        """Return the name by id of each node on which there could be such a host, busy ones too."""
        return {
            node["NodeID"]: _name(node)
            for node in self.ray.nodes()
            if node["Alive"] and _has(node, "CPU", 1) and _has(node, "GPU", gpu)
        }

    def survey(self, machine: Callable[[str], tuple[str, str]], device: str) -> dict[str, Any]:
        """Return the number of workers by device, and what ``machine`` says of ``device`` on the node with most of it.

        No other device is asked: others may have all of it. Raises `MachineError`.
        """
        there = {
            name: [node for node in self.ray.nodes() if node["Alive"] and _has(node, what, 1)]
            for name, what in _RESOURCES.items()
        }
        for name in ("cpu", device):  # each worker has a core, those of a GPU too
            if not there[name]:
                raise MachineError(f"the cluster has no node with a {_RESOURCES[name]}", fix="add one: docs/scale.md")
        what = _RESOURCES[device]
        largest = max(there[device], key=lambda node: (node["Resources"][what], node["NodeID"]))
        return {
            "counts": {
                name: sum(int(node["Resources"][_RESOURCES[name]]) for node in nodes)
                for name, nodes in there.items()
                if nodes
            },
            "told": self._asked(largest, machine, device),
        }

    def _asked(self, node: Mapping[str, Any], machine: Callable[[str], tuple[str, str]], device: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        wanted = {
            "num_cpus": 0,
            "num_gpus": _LITTLE if device == "cuda" else 0,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
        }
        try:
            return self.ray.get(self.ray.remote(machine).options(**wanted).remote(device))
        except Exception as error:  # whatever that node cannot do
            raise MachineError(
                f"{_name(node)} of the cluster cannot say what it is: {_last_line(error)}",
                fix="install the harness there as it is here, in the environment that `ray start` is called from",
            ) from error

    def gpus(self) -> int:
        """Return how many GPUs all nodes have."""
        return sum(int(node["Resources"].get("GPU", 0)) for node in self.ray.nodes() if node["Alive"])

    def ending(self, actor: Any, stopped: "Future[None]") -> None:
        """Take in an actor that was asked to stop."""
        self._ending.append((actor, stopped))

    def stopped(self) -> None:
        """Wait a little while until what was stopped has ended; then it is killed."""
        until = time.monotonic() + STOP_S
        for actor, stopped in self._ending:
            with contextlib.suppress(Exception):  # not there yet, or gone with its node
                stopped.result(max(until - time.monotonic(), 0.0))
            self._ray.kill(actor)
        self._ending.clear()

    def close(self) -> None:
        """Leave the cluster; end one that was started here."""
        if self._ray is not None:
            self._ray.shutdown()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._ray, self._folder = None, ""


class _RayHandle:
    def __init__(self, cluster: RayCluster, ray: Any, actor: Any) -> None:
        self._cluster, self._ray, self._actor = cluster, ray, actor
        self._is_there = False

    def hear(self, then: Callable[[Heard | HostLost], None]) -> None:
        """Ask what its worker says."""
        self._actor.hear.remote().future().add_done_callback(lambda future: then(self._heard(future)))

    def tell(self, message: bytes) -> None:
        """Send its worker a message."""
        self._actor.tell.remote(message)

    def stop(self) -> None:
        """End it with its worker, soon."""
        if self._is_there:
            self._cluster.ending(self._actor, self._actor.stop.remote().future())
        else:
            self.kill()

    def kill(self) -> None:
        """End it at once: its core is free for the one that takes its place."""
        self._ray.kill(self._actor)

    def _heard(self, future: "Future[Heard]") -> Heard | HostLost:
        error = future.exception()
        self._is_there = error is None
        if error is None:
            return future.result()
        if getattr(error, "actor_init_failed", False):
            return HostLost(_last_line(error))
        return HostLost(f"its node or its worker was lost ({type(error).__name__})")


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def _last_line(error: BaseException) -> str:
    """Return what went wrong there, below the traceback that Ray gives with it."""
    return str(error).strip().rpartition("\n")[2]


def _has(node: Mapping[str, Any], what: str, amount: float) -> bool:
    return bool(node["Resources"].get(what, 0) >= amount)


def _joined(address: str) -> Any:
    import ray

    host, _, port = address.rpartition(":")
    util: Any = ray.util
    if host in _LOOPBACK and not answers(util.get_node_ip_address(), port):
        _stay_on_loopback()
    try:
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises of many kinds
        raise unreachable(address, str(error).strip().partition("\n")[0]) from error
    return ray


def _keep_to_ourselves() -> None:
    """Have Ray ask for a token that nobody else has. It reads these once, where it is imported."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))


def _silence() -> None:
    """Keep what Ray has to say of its nodes off stdout, which is the results'; the command says what it means."""
    importlib.import_module("ray._private.worker").__dict__["print_worker_logs"] = lambda *_: None


def _stay_on_loopback() -> None:
    """Have Ray keep 127.0.0.1, in whose place it otherwise takes the address that other machines see."""
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False


def _started(cluster: RayCluster) -> Any:
    """Start Ray for this command alone, on this machine's own address."""
    import ray

    _stay_on_loopback()
    short = len(tempfile.gettempdir()) < _LONGEST
    cluster._folder = tempfile.mkdtemp(prefix="harness-ray-", dir=None if short else "/tmp")  # noqa: S108
    try:
        ray.init(
            address="local",
            namespace=NAMESPACE,
            num_cpus=cluster.cores,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=_OBJECTS,
            _node_ip_address="127.0.0.1",
            _temp_dir=cluster._folder,
        )
    except Exception as error:
        raise MachineError(f"Ray cannot start here: {error}", fix="use --executor local") from error
    return ray


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep what this process does at a signal, which Ray would change."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
