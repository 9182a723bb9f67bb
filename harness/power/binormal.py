"""How far test images let a figure scatter, before any network is trained: the binormal model.

Scores of the negatives are N(0, 1), of the positives N(mu, 1); the scores of two networks correlate alike within
each class. Then AUC = Phi(mu / sqrt 2), and at the share f of false alarms the sensitivity is Phi(mu + Phi^-1(f)).
Source: Pepe (2003), The Statistical Evaluation of Medical Tests, section 4.4.
"""

import math
from typing import NamedTuple

from scipy.special import ndtr, ndtri, owens_t


class Expected(NamedTuple):
    """A figure of a network with a known true AUC, and what its images contribute to its error.

    ``value`` is the true figure and ``slope`` its derivative by the AUC. Its estimate is, but for terms of 1 / (P N), a
    mean over the P positives plus ``ratio`` times one over the N negatives; ``positive_cut``, ``negative_cut`` and
    ``shared`` are what `joint_excess` wants of either class for two networks.
    """

    value: float
    slope: float
    positive_cut: float
    negative_cut: float
    shared: float
    ratio: float

    def covariance(self, correlation: float, positives: float, negatives: float) -> float:
        """Return that of two networks' estimates whose scores correlate so, on the same images; 1: the variance."""
        joint = self.shared * correlation
        of_negatives = self.ratio**2 * joint_excess(self.negative_cut, joint) / negatives
        return joint_excess(self.positive_cut, joint) / positives + of_negatives


def expected_auc(auc: float) -> Expected:
    """Return the AUC itself, in (0, 1): a positive contributes the share of the negatives below it.

    Two networks' shares are both the chance that independent negatives lie below: their correlation is halved.
    """
    cut = float(ndtri(auc))
    return Expected(auc, 1.0, cut, cut, shared=0.5, ratio=1.0)


def expected_sensitivity(auc: float, fpr: float) -> Expected:
    """Return the sensitivity at the share ``fpr`` of false alarms, its cut estimated on the same negatives.

    A negative moves the cut, and this the sensitivity by the slope of the ROC curve: Pepe (2003), result 5.1.
    """
    quantile, negative_cut = float(ndtri(auc)), float(ndtri(fpr))
    positive_cut = math.sqrt(2) * quantile + negative_cut
    height = _density(positive_cut)
    slope = math.sqrt(2) * height / _density(quantile)
    ratio = height / _density(negative_cut)
    return Expected(float(ndtr(positive_cut)), slope, positive_cut, negative_cut, shared=1.0, ratio=ratio)


def joint_excess(cut: float, correlation: float) -> float:
    """Return P(X < cut, Y < cut) - P(X < cut)^2 of two standard normals that correlate so, in [0, 1].

    Source: Owen (1956), Annals of Mathematical Statistics 27, 1075-1090.
    """
    below = float(ndtr(cut))
    apart = math.sqrt((1 - correlation) / (1 + correlation))
    return below - 2 * float(owens_t(cut, apart)) - below**2


def _density(value: float) -> float:
    return math.exp(-(value**2) / 2) / math.sqrt(2 * math.pi)
