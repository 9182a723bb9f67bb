"""How many processes pay on one device: what several do together, each training at its own pace, and what they hold."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple

from harness import cuda
from harness.forecast.stepping_process import SteppingProcess
from harness.planning.plan import Plan

MOST = 8
"""Processes that are tried on one device."""

WORTH = 0.95
"""Of the most steps a second: more processes that still reach so many take turns at what a job does off the device."""

SHARE = 0.8
"""Of the free memory of a device that processes may hold; the rest is for what methods compute."""

TIMED_S = 1.5
"""That each number of processes steps for."""

_HELD = 256 * 2**20
"""Bytes of images, at most, that a process holds here; of a larger set the rest is added by counting."""


class Sharing(NamedTuple):
    """Training steps a second by the number of processes that take them, all together.

    ``each`` are the bytes of the device that a process takes and ``room`` those that all may have; None: no limit is
    known, as on a CPU.
    """

    rates: Mapping[int, float]
    each: int | None = None
    room: int | None = None

    def fits(self, count: int) -> bool:
        """Return whether so many processes have room."""
        return self.each is None or self.room is None or count * self.each <= SHARE * self.room

    def best(self, most: int) -> int:
        """Return the largest number of processes, ``most`` at most, that is as fast as any; 1 if nothing was measured.

        Where jobs begin, score and write, the device waits: the more there are of them, the less.
        """
        possible = {
            count: rate for count, rate in self.rates.items() if count == 1 or (count <= most and self.fits(count))
        }
        fastest = max(possible.values(), default=0.0)
        return max((count for count, rate in possible.items() if rate >= WORTH * fastest), default=1)


class Probe:
    """Processes on one device that are started as they are needed, in a with block. ``images``: of a training split."""

    def __init__(self, plan: Plan, images: int) -> None:
        self.plan, self.images = plan, images
        self._processes: list[SteppingProcess] = []
        self._free: list[int | None] = []
        self._opened = ExitStack()
        self._device = next(iter(cuda.visible()), None) if plan.training.device == "cuda" else None

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._opened.close()

    def rate(self, count: int) -> float | None:
        """Return the steps a second of ``count`` processes together; None where one cannot be had, or ended."""
        try:
            self._start(count)
            stepping = self._processes[:count]
            for process in stepping:
                process.begin(TIMED_S)
            done = [process.stepped() for process in stepping]
        except EOFError:
            return None
        return sum(one.steps / one.seconds for one in done)

    @property
    def memory(self) -> tuple[int | None, int | None]:
        """The bytes of the device that a process takes, and those that were free before the first, once two run."""
        if len(self._free) < 2 or self._free[0] is None or self._free[1] is None:
            return None, None
        each = max(self._free[0] - self._free[1], 1)
        return each + self._not_held, self._free[0] + each

    @property
    def _image_bytes(self) -> int:
        return 3 * self.plan.data.size**2

    @property
    def _not_held(self) -> int:
        return max(self.images * self._image_bytes - _HELD, 0)

    def _start(self, count: int) -> None:
        images = max(min(self.images, _HELD // self._image_bytes), 1)
        while len(self._processes) < count:
            process = SteppingProcess(self.plan, images, self._device)
            self._opened.callback(process.end)
            self._processes.append(process)
        for process in self._processes[len(self._free) :]:
            self._free.append(process.ready())


def measured(plan: Plan, images: int, most: int) -> Sharing:
    """Return what 1, 2, 4 and so on processes do, ``most`` at most, as long as twice as many pay and have room."""
    found = Sharing({})
    with Probe(plan, images) as probe:
        count = 1
        while count <= most and found.fits(count):
            rate = probe.rate(count)
            if rate is None:
                break
            found = Sharing({**found.rates, count: rate}, *probe.memory)
            if found.best(count) < count:
                break
            count *= 2
    return found
