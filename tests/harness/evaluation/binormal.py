"""Scores of networks whose truth is known: binormal, with noise shared by all networks, by a seed's, by a method's.

Networks of one seed correlate by .60, those of one method by .65. A network's distance of the classes' means is itself
drawn: ``tau`` is the standard deviation of its true AUC over seeds, at an AUC of the dense network's.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

ALL, SEED, METHOD, OWN = 0.50, 0.10, 0.15, 0.25
FPR = 0.30


@dataclass(frozen=True)
class World:
    """``losses`` of sensitivity at `FPR` false alarms, one an entry, beside a network of AUC ``auc``, true means.

    ``given``: the first entry is one network under every seed; its ``tau`` is 0 then.
    """

    losses: tuple[float, ...]
    networks: int
    positives: int = 75
    negatives: int = 304
    auc: float = 0.80
    tau: float | tuple[float, ...] = 0.02
    given: bool = False

    def shifts(self):
        """Standard deviations (M,) of the distance over seeds: tau over the slope of the AUC by the distance."""
        distance = math.sqrt(2) * ndtri(self.auc)
        slope = math.exp(-(distance**2) / 4) / math.sqrt(2 * math.pi) / math.sqrt(2)
        return np.broadcast_to(np.asarray(self.tau) / slope, len(self.losses))

    def distances(self):
        """Mean distances (M,), for E Phi(a + b z) = Phi(a / sqrt(1 + b^2)): the sensitivities are exact means."""
        sensitivity = self.sensitivity - np.asarray(self.losses)
        return ndtri(sensitivity) * np.sqrt(1 + self.shifts() ** 2) - ndtri(FPR)

    @property
    def sensitivity(self):
        """The mean sensitivity of an entry that loses nothing."""
        return ndtr(math.sqrt(2) * ndtri(self.auc) + ndtri(FPR))

    def aucs(self):
        """The mean AUCs (M,)."""
        return ndtr(self.distances() / np.sqrt(2 + self.shifts() ** 2))

    def drawn_distances(self, generator):
        """The distances (M, J) of networks."""
        return self.distances()[:, None] + self.shifts()[:, None] * generator.normal(
            size=(len(self.losses), self.networks)
        )

    def draw(self, generator, distances=None):
        """Labels (n,) and scores (M, J, n) of these ``distances`` (M, J), else of new networks."""
        labels = np.r_[np.ones(self.positives), np.zeros(self.negatives)].astype(int)
        entries, networks, images = len(self.losses), self.networks, labels.size
        distances = self.drawn_distances(generator) if distances is None else distances
        noise = math.sqrt(OWN) * generator.normal(size=(entries, networks, images))
        noise += math.sqrt(METHOD) * generator.normal(size=(entries, 1, images))
        noise += math.sqrt(SEED) * generator.normal(size=(1, networks, images))
        if self.given:
            noise[0] = math.sqrt(SEED + METHOD + OWN) * generator.normal(size=images)
        noise += math.sqrt(ALL) * generator.normal(size=images)
        return labels, distances[:, :, None] * labels + noise
