"""Scratch: what a method leaves of W0, trained from W0 for as many steps as the method took in all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.methods.layerwise import Other
from harness.pruning import PrunedNetwork, Pruner, Workbench


@dataclass(frozen=True, kw_only=True)
class Scratch(Pruner):
    """The control of ``of`` at its total budget: its mask, or its channels, on W0, trained once for all of its steps.

    Where the method is no better, its way to the mask was worth nothing beside the mask and the steps. The schedule is
    stretched to the steps that ``of`` trains for the level, its dense network and all rounds among them, under the loss
    of the later rounds. What it costs to find the mask is not counted: it is given to the control.

    The paper's Scratch-B spends the operations that the large network's training took, and starts from random weights;
    here it is the steps of all that the method trained, and W0 has the convolutions that every method starts from.
    """

    source = "Liu, Sun, Zhou, Huang & Darrell 2019, arXiv:1810.05270, Sec. 3, after Scratch-B"
    level_order = "independent"
    gives = None
    borrows = "ticket"
    control = True
    variants = ({"of": "lt"}, {"of": "structured-magnitude"})

    of: Other = "lt"

    @property
    def borrows_from(self) -> tuple[str, ...]:
        """The method that is controlled."""
        return (self.of,)

    @property
    def density_tolerance(self) -> float:
        """That of methods which cut channels out, the widest of those that may be controlled."""
        return 0.02

    def skip_trained(self) -> str | None:
        """Return why W0 is no start from scratch."""
        return "W0 is a trained network: what is left of it is not trained from scratch"

    def prune(self, bench: Workbench, densities: Sequence[float]) -> Iterator[PrunedNetwork]:
        """Yield the trained network of each density."""
        for density in densities:
            if density == 1:
                yield PrunedNetwork(bench.dense())
                continue
            ticket = bench.ticket_of(self.of, density)
            schedule = bench.schedule.for_steps(max(ticket.steps, 1))  # none where all that it trained was dead
            yield PrunedNetwork(bench.train(ticket.network, ticket.mask, round=1, schedule=schedule), ticket.mask)
