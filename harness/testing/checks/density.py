"""Checks on densities: exact, in order, and independent of which others were asked for."""

import torch

from harness.errors import UsageError
from harness.losses.registered import schedule_named
from harness.networks.architecture import Architecture
from harness.networks.factories import parameter_count
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.workbench import TrainingDiverged
from harness.sparsity.mask import Mask, prunable_weights
from harness.storage.canonical import digest
from harness.testing.case.case import LEVELS, Case, differing, place
from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.case.watched_bench import start
from harness.testing.checks.registry import rule

MORE = (1.0, 0.77, 0.6, 0.5, 0.31, 0.25, 0.2)
"""`LEVELS`, and others between and after them."""

NONE_REACHED = "on no network has the method any of the densities below 1 that are asked for"


def require_density(case: Case, pruned: PrunedNetwork, density: float, dense: int, where: str) -> None:
    """Raise `CheckFailed` unless as many parameters are left as ``density`` asks for."""
    kept = parameter_count(pruned.network) - (pruned.mask.pruned if pruned.mask is not None else 0)
    allowed = max(0.5, case.pruner.density_tolerance * density * dense)
    if abs(kept - density * dense) > allowed + 1e-6:
        wanted = f"{density * dense:,.1f} within {allowed:,.1f}"
        raise CheckFailed(f"{kept:,} of {dense:,} parameters are left, expected {wanted}", where)


@rule(
    "core",
    catches="rounding per layer, quotas of the wrong total, and biases or norms counted in or left out.",
    fix="use prune_least, which is exact to one parameter of the whole network, or declare density_tolerance",
)
def density_is_exact(case: Case) -> None:
    """Ask for odd densities, one weight less than all among them."""
    pruned_once = False
    for name in case.networks():
        bench = case.bench(name)
        dense = parameter_count(bench.network())
        exact = case.pruner.density_tolerance == 0
        densities = (1.0, *([1 - 1 / dense] if exact else []), 0.9137, 0.6180339, 0.5, 1 / 3)
        for density, pruned in case.reachable(bench, densities):
            require_density(case, pruned, density, dense, place(bench, [density]))
            pruned_once |= density < 1
    if not pruned_once:
        raise CheckSkipped(NONE_REACHED)


@rule(
    "core",
    catches="levels in the wrong order: each would be reported at another's density.",
    fix="yield the densest network first, in the order of the densities that were asked for",
    group="yields",
)
def densest_comes_first(case: Case) -> None:
    """Count what is left at each level."""
    bench, found = case.standard
    left = [parameter_count(p.network) - (p.mask.pruned if p.mask is not None else 0) for p in found]
    if left != sorted(left, reverse=True):
        raise CheckFailed(f"parameters left are {left}, expected them to fall", place(bench, LEVELS))


@rule(
    "core",
    catches="a reference that is not the dense network: pruning would be credited with what training did.",
    fix="yield PrunedNetwork(bench.dense()) for density 1",
)
def density_one_is_the_dense_network(case: Case) -> None:
    """Compare with bench.dense(), bit for bit, under a loss whose first round differs from the later ones."""
    bench = case.bench(losses=schedule_named("black"))
    pruned, where = case.prune(bench, [1.0])[0], place(bench, [1.0])
    if pruned.network.architecture != bench.network().architecture:
        raise CheckSkipped("the method has a network of its own")
    if digest(pruned.network) != digest(bench.dense()):
        raise CheckFailed("the network of density 1 is not bench.dense(), expected the same bits", where)
    if pruned.mask is not None and pruned.mask.pruned:
        raise CheckFailed(f"at density 1 {pruned.mask.pruned} weights are pruned, expected 0", where)


@rule(
    "core",
    catches="results that depend on which other densities were asked for: two reports could not be compared.",
    fix="walk a grid of your own and treat other densities as side steps from it, as IterativePruner does",
)
def densities_leave_each_other_alone(case: Case) -> None:
    """Ask again with more densities between and after."""
    few, many = case.run(densities=LEVELS), case.run(densities=MORE)
    same = [many[MORE.index(density)] for density in LEVELS]
    if apart := differing(few, same, LEVELS):
        asked = ", ".join(f"{density:g}" for density in MORE)
        raise CheckFailed(
            f"at density {', '.join(apart)} other bits than when {asked} are asked for; expected the same",
            f"network {case.network}",
        )


@rule(
    "core",
    catches="a broken promise of independent levels, which the harness runs one by one and in any order.",
    fix='compute each level from its density alone, or set level_order = "sequential"',
)
def independent_levels_are_independent(case: Case) -> None:
    """Compare prune(b, [x, y]) with prune(b, [x]) + prune(b, [y])."""
    if case.pruner.level_order != "independent":
        raise CheckSkipped("the method's levels are sequential")
    together = case.run()
    alone = [case.run(densities=[density])[0] for density in reversed(LEVELS)][::-1]
    if apart := differing(together, alone, LEVELS):
        what = f"at density {', '.join(apart)} other bits alone than together; expected the same"
        raise CheckFailed(what, f"network {case.network}")


def _handled(case: Case, network: str, density: float) -> None:
    """Require the density, or a refusal that says why."""
    bench = case.bench(network)
    where = place(bench, [density])
    try:
        pruned = case.yields(bench, case.asked_for(density))[-1]
    except CheckFailed:
        raise
    except (UsageError, TrainingDiverged):
        return
    except ValueError as error:
        if len(str(error).split()) < 3:
            raise CheckFailed(f"it is refused with {str(error)!r}, expected the reason in words", where) from error
        return
    except Exception as error:
        what = f"the method raised {type(error).__name__}: {error}; expected a ValueError that says why"
        raise CheckFailed(what, where) from error
    require_density(case, pruned, density, parameter_count(bench.network()), where)
    case.require_no_fault(bench, pruned, density)


@rule(
    "full",
    catches="a crash, an endless loop or a silently other density where almost nothing, or too little, is left.",
    fix="raise ValueError naming the density where it cannot be reached; prune_least does",
)
def extreme_densities_are_handled(case: Case) -> None:
    """Ask for one weight above the parameters that cannot be pruned, for exactly these, and for less."""
    for name in case.networks():
        ones = Mask.ones(start(Architecture(name), 0))
        total, floor = ones.total, ones.total - sum(mask.numel() for mask in ones.values())
        for left in (floor + 1, floor, max(1, floor // 2)):
            _handled(case, name, left / total)


@rule(
    "full",
    catches="cuts at a threshold: with equal scores they keep too many weights, or none.",
    fix="rank and take exactly as many as the density allows, ties by index; prune_least does",
)
def ties_are_cut_exactly(case: Case) -> None:
    """Start from a network all of whose weights are equal, so that scores are, too."""
    pruned_once = False
    for name in case.networks():
        initial = start(Architecture(name), 0)
        with torch.no_grad():
            for weight in prunable_weights(initial).values():
                weight.fill_(0.05)
        bench = case.bench(name, initial=initial)
        for density, pruned in case.reachable(bench):
            where = f"{place(bench, [density])}, equal weights"
            require_density(case, pruned, density, parameter_count(initial), where)
            pruned_once |= density < 1
    if not pruned_once:
        raise CheckSkipped(NONE_REACHED)
