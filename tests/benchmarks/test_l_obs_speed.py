"""What L-OBS costs for alexnet-bn at 64 px on one core: inverses and sweep, once for all levels.

In seconds of the processor, and as ratios to bare float64 products of the same matrices.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
import torch
from torch import Tensor

from harness.methods.l_obs import all_multipliers
from harness.methods.layer_hessians import damped_inverse, layer_hessians, pruned_layers
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise
from harness.randomness import generator

IMAGES, SIZE, ROUNDS = 64, 64, 4
DAMPING = 0.01


@pytest.fixture
def network() -> Network:
    made = build(Architecture("alexnet-bn"))
    initialise(made, generator(0, "benchmark"))
    return made


@pytest.fixture
def hessians(network: Network) -> dict[str, Tensor]:
    images = torch.randn(IMAGES, 3, SIZE, SIZE, generator=generator(0, "images"))
    return layer_hessians(network, [(images, torch.zeros(IMAGES))])


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[str, list[float]], None]:
    def run(name: str, seconds: list[float]) -> None:
        with capsys.disabled():
            print(f"{name}: median {median(seconds):.2f} s on one core")

    return run


def timed(work: Callable[[], object], seconds: list[float] | None = None) -> float:
    start = time.process_time()
    work()
    taken = time.process_time() - start
    if seconds is not None:
        seconds.append(taken)
    return taken


def inverses_of(network: Network, hessians: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: damped_inverse(hessians[name], layer.weight[0].numel(), DAMPING)
        for name, layer in pruned_layers(network).items()
    }


def test_inverses_over_products(compare: Any, show: Any, network: Network, hessians: dict[str, Tensor]) -> None:
    seconds: list[float] = []
    name = "L-OBS, all inverses of alexnet-bn / bare products H H"
    compare(
        name,
        lambda: timed(lambda: inverses_of(network, hessians), seconds),
        lambda: timed(lambda: [hessian @ hessian for hessian in hessians.values()]),
        rounds=ROUNDS,
    )
    show(name.partition(" /")[0], seconds)


def test_sweep_over_products(compare: Any, show: Any, network: Network, hessians: dict[str, Tensor]) -> None:
    inverses = inverses_of(network, hessians)
    rows = {name: layer.weight.detach().flatten(1).double() for name, layer in pruned_layers(network).items()}
    seconds: list[float] = []
    name = "L-OBS, sweep of alexnet-bn / bare products W H"
    compare(
        name,
        lambda: timed(lambda: all_multipliers(network, inverses), seconds),
        lambda: timed(lambda: [rows[name] @ inverses[name][: rows[name].shape[1]] for name in rows]),
        rounds=ROUNDS,
    )
    show(name.partition(" /")[0], seconds)
