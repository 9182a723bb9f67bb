"""A real Ray cluster of several nodes, all on this machine's loopback, for the tests that lose one."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"


def parents():
    """Return the parent of every process."""
    found = {}
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with contextlib.suppress(OSError):
                found[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def below(*ancestors):
    """Return all descendants of processes."""
    children, found = parents(), set(ancestors)
    while more := {pid for pid, parent in children.items() if parent in found and pid not in found}:
        found |= more
    return found - set(ancestors)


def command_of(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def jobs_below(pid):
    """Return the processes of jobs on a node: children of its workers."""
    children = parents()
    workers = {one for one in below(pid) if "executors.node_worker" in command_of(one)}
    return {one for one, parent in children.items() if parent in workers}


def until(what, seconds=240):
    """Wait until something is true, and return it."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


class TestCluster:
    """Nodes of one core each."""

    __test__ = False

    def __init__(self, cores):
        from ray.cluster_utils import Cluster

        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        self.folder = tempfile.mkdtemp(prefix="rt-", dir="/tmp")
        common = {"node_ip_address": HOST, "object_store_memory": 80 * 2**20, "include_dashboard": False}
        self._common = common
        self.cluster = Cluster(
            initialize_head=True, head_node_args={**common, "num_cpus": cores, "temp_dir": self.folder}
        )
        self.address = self.cluster.address

    def add(self, cores=1):
        """Add a node and return it."""
        return self.cluster.add_node(num_cpus=cores, **self._common)

    @staticmethod
    def raylet(node):
        """Return the process of a node, whose descendants its workers are."""
        return node.all_processes["raylet"][0].process.pid

    def cut(self, node):
        """Kill all of a node at once, as where its power goes."""
        lost = below(self.raylet(node))
        for pid in (self.raylet(node), *lost):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.cluster.remove_node(node, allow_graceful=False)
        return lost

    def end(self):
        """End all nodes."""
        self.cluster.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)
