"""What a study of some size could tell, by the formulas of the verdicts, before anybody trains."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from harness.power.binormal import Expected, expected_auc, expected_sensitivity
from harness.power.precision import LEVEL, MIDDLES, POWER, Precision, larger, of_dense, of_difference, pooled
from harness.power.study import Assumptions, Study


class Comparison(NamedTuple):
    """What AUC tells of two entries: half of one difference's 95 % interval, and the ``gap`` that is told apart."""

    half_width: float
    gap: float


def comparison(study: Study, assumed: Assumptions) -> Comparison:
    """Return what is told apart by a two-sided test at Holm's (1979) first step among all pairs and levels."""
    precision = _of_aucs(study, assumed)
    return Comparison(precision.half_width(), precision.shown(_first_step(study)))


def found(study: Study, assumed: Assumptions, gap: float) -> float:
    """Return how often two entries whose AUCs are ``gap`` apart are told apart by the same test."""
    return _of_aucs(study, assumed).power(gap, _first_step(study))


def _of_aucs(study: Study, assumed: Assumptions) -> Precision:
    return pooled(study, of_difference(study, assumed, expected_auc(assumed.auc)), study.entries)


def _first_step(study: Study) -> float:
    return (1 - LEVEL) / (2 * study.comparisons)


class Safe(NamedTuple):
    """How often a network that loses nothing is called safe, ``called``, and the dense one strong enough, ``strong``.

    ``bounded`` is how often the loss is shown to be below the margin, however strong the dense network.
    """

    called: float
    bounded: float
    strong: float


def safe(study: Study, assumed: Assumptions, fpr: float, delta: float) -> Safe:
    """Return the chances of the answer *safe* where nothing is lost, at equal shares ``fpr`` of false alarms.

    The loss must be shown below ``delta`` and the dense lift above 2 ``delta``. Of a dense network that happens to look
    strong the other looks as if it lost: the two are joined by a normal copula with their estimates' correlation.
    """
    figure = expected_sensitivity(assumed.auc, fpr)
    noise = of_difference(study, assumed, figure)
    loss = larger(study, noise, study.entries + 1, _lacking(study, assumed, figure, delta))  # dense is one of them
    bounded, strong = loss.power(delta, 1 - LEVEL), shown_strong(study, assumed, fpr, delta)
    dense = of_dense(study, assumed, figure)
    share = (noise.images + noise.training) / (dense.images + dense.training)
    return Safe(_both(bounded, strong, -math.sqrt(share) / 2), bounded, strong)


def _lacking(study: Study, assumed: Assumptions, figure: Expected, delta: float) -> float:
    """Return what the variance over the positives lacks to that of a loss of ``delta``."""
    images = of_difference(study, assumed, figure._replace(ratio=0.0)).images
    return max(0.0, delta * (1 - delta) / study.positives - images / (study.folds or 1))


def shown_strong(study: Study, assumed: Assumptions, fpr: float, delta: float) -> float:
    """Return how often the dense lift is shown above 2 ``delta``; its own networks alone tell their variance."""
    figure = expected_sensitivity(assumed.auc, fpr)
    return pooled(study, of_dense(study, assumed, figure), 2).power(figure.value - fpr - 2 * delta, 1 - LEVEL)


def _both(first: float, second: float, correlation: float) -> float:
    """Return the probability of two events with these chances, by a normal copula."""
    if min(first, second) <= 0:
        return 0.0
    rest = math.sqrt(1 - correlation**2)
    return float(first * np.mean(ndtr((ndtri(second) - correlation * ndtri(MIDDLES * first)) / rest)))


def strong_from(study: Study, assumed: Assumptions, fpr: float, delta: float) -> float | None:
    """Return the AUC from which a dense network is shown strong enough with power `POWER`; None: from none."""

    def lacking(auc: float) -> float:
        return shown_strong(study, replace(assumed, auc=auc), fpr, delta) - POWER

    weakest, best = 0.5, 0.9999
    return float(brentq(lacking, weakest, best)) if lacking(best) > 0 else None
