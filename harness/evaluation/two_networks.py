"""Two given networks on the same images: does the second find fewer positives? No claim on how either was made.

The variance is that over the images alone, var(h)/P + var(g)/N in the words of docs/results.md: another training of
either would be another network, and another question.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.evaluation.auc import auc_interval
from harness.evaluation.contrasts import Contrast, contrast
from harness.evaluation.equal_alarms import at_cuts, called, cut_at, equal_alarms
from harness.evaluation.metrics import ImageScores, Labels, checked
from harness.evaluation.safety import (
    LARGEST_TIE,
    Answer,
    Deployed,
    Judgement,
    Needed,
    answer_of,
    difference,
    largest_tie,
    lift_of,
    loss_of,
    positives_to_decide,
    within_margins,
)
from harness.evaluation.variances import Floats

BASELINE, CANDIDATE = 0, 1
"""Places of the two where both are in one table."""


class Found(NamedTuple):
    """A share of the positives that a network finds, and its 95 % interval over the images."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TwoNetworks:
    """What can be said of a candidate beside a baseline on these images.

    ``baseline`` and ``candidate`` are their sensitivities at equal false alarms. ``lost`` says of each image whether it
    is a positive that the baseline finds and the candidate misses, (n,). ``tied`` is the share of the images that have
    the candidate's most frequent score. ``deployed`` is None where a cut is not known.
    """

    judgement: Judgement
    baseline: Found
    candidate: Found
    lost: npt.NDArray[np.bool_]
    tied: float
    deployed: Deployed | None

    @property
    def ranks_too_little(self) -> bool:
        """Say whether the candidate gives so many images one score that it is never called safe."""
        return self.tied >= LARGEST_TIE

    @property
    def answer(self) -> Answer:
        """Return the answer: never `Answer.ANECDOTE`, and never safe for a candidate that ranks too little."""
        found = self.judgement.answer
        return Answer.UNDECIDED if found == Answer.SAFE and self.ranks_too_little else found


def two_networks(
    labels: Labels,
    baseline: ImageScores,
    candidate: ImageScores,
    fpr: float,
    delta: float,
    cuts: tuple[float, float] | None = None,
) -> TwoNetworks:
    """Return the comparison of two networks at ``fpr`` false alarms; labels and scores (n,).

    ``delta`` is the loss, in shares of the positives, that is too large; ``cuts`` are those of baseline and candidate
    that were fixed on other images. Raises `DataError` as `checked` does.
    """
    positive, first = checked(labels, baseline)
    _, second = checked(labels, candidate)
    both = np.stack([first, second])[:, None]
    part, weights = equal_alarms(positive, both, fpr), difference(2, BASELINE, CANDIDATE)
    loss, lift = loss_of([part], weights, delta), lift_of([part], BASELINE, fpr)
    answer = answer_of(loss, lift, delta)
    needed = Needed(positives_to_decide(part, weights, loss, delta), None) if answer == Answer.UNDECIDED else None
    fewer = min(positive.sum(), (~positive).sum())
    found = [_found(contrast([part], alone), int(fewer)) for alone in np.eye(2)]
    missed = [positive & ~_finds(positive, scores, fpr) for scores in (first, second)]
    return TwoNetworks(
        Judgement(answer, loss, lift, needed),
        found[BASELINE],
        found[CANDIDATE],
        positive & ~missed[BASELINE] & missed[CANDIDATE],
        largest_tie(second),
        None if cuts is None else _deployed(positive, both, cuts, delta),
    )


def _found(share: Contrast, fewer: int) -> Found:
    return Found(share.value, *auc_interval(share.value, share.variance, fewer, freedom=share.freedom))


def _finds(positive: npt.NDArray[np.bool_], scores: Floats, fpr: float) -> npt.NDArray[np.bool_]:
    """Return which images are called, at least half of them where only a share of a tie is, (n,)."""
    return np.asarray(called(scores, cut_at(scores[~positive], fpr)) >= 0.5)


def _deployed(positive: npt.NDArray[np.bool_], both: Floats, cuts: tuple[float, float], delta: float) -> Deployed:
    weights = difference(2, CANDIDATE, BASELINE)
    missed, alarms = (loss_of([one], weights, delta) for one in at_cuts(positive, both, np.array(cuts)[:, None]))
    return Deployed(missed, alarms, within_margins(missed, alarms, delta))
