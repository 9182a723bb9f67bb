"""As many processes of one thread as there are cores, against one process with as many threads.

In seconds of the clock, since that is what threads are for: give it a machine that does nothing else.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import pytest
import torch
from torch import nn

from harness.environment import usable_cores
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.randomness import generator

STEPS, BATCH, SIZE = 6, 32, 64


def serve(line: Connection, threads: int) -> None:
    """Take as many float32 steps as the line says, until it says 0."""
    torch.set_num_threads(threads)
    network = build(Architecture("alexnet-bn"))
    initialise(network, generator(0, "benchmark"))
    network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    images = torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
    labels = (torch.arange(BATCH) % 5 == 0).long()
    while steps := line.recv():
        for _ in range(steps):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimiser.step()
        line.send(steps)


@contextmanager
def processes(count: int, threads: int) -> Iterator[list[Connection]]:
    context = get_context("spawn")
    pairs = [context.Pipe() for _ in range(count)]
    started = [context.Process(target=serve, args=(theirs, threads), daemon=True) for _, theirs in pairs]
    for process in started:
        process.start()
    yield [ours for ours, _ in pairs]
    for ours, _ in pairs:
        ours.send(0)
    for process in started:
        process.join()


def taken(lines: list[Connection], steps: int) -> float:
    """Return the seconds until all have taken so many steps each."""
    start = time.perf_counter()
    for line in lines:
        line.send(steps)
    for line in lines:
        line.recv()
    return time.perf_counter() - start


@pytest.mark.skipif(usable_cores() < 2, reason="one core")
def test_processes_over_threads(compare: Any) -> None:
    cores = usable_cores()
    with processes(cores, 1) as many, processes(1, cores) as one:
        name = "steps a second, a process a core / one process with as many threads, alexnet-bn, 64 px"
        compare(name, lambda: taken(one, STEPS * cores), lambda: taken(many, STEPS), rounds=12, aim=1.1, more=True)
