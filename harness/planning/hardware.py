"""What a plan takes from the machines that will compute: their class, their device, how many workers they have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from harness import cuda
from harness.environment import default_jobs, environment_class, native_precision
from harness.training.schedule import Device

Precision = Literal["float32", "bfloat16"]


class Hardware(Protocol):
    """The machines that will compute, all of one class."""

    @property
    def has_cuda(self) -> bool:
        """Whether they have a CUDA device."""
        ...

    def environment(self, device: Device) -> str:
        """Return their environment class on a device."""
        ...

    def precision(self, device: Device) -> Precision:
        """Return what they multiply in."""
        ...

    def workers(self, device: Device) -> int:
        """Return how many workers a run has where nobody says it."""
        ...


class ThisMachine:
    """The machine that this process is on; nothing is asked before it is wanted."""

    @property
    def has_cuda(self) -> bool:
        """Whether it has a CUDA device."""
        return bool(cuda.devices().names)

    def environment(self, device: Device) -> str:
        """Return its environment class on a device."""
        return environment_class(device)

    def precision(self, device: Device) -> Precision:
        """Return what it multiplies in."""
        return native_precision(device)

    def workers(self, device: Device) -> int:
        """Return one a core, or one for a GPU."""
        return default_jobs(device)


@dataclass(frozen=True)
class OtherMachines:
    """Machines elsewhere: their cores and GPUs, ``cuda`` among the ``counts`` only where they have one.

    ``ask`` returns their environment class and precision on a device.
    """

    counts: Mapping[Device, int]
    ask: Callable[[Device], tuple[str, Precision]]

    @property
    def has_cuda(self) -> bool:
        """Whether they have a CUDA device."""
        return "cuda" in self.counts

    def environment(self, device: Device) -> str:
        """Return their environment class on a device."""
        return self.ask(device)[0]

    def precision(self, device: Device) -> Precision:
        """Return what they multiply in."""
        return self.ask(device)[1]

    def workers(self, device: Device) -> int:
        """Return one for each core of theirs, or one for each GPU."""
        return max(self.counts[device], 1)


HERE = ThisMachine()
