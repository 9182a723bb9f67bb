"""The one interface of every method: the algorithm itself, as a generator of networks."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from harness.networks.architecture import Network
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.workbench import Workbench
from harness.sparsity.mask import Mask

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


Borrowable = Literal["mask", "ticket"]


@dataclass(frozen=True, kw_only=True)
class Pruner(ABC):
    """A pruning method: a frozen, keyword-only dataclass whose fields are its hyperparameters.

    Give `source` and `prune`; the rest has defaults. A pruner keeps no state, draws only from `bench.generator`,
    trains only with `bench.train`, and never builds a loss.
    """

    source: ClassVar[str]
    """Citation, section, equation."""
    search_space: ClassVar["Mapping[str, BaseDistribution]"] = {}
    """Optuna distributions by field name."""
    level_order: ClassVar[Literal["sequential", "independent"]] = "sequential"
    """``independent`` promises prune(b, [x, y]) == prune(b, [x]) + prune(b, [y]), bit for bit."""
    variants: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    """Field values that ``--methods all`` runs, one entry each."""
    control: ClassVar[bool] = False
    """Whether it is there for others to be compared with: where it does as well, their choice was worth nothing."""
    family: ClassVar[str] = "other"
    """What kind of method it is, for readers: ticket, one shot, channels, architecture, trained (prunes a trained
    network), or a word of its own of at most 20 characters; that of a control is control."""

    gives: ClassVar[Borrowable | None] = "mask"
    """What another method can borrow: the ``mask`` of its networks; a ``ticket`` alone, where it cuts parts of W0 out
    and has no mask; or None, where its networks are no part of W0."""
    borrows: ClassVar[Borrowable] = "mask"
    """What it asks the methods of `borrows_from` for."""

    @property
    def loss(self) -> str:
        """Name of the loss schedule that the method trains with unless ``--loss`` says otherwise."""
        return "plain"

    @property
    def density_tolerance(self) -> float:
        """Allowed |achieved - asked| / asked density; 0 = exact to one weight."""
        return 0.0

    @property
    def borrows_from(self) -> tuple[str, ...]:
        """The methods that it borrows from on its bench, written as entries: a change in one is a change in this."""
        return ()

    def without_loss(self) -> tuple[str | None, "Pruner"]:
        """Return (registered name, method) to use when ``--loss`` replaces the default; None = the same name.

        For methods that are another method with a loss of their own.
        """
        return None, self

    def skip(self, network: Network) -> str | None:  # noqa: ARG002
        """Return one sentence why the method does not apply to ``network``, or None. The report shows it."""
        return None

    def skip_trained(self) -> str | None:
        """Return one sentence why the method does not apply where W0 is trained already (``--trained``), or None."""
        return None

    def mask_at(self, bench: Workbench, density: float) -> Mask | None:
        """Return the mask of ``density`` < 1 for a method that borrows it; what is only needed for the mask is done."""
        return self._pruned_to(bench, density).mask

    def ticket_at(self, bench: Workbench, density: float) -> PrunedNetwork:
        """Return W0 pruned as the method prunes at ``density`` < 1, once all is done that the method does for it.

        Raises ValueError where its network is no part of W0.
        """
        return self.rewound(bench, self._pruned_to(bench, density), density)

    def rewound(self, bench: Workbench, pruned: PrunedNetwork, density: float) -> PrunedNetwork:  # noqa: ARG002
        """Return W0 pruned as ``pruned`` is at ``density`` < 1. Raises ValueError where that is no part of W0."""
        if pruned.mask is None:
            raise ValueError(f"{type(self).__name__} gives no mask and does not say what it leaves of W0")
        network = bench.network()
        pruned.mask.apply_(network)
        return PrunedNetwork(network, pruned.mask)

    def _pruned_to(self, bench: Workbench, density: float) -> PrunedNetwork:
        wanted = [density] if self.level_order == "independent" else [1.0, density]
        *_, pruned = self.prune(bench, wanted)
        return pruned

    @abstractmethod
    def prune(self, bench: Workbench, densities: Sequence[float]) -> Iterator[PrunedNetwork]:
        """Yield one network per density, densest first; ``densities`` in (0, 1], descending.

        Density 1 asks for the dense network: `bench.dense()` unless the method has its own.
        """
