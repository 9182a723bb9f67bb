"""Who computes: the processes of this machine, or a Ray cluster."""

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.planning.hardware import Hardware
    from harness.running.executors.executor import Employ
    from harness.running.executors.ray import RayCluster

LOCAL, RAY = "local", "ray"
EXECUTORS = (LOCAL, RAY)


@dataclass
class Machines:
    """The executor that was asked for, and the cluster's address where one was; in a with block, which lets it go.

    Raises `UsageError` for what cannot be meant, and `MachineError` for a cluster that does not answer.
    """

    executor: str = LOCAL
    address: str | None = None
    _cluster: "RayCluster | None" = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise UsageError(f"--executor {self.executor[:100]!r} is unknown", fix=f"use {' or '.join(EXECUTORS)}")
        if self.executor == LOCAL:
            if self.address is not None:
                raise UsageError("--ray-address is a Ray cluster's", fix="add --executor ray, or leave it out")
            return
        from harness.running.executors.ray_address import check_address, require_ray

        require_ray()
        if self.address is not None:
            check_address(self.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._cluster is not None:
            self._cluster.close()

    @property
    def are_here(self) -> bool:
        """Whether this machine alone computes."""
        return self.address is None

    @property
    def is_connected(self) -> bool:
        """Whether a cluster's software runs in this process."""
        return self._cluster is not None and self._cluster.is_connected

    @cached_property
    def hardware(self) -> "Hardware":
        """What a plan takes from them."""
        from harness.planning.hardware import HERE

        if self.address is None:
            return HERE
        from harness.running.executors.survey import survey

        return survey(self.address)

    def employ(self, jobs: int) -> "Employ":
        """Return who gives workers; ``jobs``: how many at most, for a cluster that is started here."""
        from harness.running.executors.local import Workers

        if self.executor == LOCAL:
            return Workers
        from harness.running.executors.ray import RayCluster
        from harness.running.executors.remote import RemoteWorkers

        if self._cluster is None:
            self._cluster = RayCluster(self.address, jobs)
        return partial(RemoteWorkers, self._cluster)

    @property
    def words(self) -> str:
        """Who computes, for a person."""
        if self.executor == LOCAL:
            return "processes of this machine"
        return "Ray, started on this machine for the run" if self.address is None else f"Ray at {self.address}"

    def values(self) -> dict[str, str | None]:
        """Return the same as JSON values."""
        return {"executor": self.executor, "ray_address": self.address}
