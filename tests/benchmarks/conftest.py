"""Ratios of two things timed in turn on one thread: on a shared machine only these are stable."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from harness.planning.configuration_file import load_configuration
from harness.planning.plan import Plan
from harness.planning.planner import Flags, build_plan

Timed = Callable[[], float]
Compare = Callable[..., None]
Planning = Callable[..., Plan]

SET = 96
"""Images of the smallest set, a third of each part positive."""


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
        if len(values) == 1:
            return cls(*values * 3)
        return cls(*quantiles(values, n=4, method="inclusive"))

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}]"


@pytest.fixture
def compare(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Return a function that times pairs in turn, each order as often, and keeps their ratio's quartiles.

    Both arguments do their work once and return its seconds; the first is what the ratio is of. ``more``: the larger
    the ratio, the better, and an aim is the least that is wanted. ``warm`` runs one pair first, for caches and
    allocators.
    """

    def run(
        name: str,
        ours: Timed,
        theirs: Timed,
        *,
        rounds: int,
        aim: float | None = None,
        more: bool = False,
        warm: bool = True,
    ) -> None:
        ratios: list[float] = []

        def pair() -> None:
            if len(ratios) % 2:
                first, second = ours(), theirs()
            else:
                second, first = theirs(), ours()
            ratios.append(first / second)

        if warm:
            pair()
            ratios.clear()
        benchmark.pedantic(pair, rounds=rounds, iterations=1)
        found = Quartiles.of(ratios)
        told = {"ratio": name, "median": found.median, "low": found.low, "high": found.high}
        benchmark.extra_info |= {**told, "pairs": rounds, "aim": aim, "more": more}
        wanted = f", aim {'>=' if more else '<='} {aim}" if aim else ""
        with capsys.disabled():
            print(f"\n{name}: {found} over {rounds} pairs{wanted}")

    return run


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of `SET` images of 64 px in two classes, of which the lighter is the positive."""
    folder, draws = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for number in range(SET):
        positive = number % 3 == 0
        place = folder / ("sick" if positive else "well")
        place.mkdir(exist_ok=True)
        pixels = draws.integers(0, 200, (64, 64, 3)) + 40 * positive
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.png")
    return folder


@pytest.fixture
def plan_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planning:
    """Return a function that plans a run from configuration keys, on the preset `quick`, its store in a new folder."""
    monkeypatch.setenv("HARNESS_OFFLINE", "1")

    def plan(*assignments: str, **keys: Any) -> Plan:
        given: Mapping[str, Any] = {"seeds": [0], "network": "small-cnn", "weights": "kaiming", **keys}
        options = load_configuration("quick", None, assignments, given)
        return build_plan(options, Flags("quick", None, tmp_path / "store"))[0]

    return plan
