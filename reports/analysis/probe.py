"""Whether training was worth it: the dense network beside a logistic regression on the features that it starts from."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.evaluation.auc import mean_auc, paired_auc_difference
from harness.reports.analysis.outcomes import Outcome, labels_of, scores_of
from harness.results import names


@dataclass(frozen=True)
class AgainstProbe:
    """Mean test AUCs of ``dense`` and ``probe`` over the ``seeds`` that have both.

    ``difference`` is dense - probe, ``low`` and ``high`` its 95 % interval over images and seeds.
    """

    seeds: tuple[int, ...]
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
    """Return what the dense network of one group comes to beside the probe, None where no seed has both."""
    dense, probe = (
        {cell.seed: cell for cell in cells if cell.entry == name and cell.done} for name in (names.DENSE, names.PROBE)
    )
    seeds = sorted(dense.keys() & probe.keys())
    if not seeds:
        return None
    both = [[one[seed] for seed in seeds] for one in (dense, probe)]
    labels, scores = labels_of(both[0]), [scores_of(own) for own in both]
    means = [mean_auc(labels, own)[0] for own in scores]
    gap = paired_auc_difference(labels, scores[1], scores[0])
    return AgainstProbe(tuple(seeds), means[0], means[1], gap.value, gap.low, gap.high)
