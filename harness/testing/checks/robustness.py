"""Checks on numbers that are none: what a method does with them must be seen."""

from typing import Any

import torch

from harness.errors import UsageError
from harness.networks.architecture import Network
from harness.pruning.workbench import TrainingDiverged
from harness.sparsity.mask import Mask
from harness.testing.case.case import Case, place
from harness.testing.case.failures import CheckFailed
from harness.testing.case.watched_bench import WatchedBench
from harness.testing.checks.registry import rule

_CLEAR = (ValueError, ArithmeticError, UsageError, TrainingDiverged)


class BrokenBench(WatchedBench):
    """A workbench whose trained networks have a weight that is not a number."""

    def train(self, network: Network, mask: Mask | None = None, round: int = 0, **length: Any) -> Network:
        """Return the trained network with NaN in the first weight of its first convolution that ``mask`` keeps."""
        trained = super().train(network, mask, round, **length)
        name, weight = next((name, weight) for name, weight in trained.named_parameters() if weight.dim() == 4)
        kept = mask[name].flatten() if mask and name in mask else torch.ones(weight.numel(), dtype=torch.bool)
        with torch.no_grad():
            weight.view(-1)[int(kept.nonzero()[0])] = float("nan")
        return trained


@rule(
    "full",
    catches="NaN that is sorted somewhere or zeroed: a ruined network that is scored as if nothing had happened.",
    fix="raise ValueError where a weight or score is not finite (prune_least does), or leave it for the harness to see",
)
def not_a_number_is_reported(case: Case) -> None:
    """Let bench.train give a network with one NaN; it must be refused, or still be visible in what is yielded."""
    for name in case.networks():
        for density in (0.6, 0.25):
            bench = case.bench(name, kind=BrokenBench)
            where = f"{place(bench, [density])}, one trained weight is NaN"
            try:
                pruned = case.yields(bench, case.asked_for(density))[-1]
            except CheckFailed:
                raise
            except _CLEAR:
                continue
            except Exception as error:
                what = (
                    f"the method raised {type(error).__name__}: {error}; expected a ValueError that names what is wrong"
                )
                raise CheckFailed(what, where) from error
            if all(bool(torch.isfinite(tensor).all()) for tensor in pruned.network.state_dict().values()):
                raise CheckFailed("a finite network came out without a word; expected an error", where)
