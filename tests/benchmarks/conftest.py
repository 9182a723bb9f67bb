"""Ratios of two things timed in turn on one thread: on a shared machine only these are stable."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import quantiles

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

Timed = Callable[[], float]
Compare = Callable[..., None]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Quartiles:
    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Quartiles":
        return cls(*quantiles(values, n=4, method="inclusive"))

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}]"


@pytest.fixture
def compare(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Return a function that times pairs in turn, each order as often, and keeps their ratio's quartiles.

    Both arguments do their work once and return its seconds; the first is what the ratio is of.
    """

    def run(name: str, ours: Timed, theirs: Timed, *, rounds: int, aim: float | None = None) -> None:
        ratios: list[float] = []

        def pair() -> None:
            if len(ratios) % 2:
                first, second = ours(), theirs()
            else:
                second, first = theirs(), ours()
            ratios.append(first / second)

        pair()
        ratios.clear()  # the first pair warms caches and allocators up
        benchmark.pedantic(pair, rounds=rounds, iterations=1)
        found = Quartiles.of(ratios)
        benchmark.extra_info |= {"ratio": name, "median": found.median, "low": found.low, "high": found.high}
        with capsys.disabled():
            print(f"\n{name}: {found} over {rounds} pairs" + (f", aim {aim}" if aim else ""))

    return run
