"""Whether training was worth it: the dense network beside a logistic regression on the features that it starts from."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.reports.analysis.differences import auc_contrast, mean_auc_of
from harness.reports.analysis.outcomes import Outcome
from harness.results import names


@dataclass(frozen=True)
class AgainstProbe:
    """Mean test AUCs of ``dense`` and ``probe`` over the ``networks``, (fold, seed), that have both.

    ``difference`` is dense - probe, ``low`` and ``high`` its 95 % interval over images and networks.
    """

    networks: tuple[tuple[int, int], ...]
    dense: float
    probe: float
    difference: float
    low: float
    high: float

    @property
    def badly_trained(self) -> bool:
        """Say whether the dense network is not above the probe."""
        return self.dense <= self.probe


def against_probe(cells: Sequence[Outcome]) -> AgainstProbe | None:
    """Return what the dense network of one group comes to beside the probe, None where no network has both."""
    dense, probe = (
        {cell.network: cell for cell in cells if cell.entry == name and cell.done}
        for name in (names.DENSE, names.PROBE)
    )
    both = sorted(dense.keys() & probe.keys())
    if not both:
        return None
    pair = [[one[network] for network in both] for one in (dense, probe)]
    found = auc_contrast(pair, (1, -1))
    low, high = found.interval()
    return AgainstProbe(tuple(both), mean_auc_of(pair[0]), mean_auc_of(pair[1]), found.value, low, high)
