"""Which positives pruning loses: those that most pruned networks miss and most dense ones find, by their ids."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.evaluation.equal_alarms import called, cut_at
from harness.reports.analysis.design import Design, by_part
from harness.reports.analysis.outcomes import Outcome

FEWEST_NETWORKS, FEWEST_OF_A_FOLD = 5, 3
"""Below so many networks, or with folds so many that test an image, a majority is chance."""


def countable(design: Design) -> bool:
    """Say whether there are networks enough to speak of a majority of them."""
    enough = len(design.networks) >= FEWEST_NETWORKS
    return enough and not (design.folded and len(design.seeds) < FEWEST_OF_A_FOLD)


def lost_positives(pruned: Sequence[Outcome], dense: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the ids of the positives lost, in order; both have the same networks, all of them done.

    Each network calls the share of its negatives that the terms ask for; it misses a positive of which it calls less
    than half. A majority is more than half of the networks whose fold tests the image.
    """
    lost: list[str] = []
    for own, reference in zip(by_part(pruned), by_part(dense), strict=True):
        labels = own[0].labels
        assert labels is not None
        gone = (_missed(own) > 0.5) & (_missed(reference) < 0.5)
        positives = np.array(own[0].images)[labels == 1]
        lost += [str(identity) for identity in positives[gone]]
    return tuple(sorted(lost))


def _missed(networks: Sequence[Outcome]) -> npt.NDArray[np.float64]:
    """Return of each positive of one test part the share of the networks that miss it, (P,)."""
    return np.asarray(np.mean([missed_by(one) for one in networks], axis=0))


def missed_by(one: Outcome) -> npt.NDArray[np.bool_]:
    """Return which positives a network misses where it calls the share of its negatives that the terms ask for, (P,).

    It misses a positive of which it calls less than half.
    """
    assert one.scores is not None
    assert one.labels is not None
    positive = one.labels == 1
    cut = cut_at(one.scores[~positive], one.terms.fpr)
    return np.asarray(called(one.scores[positive], cut) < 0.5)
