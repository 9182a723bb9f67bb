"""Checks on repeatability: bits depend on the seed and on nothing else."""

import copy
import json
import multiprocessing
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, state_of
from harness.storage.canonical import digest
from harness.testing.case.case import LEVELS, Case, blaming, differing
from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.case.forked import forked_to_its_end
from harness.testing.case.networks import RENAMED, check_networks
from harness.testing.case.observed_run import observed, output_of
from harness.testing.case.subject import recipe_of, subject_from
from harness.testing.case.watched_bench import start
from harness.testing.checks.registry import rule

_OTHER_HASH_SEED = "271828"


def _require_same(expected: list[str], found: list[str], reason: str, where: str) -> None:
    if apart := differing(expected, found, LEVELS):
        raise CheckFailed(f"at density {', '.join(apart)} other bits {reason}; expected the same", where)


def _disturb_global_draws(seed: int) -> None:
    """Put all global random states elsewhere."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@rule(
    "core",
    catches="draws from global random state, the clock or anything else but bench.generator.",
    fix="draw from bench.generator(...) alone; sort what comes from sets and folders",
)
def same_seed_gives_the_same_bits(case: Case) -> None:
    """Do the method's own work twice, with other global random states."""
    runs = []
    for seed in (1, 2):
        _disturb_global_draws(seed)
        runs.append(case.run(store=case.own_store()))
    _require_same(runs[0], runs[1], "in a second run of one seed", f"network {case.network}, seed 0")


@rule(
    "full",
    catches="an order that hash() decides, and whatever else differs from process to process.",
    fix="never iterate over a set; use bench.generator and not hash() for seeds",
)
def fresh_process_gives_the_same_bits(case: Case) -> None:
    """Run here and in a new Python process with another PYTHONHASHSEED."""
    here, folder = case.run(case.network, store=case.fresh_store()), case.fresh_store().root
    os.environ["PYTHONHASHSEED"] = _OTHER_HASH_SEED
    said = len(output_of(case))
    process = multiprocessing.get_context("spawn").Process(
        target=_write_bits, args=(recipe_of(case.subject), case.network, folder)
    )
    process.start()
    process.join()
    if not (folder / "bits.json").exists():
        raise CheckFailed(
            f"a fresh process ended with exit code {process.exitcode}; expected it to run like this one",
            f"network {case.network}",
            detail=output_of(case)[said:][-2000:],
        )
    there = json.loads((folder / "bits.json").read_text())
    _require_same(here, there, f"with PYTHONHASHSEED={_OTHER_HASH_SEED}", f"network {case.network}, seed 0")


def _write_bits(recipe: dict[str, Any], network: str, folder: Path) -> None:
    """Run a method in a new process, with one network and a store of its own."""
    with check_networks():
        case = Case(*subject_from(recipe), folder / "store", folder)
        _disturb_global_draws(3)
        (folder / "bits.json").write_text(json.dumps(case.run(network)))


@rule(
    "full",
    catches="a fixed start: all seeds would give one network, and the spread between them would be a lie.",
    fix="start from bench.network(...) and draw from bench.generator(...)",
)
def other_seed_gives_other_networks(case: Case) -> None:
    """Run seeds 0 and 1 and compare the sparsest networks."""
    if case.run(seed=0)[-1] == case.run(seed=1)[-1]:
        raise CheckFailed("seeds 0 and 1 give the same bits, expected others", f"network {case.network}, density 0.25")


@rule(
    "core",
    catches="caches in modules, classes and instances: a worker would give one seed's results for another's.",
    fix="keep nothing between calls of prune; put costly results into bench.compute",
)
def order_of_runs_does_not_matter(case: Case) -> None:
    """Run seed 0 alone, and after seed 1 with the same instance."""
    name = case.network
    alone = forked_to_its_end(lambda: case.run(name, seed=0))
    case.run(name, seed=1)
    _require_same(alone, case.run(name, seed=0), "after a run of seed 1", f"network {name}, seed 0")


@rule(
    "full",
    catches="decisions by a network's name: what works on the benchmark's own networks and nowhere else.",
    fix="look at layers and shapes, not at network.architecture.factory",
)
def network_name_does_not_matter(case: Case) -> None:
    """Run the same network under two names and compare the tensors and masks."""
    name = case.network
    plain = start(Architecture(name), 0)
    other = build(Architecture(f"{RENAMED}{name}"), state_of(plain))
    runs = [_tensors(case, initial) for initial in (plain, other)]
    _require_same(runs[0], runs[1], f"when the network is called {RENAMED}{name}", f"network {name}")


def _tensors(case: Case, initial: Network) -> list[str]:
    found = case.prune(case.bench(initial=initial))
    return [digest([state_of(p.network), None if p.mask is None else dict(p.mask)]) for p in found]


@rule(
    "core",
    catches="a bench.compute function that draws from global state or keeps some: what is stored is then chance.",
    fix="make it a pure function of its inputs; pass it a seed if it has to draw",
    group="observed",
)
def computed_results_are_repeatable(case: Case) -> None:
    """Call every function that went to bench.compute twice with the same inputs."""
    seen = observed(case)
    if not seen.bench.functions:
        raise CheckSkipped("the method does not use bench.compute")
    for function, inputs in seen.bench.functions:
        results = []
        for seed in (1, 2):
            _disturb_global_draws(seed)
            with blaming(function.__name__):
                results.append(digest(function(*copy.deepcopy(inputs))))
        if results[0] != results[1]:
            what = f"{function.__name__} gives two results for one input; expected one"
            raise CheckFailed(what, seen.where)
