"""As many processes of one thread as there are cores, against one process with as many threads.

In seconds of the clock, since that is what threads are for: give it a machine that does nothing else.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from harness.environment import usable_cores
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.randomness import generator

STEPS, BATCH, SIZE = 6, 32, 64
Process = subprocess.Popen[str]


def serve(threads: int) -> None:
    """Take as many float32 steps as each line of standard input says, and say so."""
    torch.set_num_threads(threads)
    network = build(Architecture("alexnet-bn"))
    initialise(network, generator(0, "benchmark"))
    network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    images = torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
    labels = (torch.arange(BATCH) % 5 == 0).long()
    for line in sys.stdin:
        for _ in range(int(line)):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimiser.step()
        print("taken", flush=True)


@contextmanager
def processes(count: int, threads: int) -> Iterator[list[Process]]:
    command = [sys.executable, __file__, str(threads)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(count)]  # type: ignore[call-overload]
    try:
        yield started
    finally:
        for one in started:
            one.communicate()


def taken(by: list[Process], steps: int) -> float:
    """Return the seconds until all have taken so many steps each."""
    start = time.perf_counter()
    for one in by:
        assert one.stdin is not None
        one.stdin.write(f"{steps}\n")
        one.stdin.flush()
    for one in by:
        assert one.stdout is not None
        assert one.stdout.readline() == "taken\n"
    return time.perf_counter() - start


@pytest.mark.skipif(usable_cores() < 2, reason="one core")
def test_processes_over_threads(compare: Any) -> None:
    cores = usable_cores()
    with processes(cores, 1) as many, processes(1, cores) as one:
        name = "steps a second, a process a core / one process with as many threads, alexnet-bn, 64 px"
        compare(name, lambda: taken(one, STEPS * cores), lambda: taken(many, STEPS), rounds=12, aim=1.1, more=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
