"""What is asked of a cluster: hosts on its nodes, each with a worker."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from harness.running.executors.host import Heard


class HostLost(Exception):  # noqa: N818
    """A host is gone, with its node or alone; the text says how."""


class Handle(Protocol):
    """A host on some node, or one that is to be there when there is room."""

    def hear(self, then: Callable[[Heard | HostLost], None]) -> None:
        """Ask what its worker says; ``then`` is called with it, on any thread."""
        ...

    def tell(self, message: bytes) -> None:
        """Send its worker a message."""
        ...

    def stop(self) -> None:
        """End it with its worker, soon."""
        ...

    def kill(self) -> None:
        """End it at once: its core is free for the one that takes its place."""
        ...


class Cluster(Protocol):
    """Where hosts can be."""

    def host(self, order: list[bytes], variables: dict[str, str], gpu: float, without: Collection[str]) -> Handle:
        """Return a host with a core and a share of a GPU of its own, on none of the nodes ``without``."""
        ...

    def nodes(self, gpu: float) -> Mapping[str, str]:
        """Return the name by id of each node on which there could be such a host, busy ones too."""
        ...

    def gpus(self) -> int:
        """Return how many GPUs all nodes have."""
        ...

    def stopped(self) -> None:
        """Wait a little while until what was stopped has ended; then it is killed."""
        ...
