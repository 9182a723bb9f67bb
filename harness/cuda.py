"""What there is of CUDA here, asked in a process of its own: whoever has begun to use it starts no fork that could."""

import functools
import os
from typing import NamedTuple

from harness.children import apart

VISIBLE = "CUDA_VISIBLE_DEVICES"


class Devices(NamedTuple):
    """The names of CUDA devices in the order of their numbers, and whether the first multiplies in bfloat16."""

    names: tuple[str, ...] = ()
    bfloat16: bool = False


def devices() -> Devices:
    """Return the devices that this process may use: none without a GPU or its driver, or where torch has no CUDA.

    Asked in a fork unless this process uses CUDA already: to ask would cost it half a gigabyte of the device as well.
    """
    import torch

    if not torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]
        return Devices()
    return _found() if torch.cuda.is_initialized() else _found_apart()  # type: ignore[no-untyped-call]


def visible() -> tuple[str, ...]:
    """Return for each device what `VISIBLE` says in a process that shall see it alone: a number, a UUID, a MIG name."""
    count = len(devices().names)
    listed = [name.strip() for name in os.environ[VISIBLE].split(",")] if VISIBLE in os.environ else range(count)
    return tuple(str(name) for name in listed)[:count]


def forks_can_use_it() -> bool:
    """Return whether a fork of this process could use CUDA: not where anything here has so much as counted devices."""
    return not apart(_in_bad_fork)


@functools.cache
def _found_apart() -> Devices:
    found = apart(_found_in_fork)
    return _found() if found is None else Devices(tuple(found[0]), found[1])


def _found_in_fork() -> Devices | None:
    return None if _in_bad_fork() else _found()


def _found() -> Devices:
    import torch

    if not torch.cuda.is_available():
        return Devices()
    names = (torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
    return Devices(tuple(names), torch.cuda.is_bf16_supported())


def _in_bad_fork() -> bool:
    """Return whether torch will refuse CUDA in this fork."""
    import torch

    return bool(torch.cuda._is_in_bad_fork())
