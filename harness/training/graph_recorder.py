"""Recording what a function asks of a CUDA device as one graph of kernels, which is launched at once."""

import functools
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_REFUSAL = "synchronizing"
"""In what torch says of a call that makes the host wait for the device."""


class GraphRecorder:
    """Records on a stream beside the usual one. The generators' states are afterwards what they were before."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = _stream(device)

    def rehearse(self, work: Callable[[], Tensor]) -> bool:
        """Do ``work`` twice, first to load what it needs; return whether the second was all the device's.

        It was not where the host waited, or drew numbers: a replay would have those of the record.
        """
        here = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream), _same_draws(self._device):
            work()
            drawn = _host_draws()
            waited = _waits(work) or _host_draws() != drawn
        here.wait_stream(self._stream)
        return not waited

    def record(self, work: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Return what does ``work`` again: with what its tensors hold then, and the default generator's next draws."""
        graph = torch.cuda.CUDAGraph()
        with _same_draws(self._device), torch.cuda.graph(graph, stream=self._stream):
            result = work()

        def replay() -> Tensor:
            graph.replay()
            return result

        return replay


@functools.cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """Return the one stream that a process records on: cuBLAS keeps memory of its own for each."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def _host_draws() -> tuple[bytes, object]:
    return torch.get_rng_state().numpy().tobytes(), random.getstate()


def _waits(work: Callable[[], Tensor]) -> bool:
    """Return whether the host waits for the device in ``work``, which is then given up."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says once that it may not know every call that waits
        torch.cuda.set_sync_debug_mode("error")
    try:
        work()
    except RuntimeError as error:
        if _REFUSAL not in str(error):
            raise
        return True
    finally:
        torch.cuda.set_sync_debug_mode(before)
    return False


@contextmanager
def _same_draws(device: torch.device) -> Iterator[None]:
    before, on_the_host, of_python = torch.cuda.get_rng_state(device), torch.get_rng_state(), random.getstate()
    try:
        yield
    finally:
        torch.cuda.set_rng_state(before, device)
        torch.set_rng_state(on_the_host)
        random.setstate(of_python)
