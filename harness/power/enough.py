"""How many positives, or seeds, a study needs before its power is enough."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from harness.evaluation.safety import FEWEST_NETWORKS
from harness.power.precision import POWER
from harness.power.study import Study

ANY_NUMBER = 10**9
"""So many seeds are as good as any number of them."""

Power = Callable[[Study], float]
"""The power of a study, which more images and more seeds only raise."""


class Question(NamedTuple):
    """The power of a study for one question, None with too few networks, and what else would reach `POWER`."""

    power: float | None
    least_positives: int | None
    least_seeds: int | None


def question(study: Study, power: Power) -> Question:
    """Return what a study says to a question, and the least numbers, of positives or of seeds, that would do."""
    here = power(study) if study.networks >= FEWEST_NETWORKS else None
    return Question(here, least_positives(study, power), least_seeds(study, power))


def least_positives(study: Study, power: Power) -> int | None:
    """Return from how many positives on ``power`` reaches `POWER`, with as many negatives each; None: from none.

    Where not even images without number would do, the networks are too few.
    """
    if study.networks < FEWEST_NETWORKS:
        return None
    share = study.negatives / study.positives

    def enough(positives: float) -> bool:
        return power(replace(study, positives=positives, negatives=share * positives)) >= POWER

    return _least(enough, 2 * (study.folds or 1)) if enough(math.inf) else None


def least_seeds(study: Study, power: Power) -> int | None:
    """Return from how many seeds (with folds: of each) on ``power`` reaches `POWER`; None: from none.

    Where not even seeds without number would do, the images are too few.
    """

    def enough(seeds: int) -> bool:
        return power(replace(study, seeds=seeds)) >= POWER

    return _least(enough, math.ceil(FEWEST_NETWORKS / (study.folds or 1))) if enough(ANY_NUMBER) else None


def _least(enough: Callable[[int], bool], fewest: int) -> int:
    """Return the least number from ``fewest`` on that is enough, where there is one and every larger one is, too."""
    most = fewest
    while not enough(most):
        most *= 2
    least = max(fewest, most // 2)
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle + 1, most)
    return least
